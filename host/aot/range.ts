// Which values an i32 can have: an interval of signed numbers, and what each operator makes of intervals.

/** Both ends belong to it. A value of the upper half of u32 counts as negative. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
}

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;
const U32 = 2 ** 32;

export const ANY: Range = { lo: MIN, hi: MAX };
export const BOOL: Range = { lo: 0, hi: 1 };
const ZERO: Range = { lo: 0, hi: 0 };

export function exactly(value: number): Range {
  return { lo: value, hi: value };
}
/** What `bits` bits can hold. */
export function unsigned(bits: number): Range {
  return bits >= 32 ? ANY : { lo: 0, hi: 2 ** bits - 1 };
}
export function signed(bits: number): Range {
  return { lo: -(2 ** (bits - 1)), hi: 2 ** (bits - 1) - 1 };
}
export function union(a: Range, b: Range): Range {
  return { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}
/** Undefined: no value lies in both. */
export function intersection(a: Range, b: Range): Range | undefined {
  const both = { lo: Math.max(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
  return both.lo <= both.hi ? both : undefined;
}
export function isWithin(a: Range, b: Range): boolean {
  return a.lo >= b.lo && a.hi <= b.hi;
}
/** An interval of exact results: itself, or anything when it does not fit. */
function bounded(lo: number, hi: number): Range {
  return lo >= MIN && hi <= MAX ? { lo, hi } : ANY;
}
/** Bits of the largest value; of a range with negative values, all. */
export function bitsOf(r: Range): number {
  return r.lo < 0 ? 32 : 32 - Math.clz32(r.hi);
}
/** The same values read as u32. */
function asUnsigned(r: Range): { lo: number; hi: number } {
  if (r.lo >= 0) return r;
  return r.hi < 0 ? { lo: r.lo + U32, hi: r.hi + U32 } : { lo: 0, hi: U32 - 1 };
}
function fromUnsigned(lo: number, hi: number): Range {
  if (hi <= MAX) return { lo, hi };
  return lo > MAX ? { lo: lo - U32, hi: hi - U32 } : ANY;
}
function isConstant(r: Range): boolean {
  return r.lo === r.hi;
}

/** Steps at which a range that keeps growing comes to rest. */
const LIMITS = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0xffffff, MAX];

/** A range that holds both and is one of few, so that growing ends. */
export function widen(from: Range, to: Range): Range {
  const up = (value: number) => LIMITS.find((limit) => value <= limit) ?? MAX;
  const down = (value: number) => (value >= 0 ? 0 : -up(-value - 1) - 1);
  return { lo: to.lo < from.lo ? down(to.lo) : from.lo, hi: to.hi > from.hi ? up(to.hi) : from.hi };
}

function corners(a: Range, b: Range, apply: (x: number, y: number) => number): Range {
  const all = [apply(a.lo, b.lo), apply(a.lo, b.hi), apply(a.hi, b.lo), apply(a.hi, b.hi)];
  return bounded(Math.min(...all), Math.max(...all));
}

function and(a: Range, b: Range): Range {
  if (a.lo >= 0 && b.lo >= 0) return { lo: 0, hi: Math.min(a.hi, b.hi) };
  if (a.lo >= 0) return { lo: 0, hi: a.hi };
  if (b.lo >= 0) return { lo: 0, hi: b.hi };
  return signed(Math.max(signedBits(a), signedBits(b)));
}

/** Bits of two's complement that hold all values. */
function signedBits(r: Range): number {
  const magnitude = (value: number) => (value < 0 ? -value - 1 : value);
  return 33 - Math.clz32(Math.max(magnitude(r.lo), magnitude(r.hi)));
}

function orXor(a: Range, b: Range): Range {
  if (a.lo >= 0 && b.lo >= 0) return unsigned(Math.max(bitsOf(a), bitsOf(b)));
  return signed(Math.max(signedBits(a), signedBits(b)));
}

function or(a: Range, b: Range): Range {
  const r = orXor(a, b);
  return a.lo >= 0 && b.lo >= 0 ? { lo: Math.max(a.lo, b.lo), hi: r.hi } : r;
}

function shl(a: Range, b: Range): Range {
  if (!isWithin(b, { lo: 0, hi: 31 })) return isConstant(b) ? shl(a, exactly(b.lo & 31)) : ANY;
  return corners(a, b, (x, y) => x * 2 ** y);
}

function shrU(a: Range, b: Range): Range {
  const by = isWithin(b, { lo: 0, hi: 31 })
    ? b
    : isConstant(b)
      ? exactly(b.lo & 31)
      : { lo: 0, hi: 31 };
  if (by.hi === 0) return a;
  if (a.lo < 0 && by.lo === 0) return ANY;
  const { lo, hi } = asUnsigned(a);
  return fromUnsigned(Math.floor(lo / 2 ** by.hi), Math.floor(hi / 2 ** by.lo));
}

function shrS(a: Range, b: Range): Range {
  const by = isWithin(b, { lo: 0, hi: 31 })
    ? b
    : isConstant(b)
      ? exactly(b.lo & 31)
      : { lo: 0, hi: 31 };
  return corners(a, by, (x, y) => Math.floor(x / 2 ** y));
}

function divU(a: Range, b: Range): Range {
  const [x, y] = [asUnsigned(a), asUnsigned(b)];
  return fromUnsigned(Math.floor(x.lo / Math.max(1, y.hi)), Math.floor(x.hi / Math.max(1, y.lo)));
}

function remU(a: Range, b: Range): Range {
  const [x, y] = [asUnsigned(a), asUnsigned(b)];
  if (x.hi < y.lo) return a;
  return fromUnsigned(0, Math.min(x.hi, Math.max(0, y.hi - 1)));
}

function divS(a: Range, b: Range): Range {
  if (a.lo >= 0 && b.lo >= 0) return divU(a, b);
  const most = Math.max(Math.abs(a.lo), Math.abs(a.hi));
  return bounded(-most, Math.min(most, MAX));
}

function remS(a: Range, b: Range): Range {
  if (a.lo >= 0 && b.lo >= 0) return remU(a, b);
  const most = Math.max(1, Math.abs(b.lo), Math.abs(b.hi)) - 1;
  return { lo: a.lo < 0 ? Math.max(a.lo, -most) : 0, hi: a.hi > 0 ? Math.min(a.hi, most) : 0 };
}

/** True, false, or either. */
function decided(isAlways: boolean, isNever: boolean): Range {
  if (isAlways) return exactly(1);
  return isNever ? ZERO : BOOL;
}

function less(a: { lo: number; hi: number }, b: { lo: number; hi: number }): Range {
  return decided(a.hi < b.lo, a.lo >= b.hi);
}
function lessOrEqual(a: { lo: number; hi: number }, b: { lo: number; hi: number }): Range {
  return decided(a.hi <= b.lo, a.lo > b.hi);
}
function equal(a: Range, b: Range): Range {
  return decided(isConstant(a) && isConstant(b) && a.lo === b.lo, a.hi < b.lo || a.lo > b.hi);
}
function not(r: Range): Range {
  return { lo: 1 - r.hi, hi: 1 - r.lo };
}

/** Of an operator with two i32 operands that gives an i32. */
export function binaryRange(op: string, a: Range, b: Range): Range {
  const [ua, ub] = [asUnsigned(a), asUnsigned(b)];
  switch (op) {
    case "i32.add":
      return bounded(a.lo + b.lo, a.hi + b.hi);
    case "i32.sub":
      return bounded(a.lo - b.hi, a.hi - b.lo);
    case "i32.mul":
      return corners(a, b, (x, y) => x * y);
    case "i32.and":
      return and(a, b);
    case "i32.or":
      return or(a, b);
    case "i32.xor":
      return orXor(a, b);
    case "i32.shl":
      return shl(a, b);
    case "i32.shr_u":
      return shrU(a, b);
    case "i32.shr_s":
      return shrS(a, b);
    case "i32.div_u":
      return divU(a, b);
    case "i32.rem_u":
      return remU(a, b);
    case "i32.div_s":
      return divS(a, b);
    case "i32.rem_s":
      return remS(a, b);
    case "i32.eq":
      return equal(a, b);
    case "i32.ne":
      return not(equal(a, b));
    case "i32.lt_s":
      return less(a, b);
    case "i32.lt_u":
      return less(ua, ub);
    case "i32.le_s":
      return lessOrEqual(a, b);
    case "i32.le_u":
      return lessOrEqual(ua, ub);
    case "i32.gt_s":
      return less(b, a);
    case "i32.gt_u":
      return less(ub, ua);
    case "i32.ge_s":
      return lessOrEqual(b, a);
    case "i32.ge_u":
      return lessOrEqual(ub, ua);
    default:
      return ANY;
  }
}

/** Of an operator with one i32 operand that gives an i32. */
export function unaryRange(op: string, a: Range): Range {
  switch (op) {
    case "i32.eqz":
      return equal(a, ZERO);
    case "i32.clz":
    case "i32.ctz":
    case "i32.popcnt":
      return { lo: 0, hi: 32 };
    case "i32.extend8_s":
      return isWithin(a, signed(8)) ? a : signed(8);
    case "i32.extend16_s":
      return isWithin(a, signed(16)) ? a : signed(16);
    default:
      return ANY;
  }
}
