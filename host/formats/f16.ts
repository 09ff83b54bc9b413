// IEEE 754 binary16 as bits: what a value's init, epsilon, minimum and maximum are stored as.

/** Largest finite binary16 number. */
export const F16_MAX = 65504;

/** Bits of the binary16 number nearest to `x`, ties to even; beyond the range an infinity, NaN 0x7E00. */
export function f16FromNumber(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  let exponent = Math.floor(Math.log2(magnitude));
  if (2 ** exponent > magnitude) exponent--;
  if (2 ** (exponent + 1) <= magnitude) exponent++;
  // A significand that rounds up to 2048 carries into the exponent by itself.
  return sign + ((exponent + 14) << 10) + roundHalfEven(magnitude * 2 ** (10 - exponent));
}

/** The number that binary16 `bits` stand for. */
export function f16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The number of fewest digits that converts back to `bits`; undefined for NaN, infinities and -0. */
export function f16Shortest(bits: number): number | undefined {
  const x = f16ToNumber(bits);
  if (!Number.isFinite(x) || Object.is(x, -0)) return undefined;
  for (let digits = 1; digits < 6; digits++) {
    const short = Number(x.toPrecision(digits));
    if (f16FromNumber(short) === bits) return short;
  }
  return x;
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  return up ? floor + 1 : floor;
}
