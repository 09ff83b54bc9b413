// The life of a task: memory, start, end by exit or fault, restart after a fault, removal without a trace.

import { arenaAddress, arenaRelease, arenaSettle } from "../arena";
import { emit } from "../events";
import {
  imageBssSize,
  imageCodeSize,
  imageEntry,
  imageHeaderSize,
  imageRodataSize,
  imageRodataStart,
  imageStackSize,
} from "../image/metadata";
import { slotCode, slotCopy, slotDrop, slotHasWindow } from "../image/slot";
import { FILE_MAX, STACK_SIZE_DEFAULT, TASK_BANK_SIZE, TASK_MAX } from "../layout";
import { mailboxRelease } from "../mailbox/mailbox";
import { isBare, isReference, nodeAt } from "../node";
import { commandsRelease } from "../registry/command";
import { subscriptionsRelease } from "../registry/subscription";
import { valuesRelease } from "../registry/value";
import { DATA_ORIGIN, STACK_TOP } from "../spec/hxe";
import { EventType, NEVER, Stop, TaskState } from "../spec/node";
import { CODE_FAULT } from "../spec/svc";
import { Context, ContextFlag, contextAt, isFlat, isWindowed, reg, setReg } from "../vm/context";
import { clearFlags, setPsw } from "../vm/flags";
import { FLAT_SIZE } from "../vm/memory";
import { callsEnd } from "./call";
import { timerOf } from "./clock";
import { filesRelease } from "./files";
import { filtersRelease } from "./filters";
import { pinsRelease } from "./pins";
import { wakeOrphans } from "./receive";
import { bankAddress, taskAt, TaskFlag, taskMemoryField } from "./task";
import { turnLeave } from "./turn";

/** The reference gives each task 4 KiB of stack, one below the other. */
const REFERENCE_STACK: u32 = 0x1000;
/** Initial SP of the reference's machine without an executive. */
const BARE_SP: u32 = 0x8000;
/** Bytes of rodata copied from the device in one call. */
const PIECE_BYTES: u32 = 128;
/** Ms before the first restart after a fault, and how often that is doubled. */
const BACKOFF_FIRST: u32 = 100;
const BACKOFF_DOUBLINGS: u32 = 8;

// ---- Memory ----

/** Bytes of stack an image gets: its .stack section, or the profile's default. */
export function stackBytesOf(slot: u32): u32 {
  const asked = imageStackSize(slot);
  return asked == 0 ? <u32>STACK_SIZE_DEFAULT : (asked + 3) & 0x1fffc;
}

/** Bytes of data an image needs, a multiple of 4 so that the stack behind it is aligned. */
export function dataBytesOf(slot: u32): u32 {
  return (imageRodataSize(slot) + imageBssSize(slot) + 3) & ~3;
}

/** Bytes of memory a task of this image needs. */
export function memoryBytesOf(slot: u32): u32 {
  return isReference() ? FLAT_SIZE : dataBytesOf(slot) + stackBytesOf(slot);
}

/** Fetches the addresses of a task's code and memory, which move with the arena's blocks. */
export function taskBind(index: usize): void {
  const t = taskAt(index);
  if (t.memory == 0) return;
  const c = contextAt(index);
  c.code = <u32>slotCode(t.slot, imageHeaderSize(t.slot));
  c.data = <u32>arenaAddress(t.memory);
}

/** Fetches the addresses of all tasks again if blocks moved. */
export function tasksRebind(): void {
  if (nodeAt().arenaMoved == 0) return;
  nodeAt().arenaMoved = 0;
  for (let i: usize = 0; i < TASK_MAX; i++) taskBind(i);
}

/** Closes the arena's holes, so that every address holds. */
export function tasksSettle(): void {
  arenaSettle();
  tasksRebind();
}

