// Calibration files: TOML that says what a persistence image is to hold; read with checks, and written.

import { Source } from "../../assembly/spec/boot.ts";
import { CellType } from "../../assembly/spec/cell.ts";
import { Desktop } from "../../assembly/spec/limits.ts";
import type { Diagnostic, Position } from "./diagnostic.ts";
import { f16FromNumber, f16Shortest, f16ToNumber } from "./f16.ts";
import { findKey, isWithin, type KeptValue, limitsText } from "./kept-values.ts";
import type { BootPolicy, NodeConfig } from "./node-words.ts";
import { hex } from "./text.ts";
import { kindText, parseToml, type TomlMember, type TomlNode, type TomlTable } from "./toml.ts";
import { type PlacedText, TomlReader } from "./toml-reader.ts";

/** A value of a key that the image is to hold. */
export interface CalibrationCell {
  readonly type: CellType.VALUE | CellType.FACTORY;
  readonly key: number;
  /** binary16 */
  readonly bits: number;
  readonly place: Position;
}

/** An app whose image the device is to hold. */
export interface AppEntry extends BootPolicy {
  /** File of the image, as written. */
  readonly image: string;
  /** Of the image's name in the file. */
  readonly place: Position;
}

export interface Calibration {
  /** Number of the key schema. */
  readonly schema: number;
  /** Cells to make; undefined: as many as fit. */
  readonly storeCells: number | undefined;
  /** `fram:8192`, where the file says it. */
  readonly media: PlacedText | undefined;
  readonly cells: readonly CalibrationCell[];
  readonly node: NodeConfig | undefined;
  readonly slots: { readonly count: number; readonly bytes: number } | undefined;
  readonly apps: readonly AppEntry[];
}

/** Tables of values, and the type of their cells. */
const TABLES = { values: CellType.VALUE, factory: CellType.FACTORY } as const;
const MEMBERS = ["schema", "media", "cells", ...Object.keys(TABLES), "node", "slots", "apps"];

/** Numbers of [node]: the most of each, and what it is called. */
const NODE_NUMBERS = {
  id: [255, "id"],
  role: [255, "role"],
  bit_rate: [0xffff, "bitRate"],
  base_id: [0x7ff, "baseId"],
  change_level: [3, "changeLevel"],
  master_wait: [0xffff, "masterWait_ms"],
  card_wait: [0xffff, "cardWait_ms"],
} as const;
const SLOT_COUNT_MAX = 14;
const SLOT_BYTES: readonly [number, number] = [256, 0xfff00];

// ---- Reading ----

/** Reads a file. `known`: values of images, for names, units and limits. Warnings do not make it wrong. */
export function readCalibration(
  text: string,
  file: string,
  known: readonly KeptValue[],
): { calibration?: Calibration; diagnostics: Diagnostic[]; warnings: Diagnostic[] } {
  const { root, diagnostics } = parseToml(text, file);
  if (root === undefined) return { diagnostics, warnings: [] };
  const reader = new Reader(known);
  const calibration = reader.read(root);
  const { warnings } = reader;
  if (reader.diagnostics.length > 0) return { diagnostics: reader.diagnostics, warnings };
  return { calibration, diagnostics: [], warnings };
}

class Reader extends TomlReader {
  readonly warnings: Diagnostic[] = [];
  /** By type and key. */
  private readonly cells = new Map<number, CalibrationCell>();

  constructor(private readonly known: readonly KeptValue[]) {
    super();
  }

  read(root: TomlTable): Calibration {
    let schema = 0;
    let media: Calibration["media"];
    let storeCells: number | undefined;
    let node: Calibration["node"];
    let slots: Calibration["slots"];
    let apps: AppEntry[] = [];
    for (const member of root.members) {
      if (member.key === "schema") schema = this.integer(member, 0, 0xff);
      else if (member.key === "cells") storeCells = this.integer(member, 1, Desktop.CELLS);
      else if (member.key === "media") media = this.text(member);
      else if (member.key in TABLES) this.readTable(member);
      else if (member.key === "node") node = this.readNode(member);
      else if (member.key === "slots") slots = this.readSlots(member);
      else if (member.key === "apps") apps = this.readApps(member);
      else this.unknown(member, MEMBERS);
    }
    return { schema, storeCells, media, cells: [...this.cells.values()], node, slots, apps };
  }

  // ---- Node, slots, apps ----

  private readNode(member: TomlMember): NodeConfig | undefined {
    const waits = { masterWait_ms: 0, cardWait_ms: 0 };
    const numbers = { id: 0, role: 0, bitRate: 0, baseId: 0, changeLevel: 0, ...waits };
    let sources: Source[] = [];
    for (const item of this.tableOf(member)?.members ?? []) {
      const number = NODE_NUMBERS[item.key as keyof typeof NODE_NUMBERS];
      if (number !== undefined) numbers[number[1]] = this.integer(item, 0, number[0]);
      else if (item.key === "sources") sources = this.readSources(item);
      else this.unknown(item, [...Object.keys(NODE_NUMBERS), "sources"]);
    }
    return { ...numbers, sources };
  }

