// binary16 the simple way: through the exact values of doubles, rounded once.
//
// Why one rounding suffices. Sums, differences and products of two binary16 numbers are exact in a double: their bits
// lie between 2^-48 and 2^32, and those of a sum between 2^-24 and 2^16. A quotient is rounded twice, first to 53 bits
// and then to 11; with at least 2 * 11 + 2 = 24 bits in between, that equals rounding once (S. A. Figueroa, "When is
// double rounding innocuous?", SIGNUM Newsletter 30(3), 1995). For a subnormal quotient the same holds with fewer bits
// kept: a tie of it would be a number of at most 12 bits whose product with the divisor has at most 23, so the
// quotient is exact in a double or further from the tie than a double's last place.

export const F16_NAN = 0x7e00;
/** A double of this size has no bits below 1: adding and subtracting it rounds to an integer, ties to even. */
const TWO_52 = 2 ** 52;
/** Exponent of the smallest normal number, and of all below it. */
const EXPONENT_MIN = -14;

/** The number that 16 bits stand for. */
export function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const double = new DataView(new ArrayBuffer(8));

/** Units of the last place in 1, by exponent. */
const UNITS = Float64Array.from({ length: 30 }, (_, i) => 2 ** (10 - (i + EXPONENT_MIN)));

/** The 16 bits nearest to a number, ties to even. */
export function f16Bits(value: number): number {
  if (Number.isNaN(value)) return F16_NAN;
  double.setFloat64(0, value);
  const high = double.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  const binade = Math.max(((high >>> 20) & 0x7ff) - 1023 - EXPONENT_MIN, 0);
  const units = magnitude * (UNITS[binade] ?? 0);
  const rounded = units + TWO_52 - TWO_52; // a normal number's include its leading 1024
  return sign | (binade * 1024 + rounded);
}

/** Values by bits, for speed. */
const VALUES = Float64Array.from({ length: 0x10000 }, (_, bits) => f16Value(bits));

function valueAt(bits: number): number {
  return VALUES[bits] ?? NaN;
}

/** Whether |a - b| lies below its rounded value, the number above and the number below that: bits 0 to 2. */
function closer(a: number, b: number): number {
  const exact = Math.abs(valueAt(a) - valueAt(b)); // of binary16 numbers 40 bits at most: exact in a double
  const rounded = f16Bits(exact);
  const limits = [rounded, (rounded + 1) & 0xffff, (rounded - 1) & 0xffff];
  return limits.reduce((bits, limit, n) => bits | (exact < valueAt(limit) ? 1 << n : 0), 0);
}

export const f16 = {
  add: (a: number, b: number) => f16Bits(valueAt(a) + valueAt(b)),
  sub: (a: number, b: number) => f16Bits(valueAt(a) - valueAt(b)),
  mul: (a: number, b: number) => f16Bits(valueAt(a) * valueAt(b)),
  div: (a: number, b: number) => f16Bits(valueAt(a) / valueAt(b)),
  less: (a: number, b: number) => (valueAt(a) < valueAt(b) ? 1 : 0),
  closer,
  fromInteger: (value: number) => f16Bits(value | 0),
  /** Toward zero; NaN gives 0, what is out of range the nearest integer. */
  toInteger: (a: number) => {
    const value = Math.trunc(valueAt(a));
    if (Number.isNaN(value)) return 0;
    return Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1) | 0;
  },
};
