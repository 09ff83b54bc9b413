// Load, 56 bytes behind the image's Check: the one load or restart that is under way.
//  0  phase      u8   Phase
//  1  slot       u8   slot of the image
//  2  bank       u8   where the task will be
//  3  flags      u8   LoadFlag
//  4  total      u32  announced length
//  8  received   u32  bytes that came
// 12  cursor     u32  entry or section that is next; before that, of a stored image, the CRC-32 it must have
// 16  memory     u16  arena ref of the data and stack to be
// 18  instance   u8   of the name
// 19  eighths    u8   of the file that were reported
// 20  restarts   u8   most restarts after a fault
// 21  stored     u8   stored slot the bytes go to or come from
// 22  quantum    u8   of the turns, as in the flags of a task
// 23  verdict    u8   -Err of the check, until the sum has told whether it is the image's fault
// 24  growth     u32  bytes by which mailboxes that exist must grow; of a staging, bytes of the slot that are erased
// 28  since      u32  clock when bytes last came
// 32  sum        u32  over the file so far, while the check is in doubt
// 36  summed     u32  bytes of it
// 40  arrival    u8   Arrival
// 41  (3 spare)
// 44  declarer   12   Declarer: pid, bank, slot, replaced task, group and key base, ended tasks

import { CHECK_SIZE, SESSION_BASE, SESSION_SIZE } from "../layout";
import { Declarer } from "../registry/declare";

export enum Phase {
  IDLE = 0,
  /** bytes arrive and are checked */
  RECEIVING = 1,
  ADMITTING = 2,
  VALUES = 3,
  COMMANDS = 4,
  MAILBOXES = 5,
  RESTORING = 6,
  /** the change-over is done; nothing can refuse any more */
  ADJUSTING = 7,
  /** the new task's memory is filled */
  FILLING = 8,
  /** the header of a staged image is being written */
  SEALING = 9,
  /** what must be at hand of an image whose code stays on the device is copied to memory */
  KEEPING = 10,
  /** everything is ready for the change-over, which waits to be asked for */
  PREPARED = 11,
  /** the check found fault: the sum over all bytes tells whether they are those that were sent */
  SUMMING = 12,
  /** they are not; some must come again */
  DAMAGED = 13,
  /** its name can be had: bank and memory are next */
  RESERVING = 14,
}

export enum LoadFlag {
  /** a task starts over from its own slot */
  RESTART = 1,
  /** the row of handles is the new task's already */
  ATTACHED = 2,
  /** bytes go to a stored slot, nothing is started */
  STAGE = 4,
  /** the slot must first be given up by the app whose fallback it holds */
  HELD = 8,
  /** a stored image is checked where it lies, nothing is started */
  VERIFY = 16,
  /** bytes come from a stored slot */
  FETCH = 32,
  /** code and rodata stay in the stored slot */
  WINDOW = 64,
}
/** How a load over the node protocol goes. */
export enum Arrival {
  /** bytes come in any order */
  BUS = 1,
  /** stops before the change-over */
  HOLD = 2,
  /** they come from the card, and must have the CRC-32 that its manifest tells */
  CARD = 4,
  /** they come over the serial line */
  SERIAL = 8,
}
/** The bytes lie on the device. */
export const IN_PLACE: u32 = LoadFlag.STAGE | LoadFlag.VERIFY | LoadFlag.WINDOW;


@unmanaged
export class Load {
  phase: u8 = 0;
  slot: u8 = 0;
  bank: u8 = 0;
  flags: u8 = 0;
  total: u32 = 0;
  received: u32 = 0;
  cursor: u32 = 0;
  memory: u16 = 0;
  instance: u8 = 0;
  eighths: u8 = 0;
  restarts: u8 = 0;
  stored: u8 = 0;
  quantum: u8 = 0;
  verdict: u8 = 0;
  growth: u32 = 0;
  since: u32 = 0;
  sum: u32 = 0;
  summed: u32 = 0;
  arrival: u8 = 0;
}
const DECLARER_OFF: usize = 44;
/** In the place of a replaced pid: whichever task has the app's name. */
export const NAMESAKE: u32 = 255;
const LOAD_BASE: usize = SESSION_BASE + CHECK_SIZE;
export const LOAD_SIZE: usize = 56;
if (offsetof<Load>("since") != 28) ERROR("Load.since: offset");
if (DECLARER_OFF + offsetof<Declarer>() > LOAD_SIZE) ERROR("Load: size");
if (CHECK_SIZE + LOAD_SIZE > SESSION_SIZE) ERROR("Load: session");

/** The one Load. */
export function loadAt(): Load {
  return changetype<Load>(LOAD_BASE);
}
/** Who declares what the image brings. */
export function declarerAt(): Declarer {
  return changetype<Declarer>(LOAD_BASE + DECLARER_OFF);
}
/** Address of the field that owns the memory to be. */
export function loadMemoryField(l: Load): usize {
  return changetype<usize>(l) + offsetof<Load>("memory");
}
