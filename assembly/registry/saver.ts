// The saver: brings changed values to the store when their debounce is over, stored ones to new values, and shadows to their
// end; one job at a time.

import { emit } from "../events";
import { nodeAt } from "../node";
import {
  storeCountDue,
  storeCounted,
  storeDelete,
  storeFind,
  storeForgetShadow,
  storeHasRoom,
  storeHasShadow,
  storeIsWorn,
  storeNext,
  storeRead,
  storeRefusal,
  storeRest,
  storeResult,
  storeSeenKey,
  storeSeenType,
  storeSeenValue,
  storeState,
  storeWear,
  storeWrite,
} from "../persist/pool";
import { wordsHoldStore } from "../persist/words";
import { CellType, MEANING_UNKNOWN, NO_CELL, StoreState, WEAR_KEY } from "../spec/cell";
import { Err } from "../spec/errors";
import { EventType, NEVER } from "../spec/node";
import { ValueFlag } from "../spec/svc";
import { passAnswer, passPoll, settle } from "./pass";
import {
  BURST,
  clearJob,
  debounceOf,
  forgetCells,
  JobNote,
  refill,
  Saver,
  saverAt,
  SaverFlag,
  SaverJob,
  spend,
  targetOf,
  TrialMode,
} from "./saver-state";
import {
  meaningOf,
  Value,
  ValueBit,
  valueAt,
  valueCount,
  valueFindKey,
  valueRemove,
  valueServed,
} from "./value";

/** Ms until a save that failed is tried again. */
const RETRY_MS: u32 = 60000;
/** Cells looked at for shadows in one poll. */
const CELLS_A_POLL: u32 = 4;
/** Rank of a value that is to be saved, and how much more its flag STICKY counts than any level. */
const RANK_SAVE: u32 = 2;
const STICKY_SHIFT: u32 = 6;

/** True while a value of task `pid`, 0: of any, waits for what the store holds of it. */
export function isRestoring(pid: u32): bool {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if ((v.bits & ValueBit.RESTORE) != 0 && (pid == 0 || v.owner == pid)) return true;
  }
  return false;
}

// ---- A save, step by step ----

/** Tells every value of the key that holds what was written that it is saved; others must look for the cell again. */
function complete(s: Saver, cell: u32): void {
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    if (v.key != s.key || (v.bits & ValueBit.ALIAS) != 0 || targetOf(v) != <u32>s.type) continue;
    const isDirty = (v.bits & ValueBit.DIRTY) != 0;
    const isSaved = isDirty && v.value == s.value && meaningOf(v) == <u32>s.meaning;
    if (isSaved) {
      if (v.cell != <u16>cell) spend(v);
      valueServed(v, ValueBit.DIRTY);
      v.bits &= ~(<u8>ValueBit.STALE);
      emit(EventType.VALUE_SAVED, v.owner, v.oid, (<u32>s.key) | ((<u32>s.value) << 16));
    }
    v.cell = <u16>(isSaved ? cell : NO_CELL);
    const isOutdated = isSaved || (s.notes & JobNote.GHOST) == 0;
    if ((v.bits & ValueBit.GHOST) != 0 && isOutdated) valueRemove(i - 1);
  }
}

/** A step failed: tell, and try again later. */
function postpone(s: Saver, err: i32): void {
  s.job = <u8>SaverJob.NONE;
  s.notes |= <u8>JobNote.STUCK;
  s.flags |= <u8>SaverFlag.FAILED;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key != s.key || (v.bits & ValueBit.DIRTY) == 0) continue;
    v.timer = <u16>RETRY_MS;
    emit(EventType.SAVE_FAILED, v.owner, v.oid, -err);
  }
}

