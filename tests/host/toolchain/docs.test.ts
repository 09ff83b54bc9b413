// The pages on language and formats say what the toolchain does.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { DIRECTIVES } from "../../../host/toolchain/directives.ts";
import { link } from "../../../host/toolchain/linker.ts";
import { ISA_PAGE, renderIsaPage } from "../../../scripts/isa-page.ts";
import { fromRoot } from "../../../scripts/root.ts";

function page(file: string): string {
  return existsSync(fromRoot(file)) ? readFileSync(fromRoot(file), "utf8") : "";
}

/** The fenced blocks of one kind. */
function blocks(text: string, kind: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === kind)
    .map(([, , body]) => body ?? "");
}

function build(source: string) {
  const { object, diagnostics } = assemble(source, { file: "main.mvasm" });
  const linked = object === undefined ? undefined : link([object]);
  return { linked, diagnostics: [...diagnostics, ...(linked?.diagnostics ?? [])] };
}

describe("docs/isa.md", () => {
  it("is fresh (npm run gen)", () => {
    expect(page(ISA_PAGE)).toBe(renderIsaPage());
  });
});

describe("docs/mvasm.md", () => {
  const text = page("docs/mvasm.md");

  it.each(blocks(text, "mvasm").map((b) => [b.split("\n")[0], b]))(
    "example %s links",
    (_, source) => {
      expect(build(source ?? "").diagnostics.map(formatDiagnostic)).toEqual([]);
    },
  );

  it("shows a diagnostic as it is", () => {
    const [shown] = blocks(text, "");
    const { diagnostics } = build("main:\n    JMP mian\n");
    expect(`${diagnostics.map(formatDiagnostic).join("\n")}\n`).toBe(shown);
  });

  it("tells of every directive", () => {
    const missing = Object.keys(DIRECTIVES).filter((name) => !text.includes(`\`${name}`));
    expect(missing).toEqual([]);
  });
});

describe("docs/hxe.md", () => {
  const text = page("docs/hxe.md");
  const { linked } = build(blocks(text, "mvasm")[0] ?? "");
  const image = Buffer.from(linked?.image ?? []);

  it("shows the bytes its example makes", () => {
    const dump = (blocks(text, "hexdump")[0] ?? "").replace(/^\S+ {2}/gm, "");
    expect(image.toString("hex")).toBe(dump.replace(/\s/g, ""));
  });

  it("explains bytes that stand where it says", () => {
    const rows = [...text.matchAll(/^\| 0x([0-9A-F]+) \| (`.*`) \|/gm)];
    const told = rows.filter(([, , bytes]) => /^`[0-9a-f… ]+`( `[0-9a-f… ]+`)*$/.test(bytes ?? ""));
    expect(told.length).toBeGreaterThan(20);
    for (const [, at, bytes] of told) {
      const digits = (bytes ?? "").replace(/[` ]|00…/g, "");
      const offset = Number.parseInt(at ?? "", 16);
      expect(image.subarray(offset, offset + digits.length / 2).toString("hex")).toBe(digits);
    }
  });
});
