// The record a step looks at, on the device: what it is, and the one program or erase that a step may start.

import { nv_erase, nv_program, nv_read } from "../hal";
import { CellKind, CellType } from "../spec/cell";
import { cellMarker, deadMarker, isCellType, isOld, typeOf } from "./record";
import { SEEN, Store } from "./store";

// ---- What a cell is ----

export { CellKind as Kind };

/** The marker that ends the cell in SEEN. `turn` 1: one that shows that its end is not complete. */
export function endMarker(s: Store, turn: u32): u32 {
  if (s.eraseUnit == 0) return deadMarker(SEEN, turn);
  return turn != 0 ? cellMarker(SEEN) & 0x88 : CellType.DEAD; // bits can only be cleared here
}

/** Kind of the cell in SEEN. */
export function kindOf(s: Store, cell: u32): u32 {
  const marker = cellMarker(SEEN);
  const isMarked = isCellType(marker);
  if (!isMarked && marker == endMarker(s, 0)) return CellKind.FREE; // most cells, without a CRC
  const type = typeOf(SEEN, cell, s.epoch);
  if (type == CellType.DEAD) {
    return isMarked && !isOld(SEEN, cell, s.epoch) ? CellKind.DAMAGED : CellKind.FREE;
  }
  if (type == marker) return CellKind.LIVE;
  return popcnt(type ^ marker) == 1 ? CellKind.NEARLY : CellKind.UNFINISHED;
}

// ---- What a step may start. Each returns OK, IO or ABSENT ----

/** Reads the record the store is at. */
export function readRecord(s: Store): i32 {
  return nv_read(s.address, SEEN, s.length);
}
function programByte(s: Store, offset: u32, byte: u32): i32 {
  store<u8>(SEEN, byte);
  s.programmed += 1;
  return nv_program(s.address + offset, SEEN, 1);
}
/** Starts programming the whole record. */
export function program(s: Store, from: usize): i32 {
  s.programmed += s.length;
  return nv_program(s.address, from, s.length);
}
/** Starts erasing the unit at an offset of the record. */
export function eraseUnit(s: Store, offset: u32): i32 {
  s.erased += 1;
  return nv_erase(s.address + offset);
}
/** Starts changing the marker of the record. */
export function mark(s: Store, marker: u32): i32 {
  return programByte(s, s.length - 1, marker);
}
/** Starts breaking the body of the record in SEEN, so that no marker can bring it back. */
export function spoil(s: Store): i32 {
  let place: u32 = s.length - 2; // high byte of the CRC
  if (s.eraseUnit == 0) return programByte(s, place, ~(<u32>load<u8>(SEEN + place)) & 0xff);
  // bits can only be cleared here: clear the last byte that has any; a key is not 0
  while (place > 0 && load<u8>(SEEN + place) == 0) place--;
  return programByte(s, place, 0);
}
/** Starts wiping the first two bytes of the record: without key or magic it is nothing, whatever its epoch. */
export function wipe(s: Store): i32 {
  store<u16>(SEEN, 0);
  s.programmed += 2;
  return nv_program(s.address, SEEN, 2);
}
