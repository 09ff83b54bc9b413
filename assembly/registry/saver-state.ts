// The saver's state: the job under way, how far the restore pass has come, and the app in trial, whose changes are kept apart.
// Saver, 24 bytes
//  0  key      u16  of the job
//  2  value    u16  what is being written
//  4  meaning  u16  of what is being written
//  6  cell     u16  of the version it supersedes
//  8  old      u16  cell of the key's MEANING
// 10  cursor   u16  cell that the pass, or the search for shadows, has reached
// 12  job      u8   SaverJob
// 13  phase    u8   Phase of the restore pass
// 14  type     u8   CellType of the job
// 15  notes    u8   JobNote
// From here on what outlives a job.
// 16  refill   u32  ms until each key may be saved once more
// 20  trial    u8   pid of the app that is or last was in trial; 0: none
// 21  mode     u8   TrialMode
// 22  flags    u8   SaverFlag
// 23  (1 spare)

import { SAVER_BASE, SAVER_SIZE } from "../layout";
import { isReference } from "../node";
import { storeDebounce, storeIsWorn, storePace } from "../persist/pool";
import { CellType, NO_CELL } from "../spec/cell";
import { Err } from "../spec/errors";
import { ValueFlag } from "../spec/svc";
import { entryU16, RUN_TIME, VALUE_DEBOUNCE_OFF } from "./entry";
import { Value, ValueBit, valueAt, valueAwait, valueCount, valueServed } from "./value";

/** What becomes of shadows, the changes of an app in trial. */
export enum TrialMode {
  /** they are not looked at */
  NONE = 0,
  /** the app saves to them, and starts from them */
  ON = 1,
  /** they become values; until then they count before values */
  MERGING = 2,
  /** they are killed */
  DROPPING = 3,
}

/** The steps of a save, in order, and what the restore pass asks of the store. */
export enum SaverJob {
  NONE = 0,
  FIND = 1,
  FIND_MEANING = 2,
  /** of a value whose meaning is about to change, or whose shadow holds what is being written */
  KILL_VALUE = 3,
  WRITE_MEANING = 4,
  WRITE = 5,
  FIND_SHADOW = 6,
  KILL_SHADOW = 7,
  /** the pass looks for a key by itself */
  ASK = 8,
}

export enum JobNote {
  /** what is written is older than what a task has */
  GHOST = 1,
  /** MEANING is to be written */
  MEANS = 2,
  /** the key's VALUE goes before: it is of another meaning, or a shadow stands in for it */
  CLEARS = 16,
  /** a shadow could not be merged in this search */
  STUCK = 4,
  /** one could */
  MERGED = 8,
}

export enum SaverFlag {
  /** power is failing: save at once, most important values first */
  RUSH = 1,
  /** the cells are being searched for shadows */
  SEARCH = 2,
  /** a key has used some of its saves */
  OWING = 4,
  /** a search has put right what a power cut left */
  SOUGHT = 8,
  /** that the medium is worn was told */
  WORN = 16,
  /** the last save failed */
  FAILED = 32,
}


@unmanaged
export class Saver {
  key: u16 = 0;
  value: u16 = 0;
  meaning: u16 = 0;
  cell: u16 = 0;
  old: u16 = 0;
  cursor: u16 = 0;
  job: u8 = 0;
  phase: u8 = 0;
  type: u8 = 0;
  notes: u8 = 0;
  refill: u32 = 0;
  trial: u8 = 0;
  mode: u8 = 0;
  flags: u8 = 0;
  spare: u8 = 0;
}
if (offsetof<Saver>("refill") != 16) ERROR("Saver.refill: offset");
if (offsetof<Saver>() != SAVER_SIZE) ERROR("Saver: size");

/** The one Saver. */
export function saverAt(): Saver {
  return changetype<Saver>(SAVER_BASE);
}

/** Forgets the last job. */
export function clearJob(): void {
  memory.fill(SAVER_BASE, 0, offsetof<Saver>("refill"));
}

