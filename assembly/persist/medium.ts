// The record a step looks at, on the device: what it is, and the one program or erase that a step may start.

import { nv_erase, nv_program, nv_read } from "../hal";
import { HAS_LOG } from "../layout";
import { Err } from "../spec/errors";
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

/** Kind of the cell in SEEN; `whole` tells its type. */
export function kindOf(s: Store, cell: u32): CellKind {
  const marker = cellMarker(SEEN);
  const isMarked = isCellType(marker);
  const type = typeOf(SEEN, cell, s.epoch);
  s.whole = <u8>type;
  if (type == CellType.DEAD) {
    return isMarked && !isOld(SEEN, cell, s.epoch) ? CellKind.DAMAGED : CellKind.FREE;
  }
  if (type == marker) return CellKind.LIVE;
  if (!isMarked && marker == endMarker(s, 0)) return CellKind.FREE;
  // the end of a SHADOW must not be undone after its value was merged or dropped
  const isNearly = popcnt(type ^ marker) == 1 && type != CellType.SHADOW;
  return isNearly ? CellKind.NEARLY : CellKind.UNFINISHED;
}

// ---- What a step may start. Each returns OK, IO or ABSENT ----

/** Reads the record the store is at. */
export function readRecord(s: Store): i32 {
  const err = nv_read(s.address, SEEN, s.length);
  if (!HAS_LOG || err != Err.CORRUPT) return err;
  memory.fill(SEEN, 1, s.length); // neither blank nor sound
  return Err.OK;
}
/** Starts programming bytes at an offset of the record. */
export function program(s: Store, offset: u32, from: usize, length: u32): i32 {
  s.programmed += length;
  return nv_program(s.address + offset, from, length);
}
/** Starts erasing the unit at an offset of the record. */
export function eraseUnit(s: Store, offset: u32): i32 {
  return nv_erase(s.address + offset);
}
function programByte(s: Store, offset: u32, byte: u32): i32 {
  store<u8>(SEEN, byte);
  return program(s, offset, SEEN, 1);
}
/** Starts changing the marker of the record. */
export function mark(s: Store, marker: u32): i32 {
  return programByte(s, s.length - 1, marker);
}
/** Starts breaking the body of the record in SEEN, so that no marker can bring it back. */
export function spoil(s: Store): i32 {
  let place: u32 = s.length - 2; // high byte of the CRC
  let byte: u32 = ~(<u32>load<u8>(SEEN + place));
  // bits can only be cleared with erase units: clear the last byte that has any; a key is not 0
  if (s.eraseUnit != 0) for (byte = 0; load<u8>(SEEN + place) == 0 && place != 0;) place--;
  return programByte(s, place, byte);
}
