// Commits one record, a cell or a superblock, to a place that holds nothing of worth: disarm what is
// there, erase, program with the marker last, read back. Another place is tried when a cell fails.

import { CELL_BYTES, CellType, StoreState, SUPER_BYTES, SUPER_MARKER } from "../spec/cell";
import { Err } from "../spec/errors";
import { endMarker, eraseUnit, Kind, kindOf, mark, program } from "./medium";
import { deadMarker, encodeCell, isCellType } from "./record";
import {
  chooseFreeCell,
  finish,
  goTo,
  goToCell,
  goToSuperblock,
  RECORD,
  SEEN,
  Step,
  Store,
  takeCell,
} from "./store";

/** Places tried before a write is given up. */
const TRIES_MAX: u32 = 4;
/** Free cells passed over while a better one may be had. */
const PASSES_MAX: u32 = 8;

function seenMarker(s: Store): u32 {
  return load<u8>(SEEN + s.length - 1);
}
function isArmed(s: Store): bool {
  const marker = seenMarker(s);
  return s.length == SUPER_BYTES ? marker == SUPER_MARKER : isCellType(marker);
}

/** Begins to commit the superblock in RECORD as copy 0 or 1. */
export function commitSuperblock(s: Store, copy: u32): void {
  s.offset = 0;
  goToSuperblock(s, Step.DISARM, copy);
}

function choose(s: Store): void {
  const cell = chooseFreeCell(s);
  s.cell = <u16>cell;
  s.offset = 0;
  encodeCell(RECORD, s.type, s.key, s.generation, s.value, cell, s.epoch);
  goToCell(s, Step.DISARM, cell);
}
/** Begins to commit type, key, generation and value of the job to a free cell. FULL: none is free. */
export function commitCell(s: Store): i32 {
  if (s.free == 0) return Err.FULL;
  s.passes = 0;
  choose(s);
  return Err.OK;
}

/** True when the marker in SEEN would pass for the end of the body that is to come. */
function isTwin(s: Store): bool {
  return s.eraseUnit == 0 && seenMarker(s) == deadMarker(RECORD, 0);
}
/** W2: a marker that could come true, or hide that a commit was cut short, goes first. */
export function disarm(s: Store): i32 {
  let isWrong = isArmed(s);
  if (s.length == CELL_BYTES) {
    const kind = kindOf(s, s.cell);
    isWrong = isWrong || isTwin(s);
    if ((isWrong || kind != Kind.FREE) && s.passes < PASSES_MAX) {
      s.passes += 1;
      choose(s);
      return Err.OK;
    }
    if (kind == Kind.DAMAGED) s.damaged -= 1;
  }
  goTo(s, Step.ERASE);
  return isWrong ? mark(s, s.eraseUnit == 0 ? deadMarker(RECORD, 1) : CellType.DEAD) : Err.OK;
}

function isErased(s: Store): bool {
  for (let i: usize = 0; i < s.length; i++) if (load<u8>(SEEN + i) != 0xff) return false;
  return true;
}
/** W3, one unit a call, the marker's last, when the body has gone. W4. */
export function eraseOrProgram(s: Store): i32 {
  const offset: u32 = s.offset;
  if (s.eraseUnit != 0 && offset < s.length && !isErased(s)) {
    s.offset = <u8>(offset + s.eraseUnit);
    return eraseUnit(s, offset);
  }
  goTo(s, Step.VERIFY);
  return program(s, RECORD);
}

/** W5. Positive: committed. OK: it did not hold and is being killed. */
export function verify(s: Store): i32 {
  let differs: u32 = 0;
  for (let i: usize = 0; i < s.length; i++) {
    differs |= (<u32>load<u8>(SEEN + i)) ^ (<u32>load<u8>(RECORD + i));
  }
  const isCell = s.length == CELL_BYTES;
  if (isCell) takeCell(s, s.cell);
  if (differs == 0) return 1;
  goTo(s, Step.REJECT);
  return mark(s, isCell ? endMarker(s, 0) : CellType.DEAD);
}

/** Leaves a place that did not take its record for another. IO: there is none, or it cannot be left safely. */
export function reject(s: Store): i32 {
  if (isArmed(s) || s.length == SUPER_BYTES) return Err.IO;
  s.retired += 1;
  s.tries += 1;
  return s.tries < TRIES_MAX && commitCell(s) >= 0 ? Err.OK : Err.IO;
}

/** A device that fails or contradicts itself is not written again before the next mount. */
export function fail(s: Store, err: i32): void {
  s.state = <u8>(err == Err.ABSENT ? StoreState.ABSENT : StoreState.FAILED);
  finish(s, err);
}
