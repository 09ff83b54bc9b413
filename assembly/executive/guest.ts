// Reading the arguments of an SVC from task memory. A pointer outside the task's segments is a memory fault, as for LD.

import { Context, isFlat, reg } from "../vm/context";
import { vmLimit, vmRange } from "../vm/memory";

/** What an SVC handler returns: it is done, or the task faults on its pointer. */
export enum Svc {
  DONE = 0,
  FAULT = 1,
}

/** Register n as the 16-bit pointer or length it is in every SVC. */
export function reg16(c: Context, n: usize): u32 {
  return reg(c, n) & 0xffff;
}

/** Address of `bytes` readable bytes at register n; 0: a fault. The flat machine is asked for what it has: see guestBytes. */
export function guestRange(c: Context, n: usize, bytes: u32): usize {
  return vmRange(c, reg16(c, n), bytes > 0xffff && !isFlat(c) ? 0xffff : bytes); // no segment has so many
}

/** Bytes of a buffer of `bytes` at register n that exist: all, or on the flat machine up to its end. */
export function guestBytes(c: Context, n: usize, bytes: u32): u32 {
  const limit = vmLimit(c, reg16(c, n));
  return isFlat(c) && bytes > limit ? limit : bytes;
}

/** Length of the NUL-terminated string at data address `pointer`; -1: it leaves its segment, or has more than `max` bytes. */
export function textWithin(c: Context, pointer: u32, max: u32): i32 {
  const limit = vmLimit(c, pointer);
  if (limit == 0) return -1;
  const text = vmRange(c, pointer, limit);
  for (let i: u32 = 0; i < limit; i++) {
    if (load<u8>(text + i) == 0) return <i32>i;
    if (i == max) return -1;
  }
  return isFlat(c) ? <i32>limit : -1; // the flat machine ends it with its memory
}
/** The same of a string of any length. */
export function textLength(c: Context, pointer: u32): i32 {
  return textWithin(c, pointer, 0xffff);
}

/** Address of the string at data address `pointer`, known to lie in a segment. */
export function textAddress(c: Context, pointer: u32): usize {
  return vmRange(c, pointer, 0);
}