  private readSources({ key, value }: TomlMember): Source[] {
    const items = value.kind === "array" ? value.items : [];
    const sources = items.map((item) => this.source({ key, place: item.place, value: item }));
    if (value.kind === "array" && items.length <= 4 && !sources.includes(Source.STORED))
      return sources;
    const message = 'sources is an array of at most four, and none of them is "stored"';
    this.wrong(value.place, "bad-sources", message, 'write sources = ["sd", "can"]');
    return [];
  }

  private source({ value }: TomlMember): Source {
    const names = Object.keys(Source).filter((name) => !/^\d/.test(name));
    const known = names.map((name) => name.toLowerCase());
    const index = value.kind === "string" ? known.indexOf(value.value) : -1;
    if (index >= 0) return index;
    const text = value.kind === "string" ? `"${value.value}"` : kindText(value);
    const remedy = `there are ${known.map((name) => `"${name}"`).join(", ")}`;
    this.wrong(value.place, "bad-source", `${text} is no source of images`, remedy);
    return Source.HOST;
  }

  private readSlots(member: TomlMember): Calibration["slots"] {
    const slots = { count: 0, bytes: 0 };
    for (const item of this.tableOf(member)?.members ?? []) {
      if (item.key === "count") slots.count = this.integer(item, 0, SLOT_COUNT_MAX);
      else if (item.key === "bytes") slots.bytes = this.integer(item, ...SLOT_BYTES);
      else this.unknown(item, ["count", "bytes"]);
    }
    if (slots.count > 0 && slots.bytes === 0)
      this.wrong(member.place, "bad-slots", "how large is a slot?", "add bytes = 8192");
    return slots;
  }

  private readApps(member: TomlMember): AppEntry[] {
    return this.tablesOf(member, "app").flatMap((table) => this.readApp(table));
  }

  private readApp(table: TomlTable): AppEntry[] {
    const app = {
      order: 0,
      restarts: 0,
      fallbackOnFault: false,
      source: Source.STORED,
      quantum: 0,
    };
    let image: PlacedText | undefined;
    for (const item of table.members) {
      if (item.key === "image") image = this.text(item);
      else if (item.key === "order") app.order = this.integer(item, 0, 15);
      else if (item.key === "restarts") app.restarts = this.integer(item, 0, 7);
      else if (item.key === "fallback_on_fault") app.fallbackOnFault = this.boolean(item);
      else if (item.key === "source") app.source = this.source(item);
      else if (item.key === "quantum") app.quantum = this.quantum(item);
      else this.unknown(item, ["image", ...Object.keys(app)]);
    }
    if (image !== undefined) return [{ image: image.text, place: image.place, ...app }];
    this.wrong(table.place, "bad-app", "this app has no image", 'add image = "app.hxe"');
    return [];
  }

  private quantum(item: TomlMember): number {
    const quantum = this.integer(item, 0, 16384);
    if (quantum === 0 || Number.isInteger(Math.log2(quantum))) return quantum;
    const message = `quantum ${quantum} is no power of two`;
    this.wrong(item.value.place, "bad-number", message, "choose 0, 1, 2, 4, … 16384");
    return 0;
  }

  // ---- Tables of values ----

  private readTable({ key, value, place }: TomlMember): void {
    if (value.kind !== "table") {
      const message = `${key} is ${kindText(value)}; it is a table`;
      this.wrong(place, "bad-table", message, `write [${key}], and its values in the lines below`);
      return;
    }
    this.readValues(value, TABLES[key as keyof typeof TABLES], "");
  }

  /** `group`: of a table inside the table, `values.thermostat`. */
  private readValues(table: TomlTable, type: CalibrationCell["type"], group: string): void {
    for (const { key, place, value } of table.members) {
      const name = group === "" ? key : `${group}:${key}`;
      const isGroup = value.kind === "table" && group === "" && !isBits(value);
      if (isGroup) this.readValues(value, type, key);
      else this.readValue(type, name, place, value);
    }
  }

  private readValue(
    type: CalibrationCell["type"],
    name: string,
    place: Position,
    node: TomlNode,
  ): void {
    const found = findKey(this.known, name);
    if ("message" in found) return this.wrong(place, "bad-key", found.message, found.remedy);
    const { key, value } = found;
    const bits = this.bitsOf(node, value);
    if (bits === undefined || this.isTwice(type, key, place)) return;
    if (value !== undefined && !isWithin(value, f16ToNumber(bits))) {
      const message = `${kindText(node)} is out of range: ${value.label} is ${limitsText(value)}`;
      return this.wrong(node.place, "out-of-range", message, "choose a number inside it");
    }
    this.cells.set(type * 65536 + key, { type, key, bits, place });
  }

