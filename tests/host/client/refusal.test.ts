// What a person reads: every error a sentence with a remedy, every complaint about an image with its place.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { LocalNode } from "../../../host/client/local-node.ts";
import { explain, f16Text, NodeError, oidText } from "../../../host/client/refusal.ts";
import { Machine } from "../../../host/node/hal.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { link } from "../../../host/toolchain/linker.ts";
import { fromRoot } from "../../../scripts/root.ts";

const CODES = Object.values(Err).filter((code) => typeof code === "number");
const NOTHING = { offset: 0, need: 0, have: 0, resource: 0, pid: 0, oid: 0, name: "" };
const KINDS = [
  "task",
  "memory",
  "value",
  "command",
  "mailbox",
  "setting",
  "image",
  "store",
  "file",
] as const;

describe("an explanation", () => {
  it.each(CODES)("of %i is a sentence with a remedy, with its numbers or without", (code) => {
    for (const kind of KINDS) {
      for (const told of [code, 0]) {
        const { message, remedy } = explain(code, { ...NOTHING, code: told }, { kind, name: "it" });
        expect(message).toMatch(/^it: .*[^.]$/);
        expect(message).not.toMatch(/undefined|NaN|HXE_(?!\w+$)|error -/);
        if (code !== Err.OK) expect(remedy).toMatch(/^[a-z].*[^.]$/s);
      }
    }
  });

  it("writes ids and values as people do", () => {
    expect(oidText(0x0203)).toBe("2.3");
    // binary16: 0x2E66 is 0.0999756, the nearest to 0.1; 0x7E00 NaN, 0xFC00 -inf, 0x8000 -0
    const texts = [0x2e66, 0xc100, 0x7e00, 0xfc00, 0x8000].map(f16Text);
    expect(texts).toEqual(["0.1", "-2.5", "nan", "-inf", "-0"]);
  });
});

// ---- Images ----

const SOURCE = `
.app "victim"
.value {"group":1,"id":1,"name":"a","init":1,"min":0,"max":2,"persist_key":3}
.value {"group":1,"id":2,"name":"b"}
.cmd {"group":1,"id":1,"name":"c","handler":"start","help":"h"}
.stack 64
.entry start
start: RET
.data
.word 7
`;
const sound = link([assemble(SOURCE, { file: "victim.mvasm" }).object ?? fail()]).image ?? fail();
function fail(): never {
  throw new Error("the sample does not build");
}

// docs/hxe.md: header 96 bytes, code 4, rodata 4, then the table of 16-byte entries
const TABLE = 0x60 + 4 + 4;
const view = new DataView(sound.buffer, sound.byteOffset);
const VALUES = view.getUint32(TABLE + 4);
const COMMANDS = view.getUint32(TABLE + 16 + 4);

const module = new WebAssembly.Module(
  new Uint8Array(readFileSync(fromRoot("build/core/desktop.wasm"))),
);

async function refusalOf(image: Uint8Array): Promise<NodeError> {
  const node = await LocalNode.start(module, new Machine());
  try {
    node.load(image, { name: "victim.hxe" });
  } catch (error) {
    if (error instanceof NodeError) return error;
    throw error;
  }
  throw new Error("the node took it");
}

function changed(at: number, ...bytes: number[]): Uint8Array {
  const image = sound.slice();
  image.set(bytes, at);
  return image;
}

describe("a refused image", () => {
  it.each([
    ["an empty file", sound.slice(0, 0), "HXE_TRUNCATED", "the file is empty"],
    ["a note", new TextEncoder().encode("hello"), "HXE_TRUNCATED", "this is no HXE image"],
    [
      "a text",
      new TextEncoder().encode("hello world, this is no image at all"),
      "HXE_MAGIC",
      "header field magic",
    ],
    [
      "its version",
      changed(5, 9),
      "HXE_VERSION",
      "version 9 of the format is not known, 1 and 2 are (at 0x0004, header field version)",
    ],
    [
      "its flags",
      changed(7, 0x82),
      "HXE_FLAGS",
      "flags are 0x0082, of which only 0x0003 are known (at 0x0006, header field flags)",
    ],
    ["its entry", changed(11, 2), "HXE_ENTRY", "(at 0x0008, header field entry)"],
    [
      "its code",
      changed(15, 3),
      "HXE_CODE_LEN",
      "the code has 3 bytes; it takes a multiple of 4 from 4 to 65,536 (at 0x000C, header field code_len)",
    ],
    [
      "its rodata",
      changed(16, 1),
      "HXE_RO_LEN",
      "the length of rodata is 16,777,216, at most 65,536 is possible (at 0x0010, header field ro_len)",
    ],
    ["its bss", changed(20, 1), "HXE_BSS", "(at 0x0014, header field bss_size)"],
    [
      "its checksum",
      changed(0x1f, (sound[0x1f] as number) ^ 1),
      "HXE_CRC",
      "(at 0x001C, header field crc)",
    ],
    [
      "its name",
      changed(0x20, 0xff),
      "HXE_NAME",
      "app_name is not ASCII (at 0x0020, header field app_name)",
    ],
    ["its table", changed(0x40, 1), "HXE_TABLE", "header field meta_offset"],
    ["its table's length", changed(0x47, 200), "HXE_TABLE", "header field meta_count"],
    [
      "a reserved byte",
      changed(0x50, 1),
      "HXE_RESERVED",
      "a reserved byte is 0x01 instead of 0 (at 0x0050, header field reserved)",
    ],
    [
      "a section",
      changed(TABLE + 4, 1),
      "HXE_SECTION",
      `(at 0x${(TABLE + 4).toString(16).toUpperCase().padStart(4, "0")}, table entry 0, offset)`,
    ],
    [
      "a value's flags",
      changed(VALUES + 20 + 2, 0xff),
      "HXE_VALUE",
      "metadata section 0 (value), value 1, flags)",
    ],
    [
      "a value's minimum",
      changed(VALUES + 12, 0x7c),
      "HXE_VALUE",
      "metadata section 0 (value), value 0, min)",
    ],
    [
      "a command's flags",
      changed(COMMANDS + 2, 0xff),
      "HXE_COMMAND",
      "metadata section 1 (command), command 0, flags)",
    ],
    [
      "a text's place",
      changed(COMMANDS + 8, 0xff, 0xff),
      "HXE_STRING",
      "metadata section 1 (command), command 0, name)",
    ],
    [
      "a second id",
      changed(VALUES + 20 + 1, 1),
      "HXE_DUPLICATE",
      "metadata section 0 (value), value 1",
    ],
  ])("for %s names the place", async (_, image, code, text) => {
    const error = await refusalOf(image);
    expect([Err[error.code], error.message]).toEqual([code, expect.stringContaining(text)]);
    expect(error.message).toMatch(/^victim\.hxe: /);
    expect(error.remedy).toMatch(/^[a-z]/);
  });

  it("for what it needs names it", async () => {
    const fram = assemble(`.caps FRAM\nRET\n`, { file: "f.mvasm" }).object ?? fail();
    const error = await refusalOf(link([fram]).image ?? fail());
    expect(error.message).toBe(
      "victim.hxe: it needs FRAM, which this node has not; it has mailboxes, values, CAN, a UART, long branches (at 0x0018, header field req_caps)",
    );
    expect(error.remedy).toContain("--nv FILE");
  });
});
