// Field tables: one row per field of a binary format, read and written by one pair of functions.

/** How a field lies in its bytes. `ascii32` ends at its first NUL; `bytesN` are N raw bytes; `textN` is a byte of length, then ASCII, N bytes in all. */
export type FieldType =
  | "u8"
  | "u16be"
  | "u32be"
  | "u16le"
  | "u24le"
  | "u32le"
  | "ascii32"
  | "bytes6"
  | "bytes8"
  | "bytes11"
  | "bytes12"
  | "bytes16"
  | "bytes24"
  | "text20"
  | "text24"
  | "text44";
type RawType = Extract<FieldType, `bytes${number}`>;
type TextType = Extract<FieldType, "ascii32" | `text${number}`>;

/** Name of the field to its offset and type. */
export type FieldTable = Readonly<Record<string, readonly [offset: number, type: FieldType]>>;

type FieldValue<T extends FieldType> = T extends TextType
  ? string
  : T extends RawType
    ? Uint8Array
    : number;

/** The values of all fields of a table. */
export type FieldValues<T extends FieldTable> = { -readonly [K in keyof T]: FieldValue<T[K][1]> };

/** Bytes a field takes. */
export const FIELD_SIZE: Readonly<Record<FieldType, number>> = {
  u8: 1,
  u16be: 2,
  u32be: 4,
  u16le: 2,
  u24le: 3,
  u32le: 4,
  ascii32: 32,
  bytes6: 6,
  bytes8: 8,
  bytes11: 11,
  bytes12: 12,
  bytes16: 16,
  bytes24: 24,
  text20: 20,
  text24: 24,
  text44: 44,
};

/** Reads every field of `table` from `bytes` at `base`; the caller has checked the length. */
export function readFields<T extends FieldTable>(
  bytes: Uint8Array,
  base: number,
  table: T,
): FieldValues<T> {
  const values: Record<string, unknown> = {};
  for (const [name, [offset, type]] of Object.entries(table)) {
    values[name] = readField(bytes, base + offset, type);
  }
  return values as FieldValues<T>;
}

/** Writes every field of `table` into `bytes` at `base`. A number its field cannot hold throws. */
export function writeFields<T extends FieldTable>(
  bytes: Uint8Array,
  base: number,
  table: T,
  values: FieldValues<T>,
): void {
  for (const [name, [offset, type]] of Object.entries(table)) {
    writeField(bytes, base + offset, type, name, values[name] as number | string | Uint8Array);
  }
}

function readField(bytes: Uint8Array, at: number, type: FieldType): number | string | Uint8Array {
  const raw = Uint8Array.from(bytes.subarray(at, at + FIELD_SIZE[type])); // a copy, of a Buffer, too
  if (type === "ascii32") return latin1(raw);
  if (type.startsWith("text")) return String.fromCharCode(...raw.subarray(1, 1 + (raw[0] ?? 0)));
  if (type.startsWith("bytes")) return raw;
  return (type.endsWith("le") ? raw.reverse() : raw).reduce((sum, byte) => sum * 256 + byte, 0);
}

function writeField(
  bytes: Uint8Array,
  at: number,
  type: FieldType,
  name: string,
  value: number | string | Uint8Array,
): void {
  if (typeof value === "number") {
    const bits = 8 * FIELD_SIZE[type];
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
      throw new Error(`${name}: ${value} does not fit ${type}`);
    }
    const last = FIELD_SIZE[type] - 1;
    for (let i = 0; i <= last; i++, value = Math.floor(value / 256)) {
      bytes[at + (type.endsWith("le") ? i : last - i)] = value % 256;
    }
    return;
  }
  const text = type.startsWith("text") ? String.fromCharCode(value.length) + value : value;
  const raw = typeof text === "string" ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : text;
  if (raw.length > FIELD_SIZE[type]) throw new Error(`${name}: longer than ${type}`);
  bytes.set(raw, at);
}

/** Text up to the first NUL, one character per byte. */
function latin1(raw: Uint8Array): string {
  const end = raw.indexOf(0);
  return String.fromCharCode(...(end < 0 ? raw : raw.subarray(0, end)));
}
