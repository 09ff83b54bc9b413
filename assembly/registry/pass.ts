// The restore pass: brings what the store holds to all values that wait for it, in one reading of the live cells.
// Pass, 8 bytes, in the second half of the saver's region
//  0  phase    u8   Phase
//  1  isAmiss  u8   1: a key was met twice
//  2  cursor   u16  cell the pass has reached
//  4  (4 spare)

import { SAVER_BASE, SAVER_SIZE } from "../layout";
import {
  storeDamaged,
  storeIsSettled,
  storeNext,
  storeSeenKey,
  storeSeenType,
  storeSeenValue,
} from "../persist/pool";
import { CellType, NO_CELL } from "../spec/cell";
import { Err } from "../spec/errors";
import { ValueBit, valueAt, valueCount, valueServed } from "./value";

/** Cells read in one poll. */
const CELLS_A_POLL: u32 = 8;

enum Phase {
  /** there is no pass; whoever still waits is searched for by key */
  NONE = 0,
  /** a value began to wait since the last poll; others may be about to */
  ANNOUNCED = 1,
  DUE = 2,
  UNDER_WAY = 3,
}


@unmanaged
class Pass {
  phase: u8 = 0;
  isAmiss: u8 = 0;
  cursor: u16 = 0;
}
const PASS_OFF: usize = 8;
const PASS_SIZE: usize = 8;
if (offsetof<Pass>() > PASS_SIZE || PASS_OFF + PASS_SIZE > SAVER_SIZE) ERROR("Pass: size");

function passAt(): Pass {
  return changetype<Pass>(SAVER_BASE + PASS_OFF);
}

/** A value began to wait: a pass begins, also when one is under way. */
export function passAnnounce(): void {
  passAt().phase = <u8>Phase.ANNOUNCED;
}
/** Nobody waits any more. */
export function passEnd(): void {
  memory.fill(SAVER_BASE + PASS_OFF, 0, PASS_SIZE);
}

function begin(p: Pass): void {
  p.phase = <u8>Phase.UNDER_WAY;
  p.isAmiss = 0;
  p.cursor = 0;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if ((v.bits & ValueBit.RESTORE) != 0) v.cell = <u16>NO_CELL;
  }
}

/** Gives the value in `cell` to those who wait for it. */
function deal(p: Pass, cell: u32): void {
  const type = storeSeenType();
  if (type != CellType.VALUE && type != CellType.FACTORY) return;
  const key = storeSeenKey();
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key != key || (v.bits & ValueBit.RESTORE) == 0) continue;
    if (v.cell != NO_CELL && type == CellType.VALUE) p.isAmiss = 1;
    if (type == CellType.VALUE) v.cell = <u16>cell;
    else if (v.cell != NO_CELL) continue; // a value of its own comes before the factory's
    v.value = <u16>storeSeenValue();
  }
}

/** Those that were met have what they waited for; the others, too, unless their cells may be the damaged ones. */
function end(isAmiss: bool): void {
  passEnd();
  if (isAmiss || !storeIsSettled()) return;
  const isComplete = storeDamaged() == 0;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (isComplete || v.cell != NO_CELL) valueServed(v, ValueBit.RESTORE);
  }
}

/** One step. False: there is no pass; whoever still waits must be searched for by key. */
export function passPoll(): bool {
  const p = passAt();
  if (p.phase == Phase.NONE || !storeIsSettled()) return false;
  if (p.phase == Phase.ANNOUNCED) {
    p.phase = <u8>Phase.DUE;
    return true;
  }
  if (p.phase == Phase.DUE) begin(p);
  for (let n: u32 = 0; n < CELLS_A_POLL && p.phase == Phase.UNDER_WAY; n++) {
    const cell = storeNext(p.cursor);
    if (cell == Err.BUSY) break;
    if (cell >= 0) {
      deal(p, cell);
      p.cursor = <u16>(cell + 1);
    } else if (cell == Err.NOT_FOUND) end(p.isAmiss != 0);
    else passEnd();
  }
  return true;
}
