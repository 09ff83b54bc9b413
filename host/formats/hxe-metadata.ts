// Metadata sections of an HXE image: values, commands, mailboxes, stack. Entries and string tables to bytes and back.
import {
  COMMAND_AUTH_OFF,
  COMMAND_ENTRY_SIZE,
  COMMAND_FLAGS_OFF,
  COMMAND_GROUP_NAME_OFF,
  COMMAND_GROUP_OFF,
  COMMAND_HANDLER_OFF,
  COMMAND_HELP_OFF,
  COMMAND_ID_OFF,
  COMMAND_NAME_OFF,
  COMMAND_RESERVED_OFF,
  MAILBOX_CAPACITY_OFF,
  MAILBOX_ENTRY_SIZE,
  MAILBOX_MODE_OFF,
  MAILBOX_NAME_OFF,
  MAILBOX_RESERVED_OFF,
  MetaType,
  VALUE_AUTH_OFF,
  VALUE_ENTRY_SIZE,
  VALUE_EPSILON_OFF,
  VALUE_FLAGS_OFF,
  VALUE_GROUP_NAME_OFF,
  VALUE_GROUP_OFF,
  VALUE_ID_OFF,
  VALUE_INIT_OFF,
  VALUE_KEY_OFF,
  VALUE_MAX_OFF,
  VALUE_MIN_OFF,
  VALUE_NAME_OFF,
  VALUE_UNIT_OFF,
} from "../../assembly/spec/hxe.ts";
import { MAILBOX_NAME_MAX } from "../../assembly/spec/svc.ts";
import {
  COMMAND_FLAGS_ALL,
  type CommandEntry,
  isEmptyRange,
  isNaN16,
  MAILBOX_MODE_ALL,
  type MailboxEntry,
  mailboxEntry,
  readStoredMailboxes,
  VALUE_FLAGS_ALL,
  type ValueEntry,
} from "./declarations.ts";
import { type FieldTable, type FieldValues, readFields, writeFields } from "./fields.ts";
import { type JsonNode, memberOf, parseJsonText, printJson } from "./json.ts";

export const VALUE_FIELDS = {
  group: [VALUE_GROUP_OFF, "u8"],
  id: [VALUE_ID_OFF, "u8"],
  flags: [VALUE_FLAGS_OFF, "u8"],
  auth: [VALUE_AUTH_OFF, "u8"],
  init: [VALUE_INIT_OFF, "u16be"],
  name: [VALUE_NAME_OFF, "u16be"],
  unit: [VALUE_UNIT_OFF, "u16be"],
  epsilon: [VALUE_EPSILON_OFF, "u16be"],
  min: [VALUE_MIN_OFF, "u16be"],
  max: [VALUE_MAX_OFF, "u16be"],
  persistKey: [VALUE_KEY_OFF, "u16be"],
  groupName: [VALUE_GROUP_NAME_OFF, "u16be"],
} satisfies FieldTable;

export const COMMAND_FIELDS = {
  group: [COMMAND_GROUP_OFF, "u8"],
  id: [COMMAND_ID_OFF, "u8"],
  flags: [COMMAND_FLAGS_OFF, "u8"],
  auth: [COMMAND_AUTH_OFF, "u8"],
  handler: [COMMAND_HANDLER_OFF, "u32be"],
  name: [COMMAND_NAME_OFF, "u16be"],
  help: [COMMAND_HELP_OFF, "u16be"],
  reserved: [COMMAND_RESERVED_OFF, "u16be"],
  groupName: [COMMAND_GROUP_NAME_OFF, "u16be"],
} satisfies FieldTable;

export const MAILBOX_FIELDS = {
  name: [MAILBOX_NAME_OFF, "u32be"],
  capacity: [MAILBOX_CAPACITY_OFF, "u16be"],
  mode: [MAILBOX_MODE_OFF, "u16be"],
  reserved: [MAILBOX_RESERVED_OFF, "bytes8"],
} satisfies FieldTable;

/** One metadata section as it lies in the file. */
export interface HxeSection {
  type: number;
  count: number;
  payload: Uint8Array;
  /** Offset in the file where it is not the place the linker would choose. */
  offset?: number;
}

