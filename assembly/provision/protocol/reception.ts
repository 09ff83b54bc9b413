// What the node knows of a load by broadcast, and which frames of it have come.
//
// Reception, 88 bytes
//  0  session      u8
//  1  head         u8   line and master it belongs to
//  2  stage        u8   Stage
//  3  mode         u8   BeginMode
//  4  total        u32
//  8  crc          u32
// 12  counts       u8   as in BEGIN
// 13  slot         u8   as in BEGIN_CRC
// 14  group        u8
// 15  parts        u8   Part bits: which frames of the offer came
// 16  key          u16
// 18  bitmap       u16  arena ref: a bit a frame that has come
// 20  window       u16  the DATA frames that come belong to it; NO_WINDOW: to none that is known
// 22  windowFlags  u8   WindowFlag
// 23  event        u8   LoadEvent, once it has ended
// 24  missing      u16  frames that have not come
// 26  prefix       u16  frames that have, without a gap, from the first on
// 28  code         u8   -Err
// 29  task         u8   as in STATUS
// 30  due          u8   1: STATUS is due
// 31  other        u8   session of another master that was heard meanwhile
// 32  since        u32  clock of the last frame of the session
// 36  began        u32
// 40  dataSince    u16  clock of the last DATA frame, lower bits
// 42  told         u16  clock of the last progress that was told, lower bits
// 44  checked      u16  window under CHECK; NO_WINDOW: none
// 46  checkAt      u16  bytes of it that are summed
// 48  checkSum     u32
// 52  checkWanted  u32
// 56  noted        u16  the next window to be noted in the slot
// 58  said         u8   phase that was told last
// 59  pace         u8   PACE that is due; 0: none
// 60  place        u32  in the file, of an error
// 64  frames       u16  of the file
// 66  streamMs     u16  ms after a DATA frame in which one of the other parity is of the next window
// 68  isBehind     u8   1: the poll before took all the frames it may, and left some
// 69  (1 spare)
// 70  polled       u16  window whose frames NACKs are due of; NO_WINDOW: none
// 72  nacks        16   a bit a NACK that is due

import { arenaAddress } from "../../arena";
import { RECEPTION_BASE, RECEPTION_SIZE } from "../../layout";
import { DATA_BYTES, WINDOW_FRAMES } from "../../spec/frame";

export enum Stage {
  IDLE = 0,
  /** this node was chosen, the offer is not complete */
  CHOSEN = 1,
  /** bytes come, are checked, and what follows from them */
  LOADING = 2,
  /** the image is in its slot and waits for COMMIT */
  STAGED = 3,
  /** the image in the slot is being started */
  ACTIVATING = 4,
  ENDED = 5,
}
/** Frames of the offer. */
export enum Part {
  SIZE = 1,
  CRC = 2,
  BASES = 4,
}
export const NO_WINDOW: u32 = 0xffff;


@unmanaged
export class Reception {
  session: u8 = 0;
  head: u8 = 0;
  stage: u8 = 0;
  mode: u8 = 0;
  total: u32 = 0;
  crc: u32 = 0;
  counts: u8 = 0;
  slot: u8 = 0;
  group: u8 = 0;
  parts: u8 = 0;
  key: u16 = 0;
  bitmap: u16 = 0;
  window: u16 = 0;
  windowFlags: u8 = 0;
  event: u8 = 0;
  missing: u16 = 0;
  prefix: u16 = 0;
  code: u8 = 0;
  task: u8 = 0;
  due: u8 = 0;
  other: u8 = 0;
  since: u32 = 0;
  began: u32 = 0;
  dataSince: u16 = 0;
  told: u16 = 0;
  checked: u16 = 0;
  checkAt: u16 = 0;
  checkSum: u32 = 0;
  checkWanted: u32 = 0;
  noted: u16 = 0;
  said: u8 = 0;
  pace: u8 = 0;
  place: u32 = 0;
  frames: u16 = 0;
  streamMs: u16 = 0;
  isBehind: u8 = 0;
  polled: u16 = 0;
}
if (offsetof<Reception>("bitmap") != 18) ERROR("Reception.bitmap: offset");
if (offsetof<Reception>("place") != 60) ERROR("Reception.place: offset");
/** A bit for each NACK that is due. */
export const NACKS: usize = RECEPTION_BASE + 72;
export const NACKS_SIZE: usize = 16;
if (NACKS + NACKS_SIZE > RECEPTION_BASE + RECEPTION_SIZE) ERROR("Reception: nacks");

/** The one Reception. */
export function receptionAt(): Reception {
  return changetype<Reception>(RECEPTION_BASE);
}
/** Address of the field that owns the bitmap. */
export function bitmapField(): usize {
  return RECEPTION_BASE + offsetof<Reception>("bitmap");
}

// ---- Bits of frames, those behind the last stay clear. Bytes are looked at, not bits, where it can be: an AVR has no time to lose ----