/** Starts the step that is due, or the next one that has something to do. Negative: it cannot begin. */
function begin(s: Saver): i32 {
  for (; s.job <= <u8>SaverJob.KILL_SHADOW; s.job += 1) {
    const cell: u32 = s.cell;
    switch (<u32>s.job) {
      case SaverJob.FIND:
        return storeFind(s.type, s.key);
      case SaverJob.FIND_MEANING:
        if (s.meaning == 0 || s.type == CellType.SHADOW) break;
        return storeFind(CellType.MEANING, s.key);
      case SaverJob.KILL_VALUE:
        if (cell == NO_CELL || (s.notes & JobNote.CLEARS) == 0) break;
        s.cell = <u16>NO_CELL;
        return storeDelete(CellType.VALUE, s.key, cell);
      case SaverJob.WRITE_MEANING:
        if ((s.notes & JobNote.MEANS) == 0) break;
        return storeWrite(CellType.MEANING, s.key, s.meaning, s.old);
      case SaverJob.WRITE:
        return storeWrite(s.type, s.key, s.value, cell);
      case SaverJob.FIND_SHADOW:
        s.cell = <u16>NO_CELL;
        if (s.mode != TrialMode.MERGING || s.type == CellType.SYSTEM) break;
        return storeFind(CellType.SHADOW, s.key);
      case SaverJob.KILL_SHADOW:
        if (cell == NO_CELL) break;
        return storeDelete(CellType.SHADOW, s.key, cell);
    }
  }
  s.job = <u8>SaverJob.NONE;
  s.notes |= <u8>JobNote.MERGED;
  return Err.OK;
}
function proceed(s: Saver): void {
  const err = begin(s);
  if (err == Err.BUSY) s.job = <u8>SaverJob.NONE;
  else if (err < 0) postpone(s, err);
}

/** What the key's MEANING says; it is to be written when it differs, a first one only while there is room. */
function compare(s: Saver, cell: i32): void {
  s.old = <u16>(cell < 0 ? NO_CELL : cell);
  const known: u32 = cell < 0 ? MEANING_UNKNOWN : storeRead(cell);
  if (known == <u32>s.meaning || (cell < 0 && !storeHasRoom())) return;
  s.notes |= <u8>(known == MEANING_UNKNOWN ? JobNote.MEANS : JobNote.MEANS | JobNote.CLEARS);
}

/** Takes the result of the step that has finished. */
function conclude(s: Saver, result: i32): void {
  const job: u32 = s.job;
  if (job == SaverJob.ASK) {
    s.job = <u8>SaverJob.NONE;
    return passAnswer(s, result);
  }
  if (s.type == CellType.SYSTEM) storeCounted();
  if (job == SaverJob.FIND || job == SaverJob.FIND_SHADOW)
    s.cell = <u16>(result < 0 ? NO_CELL : result);
  else if (job == SaverJob.FIND_MEANING) compare(s, result);
  else if (result < 0) return postpone(s, result);
  else if (job == SaverJob.WRITE) complete(s, result);
  s.job += 1;
  proceed(s);
}

function start(s: Saver, job: u32, key: u32, value: u32, type: u32): void {
  s.job = <u8>job;
  s.key = <u16>key;
  s.value = <u16>value;
  s.type = <u8>type;
  s.notes &= ~(<u8>(JobNote.MEANS | JobNote.GHOST | JobNote.CLEARS));
}

/** The medium has borne what it may: the value stays in memory, but nobody's goes. Told once. */
function refuseWorn(s: Saver, index: usize): void {
  if ((s.flags & SaverFlag.WORN) == 0) emit(EventType.WORN, 0, 0, storeWear());
  s.flags |= <u8>SaverFlag.WORN;
  const v = valueAt(index);
  s.key = v.key;
  postpone(s, Err.WORN);
  if ((v.bits & ValueBit.GHOST) != 0) valueRemove(index);
}

/** Saves how often the medium was used. */
function saveCount(s: Saver, rounds: u32): void {
  start(s, SaverJob.FIND, WEAR_KEY, rounds, CellType.SYSTEM);
  s.meaning = 0;
  proceed(s);
}

/** Saves a value. One that knows its cell has one of the right meaning there. */
function save(s: Saver, v: Value): void {
  start(s, v.cell == <u16>NO_CELL ? SaverJob.FIND : SaverJob.WRITE, v.key, v.value, targetOf(v));
  s.cell = v.cell;
  s.meaning = <u16>meaningOf(v);
  if ((v.bits & ValueBit.GHOST) != 0) s.notes |= <u8>JobNote.GHOST;
  v.timer = <u16>debounceOf(v); // of a change from now on
  proceed(s);
}

