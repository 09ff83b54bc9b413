// binary16 arithmetic in integers: IEEE 754, ties to even, subnormals, signed zeros, and one NaN.
//
// Bits: sign 15, exponent 14..10 with bias 15, fraction 9..0. Between unpacking and rounding a significand has
// three more bits below: two of guard and a sticky one. `exponent` is the biased one; subnormals have 1 and no top bit.

export const F16_NAN: u32 = 0x7e00;
const SIGN: u32 = 0x8000;
const MAGNITUDE: u32 = 0x7fff;
const INFINITE: u32 = 0x7c00;
const FRACTION: u32 = 0x03ff;
const TOP: u32 = 0x0400;
const BIAS: i32 = 15;
const EXPONENT_MAX: i32 = 31;
const GUARD_BITS: i32 = 3;
/** The top bit of a significand with guard bits. */
const GUARDED_TOP: u32 = TOP << GUARD_BITS;
/** The smallest integer that rounds to infinity. */
const INTEGER_LIMIT: u32 = 65520;

export function f16IsNaN(a: u32): bool {
  return (a & MAGNITUDE) > INFINITE;
}

function exponentOf(magnitude: u32): i32 {
  return magnitude <= FRACTION ? 1 : magnitude >>> 10;
}

function significandOf(magnitude: u32): u32 {
  return magnitude <= FRACTION ? magnitude : (magnitude & FRACTION) | TOP;
}

/** Places a subnormal's top bit is short of. */
function shortfall(significand: u32): i32 {
  let places: i32 = 0;
  while (significand < TOP) {
    significand <<= 1;
    places++;
  }
  return places;
}

/** Shifts right; what falls out is kept in bit 0. */
function shiftSticky(significand: u32, places: i32): u32 {
  if (places > 15) return significand != 0 ? 1 : 0;
  const kept = significand >>> places;
  return kept << places == significand ? kept : kept | 1;
}

/** Rounds a significand with guard bits, below 2 * GUARDED_TOP, and puts the number together. */
function round(sign: u32, exponent: i32, significand: u32): u32 {
  if (exponent <= 0) {
    significand = shiftSticky(significand, 1 - exponent);
    exponent = 1;
  }
  if (exponent >= EXPONENT_MAX) return sign | INFINITE;
  const rest = significand & 7;
  significand >>>= GUARD_BITS;
  if (rest > 4 || (rest == 4 && (significand & 1) != 0)) significand++;
  return sign | (((<u32>(exponent - 1)) << 10) + significand); // a carry steps the exponent, at last to infinity
}

/** As round(), of a significand below 4 * GUARDED_TOP. */
function roundWide(sign: u32, exponent: i32, significand: u32): u32 {
  if (significand < 2 * GUARDED_TOP) return round(sign, exponent, significand);
  return round(sign, exponent + 1, (significand >>> 1) | (significand & 1));
}

/** As round(), of a significand that may lack its top bits. */
function roundShort(sign: u32, exponent: i32, significand: u32): u32 {
  while (significand < GUARDED_TOP && exponent > 1) {
    significand <<= 1;
    exponent--;
  }
  return round(sign, exponent, significand);
}

export function f16Add(a: u32, b: u32): u32 {
  if (f16IsNaN(a) || f16IsNaN(b)) return F16_NAN;
  if ((a & MAGNITUDE) < (b & MAGNITUDE)) {
    const c = a;
    a = b;
    b = c;
  }
  const large = a & MAGNITUDE;
  const small = b & MAGNITUDE;
  const sign = a & SIGN;
  const isSum = sign == (b & SIGN);
  if (large == INFINITE) return small == INFINITE && !isSum ? F16_NAN : a;

  const exponent = exponentOf(large);
  const x = significandOf(large) << GUARD_BITS;
  const y = shiftSticky(significandOf(small) << GUARD_BITS, exponent - exponentOf(small));
  if (isSum) return roundWide(sign, exponent, x + y);
  return x == y ? 0 : roundShort(sign, exponent, x - y);
}

export function f16Sub(a: u32, b: u32): u32 {
  return f16Add(a, b ^ SIGN);
}

export function f16Mul(a: u32, b: u32): u32 {
  if (f16IsNaN(a) || f16IsNaN(b)) return F16_NAN;
  const sign = (a ^ b) & SIGN;
  a &= MAGNITUDE;
  b &= MAGNITUDE;
  if (a == 0 || b == 0) return a == INFINITE || b == INFINITE ? F16_NAN : sign;
  if (a == INFINITE || b == INFINITE) return sign | INFINITE;

  const x = significandOf(a);
  const y = significandOf(b);
  const xShort = shortfall(x);
  const yShort = shortfall(y);
  const exponent = exponentOf(a) - xShort + exponentOf(b) - yShort - BIAS;
  const product = (x << xShort) * (y << yShort);
  const kept = product >>> 7; // of 21 or 22 bits, 14 or 15
  return roundWide(sign, exponent, (product & 0x7f) != 0 ? kept | 1 : kept);
}