/** Lays out memory and registers as at the start of the app, but for its rodata. `isFresh`: its memory is still zero. */
export function taskPrepare(index: usize, isFresh: bool): void {
  const t = taskAt(index);
  const c = contextAt(index);
  taskBind(index);
  if (!isFresh) memory.fill(c.data, 0, memoryBytesOf(t.slot));
  t.stackBytes = <u16>stackBytesOf(t.slot);
  c.flags = <u8>(slotHasWindow(t.slot) ? ContextFlag.WINDOW : 0);
  c.dataBytes = <u16>dataBytesOf(t.slot);
  c.stackOrigin = <u16>(STACK_TOP - t.stackBytes);
  c.sp = STACK_TOP;
  if (isReference()) {
    c.flags |= <u8>ContextFlag.FLAT;
    c.sp = isBare() ? BARE_SP : STACK_TOP - REFERENCE_STACK * <u32>index;
    c.stackOrigin = <u16>(isBare() ? 0 : c.sp - REFERENCE_STACK);
  }
  for (let n: usize = 0; n < 16; n++) setReg(c, n, 0);
  c.codeLast = <u16>(imageCodeSize(t.slot) - 4);
  c.pc = imageEntry(t.slot);
  c.steps = 0;
  c.depth = 0;
  setPsw(c, 0);
  c.stop = <u8>Stop.BUDGET;
  c.svc = 0;
  t.timer = NEVER;
  t.call = 0;
  t.flags &= <u8>~TaskFlag.CONFIRMED;
}

/** Bytes of rodata that a task gets: the flat memory may have no room for all. */
function rodataBytesOf(c: Context, slot: u32): u32 {
  const rodata = imageRodataSize(slot);
  return isFlat(c) && rodata > FLAT_SIZE - DATA_ORIGIN ? FLAT_SIZE - DATA_ORIGIN : rodata;
}

/**
 * Copies rodata from its byte `from` on to the memory of a prepared task, in pieces where it comes from the device. Returns where the
 * next piece begins; 0: all is there. IO, ABSENT, BUSY.
 */
export function taskFill(index: usize, from: u32): i32 {
  const c = contextAt(index);
  const slot = taskAt(index).slot;
  const rodata = rodataBytesOf(c, slot);
  const origin: u32 = isFlat(c) ? DATA_ORIGIN : 0;
  const left = rodata - from;
  const bytes = isWindowed(c) && left > PIECE_BYTES ? PIECE_BYTES : left;
  const got = slotCopy(slot, imageRodataStart(slot) + from, c.data + origin + from, bytes);
  if (got < 0) return got;
  if (bytes < left) return <i32>(from + bytes);
  if (isReference() && !isBare()) memory.fill(c.data + c.stackOrigin, 0, REFERENCE_STACK); // as the reference does
  return 0;
}

// ---- End ----

/** What every end has in common: pins at their safe level, callers told. */
function taskRest(index: usize, state: u32): void {
  const t = taskAt(index);
  t.state = <u8>state;
  t.timer = NEVER;
  pinsRelease(t.pid);
  callsEnd(index);
}

/** TASK_EXIT and top-level RET. What the image registered stays until kill, replace or unload. */
export function taskEnd(index: usize, state: u32): void {
  taskRest(index, state);
  emit(EventType.EXITED, taskAt(index).pid, 0, reg(contextAt(index), 0));
}

/** A fault ends the task, or puts it off until its restart. The MiniVM left code and pc in the context. */
export function taskFault(index: usize): void {
  const t = taskAt(index);
  const c = contextAt(index);
  taskRest(index, TaskState.FAULTED);
  emit(EventType.FAULTED, t.pid, c.stop, c.pc);
  if (t.restartsLeft == 0) return;
  const restarts: u32 = t.restarts - t.restartsLeft;
  const backoff =
    restarts < BACKOFF_DOUBLINGS ? BACKOFF_FIRST << restarts : BACKOFF_FIRST << BACKOFF_DOUBLINGS;
  t.restartsLeft -= 1;
  t.timer = timerOf(backoff);
  t.state = <u8>TaskState.BACKING_OFF;
}

/** The device does not give what the task needs of its image. */
export function taskUnreadable(index: usize): void {
  const c = contextAt(index);
  c.stop = <u8>Stop.CODE;
  setReg(c, 0, CODE_FAULT);
  taskFault(index);
}

// ---- Removal ----

/** Frees what the app registered and opened, but not its memory and image. */
export function taskStrip(index: usize): void {
  const t = taskAt(index);
  pinsRelease(t.pid);
  filtersRelease(t.pid);
  callsEnd(index);
  subscriptionsRelease(t.pid);
  commandsRelease(t.pid);
  valuesRelease(t.pid);
  mailboxRelease(index, t.pid);
  if (FILE_MAX != 0) filesRelease(t.pid);
  wakeOrphans();
}

/** Frees everything a task has, its bank included. */
export function taskRemove(index: usize): void {
  const t = taskAt(index);
  const slot: u32 = t.slot;
  turnLeave(t);
  taskStrip(index);
  arenaRelease(taskMemoryField(t));
  memory.fill(bankAddress(index), 0, TASK_BANK_SIZE);
  clearFlags();
  slotDrop(slot);
}