/**
 * Begins to save a number under a key, like that of a value of this meaning, 0: of none. BUSY: call again at the next poll. WORN, and
 * why there is no store.
 */
export function saverPut(key: u32, value: u32, meaning: u32): i32 {
  const s = saverAt();
  if (storeState() != StoreState.READY) return storeRefusal();
  if (storeIsWorn()) return Err.WORN;
  if (s.job != SaverJob.NONE || (s.flags & SaverFlag.SEARCH) != 0) return Err.BUSY;
  start(s, SaverJob.FIND, key, value, CellType.VALUE);
  s.meaning = <u16>meaning;
  s.flags &= ~(<u8>SaverFlag.FAILED);
  proceed(s);
  if (s.job != SaverJob.NONE) return Err.OK;
  return (s.flags & SaverFlag.FAILED) != 0 ? <i32>Err.IO : <i32>Err.BUSY;
}
/** What became of it. BUSY; OK: it is saved; IO: it could not be. */
export function saverOutcome(): i32 {
  const s = saverAt();
  if (s.job != SaverJob.NONE) return Err.BUSY;
  return (s.flags & SaverFlag.FAILED) != 0 ? <i32>Err.IO : <i32>Err.OK;
}

// ---- Shadows ----

/** All cells were looked at. */
function endSearch(s: Saver): void {
  const isStuck = (s.notes & JobNote.STUCK) != 0;
  const isWorthwhile = (s.notes & JobNote.MERGED) != 0; // what was merged has made room
  s.cursor = 0;
  s.notes &= ~(<u8>(JobNote.STUCK | JobNote.MERGED));
  if (isStuck && isWorthwhile) return;
  s.flags &= ~(<u8>SaverFlag.SEARCH);
  if (isStuck) return;
  s.mode = <u8>TrialMode.NONE;
  storeForgetShadow();
}

/** Merges or kills the next shadow. Its value gets the meaning that a loaded app declares; else nobody knows it. */
function search(s: Saver): void {
  nodeAt().hasWorked = 1;
  if (!storeHasShadow()) return endSearch(s);
  for (let n: u32 = 0; n < CELLS_A_POLL; n++) {
    const cell = storeNext(s.cursor);
    if (cell == Err.BUSY) return;
    if (cell < 0) return endSearch(s);
    s.cursor = <u16>(cell + 1);
    if (storeSeenType() != CellType.SHADOW) continue;
    const key = storeSeenKey();
    const isMerged = s.mode == TrialMode.MERGING;
    start(
      s,
      isMerged ? SaverJob.FIND : SaverJob.KILL_SHADOW,
      key,
      storeSeenValue(),
      CellType.VALUE,
    );
    s.notes |= <u8>(JobNote.GHOST | JobNote.CLEARS);
    s.cell = <u16>cell;
    const index = valueFindKey(key);
    s.meaning = <u16>(index < 0 ? MEANING_UNKNOWN : meaningOf(valueAt(index)));
    return proceed(s);
  }
}

// ---- What is next ----

/** True when a key has had its burst; told once. */
function isHeld(s: Saver, v: Value): bool {
  if (v.debt < <u8>BURST || (s.flags & SaverFlag.RUSH) != 0) return false;
  if (v.debt == <u8>BURST) emit(EventType.SAVE_HELD, v.owner, v.oid, s.refill);
  v.debt = <u8>(BURST + 1);
  return true;
}

/** How urgent a value is; 0: not at all. What waits to be restored comes first, unless power is failing. */
function rankOf(s: Saver, v: Value): u32 {
  const isRush = (s.flags & SaverFlag.RUSH) != 0;
  if ((v.bits & ValueBit.RESTORE) != 0) return isRush ? 1 : RANK_SAVE + 1;
  if ((v.bits & (ValueBit.DIRTY | ValueBit.PENDING)) != <u32>ValueBit.DIRTY || v.timer != 0)
    return 0;
  if (isHeld(s, v)) return 0;
  return isRush
    ? RANK_SAVE + v.auth + (((<u32>v.flags) & ValueFlag.STICKY) << STICKY_SHIFT)
    : RANK_SAVE;
}

