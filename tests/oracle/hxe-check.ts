// Is a file a sound HXE image? The simple way: the whole file at once, section by section, as docs/hxe.md has it.
// Offsets and sizes are written out here, so that a wrong one in assembly/spec/hxe.ts cannot hide.

import { crc32 } from "node:zlib";
import { type JsonTree, readJson } from "./json.ts";

/** How much the node can hold. */
export interface Capacity {
  readonly values: number;
  readonly commands: number;
  readonly mailboxes: number;
}

export interface DeclaredMailbox {
  /** The characters that count: at most 32. */
  readonly name: string;
  readonly capacity: number;
  readonly mode: number;
  readonly owner: number | undefined;
}

/** What a sound image declares. */
export interface Declared {
  readonly values: readonly number[];
  readonly commands: readonly number[];
  readonly mailboxes: readonly DeclaredMailbox[];
  readonly stack: number;
}

/** Why the file is refused. No Error: nobody wants the stack of each of 100,000. */
export class Refused {
  constructor(readonly reason: string) {}
}

function demand(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Refused(reason);
}

const JSON_DEPTH = 32;

class Bytes {
  readonly #view: DataView;

  constructor(readonly all: Uint8Array) {
    this.#view = new DataView(all.buffer, all.byteOffset, all.length);
  }
  u8(at: number): number {
    return this.#view.getUint8(at);
  }
  u16(at: number): number {
    return this.#view.getUint16(at);
  }
  u32(at: number): number {
    return this.#view.getUint32(at);
  }
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

interface Header {
  readonly size: number;
  readonly codeLen: number;
  readonly roLen: number;
  readonly bss: number;
  readonly sections: readonly Section[];
}

// ---- Header and table ----

function checkChecksum(file: Uint8Array, headerSize: number): void {
  const sum = crc32(file.subarray(headerSize), crc32(file.subarray(0, 0x1c)));
  demand(sum === new Bytes(file).u32(0x1c), "checksum");
}

function checkName(file: Uint8Array): void {
  const name = file.subarray(0x20, 0x40);
  const end = name.indexOf(0);
  demand(
    name.subarray(0, end < 0 ? 32 : end).every((byte) => byte < 0x80),
    "name",
  );
}

/** Offset just behind rodata and manifest. */
function checkManifest(file: Uint8Array, end: number, hasManifest: boolean): number {
  if (!hasManifest) return end;
  demand(end + 4 <= file.length, "manifest length cut off");
  const size = new Bytes(file).u32(end);
  demand(end + 4 + size <= file.length, "manifest cut off");
  try {
    readJson(file.subarray(end + 4, end + 4 + size), JSON_DEPTH);
  } catch {
    throw new Refused("manifest is not JSON");
  }
  return end + 4 + size;
}

function readSections(file: Uint8Array, table: number, count: number, floor: number): Section[] {
  const bytes = new Bytes(file);
  return Array.from({ length: count }, (_, index) => {
    const at = table + 16 * index;
    const [type, offset, size] = [bytes.u32(at), bytes.u32(at + 4), bytes.u32(at + 8)];
    demand(offset >= floor && offset + size <= file.length, "section out of bounds");
    return { type, offset, size, count: bytes.u32(at + 12) };
  });
}

function checkApart(sections: readonly Section[]): void {
  const known = sections.filter(({ type, size }) => type >= 1 && type <= 4 && size > 0);
  known.sort((a, b) => a.offset - b.offset);
  known.reduce((end, { offset, size }) => {
    demand(offset >= end, "sections overlap");
    return offset + size;
  }, 0);
}

function readHeader(file: Uint8Array): Header {
  demand(file.length >= 32, "too short");
  const bytes = new Bytes(file);
  demand(Buffer.from(file.subarray(0, 4)).toString("latin1") === "HSXE", "magic");
  const version = bytes.u16(4);
  demand(version === 1 || version === 2, "version");
  const size = version === 1 ? 32 : 96;
  demand(file.length >= size, "too short");
  const flags = bytes.u16(6);
  demand(flags <= 3, "flags");
  const [entry, codeLen, roLen, bss] = [bytes.u32(8), bytes.u32(12), bytes.u32(16), bytes.u32(20)];
  demand(codeLen > 0 && codeLen <= 65536 && codeLen % 4 === 0, "code_len");
  demand(entry < codeLen && entry % 4 === 0, "entry");
  demand(roLen + bss <= 65536, "ro_len, bss_size");
  demand(size + codeLen + roLen <= file.length, "cut off");
  const end = checkManifest(file, size + codeLen + roLen, (flags & 1) !== 0);
  checkChecksum(file, size);
  if (version === 1) return { size, codeLen, roLen, bss, sections: [] };
  checkName(file);
  demand(
    file.subarray(0x48, 0x60).every((byte) => byte === 0),
    "reserved",
  );
  const [table, count] = [bytes.u32(0x40), bytes.u32(0x44)];
  demand(count <= 16, "too many sections");
  demand(table === 0 ? count === 0 : table >= end, "table over what comes before it");
  demand(table + 16 * count <= file.length, "table cut off");
  const floor = (flags & 1) !== 0 ? end : size;
  const sections = readSections(file, table, count, floor);
  checkApart(sections);
  return { size, codeLen, roLen, bss, sections };
}

// ---- Values, commands, stack ----

function payload(file: Uint8Array, { offset, size }: Section): Uint8Array {
  return file.subarray(offset, offset + size);
}

function textAt(section: Uint8Array, offset: number): string | undefined {
  if (offset === 0) return undefined;
  const end = offset < section.length ? section.indexOf(0, offset) : -1;
  demand(end >= 0, "string");
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(section.subarray(offset, end));
  } catch {
    throw new Refused("string is not UTF-8");
  }
}