/** A name counts up to here; mailboxes alike so far are one. */
export function significantName(target: string): string {
  return [...target].slice(0, MAILBOX_NAME_MAX).join("");
}

/** What an image declares, of all its sections together. */
export interface HxeMetadata {
  values: ValueEntry[];
  commands: CommandEntry[];
  mailboxes: MailboxEntry[];
  /** How the mailboxes are stored. */
  mailboxForm: MailboxForm;
  stackBytes?: number;
}

/** `binary`: 16 bytes an entry. `json`: text. */
export type MailboxForm = "binary" | "json";

/** What is wrong in a section: an Err name, the byte offset in the payload, and words. */
export class MetadataFailure extends Error {
  constructor(
    readonly code: string,
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

/** Throws a MetadataFailure; in hxe.ts its offset counts from the start of the file. */
export function refuse(code: string, offset: number, message: string): never {
  throw new MetadataFailure(code, offset, message);
}

/** A declaration without entries. */
export function emptyMetadata(): HxeMetadata {
  return { values: [], commands: [], mailboxes: [], mailboxForm: "binary" };
}

/** The sections that hold the declarations, in the linker's order. A text table beyond 64 KiB throws MetadataFailure. */
export function encodeMetadata(m: HxeMetadata): HxeSection[] {
  const sections: HxeSection[] = [];
  const add = (type: MetaType, count: number, encode: () => Uint8Array): void => {
    if (count > 0) sections.push({ type, count, payload: encode() });
  };
  add(MetaType.VALUE, m.values.length, () => encodeValues(m.values));
  add(MetaType.COMMAND, m.commands.length, () => encodeCommands(m.commands));
  add(MetaType.MAILBOX, m.mailboxes.length, () => encodeMailboxes(m.mailboxes, m.mailboxForm));
  add(MetaType.STACK, m.stackBytes === undefined ? 0 : 1, () => encodeStack(m.stackBytes ?? 0));
  return sections;
}

/** Reads one section into `m`. Unknown types are ignored. Throws MetadataFailure. */
export function decodeSection(section: HxeSection, m: HxeMetadata): void {
  if (section.type === MetaType.VALUE) m.values.push(...decodeValues(section));
  if (section.type === MetaType.COMMAND) m.commands.push(...decodeCommands(section));
  if (section.type === MetaType.MAILBOX) decodeMailboxes(section, m);
  if (section.type === MetaType.STACK) {
    if (m.stackBytes !== undefined) {
      refuse("HXE_DUPLICATE", 0, "the stack is declared twice");
    }
    m.stackBytes = decodeStack(section);
  }
}

// ---- String tables ----

/** Texts after the entries of a section, each once, in order of first use. */
class StringTable {
  private readonly offsets = new Map<string, number>();
  private readonly chunks: Uint8Array[] = [];
  private end: number;

  constructor(start: number) {
    this.end = start;
  }

  /** Offset of the text in the section; 0 for an absent one. */
  place(text: string | undefined): number {
    if (text === undefined) return 0;
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.end;
    const bytes = new TextEncoder().encode(`${text}\0`);
    if (offset > 0xffff) {
      refuse("HXE_STRING", offset, "the texts of a section exceed 64 KiB");
    }
    this.offsets.set(text, offset);
    this.chunks.push(bytes);
    this.end += bytes.length;
    return offset;
  }

  /** A section with room for the entries, its texts in place. */
  section(): Uint8Array {
    const section = new Uint8Array(this.end);
    let at = this.end - this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    for (const chunk of this.chunks) {
      section.set(chunk, at);
      at += chunk.length;
    }
    return section;
  }
}

function readText(payload: Uint8Array, offset: number, field: number): string | undefined {
  if (offset === 0) return undefined;
  if (offset >= payload.length) {
    const message = `text offset ${offset} lies outside the section of ${payload.length} bytes`;
    refuse("HXE_STRING", field, message);
  }
  const end = payload.indexOf(0, offset);
  if (end < 0) refuse("HXE_STRING", offset, "a text lacks its NUL");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      payload.subarray(offset, end),
    );
  } catch {
    refuse("HXE_STRING", offset, "a text is not UTF-8");
  }
}