/** The quotient of two significands, x in [y, 2y), with guard bits. */
function divideSignificands(x: u32, y: u32): u32 {
  let quotient: u32 = 0;
  for (let bit = GUARDED_TOP; bit != 0; bit >>>= 1) {
    if (x >= y) {
      x -= y;
      quotient |= bit;
    }
    x <<= 1;
  }
  return x != 0 ? quotient | 1 : quotient;
}

export function f16Div(a: u32, b: u32): u32 {
  if (f16IsNaN(a) || f16IsNaN(b)) return F16_NAN;
  const sign = (a ^ b) & SIGN;
  a &= MAGNITUDE;
  b &= MAGNITUDE;
  if (a == INFINITE) return b == INFINITE ? F16_NAN : sign | INFINITE;
  if (b == 0) return a == 0 ? F16_NAN : sign | INFINITE;
  if (a == 0 || b == INFINITE) return sign;

  let x = significandOf(a);
  let y = significandOf(b);
  const xShort = shortfall(x);
  const yShort = shortfall(y);
  let exponent = exponentOf(a) - xShort - (exponentOf(b) - yShort) + BIAS;
  x <<= xShort;
  y <<= yShort;
  if (x < y) {
    x <<= 1;
    exponent--;
  }
  return round(sign, exponent, divideSignificands(x, y));
}

export function f16FromInteger(value: i32): u32 {
  const sign: u32 = value < 0 ? SIGN : 0;
  let magnitude: u32 = value < 0 ? 0 - value : value;
  if (magnitude == 0) return 0;
  if (magnitude >= INTEGER_LIMIT) return sign | INFINITE;
  let exponent = BIAS + 10 + GUARD_BITS;
  if (magnitude >= 4 * GUARDED_TOP) {
    magnitude = (magnitude >>> 1) | (magnitude & 1);
    exponent++;
  }
  if (magnitude >= 2 * GUARDED_TOP) return roundWide(sign, exponent, magnitude);
  return roundShort(sign, exponent, magnitude);
}

/** Truncates toward zero. NaN gives 0, an infinity the integer furthest out. */
export function f16ToInteger(a: u32): i32 {
  const magnitude = a & MAGNITUDE;
  const isNegative = (a & SIGN) != 0;
  if (magnitude > INFINITE) return 0;
  if (magnitude == INFINITE) return isNegative ? i32.MIN_VALUE : i32.MAX_VALUE;
  const shift = exponentOf(magnitude) - (BIAS + 10);
  if (shift < -10) return 0;
  const significand = significandOf(magnitude);
  const whole: i32 = shift < 0 ? significand >>> -shift : significand << shift;
  return isNegative ? -whole : whole;
}

/** Place of a number in the order of all that are not NaN; the two zeros share theirs. */
function rank(a: u32): i32 {
  const magnitude: i32 = a & MAGNITUDE;
  return (a & SIGN) != 0 ? -magnitude : magnitude;
}

/** a < b. False when either is NaN. */
export function f16Less(a: u32, b: u32): bool {
  if (f16IsNaN(a) || f16IsNaN(b)) return false;
  return rank(a) < rank(b);
}

/** |a - b|. NaN when either is NaN or both are the same infinity. */
function f16Distance(a: u32, b: u32): u32 {
  return f16Sub(a, b) & MAGNITUDE;
}

/** What rounding took away in f16Add(large, small), |large| >= |small|: representable, so exact (Dekker's fast two-sum). */
function lostInAdd(large: u32, small: u32): u32 {
  return f16Sub(small, f16Sub(f16Add(large, small), large));
}

/** What rounding took away in f16Sub(a, b), a and b finite. */
function lostInSub(a: u32, b: u32): u32 {
  const minusB = b ^ SIGN;
  return (a & MAGNITUDE) < (b & MAGNITUDE) ? lostInAdd(minusB, a) : lostInAdd(a, minusB);
}

/** |a - b| < limit, as if the difference were exact. False when any is NaN. */
export function f16IsCloser(a: u32, b: u32, limit: u32): bool {
  const distance = f16Distance(a, b);
  if (distance != limit) return f16Less(distance, limit);
  if (limit == INFINITE) return (a & MAGNITUDE) < INFINITE && (b & MAGNITUDE) < INFINITE;
  return f16Less(f16Less(a, b) ? lostInSub(b, a) : lostInSub(a, b), 0); // rounded up to the limit
}
