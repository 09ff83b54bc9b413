// HXO objects: what the assembler hands to the linker, in memory and as JSON text. Explained in docs/hxe.md, "Objects".
import { DATA_ORIGIN } from "../../assembly/spec/hxe.ts";
import {
  type CommandDeclaration,
  declareCommand,
  declareValue,
  type MailboxEntry,
  readCommands,
  readMailboxes,
  readValues,
  type ValueEntry,
} from "./declarations.ts";
import type { Diagnostic, Position } from "./diagnostic.ts";
import type { MailboxForm } from "./hxe-metadata.ts";
import {
  type JsonNode,
  type JsonObject,
  lineAndColumn,
  memberOf,
  parseJsonText,
  printJson,
} from "./json.ts";
import type { SymbolPart } from "./mvasm.ts";

/** Where a symbol lives. Offsets count from the start of the object's own part of the section. */
export type SectionName = "text" | "data" | "bss";

export interface HxoSymbol {
  section: SectionName;
  offset: number;
}

/** How the linker writes a resolved symbol into code or rodata. */
export type RelocType =
  | "imm12"
  | "imm32"
  | "jump"
  | "mem"
  | "data_word"
  | "data_half"
  | "data_byte";

/** A place that waits for the address of a symbol. */
export interface HxoReloc {
  type: RelocType;
  /** Word index into the code, or byte offset into the rodata for the data types. */
  place: number;
  symbol: string;
  kind: "symbol" | SymbolPart;
  /** Added to the address. */
  addend: number;
  /** CALL: the distance in words from the instruction. */
  pcRelative: boolean;
  /** Where the source says so; unknown in an object read from a file. */
  at?: Position;
}

/** Something declared, and where, if the source is known. */
export type Declared<T> = T & { place?: Position };

/** What an object declares for the image's header and metadata. */
export interface HxoMetadata {
  values: Declared<ValueEntry>[];
  commands: Declared<CommandDeclaration>[];
  mailboxes: Declared<MailboxEntry>[];
  mailboxForm?: MailboxForm;
  stackBytes?: number;
  /** HxeCap bits. */
  caps: number;
  /** Compact JSON text. */
  manifest?: string;
  appName?: string;
  /** The image may be loaded once only. */
  single?: boolean;
}

/** A piece of source and the bytes it became, before linking. */
export interface SourceLine {
  file: string;
  line: number;
  text: string;
  section: SectionName;
  offset: number;
  size: number;
}

/** One assembled source. */
export interface HxoObject {
  /** Name of the file it came from, for messages. */
  file: string;
  /** Byte offset into this object's code where no entry symbol says otherwise. */
  entry: number;
  entrySymbol?: string;
  code: number[];
  rodata: Uint8Array;
  bssSize: number;
  /** Exported names. */
  externs: string[];
  imports: string[];
  relocs: HxoReloc[];
  symbols: Map<string, HxoSymbol>;
  localSymbols: Map<string, HxoSymbol>;
  metadata: HxoMetadata;
  /** Known only to the assembler that has just made the object; not stored. */
  lines: SourceLine[];
}

/** An object without content. */
export function emptyObject(file: string): HxoObject {
  return {
    file,
    entry: 0,
    code: [],
    rodata: new Uint8Array(0),
    bssSize: 0,
    externs: [],
    imports: [],
    relocs: [],
    symbols: new Map(),
    localSymbols: new Map(),
    metadata: { values: [], commands: [], mailboxes: [], caps: 0 },
    lines: [],
  };
}

// ---- Writing ----

