// Finds the cell of a key among the live ones. What a power cut left is put right before anything is told: two
// versions become one, and what was only half written can never come true later.

import { CellType, NO_CELL, SUPER_COPIES, SUPER_MARKER } from "../spec/cell";
import { Err } from "../spec/errors";
import { commitCell } from "./commit";
import { endMarker, Kind, kindOf, mark, spoil } from "./medium";
import {
  cellGeneration,
  cellKey,
  cellMarker,
  cellValue,
  isCellType,
  isSuperblock,
  typeOf,
  typeSealedFor,
} from "./record";
import {
  finish,
  freeCell,
  goToCell,
  goToSuperblock,
  isTaken,
  Job,
  nextTaken,
  Pair,
  SEEN,
  Step,
  Store,
  takeCell,
} from "./store";

/** Attempts to change a record before the device counts as failed. */
const CHANGES_MAX: u32 = 3;
/** Live versions of which the youngest is committed once more; beyond, cells run short. */
const RENEWED_MAX: u32 = 3;

/** True when generation a is younger than b; they are never more than a few apart. */
function isNewer(a: u32, b: u32): bool {
  return <i8>(a - b) > 0;
}
function isFound(s: Store): bool {
  return s.best != <u16>NO_CELL;
}

// ---- First pass: live cells ----

export function beginFind(s: Store): void {
  s.best = <u16>NO_CELL;
  s.old = <u16>NO_CELL;
  s.versions = 0;
  s.isStale = 0;
  s.cursor = 0;
  lookOn(s);
}
function lookOn(s: Store): void {
  const cell = nextTaken(s, s.cursor);
  s.cursor = <u16>cell;
  if (cell < s.cells) goToCell(s, Step.LOOK, cell);
  else endLook(s);
}

/** True when the cell in SEEN is a live version of the key. */
function isVersion(s: Store, cell: u32): bool {
  if (cellMarker(SEEN) != s.type || cellKey(SEEN) != s.key) return false;
  return kindOf(s, cell) == Kind.LIVE;
}
export function look(s: Store): i32 {
  const cell: u32 = s.cursor;
  if (!isCellType(cellMarker(SEEN)))
    s.unfinished += 1; // it was live at mount
  else if (isVersion(s, cell)) {
    const generation = cellGeneration(SEEN);
    s.versions += 1;
    if (!isFound(s) || isNewer(generation, s.generation)) {
      s.best = <u16>cell;
      s.generation = <u8>generation;
    }
  }
  s.cursor = <u16>(cell + 1);
  lookOn(s);
  return Err.OK;
}

function endLook(s: Store): void {
  s.tries = 0;
  if (s.versions > 1 && s.versions <= RENEWED_MAX) goToCell(s, Step.RENEW, s.best);
  else if (s.versions > 1 || (s.damaged | s.unfinished | s.pair) != 0) beginSweep(s);
  else tell(s);
}

/** M2: the value of a cell is committed once more; its first commit may have been cut short. */
export function renew(s: Store): i32 {
  s.value = <u16>cellValue(SEEN);
  s.generation = <u8>(cellGeneration(SEEN) + 1);
  if (commitCell(s) >= 0) return Err.OK;
  if (isFound(s)) beginSweep(s);
  else finish(s, Err.CORRUPT);
  return Err.OK;
}
/** The renewed cell is on the medium: it outlives the versions it was made from. */
export function adoptRenewed(s: Store): void {
  s.best = s.cell;
  beginSweep(s);
}

// ---- Second pass, only when something is amiss: all records but the best ----

/** Begins to look at every record but the best, and to count anew what is amiss. */
export function beginSweep(s: Store): void {
  s.tries = 0;
  s.cursor = 0;
  s.damaged = 0;
  s.unfinished = 0;
  if (s.pair == Pair.NONE) goToCell(s, Step.SWEEP, 0);
  else goToSuperblock(s, Step.REPAIR, s.pair == Pair.OLDER ? s.copy : 1 - s.copy);
}

/** Ends what a cut reset left of the superblocks. Only one must ever read as sound. */
export function repair(s: Store): i32 {
  if (s.pair == Pair.OLDER && s.tries == 0) {
    s.tries = 1;
    return mark(s, SUPER_MARKER); // its marker may have been the byte that was cut
  }
  if (s.pair == Pair.OLDER && !isSuperblock(SEEN)) return Err.IO;
  const isYounger = s.pair == Pair.YOUNGER;
  s.pair = <u8>Pair.NONE;
  const err = isYounger ? spoil(s) : killSuperblock(s, SUPER_COPIES - 1 - s.copy);
  beginSweep(s);
  return err;
}
/** Starts killing a superblock. */
export function killSuperblock(s: Store, copy: u32): i32 {
  goToSuperblock(s, s.step, copy);
  return mark(s, CellType.DEAD);
}

