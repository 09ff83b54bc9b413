// The listing and the symbols file.
import { crc32 } from "node:zlib";
import { expect, it } from "vitest";
import { decodeHxo, encodeHxo, type HxoObject } from "../../../host/formats/hxo.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { link } from "../../../host/toolchain/linker.ts";
import { renderListing } from "../../../host/toolchain/listing.ts";
import { renderSymbols } from "../../../host/toolchain/symbols.ts";

const SOURCE = `; a small app
.app "demo"
.export main
main:
    LDI32 R1, text   ; where it lies
    LDI R2, 3
    JMP main
.data
text:
    .asciz "hello, world"
    .zero 100
.bss
buffer:
    .zero 16
`;

function objectOf(source: string): HxoObject {
  const { object } = assemble(source, { file: "demo.mvasm" });
  if (object === undefined) throw new Error("does not assemble");
  return object;
}

it("lists address, bytes and source", () => {
  expect(
    renderListing(link([objectOf(SOURCE)])),
  ).toBe(`; demo: code 16, rodata 113, bss 16 bytes, entry 0000
; address  bytes             source

  0000     6010000000004000  demo.mvasm:5: LDI32 R1, text   ; where it lies
  0008     01200003          demo.mvasm:6: LDI R2, 3
  000c     21000000          demo.mvasm:7: JMP main
  4000     68656c6c6f2c2077  demo.mvasm:10: .asciz "hello, world"
  4008     6f726c6400
  400d     0000000000000000  demo.mvasm:11: .zero 100
  4015     0000000000000000
  401d     0000000000000000
  4025     0000000000000000
  402d     0000000000000000
  4035     0000000000000000
  403d     0000000000000000
  4045     0000000000000000
  404d     (36 more)
  4071     (16 bytes)        demo.mvasm:14: .zero 16
`);
});

it("disassembles what came from an object file", () => {
  const { object } = decodeHxo(encodeHxo(objectOf(SOURCE)), "demo.hxo");
  const listing = renderListing(link(object === undefined ? [] : [object]));
  expect(listing.split("\n").slice(3, 7)).toEqual([
    "  0000     6010000000004000  LDI32 R1, 0x00004000",
    "  0008     01200003          LDI R2, 3",
    "  000c     21000000          JMP 0",
    "  4000     68656c6c6f2c2077",
  ]);
});

it("writes symbols and lines, by address", () => {
  const linked = link([objectOf(SOURCE)]);
  const json = JSON.parse(renderSymbols(linked));
  expect(json).toMatchObject({
    schema: "hsx.symbols/1",
    app: "demo",
    size: 96 + 16 + 113,
    crc32: crc32(linked.image ?? ""),
    code_size: 16,
    rodata_size: 113,
    bss_size: 16,
    entry: 0,
    symbols: [
      { name: "main", section: "text", address: 0, file: "demo.mvasm", exported: true },
      { name: "text", section: "data", address: 0x4000, exported: false },
      { name: "buffer", section: "bss", address: 0x4071, exported: false },
    ],
  });
  expect(json.lines[1]).toEqual({
    section: "text",
    address: 8,
    size: 4,
    file: "demo.mvasm",
    line: 6,
  });
});
