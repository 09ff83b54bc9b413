// Mounts the device: which superblock holds, which cells are live. It writes nothing and never formats.

import { nv_erase_size, nv_read, nv_size } from "../hal";
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
import { readCell } from "./medium";
import {
  cellMarker,
  epochOf,
  foldCell,
  isCellType,
  isDamaged,
  isLive,
  isSuperblock,
  superCells,
  superEpoch,
  superSchema,
  superSeq,
} from "./record";
import {
  clearStore,
  finish,
  freeCell,
  Job,
  RECORD,
  SEEN,
  Step,
  Store,
  storeAt,
  takeCell,
  goTo,
} from "./store";

/** Cells read in one poll: below 1.5 ms on a 16 MHz AVR with its FRAM on SPI. */
export const SLICE: u32 = 16;

/** Cells this device and this profile can hold. */
export function storeCapacity(): u32 {
  const size = nv_size();
  if (size < CELLS_ORIGIN) return 0;
  const cells = (size - CELLS_ORIGIN) >>> CELL_BYTES_LOG2;
  return cells < <u32>CELL_MAX ? cells : <u32>CELL_MAX;
}

function isSupported(unit: u32): bool {
  return unit <= CELL_BYTES && (unit & (unit - 1)) == 0 && storeCapacity() != 0;
}

/** Begins to mount, whatever went on before; cells known from earlier mounts are forgotten. storeState() tells the end. */
export function storeMount(): void {
  clearStore();
  const s = storeAt();
  if (nv_size() == 0) return; // ABSENT
  const unit = nv_erase_size();
  s.state = <u8>(isSupported(unit) ? StoreState.MOUNTING : StoreState.UNSUPPORTED);
  if (s.state != StoreState.MOUNTING) return;
  s.eraseUnit = <u8>unit;
  s.job = <u8>Job.MOUNT;
  goTo(s, Step.SUPERBLOCKS);
}

/** Ends the mount, or the job that called for a new scan. */
function settle(s: Store, state: u32): void {
  s.state = <u8>state;
  finish(s, state == StoreState.READY ? Err.OK : Err.STORE_READ_ONLY);
}

// ---- Superblocks ----

/** Makes the superblock at an address the one that holds, and begins the scan under it. */
export function adoptSuperblock(s: Store, at: usize, copy: u32): void {
  s.cells = <u16>superCells(at);
  s.epoch = <u16>superEpoch(at);
  s.schema = <u16>superSchema(at);
  s.seq = <u8>superSeq(at);
  s.copy = <u8>copy;
  if (s.cells <= <u16>storeCapacity()) beginScan(s);
  else settle(s, StoreState.READ_ONLY);
}

export function readSuperblocks(s: Store): i32 {
  let err = nv_read(0, RECORD, SUPER_BYTES);
  if (err >= 0) err = nv_read(SUPER_BYTES, SEEN, SUPER_BYTES);
  if (err < 0) return err;
  const isA = isSuperblock(RECORD);
  const isB = isSuperblock(SEEN);
  if (isB && (!isA || <i8>(superSeq(SEEN) - superSeq(RECORD)) > 0)) adoptSuperblock(s, SEEN, 1);
  else if (isA) adoptSuperblock(s, RECORD, 0);
  else beginBlankCheck(s);
  return Err.OK;
}

// ---- A device without a superblock: blank, or damaged? ----

function beginBlankCheck(s: Store): void {
  s.blank = load<u8>(RECORD);
  s.cells = <u16>storeCapacity();
  s.cursor = 0;
  goTo(s, Step.BLANK_CHECK);
}

function isFilled(byte: u32): bool {
  for (let i: usize = 0; i < CELL_BYTES; i++) if (load<u8>(SEEN + i) != byte) return false;
  return true;
}
export function checkBlank(s: Store): i32 {
  const blank: u32 = s.blank;
  const end = <u32>s.cells + (CELLS_ORIGIN >>> CELL_BYTES_LOG2);
  let isBlank = blank == CellType.DEAD || blank == CellType.BLANK;
  for (let n: u32 = 0; n < SLICE && isBlank && s.cursor < <u16>end; n++) {
    const err = nv_read((<u32>s.cursor) << CELL_BYTES_LOG2, SEEN, CELL_BYTES);
    if (err < 0) return err;
    isBlank = isFilled(blank);
    s.cursor += 1;
  }
  if (!isBlank) settle(s, StoreState.READ_ONLY);
  else if (s.cursor >= <u16>end) settle(s, StoreState.BLANK);
  return Err.OK;
}

// ---- Cells ----

export function beginScan(s: Store): void {
  memory.fill(CELLS_BASE, 0xff, CELLS_SIZE);
  s.free = 0;
  s.live = 0;
  s.damaged = 0;
  s.retired = 0;
  s.random = 0;
  s.cursor = 0;
  goTo(s, Step.SCAN);
}

/** True for a cell of the epoch after this one: a newer superblock existed and was lost. */
function isFromTomorrow(s: Store, cell: u32): bool {
  return isCellType(cellMarker(SEEN)) && epochOf(SEEN, cell) == <u32>s.epoch + 1;
}
/** Books the cell in SEEN. False: the superblock that holds is not the last there was. */
function bookCell(s: Store, cell: u32): bool {
  s.random = <u16>foldCell(s.random, SEEN);
  freeCell(s, cell);
  if (isLive(SEEN, cell, s.epoch)) {
    takeCell(s, cell);
    s.live += 1;
  } else if (isDamaged(SEEN, cell, s.epoch)) {
    s.damaged += 1;
    return !isFromTomorrow(s, cell);
  }
  return true;
}

/** M1, M3, M4: each cell is read once. */
export function scan(s: Store): i32 {
  for (let n: u32 = 0; n < SLICE && s.cursor < s.cells; n++) {
    const cell: u32 = s.cursor;
    const err = readCell(cell);
    if (err < 0) return err;
    if (!bookCell(s, cell)) {
      settle(s, StoreState.READ_ONLY);
      return Err.OK;
    }
    s.cursor += 1;
  }
  if (s.cursor < s.cells) return Err.OK;
  s.random |= 1;
  settle(s, StoreState.READY);
  return Err.OK;
}
