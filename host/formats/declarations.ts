// What an app declares of itself: values, commands and mailboxes, from their JSON. Aliases, tokens and bounds live here.
import { CommandFlag, Level, MailboxMode, ValueFlag } from "../../assembly/spec/svc.ts";
import {
  type Aliases,
  type DeclarationReport,
  Fields,
  integerIn,
  type Kind,
} from "./declaration-fields.ts";
import { f16Shortest, f16ToNumber } from "./f16.ts";
import { type JsonNode, type JsonObject, jsonFrom } from "./json.ts";

/** A value as the image stores it; init, epsilon, min and max are binary16 bits. */
export interface ValueEntry {
  group: number;
  id: number;
  flags: number;
  auth: number;
  init: number;
  epsilon: number;
  min: number;
  max: number;
  persistKey: number;
  /** Undefined: absent. An empty text is stored. */
  name?: string;
  unit?: string;
  groupName?: string;
}

/** A command as the image stores it. */
export interface CommandEntry {
  group: number;
  id: number;
  flags: number;
  auth: number;
  /** Byte offset into the code. */
  handler: number;
  name?: string;
  help?: string;
  groupName?: string;
}

/** A command before linking: its handler may be a symbol. */
export interface CommandDeclaration extends CommandEntry {
  handlerSymbol?: string;
}

/** A mailbox. Capacity in bytes and mode bits; undefined: the node's default. */
export interface MailboxEntry {
  target: string;
  capacity?: number;
  mode?: number;
  /** As declared, with `target` added: what the JSON form of the section holds. */
  json: JsonObject;
  /** Holds what the binary form cannot: an owner, bindings, reserved bytes, keys of others. */
  needsJson: boolean;
}

const VALUE_KEYS: Aliases = {
  group: ["group", "group_id", "groupId"],
  id: ["id", "value", "value_id", "valueId"],
  name: ["name"],
  groupName: ["group_name", "groupName"],
  unit: ["unit"],
  flags: ["flags"],
  auth: ["auth", "auth_level", "authLevel"],
  init: ["init", "init_value", "init_raw"],
  epsilon: ["epsilon", "epsilon_raw"],
  min: ["min", "min_raw"],
  max: ["max", "max_raw"],
  persistKey: ["persist_key", "persist"],
  rate: ["rate_ms"],
};

const COMMAND_KEYS: Aliases = {
  group: ["group", "group_id", "groupId"],
  id: ["id", "cmd", "cmd_id", "command_id", "commandId"],
  name: ["name"],
  groupName: ["group_name", "groupName"],
  help: ["help"],
  flags: ["flags"],
  auth: ["auth", "auth_level", "authLevel"],
  handler: ["handler", "handler_offset"],
  reserved: ["reserved"],
};

const MAILBOX_KEYS: Aliases = {
  target: ["target"],
  name: ["name"],
  capacity: ["capacity", "queue_depth"],
  mode: ["mode_mask", "mode", "flags"],
  owner: ["owner_pid"],
  bindings: ["bindings"],
  reserved: ["reserved"],
};

const VALUE_FLAGS = numbersOf(ValueFlag);
const COMMAND_FLAGS = numbersOf(CommandFlag);
const LEVELS = numbersOf(Level);
const MODES = { ...numbersOf(MailboxMode), RO: 1, WO: 2, RW: 3 };

/** All bits of a value's flags, a command's flags and a mailbox's mode; a node refuses others. */
export const VALUE_FLAGS_ALL = allBits(VALUE_FLAGS);
export const COMMAND_FLAGS_ALL = allBits(COMMAND_FLAGS);
export const MAILBOX_MODE_ALL = allBits(MODES);
/** The largest pid that can own a mailbox. */
const OWNER_MAX = 0xfffe;

/** Reads one `.value` object or an array of them. Entries with mistakes are reported and left out. */
export function readValues(node: JsonNode, report: DeclarationReport): ValueEntry[] {
  return readEach(node, { what: "value", aliases: VALUE_KEYS }, report, readValue);
}

/** Reads one `.cmd` object or an array of them. */
export function readCommands(node: JsonNode, report: DeclarationReport): CommandDeclaration[] {
  return readEach(node, { what: "command", aliases: COMMAND_KEYS }, report, readCommand);
}

