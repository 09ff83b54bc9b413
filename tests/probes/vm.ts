// The MiniVM, for its tests: contexts in task banks, guest memory wherever the test puts it.

import { ARENA_BASE, RAM_END } from "../../assembly/layout";
import { Context, contextAt } from "../../assembly/vm/context";
import * as f16 from "../../assembly/vm/f16";
import * as memory from "../../assembly/vm/memory";
import * as vm from "../../assembly/vm/vm";

/** First byte that guests may be laid in. */
export function arenaBase(): usize {
  return ARENA_BASE;
}
export function ramEnd(): usize {
  return RAM_END;
}
/** Address of the context in a bank. */
export function context(bank: u32): usize {
  return changetype<usize>(contextAt(bank));
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
export function add(a: u32, b: u32): u32 {
  return f16.f16Add(a, b);
}
export function sub(a: u32, b: u32): u32 {
  return f16.f16Sub(a, b);
}
export function mul(a: u32, b: u32): u32 {
  return f16.f16Mul(a, b);
}
export function div(a: u32, b: u32): u32 {
  return f16.f16Div(a, b);
}
export function fromInteger(value: i32): u32 {
  return f16.f16FromInteger(value);
}
export function toInteger(a: u32): i32 {
  return f16.f16ToInteger(a);
}
export function less(a: u32, b: u32): bool {
  return f16.f16Less(a, b);
}
export function isNaN(a: u32): bool {
  return f16.f16IsNaN(a);
}
export function distance(a: u32, b: u32): u32 {
  return f16.f16Distance(a, b);
}
