// ELF files of 32 bits, little-endian: what is to be loaded where, and the symbols. Sections 1 to 5 of the ELF 1.2 specification.

/** Bytes for an address, from a program header. */
export interface ElfSegment {
  /** Where the bytes lie before the program starts (p_paddr). */
  readonly loadAddress: number;
  /** Where the program expects them (p_vaddr). */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those beyond `bytes` are zero. */
  readonly memoryBytes: number;
}

export interface ElfSection {
  readonly name: string;
  /** SHT_ number: 1 PROGBITS, 8 NOBITS. */
  readonly type: number;
  readonly address: number;
  readonly size: number;
}

export interface ElfSymbol {
  readonly name: string;
  readonly value: number;
  readonly size: number;
  readonly isFunction: boolean;
}

export interface Elf {
  /** e_machine: 83 AVR, 40 ARM. */
  readonly machine: number;
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  readonly symbols: ReadonlyMap<string, ElfSymbol>;
}

const MAGIC = 0x464c457f;
const CLASS_32_LITTLE_ENDIAN = 0x0101;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHN_UNDEF = 0;
const STT_FUNC = 2;
const SYMBOL_BYTES = 16;

class Reader {
  readonly view: DataView;

  constructor(readonly file: Uint8Array) {
    this.view = new DataView(file.buffer, file.byteOffset, file.length);
  }
  u16(at: number): number {
    return this.view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.view.getUint32(at, true);
  }
  bytes(at: number, size: number): Uint8Array {
    if (at + size > this.file.length) throw new RangeError("ELF: the file ends too early");
    return this.file.subarray(at, at + size);
  }
  text(at: number): string {
    const end = this.file.indexOf(0, at);
    return Buffer.from(this.file.subarray(at, end)).toString("latin1");
  }
}

interface RawSection extends ElfSection {
  readonly offset: number;
  readonly link: number;
}

function readSections(r: Reader): RawSection[] {
  const [table, size, count] = [r.u32(32), r.u16(46), r.u16(48)];
  r.bytes(table, size * count);
  const headers = Array.from({ length: count }, (_, n) => table + n * size);
  const names = headers[r.u16(50)];
  const namesAt = names === undefined ? 0 : r.u32(names + 16);
  return headers.map((at) => ({
    name: r.text(namesAt + r.u32(at)),
    type: r.u32(at + 4),
    address: r.u32(at + 12),
    offset: r.u32(at + 16),
    size: r.u32(at + 20),
    link: r.u32(at + 24),
  }));
}

function readSegments(r: Reader): ElfSegment[] {
  const [table, size, count] = [r.u32(28), r.u16(42), r.u16(44)];
  return Array.from({ length: count }, (_, n) => table + n * size)
    .filter((at) => r.u32(at) === PT_LOAD)
    .map((at) => ({
      address: r.u32(at + 8),
      loadAddress: r.u32(at + 12),
      bytes: r.bytes(r.u32(at + 4), r.u32(at + 16)),
      memoryBytes: r.u32(at + 20),
    }));
}

function readSymbols(r: Reader, sections: readonly RawSection[]): Map<string, ElfSymbol> {
  const symbols = new Map<string, ElfSymbol>();
  for (const { offset, size, link } of sections.filter((s) => s.type === SHT_SYMTAB)) {
    const names = sections[link]?.offset ?? 0;
    for (let at = offset; at < offset + size; at += SYMBOL_BYTES) {
      const name = r.text(names + r.u32(at));
      if (name === "" || r.u16(at + 14) === SHN_UNDEF) continue;
      const [value, bytes] = [r.u32(at + 4), r.u32(at + 8)];
      symbols.set(name, {
        name,
        value,
        size: bytes,
        isFunction: (r.u16(at + 12) & 15) === STT_FUNC,
      });
    }
  }
  return symbols;
}

/** Reads a whole file. Throws a RangeError when it is none, or is cut short. */
export function readElf(file: Uint8Array): Elf {
  const r = new Reader(file);
  if (file.length < 52 || r.u32(0) !== MAGIC || r.u16(4) !== CLASS_32_LITTLE_ENDIAN)
    throw new RangeError("ELF: no little-endian file of 32 bits");
  const sections = readSections(r);
  return {
    machine: r.u16(18),
    entry: r.u32(24),
    segments: readSegments(r),
    sections: sections.map(({ name, type, address, size }) => ({ name, type, address, size })),
    symbols: readSymbols(r, sections),
  };
}
