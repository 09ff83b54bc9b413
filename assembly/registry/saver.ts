// The saver: brings changed values to the store after their debounce and stored ones to new values, one job at a time.
// Saver, 8 of 16 bytes: the job that is under way; the others are pass.ts's
//  0  key    u16
//  2  value  u16  what is being written
//  4  job    u8   SaverJob
//  5  (3 spare)

import { emit } from "../events";
import { SAVER_BASE } from "../layout";
import { isReference, nodeAt } from "../node";
import {
  storeDebounce,
  storeFind,
  storeRead,
  storeRest,
  storeResult,
  storeState,
  storeWrite,
} from "../persist/pool";
import { CellType, NO_CELL, StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { EventType, NEVER } from "../spec/node";
import { ValueFlag } from "../spec/svc";
import { entryU16, RUN_TIME, VALUE_DEBOUNCE_OFF } from "./entry";
import { passAnnounce, passEnd, passPoll } from "./pass";
import {
  Value,
  ValueBit,
  valueAt,
  valueAwait,
  valueCount,
  valueRemove,
  valueServed,
} from "./value";

/** Ms until a save that failed is tried again. */
const RETRY_MS: u32 = 60000;

enum SaverJob {
  NONE = 0,
  /** looks for the value of a key, for those who wait for it */
  RESTORE = 1,
  /** looks for the value it left the factory with */
  RESTORE_FACTORY = 4,
  /** looks for the cell that a save must supersede */
  LOCATE = 2,
  SAVE = 3,
}


@unmanaged
class Saver {
  key: u16 = 0;
  value: u16 = 0;
  job: u8 = 0;
}
const SAVER_JOB_SIZE: usize = 8;
if (offsetof<Saver>() > SAVER_JOB_SIZE) ERROR("Saver: size");

function saverAt(): Saver {
  return changetype<Saver>(SAVER_BASE);
}

// ---- What is to be kept ----

/** True when a change of this value is to be saved. The reference saves in mode LOAD, too. */
function isSaved(v: Value): bool {
  if ((v.flags & ValueFlag.PERSIST) == 0 || v.key == 0) return false;
  return (v.bits & ValueBit.LOAD_ONLY) == 0 || isReference();
}

function debounceOf(v: Value): u32 {
  const declared = v.slot == RUN_TIME ? entryU16(v.slot, v.entry, VALUE_DEBOUNCE_OFF) : 0;
  return declared != 0 ? declared : storeDebounce();
}

/** Has a value saved when its debounce is over, counted from the first change. */
export function markDirty(v: Value): void {
  if (!isSaved(v) || (v.bits & ValueBit.DIRTY) != 0) return;
  valueAwait(v, ValueBit.DIRTY);
  v.timer = <u16>debounceOf(v);
}

/** Has a value saved at once, whatever its debounce and mode. INVALID: it has no key. */
export function saveNow(v: Value): i32 {
  if (v.key == 0) return Err.INVALID;
  valueAwait(v, ValueBit.DIRTY);
  v.timer = 0;
  return Err.OK;
}

/** True while a value of task `pid`, 0: of any, waits for what the store holds of it. */
export function isRestoring(pid: u32): bool {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if ((v.bits & ValueBit.RESTORE) != 0 && (pid == 0 || v.owner == pid)) return true;
  }
  return false;
}

// ---- Restoring ----

/** Gives what was found to every value that waits for this key. Unreadable: init holds and the value is STALE. */
function deliver(key: u32, cell: i32, isFactory: bool): void {
  const value = cell < 0 ? cell : storeRead(cell);
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key != key || (v.bits & ValueBit.RESTORE) == 0) continue;
    valueServed(v, ValueBit.RESTORE);
    if (cell >= 0 && !isFactory) v.cell = <u16>cell;
    if (value >= 0) v.value = <u16>value;
    if (value >= 0 || value == Err.NOT_FOUND) continue;
    v.bits |= <u8>ValueBit.STALE;
    emit(EventType.VALUE_STALE, v.owner, v.oid, key);
  }
}

// ---- Saving ----

/** True when a value of a task has what was written: then what ghosts of the key hold is older. */
function isNewest(key: u32, value: u32): bool {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    const counts = (v.bits & (ValueBit.ALIAS | ValueBit.GHOST)) == 0;
    if (counts && v.key == key && (v.bits & ValueBit.DIRTY) != 0 && v.value == value) return true;
  }
  return false;
}

/** Tells every value of the key where it lies now, and those that hold what was written that they are saved. */
function complete(key: u32, value: u32, cell: u32): void {
  const outdates = isNewest(key, value);
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    if (v.key != key || (v.bits & ValueBit.ALIAS) != 0) continue;
    v.cell = <u16>cell;
    const isGhost = (v.bits & ValueBit.GHOST) != 0;
    const isSaved = (v.bits & ValueBit.DIRTY) != 0 && v.value == value;
    if (isSaved) {
      valueServed(v, ValueBit.DIRTY);
      v.bits &= ~(<u8>ValueBit.STALE);
      emit(EventType.VALUE_SAVED, v.owner, v.oid, key | (value << 16));
    }
    if (isGhost && (isSaved || outdates)) valueRemove(i - 1);
  }
}

