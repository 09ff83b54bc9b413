// Mounts the device: which superblock holds, which cells are live. It writes nothing and never formats.

import { nv_erase_size, nv_granule, nv_size } from "../hal";
import { CELL_MAX, CELLS_BASE, CELLS_SIZE } from "../layout";
import {
  CELL_BYTES,
  CELL_BYTES_LOG2,
  CELLS_ORIGIN,
  CellType,
  StoreState,
  SUPER_BYTES,
} from "../spec/cell";
import { Err } from "../spec/errors";
import { Kind, kindOf } from "./medium";
import {
  cellKey,
  cellMarker,
  cellSeal,
  cellValue,
  isSuperblock,
  isSuperBody,
  superCells,
  superEpoch,
  superExtents,
  superSchema,
  superSeq,
} from "./record";
import {
  clearStore,
  finish,
  freeCell,
  goTo,
  goToCell,
  goToSuperblock,
  Job,
  Pair,
  RECORD,
  SEEN,
  Step,
  Store,
  storeAt,
  storeEnd,
  takeCell,
} from "./store";
import { wordMet } from "./words";

/** Cells this device and this profile can hold. */
export function storeCapacity(): u32 {
  const size = nv_size();
  if (size < CELLS_ORIGIN) return 0;
  const cells = (size - CELLS_ORIGIN) >>> CELL_BYTES_LOG2;
  return cells < <u32>CELL_MAX ? cells : <u32>CELL_MAX;
}

/** Begins to mount, whatever went on before; cells known from earlier mounts are forgotten. storeState() tells the end. */
export function storeMount(): void {
  clearStore();
  const s = storeAt();
  if (nv_size() == 0) return; // ABSENT
  const unit = nv_erase_size();
  const isSupported =
    nv_granule() == 1 && unit <= CELL_BYTES && (unit & (unit - 1)) == 0 && storeCapacity() != 0;
  s.state = <u8>(isSupported ? StoreState.MOUNTING : StoreState.UNSUPPORTED);
  if (!isSupported) return;
  s.eraseUnit = <u8>unit;
  s.job = <u8>Job.MOUNT;
  goToSuperblock(s, Step.SUPER_A, 0);
}

/** Ends the mount, or the job that called for a new scan. */
function settle(s: Store, state: u32): i32 {
  s.state = <u8>state;
  finish(s, state == StoreState.READY ? Err.OK : Err.STORE_READ_ONLY);
  return Err.OK;
}

// ---- Superblocks ----

/** Makes the superblock at an address the one that holds, and begins the scan under it. */
export function adoptSuperblock(s: Store, at: usize, copy: u32): i32 {
  s.cells = <u16>superCells(at);
  s.epoch = <u16>superEpoch(at);
  s.schema = <u8>superSchema(at);
  s.extents = <u8>superExtents(at);
  s.seq = <u8>superSeq(at);
  s.copy = <u8>copy;
  if (<u32>s.cells > storeCapacity() || storeEnd() > nv_size())
    return settle(s, StoreState.READ_ONLY);
  memory.fill(CELLS_BASE, 0xff, CELLS_SIZE);
  s.free = 0;
  s.live = 0;
  s.damaged = 0;
  s.retired = 0;
  s.unfinished = 0;
  s.random = 0;
  s.cursor = 0;
  goToCell(s, Step.SCAN, 0);
  return Err.OK;
}

export function readFirst(s: Store): i32 {
  memory.copy(RECORD, SEEN, SUPER_BYTES);
  goToSuperblock(s, Step.SUPER_B, 1);
  return Err.OK;
}
export function readSecond(s: Store): i32 {
  const isA = isSuperblock(RECORD);
  const isYounger = <i8>(superSeq(SEEN) - superSeq(RECORD)) > 0;
  const takesB = isSuperblock(SEEN) && (!isA || isYounger);
  if (!takesB && !isA) {
    s.cells = <u16>storeCapacity();
    s.cursor = 0;
    goTo(s, Step.BLANK_CHECK);
    return Err.OK;
  }
  const other = takesB ? RECORD : SEEN;
  if (isSuperblock(other)) s.pair = <u8>Pair.OLDER;
  else if (isSuperBody(other) && takesB != isYounger) s.pair = <u8>Pair.YOUNGER;
  return adoptSuperblock(s, takesB ? SEEN : RECORD, takesB ? 1 : 0);
}

/** A device without a superblock: blank, or damaged? The first superblock is in RECORD still. */
export function checkBlank(s: Store): i32 {
  const blank: u32 = load<u8>(RECORD);
  let isBlank = blank == CellType.DEAD || blank == CellType.BLANK;
  for (let i: usize = 0; i < s.length; i++) {
    if (load<u8>(SEEN + i) != blank || load<u8>(RECORD + i) != blank) isBlank = false;
  }
  if (!isBlank) return settle(s, StoreState.READ_ONLY);
  if (s.cursor >= s.cells) return settle(s, StoreState.BLANK);
  goToCell(s, Step.BLANK_CHECK, s.cursor);
  s.cursor += 1;
  return Err.OK;
}

// ---- Cells ----

/** M1, M3, M4: each cell is read once. */
export function scan(s: Store): i32 {
  const cell: u32 = s.cursor;
  s.random = <u16>((<u32>s.random * 5 + cellSeal(SEEN)) ^ ((<u32>s.random) >>> 11));
  freeCell(s, cell);
  const kind = kindOf(s, cell);
  if (kind == Kind.LIVE) {
    takeCell(s, cell);
    s.live += 1;
    if (cellMarker(SEEN) == CellType.SHADOW) s.hasShadow = 1;
    if (cellMarker(SEEN) == CellType.SYSTEM) wordMet(cellKey(SEEN), cellValue(SEEN));
  } else if (kind == Kind.DAMAGED) s.damaged += 1;
  else if (kind != Kind.FREE) s.unfinished += 1;
  s.cursor = <u16>(cell + 1);
  if (s.cursor < s.cells) goToCell(s, Step.SCAN, s.cursor);
  else {
    s.random |= 1;
    return settle(s, StoreState.READY);
  }
  return Err.OK;
}
