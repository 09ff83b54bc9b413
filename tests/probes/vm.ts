// The MiniVM, for its tests: contexts in task banks, guest memory wherever the test puts it.

import { ARENA_BASE, FLAGS_BASE, FLAGS_SIZE } from "../../assembly/layout";
import { Context, contextAt } from "../../assembly/vm/context";
import * as flags from "../../assembly/vm/flags";
import * as f16 from "../../assembly/f16";
import * as memory from "../../assembly/vm/memory";
import * as vm from "../../assembly/vm/vm";

/** First byte that guests may be laid in. */
export function arenaBase(): usize {
  return ARENA_BASE;
}
/** Scratch of the MiniVM. */
export function flagsBase(): usize {
  return FLAGS_BASE;
}
/** Where a register holds a word, 16: of a sum the words are kept whole. */
export function flagsSize(): usize {
  return FLAGS_SIZE;
}
/** Address of the context in a bank. */
export function context(bank: u32): usize {
  return changetype<usize>(contextAt(bank));
}
export function psw(bank: u32): u32 {
  return flags.pswOf(contextAt(bank));
}
export function setPsw(bank: u32, psw: u32): void {
  flags.setPsw(contextAt(bank), psw);
}
export function run(bank: u32, budget: u32): u32 {
  return vm.vmRun(contextAt(bank), budget);
}
export function range(bank: u32, address: u32, bytes: u32): usize {
  return memory.vmRange(contextAt(bank), address, bytes);
}
export function limit(bank: u32, address: u32): u32 {
  return memory.vmLimit(contextAt(bank), address);
}

// ---- f16 ----

/** Operations in the order of tests/oracle/prove-f16.ts. */
function operate(operation: i32, a: u32, b: u32): u32 {
  switch (operation) {
    case 0:
      return f16.f16Add(a, b);
    case 1:
      return f16.f16Sub(a, b);
    case 2:
      return f16.f16Mul(a, b);
    case 3:
      return f16.f16Div(a, b);
    case 4:
      return f16.f16Less(a, b);
    default:
      return closer(a, b);
  }
}
/** f16IsCloser with their rounded distance as limit, and with the numbers above and below it: bits 0 to 2. */
function closer(a: u32, b: u32): u32 {
  const distance = f16.f16Sub(a, b) & 0x7fff;
  const at = <u32>f16.f16IsCloser(a, b, distance);
  const above = <u32>f16.f16IsCloser(a, b, (distance + 1) & 0xffff);
  const below = <u32>f16.f16IsCloser(a, b, (distance - 1) & 0xffff);
  return at | (above << 1) | (below << 2);
}
/** Operates on `count` pairs of 16-bit words at `pairs` and lays the results at `out`. */
export function f16Batch(operation: i32, pairs: usize, count: i32, out: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    const pair = pairs + ((<usize>i) << 2);
    store<u16>(
      out + ((<usize>i) << 1),
      <u16>operate(operation, load<u16>(pair), load<u16>(pair, 2)),
    );
  }
}
export function fromInteger(value: i32): u32 {
  return f16.f16FromInteger(value);
}
export function toInteger(a: u32): i32 {
  return f16.f16ToInteger(a);
}
export function isNaN(a: u32): bool {
  return f16.f16IsNaN(a);
}
