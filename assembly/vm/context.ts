// Context, 40 bytes at the start of a task bank, and the 16 registers in its upper half: what the MiniVM needs of a task.
//  0  pc           u32  next instruction, byte offset into code; after a PC fault the offset that was asked for
//  4  sp           u32  stack pointer, a data address
//  8  steps        u32  instructions retired
// 12  code         u32  address of the code, or of its code window
// 16  data         u32  address of the segment of rodata, data and bss
// 20  result       u32  what the last instruction that sets flags left; see flags.ts
// 24  dataBytes    u16  size of the data segment
// 26  stackOrigin  u16  data address of the lowest byte of the stack
// 28  codeLast     u16  offset of the last word of code
// 30  depth        u16  CALLs outstanding
// 32  a            u8   of the flags
// 33  stop         u8   why the last run ended (Stop)
// 34  svc          u16  module << 8 | function, or the code of a BRK
// 36  flags        u8   ContextFlag bits
// 37  b            u8   of the flags
// 38  sum          u8   of the flags
// 39  (1 spare)
// 64  regs         i32 x 16

import { IS_DESKTOP, TASK_BANK_SIZE, TASKS_BASE, TASK_MASK } from "../layout";

export enum ContextFlag {
  /** the reference's machine: `data` is 64 KiB of flat memory that holds the stack, too */
  FLAT = 1,
  /** the code is read through a code window */
  WINDOW = 2,
}


@unmanaged
export class Context {
  pc: u32 = 0;
  sp: u32 = 0;
  steps: u32 = 0;
  code: u32 = 0;
  data: u32 = 0;
  result: u32 = 0;
  dataBytes: u16 = 0;
  stackOrigin: u16 = 0;
  codeLast: u16 = 0;
  depth: u16 = 0;
  a: u8 = 0;
  stop: u8 = 0;
  svc: u16 = 0;
  flags: u8 = 0;
  b: u8 = 0;
  sum: u8 = 0;
}
export const CONTEXT_SIZE: usize = 40;
export const REGS_OFF: usize = 64;
if (offsetof<Context>("flags") != 36) ERROR("Context.flags: offset");
if (offsetof<Context>() > CONTEXT_SIZE) ERROR("Context: size");
if (REGS_OFF + 64 != TASK_BANK_SIZE) ERROR("Context: bank");

/** Context of the task in bank `index`, 0 to TASK_MAX - 1. */
export function contextAt(index: usize): Context {
  return changetype<Context>(TASKS_BASE + (index & TASK_MASK) * TASK_BANK_SIZE);
}
/** True when the task runs on the reference's machine. */
export function isFlat(c: Context): bool {
  return IS_DESKTOP && (c.flags & ContextFlag.FLAT) != 0;
}
/** True when the task's code is read through a code window. */
export function isWindowed(c: Context): bool {
  return (c.flags & ContextFlag.WINDOW) != 0;
}
/** Bank of a context. */
export function contextIndex(c: Context): usize {
  return (changetype<usize>(c) - TASKS_BASE) / TASK_BANK_SIZE;
}
/** Address of the stack segment: right behind the data, or in the reference's memory. */
export function stackAt(c: Context): usize {
  return c.data + (isFlat(c) ? <u32>c.stackOrigin : <u32>c.dataBytes);
}
export function reg(c: Context, n: usize): u32 {
  return load<u32>(changetype<usize>(c) + (n << 2), REGS_OFF);
}
export function setReg(c: Context, n: usize, value: u32): void {
  store<u32>(changetype<usize>(c) + (n << 2), value, REGS_OFF);
}
