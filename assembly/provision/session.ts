// The load session: an image arrives, is checked, admitted, registered out of sight and restored; only then the change-over
// shows and starts it. Until then the node is as it was, and a refusal takes back what was reserved and names its reason.
// A restart goes the same way from the slot the task has. Each step is bounded; sessionPoll() makes one.

import { emit } from "../events";
import { tasksRebind, taskStrip } from "../executive/lifecycle";
import { serveReceivers } from "../executive/receive";
import { isAlive, taskAt, taskFind } from "../executive/task";
import { checkAdvance, checkBegin } from "../image/check";
import { slotAllocate, slotRetain, slotShare, slotWrite } from "../image/slot";
import {
  MAILBOX_CURSORS_BASE,
  MAILBOX_CURSORS_SIZE,
  REFUSAL_BASE,
  SESSION_BASE,
  SESSION_SIZE,
  TASK_MAX,
} from "../layout";
import { mailboxForget } from "../mailbox/mailbox";
import { nodeAt } from "../node";
import { storeState } from "../persist/pool";
import { refuse } from "../refusal";
import { isRestoring } from "../registry/saver";
import { StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { EventType, NEVER, REFUSAL_OFFSET_OFF, TaskState } from "../spec/node";
import { admit } from "./admit";
import {
  adjustMailbox,
  attachTask,
  changeOver,
  checkGrowth,
  enlistCommand,
  enlistMailbox,
  enlistValue,
  firstMailbox,
  launch,
  takeBack,
} from "./enlist";
import { declarerAt, Load, loadAt, LoadFlag, Phase } from "./load";

/** Bytes one slice of the check sums; a piece is checked as it comes. */
const BYTES_A_SLICE: u32 = 128;

// ---- End ----

/** Leaves nothing of a session but its result. */
function close(result: i32): void {
  memory.fill(SESSION_BASE, 0, SESSION_SIZE);
  memory.fill(MAILBOX_CURSORS_BASE, 0, MAILBOX_CURSORS_SIZE);
  mailboxForget();
  nodeAt().loadResult = result;
}

function fail(l: Load, err: i32): i32 {
  emit(EventType.REFUSED, 0, -err, load<u32>(REFUSAL_BASE + REFUSAL_OFFSET_OFF));
  takeBack(l);
  tasksRebind();
  close(err);
  return err;
}

// ---- Arrival ----

/**
 * Begins a load of `total` bytes. `replaced`: the pid it takes the place of, 0: nobody's. The bases move ids and keys of
 * a further instance. `restarts`: how often a fault restarts the app. BUSY: a load goes on. NOT_FOUND: no such pid.
 * HXE_TRUNCATED, FULL, NO_MEMORY.
 */
export function sessionBegin(
  total: u32,
  replaced: u32,
  groupBase: u32,
  keyBase: u32,
  restarts: u32,
): i32 {
  const l = loadAt();
  if (l.phase != Phase.IDLE) return refuse(Err.BUSY, 0, 0, 0);
  if (replaced != 0 && taskFind(replaced) < 0) return refuse(Err.NOT_FOUND, 0, replaced, 0);
  const sound = checkBegin(total);
  const slot = sound < 0 ? sound : slotAllocate(total);
  if (slot < 0) {
    close(slot);
    emit(EventType.REFUSED, 0, -slot, 0);
    return slot;
  }
  slotRetain(slot);
  l.slot = <u8>slot;
  l.total = total;
  l.received = 0;
  l.restarts = <u8>restarts;
  const d = declarerAt();
  d.replaced = <u8>replaced;
  d.groupBase = <u8>groupBase;
  d.keyBase = <u16>keyBase;
  l.phase = <u8>Phase.RECEIVING;
  tasksRebind();
  return Err.OK;
}

function reportProgress(l: Load): void {
  const eighths: u32 = l.total < 8 ? 8 : l.received / (l.total >>> 3);
  if (eighths <= <u32>l.eighths) return;
  l.eighths = <u8>eighths;
  emit(EventType.LOAD_PROGRESS, 0, l.received >>> 6, l.total);
}

/** An image that is here already is not kept twice. */
function share(l: Load): void {
  const slot = slotShare(l.slot);
  if (slot != l.slot) slotRetain(slot);
  l.slot = <u8>slot;
}

/** Checks what has come, at most `slices` slices of it. OK: nothing speaks against it. */
function check(l: Load, slices: u32): i32 {
  for (let n: u32 = 0; n < slices; n++) {
    const verdict = checkAdvance(l.slot, l.received);
    if (verdict == Err.NO_DATA) return Err.OK;
    if (verdict == Err.OK) {
      share(l);
      l.phase = <u8>Phase.ADMITTING;
      return Err.OK;
    }
    if (verdict != Err.BUSY) return fail(l, verdict);
  }
  return Err.OK;
}

/** Takes the next `length` bytes of the file. STATE: no load waits for any. LENGTH: more than were announced. A refusal by the check. */
export function sessionData(from: usize, length: u32): i32 {
  const l = loadAt();
  if (l.phase != Phase.RECEIVING) return refuse(Err.STATE, 0, 0, 0);
  if (length > l.total - l.received)
    return fail(l, refuse(Err.LENGTH, l.total, l.received + length, l.total));
  const err = slotWrite(l.slot, l.received, from, length);
  if (err < 0) return fail(l, err);
  l.received += length;
  reportProgress(l);
  return check(l, 1 + length / BYTES_A_SLICE);
}

/** Ends a load before its time and takes back what it took. STATE: there is none, or it can no longer be taken back. */
export function sessionAbort(): i32 {
  const l = loadAt();
  const isLate = l.phase == Phase.ADJUSTING || (l.flags & LoadFlag.RESTART) != 0;
  if (l.phase == Phase.IDLE || isLate) return refuse(Err.STATE, 0, 0, 0);
  takeBack(l);
  tasksRebind();
  close(Err.STATE);
  return Err.OK;
}

/** NO_DATA: bytes must come. BUSY: the load goes on. The pid, or the reason of the refusal, once it has ended. */
export function sessionResult(): i32 {
  const l = loadAt();
  if (l.phase == Phase.IDLE) return nodeAt().loadResult;
  const waits = l.phase == Phase.RECEIVING && l.received < l.total;
  return waits ? <i32>Err.NO_DATA : <i32>Err.BUSY;
}

/** True while a load or restart goes on. */
export function isSessionBusy(): bool {
  return loadAt().phase != Phase.IDLE;
}

/** True for the few polls between change-over and start: no task runs, so that none takes the room that was provided for. */
export function isChangingOver(): bool {
  return loadAt().phase == Phase.ADJUSTING;
}

// ---- Restart ----

/** Starts a task over from its image, like a load of the same: what it registered and holds is given up first. BUSY, NOT_FOUND. */
export function sessionRestart(pid: u32): i32 {
  const l = loadAt();
  const bank = taskFind(pid);
  if (bank < 0) return refuse(Err.NOT_FOUND, 0, pid, 0);
  if (l.phase != Phase.IDLE) return refuse(Err.BUSY, 0, 0, 0);
  const t = taskAt(bank);
  close(Err.BUSY);
  taskStrip(bank);
  t.state = <u8>TaskState.LOADING;
  t.timer = NEVER;
  l.slot = t.slot;
  l.bank = <u8>bank;
  l.flags = <u8>LoadFlag.RESTART;
  l.phase = <u8>Phase.VALUES;
  declarerAt().groupBase = t.groupBase;
  declarerAt().keyBase = t.keyBase;
  declare(l, pid);
  const attached = attachTask(l);
  tasksRebind();
  return attached < 0 ? fail(l, attached) : <i32>Err.OK;
}

/** Restarts the next task whose back-off after a fault is over. */
function restartDue(): void {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.state != TaskState.BACKING_OFF || t.timer != 0) continue;
    sessionRestart(t.pid);
    return;
  }
}