/** The value to serve next, the first of the most urgent; -1: none. */
function due(s: Saver, elapsed: u32): i32 {
  let first: i32 = -1;
  let most: u32 = 1;
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    if ((v.bits & (ValueBit.DIRTY | ValueBit.RESTORE)) == 0) continue;
    if ((v.bits & ValueBit.DIRTY) != 0)
      v.timer = <u16>(<u32>v.timer > elapsed ? <u32>v.timer - elapsed : 0);
    const rank = rankOf(s, v);
    if (rank < most) continue;
    most = rank;
    first = <i32>(i - 1);
  }
  return first;
}

/** One step of saving and restoring, after `elapsed` ms. */
export function saverPoll(elapsed: u32): void {
  const s = saverAt();
  const result = wordsHoldStore() ? <i32>Err.BUSY : storeResult(); // of a format or reset nobody waits for, too: their outcome is the store's state
  if (s.job != SaverJob.NONE && result != Err.BUSY) conclude(s, result);
  else if (result >= 0) forgetCells();
  refill(s, elapsed);
  const node = nodeAt();
  const isIdle = s.job == SaverJob.NONE;
  const index: i32 = node.waiting == 0 || (elapsed == 0 && !isIdle) ? -1 : due(s, elapsed);
  if (!isIdle || storeState() != StoreState.READY) return;
  if ((s.flags & SaverFlag.SEARCH) != 0) return search(s);
  const rounds = (s.flags & SaverFlag.RUSH) != 0 ? 0 : storeCountDue();
  if (rounds != 0) return saveCount(s, rounds);
  if (node.waiting == 0) clearJob();
  if (index < 0) return;
  const v = valueAt(index);
  if ((v.bits & ValueBit.RESTORE) != 0) return passPoll(s, v);
  node.hasWorked = 1;
  if (storeIsWorn()) refuseWorn(s, index);
  else save(s, v);
}

/** The store will not be READY: `init` holds for all that wait to be restored, and what only waited to be saved goes. */
export function abandonStore(): void {
  const s = saverAt();
  if (s.mode != TrialMode.ON) s.mode = <u8>TrialMode.NONE;
  s.flags &= ~(<u8>SaverFlag.SEARCH);
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    if ((v.bits & ValueBit.RESTORE) != 0) settle(v);
    if ((v.bits & ValueBit.GHOST) != 0) valueRemove(i - 1);
  }
}

/** The store is about to be emptied: what waits to be saved goes, and only what changes from now on is saved. */
export function saverForget(): void {
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    valueServed(v, ValueBit.DIRTY);
    if ((v.bits & ValueBit.GHOST) != 0) valueRemove(i - 1);
  }
}

/** Ms until something is to be saved or restored; NEVER: nothing waits, or nothing can be done. */
export function saverRest(): u32 {
  const s = saverAt();
  if (s.job != SaverJob.NONE) return storeRest() == NEVER ? 0 : storeRest();
  if (storeState() != StoreState.READY) return NEVER;
  if ((s.flags & SaverFlag.SEARCH) != 0 || storeCountDue() != 0) return 0;
  let rest: u32 = NEVER;
  if (nodeAt().waiting == 0) return NEVER;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if ((v.bits & ValueBit.RESTORE) != 0) return 0;
    const left: u32 = v.timer == 0 && v.debt >= <u8>BURST ? s.refill : v.timer;
    if ((v.bits & ValueBit.DIRTY) != 0 && left < rest) rest = left;
  }
  return rest;
}

/** Power is failing: what is to be saved is saved at once, the most important first. BUSY: call again. OK: no more can be done. */
export function saverRush(): i32 {
  const s = saverAt();
  const isNew = (s.flags & SaverFlag.RUSH) == 0;
  let isUnsaved = s.job != SaverJob.NONE;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if ((v.bits & (ValueBit.DIRTY | ValueBit.PENDING)) != <u32>ValueBit.DIRTY) continue;
    if (isNew) v.timer = 0;
    if (v.timer == 0) isUnsaved = true;
  }
  const isOn = isUnsaved && storeState() == StoreState.READY;
  s.flags = <u8>(isOn ? s.flags | SaverFlag.RUSH : s.flags & ~SaverFlag.RUSH);
  return isOn ? Err.BUSY : Err.OK;
}