/** Reads one `.mailbox` object or an array of them. A key unknown here is kept unless it looks like a slip. */
export function readMailboxes(node: JsonNode, report: DeclarationReport): MailboxEntry[] {
  const kind: Kind = { what: "mailbox", aliases: MAILBOX_KEYS, keeps: "all but slips" };
  return readEach(node, kind, report, readMailbox);
}

/** Reads the mailboxes that an image stores as JSON, as a node does: unknown keys are kept, of several aliases the first counts. */
export function readStoredMailboxes(node: JsonNode, report: DeclarationReport): MailboxEntry[] {
  const kind: Kind = { what: "mailbox", aliases: MAILBOX_KEYS, keeps: "all" };
  return readEach(node, kind, report, (fields) => {
    for (const key of ["capacity", "mode", "owner"]) fields.refuseInexact(key);
    const { target, name } = fields.texts("target", "name");
    return { ...readMailbox(fields), target: target ?? name ?? "", json: fields.node };
  });
}

/** The declaration of a value that `readValues` reads back to the same entry. */
export function declareValue(v: ValueEntry): Record<string, unknown> {
  return {
    group: v.group,
    id: v.id,
    name: v.name,
    group_name: v.groupName,
    unit: v.unit,
    flags: printFlags(v.flags, VALUE_FLAGS),
    auth: printLevel(v.auth),
    ...f16Key("init", v.init),
    ...f16Key("epsilon", v.epsilon),
    ...f16Key("min", v.min),
    ...f16Key("max", v.max),
    persist_key: v.persistKey || undefined,
  };
}

/** The declaration of a command; `handler` replaces its code offset by a label. */
export function declareCommand(c: CommandEntry, handler?: string): Record<string, unknown> {
  return {
    group: c.group,
    id: c.id,
    name: c.name,
    group_name: c.groupName,
    flags: printFlags(c.flags, COMMAND_FLAGS),
    auth: printLevel(c.auth),
    ...(handler === undefined ? { handler_offset: c.handler } : { handler }),
    help: c.help,
  };
}

/** A mailbox of target, capacity and mode alone, as the binary form stores it; 0 is the default. */
export function mailboxEntry(target: string, capacity: number, mode: number): MailboxEntry {
  const json = jsonFrom({
    target,
    capacity: capacity || undefined,
    mode_mask: mode || undefined,
  }) as JsonObject;
  const entry: MailboxEntry = { target, json, needsJson: false };
  if (capacity) entry.capacity = capacity;
  if (mode) entry.mode = mode;
  return entry;
}

/** Whether no number lies between min and max. Both 0 are no bounds; where only one is declared the other is 0. */
export function isEmptyRange({ min, max }: ValueEntry): boolean {
  return f16ToNumber(min) > f16ToNumber(max);
}

/** Whether binary16 bits are a NaN. */
export function isNaN16(bits: number): boolean {
  return Number.isNaN(f16ToNumber(bits));
}

// ---- Entries ----

function readEach<T>(
  node: JsonNode,
  kind: Kind,
  report: DeclarationReport,
  read: (fields: Fields) => T,
): T[] {
  const entries: T[] = [];
  for (const item of node.kind === "array" ? node.items : [node]) {
    if (item.kind !== "object") {
      report(item, "bad-declaration", `a ${kind.what} is declared by a JSON object {…}`);
      continue;
    }
    const fields = new Fields(item, kind, report);
    const entry = read(fields);
    if (!fields.failed) entries.push(entry);
  }
  return entries;
}

function readValue(fields: Fields): ValueEntry {
  fields.integer("rate", 0xffff_ffff); // accepted for the reference's sake; an image cannot hold it
  const entry: ValueEntry = {
    group: fields.required("group", 0xff),
    id: fields.required("id", 0xff),
    flags: fields.flags("flags", VALUE_FLAGS, VALUE_FLAGS_ALL),
    auth: fields.flags("auth", LEVELS, Level.FACTORY),
    init: fields.f16("init"),
    epsilon: fields.f16("epsilon"),
    min: fields.f16("min"),
    max: fields.f16("max"),
    persistKey: fields.integer("persistKey", 0xfffe),
    ...fields.texts("name", "unit", "groupName"),
  };
  if (isEmptyRange(entry)) {
    const absent = ["min", "max"].find((field) => !fields.has(field));
    const remedy = absent && `declare ${absent}, too: without it, it is 0`;
    fields.fail(absent === "min" ? "max" : "min", "out-of-range", "min is above max", remedy);
  }
  for (const field of ["epsilon", "min", "max"] as const) {
    if (isNaN16(entry[field])) fields.fail(field, "out-of-range", `${field} is not a number`);
  }
  return entry;
}

