// Commits one record, a cell or a superblock, to a place that holds nothing of worth: disarm what is
// there, erase, program with the marker last, read back. Another place is tried when a cell fails.

import { Err } from "../spec/errors";
import { nv_read } from "../hal";
import { CELL_BYTES, NO_CELL, SUPER_BYTES, SUPER_MARKER, StoreState } from "../spec/cell";
import { eraseUnit, program, programByte } from "./medium";
import { encodeCell, isCellType, isDamaged } from "./record";
import {
  cellAddress,
  chooseFreeCell,
  finish,
  RECORD,
  SEEN,
  Step,
  Store,
  takeCell,
  goTo,
} from "./store";

/** Places tried before a write is given up. */
const TRIES_MAX: u32 = 4;
/** Damaged cells passed over while another choice may be had: they may yet be repaired. */
const PASSES_MAX: u32 = 8;

function isArmed(s: Store): bool {
  const marker: u32 = load<u8>(SEEN + s.length - 1);
  return s.length == SUPER_BYTES ? marker == SUPER_MARKER : isCellType(marker);
}
function readTarget(s: Store): i32 {
  return nv_read(s.address, SEEN, s.length);
}
function begin(s: Store, address: u32, length: u32): void {
  s.address = <u16>address;
  s.length = <u8>length;
  s.cursor = 0;
  goTo(s, Step.DISARM);
}

/** Begins to commit the superblock in RECORD as copy 0 or 1. */
export function commitSuperblock(s: Store, copy: u32): void {
  begin(s, copy * SUPER_BYTES, SUPER_BYTES);
}

/** Takes a free cell and begins to commit type, key, generation and value of the job. NO_CELL: none is free. */
export function commitCell(s: Store): u32 {
  let cell = NO_CELL;
  for (let passes: u32 = 0; passes < PASSES_MAX; passes++) {
    cell = chooseFreeCell(s);
    if (cell == NO_CELL) return NO_CELL;
    if (nv_read(cellAddress(cell), SEEN, CELL_BYTES) < 0) break;
    if (!isDamaged(SEEN, cell, s.epoch)) break;
  }
  takeCell(s, cell);
  s.cell = <u16>cell;
  encodeCell(RECORD, s.type, s.key, s.generation, s.value, cell, s.epoch);
  begin(s, cellAddress(cell), CELL_BYTES);
  return cell;
}

/** W2: a marker that could come true goes first. */
export function disarm(s: Store): i32 {
  const err = readTarget(s);
  if (err < 0) return err;
  goTo(s, s.eraseUnit == 0 ? Step.PROGRAM : Step.ERASE);
  if (s.length == CELL_BYTES && isDamaged(SEEN, s.cell, s.epoch)) s.damaged -= 1;
  return isArmed(s) ? programByte(s, <u32>s.address + s.length - 1, 0) : Err.OK;
}

function isErased(s: Store): bool {
  for (let i: usize = 0; i < s.length; i++) if (load<u8>(SEEN + i) != 0xff) return false;
  return true;
}
/** W3, one unit a call. The marker's unit comes last, when the body has gone. */
export function erase(s: Store): i32 {
  const err = readTarget(s);
  if (err < 0) return err;
  const offset: u32 = s.cursor;
  if (offset >= s.length || isErased(s)) {
    goTo(s, Step.PROGRAM);
    return Err.OK;
  }
  s.cursor = <u16>(offset + s.eraseUnit);
  return eraseUnit(s, s.address + offset);
}

/** W4 */
export function programRecord(s: Store): i32 {
  goTo(s, Step.VERIFY);
  return program(s, s.address, RECORD, s.length);
}

function isAsWritten(s: Store): bool {
  for (let i: usize = 0; i < s.length; i++) {
    if (load<u8>(SEEN + i) != load<u8>(RECORD + i)) return false;
  }
  return true;
}
/** W5. Positive: committed. OK: it did not hold and is being killed. */
export function verify(s: Store): i32 {
  const err = readTarget(s);
  if (err < 0) return err;
  if (isAsWritten(s)) return 1;
  goTo(s, Step.REJECT);
  return programByte(s, <u32>s.address + s.length - 1, 0);
}

/** Leaves a place that did not take its record for another. IO: there is none, or it cannot be left safely. */
export function reject(s: Store): i32 {
  const err = readTarget(s);
  if (err < 0) return err;
  if (isArmed(s) || s.length == SUPER_BYTES) return Err.IO;
  s.retired += 1;
  s.tries += 1;
  return s.tries < TRIES_MAX && commitCell(s) != NO_CELL ? Err.OK : Err.IO;
}

/** A device that fails or contradicts itself is not written again before the next mount. */
export function fail(s: Store, err: i32): void {
  s.state = <u8>(err == Err.ABSENT ? StoreState.ABSENT : StoreState.FAILED);
  finish(s, err);
}
