// Object files: written, read back, and broken ones named.
import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";
import { decodeHxo, encodeHxo } from "../../../host/formats/hxo.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { link } from "../../../host/toolchain/linker.ts";

const SOURCE = `
.app "demo", single
.stack 256
.caps FRAM, 0x10
.manifest {"name": "demo", "n": 1.5}
.export main
.import helper
.value {"group": 1, "id": 2, "name": "x", "unit": "", "init": -0.5, "min_raw": 0x8000, "persist": "0x10"}
.cmd [{"group": 1, "id": 3, "handler": "main", "help": "h"}, {"group": 1, "id": 4, "handler": 4}]
.mailbox {"target": "app:é", "mode": "RDWR|TAP", "owner_pid": 1, "note": [1, {"a": null}]}
.mailbox_form json
.entry main
main:
    LDI32 R1, d + 3
    CALL helper
    JNZ main
    RET
.data
d:  .word main, d
    .half lo16(d)
    .byte off16(d)
.bss
b:  .zero 9
`;

/** Written by the reference's assembler: two sources, one of which calls the other. */
const LIBRARY = `{
  "version": 1, "entry": 0, "entry_symbol": null, "code": [16777258, 620756992], "rodata": "",
  "externs": ["foo"], "imports": [], "relocs": [],
  "symbols": { "foo": { "section": "text", "offset": 0 } }
}`;
const MAIN = `{
  "version": 1, "entry": 0, "entry_symbol": "main",
  "code": [20971520, 603979776, 72351744, 67436544, 620756992], "rodata": "",
  "externs": ["main"], "imports": ["foo"],
  "relocs": [{ "type": "jump", "index": 1, "symbol": "foo", "kind": "symbol", "section": "code", "pc_relative": true }],
  "symbols": { "main": { "section": "text", "offset": 0 } }
}`;

function objectOf(source: string) {
  const { object, diagnostics } = assemble(source, { file: "a.mvasm" });
  if (object === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  return object;
}

function readBack(text: string) {
  const { object, diagnostics } = decodeHxo(text, "a.hxo");
  if (object === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  return object;
}

describe("encodeHxo", () => {
  it("writes what decodeHxo reads back to the same text", () => {
    const text = encodeHxo(objectOf(SOURCE));
    expect(encodeHxo(readBack(text))).toBe(text);
  });

  it("keeps all that the linker needs", () => {
    const helper = objectOf(".export helper\nhelper: RET");
    const direct = link([objectOf(SOURCE), helper]);
    const stored = link([readBack(encodeHxo(objectOf(SOURCE))), readBack(encodeHxo(helper))]);
    expect(direct.diagnostics).toEqual([]);
    expect(stored.image).toEqual(direct.image);
  });

  it("writes JSON of two blanks a level with the reference's names", () => {
    const json = JSON.parse(encodeHxo(objectOf(SOURCE)));
    expect(Object.keys(json).slice(0, 5)).toEqual([
      "version",
      "entry",
      "entry_symbol",
      "code",
      "rodata",
    ]);
    expect(json.relocs[1]).toEqual({
      type: "jump",
      index: 2,
      symbol: "helper",
      kind: "symbol",
      section: "code",
      pc_relative: true,
    });
    expect(json.relocs[0]).toMatchObject({ type: "imm32", index: 1, symbol: "d", addend: 3 });
    expect(json.local_symbols.d).toEqual({ section: "data", offset: 0, abs_addr: 0x4000 });
    expect(encodeHxo(objectOf(SOURCE)).split("\n")[1]).toBe('  "version": 1,');
  });
});

describe("decodeHxo", () => {
  it("reads and links objects of the reference", () => {
    const { hxe, diagnostics } = link([readBack(MAIN), readBack(LIBRARY)], { appName: "x" });
    expect(diagnostics).toEqual([]);
    expect(Buffer.from(hxe?.code ?? []).toString("hex")).toBe(
      "01400000240000040450000004050000250000000100002a25000000".replace(/ /g, ""),
    );
  });

  it.each([
    ["", "1:1: error: the JSON is left open"],
    ["[]", "1:1: error: an object file is a JSON object {…}"],
    ['{"version": 2}', '1:13: error: "version" is a whole number 1 to 1'],
    ["{}", "1:1: error: this is no object of version 1"],
    ['{"version": 1, "code": 5}', '1:24: error: "code" is an array'],
    ['{"version": 1, "code": [1.5]}', "1:25: error: a code word is a whole number of 32 bits"],
    ['{"version": 1, "rodata": "abc"}', '1:26: error: "rodata" is hexadecimal'],
    [
      '{"version": 1, "code": [0], "relocs": [{"type": "imm13", "index": 0, "symbol": "a"}]}',
      '1:40: error: there is no relocation "imm13"',
    ],
    [
      '{"version": 1, "code": [0], "relocs": [{"type": "jump", "index": 1, "symbol": "a"}]}',
      '1:66: error: "index" is a whole number 0 to 0',
    ],
    [
      '{"version": 1, "symbols": {"a": {"section": "heap", "offset": 0}}}',
      '1:33: error: symbol "a" is in no section text, data or bss',
    ],
    [
      '{"version": 1, "metadata": {"values": [{"group": 1}]}}',
      '1:40: error: this value lacks "id" or "value"',
    ],
  ])("refuses %s", (text, message) => {
    const { object, diagnostics } = decodeHxo(text, "a.hxo");
    expect(object).toBeUndefined();
    expect(formatDiagnostic(diagnostics[0] ?? fail()).split("\n")[0]).toBe(`a.hxo:${message}`);
  });

  it("refuses every truncation and never throws", () => {
    const text = encodeHxo(objectOf(SOURCE)).trimEnd();
    for (let length = 0; length < text.length; length += 7) {
      expect(decodeHxo(text.slice(0, length), "a.hxo").diagnostics.length).toBeGreaterThan(0);
    }
  });
});

function fail(): never {
  throw new Error("no diagnostic");
}