  private isTwice(type: CellType, key: number, place: Position): boolean {
    const other = this.cells.get(type * 65536 + key);
    if (other === undefined) return false;
    const label = this.known.find((v) => v.key === key)?.label;
    const what = `key ${hex(key, 4)}${label === undefined ? "" : ` (${label})`}`;
    const message = `${what} stands here twice: in line ${other.place.line}, too`;
    this.wrong(place, "duplicate-key", message, "keep one of the two");
    return true;
  }

  // ---- Numbers ----

  private bitsOf(node: TomlNode, value: KeptValue | undefined): number | undefined {
    if (node.kind === "integer" || node.kind === "float") return this.f16Of(node, value);
    if (node.kind === "boolean") return f16FromNumber(node.value ? 1 : 0);
    const bits = node.kind === "table" ? node.members[0]?.value : undefined;
    if (node.kind === "table" && isBits(node) && bits?.kind === "integer") {
      if (bits.value >= 0 && bits.value <= 0xffff) return bits.value;
    }
    const message = `${kindText(node)} is no number`;
    const remedy = "write 12, -2.5, 1e3, true, inf or nan; { bits = 0x3C00 } for a bit pattern";
    this.wrong(node.place, "not-f16", message, remedy);
    return undefined;
  }

  private f16Of(
    node: Extract<TomlNode, { kind: "integer" | "float" }>,
    value: KeptValue | undefined,
  ): number | undefined {
    const { value: number, text, place } = node;
    const bits = f16FromNumber(number);
    const unit = value?.unit ? ` ${value.unit}` : "";
    const stored = f16ToNumber(bits);
    if (Number.isFinite(number) && !Number.isFinite(stored)) {
      const message = `${text} is no binary16: those end at -65504 and 65504`;
      this.wrong(place, "not-f16", message, "choose a smaller number, or another unit");
      return undefined;
    }
    if (number !== 0 && stored === 0) {
      const message = `${text} is no binary16: the smallest is 6e-8`;
      this.wrong(place, "not-f16", message, "choose another unit, or write 0");
      return undefined;
    }
    if (Number.isFinite(number) && number !== stored && f16Shortest(bits) !== number) {
      const message = `${text} is kept as ${stored}${unit}, the nearest binary16`;
      const remedy = `write ${f16Shortest(bits)} to say that this is meant`;
      this.warnings.push({ ...place, code: "rounded", message, remedy });
    }
    return bits;
  }
}

/** `{ bits = 0x7E01 }` */
function isBits(table: TomlTable): boolean {
  const [first, ...others] = table.members;
  return first?.key === "bits" && others.length === 0 && first.value.kind === "integer";
}

// ---- Writing ----

/** A value of a key, as an image holds it. */
export type StoredValue = Pick<CalibrationCell, "type" | "key" | "bits">;

function numberText(bits: number): string {
  const short = f16Shortest(bits);
  if (short !== undefined) return String(short);
  const words: Record<number, string> = {
    32768: "-0.0",
    31744: "inf",
    64512: "-inf",
    32256: "nan",
  };
  return words[bits] ?? `{ bits = ${hex(bits, 4)} }`;
}

function valueLine({ key, bits }: StoredValue, known: readonly KeptValue[]): string {
  const value = known.find((v) => v.key === key);
  if (value === undefined) return `${hex(key, 4)} = ${numberText(bits)}`;
  const isUnique = known.every((v) => v.label !== value.label || v.key === key);
  const name = isUnique && !/["\\\p{Cc}]/u.test(value.label) ? `"${value.label}"` : hex(key, 4);
  const notes = [value.unit, name.startsWith('"') ? `key ${hex(key, 4)}` : ""];
  const remark = notes
    .filter((note) => note !== "")
    .join(", ")
    .replace(/\p{Cc}/gu, " ");
  return `${name} = ${numberText(bits)}${remark === "" ? "" : `  # ${remark}`}`;
}

/** The file that build makes the same values of. `remark`: a comment at its head. */
export function writeCalibration(
  content: {
    readonly schema: number;
    readonly media: string;
    readonly storeCells: number;
    readonly cells: readonly StoredValue[];
  },
  known: readonly KeptValue[],
  remark: string,
): string {
  const tables = Object.entries(TABLES).flatMap(([name, type]) => {
    const cells = content.cells.filter((c) => c.type === type).sort((a, b) => a.key - b.key);
    return cells.length === 0 ? [] : ["", `[${name}]`, ...cells.map((c) => valueLine(c, known))];
  });
  const head = [
    `# ${remark}`,
    `schema = ${content.schema}`,
    `media = "${content.media}"`,
    `cells = ${content.storeCells}`,
  ];
  return [...head, ...tables, ""].join("\n");
}
