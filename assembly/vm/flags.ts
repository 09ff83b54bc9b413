// Flags, 16 bytes of scratch: what the last instruction that sets flags left, from which Z, C, N and V follow.
// Most are never asked for. One record serves all tasks: while a task does not run, its context keeps what follows from it.
//  0  result  u32  Z: it is 0. N: its bit 31
//  4  a       u32  of a sum a + b + carry in; a difference adds the complement of what it takes away
//  8  b       u32
// 12  sum     u32  C: the carry out of the top bit. V: a and b have one sign there, the sum the other
// Where a machine has registers of a byte, 7 bytes: of a, b and the sum, which lie at 4, 5 and 6, the top bytes.

import { FLAGS_BASE, FLAGS_SIZE, IS_WIDE } from "../layout";
import { Psw } from "../spec/opcodes";
import { Context } from "./context";

const RESULT: usize = FLAGS_BASE;
const A: usize = FLAGS_BASE + 4;
const B: usize = A + (IS_WIDE ? 4 : 1);
const SUM: usize = B + (IS_WIDE ? 4 : 1);
if (SUM + (IS_WIDE ? 4 : 1) > FLAGS_BASE + FLAGS_SIZE) ERROR("Flags: size");
/** The top bit of what is kept of a word. */
const TOP: u32 = IS_WIDE ? 31 : 7;
const SIGN: u32 = 1 << TOP;
/** The top byte of what is kept of a word begins at this bit. */
const TOP_BYTE: u32 = IS_WIDE ? 24 : 0;

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

/** The carry out of a bit of a sum, at that bit. */
function carried(a: u32, b: u32, sum: u32): u32 {
  return (a & b) | ((a | b) & ~sum);
}

/** 0 or 1. */
export function carry(): u32 {
  return (carried(get(A), get(B), get(SUM)) >>> TOP) & 1;
}

/** Leaves no trace of the tasks that ran. */
export function clearFlags(): void {
  setResult(0);
}

// ---- Of a task that does not run ----

/** Goes on with the flags of a task. */
export function flagsLoad(c: Context): void {
  store<u32>(RESULT, c.result);
  put(A, (<u32>c.a) << TOP_BYTE);
  put(B, (<u32>c.b) << TOP_BYTE);
  put(SUM, (<u32>c.sum) << TOP_BYTE);
}

/** Keeps the flags for a task. */
export function flagsSave(c: Context): void {
  c.result = load<u32>(RESULT);
  c.a = <u8>(get(A) >>> TOP_BYTE);
  c.b = <u8>(get(B) >>> TOP_BYTE);
  c.sum = <u8>(get(SUM) >>> TOP_BYTE);
}

/** The Psw bits of a task. */
export function pswOf(c: Context): u32 {
  const a: u32 = c.a;
  const b: u32 = c.b;
  const sum: u32 = c.sum;
  let psw: u32 = c.result == 0 ? Psw.Z : 0;
  if (<i32>c.result < 0) psw |= Psw.N;
  if ((carried(a, b, sum) & 0x80) != 0) psw |= Psw.C;
  return ((a ^ sum) & (b ^ sum) & 0x80) != 0 ? psw | Psw.V : psw;
}

/** Gives a task the Psw bits of `psw`. Z and N cannot both be: with Z, N is clear. */
export function setPsw(c: Context, psw: u32): void {
  const sign: u32 = psw & Psw.C ? 0xff : 0;
  c.result = psw & Psw.Z ? 0 : psw & Psw.N ? <u32>i32.MIN_VALUE : 1;
  c.a = <u8>sign;
  c.b = <u8>sign;
  c.sum = <u8>(psw & Psw.V ? ~sign : sign);
}
