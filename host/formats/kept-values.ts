// The values an image keeps under a persist key, so that keys have names, units and limits.

import { crc32 } from "node:zlib";
import { MEANING_UNKNOWN } from "../../assembly/spec/cell.ts";
import { ValueFlag } from "../../assembly/spec/svc.ts";
import type { ValueEntry } from "./declarations.ts";
import { suggest } from "./diagnostic.ts";
import { f16Shortest, f16ToNumber } from "./f16.ts";
import { hex } from "./text.ts";

/** A value that an app declares with a persist key. */
export interface KeptValue {
  readonly key: number;
  /** `thermostat:setpoint`; with numbers for names it lacks. */
  readonly label: string;
  readonly name: string;
  readonly unit: string;
  /** App that declares it. */
  readonly app: string;
  /** group << 8 | id */
  readonly oid: number;
  /** ValueFlag bits. */
  readonly flags: number;
  /** binary16 bits, like min and max; both 0: no limits. */
  readonly init: number;
  readonly min: number;
  readonly max: number;
}

/** Bytes of a unit that count for its meaning. */
const UNIT_MAX = 48;

/** What a value of this unit notes in the MEANING of its key (docs/persistence.md "Carried over"); undefined: nothing. */
export function meaningOf(unit: string, flags: number): number | undefined {
  const isBool = (flags & ValueFlag.BOOL) !== 0;
  if (unit === "" && !isBool) return undefined;
  const bytes = [
    ...new TextEncoder().encode(unit).subarray(0, UNIT_MAX),
    ...(isBool ? [0x10] : []),
  ];
  const low = crc32(new Uint8Array(bytes)) & 0xffff;
  return low === 0 ? 1 : low === MEANING_UNKNOWN ? MEANING_UNKNOWN - 1 : low;
}

/** All values of an image; those that are not kept have key 0. */
export function allValues(app: string, values: readonly ValueEntry[]): KeptValue[] {
  return values.map((v) => ({
    key: v.persistKey,
    label: `${v.groupName || v.group}:${v.name || v.id}`,
    name: v.name ?? "",
    unit: v.unit ?? "",
    app,
    oid: v.group * 256 + v.id,
    flags: v.flags,
    init: v.init,
    min: v.min,
    max: v.max,
  }));
}
/** The kept values of an image. */
export function keptValues(app: string, values: readonly ValueEntry[]): KeptValue[] {
  return allValues(app, values).filter(({ key }) => key !== 0);
}

/** What of a value counts when another claims the same. */
type Claimed = Pick<KeptValue, "oid" | "flags">;

/** Two values that claim one key, which no node takes together: the first two; undefined: there are none. */
export function keyConflict(known: readonly KeptValue[]): [KeptValue, KeptValue] | undefined {
  const byKey = new Map<number, KeptValue>();
  for (const value of known) {
    const other = byKey.get(value.key);
    if (other === undefined) byKey.set(value.key, value);
    else if (!isShared(value, other)) return [other, value];
  }
  return undefined;
}
/** True for one value that two apps declare together. */
export function isShared(a: Claimed, b: Claimed): boolean {
  return a.oid === b.oid && (a.flags & b.flags & ValueFlag.SHARED) !== 0;
}

/** Lowest and highest number a value takes; undefined: any. */
export function limitsOf(value: KeptValue): readonly [number, number] | undefined {
  if ((value.flags & ValueFlag.BOOL) !== 0) return [0, 1];
  if (value.min === 0 && value.max === 0) return undefined;
  return [f16ToNumber(value.min), f16ToNumber(value.max)];
}
/** `5 to 30`. */
export function limitsText(value: KeptValue): string {
  if ((value.flags & ValueFlag.BOOL) !== 0) return "0 or 1";
  return `${f16Shortest(value.min) ?? 0} to ${f16Shortest(value.max) ?? 0}`;
}
/** True when the number is one the value takes. */
export function isWithin(value: KeptValue, number: number): boolean {
  const limits = limitsOf(value);
  if (limits === undefined) return true;
  const isBool = (value.flags & ValueFlag.BOOL) !== 0;
  return number >= limits[0] && number <= limits[1] && (!isBool || Number.isInteger(number));
}

// ---- Keys as people write them ----

/** What a text names, or why it names nothing. */
export type KeyFound =
  | { readonly key: number; readonly value: KeptValue | undefined }
  | { readonly message: string; readonly remedy: string };

/** A key by number, `0x0201` or `513`, or by the name of a value: `group:name`, or a name that only one has. */
export function findKey(known: readonly KeptValue[], text: string): KeyFound {
  if (/^(0x[\da-f]+|\d+)$/i.test(text)) return numberedKey(known, Number(text), text);
  const found = known.filter((v) => (text.includes(":") ? v.label : v.name) === text);
  const [first] = found;
  if (first === undefined) return unknownName(known, text);
  const other = found.find((v) => v.key !== first.key);
  if (other === undefined) return { key: first.key, value: first };
  const labels = `${first.label} (${hex(first.key, 4)}) and ${other.label} (${hex(other.key, 4)})`;
  return {
    message: `"${text}" is ambiguous: ${labels}`,
    remedy: "write the group, too, or the key",
  };
}

function numberedKey(known: readonly KeptValue[], key: number, text: string): KeyFound {
  if (key > 0 && key < 0xffff) return { key, value: known.find((v) => v.key === key) };
  const message = `${text} is no key: keys are 0x0001 to 0xFFFE`;
  return { message, remedy: "write the persist_key that the app declares" };
}

function unknownName(known: readonly KeptValue[], text: string): KeyFound {
  const message = `no image keeps a value "${text}"`;
  if (known.length === 0)
    return { message, remedy: "name the app's image with --image, or write the key: 0x0201" };
  const names = text.includes(":") ? [] : known.map((v) => v.name);
  const labels = known.map((v) => v.label);
  const few = labels.slice(0, 8).join(", ");
  const there = `there ${labels.length === 1 ? "is" : "are"} ${few}${labels.length > 8 ? ", …" : ""}`;
  return { message, remedy: suggest(text, [...names, ...labels], there) as string };
}