/** A cell that counted as live may be taken again. */
function release(s: Store, cell: u32): void {
  if (s.tries != 0 || !isTaken(cell)) return;
  s.live -= 1;
  freeCell(s, cell);
}
/**
 * A version whose marker is right but for one bit stands in for a key that has no other. A SHADOW does not: its end must
 * not be undone after its value was merged or dropped.
 */
function sweepNearly(s: Store, cell: u32): i32 {
  s.unfinished += 1;
  const isShadow = popcnt(cellMarker(SEEN) ^ CellType.SHADOW) == 1;
  const isOurs = cellKey(SEEN) == s.key && popcnt(cellMarker(SEEN) ^ s.type) == 1;
  if (!isShadow && !isOurs) return 1;
  if (isShadow || isFound(s)) {
    release(s, cell);
    s.unfinished -= 1;
    return spoil(s);
  }
  const generation = cellGeneration(SEEN);
  if (s.old == <u16>NO_CELL || isNewer(generation, s.generation)) {
    s.old = <u16>cell;
    s.generation = <u8>generation;
  }
  return 1;
}
/** A damaged cell may have held our key, even when the damage is in the key. It goes when the key is saved again. */
function sweepDamaged(s: Store, cell: u32): i32 {
  const isOurs = cellKey(SEEN) == s.key || typeSealedFor(SEEN, s.key, cell, s.epoch) == s.type;
  if (isOurs && cellMarker(SEEN) == s.type) {
    s.isStale = 1;
    if (s.job == Job.WRITE) return mark(s, endMarker(s, 0));
  }
  s.damaged += 1;
  return 1;
}
/** True for an earlier version of a key that is being deleted: nothing younger will outdo it any more. */
function isRemains(s: Store, cell: u32): bool {
  if (s.job != Job.DELETE || cellKey(SEEN) != s.key) return false;
  return typeOf(SEEN, cell, s.epoch) == s.type;
}
/** Looks at the cell in SEEN. Positive: it may stay as it is. OK: it is being changed. */
function sweepCell(s: Store, cell: u32): i32 {
  const kind = kindOf(s, cell);
  if (kind == Kind.FREE) return isRemains(s, cell) ? spoil(s) : 1;
  if (kind == Kind.DAMAGED) return sweepDamaged(s, cell);
  if (kind == Kind.NEARLY) return sweepNearly(s, cell);
  if (kind == Kind.LIVE && isTaken(cell)) {
    if (!isVersion(s, cell)) return 1;
    release(s, cell);
    return mark(s, endMarker(s, 0));
  }
  release(s, cell);
  // a mark goes first, or the broken body would pass for damage
  return isCellType(cellMarker(SEEN)) ? mark(s, endMarker(s, 1)) : spoil(s);
}

export function sweep(s: Store): i32 {
  const cell: u32 = s.cursor;
  const change = cell == s.best ? 1 : sweepCell(s, cell);
  if (change <= 0) {
    s.tries += 1;
    return s.tries > CHANGES_MAX ? Err.IO : change;
  }
  s.tries = 0;
  s.cursor = <u16>(cell + 1);
  if (s.cursor < s.cells) goToCell(s, Step.SWEEP, s.cursor);
  else endSweep(s);
  return Err.OK;
}

function endSweep(s: Store): void {
  if (s.job == Job.DELETE) return goToCell(s, Step.KILL, s.best);
  if (isFound(s) || s.old == <u16>NO_CELL) return tell(s);
  takeCell(s, s.old); // or it could be chosen for its own renewal
  s.live += 1;
  goToCell(s, Step.RENEW, s.old);
}

// ---- End ----

function tell(s: Store): void {
  if (isFound(s)) goToCell(s, Step.CONFIRM, s.best);
  else finish(s, s.isStale != 0 ? Err.CORRUPT : Err.NOT_FOUND);
}
/** What reads differently now is no version, nor will it be. */
export function confirm(s: Store): i32 {
  if (isVersion(s, s.best)) {
    finish(s, s.best);
    return Err.OK;
  }
  freeCell(s, s.best);
  s.live -= 1;
  s.best = <u16>NO_CELL;
  beginSweep(s);
  return Err.OK;
}
