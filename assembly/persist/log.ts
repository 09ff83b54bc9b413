// The store on flash: pages that are erased whole and granules that are programmed once. Cells are appended in pages used
// in a ring; the youngest cell of a key counts, and a tombstone ends it. What is still live in the oldest page is copied
// to the next one before that page's header, written last, retires the oldest. Mounting writes nothing.

import { nv_erase, nv_erase_size, nv_granule, nv_read, nv_size } from "../hal";
import { CELL_MAX, CELLS_BASE, CELLS_SIZE } from "../layout";
import {
  CELL_BYTES,
  CELL_TYPE_OFF,
  CellKind,
  CellType,
  LOG_PAGE_CELLS_MAX,
  LOG_SPARE_CELLS,
  NO_CELL,
  StoreState,
  SUPER_BYTES,
  SUPER_EPOCH_OFF,
  SUPER_EXTENTS_OFF,
  SUPER_SEQ_OFF,
  TOMBSTONE,
} from "../spec/cell";
import { refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";
import { kindOf, program } from "./medium";
import { settle, storeRemount } from "./mount";
import {
  cellGeneration,
  cellKey,
  cellMarker,
  cellSeal,
  cellValue,
  encodeCell,
  isCellType,
  isKey,
  isSuperblock,
  mendCell,
  sealOf,
  sealSuperblock,
} from "./record";
import {
  cellAddress,
  count,
  DAMAGED,
  finish,
  FORM,
  freeCell,
  goTo,
  goToCell,
  isTaken,
  Job,
  nextTaken,
  noteShadow,
  RECORD,
  SEEN,
  Step,
  Store,
  storeAt,
  storeLive,
  takeCell,
  TRIES,
} from "./store";
import { WORD_NONE } from "../spec/boot";
import { countMet, countRound } from "./wear";
import { wordLogged } from "./words";

/** Most bytes of a granule. */
const GRANULE_MAX: u32 = 16;
/** Places tried before a write is given up. */
const TRIES_MAX: u32 = 4;
const BLANK: u64 = 0xffffffffffffffff;

// ---- Geometry ----

/** Notes the geometry. False: it is none of a log. */
export function openLog(s: Store): bool {
  const granule = nv_granule();
  const unit = nv_erase_size();
  if (granule > GRANULE_MAX || popcnt(granule) != 1 || unit < 8 * GRANULE_MAX) return false;
  s.stride = <u8>(granule > CELL_BYTES ? granule : CELL_BYTES);
  const cells = unit / s.stride;
  s.page = <u16>(cells < LOG_PAGE_CELLS_MAX ? cells : LOG_PAGE_CELLS_MAX);
  return logCapacity() >= <u32>s.page * 2;
}
/** Cells of all pages there can be, those of headers, too. */
export function logCapacity(): u32 {
  const cells: u32 = storeAt().page;
  const pages = nv_size() / nv_erase_size();
  const most = <u32>CELL_MAX / cells;
  return (pages < most ? pages : most) * cells;
}
function pages(s: Store): u32 {
  return <u32>s.cells / s.page;
}
/** Cells at the start of each page where its header lies. */
function headCells(s: Store): u32 {
  return SUPER_BYTES / s.stride;
}
/** The page after the youngest. */
function nextPage(s: Store): u32 {
  return (<u32>s.head + 1) % pages(s);
}
/** The oldest page that counts, of the `extents` that do. */
function oldestPage(s: Store): u32 {
  return (<u32>s.head + pages(s) + 1 - s.extents) % pages(s);
}

// ---- Mounting ----

/** Takes the youngest sound header and begins the scan of the pages it lets count. False: there is none. */
export function findHead(s: Store): bool {
  let isFound = false;
  const all = logCapacity() / s.page;
  for (let page: u32 = 0; page < all; page++) {
    if (nv_read(page * nv_erase_size(), SEEN, SUPER_BYTES) < 0 || !isSuperblock(SEEN)) continue;
    if (isFound && <i8>(load<u8>(SEEN, SUPER_SEQ_OFF) - s.seq) <= 0) continue;
    memory.copy(FORM, SEEN, SUPER_BYTES);
    s.head = <u8>page;
    isFound = true;
  }
  if (!isFound) return false;
  const isSound = s.cells % s.page == 0 && <u32>s.head < pages(s) && s.extents != 0;
  if (!isSound || <u32>s.extents >= pages(s) || <u32>s.cells > logCapacity()) {
    settle(s, StoreState.READ_ONLY);
    return true;
  }
  memory.fill(CELLS_BASE, 0, CELLS_SIZE);
  s.free = s.cells;
  s.isFresh = 1;
  s.cursor = <u16>(oldestPage(s) * s.page);
  goToCell(s, Step.LOG_SCAN, s.cursor);
  return true;
}

/** The cell that holds a key: page turns move cells. NO_CELL. */
export function locate(s: Store, type: u32, key: u32): u32 {
  for (let cell = nextTaken(s, 0); cell < s.cells; cell = nextTaken(s, cell + 1)) {
    if (nv_read(cellAddress(cell), RECORD, CELL_BYTES) < 0) continue;
    if (cellMarker(RECORD) == type && cellKey(RECORD) == key) return cell;
  }
  return NO_CELL;
}
/** Frees the cell that holds a key. */
function supersede(s: Store, type: u32, key: u32): void {
  const cell = locate(s, type, key);
  if (cell != NO_CELL) freeCell(s, cell);
}
/** The cell in SEEN is sound: it ends the one before it. */
function replay(s: Store, cell: u32): void {
  const marker = cellMarker(SEEN);
  if (s.tries != 0) count(DAMAGED); // what a cut tore is followed by a dead granule, not by a cell
  supersede(s, marker == TOMBSTONE ? cellValue(SEEN) : marker, cellKey(SEEN));
  noteShadow(s, marker);
  if (marker == CellType.SYSTEM) {
    countMet(s);
    wordLogged(cellKey(SEEN), cellValue(SEEN));
  }
  if (marker != TOMBSTONE) takeCell(s, cell);
  else if (cellValue(SEEN) == CellType.SYSTEM) wordLogged(cellKey(SEEN), WORD_NONE);
}
/** Puts right what is in SEEN, if it is a SYSTEM cell but for one bit. */
function isMended(s: Store, cell: u32): bool {
  const changed = popcnt(cellMarker(SEEN) ^ CellType.SYSTEM);
  if (changed > 1) return false;
  store<u8>(SEEN, CellType.SYSTEM, CELL_TYPE_OFF);
  if (cellSeal(SEEN) == sealOf(SEEN, CellType.SYSTEM, cell, s.epoch)) return true;
  return changed == 0 && mendCell(SEEN, cell, s.epoch);
}
/** Looks at each cell of the pages that count, oldest first. */
export function scanLog(s: Store): void {
  const cell: u32 = s.cursor;
  const page = cell / s.page;
  const offset = cell % s.page;
  if (offset == 0) s.next = <u16>(cell + headCells(s));
  if (offset >= headCells(s)) {
    const content = load<u64>(SEEN);
    const marker = cellMarker(SEEN);
    if (content != BLANK) s.next = <u16>(cell + 1);
    const isMarked = isCellType(marker) || marker == TOMBSTONE;
    const isSound = isMarked && cellSeal(SEEN) == sealOf(SEEN, marker, cell, s.epoch);
    if (isSound && isKey(cellKey(SEEN))) replay(s, cell);
    else if (isMended(s, cell)) {
      count(DAMAGED);
      wordLogged(cellKey(SEEN), cellValue(SEEN));
    }
    s.tries = <u16>(isSound || content == 0 || content == BLANK ? 0 : 1);
  }
  let next = cell + 1;
  if (offset + 1 == s.page) {
    if (page == <u32>s.head) {
      s.uses = ((<u32>s.rounds) << 8) + s.seq;
      return settle(s, StoreState.READY);
    }
    next = next % s.cells;
  }
  s.cursor = <u16>next;
  goToCell(s, Step.LOG_SCAN, next);
}

// ---- Appending ----

/** Begins to append type, key, generation and value of the job. FULL: there is no room for a new key. */
export function appendCell(s: Store): i32 {
  const most = (pages(s) - 1) * (s.page - headCells(s)) - LOG_SPARE_CELLS;
  if (s.old == <u16>NO_CELL && storeLive() >= most) {
    return refuseFull(Err.FULL, Resource.CELLS, 1, 0);
  }
  s.turns = 0;
  return goOn(s);
}
export function goOn(s: Store): i32 {
  if (<u32>s.next >= (<u32>s.head + 1) * s.page) return turnPage(s);
  goToCell(s, Step.LOG_APPEND, s.next);
  return Err.OK;
}
/** Programs a whole cell's granules from RECORD. */
function programCell(s: Store, step: u32): i32 {
  s.step = <u8>step;
  store<u64>(RECORD, BLANK, CELL_BYTES);
  return program(s, 0, RECORD, s.stride);
}
/** Appends where SEEN is blank. The first place of a session may be torn and yet read as blank: it takes zeros only. */
export function append(s: Store): i32 {
  s.cell = s.next;
  s.next += 1;
  if (s.isFresh != 0) {
    s.isFresh = 0;
    store<u64>(RECORD, 0);
    s.step = <u8>Step.LOG_NEXT;
    store<u64>(RECORD, 0, CELL_BYTES);
    return program(s, 0, RECORD, s.stride);
  }
  if (load<u64>(SEEN) != BLANK) return goOn(s);
  encodeCell(RECORD, s.type, s.key, s.generation, s.value, s.cell, s.epoch);
  return programCell(s, Step.LOG_VERIFY);
}
/** The cell is on the medium, and ends the one before it. */
export function verifyAppended(s: Store): i32 {
  if (load<u64>(SEEN) != load<u64>(RECORD)) {
    return count(TRIES) < TRIES_MAX ? goOn(s) : <i32>Err.IO;
  }
  s.saved += 1;
  const isDelete = s.job == Job.DELETE;
  supersede(s, isDelete ? s.value : s.type, s.key);
  if (!isDelete) takeCell(s, s.cell);
  noteShadow(s, s.type);
  finish(s, isDelete ? <i32>Err.OK : <i32>s.cell);
  return Err.OK;
}
/** Begins to delete the key of the job. */
export function appendTombstone(s: Store): i32 {
  s.value = s.type;
  s.type = <u8>TOMBSTONE;
  return appendCell(s);
}

// ---- Turning the page ----

/** Erases the next page, whatever it holds, then copies what the page it retires still has. FULL: that is too much. */
function turnPage(s: Store): i32 {
  s.turns += 1;
  if (<u32>s.turns > pages(s)) {
    finish(s, Err.FULL);
    return Err.OK;
  }
  const page = nextPage(s);
  s.to = <u16>(page * s.page + headCells(s));
  s.cursor = <u16>nextTaken(s, 0);
  goOnCopying(s);
  return nv_erase(page * nv_erase_size());
}
/** Begins a reset: a page that lets no other count. */
export function resetLog(s: Store, epoch: u32): i32 {
  s.value = <u16>epoch;
  s.turns = 0;
  return turnPage(s);
}
function goOnCopying(s: Store): void {
  if (s.cursor < s.cells) goToCell(s, Step.LOG_COPY, s.cursor);
  else goTo(s, Step.LOG_HEAD, nextPage(s) * nv_erase_size(), SUPER_BYTES);
}
/** True for a cell that must outlive the page turn: one of the retired page, or a factory value that a reset keeps. */
function isCarried(s: Store): bool {
  if (s.job == Job.RESET) {
    return cellMarker(SEEN) == CellType.FACTORY && s.value >>> 8 == s.epoch >>> 8;
  }
  return <u32>s.extents == pages(s) - 1 && <u32>s.cursor / s.page == oldestPage(s);
}
export function copyCell(s: Store): i32 {
  const isLive = kindOf(s, s.cursor) == CellKind.LIVE;
  if (isLive && isCarried(s)) {
    if (<u32>s.to >= (nextPage(s) + 1) * s.page) {
      s.state = <u8>StoreState.READY;
      finish(s, Err.FULL);
      return Err.OK;
    }
    encodeCell(
      RECORD,
      cellMarker(SEEN),
      cellKey(SEEN),
      cellGeneration(SEEN),
      cellValue(SEEN),
      s.to,
      s.epoch,
    );
    goToCell(s, Step.LOG_COPIED, s.to);
    return programCell(s, Step.LOG_COPIED);
  }
  s.cursor = <u16>nextTaken(s, s.cursor + 1);
  goOnCopying(s);
  return Err.OK;
}
/** F2: nothing is retired before its copy was read back. */
export function verifyCopied(s: Store): i32 {
  const holds = load<u64>(SEEN) == load<u64>(RECORD);
  if (!holds && count(TRIES) >= TRIES_MAX) return Err.IO;
  if (holds) {
    s.tries = 0;
    if (s.job != Job.RESET) {
      takeCell(s, s.to);
      freeCell(s, s.cursor);
    }
    s.cursor = <u16>nextTaken(s, s.cursor + 1);
  }
  s.to += 1;
  goOnCopying(s);
  return Err.OK;
}
/** F1: the header comes last, and retires what it does not let count. */
export function writeHead(s: Store): i32 {
  memory.copy(RECORD, FORM, SUPER_BYTES);
  const most = pages(s) - 1;
  const counting: u32 = s.job == Job.RESET ? 1 : <u32>s.extents + 1;
  store<u8>(RECORD, counting < most ? counting : most, SUPER_EXTENTS_OFF);
  store<u8>(RECORD, <u32>s.seq + 1, SUPER_SEQ_OFF);
  if (s.job == Job.RESET) store<u16>(RECORD, s.value, SUPER_EPOCH_OFF);
  sealSuperblock(RECORD);
  s.step = <u8>Step.LOG_HEADED;
  return program(s, 0, RECORD, SUPER_BYTES);
}
export function verifyHead(s: Store): i32 {
  if (!isSuperblock(SEEN) || load<u64>(SEEN, 8) != load<u64>(RECORD, 8)) return Err.IO;
  s.uses += 1;
  if (s.job == Job.RESET || s.job == Job.FORMAT) {
    storeRemount(s);
    return Err.OK;
  }
  memory.copy(FORM, RECORD, SUPER_BYTES);
  s.head = <u8>nextPage(s);
  s.next = s.to;
  s.isFresh = 0;
  if (s.seq == 0) countRound(s);
  return goOn(s);
}

// ---- Format ----

/** Erases page by page; then page 0 gets the first header. */
export function wipe(s: Store): i32 {
  const page: u32 = s.to;
  if (page < pages(s)) {
    s.to += 1;
    return nv_erase(page * nv_erase_size());
  }
  s.head = <u8>(page - 1);
  s.seq = 0;
  goTo(s, Step.LOG_HEAD, 0, SUPER_BYTES);
  return Err.OK;
}
