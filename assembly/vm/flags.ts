// Flags, 16 bytes of scratch: what the last instruction that sets flags left, from which Z, C, N and V follow.
// Most are never asked for. One record serves all tasks: vmRun unpacks the task's PSW and packs it again.
//  0  result  u32  Z: it is 0. N: its bit 31
//  4  a       u32  of a sum a + b + carry in; a difference adds the complement of what it takes away
//  8  b       u32
// 12  sum     u32  C: the carry out of the top bit. V: a and b have one sign there, the sum the other
// Where a machine has registers of a byte, 7 bytes: of a, b and the sum, which lie at 4, 5 and 6, the top bytes.

import { FLAGS_BASE, FLAGS_SIZE, IS_WIDE } from "../layout";
import { Psw } from "../spec/opcodes";

const RESULT: usize = FLAGS_BASE;
const A: usize = FLAGS_BASE + 4;
const B: usize = A + (IS_WIDE ? 4 : 1);
const SUM: usize = B + (IS_WIDE ? 4 : 1);
if (SUM + (IS_WIDE ? 4 : 1) > FLAGS_BASE + FLAGS_SIZE) ERROR("Flags: size");
/** The top bit of what is kept of a word. */
const TOP: u32 = IS_WIDE ? 31 : 7;
const SIGN: u32 = 1 << TOP;

function put(at: usize, top: u32): void {
  if (IS_WIDE) store<u32>(at, top);
  else store<u8>(at, top);
}
function get(at: usize): u32 {
  return IS_WIDE ? load<u32>(at) : <u32>load<u8>(at);
}

// ---- Setting ----

/** All four, after `sum = a + b + carry in`. */
export function setSum(a: u32, b: u32, sum: u32): void {
  store<u32>(RESULT, sum);
  put(A, IS_WIDE ? a : a >>> 24);
  put(B, IS_WIDE ? b : b >>> 24);
  put(SUM, IS_WIDE ? sum : sum >>> 24);
}

/** Z and N of a result; C := the top bit of `carry`, V := 0. */
export function setShifted(result: u32, carry: u32): void {
  const top = IS_WIDE ? carry : carry >>> 24;
  store<u32>(RESULT, result);
  put(A, top);
  put(B, top);
  put(SUM, top);
}

/** Z and N of a result; C := V := 0. */
export function setResult(result: u32): void {
  store<u32>(RESULT, result);
  put(A, 0);
  put(B, 0);
  put(SUM, 0);
}

/** Z and N of a result; C := V := isLong. */
export function setProduct(result: u32, isLong: bool): void {
  const sign = isLong ? SIGN : 0;
  store<u32>(RESULT, result);
  put(A, sign);
  put(B, sign);
  put(SUM, 0);
}

// ---- Asking ----

export function isZero(): bool {
  return load<u32>(RESULT) == 0;
}

/** 0 or 1. */
export function carry(): u32 {
  const a = get(A);
  const b = get(B);
  return (((a & b) | ((a | b) & ~get(SUM))) >>> TOP) & 1;
}

function hasOverflow(): bool {
  const sum = get(SUM);
  return ((get(A) ^ sum) & (get(B) ^ sum) & SIGN) != 0;
}

/** The Psw bits. */
export function packFlags(): u32 {
  let psw: u32 = isZero() ? Psw.Z : 0;
  if (load<i32>(RESULT) < 0) psw |= Psw.N;
  if (carry() != 0) psw |= Psw.C;
  return hasOverflow() ? psw | Psw.V : psw;
}

/** Leaves no trace of the task that ran. */
export function clearFlags(): void {
  setResult(0);
}

export function unpackFlags(psw: u32): void {
  const sign: u32 = psw & Psw.C ? SIGN : 0;
  store<u32>(RESULT, psw & Psw.Z ? 0 : psw & Psw.N ? <u32>i32.MIN_VALUE : 1);
  put(A, sign);
  put(B, sign);
  put(SUM, psw & Psw.V ? ~sign : sign);
}
