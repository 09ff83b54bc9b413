// Flags, 8 bytes of scratch: what the last instruction that sets flags left, from which Z, C, N and V follow.
// Most are never asked for. One record serves all tasks: vmRun unpacks the task's PSW and packs it again.
//  0  result  u32  Z: it is 0. N: its bit 31
//  4  a       u8   top bytes of a sum a + b + carry in; a difference adds the complement of what it takes away
//  5  b       u8
//  6  sum     u8   C: the carry out of bit 7. V: a and b have one sign there, the sum the other
//  7  (1 spare)

import { FLAGS_BASE, FLAGS_SIZE } from "../layout";
import { Psw } from "../spec/opcodes";


@unmanaged
class Flags {
  result: u32 = 0;
  a: u8 = 0;
  b: u8 = 0;
  sum: u8 = 0;
}
if (offsetof<Flags>("sum") != 6) ERROR("Flags.sum: offset");
if (offsetof<Flags>() > FLAGS_SIZE) ERROR("Flags: size");
const SIGN: u32 = 0x80;

function flagsAt(): Flags {
  return changetype<Flags>(FLAGS_BASE);
}

// ---- Setting ----

/** All four, after `sum = a + b + carry in`. */
export function setSum(a: u32, b: u32, sum: u32): void {
  const flags = flagsAt();
  flags.result = sum;
  flags.a = <u8>(a >>> 24);
  flags.b = <u8>(b >>> 24);
  flags.sum = <u8>(sum >>> 24);
}

/** Z and N of a result; C := the top bit of `carry`, V := 0. */
export function setShifted(result: u32, carry: u32): void {
  const flags = flagsAt();
  flags.result = result;
  flags.a = flags.b = flags.sum = <u8>(carry >>> 24);
}

/** Z and N of a result; C := V := 0. */
export function setResult(result: u32): void {
  const flags = flagsAt();
  flags.result = result;
  flags.a = flags.b = flags.sum = 0;
}

/** Z and N of a result; C := V := isLong. */
export function setProduct(result: u32, isLong: bool): void {
  const flags = flagsAt();
  flags.result = result;
  flags.a = flags.b = isLong ? <u8>SIGN : 0;
  flags.sum = 0;
}

// ---- Asking ----

export function isZero(): bool {
  return flagsAt().result == 0;
}

/** 0 or 1. */
export function carry(): u32 {
  const flags = flagsAt();
  const a: u32 = flags.a;
  const b: u32 = flags.b;
  return (((a & b) | ((a | b) & ~(<u32>flags.sum))) >>> 7) & 1;
}

function hasOverflow(): bool {
  const flags = flagsAt();
  const sum: u32 = flags.sum;
  return (((<u32>flags.a) ^ sum) & ((<u32>flags.b) ^ sum) & SIGN) != 0;
}

/** The Psw bits. */
export function packFlags(): u32 {
  let psw: u32 = isZero() ? Psw.Z : 0;
  if (<i32>flagsAt().result < 0) psw |= Psw.N;
  if (carry() != 0) psw |= Psw.C;
  return hasOverflow() ? psw | Psw.V : psw;
}

/** Leaves no trace of the task that ran. */
export function clearFlags(): void {
  setResult(0);
}

export function unpackFlags(psw: u32): void {
  const flags = flagsAt();
  const sign: u8 = psw & Psw.C ? <u8>SIGN : 0;
  flags.result = psw & Psw.Z ? 0 : psw & Psw.N ? <u32>i32.MIN_VALUE : 1;
  flags.a = flags.b = sign;
  flags.sum = psw & Psw.V ? ~sign : sign;
}
