// Looks at cells one by one for the key of the job: a search takes the youngest live version, and puts right before it
// tells anything what a power cut left; after a commit, and in a delete, the other versions end.

import { HAS_BLOBS } from "../layout";
import { CellType, SUPER_MARKER } from "../spec/cell";
import { Err } from "../spec/errors";
import { avoidExtent, writeChunk } from "./blob";
import { commitCell } from "./commit";
import { endMarker, Kind, kindOf, mark, spoil } from "./medium";
import {
  cellGeneration,
  cellKey,
  cellMarker,
  cellSeal,
  cellValue,
  isCellType,
  sealOf,
} from "./record";
import {
  count,
  CURSOR,
  DAMAGED,
  finish,
  freeCell,
  goToCell,
  goToSuperblock,
  isLog,
  isTaken,
  Mode,
  nextTaken,
  Pair,
  SEEN,
  Step,
  Store,
  StoreFlag,
  TRIES,
  UNFINISHED,
  VERSIONS,
} from "./store";

/** Attempts to change a record before the device counts as failed. */
const CHANGES_MAX: u32 = 3;
/** Live versions of which the youngest is committed once more; beyond, cells run short. */
const RENEWED_MAX: u32 = 3;
/** Times the version that is told is read again: bits that a cut left unsteady do not read right so often. */
const READS: u32 = 3;

// ---- What to do with a cell, by Mode, Kind, and whether it is our key's ----

enum Act {
  STAY = 0,
  /** counts as damaged */
  COUNT = 1,
  /** counts as unfinished: it waits for a search of its key */
  WAIT = 2,
  /** counts as damaged, and our key is stale */
  STALE = 3,
  TAKE = 4,
  KILL = 5,
  /** takes its marker away, then breaks its body */
  BREAK = 6,
  AVOID = 7,
}
// FREE, DAMAGED, UNFINISHED, NEARLY, LIVE; each: another's, ours
const ACTS: usize = memory.data<u8>([
  // SEARCH
  0, 0, 1, 3, 6, 6, 2, 4, 0, 4,
  // OUTLIVE
  0, 0, 1, 5, 6, 6, 2, 5, 0, 5,
  // DELETE
  0, 6, 1, 1, 6, 6, 2, 6, 0, 6,
  // AVOID
  0, 0, 0, 0, 0, 0, 0, 0, 7, 7,
  // CLEAN
  0, 0, 5, 5, 6, 6, 6, 6, 0, 0,
]);

// ---- Passes ----

/** Begins to look at the cells from `from` to `end`: all, or those that were live. */
export function beginPass(s: Store, from: u32, end: u32, isFull: u32): void {
  s.bestKind = 0;
  s.versions = 0;
  s.flags &= ~(<u8>StoreFlag.STALE);
  s.isFull = <u8>isFull;
  s.tries = 0;
  s.cursor = <u16>from;
  s.end = <u16>end;
  goToCell(s, Step.LOOK, from);
}
/** Begins a pass over the whole store; a full one counts anew what is amiss. */
export function beginLook(s: Store, isFull: u32): void {
  if (isFull != 0) {
    s.damaged = 0;
    s.unfinished = 0;
  }
  beginPass(s, 0, s.cells, isFull);
  const pair: u32 = s.pair;
  if (pair != 0) goToSuperblock(s, Step.REPAIR, pair == Pair.OLDER ? s.copy : 1 - s.copy);
}

/** Ends what a cut reset left of the superblocks. Only one must ever read as sound. */
export function repair(s: Store): i32 {
  const pair: u32 = s.pair;
  const isOlder = pair == Pair.OLDER; // then the other's marker may have been the byte that was cut
  const err =
    pair == Pair.YOUNGER ? spoil(s) : mark(s, isOlder ? SUPER_MARKER : <u32>CellType.DEAD);
  s.pair = <u8>(isOlder ? Pair.DOOMED : Pair.NONE);
  beginLook(s, 1);
  return err;
}

