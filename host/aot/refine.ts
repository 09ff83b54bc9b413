// What a condition tells about the locals in it, once it is known to hold or not to.

import type { Expr } from "./ir.ts";
import { isWithin, type Range } from "./range.ts";

/** New ranges of locals by their index; undefined: the condition cannot come out so. */
export type Facts = ReadonlyMap<number, Range> | undefined;

type Lookup = (e: Expr) => Range | undefined;

const NOTHING: Facts = new Map();
const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;
const POSITIVE: Range = { lo: 0, hi: MAX };

const OPPOSITE: Readonly<Record<string, string>> = {
  eq: "ne",
  ne: "eq",
  lt_s: "ge_s",
  lt_u: "ge_u",
  le_s: "gt_s",
  le_u: "gt_u",
  gt_s: "le_s",
  gt_u: "le_u",
  ge_s: "lt_s",
  ge_u: "lt_u",
};
const MIRRORED: Readonly<Record<string, string>> = {
  eq: "eq",
  ne: "ne",
  lt_s: "gt_s",
  lt_u: "gt_u",
  le_s: "ge_s",
  le_u: "ge_u",
  gt_s: "lt_s",
  gt_u: "lt_u",
  ge_s: "le_s",
  ge_u: "le_u",
};

/** Where `x op y` holds for some y in `b`, x lies here. */
function solutions(op: string, a: Range, b: Range): Range | undefined {
  switch (op) {
    case "eq":
      return b;
    case "ne": {
      if (b.lo !== b.hi) return undefined;
      if (a.lo === b.lo) return { lo: a.lo + 1, hi: a.hi };
      return a.hi === b.lo ? { lo: a.lo, hi: a.hi - 1 } : undefined;
    }
    case "lt_s":
      return { lo: MIN, hi: b.hi - 1 };
    case "le_s":
      return { lo: MIN, hi: b.hi };
    case "gt_s":
      return { lo: b.lo + 1, hi: MAX };
    case "ge_s":
      return { lo: b.lo, hi: MAX };
    case "lt_u":
      return b.lo >= 0 ? { lo: 0, hi: b.hi - 1 } : undefined;
    case "le_u":
      return b.lo >= 0 ? { lo: 0, hi: b.hi } : undefined;
    case "gt_u":
      return b.lo >= 0 && isWithin(a, POSITIVE) ? { lo: b.lo + 1, hi: MAX } : undefined;
    case "ge_u":
      return b.lo >= 0 && isWithin(a, POSITIVE) ? { lo: b.lo, hi: MAX } : undefined;
    default:
      return undefined;
  }
}

/** The local a side of a comparison is, or is a constant away from. */
function subject(e: Expr): { readonly index: number; readonly plus: number } | undefined {
  if (e.kind === "local" && e.type === "i32") return { index: e.index, plus: 0 };
  if (e.kind !== "binary" || e.a.kind !== "local" || e.b.kind !== "const") return undefined;
  const by = e.b.value as number;
  if (e.op === "i32.add") return { index: e.a.index, plus: by };
  return e.op === "i32.sub" ? { index: e.a.index, plus: -by } : undefined;
}

function side(op: string, x: Expr, y: Expr, look: Lookup): Facts {
  const of = subject(x);
  const [a, b] = [look(x), look(y)];
  if (of === undefined || a === undefined || b === undefined) return NOTHING;
  const found = solutions(op, a, b);
  if (found === undefined) return NOTHING;
  if (of.plus === 0) return narrowed(of.index, a, found);
  // x = local + plus, in 32 bits: the local is what comes out when plus is taken off, if that stays in range
  const local = look({ kind: "local", type: "i32", index: of.index });
  const shifted = { lo: found.lo - of.plus, hi: found.hi - of.plus };
  const isWhole = found.lo > MIN && found.hi < MAX && shifted.lo >= MIN && shifted.hi <= MAX;
  return local === undefined || !isWhole ? NOTHING : narrowed(of.index, local, shifted);
}

function narrowed(index: number, from: Range, to: Range): Facts {
  const range = { lo: Math.max(from.lo, to.lo), hi: Math.min(from.hi, to.hi) };
  if (range.lo > range.hi) return undefined;
  return range.lo === from.lo && range.hi === from.hi ? NOTHING : new Map([[index, range]]);
}

/** Both. What the second says of a local that the first narrows already is left out. */
function both(a: Facts, b: Facts): Facts {
  return a && b && new Map([...b, ...a]);
}

/** What holds when `e` is not 0 (`isTrue`), or when it is. */
export function learn(e: Expr, isTrue: boolean, look: Lookup): Facts {
  if (e.kind === "local" && e.type === "i32") {
    const zero: Expr = { kind: "const", type: "i32", value: 0 };
    return side(isTrue ? "ne" : "eq", e, zero, look);
  }
  if (e.kind === "unary" && e.op === "i32.eqz") return learn(e.a, !isTrue, look);
  if (e.kind !== "binary" || e.a.type !== "i32") return NOTHING;
  const op = e.op.slice(4);
  // a & b is not 0: then neither is; a | b is 0: then both are
  if (op === "and" && isTrue) return both(learn(e.a, true, look), learn(e.b, true, look));
  if (op === "or" && !isTrue) return both(learn(e.a, false, look), learn(e.b, false, look));
  const holds = isTrue ? op : OPPOSITE[op];
  const mirrored = MIRRORED[holds ?? ""];
  if (holds === undefined || mirrored === undefined) return NOTHING;
  return both(side(holds, e.a, e.b, look), side(mirrored, e.b, e.a, look));
}