/** An object of those texts that are present. */
function readTexts<K extends string>(
  payload: Uint8Array,
  at: number,
  offsets: Record<K, number>,
  table: NoInfer<Record<K, readonly [number, string]>>,
): Partial<Record<K, string>> {
  const texts: Partial<Record<K, string>> = {};
  for (const key of Object.keys(offsets) as K[]) {
    const text = readText(payload, offsets[key], at + table[key][0]);
    if (text !== undefined) texts[key] = text;
  }
  return texts;
}

// ---- Values and commands ----

function encodeEntries<T extends FieldTable, E>(
  entries: readonly E[],
  size: number,
  table: T,
  fieldsOf: (entry: E, strings: StringTable) => FieldValues<T>,
): Uint8Array {
  const strings = new StringTable(entries.length * size);
  const fields = entries.map((entry) => fieldsOf(entry, strings));
  const payload = strings.section();
  fields.forEach((f, i) => {
    writeFields(payload, i * size, table, f);
  });
  return payload;
}

function decodeEntries<T extends FieldTable, E>(
  section: HxeSection,
  size: number,
  code: string,
  table: T,
  entryOf: (fields: FieldValues<T>, at: number) => E,
): E[] {
  if (section.count * size > section.payload.length) {
    const message = `${section.count} entries need ${section.count * size} bytes, the section has ${section.payload.length}`;
    refuse(code, 0, message);
  }
  return Array.from({ length: section.count }, (_, i) =>
    entryOf(readFields(section.payload, i * size, table), i * size),
  );
}

function encodeValues(values: readonly ValueEntry[]): Uint8Array {
  return encodeEntries(values, VALUE_ENTRY_SIZE, VALUE_FIELDS, (v, strings) => ({
    ...v,
    name: strings.place(v.name),
    unit: strings.place(v.unit),
    groupName: strings.place(v.groupName),
  }));
}

function decodeValues(section: HxeSection): ValueEntry[] {
  return decodeEntries(section, VALUE_ENTRY_SIZE, "HXE_VALUE", VALUE_FIELDS, (fields, at) => {
    const { name, unit, groupName, ...numbers } = fields;
    const texts = { name, unit, groupName };
    checkValue(numbers, at);
    return { ...numbers, ...readTexts(section.payload, at, texts, VALUE_FIELDS) };
  });
}

function checkValue(v: ValueEntry, at: number): void {
  const fail = (field: keyof typeof VALUE_FIELDS, message: string): never => {
    refuse("HXE_VALUE", at + VALUE_FIELDS[field][0], message);
  };
  const name = `value (${v.group},${v.id})`;
  if (v.flags & ~VALUE_FLAGS_ALL) fail("flags", `${name} has an unknown flag`);
  for (const field of ["epsilon", "min", "max"] as const) {
    if (isNaN16(v[field])) fail(field, `${field} of ${name} is not a number`);
  }
  if (isEmptyRange(v)) fail("min", `min of ${name} is above its max`);
}

function encodeCommands(commands: readonly CommandEntry[]): Uint8Array {
  return encodeEntries(commands, COMMAND_ENTRY_SIZE, COMMAND_FIELDS, (c, strings) => ({
    ...c,
    reserved: 0,
    name: strings.place(c.name),
    help: strings.place(c.help),
    groupName: strings.place(c.groupName),
  }));
}

function decodeCommands(section: HxeSection): CommandEntry[] {
  return decodeEntries(section, COMMAND_ENTRY_SIZE, "HXE_COMMAND", COMMAND_FIELDS, (fields, at) => {
    const { name, help, groupName, reserved, ...numbers } = fields;
    const texts = { name, help, groupName };
    checkCommand(numbers, reserved, at);
    return { ...numbers, ...readTexts(section.payload, at, texts, COMMAND_FIELDS) };
  });
}

/** That its handler lies in the code is for the reader of the whole image to see. */
function checkCommand(c: CommandEntry, reserved: number, at: number): void {
  const name = `command (${c.group},${c.id})`;
  if (c.flags & ~COMMAND_FLAGS_ALL) {
    const message = `${name} has an unknown flag`;
    refuse("HXE_COMMAND", at + COMMAND_FLAGS_OFF, message);
  }
  if (reserved === 0) return;
  const message = `reserved bytes of ${name} are not zero`;
  refuse("HXE_COMMAND", at + COMMAND_RESERVED_OFF, message);
}

