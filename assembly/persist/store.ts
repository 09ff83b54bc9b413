// Store, 96 bytes: the one state of the cell store, and which cells may not be taken.
//  0  state        u8   StoreState
//  1  job          u8   Job; its owner has the store to itself until it takes the result
//  2  step         u8   Step the next poll makes
//  3  eraseUnit    u8   bytes erased together, 0 to 8
//  4  cells        u16  number of cells
//  6  epoch        u16  of the superblock
//  8  schema       u8   of the superblock
//  9  extents      u8   of the superblock: how many lie behind the cells
// 10  free         u16  cells that may be taken
// 12  live         u16  cells that hold a value
// 14  damaged      u16  cells whose content was lost, or may have been
// 16  retired      u16  cells that did not take what was written, since the mount
// 18  random       u16  choice of the next free cell
// 20  cursor       u16  cell or offset a scan has reached
// 22  seq          u8   of the superblock that holds
// 23  copy         u8   which of the two it is
// 24  key          u16  of the job
// 26  value        u16  of the job
// 28  cell         u16  taken for the new version
// 30  old          u16  cell of the version it supersedes
// 32  best         u16  newest version a search has seen
// 34  generation   u8   of the new version; in a search, of the newest
// 35  type         u8   of the job
// 36  versions     u8   live versions a search has seen
// 37  tries        u8   attempts so far
// 38  isStale      u8   1: a damaged cell of the key was seen
// 39  length       u8   of the record the next step looks at, 8 or 16
// 40  address      u16  of that record
// 42  unfinished   u16  records that a power cut left half changed
// 44  result       i32  of a finished job
// 48  programmed   u32  counter: bytes programmed since the mount
// 52  erased       u32  counter: erasures since the mount
// 56  saved        u32  counter: cells committed since the mount
// 60  offset       u8   bytes of the record that were erased
// 61  passes       u8   free cells passed over for a better one
// 62  pair         u8   Pair: what a reset left of the other superblock
// 63  hasShadow    u8   1: a SHADOW was met or written, and nobody has found since that none is left
// 64  record       16   what is being committed
// 80  seen         16   the record at `address`

import { CELL_MAX, CELLS_BASE, CELLS_SIZE, STORE_BASE, STORE_SIZE } from "../layout";
import {
  BLOB_EXTENT_BYTES,
  CELL_BYTES,
  CELL_BYTES_LOG2,
  CELLS_ORIGIN,
  NO_CELL,
  SUPER_BYTES,
} from "../spec/cell";


@unmanaged
export class Store {
  state: u8 = 0;
  job: u8 = 0;
  step: u8 = 0;
  eraseUnit: u8 = 0;
  cells: u16 = 0;
  epoch: u16 = 0;
  schema: u8 = 0;
  extents: u8 = 0;
  free: u16 = 0;
  live: u16 = 0;
  damaged: u16 = 0;
  retired: u16 = 0;
  random: u16 = 0;
  cursor: u16 = 0;
  seq: u8 = 0;
  copy: u8 = 0;
  key: u16 = 0;
  value: u16 = 0;
  cell: u16 = 0;
  old: u16 = 0;
  best: u16 = 0;
  generation: u8 = 0;
  type: u8 = 0;
  versions: u8 = 0;
  tries: u8 = 0;
  isStale: u8 = 0;
  length: u8 = 0;
  address: u16 = 0;
  unfinished: u16 = 0;
  result: i32 = 0;
  programmed: u32 = 0;
  erased: u32 = 0;
  saved: u32 = 0;
  offset: u8 = 0;
  passes: u8 = 0;
  pair: u8 = 0;
  hasShadow: u8 = 0;
}
if (offsetof<Store>("address") != 40) ERROR("Store.address: offset");
if (offsetof<Store>("result") != 44) ERROR("Store.result: offset");
if (offsetof<Store>("saved") != 56) ERROR("Store.saved: offset");

/** The record being committed. */
export const RECORD: usize = STORE_BASE + 64;
/** The record that was read for the step under way. */
export const SEEN: usize = STORE_BASE + 80;
if (SEEN + 16 != STORE_BASE + STORE_SIZE) ERROR("Store: size");

/** The one Store. */
export function storeAt(): Store {
  return changetype<Store>(STORE_BASE);
}

/** What the store is busy with. */
export enum Job {
  NONE = 0,
  MOUNT = 1,
  FIND = 2,
  WRITE = 3,
  DELETE = 4,
  RESET = 5,
  FORMAT = 6,
}

