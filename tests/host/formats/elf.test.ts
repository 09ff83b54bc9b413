// ELF files, laid out here by hand after the ELF 1.2 specification, sections 1 to 5.

import { describe, expect, it } from "vitest";
import { readElf } from "../../../host/formats/elf.ts";

/** Words of 16 and 32 bits, texts and bytes, one after the other. */
function lay(...parts: readonly (["h" | "w", ...number[]] | ["t", string])[]): Buffer {
  return Buffer.concat(
    parts.map(([kind, ...values]) => {
      if (kind === "t") return Buffer.from(values[0] as string, "latin1");
      const width = kind === "h" ? 2 : 4;
      const bytes = Buffer.alloc(width * values.length);
      for (const [n, value] of (values as number[]).entries())
        bytes.writeUIntLE(value, n * width, width);
      return bytes;
    }),
  );
}

const NAMES = "\0.text\0.symtab\0.strtab\0.shstrtab\0"; // 33 bytes
const SYMBOL_NAMES = "\0main\0counter\0gone\0"; // 19 bytes

// 0 header, 52 program headers, 116 code, 120 symbols, 184 names of symbols, 203 names of sections, 236 section headers
const FILE = lay(
  ["t", "\x7fELF\x01\x01\x01"],
  ["t", "\0".repeat(9)],
  ["h", 2, 83],
  ["w", 1, 0, 52, 236, 0],
  ["h", 52, 32, 2, 40, 5, 4],
  // type, offset, virtual, physical, bytes in the file, in memory, flags, alignment
  ["w", 1, 116, 0, 0, 4, 4, 5, 2],
  ["w", 1, 118, 0x800100, 4, 2, 6, 6, 1],
  ["t", "\x0c\x94\x12\x34"],
  // name, value, size, info and other, section
  ["w", 0, 0, 0, 0],
  ["w", 1, 0x40, 6],
  ["h", 0x12, 1],
  ["w", 6, 0x800100, 2],
  ["h", 0x11, 1],
  ["w", 14, 0, 0],
  ["h", 0x12, 0],
  ["t", SYMBOL_NAMES],
  ["t", NAMES],
  // name, type, flags, address, offset, size, link, info, alignment, entry
  ["w", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ["w", 1, 1, 6, 0, 116, 4, 0, 0, 2, 0],
  ["w", 7, 2, 0, 0, 120, 64, 3, 1, 4, 16],
  ["w", 15, 3, 0, 0, 184, 19, 0, 0, 1, 0],
  ["w", 23, 3, 0, 0, 203, 33, 0, 0, 1, 0],
);

describe("an ELF file", () => {
  const elf = readElf(FILE);

  it("names its machine", () => {
    expect([elf.machine, elf.entry]).toEqual([83, 0]);
  });

  it("has segments with the address to load at and the one to run at", () => {
    expect(elf.segments).toEqual([
      { address: 0, loadAddress: 0, bytes: Buffer.from("0c941234", "hex"), memoryBytes: 4 },
      { address: 0x800100, loadAddress: 4, bytes: Buffer.from("1234", "hex"), memoryBytes: 6 },
    ]);
  });

  it("has symbols, but for those that are elsewhere", () => {
    expect([...elf.symbols.values()]).toEqual([
      { name: "main", value: 0x40, size: 6, isFunction: true },
      { name: "counter", value: 0x800100, size: 2, isFunction: false },
    ]);
  });

  it("has sections", () => {
    expect(elf.sections[1]).toEqual({ name: ".text", type: 1, address: 0, size: 4 });
    expect(elf.sections.map((s) => s.name)).toEqual([
      "",
      ".text",
      ".symtab",
      ".strtab",
      ".shstrtab",
    ]);
  });

  it("cut short, or none, is refused with a RangeError", () => {
    for (let length = 0; length < FILE.length; length++)
      expect(() => readElf(FILE.subarray(0, length))).toThrow(RangeError);
    expect(() => readElf(Buffer.from("MZ".padEnd(64)))).toThrow(RangeError);
  });
});