// ---- Mailboxes ----

function encodeMailboxes(mailboxes: readonly MailboxEntry[], form: MailboxForm): Uint8Array {
  if (form === "json") {
    const all = mailboxes.map((m) => printJson(m.json, true)).join(",");
    return new TextEncoder().encode(`{"mailboxes":[${all}],"version":1}`);
  }
  return encodeEntries(mailboxes, MAILBOX_ENTRY_SIZE, MAILBOX_FIELDS, (m, strings) => ({
    name: strings.place(m.target),
    capacity: m.capacity ?? 0,
    mode: m.mode ?? 0,
    reserved: new Uint8Array(8),
  }));
}

function decodeMailboxes(section: HxeSection, m: HxeMetadata): void {
  const text = jsonTextOf(section.payload);
  if (text === undefined) {
    m.mailboxes.push(...decodeBinaryMailboxes(section));
    return;
  }
  m.mailboxForm = "json";
  m.mailboxes.push(...decodeJsonMailboxes(text));
}

function decodeBinaryMailboxes(section: HxeSection): MailboxEntry[] {
  const size = MAILBOX_ENTRY_SIZE;
  return decodeEntries(section, size, "HXE_MAILBOX", MAILBOX_FIELDS, (fields, at) => {
    const target = readText(section.payload, fields.name, at + MAILBOX_NAME_OFF);
    if (target === undefined) {
      refuse("HXE_MAILBOX", at, "a mailbox has no name");
    }
    if (fields.mode > MAILBOX_MODE_ALL) {
      const message = `mailbox "${target}" has an unknown mode`;
      refuse("HXE_MAILBOX", at + MAILBOX_MODE_OFF, message);
    }
    if (fields.reserved.some((byte) => byte !== 0)) {
      const message = `reserved bytes of mailbox "${target}" are not zero`;
      refuse("HXE_MAILBOX", at + MAILBOX_RESERVED_OFF, message);
    }
    return mailboxEntry(target, fields.capacity, fields.mode);
  });
}

/** The section as text if its first character after blanks opens JSON. */
function jsonTextOf(payload: Uint8Array): string | undefined {
  const start = payload.findIndex((b) => ![9, 10, 11, 12, 13, 32].includes(b));
  if (payload[start] !== 0x7b && payload[start] !== 0x5b) return undefined;
  let end = payload.length;
  while (payload[end - 1] === 0) end--;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload.subarray(start, end));
    return " ".repeat(start) + text; // places count from the start of the section
  } catch {
    refuse("HXE_JSON", 0, "the mailbox JSON is not UTF-8");
  }
}

function decodeJsonMailboxes(text: string): MailboxEntry[] {
  const offsetOf = (at: number): number => Buffer.byteLength(text.slice(0, at));
  const node = parseJsonText(text);
  if ("error" in node) {
    const { at, message } = node.error;
    refuse("HXE_JSON", offsetOf(at), `mailbox JSON: ${message}`);
  }
  return readStoredMailboxes(mailboxList(node), (part, _, message) => {
    refuse("HXE_MAILBOX", offsetOf(part.at), `mailbox JSON: ${message}`);
  });
}

function mailboxList(node: JsonNode): JsonNode {
  if (node.kind !== "object") return node;
  const version = memberOf(node, "version")?.value;
  if (version !== undefined && (version.kind !== "number" || version.text !== "1")) {
    refuse("HXE_JSON", version.at, "mailbox JSON: the version is not 1");
  }
  const list = memberOf(node, "mailboxes")?.value;
  if (list?.kind === "array") return list;
  refuse("HXE_JSON", node.at, 'mailbox JSON: lacks the array "mailboxes"');
}

// ---- Stack ----

function encodeStack(bytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, bytes);
  return payload;
}

function decodeStack(section: HxeSection): number {
  const { payload, count } = section;
  if (payload.length !== 4 || count !== 1) {
    refuse("HXE_STACK", 0, ".stack is one entry of 4 bytes");
  }
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}
