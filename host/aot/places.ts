// Where an access to linear memory goes: surely into RAM, surely into the constant tables, or to be checked.

import type { Expr, Func, Module } from "./ir.ts";
import { MACHINES, type TranslateOptions } from "./options.ts";
import type { Ranges } from "./ranges.ts";

/** A base, if any, plus a constant. */
export interface Address {
  readonly base: Expr | undefined;
  readonly offset: number;
}

/** "low": the far end is proved, what lies below memory is not. */
export type Place = "ram" | "table" | "low" | "check";

/** Bounds of memory and of the tables behind it. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly tableLow: number;
  readonly tableHigh: number;
}

export function boundsOf(module: Module, options: TranslateOptions): Bounds {
  const { low, high } = options;
  const tables = module.segments.filter(({ address }) => address >= high);
  const tableLow = Math.min(...tables.map(({ address }) => address));
  const tableHigh = Math.max(...tables.map(({ address, bytes }) => address + bytes.length));
  return tables.length === 0
    ? { low, high, tableLow: 0, tableHigh: 0 }
    : { low, high, tableLow, tableHigh };
}

export class Places {
  readonly bounds: Bounds;
  private readonly ranges: Ranges;
  readonly isShort: boolean;

  constructor(module: Module, ranges: Ranges, options: TranslateOptions) {
    this.ranges = ranges;
    this.bounds = boundsOf(module, options);
    this.isShort = MACHINES[options.target].addressBits === 16;
  }

  /** Takes constants out of an address where that cannot change it. */
  split(f: Func, e: Expr, offset: number): Address {
    if (e.kind === "const")
      return { base: undefined, offset: ((e.value as number) >>> 0) + offset };
    const isSum = e.kind === "binary" && (e.op === "i32.add" || e.op === "i32.sub");
    if (!isSum || e.b.kind !== "const") return { base: e, offset };
    const value = e.b.value as number;
    const constant = e.op === "i32.add" ? value : -value;
    const base = this.ranges.of(f, e.a);
    const isExact = constant >= 0 && base.lo >= 0 && base.hi + constant < 2 ** 31;
    return isExact || this.isShort ? this.split(f, e.a, offset + constant) : { base: e, offset };
  }

  /** Of `size` bytes at an address plus a constant. */
  of(f: Func, e: Expr, offset: number, size: number): Place {
    const { lo, hi } = this.ranges.of(f, e);
    const { low, high, tableLow, tableHigh } = this.bounds;
    if (lo < 0) return "check"; // as an address: somewhere above 2 GiB, or anywhere
    const [first, end] = [lo + offset, hi + offset + size];
    if (first >= low && end <= high) return "ram";
    if (first >= tableLow && end <= tableHigh) return "table";
    return end <= high ? "low" : "check";
  }

  /** Whether an access could lie in a table at all. */
  mayBeTable(f: Func, e: Expr, offset: number): boolean {
    const { lo, hi } = this.ranges.of(f, e);
    const { tableLow, tableHigh } = this.bounds;
    if (tableHigh === tableLow) return false;
    return lo < 0 || hi + offset >= tableLow;
  }
}
