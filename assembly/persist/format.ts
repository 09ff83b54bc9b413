// Writes superblocks, on command only: a factory reset is one of them, a format wipes every key first.

import {
  CellType,
  EPOCH_COUNT,
  EPOCH_FACTORY,
  StoreState,
  SUPER_COPIES,
  SUPER_MARKER,
} from "../spec/cell";
import { Err } from "../spec/errors";
import { commitSuperblock } from "./commit";
import { mark, wipe } from "./medium";
import { cellKey, cellMarker, encodeSuperblock, isCellType, isKey, typeOf } from "./record";
import { goToCell, goToSuperblock, RECORD, SEEN, Step, Store } from "./store";

function commitReset(s: Store, change: u32): i32 {
  encodeSuperblock(
    RECORD,
    s.cells,
    (s.epoch + 1) ^ change,
    s.schema,
    s.extents,
    (s.seq + 1) & 0xff,
  );
  commitSuperblock(s, 1 - s.copy);
  return Err.OK;
}
/** Begins job RESET: every value is gone at once. RANGE: 32,766 resets are all there can be; format. */
export function beginReset(s: Store, keepsFactory: bool): i32 {
  if ((s.epoch & EPOCH_COUNT) == EPOCH_COUNT) return Err.RANGE;
  s.state = <u8>StoreState.MOUNTING;
  if (keepsFactory) return commitReset(s, 0);
  s.cursor = 0;
  s.tries = 0;
  goToCell(s, Step.PURGE, 0);
  return Err.OK;
}
/** Kills factory cells of the reset before the last one that took them: the next epoch would bring them back. */
export function purge(s: Store): i32 {
  const cell: u32 = s.cursor;
  const isOld = typeOf(SEEN, cell, s.epoch ^ EPOCH_FACTORY) == CellType.FACTORY;
  if (isOld && cellMarker(SEEN) == CellType.FACTORY) {
    s.tries += 1;
    return s.tries > 3 ? Err.IO : mark(s, CellType.DEAD);
  }
  s.tries = 0;
  s.cursor = <u16>(cell + 1);
  if (s.cursor >= s.cells) return commitReset(s, EPOCH_FACTORY);
  goToCell(s, Step.PURGE, s.cursor);
  return Err.OK;
}

/** Begins job FORMAT: cells and schema are set. */
export function beginFormat(s: Store): void {
  s.state = <u8>StoreState.MOUNTING;
  s.cursor = 0;
  s.pair = 0;
  goToSuperblock(s, Step.CLEAR, 0);
}

/** Kills the marker of the record in SEEN, then wipes its key. Positive: there is nothing left to do. */
function clearRecord(s: Store): i32 {
  const marker: u32 = load<u8>(SEEN + s.length - 1);
  if (isCellType(marker) || marker == SUPER_MARKER) return mark(s, CellType.DEAD);
  return isKey(cellKey(SEEN)) ? wipe(s) : 1;
}
/** Clears record by record. The superblocks come first: a format cut short is no store. */
export function clear(s: Store): i32 {
  const change = clearRecord(s);
  if (change <= 0) {
    s.tries += 1;
    return s.tries > 3 ? Err.IO : change;
  }
  s.tries = 0;
  s.cursor += 1;
  const cursor: u32 = s.cursor;
  if (cursor < SUPER_COPIES) goToSuperblock(s, Step.CLEAR, cursor);
  else if (cursor < s.cells + SUPER_COPIES) goToCell(s, Step.CLEAR, cursor - SUPER_COPIES);
  else {
    encodeSuperblock(RECORD, s.cells, 1, s.schema, s.extents, 1);
    commitSuperblock(s, 0);
  }
  return Err.OK;
}
