// The cell store, for its tests.

import { CellType } from "../../assembly/spec/cell";
import { REFUSAL_HAVE_OFF, REFUSAL_NEED_OFF, REFUSAL_RESOURCE_OFF } from "../../assembly/spec/node";
import {
  CELLS_BASE,
  CELLS_SIZE,
  IO_BASE,
  REFUSAL_BASE,
  STORE_BASE,
  STORE_SIZE,
} from "../../assembly/layout";
import { Kind, kindOf } from "../../assembly/persist/medium";
import { encodeCell, mendCell } from "../../assembly/persist/record";
import { isTaken, SEEN, storeAt, storeEpoch, storeLive } from "../../assembly/persist/store";

export {
  storeReadBlob,
  storeWriteBlob,
  storeCapacity,
  storeDebounce,
  storeDelete,
  storeEnd,
  storeFind,
  storeIsAmiss,
  storeFormat,
  storeMount,
  storeNext,
  storePoll,
  storeRead,
  storeReset,
  storeResult,
  storeSeenKey,
  storeSeenType,
  storeSeenValue,
  storeState,
  storeWrite,
} from "../../assembly/persist/pool";

export function damaged(): u32 {
  return storeAt().damaged;
}
export function unfinished(): u32 {
  return storeAt().unfinished;
}
export function free(): u32 {
  return storeAt().free;
}
export function live(): u32 {
  return storeLive();
}
export function retired(): u32 {
  return storeAt().retired;
}
export function epoch(): u32 {
  return storeEpoch();
}
export function cells(): u32 {
  return storeAt().cells;
}
export function schema(): u32 {
  return storeAt().schema;
}
export function programmed(): u32 {
  return storeAt().programmed;
}
export function taken(cell: u32): bool {
  return isTaken(cell);
}
/** Where all the store knows lies in memory: the store, then its map of cells. */
export function stateBase(): usize {
  return STORE_BASE;
}
export function stateSize(): usize {
  return CELLS_BASE + CELLS_SIZE - STORE_BASE;
}
if (CELLS_BASE != STORE_BASE + STORE_SIZE) ERROR("probe: the store and its map must be neighbours");

/** Of the last refusal: the Resource, how many were needed, and how many there are, as three bytes. */
export function refused(): u32 {
  const need = load<u32>(REFUSAL_BASE + REFUSAL_NEED_OFF);
  const have = load<u32>(REFUSAL_BASE + REFUSAL_HAVE_OFF);
  return (<u32>load<u8>(REFUSAL_BASE + REFUSAL_RESOURCE_OFF)) | (need << 8) | (have << 16);
}

/** Eight bytes to encode a cell into. */
export function scratch(): usize {
  return SEEN;
}
export function encode(
  type: u32,
  key: u32,
  generation: u32,
  value: u32,
  cell: u32,
  epoch: u32,
): void {
  encodeCell(SEEN, type, key, generation, value, cell, epoch);
}

/** 64 bytes for a blob. */
export function blobBuffer(): usize {
  return IO_BASE;
}

// ---- Changed bits, tried exhaustively ----
function flipBit(bit: u32): void {
  const at = SEEN + (bit >>> 3);
  store<u8>(at, (<u32>load<u8>(at)) ^ (1 << (bit & 7)));
}
/** How many patterns of `flips` changed bits, none in the marker, are mended in the SYSTEM cell in SEEN. */
function mendedFrom(from: u32, flips: u32, cell: u32): u32 {
  let count: u32 = 0;
  const whole = load<u64>(SEEN);
  for (let bit = from; bit < 56; bit++) {
    flipBit(bit);
    if (flips > 1) count += mendedFrom(bit + 1, flips - 1, cell);
    else if (kindOf(storeAt(), cell) == Kind.DAMAGED && mendCell(SEEN, cell, storeAt().epoch))
      count += 1;
    store<u64>(SEEN, whole);
  }
  return count;
}
/** Of all patterns of `flips` changed bits in the cell of a word, those that are mended. */
export function mended(flips: u32, key: u32, value: u32, cell: u32, epoch: u32): u32 {
  storeAt().epoch = <u16>epoch;
  encodeCell(SEEN, CellType.SYSTEM, key, 3, value, cell, epoch);
  return mendedFrom(0, flips, cell);
}

/** How many patterns of `flips` changed bits from bit `from` on leave the cell in SEEN live. Bounded: at most 5 flips. */
function undetectedFrom(from: u32, flips: u32, cell: u32): u32 {
  let count: u32 = 0;
  for (let bit = from; bit < 64; bit++) {
    flipBit(bit);
    if (flips > 1) count += undetectedFrom(bit + 1, flips - 1, cell);
    else if (kindOf(storeAt(), cell) == Kind.LIVE) count += 1;
    flipBit(bit);
  }
  return count;
}
/** Of all patterns of `flips` changed bits in the cell of a value, those that pass for a sound cell. */
export function undetected(flips: u32, key: u32, value: u32, cell: u32): u32 {
  storeAt().epoch = 1;
  encodeCell(SEEN, CellType.VALUE, key, 3, value, cell, 1);
  return undetectedFrom(0, flips, cell);
}
