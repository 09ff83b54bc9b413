// Every recorded source of the reference makes the recorded image, and every recorded image disassembles exactly.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hxeCrc } from "../../../host/formats/hxe.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { disassemble } from "../../../host/toolchain/disassembler.ts";
import { type LinkResult, link } from "../../../host/toolchain/linker.ts";

const RECORDED = new URL("../../vectors/recorded/", import.meta.url);
const HEADER_SIZE = 96;
const CRC_OFFSET = 28;

const names = readdirSync(new URL("mvasm/", RECORDED)).map((f) => f.replace(/\.mvasm$/, ""));

function recorded(path: string): Buffer {
  return readFileSync(new URL(path, RECORDED));
}

function build(source: string, name: string): LinkResult {
  const { object, diagnostics } = assemble(source, { file: `${name}.mvasm` });
  expect(diagnostics).toEqual([]);
  // The reference stores mailboxes as JSON only.
  return link(object === undefined ? [] : [object], { mailboxForm: "json" });
}

/** Carries out the `; @patch label+offset = word` lines of a source on its image. */
function patch(source: string, { image, symbols }: LinkResult): Uint8Array | undefined {
  if (image === undefined) return undefined;
  const view = new DataView(image.buffer);
  for (const [, label, offset, word] of source.matchAll(
    /^; @patch (\w+)(?:\+(\d+))? = (0x[0-9A-F]+)$/gm,
  )) {
    const symbol = symbols.find((s) => s.name === label);
    expect(symbol?.section).toBe("text");
    view.setUint32(HEADER_SIZE + (symbol?.address ?? 0) + Number(offset ?? 0), Number(word));
  }
  view.setUint32(CRC_OFFSET, hxeCrc(image, 2));
  return image;
}

describe("recorded sources", () => {
  it("are all here", () => {
    expect(names).toHaveLength(81);
  });

  it.each(names)("%s assembles and links byte for byte", (name) => {
    const source = recorded(`mvasm/${name}.mvasm`).toString();
    expect(source).not.toMatch(/@trunc/);
    const image = patch(source, build(source, name));
    expect(Buffer.from(image ?? []).toString("hex")).toBe(
      recorded(`hxe/${name}.hxe`).toString("hex"),
    );
  });
});

describe("recorded images", () => {
  it.each(names)("%s disassembles to source that makes it again", (name) => {
    const image = recorded(`hxe/${name}.hxe`);
    const { source, exact, inexpressible } = disassemble(image);
    expect(inexpressible).toEqual([]);
    expect(exact).toBe(true);
    const { object } = assemble(source ?? "", { file: "disassembled.mvasm" });
    const linked = link(object === undefined ? [] : [object]);
    expect(Buffer.from(linked.image ?? []).equals(image)).toBe(true);
  });
});