const BITMAP_BYTES: usize = WINDOW_FRAMES / 8;
export const WINDOW_SHIFT: u32 = 7;

/** Frames of a file. */
export function framesIn(total: u32): u32 {
  return (total + DATA_BYTES - 1) / DATA_BYTES;
}
export function windowCount(r: Reception): u32 {
  return (<u32>r.frames + WINDOW_FRAMES - 1) >>> WINDOW_SHIFT;
}
/** Bytes of the bitmap: whole windows. */
export function bitmapBytes(r: Reception): u32 {
  return windowCount(r) * <u32>BITMAP_BYTES;
}
/** Frames of a window of the file. */
export function framesOf(r: Reception, window: u32): u32 {
  const rest = <u32>r.frames - (window << WINDOW_SHIFT);
  return rest < WINDOW_FRAMES ? rest : WINDOW_FRAMES;
}
/** The bit of frame or NACK n in its byte. */
export function bitOf(n: u32): u8 {
  return <u8>((<u32>1) << (n & 7));
}
/** Address of the byte with the bit of a frame. */
function byteOf(frame: u32): usize {
  return arenaAddress(receptionAt().bitmap) + <usize>((frame & 0xffff) >>> 3);
}
export function hasFrame(frame: u32): bool {
  return (load<u8>(byteOf(frame)) & bitOf(frame)) != 0;
}
/** Frames from this one on that have come, as far as its byte tells. */
export function runAt(frame: u32): u32 {
  return ctz<u32>(~((<u32>load<u8>(byteOf(frame))) >>> (frame & 7)));
}
/** Notes that a frame has come. */
export function setFrame(frame: u32): void {
  const at = byteOf(frame);
  store<u8>(at, load<u8>(at) | bitOf(frame));
  receptionAt().missing -= 1;
}

/** Bits of byte `n` of a window that stand for frames of the file. */
function maskOf(count: u32, n: usize): u32 {
  const first = (<u32>n) << 3;
  if (count >= first + 8) return 0xff;
  return count <= first ? 0 : (1 << (count - first)) - 1;
}
/** Bits of byte `n` of a window whose frames have not come. */
export function missingIn(r: Reception, window: u32, n: usize): u32 {
  const has: u32 = load<u8>(byteOf(window << WINDOW_SHIFT) + n);
  return maskOf(framesOf(r, window), n) & ~has;
}
/** Bits of the frames that have not come among the 32 of a word of the bitmap, of which `left` are of the file. */
function missingAt(at: usize, left: i32): u32 {
  const missing = ~load<u32>(at);
  if (left >= 32) return missing;
  return left <= 0 ? 0 : missing & (((<u32>1) << left) - 1);
}
/** Lays a bit for each frame of a window that has not come at `to`. */
export function layMissing(r: Reception, window: u32, to: usize): void {
  const from = byteOf(window << WINDOW_SHIFT);
  const count = <i32>framesOf(r, window);
  for (let n: i32 = 0; n < <i32>WINDOW_FRAMES; n += 32)
    store<u32>(to + ((<usize>n) >>> 3), missingAt(from + ((<usize>n) >>> 3), count - n));
}
/** The one frame of a window that has not come of those with a bit in `bits`, for 32 frames each; NO_WINDOW: none, or more. */
export function onlyMissing(r: Reception, window: u32, bits: u32): u32 {
  const from = byteOf(window << WINDOW_SHIFT);
  const count = <i32>framesOf(r, window);
  let only: u32 = NO_WINDOW;
  for (let n: i32 = 0; n < count; n += 32) {
    const missing = missingAt(from + ((<usize>n) >>> 3), count - n) & bits;
    if (missing == 0) continue;
    if (only != NO_WINDOW || (missing & (missing - 1)) != 0) return NO_WINDOW;
    only = n + ctz(missing);
  }
  return only;
}
/** True when all of a window has come. */
export function hasWindow(r: Reception, window: u32): bool {
  let at = byteOf(window << WINDOW_SHIFT);
  let count = framesOf(r, window);
  for (; count >= 32; count -= 32, at += 4) {
    if (load<u32>(at) != u32.MAX_VALUE) return false;
  }
  return count == 0 || load<u32>(at) == ((<u32>1) << count) - 1;
}
/** Notes of all frames of a window that they have come, or have not. */
export function setWindow(r: Reception, window: u32, isWhole: bool): void {
  const at = byteOf(window << WINDOW_SHIFT);
  for (let n: usize = 0; n < BITMAP_BYTES; n++) {
    const lacks = missingIn(r, window, n);
    const all = maskOf(framesOf(r, window), n);
    store<u8>(at + n, <u8>(isWhole ? all : 0));
    if (isWhole) r.missing -= <u16>popcnt(lacks);
    else r.missing += <u16>popcnt(all & ~lacks);
  }
}
