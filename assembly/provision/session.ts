// The load session: an image arrives, is checked, admitted, registered out of sight and restored; only then the change-over
// shows and starts it. Until then the node is as it was, and a refusal takes back what was reserved and names its reason.
// A restart goes the same way from the slot the task has, and the app of a stored image from there. Staging ends with a sound
// image in a stored slot, verifying with the knowledge that one is. Each step is bounded; sessionPoll() makes one.

import { emit } from "../events";
import {
  taskFill,
  taskPrepare,
  tasksRebind,
  taskStrip,
  taskUnreadable,
} from "../executive/lifecycle";
import { serveReceivers } from "../executive/receive";
import { CRC_START, crcEnd } from "../crc";
import { nv_busy, nv_erase_size } from "../hal";
import { isAlive, TASK_QUANTUM_SHIFT, taskAt, taskFind } from "../executive/task";
import {
  checkAdvance,
  checkBegin,
  checkKnown,
  checkLate,
  checkSummed,
  KNOWN_SLICE,
} from "../image/check";
import { imageCodeSize, imageHeaderSize, imageRodataEnd } from "../image/metadata";
import {
  isVerified,
  slotAllocate,
  slotCrc,
  slotDrop,
  slotFetch,
  slotKeep,
  slotKeepNext,
  slotOpen,
  slotRetain,
  slotSeal,
  slotShare,
  slotSum,
  slotWrite,
} from "../image/slot";
import {
  storedClear,
  storedCrc,
  storedErase,
  storedExpect,
  storedLength,
  storedSeal,
  storedWrite,
} from "../image/stored";
import {
  ADDRESS_MASK,
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
import {
  BOOT_QUANTUM_SHIFT,
  BOOT_RESTARTS_MASK,
  BOOT_RESTARTS_SHIFT,
  STAGE_BYTES,
  STORED_HEADER_BYTES,
} from "../spec/boot";
import { StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { EventType, NEVER, REFUSAL_OFFSET_OFF, TaskState } from "../spec/node";
import { admit, reserve } from "./admit";
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
import { isProved, setProved } from "./job";
import { Arrival, declarerAt, IN_PLACE, Load, loadAt, LoadFlag, Phase } from "./load";

/** Ms without bytes after which a load is given up. */
const SILENCE_MS: u32 = 10000;
/** Bytes one slice of the check sums; a piece is checked as it comes. */
const BYTES_A_SLICE: u32 = 128;
/** Slices of the check that follow when bytes of a stored image are fetched. */
const FETCH_SLICES: u32 = 4;
/** Where the flags of a task have its quantum. */
const QUANTUM_BITS: u32 = 15 << TASK_QUANTUM_SHIFT;

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

/** True for bytes that come in any order. */
function isBus(l: Load): bool {
  return (l.arrival & Arrival.BUS) != 0;
}

/** Why no load can begin. */
function idle(): i32 {
  return loadAt().phase == Phase.IDLE ? <i32>Err.OK : refuse(Err.BUSY, 0, 0, 0);
}

/** Begins with `slot`, or ends with why there is none. */
function open(slot: i32, total: u32, flags: u32): i32 {
  if (slot < 0) {
    close(slot);
    emit(EventType.REFUSED, 0, -slot, 0);
    return slot;
  }
  slotRetain(slot);
  const l = loadAt();
  l.slot = <u8>slot;
  l.total = total;
  l.flags = <u8>flags;
  l.phase = <u8>Phase.RECEIVING;
  l.since = nodeAt().lastMs;
  tasksRebind();
  return Err.OK;
}

/**
 * Begins a load of `total` bytes. `replaced`: the pid it takes the place of, 0: nobody's. The bases move ids and keys of
 * a further instance. `restarts`: how often a fault restarts the app. BUSY: a load goes on. NOT_FOUND: no such pid.
 * RANGE: a base or number of restarts beyond its field. HXE_TRUNCATED, FULL, NO_MEMORY.
 */
export function sessionBegin(
  total: u32,
  replaced: u32,
  groupBase: u32,
  keyBase: u32,
  restarts: u32,
): i32 {
  const busy = idle();
  if (busy < 0) return busy;
  if (groupBase > 0xff) return refuse(Err.RANGE, 0, groupBase, 0xff);
  if (keyBase > 0xffff) return refuse(Err.RANGE, 0, keyBase, 0xffff);
  if (restarts > 0xff) return refuse(Err.RANGE, 0, restarts, 0xff);
  if (replaced != 0 && taskFind(replaced) < 0) return refuse(Err.NOT_FOUND, 0, replaced, 0);
  const sound = checkBegin(total);
  const begun = open(sound < 0 ? sound : slotAllocate(total), total, 0);
  if (begun < 0) return begun;
  loadAt().restarts = <u8>restarts;
  const d = declarerAt();
  d.replaced = <u8>replaced;
  d.groupBase = <u8>groupBase;
  d.keyBase = <u16>keyBase;
  return Err.OK;
}

/** What a boot word says of how the app runs. */
function runAs(l: Load, bootWord: u32): void {
  l.restarts = <u8>((bootWord >>> BOOT_RESTARTS_SHIFT) & BOOT_RESTARTS_MASK);
  l.quantum = <u8>((bootWord >>> (BOOT_QUANTUM_SHIFT - TASK_QUANTUM_SHIFT)) & QUANTUM_BITS);
}

/** Begins a load of a file of the card, which must have this CRC-32; its bytes come by sessionData(). Refused like sessionBegin(). */
export function sessionCard(total: u32, crc: u32, replaced: u32, bases: u32, bootWord: u32): i32 {
  const begun = sessionBegin(total, replaced, bases >>> 16, bases & 0xffff, 0);
  if (begun < 0) return begun;
  const l = loadAt();
  l.cursor = crc;
  l.arrival = <u8>Arrival.CARD;
  runAs(l, bootWord);
  return Err.OK;
}

function reportProgress(l: Load): void {
  const eighth = l.total >>> 3;
  if (l.received < (<u32>l.eighths + 1) * eighth) return; // mostly, and a division takes long
  const eighths: u32 = eighth == 0 ? 8 : l.received / eighth;
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

/** The image is sound; a stored one must also be the one it should be. */
function accept(l: Load): i32 {
  const isStored = (l.flags & (IN_PLACE | LoadFlag.FETCH)) != 0;
  const isKnown = isStored || l.arrival != 0;
  const crc = slotCrc(l.slot);
  if (isKnown && crc != l.cursor && isBus(l)) return doubt(l, Err.HXE_CRC);
  const isCard = (l.arrival & Arrival.CARD) != 0;
  if (isStored) setProved(l.stored, crc == l.cursor);
  if (isKnown && crc != l.cursor)
    return fail(l, refuse(isCard ? Err.CARD_IMAGE : Err.SLOT_DAMAGED, 0, crc, l.cursor));
  if ((l.flags & LoadFlag.STAGE) != 0) {
    l.phase = <u8>Phase.SEALING;
    const err = storedSeal(l.stored, l.total, crc);
    return err < 0 ? fail(l, err) : err;
  }
  if ((l.flags & LoadFlag.VERIFY) != 0) return leave(l, Err.OK);
  share(l);
  l.phase = <u8>Phase.ADMITTING;
  return (l.flags & LoadFlag.WINDOW) != 0 && !isVerified(l.slot) ? keep(l) : <i32>Err.OK;
}

/** Makes room for what must be at hand of an image whose code stays where it is. NO_MEMORY; TOO_LARGE: 64 KiB of code on a chip. */
function keep(l: Load): i32 {
  const start = imageHeaderSize(l.slot);
  const code = imageCodeSize(l.slot);
  if (code > ADDRESS_MASK) return fail(l, refuse(Err.TOO_LARGE, 0, code, ADDRESS_MASK)); // the MiniVM would not see its end
  l.cursor = 0;
  l.phase = <u8>Phase.KEEPING;
  const err = slotKeep(l.slot, start, imageRodataEnd(l.slot) - start);
  return err < 0 ? fail(l, err) : err;
}

/** Copies a piece of it. */
function keepNext(l: Load): i32 {
  const next = slotKeepNext(l.slot, l.cursor);
  if (next < 0) return next == Err.BUSY ? <i32>Err.OK : next;
  l.cursor = next;
  if (<u32>next < l.total) return Err.OK;
  slotSeal(l.slot, slotCrc(l.slot));
  l.phase = <u8>Phase.ADMITTING;
  return Err.OK;
}

/** Ends what started nothing. */
function leave(l: Load, result: i32): i32 {
  slotDrop(l.slot);
  close(result);
  return Err.OK;
}

/** The check found fault. Of bytes that came in any order, some may have come to the wrong place: the sum over all of them tells. */
function doubt(l: Load, verdict: i32): i32 {
  if (!isBus(l)) return fail(l, verdict);
  l.verdict = <u8>-verdict;
  l.sum = CRC_START;
  l.summed = 0;
  l.phase = <u8>Phase.SUMMING;
  return Err.OK;
}

/** False while the bytes of the image lie on a device that is programming. */
export function sessionIsReadable(): bool {
  return (loadAt().flags & IN_PLACE) == 0 || nv_busy() <= 0;
}

/** Sums on, once all bytes are there. Sound bytes of a bad image refuse it. */
function sumUp(l: Load): i32 {
  if (l.received < l.total || !sessionIsReadable()) return Err.OK;
  const from = l.summed;
  const end = l.total - from < BYTES_A_SLICE ? l.total : from + BYTES_A_SLICE;
  l.sum = slotSum(l.slot, l.sum, from, end);
  l.summed = end;
  if (end < l.total) return Err.OK;
  if (crcEnd(l.sum) == l.cursor) return -(<i32>l.verdict);
  l.phase = <u8>Phase.DAMAGED;
  return Err.OK;
}

/** Checks what has come, at most `slices` slices of it. OK: nothing speaks against it. */
function check(l: Load, slices: u32): i32 {
  if (!sessionIsReadable()) return Err.OK;
  for (let n: u32 = 0; n < slices; n++) {
    const verdict = checkAdvance(l.slot, l.received);
    if (verdict == Err.NO_DATA) return Err.OK;
    nodeAt().hasWorked = 1;
    if (verdict == Err.OK) return accept(l);
    if (verdict != Err.BUSY) return doubt(l, verdict);
  }
  return Err.OK;
}

/** Takes bytes into the stored slot of a staging. BUSY: the device, or the slot, is not ready; call again after a poll. */
function stage(l: Load, from: usize, length: u32): i32 {
  if (length > STAGE_BYTES) return Err.TOO_LARGE;
  if ((l.flags & LoadFlag.HELD) != 0) return Err.BUSY;
  const erased = storedWrite(l.stored, l.received, from, length, l.growth);
  if (erased < 0 || l.growth == <u32>erased) return erased < 0 ? erased : <i32>Err.OK;
  l.growth = erased;
  return Err.BUSY;
}

/** Lays the bytes that came where the image is to lie. */
function take(l: Load, from: usize, length: u32): i32 {
  if ((l.flags & LoadFlag.STAGE) != 0) return stage(l, from, length);
  return slotWrite(l.slot, l.received, from, length);
}

/**
 * Takes the next `length` bytes of the file. STATE: no load waits for any. LENGTH: more than were announced. A refusal by the
 * check. Of a staging: BUSY: not taken, call again; TOO_LARGE: more than STAGE_BYTES.
 */
export function sessionData(from: usize, length: u32): i32 {
  const l = loadAt();
  if (l.phase != Phase.RECEIVING) return refuse(Err.STATE, 0, 0, 0);
  if (length > l.total - l.received)
    return fail(l, refuse(Err.LENGTH, l.total, l.received + length, l.total));
  const err = take(l, from, length);
  if (err == Err.BUSY || err == Err.TOO_LARGE) return err;
  if (err < 0) return fail(l, err);
  l.received += length;
  l.since = nodeAt().lastMs;
  reportProgress(l);
  return check(l, 1 + length / BYTES_A_SLICE);
}

/** Ms since bytes last came to a load that waits for some. */
function silence(l: Load): u32 {
  return nodeAt().lastMs - l.since;
}

/** Fetches the next bytes of a stored image, once those that are there are summed. BUSY: the device is. */
function feed(l: Load): i32 {
  if (checkSummed() != l.received) return Err.OK;
  const bytes = slotFetch(l.slot, l.stored, l.received, KNOWN_SLICE);
  if (bytes > 0) l.received += bytes;
  return bytes;
}

/** Erases all of a slot whose bytes come in any order. True: nothing is left to erase. */
function clear(l: Load): bool {
  if ((l.flags & LoadFlag.STAGE) == 0) return true;
  if ((l.flags & LoadFlag.HELD) != 0) return false;
  const erased = storedErase(l.stored, STORED_HEADER_BYTES + l.total, l.growth);
  if (erased >= 0) l.growth = erased;
  return l.growth >= STORED_HEADER_BYTES + l.total || nv_erase_size() == 0;
}

/** Checks on; gives up on a sender that has gone silent, so that others can load. TIMEOUT. */
function receive(l: Load): i32 {
  if ((l.flags & LoadFlag.FETCH) != 0) {
    const fed = feed(l);
    if (fed < 0) return fed == Err.BUSY ? <i32>Err.OK : fed;
    return check(l, FETCH_SLICES);
  }
  if (isBus(l)) return clear(l) ? check(l, 1) : <i32>Err.OK;
  if (sessionResult() == Err.NO_DATA && silence(l) >= SILENCE_MS) {
    return refuse(Err.TIMEOUT, l.received, l.total, l.received);
  }
  return check(l, 1);
}

/** Ms until a load gives up on its sender; NEVER: none waits for bytes. 0: a load goes on. */
export function sessionRest(): u32 {
  const l = loadAt();
  if (l.phase == Phase.IDLE) return NEVER;
  if (l.phase == Phase.PREPARED || l.phase == Phase.DAMAGED) return NEVER;
  if (sessionResult() != Err.NO_DATA) return 0;
  if (isBus(l)) return sessionIsClearing() ? 0 : NEVER;
  return silence(l) < SILENCE_MS ? SILENCE_MS - silence(l) : 0;
}

/** Ends a load before its time and takes back what it took. STATE: there is none, or it can no longer be taken back. */
export function sessionAbort(): i32 {
  const l = loadAt();
  const isLate =
    l.phase == Phase.ADJUSTING || l.phase == Phase.FILLING || (l.flags & LoadFlag.RESTART) != 0;
  if (l.phase == Phase.IDLE || isLate) return refuse(Err.STATE, 0, 0, 0);
  takeBack(l);
  tasksRebind();
  close(Err.STATE);
  emit(EventType.LOAD_ABORTED, 0, 0, 0);
  return Err.OK;
}

/** NO_DATA: bytes must come. BUSY: the load goes on. The pid, or the reason of the refusal, once it has ended. */
export function sessionResult(): i32 {
  const l = loadAt();
  if (l.phase == Phase.IDLE) return <i16>nodeAt().loadResult; // a pid or an Err
  const isFetched = (l.flags & LoadFlag.FETCH) != 0;
  const waits = l.phase == Phase.RECEIVING && l.received < l.total && !isFetched;
  return waits ? <i32>Err.NO_DATA : <i32>Err.BUSY;
}

/** True for the few polls between change-over and start: no task runs, so that none takes the room that was provided for. */
export function isChangingOver(): bool {
  return loadAt().phase == Phase.ADJUSTING;
}

// ---- Bytes in any order ----

/** Begins a load of `total` bytes with this CRC-32, which come by sessionPut(). `replaced`: a pid, 0 or NAMESAKE. BUSY, HXE_TRUNCATED, FULL, NO_MEMORY. */
export function sessionExpect(total: u32, crc: u32, replaced: u32): i32 {
  const busy = idle();
  if (busy < 0) return busy;
  const sound = checkBegin(total);
  const begun = open(sound < 0 ? sound : slotAllocate(total), total, 0);
  if (begun < 0) return begun;
  loadAt().cursor = crc;
  loadAt().arrival = <u8>Arrival.BUS;
  declarerAt().replaced = <u8>replaced;
  return Err.OK;
}

/** True while the stored slot of a load is not ready for bytes. */
export function sessionIsClearing(): bool {
  const l = loadAt();
  const isOpen = (l.flags & LoadFlag.STAGE) == 0 || (l.flags & LoadFlag.HELD) == 0;
  const need: u32 = nv_erase_size() == 0 ? 0 : STORED_HEADER_BYTES + l.total;
  return !isOpen || ((l.flags & LoadFlag.STAGE) != 0 && l.growth < need);
}

/** Lays bytes at a place of the file. BUSY: they are not taken. STATE: no load waits for any. IO, ABSENT. */
export function sessionPut(offset: u32, from: usize, length: u32): i32 {
  const l = loadAt();
  const isOpen = l.phase == Phase.RECEIVING || l.phase == Phase.SUMMING;
  if (!isOpen || !isBus(l)) return Err.STATE;
  const isStage = (l.flags & LoadFlag.STAGE) != 0;
  if (isStage && sessionIsClearing()) return Err.BUSY;
  const err = isStage
    ? storedWrite(l.stored, offset, from, length, l.growth)
    : slotWrite(l.slot, offset, from, length);
  if (err < 0) return err;
  checkLate(offset, from, length);
  return Err.OK;
}

/** The first `bytes` of the file are there. */
export function sessionGrow(bytes: u32): void {
  const l = loadAt();
  l.received = bytes;
  reportProgress(l);
}

/** The bytes were not those that were sent: they are checked from the first, once they are there. */
export function sessionAgain(): void {
  const l = loadAt();
  checkBegin(l.total);
  l.received = 0;
  l.phase = <u8>Phase.RECEIVING;
}

/** A prepared image changes over. STATE: none is. */
export function sessionCommit(): i32 {
  const l = loadAt();
  if (l.phase != Phase.PREPARED) return refuse(Err.STATE, 0, l.phase, 0);
  l.arrival &= ~(<u8>Arrival.HOLD);
  l.phase = <u8>Phase.RESTORING;
  return Err.OK;
}

// ---- Stored images ----

/** Begins with stored slot `stored`, whose header says what it holds. BUSY, SLOT_EMPTY, SLOT_DAMAGED, IO; FULL, NO_MEMORY. */
function openStored(stored: u32, flags: u32): i32 {
  const busy = idle();
  if (busy < 0) return busy;
  const total = storedLength(stored);
  if (total < 0) return total;
  const crc = storedCrc();
  const sound = checkBegin(total);
  checkKnown(isProved(stored));
  const isFetch = (flags & LoadFlag.FETCH) != 0;
  const slot = sound < 0 ? sound : isFetch ? slotAllocate(total) : slotOpen(stored, total);
  const begun = open(slot, total, flags);
  if (begun < 0) return begun;
  const l = loadAt();
  l.stored = <u8>stored;
  l.cursor = crc;
  if (!isFetch) l.received = total;
  return Err.OK;
}

/** Begins to check a stored image where it lies; its result is OK. Refused like openStored(). */
export function sessionVerify(stored: u32): i32 {
  return openStored(stored, LoadFlag.VERIFY);
}

/**
 * Begins to load the app of a stored image, as its boot word says, in the place of task `replaced`, 0: of nobody's. `how`: FETCH, or
 * WINDOW for one whose code is to stay in its slot. Refused like openStored().
 */
export function sessionFetch(stored: u32, replaced: u32, bootWord: u32, how: LoadFlag): i32 {
  const begun = openStored(stored, how);
  if (begun < 0) return begun;
  const l = loadAt();
  runAs(l, bootWord);
  declarerAt().replaced = <u8>replaced;
  return Err.OK;
}

/**
 * Begins to stage a file of `total` bytes, which must have this CRC-32, in a stored slot; the result is the slot. Its bytes
 * are not taken until sessionRelease(). BUSY, HXE_TRUNCATED, FULL.
 */
export function sessionStage(stored: u32, total: u32, crc: u32): i32 {
  const busy = idle();
  if (busy < 0) return busy;
  setProved(stored, false);
  const sound = checkBegin(total);
  const begun = open(
    sound < 0 ? sound : slotOpen(stored, total),
    total,
    LoadFlag.STAGE | LoadFlag.HELD,
  );
  if (begun < 0) return begun;
  const l = loadAt();
  l.stored = <u8>stored;
  l.cursor = crc;
  return Err.OK;
}

/** Nobody needs the slot of the staging any more: what it held goes, and bytes may come. BUSY: call again. IO, ABSENT. */
export function sessionRelease(): i32 {
  const l = loadAt();
  if ((l.flags & LoadFlag.HELD) == 0) return Err.OK; // it was aborted
  const err = isBus(l) ? storedExpect(l.stored, l.total, l.cursor) : storedClear(l.stored);
  if (err >= 0) l.flags &= ~(<u8>LoadFlag.HELD);
  return err;
}

/** Gives a staging up whose slot cannot be had. */
export function sessionRefuse(err: i32): void {
  const l = loadAt();
  if ((l.flags & LoadFlag.HELD) != 0) fail(l, err);
}

/** The header is written: the image is whole once it can be read. */
function sealed(l: Load): i32 {
  const busy = nv_busy();
  if (busy != 0) return busy < 0 ? busy : <i32>Err.OK;
  const length = storedLength(l.stored);
  if (length < 0) return length;
  return <u32>length == l.total && storedCrc() == l.cursor ? leave(l, l.stored) : <i32>Err.IO;
}

// ---- Restart ----

/** Starts a task over from its image, like a load of the same: what it registered and holds is given up first. BUSY, NOT_FOUND. */
export function sessionRestart(pid: u32): i32 {
  const l = loadAt();
  const bank = taskFind(pid);
  if (bank < 0) return refuse(Err.NOT_FOUND, 0, pid, 0);
  if (l.phase != Phase.IDLE) return refuse(Err.BUSY, 0, 0, 0);
  tasksRebind(); // waits that end with what the task had are answered in task memory
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
  l.phase = <u8>Phase.RESERVING;
  return admit(l);
}
function reserveNext(l: Load): i32 {
  const err = reserve(l);
  if (err < 0) return err;
  declare(l, nodeAt().nextPid);
  l.cursor = 0;
  l.phase = <u8>Phase.VALUES;
  return attachTask(l);
}

/** BUSY: the phase goes on; OK or NO_DATA: on to `next`, at once: BUSY. */
function after(l: Load, step: i32, next: Phase): i32 {
  if (step == Err.BUSY) return Err.OK;
  if (step < 0 && step != Err.NO_DATA) return step;
  l.cursor = 0;
  l.phase = <u8>next;
  return Err.BUSY;
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
  if ((l.arrival & Arrival.HOLD) != 0) {
    l.phase = <u8>Phase.PREPARED;
    return Err.OK;
  }
  changeOver(l);
  l.cursor = 0;
  l.phase = <u8>Phase.ADJUSTING;
  return Err.OK;
}

function finish(l: Load): i32 {
  if (adjustNextOrEnd(l) != Err.NO_DATA) return Err.OK;
  taskPrepare(l.bank, (l.flags & LoadFlag.RESTART) == 0);
  l.cursor = 0;
  l.phase = <u8>Phase.FILLING;
  return Err.OK;
}

/** Fills the new task's memory, then starts it. One that the device does not give its rodata faults at once. */
function fill(l: Load): i32 {
  const next = taskFill(l.bank, l.cursor);
  if (next > 0) l.cursor = next;
  if (next > 0 || next == Err.BUSY) return Err.OK;
  const pid = launch(l);
  if (next < 0) taskUnreadable(l.bank);
  close(pid);
  return Err.OK;
}

/** BUSY: nothing was left to do in its phase, and the next step can follow. */
function step(l: Load): i32 {
  switch (<u32>l.phase) {
    case Phase.RECEIVING:
      return receive(l);
    case Phase.ADMITTING:
      return admitNext(l);
    case Phase.RESERVING:
      return reserveNext(l);
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
    case Phase.FILLING:
      return fill(l);
    case Phase.SEALING:
      return sealed(l);
    case Phase.SUMMING:
      return sumUp(l);
    case Phase.KEEPING:
      return keepNext(l);
    default:
      return Err.OK;
  }
}

/** Makes one bounded step of the load or restart under way. */
export function sessionPoll(): void {
  const l = loadAt();
  if (l.phase == Phase.IDLE) return restartDue();
  if (sessionRest() == 0) nodeAt().hasWorked = 1;
  tasksRebind();
  let err = step(l);
  while (err == Err.BUSY) err = step(l);
  if (err < 0 && l.phase != Phase.IDLE) fail(l, err);
  tasksRebind();
  serveReceivers();
}