// ---- Trial ----

/** True for a value of the app in trial: it is saved as SHADOW. */
export function isShadowed(v: Value): bool {
  const s = saverAt();
  return s.mode == TrialMode.ON && v.owner == s.trial;
}
/** Type of the cell a value is saved in. */
export function targetOf(v: Value): u32 {
  return isShadowed(v) ? CellType.SHADOW : CellType.VALUE;
}
/** True for a value of an app that is or was in trial and was not confirmed: nobody else takes it over. */
export function isTried(v: Value): bool {
  const s = saverAt();
  return s.trial != 0 && v.owner == s.trial;
}

// ---- What is to be kept ----

/** True when a change of this value is to be saved. The reference saves in mode LOAD, too. */
function isSaved(v: Value): bool {
  if ((v.flags & ValueFlag.PERSIST) == 0 || v.key == 0) return false;
  if (isTried(v) && !isShadowed(v)) return false;
  return (v.bits & ValueBit.LOAD_ONLY) == 0 || isReference();
}

/** Ms a value rests before it is saved. */
export function debounceOf(v: Value): u32 {
  const declared = v.slot == RUN_TIME ? entryU16(v.slot, v.entry, VALUE_DEBOUNCE_OFF) : 0;
  return declared != 0 ? declared : storeDebounce();
}

/** Has a value saved when its debounce is over, counted from the first change. It waits for nothing stored any more. */
export function markDirty(v: Value): void {
  if ((v.bits & ValueBit.RESTORE) != 0) {
    valueServed(v, ValueBit.RESTORE);
    v.cell = <u16>NO_CELL;
  }
  if (!isSaved(v) || (v.bits & ValueBit.DIRTY) != 0) return;
  valueAwait(v, ValueBit.DIRTY);
  v.timer = <u16>debounceOf(v);
}

/** Has a value saved at once, whatever its debounce and mode. INVALID: it has no key. WORN: the medium has borne what it may. */
export function saveNow(v: Value): i32 {
  if (v.key == 0) return Err.INVALID;
  if (storeIsWorn()) return Err.WORN;
  valueAwait(v, ValueBit.DIRTY);
  v.timer = 0;
  return Err.OK;
}

/** No value knows its cell any more, and who waits for what is stored is served anew. */
export function forgetCells(): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) valueAt(i).cell = <u16>NO_CELL;
  passAnnounce();
}

// ---- How often ----

/** Saves a key may make in a row before the medium's pace holds for it. */
export const BURST: u32 = 16;

/** Counts a save of a value, where the medium wears. */
export function spend(v: Value): void {
  const s = saverAt();
  const pace = storePace();
  if (pace == 0) return;
  if ((s.flags & SaverFlag.OWING) == 0) s.refill = pace;
  s.flags |= <u8>SaverFlag.OWING;
  if (v.debt < <u8>BURST) v.debt += 1;
}

/** Gives every key one save back when its time has come. */
export function refill(s: Saver, elapsed: u32): void {
  if ((s.flags & SaverFlag.OWING) == 0) return;
  if (s.refill > elapsed) {
    s.refill -= elapsed;
    return;
  }
  s.refill = storePace();
  s.flags &= ~(<u8>SaverFlag.OWING);
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    const debt: u32 = v.debt < <u8>BURST ? v.debt : BURST;
    if (debt == 0) continue;
    v.debt = <u8>(debt - 1);
    if (debt > 1) s.flags |= <u8>SaverFlag.OWING;
  }
}

// ---- The restore pass ----

export enum Phase {
  NONE = 0,
  /** a value began to wait since the last poll; others may be about to */
  ANNOUNCED = 1,
  DUE = 2,
  UNDER_WAY = 3,
  /** all cells were read */
  READ = 4,
}

/** A value began to wait: a pass begins, also when one is under way. */
export function passAnnounce(): void {
  saverAt().phase = <u8>Phase.ANNOUNCED;
}
