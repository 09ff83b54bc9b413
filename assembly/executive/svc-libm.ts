// Module E, libm: sin, cos and exp of binary16, for the desktop node only. Each result is the correctly rounded one.
//
// They are computed in f64 by reduction and a power series. The standard library's would do, but for its mutable
// globals and 2 KiB of tables, which arguments of 11 significant bits up to 65,504 do not need.

import { LibmFn } from "../spec/svc";
import { Context, reg, setReg } from "../vm/context";
import { F16_NAN, f16IsNaN } from "../f16";
import { Svc } from "./guest";

const SIGN: u32 = 0x8000;
const MAGNITUDE: u32 = 0x7fff;
const INFINITE: u32 = 0x7c00;
const TOP: u32 = 0x0400;
/** The smallest number that rounds to infinity. */
const LIMIT: f64 = 65520;
/** Exponent of the smallest normal number. */
const EXPONENT_MIN: i32 = -14;

// pi / 2 and ln 2 in two parts: a multiple of the first part, of 33 bits, by a 17-bit integer is exact.
const HALF_PI_HIGH: f64 = 1.57079632673412561417;
const HALF_PI_LOW: f64 = 6.07710050650619224932e-11;
const LN2_HIGH: f64 = 0.6931471803691238165;
const LN2_LOW: f64 = 1.9082149292705877e-10;
const TWO_OVER_PI: f64 = 0.63661977236758134308;
const LOG2_E: f64 = 1.44269504088896340736;

// ---- binary16 and f64 ----

/** 2^n, n from -1022 to 1023. */
function powerOfTwo(n: i32): f64 {
  return reinterpret<f64>((<u64>(n + 1023)) << 52);
}

/** Value of a finite magnitude. */
function toFloat(magnitude: u32): f64 {
  if (magnitude < TOP) return <f64>magnitude * powerOfTwo(EXPONENT_MIN - 10);
  return <f64>((magnitude & (TOP - 1)) | TOP) * powerOfTwo(<i32>(magnitude >>> 10) - 25);
}

/** Nearest binary16, ties to even, of a number that is not NaN. */
function fromFloat(value: f64): u32 {
  const sign: u32 = reinterpret<u64>(value) >>> 63 != 0 ? SIGN : 0;
  const magnitude = abs<f64>(value);
  if (magnitude >= LIMIT) return sign | INFINITE;
  let exponent = <i32>(reinterpret<u64>(magnitude) >>> 52) - 1023;
  if (exponent < EXPONENT_MIN) exponent = EXPONENT_MIN;
  const units = <u32>nearest<f64>(magnitude * powerOfTwo(10 - exponent));
  return sign | (((<u32>(exponent - EXPONENT_MIN)) << 10) + units); // the top bit, or a carry, steps the exponent
}

// ---- Series ----

/** sum of z^i / (first (first+1)) / ((first+2) (first+3)) …, with alternating signs: sin r / r for 2, cos r for 1, of z = r * r. */
function alternating(z: f64, first: i32): f64 {
  let sum: f64 = 1;
  for (let n = first + 16; n >= first; n -= 2) sum = 1 - (z * sum) / <f64>(n * (n + 1));
  return sum;
}

/** Sine of `quarters` quarter turns plus a magnitude. */
function sine(magnitude: f64, quarters: i32): f64 {
  const turns = nearest<f64>(magnitude * TWO_OVER_PI);
  const r = magnitude - turns * HALF_PI_HIGH - turns * HALF_PI_LOW;
  const quadrant = (quarters + <i32>turns) & 3;
  const value = (quadrant & 1) != 0 ? alternating(r * r, 1) : r * alternating(r * r, 2);
  return (quadrant & 2) != 0 ? -value : value;
}

function exponential(x: f64): f64 {
  const halvings = nearest<f64>(x * LOG2_E);
  const r = x - halvings * LN2_HIGH - halvings * LN2_LOW;
  let sum: f64 = 1;
  for (let n = 14; n > 0; n--) sum = 1 + (r * sum) / <f64>n;
  return sum * powerOfTwo(<i32>halvings);
}

// ---- Functions ----

function sineOf(a: u32): u32 {
  const magnitude = a & MAGNITUDE;
  if (magnitude >= INFINITE) return F16_NAN;
  return fromFloat(sine(toFloat(magnitude), 0)) ^ (a & SIGN);
}

function cosineOf(a: u32): u32 {
  const magnitude = a & MAGNITUDE;
  return magnitude >= INFINITE ? F16_NAN : fromFloat(sine(toFloat(magnitude), 1));
}

function exponentialOf(a: u32): u32 {
  if (f16IsNaN(a)) return F16_NAN;
  const magnitude = a & MAGNITUDE;
  const isNegative = (a & SIGN) != 0;
  const x: f64 = magnitude < INFINITE ? toFloat(magnitude) : LIMIT;
  if (x >= 20) return isNegative ? 0 : INFINITE; // far beyond what binary16 holds
  return fromFloat(exponential(isNegative ? -x : x));
}

/** Carries out one function of module E: of R1's low half, into R0's low half; the upper stays, as in the reference. */
export function svcLibm(c: Context, fn: u32): Svc {
  const a = reg(c, 1) & 0xffff;
  const upper = reg(c, 0) & 0xffff0000;
  if (fn == LibmFn.SIN) setReg(c, 0, upper | sineOf(a));
  else if (fn == LibmFn.COS) setReg(c, 0, upper | cosineOf(a));
  else if (fn == LibmFn.EXP) setReg(c, 0, upper | exponentialOf(a));
  else setReg(c, 0, 0); // as in the reference
  return Svc.DONE;
}
