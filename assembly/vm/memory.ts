// The memory of a task as its instructions and SVC arguments see it: two segments, or flat in the reference's machine.

import { ADDRESS_MASK } from "../layout";
import { DATA_ORIGIN, STACK_TOP } from "../spec/hxe";
import { Context, isFlat, stackAt } from "./context";

/** First address above the memory of the reference's machine. */
export const FLAT_SIZE: u32 = 0x10000;

/** Bytes from a data address, 16 bits, to the end of its segment; 0 when it lies in none. */
export function vmLimit(c: Context, address: u32): u32 {
  if (isFlat(c)) return address < FLAT_SIZE ? FLAT_SIZE - address : 0;
  const offset = (address - DATA_ORIGIN) & 0xffff;
  if (offset < <u32>c.dataBytes) return (<u32>c.dataBytes - offset) & 0xffff;
  const from = address & 0xffff;
  if (from < <u32>c.stackOrigin || from >= STACK_TOP) return 0;
  return STACK_TOP - from;
}

/**
 * Linear address of `bytes` bytes at a data address; 0 when they do not lie wholly in one segment.
 * No bytes at all lie in a segment if their address does.
 */
export function vmRange(c: Context, address: u32, bytes: u32): usize {
  const limit = vmLimit(c, address);
  if (limit == 0 || bytes > limit) return 0;
  if (isFlat(c)) return c.data + address;
  const offset = (address - DATA_ORIGIN) & 0xffff;
  if (offset < <u32>c.dataBytes) return (c.data + offset) & ADDRESS_MASK;
  return (stackAt(c) + (address - c.stackOrigin)) & ADDRESS_MASK;
}
