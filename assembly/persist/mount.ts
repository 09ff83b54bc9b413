// Mounts the device: which superblock holds, which cells are live. It writes nothing and never formats.

import { nv_erase_size, nv_granule, nv_size } from "../hal";
import { CELL_MAX, CELLS_BASE, CELLS_SIZE, STORE_BASE, STORE_SIZE, HAS_LOG } from "../layout";
import {
  CellType,
  CELL_BYTES,
  CELL_BYTES_LOG2,
  CELLS_ORIGIN,
  StoreState,
  SUPER_BYTES,
  SUPER_SEQ_OFF,
} from "../spec/cell";
import { Err } from "../spec/errors";
import { findHead, logCapacity, openLog } from "./log";
import { beginLook } from "./look";
import { Kind, kindOf } from "./medium";
import {
  cellKey,
  cellMarker,
  cellSeal,
  cellValue,
  isSuperblock,
  isSuperBody,
  mendCell,
} from "./record";
import {
  count,
  CURSOR,
  DAMAGED,
  UNFINISHED,
  cellAddress,
  finish,
  FORM,
  freeCell,
  goTo,
  goToCell,
  isLog,
  Job,
  Mode,
  noteShadow,
  Pair,
  SEEN,
  Step,
  Store,
  storeAt,
  storeEnd,
} from "./store";
import { noteRounds, storeRounds, useMet } from "./wear";
import { wordMet } from "./words";

/** Cells this device and this profile can hold. */
export function storeCapacity(): u32 {
  if (isLog(storeAt())) return logCapacity();
  const size = nv_size();
  if (size < CELLS_ORIGIN) return 0;
  const cells = (size - CELLS_ORIGIN) >>> CELL_BYTES_LOG2;
  return cells < <u32>CELL_MAX ? cells : <u32>CELL_MAX;
}

/** Begins to mount, whatever went on before; cells known from earlier mounts are forgotten. storeState() tells the end. */
export function storeMount(): void {
  memory.fill(STORE_BASE, 0, STORE_SIZE);
  const s = storeAt();
  if (nv_size() == 0) return; // ABSENT
  const unit = nv_erase_size();
  s.state = <u8>StoreState.UNSUPPORTED;
  if (HAS_LOG && (unit > CELL_BYTES || nv_granule() != 1)) {
    if (!openLog(s)) return;
    s.state = <u8>StoreState.MOUNTING;
    if (!findHead(s)) goTo(s, Step.BLANK, 0, CELL_BYTES);
    return;
  }
  if (nv_granule() != 1 || unit > CELL_BYTES || popcnt(unit) > 1 || storeCapacity() == 0) return;
  s.state = <u8>StoreState.MOUNTING;
  s.eraseUnit = <u8>unit;
  goTo(s, Step.SUPERBLOCKS, 0, CELLS_ORIGIN);
}
/** Mounts what a reset or format has made, for its owner; how worn the medium is stays known. */
export function storeRemount(s: Store): void {
  const job = s.job;
  const rounds = storeRounds();
  storeMount();
  s.job = job;
  noteRounds(s, rounds);
}

// ---- Superblocks ----

/** Both superblocks are in SEEN: the younger sound one holds, and the scan begins under it. */
export function readSuperblocks(s: Store): void {
  const b = SEEN + SUPER_BYTES;
  const isA = isSuperblock(SEEN);
  const isB = isSuperblock(b);
  const isYounger = <i8>(load<u8>(b, SUPER_SEQ_OFF) - load<u8>(SEEN, SUPER_SEQ_OFF)) > 0;
  const takesB = isB && (!isA || isYounger);
  if (!takesB && !isA) return goTo(s, Step.BLANK, 0, CELL_BYTES);
  if (isA && isB) s.pair = <u8>Pair.OLDER;
  else if (takesB != isYounger && isSuperBody(takesB ? SEEN : b)) s.pair = <u8>Pair.YOUNGER;
  s.copy = <u8>(takesB ? 1 : 0);
  memory.copy(FORM, takesB ? b : SEEN, SUPER_BYTES);
  if (<usize>s.cells > CELL_MAX || storeEnd() > nv_size()) return settle(s, StoreState.READ_ONLY);
  memory.fill(CELLS_BASE, 0xff, CELLS_SIZE);
  goToCell(s, Step.SCAN, 0);
}
export function settle(s: Store, state: u32): void {
  s.state = <u8>state;
  finish(s, Err.OK);
}

/** A device without a superblock: blank, or damaged? */
export function checkBlank(s: Store): void {
  const isBlank = load<u64>(SEEN) + 1 < 2;
  s.address += CELL_BYTES;
  if (isBlank && s.address < cellAddress(storeCapacity())) return;
  settle(s, isBlank ? StoreState.BLANK : StoreState.READ_ONLY);
}

// ---- Cells ----

/** M1, M3, M4: each cell is read once. */
export function scan(s: Store): void {
  const cell: u32 = s.cursor;
  s.random = <u16>((<u32>s.random * 5 + cellSeal(SEEN)) ^ ((<u32>s.random) >>> 11));
  const kind = kindOf(s, cell);
  if (kind < Kind.NEARLY) freeCell(s, cell);
  if (kind == Kind.LIVE) {
    useMet(s);
    noteShadow(s, cellMarker(SEEN));
  }
  if (kind == Kind.DAMAGED) count(DAMAGED);
  else if (kind != Kind.FREE && kind != Kind.LIVE) count(UNFINISHED);
  const isWhole = kind == Kind.LIVE || (kind == Kind.DAMAGED && mendCell(SEEN, cell, s.epoch));
  if (isWhole && cellMarker(SEEN) == CellType.SYSTEM) wordMet(cellKey(SEEN), cellValue(SEEN));
  const next = count(CURSOR);
  if (next < s.cells) return goToCell(s, Step.SCAN, next);
  s.uses += (<u32>s.rounds) << 8;
  settle(s, StoreState.READY);
  if (s.job != Job.RESET) return;
  s.mode = <u8>Mode.CLEAN;
  beginLook(s, 1);
}
