// The state of the one check that may run: how far the image that arrives is proved sound.
//
// Check, 64 bytes at the start of the session
//  0  total       u32  announced length of the file
//  4  received    u32  bytes there, from the first on without gap
//  8  summed      u32  bytes the sum covers; those that were not there count as zeros
// 12  fileSum     u32  sum over every byte
// 16  at          u32  next byte the phase reads
// 20  end         u32  end of the manifest or of the section under check
// 24  floor       u32  first offset a section may have
// 28  values      u16  declared so far
// 30  commands    u16
// 32  mailboxes   u16
// 34  entry       u16  entry under check in the section
// 36  otherEntry  u16  entries of section `other` it was compared with
// 38  other       u8   section whose entries it is compared with
// 39  section     u8   section under check
// 40  slot        u8   where the image lies
// 41  phase       u8   Phase
// 42  step        u8   what of the entry is next
// 43  flags       u8   CheckFlag bits
// 44  verdict     i32  BUSY until the end
// 48  unfinished  u8   state of UTF-8 in the string under check
// 49  (3 spare)
// 52  otherAt     u32  next entry it is compared with
// 56  otherLeft   u16  entries of that section still to compare
// 58  (6 spare)

import { CHECK_SIZE, SESSION_BASE } from "../layout";

export enum Phase {
  HEADER = 0,
  MANIFEST = 1,
  /** inside the manifest */
  MANIFEST_TEXT = 2,
  TABLE = 3,
  /** looks for the section that ends next */
  PICK = 4,
  SECTION = 5,
  /** only the sums remain */
  SUMS = 6,
}

export enum CheckFlag {
  /** the app's name has ended */
  NAMED = 1,
  /** a section was checked: `section` and `end` tell the last */
  PICKED = 2,
  /** the file was found sound when it was stored, and its CRC-32 noted: its own checksum, which that covers, is not summed again */
  KNOWN = 4,
}


@unmanaged
export class Check {
  total: u32 = 0;
  received: u32 = 0;
  summed: u32 = 0;
  fileSum: u32 = 0;
  at: u32 = 0;
  end: u32 = 0;
  floor: u32 = 0;
  values: u16 = 0;
  commands: u16 = 0;
  mailboxes: u16 = 0;
  entry: u16 = 0;
  otherEntry: u16 = 0;
  other: u8 = 0;
  section: u8 = 0;
  slot: u8 = 0;
  phase: u8 = 0;
  step: u8 = 0;
  flags: u8 = 0;
  verdict: i32 = 0;
  unfinished: u8 = 0;
  otherAt: u32 = 0;
  otherLeft: u16 = 0;
}
if (offsetof<Check>("otherLeft") != 56) ERROR("Check.otherLeft: offset");
if (offsetof<Check>() > CHECK_SIZE) ERROR("Check: size");

/** The one Check. */
export function checkAt(): Check {
  return changetype<Check>(SESSION_BASE);
}