// ---- Step by step ----

/** Notes who declares: bank and slot are known, and the pid it will be. */
function declare(l: Load, pid: u32): void {
  const d = declarerAt();
  d.pid = <u8>pid;
  d.row = l.bank;
  d.slot = l.slot;
  d.ended = endedTasks();
}

/** One bit a bank: its task has ended. */
function endedTasks(): u32 {
  let ended: u32 = 0;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.pid != 0 && !isAlive(t)) ended |= 1 << (<u32>i);
  }
  return ended;
}

function admitNext(l: Load): i32 {
  const err = admit(l);
  if (err < 0) return err;
  declare(l, nodeAt().nextPid);
  l.cursor = 0;
  l.phase = <u8>Phase.VALUES;
  return attachTask(l);
}

/** BUSY: the phase goes on; OK or NO_DATA: on to `next`. */
function after(l: Load, step: i32, next: Phase): i32 {
  if (step == Err.BUSY) return Err.OK;
  if (step < 0 && step != Err.NO_DATA) return step;
  l.cursor = 0;
  l.phase = <u8>next;
  return Err.OK;
}

function mailboxNextOrEnd(l: Load): i32 {
  const first = l.cursor == 0 ? firstMailbox(l) : <i32>Err.OK;
  return first < 0 ? first : enlistMailbox(l);
}

function adjustNextOrEnd(l: Load): i32 {
  const first = l.cursor == 0 ? firstMailbox(l) : <i32>Err.OK;
  return first < 0 ? first : adjustMailbox(l);
}

/** Waits for the store; then nothing stands in the way of the change-over. */
function restore(l: Load): i32 {
  if (isRestoring(declarerAt().pid) && <i32>storeState() <= StoreState.READY) return Err.OK;
  const err = checkGrowth(l);
  if (err < 0) return err;
  changeOver(l);
  l.cursor = 0;
  l.phase = <u8>Phase.ADJUSTING;
  return Err.OK;
}

function finish(l: Load): i32 {
  if (adjustNextOrEnd(l) != Err.NO_DATA) return Err.OK;
  const pid = launch(l);
  close(pid);
  return Err.OK;
}

function step(l: Load): i32 {
  switch (<u32>l.phase) {
    case Phase.RECEIVING:
      return check(l, 1);
    case Phase.ADMITTING:
      return admitNext(l);
    case Phase.VALUES:
      return after(l, enlistValue(l), Phase.COMMANDS);
    case Phase.COMMANDS:
      return after(l, enlistCommand(l), Phase.MAILBOXES);
    case Phase.MAILBOXES:
      return after(l, mailboxNextOrEnd(l), Phase.RESTORING);
    case Phase.RESTORING:
      return restore(l);
    case Phase.ADJUSTING:
      return finish(l);
    default:
      return Err.OK;
  }
}

/** Makes one bounded step of the load or restart under way. */
export function sessionPoll(): void {
  const l = loadAt();
  if (l.phase == Phase.IDLE) return restartDue();
  tasksRebind();
  const err = step(l);
  if (err < 0 && l.phase != Phase.IDLE) fail(l, err);
  tasksRebind();
  serveReceivers();
}
