// Calibration files: TOML that says what a persistence image is to hold; read with checks, and written.

import { CellType } from "../../assembly/spec/cell.ts";
import { Desktop } from "../../assembly/spec/limits.ts";
import type { Diagnostic, Position } from "./diagnostic.ts";
import { f16Shortest } from "./f16.ts";
import type { KeptValue } from "./kept-values.ts";
import type { BootPolicy, NodeConfig } from "./node-words.ts";
import { hex } from "./text.ts";
import { kindText, parseToml, type TomlMember, type TomlNode, type TomlTable } from "./toml.ts";
import {
  BOOT_KEYS,
  CONFIG_KEYS,
  noConfig,
  plainBoot,
  type SlotRoom,
  TomlNodeReader,
} from "./toml-node-reader.ts";
import type { PlacedText } from "./toml-reader.ts";

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
  readonly slots: SlotRoom | undefined;
  readonly apps: readonly AppEntry[];
}

/** Tables of values, and the type of their cells. */
const TABLES = { values: CellType.VALUE, factory: CellType.FACTORY } as const;
const MEMBERS = ["schema", "media", "cells", ...Object.keys(TABLES), "node", "slots", "apps"];

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

class Reader extends TomlNodeReader {
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
      else if (member.key === "slots") slots = this.slotRoom(member);
      else if (member.key === "apps") apps = this.readApps(member);
      else this.unknown(member, MEMBERS);
    }
    return { schema, storeCells, media, cells: [...this.cells.values()], node, slots, apps };
  }

  // ---- Node, slots, apps ----

  private readNode(member: TomlMember): NodeConfig {
    const config = noConfig();
    for (const item of this.tableOf(member)?.members ?? [])
      if (!this.configItem(item, config)) this.unknown(item, CONFIG_KEYS);
    return config;
  }

  private readApps(member: TomlMember): AppEntry[] {
    return this.tablesOf(member, "app").flatMap((table) => this.readApp(table));
  }

  private readApp(table: TomlTable): AppEntry[] {
    const boot = plainBoot();
    let image: PlacedText | undefined;
    for (const item of table.members) {
      if (item.key === "image") image = this.text(item);
      else if (!this.bootItem(item, boot)) this.unknown(item, ["image", ...BOOT_KEYS]);
    }
    if (image !== undefined) return [{ image: image.text, place: image.place, ...boot }];
    this.wrong(table.place, "bad-app", "this app has no image", 'add image = "app.hxe"');
    return [];
  }

  // ---- Tables of values ----

  private readTable({ key, value, place }: TomlMember): void {
    if (value.kind !== "table") {
      const message = `${key} is ${kindText(value)}; it is a table`;
      this.wrong(place, "bad-table", message, `write [${key}], and its values in the lines below`);
      return;
    }
    const type = TABLES[key as keyof typeof TABLES];
    this.eachValue(value, (name, at, node) => this.readValue(type, name, at, node));
  }

  private readValue(
    type: CalibrationCell["type"],
    name: string,
    place: Position,
    node: TomlNode,
  ): void {
    const read = this.keyedBits(this.known, name, place, node);
    if (read === undefined || this.isTwice(type, read.key, place)) return;
    this.cells.set(type * 65536 + read.key, { type, key: read.key, bits: read.bits, place });
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
    readonly media?: string | undefined;
    readonly storeCells?: number | undefined;
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
    ...(content.media === undefined ? [] : [`media = "${content.media}"`]),
    ...(content.storeCells === undefined ? [] : [`cells = ${content.storeCells}`]),
  ];
  return [...head, ...tables, ""].join("\n");
}
