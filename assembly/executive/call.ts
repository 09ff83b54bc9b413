// Command calls. The handler is borrowed from its owner: the whole bank of the owner is kept in an arena block, the
// handler runs on the owner's stack, and its RET puts everything back. A blocked owner is blocked again afterwards.
// CallFrame, 16 bytes:
//  0  saved   u16  arena ref of the owner's bank as it was
//  2  owner   u8   1 + bank of the owner; 0: the frame is free
//  3  caller  u8   1 + bank of the task that waits for the answer; 0: the host, nobody, or a mailbox
//  4  prev    u8   1 + index of the frame this one interrupted; 0: none
//  5  state   u8   FrameState
//  6  oid     u16
//  8  handle  u16  the caller's handle of the mailbox that gets the answer; 0: none
// 10  status  u8   CommandStatus, once done; before: what `call` of the caller was
// 11  pid     u8   who called; 0: the host
// 12  result  u32  R0 of the handler, once done; before: clock when the owner was interrupted

import { arenaAddress, arenaAllocate, arenaRelease } from "../arena";
import { emit } from "../events";
import { CALL_MAX, CALL_SIZE, CALLS_BASE, IO_BASE, TASK_BANK_SIZE, CALL_MASK } from "../layout";
import { handleDescriptor, mailboxPost } from "../mailbox/mailbox";
import { isReference, nodeAt } from "../node";
import { refuse, refuseFull, refuseMemory } from "../refusal";
import { Command, commandHandler, HANDLER_NONE } from "../registry/command";
import { Err } from "../spec/errors";
import { EventType, NEVER, Resource, TaskState } from "../spec/node";
import { CommandStatus } from "../spec/svc";
import { Context, CONTEXT_SIZE, contextAt, setReg } from "../vm/context";
import { setPsw } from "../vm/flags";
import { receiveResume } from "./receive";
import { bankAddress, isAlive, Task, taskAt, taskFind } from "./task";

enum FrameState {
  FREE = 0,
  RUNNING = 1,
  /** the host has not fetched the answer yet */
  DONE = 2,
}
/** Bytes of an async answer: oid, status, result. */
const ANSWER_SIZE: u32 = 8;
const RESULT_SIZE: u32 = 4;


@unmanaged
class CallFrame {
  saved: u16 = 0;
  owner: u8 = 0;
  caller: u8 = 0;
  prev: u8 = 0;
  state: u8 = 0;
  oid: u16 = 0;
  handle: u16 = 0;
  status: u8 = 0;
  pid: u8 = 0;
  result: u32 = 0;
}
if (offsetof<CallFrame>("result") != 12) ERROR("CallFrame.result: offset");
if (offsetof<CallFrame>() != CALL_SIZE) ERROR("CallFrame: size");

function frameAt(index: usize): CallFrame {
  return changetype<CallFrame>(CALLS_BASE + (index & CALL_MASK) * CALL_SIZE);
}
function frameClear(f: CallFrame): void {
  memory.fill(changetype<usize>(f), 0, CALL_SIZE);
}
/** A free frame, or one whose answer the host has not fetched. FULL. */
function freeFrame(): i32 {
  let unfetched: i32 = -1;
  for (let i: usize = 0; i < CALL_MAX; i++) {
    const f = frameAt(i);
    if (f.state == FrameState.FREE) return <i32>i;
    if (f.state == FrameState.DONE) unfetched = <i32>i;
  }
  if (unfetched >= 0) return unfetched;
  return refuseFull(Err.FULL, Resource.CALLS, <u32>CALL_MAX + 1, <u32>CALL_MAX);
}

// ---- Answers ----

/** Posts an answer by the caller's handle, if both are still there: u16 oid, u16 status, and u32 result if there is one. */
function postAnswer(f: CallFrame, status: u32, result: u32, length: u32): void {
  const row = taskFind(f.pid);
  const mailbox = row < 0 ? row : handleDescriptor(row, f.handle);
  if (mailbox < 0) return;
  const message = IO_BASE; // free while the core runs
  store<u16>(message, f.oid);
  store<u16>(message + 2, <u16>status);
  store<u32>(message + 4, result);
  mailboxPost(mailbox, message, length, 0, 0, f.pid);
}

/** Address of the caller's bank as it made the call: kept aside when the caller itself is borrowed meanwhile. */
function callerBank(f: CallFrame): usize {
  const caller: usize = f.caller - 1;
  if (taskAt(caller).call == f.status) return bankAddress(caller);
  for (let i: usize = 0; i < CALL_MAX; i++) {
    const g = frameAt(i);
    if (g.state == FrameState.RUNNING && g.owner == f.caller && g.prev == f.status)
      return arenaAddress(g.saved);
  }
  return bankAddress(caller);
}

/** Ends the wait of a caller; one that was paused meanwhile stays paused. */
function goOn(t: Task): void {
  if (t.state == TaskState.PAUSED) t.resume = <u8>TaskState.READY;
  else t.state = <u8>TaskState.READY;
}

/** Tells whoever waits for the answer of a frame, and frees it unless the host has yet to fetch it. */
function answer(f: CallFrame, status: u32, result: u32, hasResult: bool): void {
  emit(EventType.COMMAND_DONE, f.pid, f.oid, status | (result << 16));
  if (f.handle != 0)
    postAnswer(f, status, result, hasResult ? ANSWER_SIZE : ANSWER_SIZE - RESULT_SIZE);
  if (f.caller != 0) {
    const bank = callerBank(f);
    const c = changetype<Context>(bank);
    setReg(c, 0, status);
    if (hasResult) setReg(c, 1, result);
    goOn(changetype<Task>(bank + CONTEXT_SIZE));
  }
  if (f.pid != 0) return frameClear(f);
  f.owner = 0;
  f.status = <u8>status;
  f.result = result;
  f.state = <u8>FrameState.DONE;
}