/** The object as UTF-8 JSON text, two blanks a level, ending in a newline. */
export function encodeHxo(object: HxoObject): string {
  const metadata = metadataJson(object.metadata);
  const json = {
    version: 1,
    entry: object.entry,
    entry_symbol: object.entrySymbol ?? null,
    code: object.code,
    rodata: Buffer.from(object.rodata).toString("hex"),
    ...(object.bssSize > 0 ? { bss_size: object.bssSize } : {}),
    externs: object.externs,
    imports: object.imports,
    relocs: object.relocs.map(relocJson),
    symbols: symbolsJson(object.symbols, false),
    local_symbols: symbolsJson(object.localSymbols, true),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function relocJson(r: HxoReloc): object {
  const inData = r.type.startsWith("data_");
  return {
    type: r.type,
    ...(inData ? { offset: r.place } : { index: r.place }),
    symbol: r.symbol,
    kind: r.kind,
    section: inData ? "rodata" : "code",
    ...(r.addend !== 0 ? { addend: r.addend } : {}),
    ...(r.pcRelative ? { pc_relative: true } : {}),
  };
}

function symbolsJson(symbols: ReadonlyMap<string, HxoSymbol>, withAddress: boolean): object {
  const rows = [...symbols].map(([name, { section, offset }]) => {
    const address = section === "data" ? { abs_addr: DATA_ORIGIN + offset } : { abs_addr: offset };
    return [name, { section, offset, ...(withAddress ? address : {}) }];
  });
  return Object.fromEntries(rows);
}

function metadataJson(m: HxoMetadata): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  const put = (key: string, value: unknown, present: boolean): void => {
    if (present) json[key] = value;
  };
  put("values", m.values.map(valueJson), m.values.length > 0);
  put("commands", m.commands.map(commandJson), m.commands.length > 0);
  put("mailboxes", m.mailboxes.map(mailboxJson), m.mailboxes.length > 0);
  put("mailbox_form", m.mailboxForm, m.mailboxForm !== undefined);
  put("stack", m.stackBytes, m.stackBytes !== undefined);
  put("caps", m.caps, m.caps !== 0);
  put("manifest", m.manifest, m.manifest !== undefined);
  put("app_name", m.appName, m.appName !== undefined);
  put("single_instance", true, m.single === true);
  return json;
}

/** The reference's linker reads `value` and `cmd` where sources say `id`. */
function valueJson(entry: ValueEntry): object {
  const { id, ...rest } = declareValue(entry);
  return { value: id, ...rest, flags: entry.flags, auth: entry.auth };
}

function commandJson(entry: CommandDeclaration): object {
  const { id, ...rest } = declareCommand(entry, entry.handlerSymbol);
  return { cmd: id, ...rest, flags: entry.flags, auth: entry.auth };
}

function mailboxJson(entry: MailboxEntry): unknown {
  return JSON.parse(printJson(entry.json));
}

// ---- Reading ----

/** Reads the text of an object, ours or the reference's. */
export function decodeHxo(
  text: string,
  file: string,
): { object?: HxoObject; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const report = (at: number, code: string, message: string, remedy?: string): void => {
    const place = { file, ...lineAndColumn(text, at), source: lineAt(text, at) };
    diagnostics.push({ ...place, code, message, ...(remedy ? { remedy } : {}) });
  };
  const node = parseJsonText(text);
  if ("error" in node) {
    report(node.error.at, "bad-json", node.error.message);
    return { diagnostics };
  }
  if (node.kind !== "object") {
    report(node.at, "bad-object", "an object file is a JSON object {…}");
    return { diagnostics };
  }
  const object = new HxoReader(node, file, report).read();
  return diagnostics.length > 0 ? { diagnostics } : { object, diagnostics };
}

function lineAt(text: string, at: number): string {
  const { column } = lineAndColumn(text, at);
  return text.slice(at - column + 1).split(/\r?\n/, 1)[0] as string;
}

type Report = (at: number, code: string, message: string, remedy?: string) => void;

const CODE_RELOCS = new Set(["imm12", "imm32", "jump", "mem"]);
const DATA_RELOCS = new Set(["data_word", "data_half", "data_byte"]);
const DATA_SIZE: Readonly<Record<string, number>> = { data_word: 4, data_half: 2, data_byte: 1 };

class HxoReader {
  private readonly object: HxoObject;

  constructor(
    private readonly root: JsonObject,
    file: string,
    private readonly report: Report,
  ) {
    this.object = emptyObject(file);
  }

  read(): HxoObject {
    const { root, object } = this;
    if (this.integer(root, "version", 1, 1) === undefined) {
      this.fail(root, "this is no object of version 1");
      return object;
    }
    object.entry = this.integer(root, "entry", 0, 0xffff) ?? 0;
    const entrySymbol = this.text(root, "entry_symbol");
    if (entrySymbol !== undefined) object.entrySymbol = entrySymbol;
    object.code = this.list(root, "code").map((item) => this.wordIn(item));
    object.rodata = this.readHex();
    object.bssSize = this.integer(root, "bss_size", 0, 0xffff) ?? 0;
    object.externs = this.list(root, "externs").map((item) => this.textIn(item));
    object.imports = this.list(root, "imports").map((item) => this.textIn(item));
    object.symbols = this.readSymbols("symbols");
    object.localSymbols = this.readSymbols("local_symbols");
    for (const item of this.list(root, "relocs")) this.readReloc(item);
    this.readMetadata();
    return object;
  }

  private fail(node: JsonNode, message: string): void {
    this.report(node.at, "bad-object", message);
  }

  private member(node: JsonObject, key: string): JsonNode | undefined {
    const value = memberOf(node, key)?.value;
    return value?.kind === "null" ? undefined : value;
  }

  private integer(node: JsonObject, key: string, min: number, max: number): number | undefined {
    const value = this.member(node, key);
    if (value === undefined) return undefined;
    if (value.kind === "number" && Number.isInteger(value.value)) {
      if (value.value >= min && value.value <= max) return value.value;
    }
    this.fail(value, `"${key}" is a whole number ${min} to ${max}`);
    return undefined;
  }

  private text(node: JsonObject, key: string): string | undefined {
    const value = this.member(node, key);
    return value === undefined ? undefined : this.textIn(value);
  }

  private textIn(node: JsonNode): string {
    if (node.kind === "string") return node.value;
    this.fail(node, "a text in double quotes was expected");
    return "";
  }

  private wordIn(node: JsonNode): number {
    const word = node.kind === "number" ? node.value : Number.NaN;
    if (Number.isInteger(word) && word >= -0x8000_0000 && word <= 0xffff_ffff) return word >>> 0;
    this.fail(node, "a code word is a whole number of 32 bits");
    return 0;
  }

  private list(node: JsonObject, key: string): JsonNode[] {
    const value = this.member(node, key);
    if (value === undefined) return [];
    if (value.kind === "array") return value.items;
    this.fail(value, `"${key}" is an array`);
    return [];
  }

  private flag(node: JsonObject, key: string): boolean {
    const value = this.member(node, key);
    if (value !== undefined && value.kind !== "boolean") this.fail(value, `"${key}" is a boolean`);
    return value?.kind === "boolean" && value.value;
  }

  private readHex(): Uint8Array {
    const digits = this.text(this.root, "rodata") ?? "";
    if (/^([0-9a-fA-F]{2})*$/.test(digits)) return Uint8Array.from(Buffer.from(digits, "hex"));
    this.fail(this.member(this.root, "rodata") as JsonNode, '"rodata" is hexadecimal');
    return new Uint8Array(0);
  }

  private readSymbols(key: string): Map<string, HxoSymbol> {
    const symbols = new Map<string, HxoSymbol>();
    const table = this.member(this.root, key);
    if (table === undefined) return symbols;
    if (table.kind !== "object") {
      this.fail(table, `"${key}" is an object {…}`);
      return symbols;
    }
    for (const { key: name, value } of table.members) {
      if (value.kind !== "object") this.fail(value, `symbol "${name}" is an object {…}`);
      else symbols.set(name, this.readSymbol(value, name));
    }
    return symbols;
  }

  private readSymbol(node: JsonObject, name: string): HxoSymbol {
    const section = this.text(node, "section") ?? "";
    const limits: Record<string, number> = {
      text: 4 * this.object.code.length,
      data: this.object.rodata.length,
      bss: this.object.bssSize,
    };
    const limit = Object.hasOwn(limits, section) ? (limits[section] as number) : -1;
    if (limit < 0) this.fail(node, `symbol "${name}" is in no section text, data or bss`);
    const offset = this.integer(node, "offset", 0, Math.max(0, limit)) ?? 0;
    return { section: section as SectionName, offset };
  }

  private readReloc(item: JsonNode): void {
    if (item.kind !== "object") {
      this.fail(item, "a relocation is an object {…}");
      return;
    }
    const type = this.text(item, "type") ?? "";
    const inData = DATA_RELOCS.has(type);
    if (!inData && !CODE_RELOCS.has(type)) this.fail(item, `there is no relocation "${type}"`);
    const kind = this.text(item, "kind") ?? "symbol";
    if (!["symbol", "lo16", "hi16", "off16"].includes(kind)) {
      this.fail(item, `there is no relocation kind "${kind}"`);
    }
    const { code, rodata } = this.object;
    const last = inData ? rodata.length - (DATA_SIZE[type] as number) : code.length - 1;
    const place = this.integer(item, inData ? "offset" : "index", 0, last);
    if (place === undefined) this.fail(item, "a relocation lies outside its section");
    this.object.relocs.push({
      type: type as RelocType,
      place: place ?? 0,
      symbol: this.text(item, "symbol") ?? "",
      kind: kind as HxoReloc["kind"],
      addend: this.integer(item, "addend", -0x8000_0000, 0xffff_ffff) ?? 0,
      pcRelative: this.flag(item, "pc_relative"),
    });
  }

  private readMetadata(): void {
    const node = this.member(this.root, "metadata");
    if (node === undefined) return;
    if (node.kind !== "object") {
      this.fail(node, '"metadata" is an object {…}');
      return;
    }
    const report = (part: { at: number }, code: string, message: string, remedy?: string): void =>
      this.report(part.at, code, message, remedy);
    const { metadata } = this.object;
    const [values, commands, mailboxes] = ["values", "commands", "mailboxes"].map((key) =>
      this.member(node, key),
    );
    if (values) metadata.values = readValues(values, report);
    if (commands) metadata.commands = readCommands(commands, report);
    if (mailboxes) metadata.mailboxes = readMailboxes(mailboxes, report);
    this.readSettings(node, metadata);
  }

  private readSettings(node: JsonObject, metadata: HxoMetadata): void {
    metadata.caps = this.integer(node, "caps", 0, 0xffff_ffff) ?? 0;
    const stack = this.integer(node, "stack", 0, 0xffff);
    if (stack !== undefined) metadata.stackBytes = stack;
    const manifest = this.text(node, "manifest");
    if (manifest !== undefined) metadata.manifest = manifest;
    const appName = this.text(node, "app_name");
    if (appName !== undefined) metadata.appName = appName;
    if (this.flag(node, "single_instance")) metadata.single = true;
    const form = this.text(node, "mailbox_form");
    if (form === "json" || form === "binary") metadata.mailboxForm = form;
    else if (form !== undefined) this.fail(node, '"mailbox_form" is "binary" or "json"');
  }
}
