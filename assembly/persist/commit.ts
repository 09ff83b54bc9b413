// Commits one record, a cell or a superblock, to a place that holds nothing of worth: disarm what is
// there, erase, program with the marker last, read back. Another place is tried when a cell fails.

import { CELL_BYTES, CellType, NO_CELL, StoreState, SUPER_BYTES } from "../spec/cell";
import { HAS_BLOBS } from "../layout";
import { refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";
import { appendCell } from "./log";
import { writeChunk } from "./blob";
import { beginLook, beginPass } from "./look";
import { endMarker, eraseUnit, mark, program } from "./medium";
import { storeRemount } from "./mount";
import { deadMarker, encodeCell, isCellType, isSuperblock } from "./record";
import {
  count,
  PASSES,
  RETIRED,
  TRIES,
  chooseFreeCell,
  finish,
  goToCell,
  goToSuperblock,
  isLog,
  Job,
  Mode,
  noteShadow,
  RECORD,
  SEEN,
  Step,
  Store,
  takeCell,
} from "./store";
import { countUse } from "./wear";

/** Places tried before a write is given up. */
const TRIES_MAX: u32 = 4;
/** Free cells passed over while a better one may be had. */
const PASSES_MAX: u32 = 8;

/** True when the record in SEEN has a marker that commits; that of superblocks is a cell's, too. */
function isArmed(s: Store): bool {
  return isCellType(load<u8>(SEEN + s.length - 1));
}

function choose(s: Store): void {
  const cell = chooseFreeCell(s);
  s.cell = <u16>cell;
  encodeCell(RECORD, s.type, s.key, s.generation, s.value, cell, s.epoch);
  goToCell(s, Step.DISARM, cell);
}
/** Begins to commit type, key, generation and value of the job to a free cell. FULL: none is free. */
export function commitCell(s: Store): i32 {
  if (isLog(s)) return appendCell(s);
  if (s.free == 0) return refuseFull(Err.FULL, Resource.CELLS, 1, 0);
  s.passes = 0;
  choose(s);
  return Err.OK;
}

/** W2: a marker that could come true, or pass for the end of the body that is to come, goes first. */
export function disarm(s: Store): i32 {
  const isTwin = s.eraseUnit == 0 && load<u8>(SEEN + s.length - 1) == deadMarker(RECORD, 0);
  const isWrong = isTwin || isArmed(s);
  if (isWrong && s.length == CELL_BYTES && count(PASSES) < PASSES_MAX) {
    choose(s);
    return Err.OK;
  }
  s.step = <u8>Step.ERASE;
  return isWrong ? mark(s, s.eraseUnit == 0 ? deadMarker(RECORD, 1) : CellType.DEAD) : Err.OK;
}

/** W3, one unit a call, the marker's last, when the body has gone. W4. */
export function eraseOrProgram(s: Store): i32 {
  const offset: u32 = s.offset;
  if (s.eraseUnit != 0 && offset < s.length) {
    s.offset = <u8>(offset + s.eraseUnit);
    return eraseUnit(s, offset);
  }
  s.step = <u8>Step.VERIFY;
  return program(s, 0, RECORD, s.length);
}

/** The new superblock holds. The store is mounted anew; the job goes on until that is done. */
function adoptSuperblock(s: Store): i32 {
  goToSuperblock(s, Step.DONE, s.copy);
  const err = s.job == Job.RESET ? mark(s, CellType.DEAD) : <i32>Err.OK;
  storeRemount(s);
  return err;
}
/** The new version is on the medium: it outlives those before it, and damaged cells of the key. */
function adoptCell(s: Store): void {
  s.saved += 1;
  countUse(s);
  noteShadow(s, s.type);
  s.mode = <u8>Mode.OUTLIVE;
  if (s.job == Job.FIND || s.damaged != 0) beginLook(s, 1);
  else if (s.old != <u16>NO_CELL) beginPass(s, s.old, s.old + 1, 1);
  else finish(s, s.cell);
}

/** W5. A cell that did not hold is killed. */
export function verify(s: Store): i32 {
  const holds = load<u64>(SEEN) == load<u64>(RECORD);
  if (s.length == SUPER_BYTES)
    return holds && isSuperblock(SEEN) ? adoptSuperblock(s) : <i32>Err.IO;
  if (HAS_BLOBS && s.mode == Mode.AVOID) {
    if (holds) writeChunk(s);
    else finish(s, Err.IO);
    return Err.OK;
  }
  takeCell(s, s.cell);
  if (!holds) {
    s.step = <u8>Step.REJECT;
    return mark(s, endMarker(s, 0));
  }
  adoptCell(s);
  return Err.OK;
}

/** Leaves a place that did not take its record for another. IO: there is none, or it cannot be left safely. */
export function reject(s: Store): i32 {
  if (isArmed(s)) return Err.IO;
  count(RETIRED);
  return count(TRIES) < TRIES_MAX && commitCell(s) >= 0 ? Err.OK : Err.IO;
}

/** A device that fails or contradicts itself is not written again before the next mount. */
export function fail(s: Store, err: i32): void {
  s.state = <u8>StoreState.FAILED;
  finish(s, err);
}