// ---- Borrowing ----

/** Keeps the owner's bank and lets it run the handler. R1: oid, R2: caller's pid, R3: argument; the rest is zero. */
function borrow(index: usize, f: CallFrame, owner: usize, handler: u32, argument: u32): void {
  const t = taskAt(owner);
  const c = contextAt(owner);
  memory.copy(arenaAddress(f.saved), bankAddress(owner), TASK_BANK_SIZE);
  for (let n: usize = 0; n < 16; n++) setReg(c, n, 0);
  setReg(c, 1, f.oid);
  setReg(c, 2, f.pid);
  setReg(c, 3, argument);
  setReg(c, 15, c.sp);
  c.pc = handler;
  c.depth = 0;
  setPsw(c, 0);
  t.state = <u8>TaskState.READY;
  t.timer = NEVER;
  t.call = <u8>(index + 1);
}

/** Puts the owner's bank back as it was, but for what went on meanwhile: instructions, memory, time. */
function giveBack(f: CallFrame): void {
  const owner: usize = f.owner - 1;
  const t = taskAt(owner);
  const c = contextAt(owner);
  const steps = c.steps;
  const code = c.code;
  const data = c.data;
  const block = t.memory;
  const flags = t.flags;
  memory.copy(bankAddress(owner), arenaAddress(f.saved), TASK_BANK_SIZE);
  c.steps = steps;
  c.code = code;
  c.data = data;
  t.memory = block;
  t.flags = flags;
  t.call = f.prev;
  const elapsed = nodeAt().lastMs - f.result;
  if (t.state != TaskState.WRITING && t.timer != NEVER)
    t.timer = t.timer > elapsed ? t.timer - elapsed : 0;
  arenaRelease(changetype<usize>(f));
  if (t.state == TaskState.RECEIVING) receiveResume(owner);
}

/**
 * Starts the handler of a command that the caller may call.
 * caller: bank of the task that blocks for the answer, or -1; pid: who calls, 0 the host; handle: the caller's, of the mailbox that gets the answer, or 0.
 * Returns the frame, for callFetch. FULL, NO_MEMORY, ENDED, STATE (the owner is paused).
 */
export function callStart(k: Command, caller: i32, pid: u32, argument: u32, handle: u32): i32 {
  const owner: usize = k.row;
  const t = taskAt(owner);
  if (!isAlive(t) || t.state == TaskState.BACKING_OFF) return refuse(Err.ENDED, 0, 0, 0);
  if (t.state == TaskState.PAUSED) return refuse(Err.STATE, 0, 0, 0);
  const index = freeFrame();
  if (index < 0) return index;
  const f = frameAt(index);
  const handler = isReference() ? HANDLER_NONE : commandHandler(k); // the reference runs none
  if (handler != HANDLER_NONE && !arenaAllocate(TASK_BANK_SIZE, changetype<usize>(f)))
    return refuseMemory(TASK_BANK_SIZE);
  f.state = <u8>FrameState.RUNNING;
  f.owner = <u8>(owner + 1);
  f.caller = <u8>(caller + 1);
  f.prev = t.call;
  f.oid = k.oid;
  f.handle = <u16>handle;
  f.pid = <u8>pid;
  f.status = caller < 0 ? 0 : taskAt(caller).call;
  f.result = nodeAt().lastMs;
  emit(EventType.COMMAND_CALLED, k.owner, k.oid, pid);
  if (handler == HANDLER_NONE) {
    answer(f, CommandStatus.OK, 0, false);
    return index;
  }
  if (caller >= 0 && <usize>caller != owner) taskAt(caller).state = <u8>TaskState.CALLING;
  borrow(index, f, owner, handler, argument);
  return index;
}

/** Ends the handler that the task of bank `index` runs: its RET, R0 is the result. */
export function callReturn(index: usize, result: u32): void {
  const f = frameAt(taskAt(index).call - 1);
  giveBack(f);
  answer(f, CommandStatus.OK, result, true);
}

/** Fetches the answer of a host's call: status in the return value, the result at `to`. BUSY: the handler runs. NOT_FOUND. */
export function callFetch(index: usize, to: usize): i32 {
  if (index >= CALL_MAX) return Err.NOT_FOUND;
  const f = frameAt(index);
  if (f.state == FrameState.FREE) return Err.NOT_FOUND;
  if (f.state == FrameState.RUNNING) return Err.BUSY;
  store<u32>(to, f.result);
  const status: i32 = f.status;
  frameClear(f);
  return status;
}

/** A task ended: its handlers will not answer, so their callers learn that they failed; and it waits for no answer itself. */
export function callsEnd(index: usize): void {
  for (let i: usize = 0; i < CALL_MAX; i++) {
    const f = frameAt(i);
    if (f.caller == index + 1) f.caller = 0;
  }
  for (let i: usize = 0; i < CALL_MAX; i++) {
    const f = frameAt(i);
    if (f.state != FrameState.RUNNING || f.owner != index + 1) continue;
    arenaRelease(changetype<usize>(f));
    answer(f, CommandStatus.EFAIL, 0, false);
  }
  taskAt(index).call = 0;
}
