// The device below the store: one record, one marker, one erase at a time, counted.

import { nv_erase, nv_program, nv_read } from "../hal";
import { CELL_BYTES, CELL_CRC_OFF, CELL_TYPE_OFF } from "../spec/cell";
import { cellAddress, SEEN, Store } from "./store";

/** Reads a cell into SEEN. IO, ABSENT. */
export function readCell(cell: u32): i32 {
  return nv_read(cellAddress(cell), SEEN, CELL_BYTES);
}

/** Starts programming. IO, ABSENT. */
export function program(s: Store, address: u32, from: usize, len: u32): i32 {
  s.programmed += len;
  return nv_program(address, from, len);
}

/** Starts programming one byte. IO, ABSENT. */
export function programByte(s: Store, address: u32, byte: u32): i32 {
  store<u8>(SEEN, byte);
  return program(s, address, SEEN, 1);
}

/** Starts erasing a unit. IO, ABSENT. */
export function eraseUnit(s: Store, address: u32): i32 {
  s.erased += 1;
  return nv_erase(address);
}

/** Starts taking a cell out of the world: its marker becomes DEAD. */
export function killCell(s: Store, cell: u32): i32 {
  return programByte(s, cellAddress(cell) + CELL_TYPE_OFF, 0);
}

/** Starts breaking the body of the dead cell in SEEN, so that no marker can bring it back. */
export function spoilCell(s: Store, cell: u32): i32 {
  let place: u32 = CELL_CRC_OFF + 1;
  if (s.eraseUnit == 0) {
    return programByte(s, cellAddress(cell) + place, ~(<u32>load<u8>(SEEN + place)) & 0xff);
  }
  // bits can only be cleared here: clear the last byte that has any; a key is not 0
  while (place > 0 && load<u8>(SEEN + place) == 0) place--;
  return programByte(s, cellAddress(cell) + place, 0);
}