/** A damaged cell may have held our key, even when the damage is in the key. */
function isOurDamage(s: Store, cell: u32): bool {
  const isOurs = cellKey(SEEN) == s.key;
  store<u16>(SEEN, s.key);
  return isOurs || cellSeal(SEEN) == sealOf(SEEN, s.type, cell, s.epoch);
}
/** Looks at the cell in SEEN. Positive: it may stay as it is. OK: it is being changed. */
function lookAt(s: Store, cell: u32): i32 {
  let kind: u32 = kindOf(s, cell);
  let type: u32 = s.whole;
  let isOurs = cellKey(SEEN) == s.key;
  const marker = cellMarker(SEEN);
  if (kind == Kind.DAMAGED) {
    type = marker;
    isOurs = isOurDamage(s, cell);
  }
  if (type != s.type) isOurs = false;
  const isLive = kind >= <u32>Kind.NEARLY;
  if (!isLive && s.isFull == 0) {
    count(UNFINISHED); // it was live at mount
    return 1;
  }
  if (isTaken(cell)) {
    if (!isLive && (kind | s.tries) != 0) freeCell(s, cell);
  } else if (isLive) kind = Kind.UNFINISHED;
  const act: u32 = load<u8>(ACTS + <usize>s.mode + kind * 2 + (isOurs ? 1 : 0));
  switch (act) {
    case Act.STALE:
      s.flags |= <u8>StoreFlag.STALE;
    case Act.COUNT:
      count(DAMAGED);
      break;
    case Act.WAIT:
      count(UNFINISHED);
      break;
    case Act.AVOID:
      if (HAS_BLOBS) avoidExtent(s);
      break;
    case Act.KILL:
      return mark(s, endMarker(s, 0));
    case Act.BREAK:
      // a mark goes first, or the broken body would pass for damage
      return isCellType(marker) ? mark(s, endMarker(s, 1)) : spoil(s);
    case Act.TAKE: {
      count(VERSIONS);
      const rank = kind - <u32>s.bestKind; // one whose marker is not whole only stands in for one that is
      const generation = cellGeneration(SEEN);
      if (<i32>rank > 0 || (rank == 0 && <i8>(generation - <u32>s.generation) > 0)) {
        s.cell = <u16>cell;
        s.bestKind = <u8>kind;
        s.generation = <u8>generation;
      }
    }
  }
  return 1;
}

export function look(s: Store): i32 {
  const cell: u32 = s.cursor;
  const isSkipped = s.mode == Mode.OUTLIVE && cell == s.cell;
  const change = isSkipped || (s.isFull == 0 && !isTaken(cell)) ? 1 : lookAt(s, cell);
  if (change <= 0) {
    return count(TRIES) > CHANGES_MAX ? Err.IO : change;
  }
  s.tries = 0;
  count(CURSOR);
  if (s.isFull == 0) s.cursor = <u16>nextTaken(s, s.cursor);
  if (s.cursor < s.end) goToCell(s, Step.LOOK, s.cursor);
  else endLook(s);
  return Err.OK;
}

function endLook(s: Store): void {
  let result: i32 = Err.OK;
  switch (<u32>s.mode) {
    case Mode.AVOID:
      if (HAS_BLOBS) return s.end != 0 ? writeChunk(s) : finish(s, Err.FULL);
      break;
    case Mode.OUTLIVE:
      result = s.cell;
      break;
    case Mode.SEARCH:
      if (isLog(s)) {
        if (s.bestKind == 0 && s.unfinished != 0) s.flags |= <u8>StoreFlag.STALE;
      } else if (s.isFull == 0 && (s.damaged | s.unfinished) != 0) return beginLook(s, 1);
      if (s.bestKind != 0) return goToCell(s, Step.CONFIRM, s.cell);
      result = (s.flags & StoreFlag.STALE) != 0 ? Err.CORRUPT : Err.NOT_FOUND;
  }
  finish(s, result);
}

/** Reads the best version again. M2: one of several is committed once more, its first commit may have been cut short. */
export function confirm(s: Store): i32 {
  const kind = kindOf(s, s.cell);
  if (kind < Kind.NEARLY) beginLook(s, 1);
  else if (count(TRIES) >= READS) {
    const isSound = kind == Kind.LIVE;
    if (s.versions == 1 && isSound) finish(s, s.cell);
    else {
      s.mode = <u8>Mode.OUTLIVE;
      s.tries = 0;
      s.value = <u16>cellValue(SEEN);
      s.generation += 1;
      if ((s.versions > RENEWED_MAX && isSound) || commitCell(s) < 0) beginLook(s, 1);
    }
  }
  return Err.OK;
}
