// Finds the cell of a key, and cleans up after a power cut on the way: two versions become one, and what
// was only half written can never come true later. Two passes: the live cells, then all others.

import { NO_CELL } from "../spec/cell";
import { Err } from "../spec/errors";
import { CELLS_BASE } from "../layout";
import { commitCell } from "./commit";
import { killCell, readCell, spoilCell } from "./medium";
import { SLICE } from "./mount";
import {
  cellGeneration,
  cellKey,
  cellMarker,
  cellValue,
  isCellType,
  isDamaged,
  isKeyDamaged,
  isLive,
  isNearly,
  typeOf,
  typeSealedFor,
} from "./record";
import { finish, freeCell, goTo, isTaken, Job, SEEN, Step, Store } from "./store";

/** Attempts to change a cell before the device counts as failed. */
const CHANGES_MAX: u32 = 3;

/** True when generation a is younger than b; they are never more than a few apart. */
function isNewer(a: u32, b: u32): bool {
  return <i8>(a - b) > 0;
}

// ---- First pass: live cells ----

export function beginFind(s: Store): void {
  s.best = <u16>NO_CELL;
  s.old = <u16>NO_CELL;
  s.versions = 0;
  s.isStale = 0;
  s.tries = 0;
  s.cursor = 0;
  goTo(s, Step.LOOK);
}

/** Begins the pass over all cells but the best, which ends a search and begins a delete. */
export function beginSweep(s: Store): void {
  s.tries = 0;
  s.cursor = 0;
  goTo(s, Step.SWEEP);
}

function isOurs(s: Store): bool {
  return cellMarker(SEEN) == s.type && cellKey(SEEN) == s.key;
}

/** M2: the value of a cell is committed once more; a first commit may have been cut short. False: no room. */
function renew(s: Store, cell: u32): i32 {
  const err = readCell(cell);
  if (err < 0) return err;
  s.value = <u16>cellValue(SEEN);
  s.generation = <u8>(cellGeneration(SEEN) + 1);
  s.tries = 0;
  return commitCell(s) == NO_CELL ? Err.FULL : Err.OK;
}

/** The renewed cell is on the medium: it outlives the versions it was made from. */
export function adoptRenewed(s: Store): void {
  s.best = s.cell;
  beginSweep(s);
}

function rank(s: Store, cell: u32): void {
  const generation = cellGeneration(SEEN);
  s.versions += 1;
  if (s.best != <u16>NO_CELL && !isNewer(generation, s.generation)) return;
  s.best = <u16>cell;
  s.generation = <u8>generation;
}

/** The next live cell from the cursor on; the number of cells: none. */
function nextTaken(s: Store): u32 {
  let cell: u32 = s.cursor;
  while (cell < s.cells && !isTaken(cell)) {
    cell = load<u8>(CELLS_BASE + ((<usize>cell) >>> 3)) == 0 ? (cell | 7) + 1 : cell + 1;
  }
  return cell;
}

export function look(s: Store): i32 {
  for (let n: u32 = 0; n < SLICE; n++) {
    const cell = nextTaken(s);
    if (cell >= s.cells) return endLook(s);
    const err = readCell(cell);
    if (err < 0) return err;
    if (isOurs(s) && isLive(SEEN, cell, s.epoch)) rank(s, cell);
    s.cursor = <u16>(cell + 1);
  }
  return Err.OK;
}

function endLook(s: Store): i32 {
  const err: i32 = s.versions == 2 ? renew(s, s.best) : Err.FULL;
  if (err != Err.FULL) return err;
  beginSweep(s);
  return Err.OK;
}

// ---- Second pass: all cells but the best ----

function isFound(s: Store): bool {
  return s.best != <u16>NO_CELL;
}

/** Takes a stale version, live or damaged, out of the world. */
function killMarked(s: Store, cell: u32): i32 {
  const isFirst = s.tries == 0;
  if (isFirst && isTaken(cell)) {
    s.live -= 1;
    freeCell(s, cell);
  } else if (isFirst && s.damaged != 0) s.damaged -= 1;
  s.tries += 1;
  const err = killCell(s, cell);
  return err < 0 ? err : 1;
}

/** True when the damaged cell in SEEN was a version of our key, which a bit of it may hide. */
function isDamagedOurs(s: Store, cell: u32): bool {
  const difference = popcnt(cellKey(SEEN) ^ s.key);
  if (difference > 1 || !isDamaged(SEEN, cell, s.epoch)) return false;
  if (difference == 1) return typeSealedFor(SEEN, s.key, cell, s.epoch) == s.type;
  return !isKeyDamaged(SEEN, cell, s.epoch);
}
function sweepDamaged(s: Store, cell: u32): i32 {
  if (!isDamagedOurs(s, cell)) return Err.OK;
  if (isFound(s)) return killMarked(s, cell);
  s.isStale = 1;
  return Err.OK;
}

/** A whole body, its marker right but for one bit: a stale version, or, when there is no other, the version. */
function sweepVersion(s: Store, cell: u32): i32 {
  if (isFound(s)) return killMarked(s, cell);
  const generation = cellGeneration(SEEN);
  if (s.old != <u16>NO_CELL && !isNewer(generation, s.generation)) return Err.OK;
  s.old = <u16>cell;
  s.generation = <u8>generation;
  return Err.OK;
}

/** M6: a whole body that would supersede the best, or stand in for one deleted, if its marker came true. */
function sweepDead(s: Store, cell: u32): i32 {
  const ahead: u32 = (cellGeneration(SEEN) - s.generation) & 0xff;
  const isHarmless = ahead != 1 && ahead != 2 && s.job != Job.DELETE;
  if (isFound(s) && isHarmless) return Err.OK;
  s.tries += 1;
  // a marker torn into another type goes first, or the broken body would pass for damage
  const err = isCellType(cellMarker(SEEN)) ? killCell(s, cell) : spoilCell(s, cell);
  return err < 0 ? err : 1;
}

/** Looks at one cell. Positive: it is being changed and must be looked at again. */
function sweepCell(s: Store, cell: u32): i32 {
  const err = readCell(cell);
  if (err < 0) return err;
  const marker = cellMarker(SEEN);
  const isWhole = cellKey(SEEN) == s.key && typeOf(SEEN, cell, s.epoch) == s.type;
  if (!isWhole) return marker == s.type ? sweepDamaged(s, cell) : Err.OK;
  const isVersion = marker == s.type || isNearly(marker, s.type);
  return isVersion ? sweepVersion(s, cell) : sweepDead(s, cell);
}

export function sweep(s: Store): i32 {
  for (let n: u32 = 0; n < SLICE && s.cursor < s.cells; n++) {
    if (s.cursor != s.best) {
      const change = sweepCell(s, s.cursor);
      if (change > 0) return s.tries > CHANGES_MAX ? Err.IO : Err.OK;
      if (change < 0) return change;
    }
    s.tries = 0;
    s.cursor += 1;
  }
  return s.cursor < s.cells ? Err.OK : endSweep(s);
}

function endSweep(s: Store): i32 {
  if (s.job == Job.DELETE) {
    s.tries = 0;
    goTo(s, Step.KILL);
    return Err.OK;
  }
  if (!isFound(s) && s.old != <u16>NO_CELL) {
    const err = renew(s, s.old);
    if (err != Err.FULL) return err;
    s.isStale = 1;
  }
  finish(s, isFound(s) ? s.best : s.isStale != 0 ? Err.CORRUPT : Err.NOT_FOUND);
  return Err.OK;
}
