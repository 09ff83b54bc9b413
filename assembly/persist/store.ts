// Store, 144 bytes: the one state of the cell store, and which cells may not be taken.
//  0  form         16   the superblock that holds, as it is on the device: cells, epoch, schema, extents and seq
// 16  state        u8   StoreState
// 17  job          u8   Job; its owner has the store to itself until it takes the result
// 18  step         u8   Step the next poll makes
// 19  eraseUnit    u8   bytes erased together, 0 to 8
// 20  free         u16  cells that may be taken
// 22  damaged      u16  cells whose content was lost, or may have been
// 24  retired      u16  cells that did not take what was written, since the mount
// 26  unfinished   u16  records that a power cut left half changed
// 28  random       u16  choice of the next free cell
// 30  cursor       u16  cell a pass has reached
// 32  end          u16  cell before which it ends
// 34  key          u16  of the job
// 36  value        u16  of the job
// 38  cell         u16  taken for the new version; the youngest a search has seen
// 40  old          u16  cell of the version it supersedes
// 42  mode         u8   Mode of the pass
// 43  bestKind     u8   Kind of the youngest version a pass has seen, which is in `cell`
// 44  pair         u8   Pair: what a reset left of the other superblock
// 45  copy         u8   which of the two superblocks holds
// 46  result       i16  of a finished job
// 48  address      u32  of the record the next step looks at
// 52  length       u8   of that record, 8 or 16
// 53  type         u8   of the job
// 54  whole        u8   type of the cell in SEEN, whatever its marker; DEAD: its body is not whole
// 55  generation   u8   of the new version; in a pass, of the best
// 56  versions     u16  live versions a pass has seen
// 58  tries        u16  attempts so far
// 60  passes       u16  free cells passed over for a better one
// 62  offset       u8   bytes of the record that were erased
// 63  isFull       u8   1: the pass looks at every cell, not only at those that were live
// 64  programmed   u32  counter: bytes programmed since the mount
// 68  saved        u32  counter: cells committed since the mount
// 72  data         u32  address of the blob that is being written
// 76  size         u8   its bytes
// 77  extent       u8   where it goes
// 78  chunk        u8   offset in the extent of what is written next
// 79  flags        u8   StoreFlag
// 80  page         u16  on flash: cells of a page; 0: this is not flash
// 82  next         u16  cell of the youngest page that is appended next
// 84  to           u16  cell of the page that is filled with copies
// 86  head         u8   youngest page
// 87  stride       u8   bytes from cell to cell
// 88  isFresh      u8   1: nothing was programmed since the mount
// 89  turns        u8   pages turned for one append
// 90  rounds       u16  256 uses each: what the count on the device is, or is to be
// 92  uses         u32  of the medium since it was new: commits; on flash, page turns
// 96  record       16   what is being committed
// 112 seen         32   the record at `address`, or both superblocks

import { nv_erase_size } from "../hal";
import { CELL_MAX, CELLS_BASE, CELLS_SIZE, STORE_BASE, STORE_SIZE, HAS_LOG } from "../layout";
import {
  BLOB_EXTENT_BYTES,
  CELL_BYTES,
  CELL_BYTES_LOG2,
  CELLS_ORIGIN,
  CellType,
  SUPER_BYTES,
  SUPER_CELLS_OFF,
  SUPER_SEQ_OFF,
} from "../spec/cell";


@unmanaged
export class Store {
  magic: u32 = 0;
  version: u16 = 0;
  cells: u16 = 0;
  epoch: u16 = 0;
  schema: u8 = 0;
  extents: u8 = 0;
  seq: u8 = 0;
  seal: u8 = 0;
  sealHigh: u8 = 0;
  marker: u8 = 0;
  state: u8 = 0;
  job: u8 = 0;
  step: u8 = 0;
  eraseUnit: u8 = 0;
  free: u16 = 0;
  damaged: u16 = 0;
  retired: u16 = 0;
  unfinished: u16 = 0;
  random: u16 = 0;
  cursor: u16 = 0;
  end: u16 = 0;
  key: u16 = 0;
  value: u16 = 0;
  cell: u16 = 0;
  old: u16 = 0;
  mode: u8 = 0;
  bestKind: u8 = 0;
  pair: u8 = 0;
  copy: u8 = 0;
  result: i16 = 0;
  address: u32 = 0;
  length: u8 = 0;
  type: u8 = 0;
  whole: u8 = 0;
  generation: u8 = 0;
  versions: u16 = 0;
  tries: u16 = 0;
  passes: u16 = 0;
  offset: u8 = 0;
  isFull: u8 = 0;
  programmed: u32 = 0;
  saved: u32 = 0;
  data: u32 = 0;
  size: u8 = 0;
  extent: u8 = 0;
  chunk: u8 = 0;
  flags: u8 = 0;
  page: u16 = 0;
  next: u16 = 0;
  to: u16 = 0;
  head: u8 = 0;
  stride: u8 = 0;
  isFresh: u8 = 0;
  turns: u8 = 0;
  rounds: u16 = 0;
  uses: u32 = 0;
}
if (offsetof<Store>("cells") != SUPER_CELLS_OFF) ERROR("Store.cells: offset");
if (offsetof<Store>("seq") != SUPER_SEQ_OFF) ERROR("Store.seq: offset");
if (offsetof<Store>("address") != 48) ERROR("Store.address: offset");
if (offsetof<Store>("programmed") != 64) ERROR("Store.programmed: offset");
if (offsetof<Store>("uses") != 92) ERROR("Store.uses: offset");

