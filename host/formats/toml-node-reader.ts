// What files about nodes have in common: configuration, how an app boots, slots, UIDs, numbers as binary16 under names of values.

import { Source } from "../../assembly/spec/boot.ts";
import type { Diagnostic, Position } from "./diagnostic.ts";
import { f16FromNumber, f16Shortest, f16ToNumber } from "./f16.ts";
import { findKey, isWithin, type KeptValue, limitsText } from "./kept-values.ts";
import type { BootPolicy, NodeConfig } from "./node-words.ts";
import { kindText, type TomlMember, type TomlNode, type TomlTable } from "./toml.ts";
import { TomlReader } from "./toml-reader.ts";

/** What can be changed while a file is read. */
type Open<T> = { -readonly [K in keyof T]: T[K] };
/** Slots of a device. */
export interface SlotRoom {
  readonly count: number;
  readonly bytes: number;
}
/** A value under a key. */
export interface KeyedBits {
  readonly key: number;
  /** binary16 */
  readonly bits: number;
  /** Undefined: no image that was named keeps the key. */
  readonly value: KeptValue | undefined;
}

/** Numbers of a configuration: the most of each, and what it is called. */
const CONFIG_NUMBERS = {
  id: [255, "id"],
  role: [255, "role"],
  bit_rate: [0xffff, "bitRate"],
  base_id: [0x7ff, "baseId"],
  change_level: [3, "changeLevel"],
  master_wait: [0xffff, "masterWait_ms"],
  card_wait: [0xffff, "cardWait_ms"],
} as const;
/** Keys of a configuration, and of how an app boots. */
export const CONFIG_KEYS: readonly string[] = [...Object.keys(CONFIG_NUMBERS), "sources"];
export const BOOT_KEYS = ["order", "restarts", "fallback_on_fault", "source", "quantum"] as const;
const SLOT_COUNT_MAX = 14;
const SLOT_BYTES: readonly [number, number] = [256, 0xfff00];

/** The board's own configuration. */
export function noConfig(): Open<NodeConfig> {
  const waits = { masterWait_ms: 0, cardWait_ms: 0 };
  const numbers = { id: 0, role: 0, bitRate: 0, baseId: 0, changeLevel: 0, ...waits };
  return { ...numbers, sources: [] };
}
/** How an app boots of which nothing is said. */
export function plainBoot(): Open<BootPolicy> {
  return { order: 0, restarts: 0, fallbackOnFault: false, source: Source.STORED, quantum: 0 };
}

export class TomlNodeReader extends TomlReader {
  readonly warnings: Diagnostic[] = [];

  // ---- Configuration, boot, slots ----

  /** Reads a key of a configuration. False: it is none. */
  protected configItem(item: TomlMember, config: Open<NodeConfig>): boolean {
    const number = CONFIG_NUMBERS[item.key as keyof typeof CONFIG_NUMBERS];
    if (number !== undefined) config[number[1]] = this.integer(item, 0, number[0]);
    else if (item.key === "sources") config.sources = this.sources(item);
    else return false;
    return true;
  }
  /** Reads a key of how an app boots. False: it is none. */
  protected bootItem(item: TomlMember, boot: Open<BootPolicy>): boolean {
    if (item.key === "order") boot.order = this.integer(item, 0, 15);
    else if (item.key === "restarts") boot.restarts = this.integer(item, 0, 7);
    else if (item.key === "fallback_on_fault") boot.fallbackOnFault = this.boolean(item);
    else if (item.key === "source") boot.source = this.source(item);
    else if (item.key === "quantum") boot.quantum = this.quantum(item);
    else return false;
    return true;
  }

  private sources({ key, value }: TomlMember): Source[] {
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

  protected slotRoom(member: TomlMember): SlotRoom {
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

  private quantum(item: TomlMember): number {
    const quantum = this.integer(item, 0, 16384);
    if (quantum === 0 || Number.isInteger(Math.log2(quantum))) return quantum;
    const message = `quantum ${quantum} is no power of two`;
    this.wrong(item.value.place, "bad-number", message, "choose 0, 1, 2, 4, … 16384");
    return 0;
  }

  /** 1 to 16 bytes in hexadecimal. */
  protected uid(member: TomlMember): Uint8Array | undefined {
    const read = this.text(member);
    if (read === undefined) return undefined;
    if (/^([0-9a-fA-F]{2}){1,16}$/.test(read.text))
      return Uint8Array.from(Buffer.from(read.text, "hex"));
    const message = `"${read.text}" is no uid: 1 to 16 bytes in hexadecimal`;
    this.wrong(read.place, "bad-uid", message, 'write for example "0102030405060708"');
    return undefined;
  }

  // ---- Values ----

  /** Calls `take` for each value of a table; those of a table inside it have the name of that group. */
  protected eachValue(
    table: TomlTable,
    take: (name: string, place: Position, node: TomlNode) => void,
    group = "",
  ): void {
    for (const { key, place, value } of table.members) {
      const isGroup = value.kind === "table" && group === "" && !isBits(value);
      if (isGroup) this.eachValue(value, take, key);
      else take(group === "" ? key : `${group}:${key}`, place, value);
    }
  }
  /** A value by name or key, within its limits. Undefined: it is wrong, and told. */
  protected keyedBits(
    known: readonly KeptValue[],
    name: string,
    place: Position,
    node: TomlNode,
  ): KeyedBits | undefined {
    const found = findKey(known, name);
    if ("message" in found) {
      this.wrong(place, "bad-key", found.message, found.remedy);
      return undefined;
    }
    const { key, value } = found;
    const bits = this.bitsOf(node, value);
    if (bits === undefined) return undefined;
    if (value === undefined || isWithin(value, f16ToNumber(bits))) return { key, bits, value };
    const message = `${kindText(node)} is out of range: ${value.label} is ${limitsText(value)}`;
    this.wrong(node.place, "out-of-range", message, "choose a number inside it");
    return undefined;
  }

  protected bitsOf(node: TomlNode, value: KeptValue | undefined): number | undefined {
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