/** What the next step does with the record at `address`. */
export enum Step {
  /** the result waits for its owner */
  DONE = 0,
  SUPER_A = 1,
  SUPER_B = 2,
  BLANK_CHECK = 3,
  SCAN = 4,
  LOOK = 5,
  RENEW = 6,
  REPAIR = 7,
  SWEEP = 8,
  CONFIRM = 9,
  DISARM = 10,
  ERASE = 11,
  VERIFY = 12,
  REJECT = 13,
  KILL = 14,
  KILLED = 15,
  CLEAR = 16,
  PURGE = 17,
  BLOB_LOOK = 18,
  BLOB_WRITE = 19,
  BLOB_VERIFY = 20,
}

/** State of the superblock that does not hold. */
export enum Pair {
  NONE = 0,
  /** sound, too: a reset has not yet killed it */
  OLDER = 1,
  /** whole, but not marked: a reset did not come to its end */
  YOUNGER = 2,
}

/** Address of a cell on the device. */
export function cellAddress(cell: u32): u32 {
  return CELLS_ORIGIN + (cell << CELL_BYTES_LOG2);
}

export function extentAddress(s: Store, extent: u32): u32 {
  return cellAddress(s.cells) + extent * BLOB_EXTENT_BYTES;
}
/** The first address behind cells and extents: what lies there is not the store's. */
export function storeEnd(): u32 {
  const s = storeAt();
  return extentAddress(s, s.extents);
}

/** Empties the store's memory. */
export function clearStore(): void {
  memory.fill(STORE_BASE, 0, STORE_SIZE);
  memory.fill(CELLS_BASE, 0xff, CELLS_SIZE);
}

/** The next step, with the record it looks at as before. */
export function goTo(s: Store, step: u32): void {
  s.step = <u8>step;
}
/** The next step, and the cell it looks at. */
export function goToCell(s: Store, step: u32, cell: u32): void {
  s.step = <u8>step;
  s.address = <u16>cellAddress(cell);
  s.length = <u8>CELL_BYTES;
}
/** The next step, and the superblock it looks at. */
export function goToSuperblock(s: Store, step: u32, copy: u32): void {
  s.step = <u8>step;
  s.address = <u16>(copy * SUPER_BYTES);
  s.length = <u8>SUPER_BYTES;
}

/** Ends the job: its owner finds `result`. A mount has no owner. */
export function finish(s: Store, result: i32): void {
  s.result = result;
  goTo(s, Step.DONE);
  if (s.job == Job.MOUNT) s.job = <u8>Job.NONE;
}

// ---- Which cells may not be taken: live and retired ones, and those beyond the last ----
// A set bit: taken. clearStore() sets them all.

function takenByte(cell: u32): usize {
  return CELLS_BASE + ((<usize>cell) >>> 3);
}
export function isTaken(cell: u32): bool {
  return ((<u32>load<u8>(takenByte(cell))) >>> (cell & 7)) & 1 ? true : false;
}
export function takeCell(s: Store, cell: u32): void {
  const at = takenByte(cell);
  store<u8>(at, (<u32>load<u8>(at)) | (1 << (cell & 7)));
  s.free -= 1;
}
export function freeCell(s: Store, cell: u32): void {
  const at = takenByte(cell);
  store<u8>(at, (<u32>load<u8>(at)) & ~(1 << (cell & 7)));
  s.free += 1;
}

/** The next taken cell from `cell` on; the number of cells: none. */
export function nextTaken(s: Store, cell: u32): u32 {
  while (cell < s.cells && !isTaken(cell)) {
    cell = load<u8>(takenByte(cell)) == 0 ? (cell | 7) + 1 : cell + 1;
  }
  return cell < s.cells ? cell : s.cells;
}

/** The n-th free cell, n < free. */
function freeCellAt(n: u32): u32 {
  let cell: u32 = 0;
  for (; cell < <u32>CELL_MAX; cell += 32) {
    const count: u32 = 32 - popcnt(load<u32>(takenByte(cell)));
    if (n < count) break;
    n -= count;
  }
  while (isTaken(cell) || n-- != 0) cell++;
  return cell;
}

/** A free cell, each as likely as any other; one must be free. The scan at mount seeds the choice. */
export function chooseFreeCell(s: Store): u32 {
  let x: u32 = s.random;
  x ^= (x << 7) & 0xffff;
  x ^= x >>> 9;
  x ^= (x << 8) & 0xffff;
  s.random = <u16>x;
  return freeCellAt((x * <u32>s.free) >>> 16);
}
