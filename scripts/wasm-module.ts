// Reads of a WASM module what no engine tells: signatures of imports and exports, data segments.

const VALUE_TYPES: Record<number, string> = { 127: "i32", 126: "i64", 125: "f32", 124: "f64" };
const KINDS = ["func", "table", "memory", "global"] as const;
enum Section {
  TYPE = 1,
  IMPORT = 2,
  FUNCTION = 3,
  EXPORT = 7,
  CODE = 10,
  DATA = 11,
}
const I32_CONST = 0x41;
const END = 0x0b;

export interface WasmModule {
  readonly size: number;
  /** `hal.can_send (i32, i32, i32) -> i32`, sorted. */
  readonly imports: readonly string[];
  /** `hsx_step (i32) -> i32` or `memory: memory`, sorted. */
  readonly exports: readonly string[];
  /** Constant tables: addresses in linear memory. */
  readonly data: readonly { readonly base: number; readonly size: number }[];
  /** Bytes of each function's code, in the order of the module. */
  readonly code: readonly number[];
}

class Reader {
  private offset = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get atEnd(): boolean {
    return this.offset >= this.bytes.length;
  }
  byte(): number {
    const value = this.bytes[this.offset++];
    if (value === undefined) throw new Error("WASM module ends early");
    return value;
  }
  take(length: number): Uint8Array {
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }
  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  signed(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
  }
  name(): string {
    return new TextDecoder().decode(this.take(this.unsigned()));
  }
  list<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }
}

export function readModule(bytes: Uint8Array): WasmModule {
  const reader = new Reader(bytes);
  reader.take(8); // magic and version
  let types: string[] = [];
  let imports: Item[] = [];
  let own: number[] = [];
  let exports: Item[] = [];
  let data: WasmModule["data"] = [];
  let code: number[] = [];
  while (!reader.atEnd) {
    const id = reader.byte();
    const section = new Reader(reader.take(reader.unsigned()));
    if (id === Section.TYPE) types = section.list(() => readSignature(section));
    if (id === Section.IMPORT) imports = section.list(() => readImport(section));
    if (id === Section.FUNCTION) own = section.list(() => section.unsigned());
    if (id === Section.EXPORT) exports = section.list(() => readExport(section));
    if (id === Section.CODE) code = section.list(() => section.take(section.unsigned()).length);
    if (id === Section.DATA) data = section.list(() => readSegment(section));
  }

  const imported = imports.filter((item) => item.kind === "func").map((item) => item.index);
  const functions = [...imported, ...own];
  const describe = ({ name, kind, index }: Item, type: number | undefined) => {
    return kind === "func" ? `${name} ${types[type ?? -1]}` : `${name}: ${kind} ${index}`;
  };
  return {
    size: bytes.length,
    imports: imports.map((item) => describe(item, item.index)).sort(),
    exports: exports.map((item) => describe(item, functions[item.index])).sort(),
    data,
    code,
  };
}

/** `index` is a type in an import, a member of its index space in an export. */
interface Item {
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  readonly index: number;
}

function readSignature(reader: Reader): string {
  reader.byte(); // 0x60, func
  const types = () => reader.list(() => VALUE_TYPES[reader.byte()] ?? "?").join(", ");
  const parameters = types();
  return `(${parameters}) -> ${types() || "nothing"}`;
}

function readImport(reader: Reader): Item {
  const name = `${reader.name()}.${reader.name()}`;
  const kind = KINDS[reader.byte()];
  if (kind === "func") return { name, kind, index: reader.unsigned() };
  throw new Error(`${name}: the core imports functions only`);
}

function readExport(reader: Reader): Item {
  const name = reader.name();
  const kind = KINDS[reader.byte()] ?? "func";
  return { name, kind, index: reader.unsigned() };
}

function readSegment(reader: Reader): { base: number; size: number } {
  if (reader.unsigned() !== 0 || reader.byte() !== I32_CONST) {
    throw new Error("data segment without a constant address");
  }
  const base = reader.signed();
  if (reader.byte() !== END) throw new Error("data segment with a computed address");
  const size = reader.unsigned();
  reader.take(size);
  return { base, size };
}
