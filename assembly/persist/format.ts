// Writes superblocks, on command only: a factory reset is one of them, a format kills all markers first.

import { nv_read } from "../hal";
import {
  CELL_BYTES_LOG2,
  CELL_TYPE_OFF,
  CELLS_ORIGIN,
  CellType,
  StoreState,
  SUPER_BYTES,
  SUPER_MARKER_OFF,
} from "../spec/cell";
import { Err } from "../spec/errors";
import { commitSuperblock } from "./commit";
import { programByte } from "./medium";
import { SLICE } from "./mount";
import { encodeSuperblock } from "./record";
import { goTo, RECORD, SEEN, Step, Store } from "./store";

/** Begins job RESET: every value is gone at once. RANGE: 65,535 resets are all there can be; format. */
export function beginReset(s: Store): i32 {
  if (s.epoch == 0xffff) return Err.RANGE;
  encodeSuperblock(RECORD, s.cells, s.epoch + 1, s.schema, (s.seq + 1) & 0xff);
  s.state = <u8>StoreState.MOUNTING;
  commitSuperblock(s, 1 - s.copy);
  return Err.OK;
}

/** Begins job FORMAT: cells and schema are set. */
export function beginFormat(s: Store): void {
  s.state = <u8>StoreState.MOUNTING;
  s.cursor = 0;
  goTo(s, Step.CLEAR);
}

/** Markers of the region: two superblocks, then the cells. */
function markerAddress(n: u32): u32 {
  if (n < 2) return n * SUPER_BYTES + SUPER_MARKER_OFF;
  return CELLS_ORIGIN + ((n - 2) << CELL_BYTES_LOG2) + CELL_TYPE_OFF;
}
/** Kills every marker, one program a call. The superblocks come first: a format cut short is no store. */
export function clear(s: Store): i32 {
  const end = <u32>s.cells + 2;
  for (let n: u32 = 0; n < SLICE && s.cursor < <u16>end; n++) {
    const address = markerAddress(s.cursor);
    const err = nv_read(address, SEEN, 1);
    if (err < 0) return err;
    s.cursor += 1;
    const marker: u32 = load<u8>(SEEN);
    if (marker != CellType.DEAD && marker != CellType.BLANK) return programByte(s, address, 0);
  }
  if (s.cursor >= <u16>end) {
    encodeSuperblock(RECORD, s.cells, 1, s.schema, 1);
    commitSuperblock(s, 0);
  }
  return Err.OK;
}