function entriesOf(section: Uint8Array, count: number, size: number): Bytes[] {
  demand(count * size <= section.length, "entries cut off");
  return Array.from({ length: count }, (_, n) => {
    return new Bytes(section.subarray(n * size, (n + 1) * size));
  });
}

function f16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  const scale = 2 ** (Math.max(exponent, 1) - 25);
  return sign * (exponent === 0 ? fraction : fraction + 1024) * scale;
}

function demandUnique(numbers: readonly number[], what: string): void {
  demand(new Set(numbers).size === numbers.length, `${what} twice`);
}

function readValues(file: Uint8Array, sections: readonly Section[]): number[] {
  const keys: number[] = [];
  const ids = sections.flatMap((section) => {
    const bytes = payload(file, section);
    return entriesOf(bytes, section.count, 20).map((entry) => {
      demand(entry.u8(2) <= 0x3f, "value flags");
      const [epsilon, min, max] = [f16(entry.u16(10)), f16(entry.u16(12)), f16(entry.u16(14))];
      demand(![epsilon, min, max].some(Number.isNaN), "value: not a number");
      demand(min <= max, "value range");
      for (const offset of [6, 8, 18]) textAt(bytes, entry.u16(offset));
      if (entry.u16(16) !== 0) keys.push(entry.u16(16));
      return entry.u16(0);
    });
  });
  demandUnique(ids, "value");
  demandUnique(keys, "key");
  return ids;
}

function readCommands(file: Uint8Array, sections: readonly Section[], codeLen: number): number[] {
  const ids = sections.flatMap((section) => {
    const bytes = payload(file, section);
    return entriesOf(bytes, section.count, 16).map((entry) => {
      demand(entry.u8(2) <= 3, "command flags");
      demand(entry.u32(4) < codeLen && entry.u32(4) % 4 === 0, "handler");
      demand(entry.u16(12) === 0, "command reserved");
      for (const offset of [8, 10, 14]) textAt(bytes, entry.u16(offset));
      return entry.u16(0);
    });
  });
  demandUnique(ids, "command");
  return ids;
}

function readStack(file: Uint8Array, sections: readonly Section[], dataBytes: number): number {
  const [section, ...more] = sections;
  if (section === undefined) return 0;
  demand(more.length === 0 && section.count === 1 && section.size === 4, "stack section");
  const stack = new Bytes(file).u32(section.offset);
  demand(stack > 0 && stack % 4 === 0 && dataBytes + stack <= 0xfffc - 0x4000, "stack");
  return stack;
}

// ---- Mailboxes ----

const MODES: Readonly<Record<string, number>> = {
  RDONLY: 1,
  RO: 1,
  WRONLY: 2,
  WO: 2,
  RDWR: 3,
  RW: 3,
  TAP: 4,
  FANOUT: 8,
  FANOUT_DROP: 16,
  FANOUT_BLOCK: 32,
};

function integer(value: JsonTree, most: number): number {
  demand(value.kind === "number" && /^[0-9]+$/.test(value.text), "not a whole number");
  demand(Number(value.text) <= most, "number too large");
  return Number(value.text);
}