function readCommand(fields: Fields): CommandDeclaration {
  const handler = fields.get("handler");
  const symbol = handler !== undefined && handler.key === "handler" && symbolIn(handler.value);
  fields.integer("reserved", 0);
  return {
    group: fields.required("group", 0xff),
    id: fields.required("id", 0xff),
    flags: fields.flags("flags", COMMAND_FLAGS, COMMAND_FLAGS_ALL),
    auth: fields.flags("auth", LEVELS, Level.FACTORY),
    handler: symbol ? 0 : fields.integer("handler", 0xffff_ffff),
    ...fields.texts("name", "help", "groupName"),
    ...(symbol ? { handlerSymbol: symbol } : {}),
  };
}

function readMailbox(fields: Fields): MailboxEntry {
  const { target = "", name = "" } = fields.texts("target", "name");
  const trimmed = (target || name).trim();
  const named = fields.isStored ? fields.has("target") || fields.has("name") : trimmed !== "";
  if (!named) fields.fail("target", "bad-declaration", "a mailbox needs a target");
  const entry: MailboxEntry = {
    target: trimmed,
    json: storedForm(fields.node, trimmed),
    needsJson:
      fields.hasForeignKeys || ["owner", "bindings", "reserved"].some((key) => fields.has(key)),
  };
  if (fields.has("capacity")) entry.capacity = fields.integer("capacity", 0xffff);
  if (fields.has("mode")) entry.mode = fields.flags("mode", MODES, MAILBOX_MODE_ALL);
  if (fields.has("owner")) fields.integer("owner", OWNER_MAX);
  const bindings = fields.get("bindings");
  if (bindings !== undefined && bindings.value.kind !== "array") {
    fields.fail("bindings", "bad-declaration", "bindings is an array of {pid, flags}");
  }
  return entry;
}

/** The declaration as a node reads it: its target added, numbers as numbers. */
function storedForm(node: JsonObject, target: string): JsonObject {
  const { at, end } = node;
  const members = node.members
    .filter((m) => m.key !== "target")
    .map((m) => {
      const n = integerIn(m.value);
      const isText = m.value.kind === "string" && MAILBOX_NUMBERS.includes(m.key);
      if (!isText || n === undefined) return m;
      const value: JsonNode = { ...m.value, kind: "number", value: n, text: String(n) };
      return { ...m, value };
    });
  const value: JsonNode = { kind: "string", at, end, value: target };
  return { ...node, members: [...members, { key: "target", at, value }] };
}

const MAILBOX_NUMBERS = ["capacity", "queue_depth", "mode", "mode_mask", "flags", "owner_pid"];

/** Text that is no number names a symbol. */
function symbolIn(node: JsonNode): string | undefined {
  if (node.kind !== "string" || integerIn(node) !== undefined) return undefined;
  return node.value.trim() || undefined;
}

// ---- Printing ----

function printFlags(bits: number, tokens: Record<string, number>): string | number | undefined {
  if (bits === 0) return undefined;
  const names = Object.keys(tokens).filter((name) => bits & (tokens[name] as number));
  const named = names.reduce((sum, name) => sum | (tokens[name] as number), 0);
  return named === bits ? names.join("|") : bits;
}

function printLevel(level: number): string | number | undefined {
  if (level === 0) return undefined;
  return Object.keys(LEVELS).find((name) => LEVELS[name] === level) ?? level;
}

function f16Key(key: string, bits: number): Record<string, number> {
  if (bits === 0) return {};
  const x = f16Shortest(bits);
  return x === undefined ? { [`${key}_raw`]: bits } : { [key]: x };
}

function allBits(tokens: Record<string, number>): number {
  return Object.values(tokens).reduce((all, bits) => all | bits, 0);
}

/** The names and numbers of an enum. */
function numbersOf(enumeration: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(enumeration).filter(
      (pair): pair is [string, number] => typeof pair[1] === "number",
    ),
  );
}
