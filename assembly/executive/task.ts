// Task, 24 bytes of a task bank between Context and registers: what the executive needs of a task.
//  0  pid           u8   0: the bank is free
//  1  state         u8   TaskState
//  2  slot          u8   slot of its image
//  3  flags         u8   TaskFlag; bits 1-3: Source of its image; bits 4-7: quantum of its turns, 0: the node's, n: 2^(n - 1) instructions
//  4  timer         u32  ms until it wakes, NEVER: no deadline; while WRITING: bytes the console took
//  8  waitHandle    u16  handle it receives on
// 10  waitOrder     u16  when it began to receive, by node.waitNext
// 12  call          u8   1 + index of the call frame whose handler it runs; 0: none
// 13  instance      u8   0: plain name; n: suffix _#(n - 1)
// 14  restarts      u8   most restarts after a fault
// 15  restartsLeft  u8
// 16  memory        u16  arena ref of data and stack
// 18  stackBytes    u16
// 20  resume        u8   state before it was paused
// 21  groupBase     u8   by which the groups of its ids were moved
// 22  keyBase       u16  by which its persist keys were moved

import { TASK_BANK_SIZE, TASK_MAX, TASKS_BASE, TASK_MASK } from "../layout";
import { Err } from "../spec/errors";
import { TaskState } from "../spec/node";
import { Context, CONTEXT_SIZE, REGS_OFF } from "../vm/context";

export enum TaskFlag {
  /** the app said PROV_CONFIRM */
  CONFIRMED = 1,
}
/** Source of its image, three bits of the flags. */
const SOURCE_SHIFT: u32 = 1;
const SOURCE_MASK: u32 = 7;
export function sourceFlags(source: u32): u32 {
  return source << SOURCE_SHIFT;
}
export function taskSource(t: Task): u32 {
  return ((<u32>t.flags) >>> SOURCE_SHIFT) & SOURCE_MASK;
}
/** Of the quantum in the flags, which outlasts restarts. */
export const TASK_QUANTUM_SHIFT: u32 = 4;


@unmanaged
export class Task {
  pid: u8 = 0;
  state: u8 = 0;
  slot: u8 = 0;
  flags: u8 = 0;
  timer: u32 = 0;
  waitHandle: u16 = 0;
  waitOrder: u16 = 0;
  call: u8 = 0;
  instance: u8 = 0;
  restarts: u8 = 0;
  restartsLeft: u8 = 0;
  memory: u16 = 0;
  stackBytes: u16 = 0;
  resume: u8 = 0;
  groupBase: u8 = 0;
  keyBase: u16 = 0;
}
export const TASK_SIZE: usize = 24;
if (offsetof<Task>("keyBase") != 22) ERROR("Task.keyBase: offset");
if (offsetof<Task>() != TASK_SIZE) ERROR("Task: size");
if (CONTEXT_SIZE + TASK_SIZE > REGS_OFF) ERROR("Task: bank");

/** Address of the first task; the others follow at distances of a bank. */
export const TASK_FIRST: usize = TASKS_BASE + CONTEXT_SIZE;

/** Behind the last task. */
export const TASK_END: usize = TASK_FIRST + TASK_MAX * TASK_BANK_SIZE;
/** Where one is looked for and none is. */
export const NO_TASK: Task = changetype<Task>(TASK_END);

/** Task of bank `index`, 0 to TASK_MAX - 1. */
export function taskAt(index: usize): Task {
  return changetype<Task>(TASKS_BASE + (index & TASK_MASK) * TASK_BANK_SIZE + CONTEXT_SIZE);
}
/** Address of the field that owns a task's memory. */
export function taskMemoryField(t: Task): usize {
  return changetype<usize>(t) + offsetof<Task>("memory");
}
/** Address of bank `index`. */
export function bankAddress(index: usize): usize {
  return TASKS_BASE + (index & TASK_MASK) * TASK_BANK_SIZE;
}

/** The task at an address, of a loop from TASK_FIRST to TASK_END by TASK_BANK_SIZE. */
export function taskFrom(address: usize): Task {
  return changetype<Task>(address);
}

/** Bank of a task. */
export function taskIndex(t: Task): usize {
  return ((changetype<usize>(t) - TASK_FIRST) / TASK_BANK_SIZE) & TASK_MASK;
}
/** The context in a task's bank. The distance is cut to that of a bank: a translator then sees where it lies and how it is aligned. */
export function contextOf(t: Task): Context {
  const distance = (changetype<usize>(t) - TASK_FIRST) & (TASK_MASK * TASK_BANK_SIZE);
  return changetype<Context>(TASKS_BASE + distance);
}

/** True when a task is in `state`; steps by address, since an index is multiplied and every poll asks. */
export function hasTask(state: TaskState): bool {
  for (let at = TASK_FIRST; at < TASK_END; at += TASK_BANK_SIZE) {
    if (<u32>taskFrom(at).state == state) return true;
  }
  return false;
}

/** Bank of task `pid`, loading ones included, or NOT_FOUND. */
export function taskFind(pid: u32): i32 {
  if (pid == 0) return Err.NOT_FOUND;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (taskAt(i).pid == pid) return <i32>i;
  }
  return Err.NOT_FOUND;
}

/** A free bank, the lowest, or NOT_FOUND. */
export function taskFreeBank(): i32 {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (taskAt(i).pid == 0) return <i32>i;
  }
  return Err.NOT_FOUND;
}

/** True while the task will run again by itself or when asked: it has not ended. */
export function isAlive(t: Task): bool {
  const state: i32 = t.state;
  return state != TaskState.NONE && (state < TaskState.EXITED || state > TaskState.FAULTED);
}