function modeOf(value: JsonTree): number {
  if (value.kind !== "string") return integer(value, 0x3f);
  demand(value.text.length <= 64, "mode too long");
  return value.text
    .toUpperCase()
    .split(/[|, ]/)
    .filter((name) => name !== "")
    .reduce((mode, name) => {
      demand(Object.hasOwn(MODES, name), "mode");
      return mode | (MODES[name] ?? 0);
    }, 0);
}

function nameOf(value: JsonTree): string {
  demand(value.kind === "string" && !value.text.includes("\0"), "mailbox name");
  return value.text;
}

/** The value of the first key that has one; every value is checked. Of a repeated key the last counts. */
function pick<T>(
  members: readonly (readonly [string, JsonTree])[],
  keys: readonly string[],
  read: (value: JsonTree) => T,
): T | undefined {
  const given = new Map<string, T>();
  for (const [key, value] of members) {
    if (!keys.includes(key) || (value.kind === "literal" && value.text === "null")) continue;
    given.set(key, read(value));
  }
  const key = keys.find((name) => given.has(name));
  return key === undefined ? undefined : given.get(key);
}

function mailboxOf(tree: JsonTree): DeclaredMailbox {
  demand(tree.kind === "object", "mailbox is no object");
  const { members } = tree;
  const name = pick(members, ["target", "name"], nameOf);
  const capacity = pick(members, ["capacity", "queue_depth"], (value) => integer(value, 0xffff));
  const mode = pick(members, ["mode_mask", "mode", "flags"], modeOf);
  const owner = pick(members, ["owner_pid"], (value) => integer(value, 0xfffe));
  pick(members, ["bindings"], (value) => demand(value.kind === "array", "bindings"));
  demand(name !== undefined, "mailbox without a name");
  return { name, capacity: capacity ?? 0, mode: mode || 3, owner };
}

function listOf(tree: JsonTree): readonly JsonTree[] {
  if (tree.kind === "array") return tree.items;
  demand(tree.kind === "object", "mailboxes");
  const versions = tree.members.filter(([key]) => key === "version");
  demand(
    versions.every(([, value]) => integer(value, 1) === 1),
    "version of the mailboxes",
  );
  const lists = tree.members.filter(([key]) => key === "mailboxes");
  const list = lists[0]?.[1];
  demand(lists.length === 1 && list?.kind === "array", "list of mailboxes");
  return list.items;
}

function readBinaryMailboxes(bytes: Uint8Array, count: number): DeclaredMailbox[] {
  return entriesOf(bytes, count, 16).map((entry) => {
    const name = textAt(bytes, entry.u32(0));
    demand(name !== undefined && entry.u16(6) <= 0x3f, "mailbox entry");
    demand(entry.u32(8) === 0 && entry.u32(12) === 0, "mailbox reserved");
    return { name, capacity: entry.u16(4), mode: entry.u16(6) || 3, owner: undefined };
  });
}

function readMailboxSection(bytes: Uint8Array, count: number): DeclaredMailbox[] {
  const first = bytes.findIndex((byte) => byte !== 0x20 && (byte < 9 || byte > 13));
  if (first < 0 || (bytes[first] !== 0x7b && bytes[first] !== 0x5b)) {
    return readBinaryMailboxes(bytes, count);
  }
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  let tree: JsonTree;
  try {
    tree = readJson(bytes.subarray(first, end), JSON_DEPTH);
  } catch {
    throw new Refused("mailboxes are not JSON");
  }
  return listOf(tree).map(mailboxOf);
}

function readMailboxes(file: Uint8Array, sections: readonly Section[]): DeclaredMailbox[] {
  const mailboxes = sections.flatMap((section) => {
    return readMailboxSection(payload(file, section), section.count);
  });
  const counted = mailboxes.map((mailbox) => {
    return { ...mailbox, name: Array.from(mailbox.name).slice(0, 32).join("") };
  });
  demand(new Set(counted.map(({ name }) => name)).size === counted.length, "mailbox twice");
  return counted;
}

// ---- The whole ----

/** What a sound image declares. Throws Refused. */
export function checkHxe(file: Uint8Array, capacity: Capacity): Declared {
  const header = readHeader(file);
  const ofType = (type: number) => header.sections.filter((section) => section.type === type);
  const values = readValues(file, ofType(1));
  const commands = readCommands(file, ofType(2), header.codeLen);
  const mailboxes = readMailboxes(file, ofType(3));
  const stack = readStack(file, ofType(4), header.roLen + header.bss);
  demand(values.length <= capacity.values, "values");
  demand(commands.length <= capacity.commands, "commands");
  demand(mailboxes.length <= capacity.mailboxes, "mailboxes");
  return { values, commands, mailboxes, stack };
}