/** A save failed: tell, and try again later. */
function postpone(key: u32, err: i32): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key != key || (v.bits & ValueBit.DIRTY) == 0) continue;
    v.timer = <u16>RETRY_MS;
    emit(EventType.SAVE_FAILED, v.owner, v.oid, -err);
  }
}

/** Starts to write a key over the version in `cell`. */
function write(key: u32, value: u32, cell: u32): void {
  const s = saverAt();
  s.key = <u16>key;
  s.value = <u16>value;
  s.job = <u8>SaverJob.SAVE;
  const err = storeWrite(CellType.VALUE, key, value, cell);
  if (err >= 0) return;
  memory.fill(SAVER_BASE, 0, SAVER_JOB_SIZE);
  if (err != Err.BUSY) postpone(key, err);
}

/** Starts to look for a key. One the store cannot have is answered at once: nothing is stored, nothing can be. */
function find(job: u32, v: Value): void {
  const err = storeFind(CellType.VALUE, v.key);
  if (err == Err.INVALID && job == SaverJob.RESTORE) deliver(v.key, Err.NOT_FOUND, false);
  else if (err < 0 && err != Err.BUSY) postpone(v.key, err);
  if (err < 0) return;
  const s = saverAt();
  s.key = v.key;
  s.value = v.value;
  s.job = <u8>job;
}

/** A key without a value of its own may have left the factory with one. */
function findFactory(key: u32): void {
  if (storeFind(CellType.FACTORY, key) < 0) return deliver(key, Err.NOT_FOUND, true);
  const s = saverAt();
  s.key = <u16>key;
  s.job = <u8>SaverJob.RESTORE_FACTORY;
}

/** Takes the result of the job that has finished. */
function conclude(result: i32): void {
  const s = saverAt();
  const job: u32 = s.job;
  const key: u32 = s.key;
  const value: u32 = s.value;
  memory.fill(SAVER_BASE, 0, SAVER_JOB_SIZE);
  if (job == SaverJob.RESTORE && result == Err.NOT_FOUND) return findFactory(key);
  if (job == SaverJob.RESTORE || job == SaverJob.RESTORE_FACTORY)
    return deliver(key, result, job == SaverJob.RESTORE_FACTORY);
  if (job == SaverJob.LOCATE) return write(key, value, result < 0 ? NO_CELL : result);
  if (result < 0) postpone(key, result);
  else complete(key, value, result);
}

/** The value to serve next: one that waits to be restored, else one whose debounce is over; -1: none. */
function due(elapsed: u32): i32 {
  let first: i32 = -1;
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    if ((v.bits & ValueBit.DIRTY) != 0)
      v.timer = <u16>(<u32>v.timer > elapsed ? <u32>v.timer - elapsed : 0);
    const saves = (v.bits & ValueBit.DIRTY) != 0 && v.timer == 0;
    const isFirst = first < 0 || (valueAt(first).bits & ValueBit.RESTORE) == 0;
    if ((v.bits & ValueBit.RESTORE) != 0 || (saves && isFirst)) first = <i32>(i - 1);
  }
  return first;
}

/** The store was formatted or reset: no cell holds what it held. */
function forgetCells(): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) valueAt(i).cell = <u16>NO_CELL;
  passAnnounce();
}

/** One step of saving and restoring, after `elapsed` ms. */
export function saverPoll(elapsed: u32): void {
  const s = saverAt();
  const result = storeResult(); // of a format or reset nobody waits for, too: their outcome is the store's state
  if (s.job != SaverJob.NONE && result != Err.BUSY) conclude(result);
  else if (result >= 0) forgetCells();
  if (nodeAt().waiting == 0) return passEnd();
  const index = due(elapsed);
  if (index < 0 || s.job != SaverJob.NONE || storeState() != StoreState.READY) return;
  const v = valueAt(index);
  if ((v.bits & ValueBit.RESTORE) != 0) {
    if (!passPoll()) find(SaverJob.RESTORE, v);
    return;
  }
  if (v.cell == NO_CELL) find(SaverJob.LOCATE, v);
  else write(v.key, v.value, v.cell);
  if (s.job != SaverJob.NONE) v.timer = <u16>debounceOf(v); // of a change from now on
}

/** The store will not be READY: `init` holds for all that wait to be restored, and what only waited to be saved goes. */
export function abandonStore(): void {
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    valueServed(v, ValueBit.RESTORE);
    if ((v.bits & ValueBit.GHOST) != 0) valueRemove(i - 1);
  }
}

/** Ms until something is to be saved or restored; NEVER: nothing waits, or nothing can be done. */
export function saverRest(): u32 {
  if (saverAt().job != SaverJob.NONE) return storeRest() == NEVER ? 0 : storeRest();
  if (nodeAt().waiting == 0 || storeState() != StoreState.READY) return NEVER;
  let rest: u32 = NEVER;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if ((v.bits & ValueBit.RESTORE) != 0) return 0;
    if ((v.bits & ValueBit.DIRTY) != 0 && <u32>v.timer < rest) rest = v.timer;
  }
  return rest;
}
