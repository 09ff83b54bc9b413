// Wear: how often the medium was used since it was new, and how often it may be. Each key's generation counts its updates up
// to 255, so only every 256th is counted apart, in a SYSTEM cell; on flash the sequence of headers counts page turns alike.

import { nv_medium } from "../hal";
import {
  CellType,
  NO_CELL,
  NvMedium,
  StoreState,
  SUPER_BYTES,
  WEAR_BYTE,
  WEAR_KEY,
  WEAR_MAX,
  WEAR_PAGE,
  WEAR_UNIT,
} from "../spec/cell";
import { NEVER } from "../spec/node";
import { cellGeneration, cellKey, cellMarker, cellValue } from "./record";
import { isLog, Job, SEEN, Store, storeAt, StoreFlag, storeLive } from "./store";

/** 256 more uses are behind. */
export function countRound(s: Store): void {
  s.rounds += 1;
  s.flags |= <u8>StoreFlag.COUNT;
}
/** A cell was committed on a medium without pages. */
export function countUse(s: Store): void {
  s.uses += 1;
  if (s.generation == 0 && (s.old != <u16>NO_CELL || s.job == Job.FIND)) countRound(s);
}

/** The mount met the live SYSTEM cell in SEEN: it may be the count. */
export function countMet(s: Store): void {
  const value = cellValue(SEEN);
  if (cellKey(SEEN) == WEAR_KEY && value > <u32>s.rounds) s.rounds = <u16>value;
}
/** The mount met the live cell in SEEN, on a medium without pages: its key was written so often. */
export function useMet(s: Store): void {
  s.uses += cellGeneration(SEEN) + 1;
  if (cellMarker(SEEN) == CellType.SYSTEM) countMet(s);
}

/** What a reset or format must not forget, in units of 256; noteRounds() brings it back. */
export function storeRounds(): u32 {
  return storeAt().uses >>> 8;
}
export function noteRounds(s: Store, rounds: u32): void {
  s.rounds = <u16>rounds;
  if (rounds != 0) s.flags |= <u8>StoreFlag.COUNT;
}

/** The count to be written under WEAR_KEY; 0: none is due. */
export function storeCountDue(): u32 {
  const s = storeAt();
  return (s.flags & StoreFlag.COUNT) == 0 || nv_medium() == NvMedium.FRAM ? 0 : s.rounds;
}
/** The count is being written. */
export function storeCounted(): void {
  storeAt().flags &= ~(<u8>StoreFlag.COUNT);
}

/** Uses the medium bears: commits to the cells that are free now and one; on flash, page turns. 0: as many as there can be, or the store is not READY. */
export function storeWearMax(): u32 {
  const s = storeAt();
  if (s.state != StoreState.READY || nv_medium() == NvMedium.FRAM) return 0;
  const uses: u32 = isLog(s)
    ? (<u32>s.cells / s.page) * WEAR_PAGE
    : (<u32>s.free + 1) * (s.eraseUnit == 0 ? WEAR_BYTE : WEAR_UNIT);
  return uses < WEAR_MAX ? uses : WEAR_MAX;
}
/** Uses since the medium was new, in the unit of storeWearMax(). */
export function storeWear(): u32 {
  return storeAt().uses;
}
/** True when the medium has borne what it may: no value is saved any more. */
export function storeIsWorn(): bool {
  const most = storeWearMax();
  return most != 0 && storeWear() >= most;
}
/** Updates of 16-bit values that are left; NEVER where storeWearMax() is 0. On flash a page turn makes room for some. */
export function storeUpdatesLeft(): u32 {
  const s = storeAt();
  const most = storeWearMax();
  if (most == 0) return NEVER;
  const left = storeIsWorn() ? 0 : most - storeWear();
  if (!isLog(s)) return left;
  const kept = storeLive() / (<u32>s.cells / s.page - 1);
  const room = <u32>s.page - SUPER_BYTES / s.stride;
  return left * (kept < room ? room - kept : 1);
}
