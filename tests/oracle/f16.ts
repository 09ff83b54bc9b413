// binary16 the simple way: through the exact values of doubles, rounded once.
//
// Why one rounding suffices: the sum, difference and product of two binary16 numbers are exact in a double
// (11-bit significands whose places span at most 40 + 11 bits; products have 22). A quotient is not, but a double has
// 53 >= 2 * 11 + 2 bits, and with that many rounding twice equals rounding once
// (S. A. Figueroa, "When is double rounding innocuous?", SIGNUM Newsletter 30(3), 1995, theorem for division).

export const F16_NAN = 0x7e00;

/** The number that 16 bits stand for. */
export function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The 16 bits nearest to a number, ties to even. */
export function f16Bits(value: number): number {
  if (Number.isNaN(value)) return F16_NAN;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  let exponent = 1; // of the binade: 1 for all below 2^-13, 30 for 32768 and above
  while (exponent < 30 && magnitude >= 2 ** (exponent - 14)) exponent++;
  const units = magnitude * 2 ** (25 - exponent); // how many units of the last place; exact
  const whole = Math.floor(units);
  const rest = units - whole;
  const isUp = rest > 0.5 || (rest === 0.5 && whole % 2 === 1);
  return sign + (exponent - 1) * 1024 + whole + (isUp ? 1 : 0);
}

export const f16 = {
  add: (a: number, b: number) => f16Bits(f16Value(a) + f16Value(b)),
  sub: (a: number, b: number) => f16Bits(f16Value(a) - f16Value(b)),
  mul: (a: number, b: number) => f16Bits(f16Value(a) * f16Value(b)),
  div: (a: number, b: number) => f16Bits(f16Value(a) / f16Value(b)),
  fromInteger: (value: number) => f16Bits(value | 0),
  /** Toward zero; NaN gives 0, what is out of range the nearest integer. */
  toInteger: (a: number) => {
    const value = Math.trunc(f16Value(a));
    if (Number.isNaN(value)) return 0;
    return Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1) | 0;
  },
};