/** The superblock that holds. */
export const FORM: usize = STORE_BASE;
/** The record being committed. */
export const RECORD: usize = STORE_BASE + 96;
/** The record that was read for the step under way. */
export const SEEN: usize = STORE_BASE + 112;
if (SEEN + 32 != STORE_BASE + STORE_SIZE) ERROR("Store: size");

/** The one Store. */
export function storeAt(): Store {
  return changetype<Store>(STORE_BASE);
}

// Counters that grow by one here and there: their addresses.
export const DAMAGED: usize = STORE_BASE + offsetof<Store>("damaged");
export const RETIRED: usize = STORE_BASE + offsetof<Store>("retired");
export const UNFINISHED: usize = STORE_BASE + offsetof<Store>("unfinished");
export const FREE: usize = STORE_BASE + offsetof<Store>("free");
export const CURSOR: usize = STORE_BASE + offsetof<Store>("cursor");
export const VERSIONS: usize = STORE_BASE + offsetof<Store>("versions");
export const TRIES: usize = STORE_BASE + offsetof<Store>("tries");
export const PASSES: usize = STORE_BASE + offsetof<Store>("passes");
/** Adds one to a 16-bit counter and returns it. */
export function count(counter: usize): u32 {
  const value = <u32>load<u16>(counter) + 1;
  store<u16>(counter, value);
  return value;
}

/** What the store is busy with. A mount has no owner. */
export enum Job {
  NONE = 0,
  FIND = 2,
  WRITE = 3,
  DELETE = 4,
  RESET = 5,
  FORMAT = 6,
}

/** What a pass over the cells is for: its row in the table of look.ts. */
export enum Mode {
  SEARCH = 0,
  /** ends all versions of the key but that in `cell` */
  OUTLIVE = 10,
  DELETE = 20,
  /** looks for live cells that refer to an extent */
  AVOID = 30,
  /** after a reset: ends what is damaged or unfinished, whosever it was */
  CLEAN = 40,
}

/** What the next step does with the record at `address`. */
export enum Step {
  /** the result waits for its owner */
  DONE = 0,
  SUPERBLOCKS = 1,
  BLANK = 2,
  SCAN = 3,
  REPAIR = 4,
  LOOK = 5,
  CONFIRM = 6,
  DISARM = 7,
  ERASE = 8,
  VERIFY = 9,
  REJECT = 10,
  CLEAR = 11,
  // on flash
  LOG_SCAN = 12,
  LOG_APPEND = 13,
  LOG_NEXT = 14,
  LOG_VERIFY = 15,
  LOG_COPY = 16,
  LOG_COPIED = 17,
  LOG_HEAD = 18,
  LOG_HEADED = 19,
  LOG_WIPE = 20,
}

export enum StoreFlag {
  /** a damaged cell of the key was seen */
  STALE = 1,
  /** a SHADOW was met or written, and nobody has found since that none is left */
  SHADOW = 2,
  /** `rounds` is to be written */
  COUNT = 4,
}

/** State of the superblock that does not hold. */
export enum Pair {
  NONE = 0,
  /** whole, but not marked: a reset did not come to its end */
  YOUNGER = 1,
  /** to be killed */
  DOOMED = 2,
  /** sound, too: a reset has not yet killed it */
  OLDER = 3,
}

/** A live cell of this type is there. */
export function noteShadow(s: Store, type: u32): void {
  if (type == CellType.SHADOW) s.flags |= <u8>StoreFlag.SHADOW;
}

// ---- Places ----

/** True where the store is a log, on flash. Never so where no flash is to be expected. */
export function isLog(s: Store): bool {
  return HAS_LOG && s.page != 0;
}

/** Address of a cell on the device. */
export function cellAddress(cell: u32): u32 {
  const s = storeAt();
  if (isLog(s)) {
    const page = cell / s.page;
    return page * nv_erase_size() + (cell - page * s.page) * s.stride;
  }
  return CELLS_ORIGIN + (cell << CELL_BYTES_LOG2);
}
export function extentAddress(s: Store, extent: u32): u32 {
  return cellAddress(s.cells) + extent * BLOB_EXTENT_BYTES;
}
/** The first address behind cells and extents: what lies there is not the store's. */
export function storeEnd(): u32 {
  const s = storeAt();
  return isLog(s) ? cellAddress(s.cells) : extentAddress(s, s.extents);
}

/** One more than there were resets. */
export function storeEpoch(): u32 {
  const epoch: u32 = storeAt().epoch;
  return (epoch & 0xff) + (epoch >>> 8);
}
/** Cells that hold what is in use. */
export function storeLive(): u32 {
  const s = storeAt();
  return s.cells - s.free - s.retired;
}

/** The next step, and the record it looks at. */
export function goTo(s: Store, step: u32, address: u32, length: u32): void {
  s.step = <u8>step;
  s.address = address;
  s.length = <u8>length;
  s.offset = 0;
}
export function goToCell(s: Store, step: u32, cell: u32): void {
  goTo(s, step, cellAddress(cell), CELL_BYTES);
}
export function goToSuperblock(s: Store, step: u32, copy: u32): void {
  goTo(s, step, copy * SUPER_BYTES, SUPER_BYTES);
}

/** Ends the job: its owner finds `result`. */
export function finish(s: Store, result: i32): void {
  s.result = <i16>result;
  s.step = <u8>Step.DONE;
}

// ---- Which cells may not be taken: live and retired ones, and those beyond the last ----
// A set bit: taken.

const CELLS_END: usize = CELLS_BASE + CELLS_SIZE;
function takenByte(cell: u32): usize {
  return CELLS_BASE + ((<usize>cell) >>> 3);
}
export function isTaken(cell: u32): bool {
  return ((<u32>load<u8>(takenByte(cell))) >>> (cell & 7)) & 1 ? true : false;
}
/** Turns a cell from free to taken, or back. */
function toggle(cell: u32): void {
  const at = takenByte(cell);
  store<u8>(at, (<u32>load<u8>(at)) ^ (1 << (cell & 7)));
}
export function takeCell(s: Store, cell: u32): void {
  toggle(cell);
  s.free -= 1;
}
export function freeCell(s: Store, cell: u32): void {
  toggle(cell);
  count(FREE);
}

/** The next taken cell from `cell` on; a number beyond the last: none. Eight free ones are one step. */
export function nextTaken(s: Store, cell: u32): u32 {
  if (cell >= s.cells) return cell;
  let at = takenByte(cell);
  let taken = (<u32>load<u8>(at)) >>> (cell & 7);
  if (taken == 0) {
    while (++at < CELLS_END && load<u8>(at) == 0);
    cell = (<u32>(at - CELLS_BASE)) << 3;
    taken = at < CELLS_END ? load<u8>(at) : 1;
  }
  for (; (taken & 1) == 0; taken >>>= 1) cell++;
  return cell;
}

/** Free cells of the eight in a byte of the map, most of which are all free or all taken. */
function freeOf(at: usize): u32 {
  const taken: u32 = load<u8>(at);
  if (taken == 0) return 8;
  return 8 - popcnt(taken);
}

/** A free cell, each as likely as any other; one must be free. The scan at mount seeds the choice. */
export function chooseFreeCell(s: Store): u32 {
  const x = (<u32>s.random * 25173 + 13849) & 0xffff;
  s.random = <u16>x;
  let n = (x * <u32>s.free) >>> 16;
  let at = CELLS_BASE;
  for (; at < CELLS_END - 1; at++) {
    const free = freeOf(at);
    if (n < free) break;
    n -= free;
  }
  let cell = (<u32>(at - CELLS_BASE)) << 3;
  for (; cell < <u32>CELL_MAX; cell++) if (!isTaken(cell) && n-- == 0) break;
  return cell;
}
