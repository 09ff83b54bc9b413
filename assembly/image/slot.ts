// Slots: where images lie, each file byte for byte: in memory, on the device, or its code there and the rest in memory. Every
// read of an image goes through here.
//
// Slot, 16 bytes
//  0  block   u16  arena ref of the file's bytes; 0: they are not all in memory
//  2  window  u16  arena ref of a code window and what is kept of the file behind it; both 0: all bytes are read from the device
//  4  bytes   u32  length of the file; 0: the slot is free
//  8  crc     u32  CRC-32 over every byte: with the length, what the image is known by
// 12  flags   u8   SlotFlag bits; in bits 4-7 the stored slot that is read without a block
// 13  users   u8   instances that live on it
// 14  (2 spare)

import { arenaAddress, arenaAllocate, arenaRelease } from "../arena";
import {
  ADDRESS_MASK,
  IMAGE_MASK,
  IO_BASE,
  IS_WINDOW_FORCED,
  SLOT_MASK,
  SLOT_MAX,
  SLOT_SIZE,
  SLOTS_BASE,
  WINDOW_SIZE,
} from "../layout";
import { refuse, refuseFull, refuseMemory } from "../refusal";
import { Err } from "../spec/errors";
import { DATA_BYTES } from "../spec/frame";
import { HXE_V2_SIZE } from "../spec/hxe";
import { Resource } from "../spec/node";
import { crcSum } from "../crc";
import { storedFile, storedRead } from "./stored";
import {
  windowCopy,
  windowInit,
  windowLiesIn,
  windowPlace,
  windowResume,
  windowStart,
} from "./window";

enum SlotFlag {
  /** all bytes came and every check passed */
  VERIFIED = 1,
}
const STORED_SHIFT: u32 = 4;
/** Bytes that are copied from the device in one call. */
const KEEP_BYTES: u32 = 128;
if (KEEP_BYTES < HXE_V2_SIZE) ERROR("slot: a header is one piece");


@unmanaged
class Slot {
  block: u16 = 0;
  window: u16 = 0;
  bytes: u32 = 0;
  crc: u32 = 0;
  flags: u8 = 0;
  users: u8 = 0;
  spare: u16 = 0;
}
const WINDOW_OFF: usize = offsetof<Slot>("window");
if (offsetof<Slot>("users") != 13) ERROR("Slot.users: offset");
if (offsetof<Slot>() != SLOT_SIZE) ERROR("Slot: size");

function slotAt(slot: u32): Slot {
  return changetype<Slot>(SLOTS_BASE + ((<usize>slot) & SLOT_MASK) * SLOT_SIZE);
}
function placeOf(s: Slot, offset: u32): usize {
  return (arenaAddress(s.block) + <usize>offset) & ADDRESS_MASK;
}
function windowOf(s: Slot): usize {
  return arenaAddress(s.window);
}
function storedOf(s: Slot): u32 {
  return (<u32>s.flags) >>> STORED_SHIFT;
}
/** Copies bytes that the file has out, wherever they lie. What the device does not give stays as it was. IO, ABSENT, BUSY. */
function fetch(s: Slot, offset: u32, to: usize, length: u32): i32 {
  if (s.block == 0) {
    if (s.window != 0) return windowCopy(windowOf(s), offset, to, length);
    return storedRead(storedOf(s), offset, to, length);
  }
  memory.copy(to, placeOf(s, offset), length);
  return Err.OK;
}

// ---- Life of a slot ----

/** Takes a free slot for the file of `bytes`, 1 or more, in stored slot `stored`, which is read in place. Returns its number. FULL, TOO_LARGE. */
export function slotOpen(stored: u32, bytes: u32): i32 {
  if (bytes > IMAGE_MASK) return refuse(Err.TOO_LARGE, 0, bytes, IMAGE_MASK);
  let slot: u32 = 0;
  while (slot < <u32>SLOT_MAX && slotAt(slot).bytes != 0) slot++;
  if (slot == <u32>SLOT_MAX) return refuseFull(Err.FULL, Resource.SLOTS, slot + 1, slot);
  const s = slotAt(slot);
  s.flags = <u8>(stored << STORED_SHIFT);
  s.bytes = bytes;
  return slot & (<u32>SLOT_MASK);
}

/** Takes a free slot and room for a file of `bytes`, 1 or more. Returns its number. FULL, NO_MEMORY: see the refusal. */
export function slotAllocate(bytes: u32): i32 {
  if (bytes > IMAGE_MASK) return refuseMemory(bytes);
  const slot = slotOpen(0, bytes);
  if (slot < 0) return slot;
  const err = IS_WINDOW_FORCED
    ? slotKeep(slot, 0, 0)
    : take(bytes, changetype<usize>(slotAt(slot)));
  if (err < 0) slotFree(slot);
  return err < 0 ? err : slot;
}

/** Takes a block for the field at `owner`. NO_MEMORY. */
function take(bytes: u32, owner: usize): i32 {
  return arenaAllocate(bytes, owner) ? <i32>Err.OK : refuseMemory(bytes);
}

/** Where a byte of a file that is kept in memory belongs. */
function homeOf(s: Slot, offset: u32): usize {
  return IS_WINDOW_FORCED ? windowPlace(windowOf(s), offset) : placeOf(s, offset);
}

/** Copies `length` bytes that arrived to their place. LENGTH: they do not fit the announced length. */
export function slotWrite(slot: u32, offset: u32, from: usize, length: u32): i32 {
  const s = slotAt(slot);
  if (offset > s.bytes || length > s.bytes - offset) return Err.LENGTH;
  const home = homeOf(s, offset);
  if (length == DATA_BYTES) memory.copy(home, from, DATA_BYTES);
  else memory.copy(home, from, length);
  return Err.OK;
}

/** Copies at most `most` bytes of the file in stored slot `stored` to their place, from `offset` on. Returns how many. IO, ABSENT, BUSY, SLOT_DAMAGED. */
export function slotFetch(slot: u32, stored: u32, offset: u32, most: u32): i32 {
  const s = slotAt(slot);
  const rest = s.bytes - offset;
  const bytes = rest < most ? rest : most;
  const err = storedRead(stored, offset, homeOf(s, offset), bytes);
  return err < 0 ? err : <i32>bytes;
}

// ---- A slot whose code stays on the device ----

/**
 * Makes room for what is kept in memory of the stored file in a slot: all but the `absent` bytes of code and rodata at `start`, and
 * a window over the code. NO_MEMORY.
 */
export function slotKeep(slot: u32, start: u32, absent: u32): i32 {
  const s = slotAt(slot);
  const err = take(<u32>WINDOW_SIZE + s.bytes - absent, changetype<usize>(s) + WINDOW_OFF);
  if (err < 0) return err;
  s.flags &= ~(<u8>SlotFlag.VERIFIED); // until all is there
  windowInit(windowOf(s), start, absent, absent == 0 ? 0 : storedFile(storedOf(s)) + start);
  return Err.OK;
}

/** Copies a piece of what is kept, from offset `at` of the file on; returns where the next begins: its length at the end. IO, ABSENT, BUSY. */
export function slotKeepNext(slot: u32, at: u32): i32 {
  const s = slotAt(slot);
  const window = windowOf(s);
  const place = windowPlace(window, at);
  if (place == 0) return windowResume(window);
  const rest = (at == 0 ? windowStart(window) : s.bytes) - at;
  const bytes = rest < KEEP_BYTES ? rest : KEEP_BYTES;
  const err = storedRead(storedOf(s), at, place, bytes);
  return err < 0 ? err : <i32>(at + bytes);
}

/** True when the code of the image lies on the device between two addresses, and tasks run it from there. */
export function slotLiesIn(slot: u32, from: u32, end: u32): bool {
  const s = slotAt(slot);
  return s.window != 0 && windowLiesIn(windowOf(s), from, end);
}

/** True when tasks run its code through a window. */
export function slotHasWindow(slot: u32): bool {
  return slotAt(slot).window != 0;
}

// ---- What is known of a slot ----

/** Marks the slot as verified and records the CRC-32 over all its bytes. */
export function slotSeal(slot: u32, crc: u32): void {
  const s = slotAt(slot);
  s.crc = crc;
  s.flags |= <u8>SlotFlag.VERIFIED;
}

/** A verified slot other than `except` that holds the image of this length and CRC. NOT_FOUND: none does. */
export function slotFind(bytes: u32, crc: u32, except: u32): i32 {
  for (let slot: u32 = 0; slot < <u32>SLOT_MAX; slot++) {
    const s = slotAt(slot);
    if (slot != except && isVerified(slot) && s.bytes == bytes && s.crc == crc) return slot;
  }
  return Err.NOT_FOUND;
}

/** The slot to use for what verified slot `slot` holds: another that holds the same, which frees this one, or itself. */
export function slotShare(slot: u32): u32 {
  const s = slotAt(slot);
  const other = slotFind(s.bytes, s.crc, slot);
  if (other < 0) return slot;
  slotFree(slot);
  return other;
}

/** Counts one more user. */
export function slotRetain(slot: u32): void {
  slotAt(slot).users += 1;
}

/** Counts one user less and frees the slot when none remains, or when it never had one. */
export function slotDrop(slot: u32): void {
  const s = slotAt(slot);
  if (s.users > 0) s.users -= 1;
  if (s.users == 0) slotFree(slot);
}

function slotFree(slot: u32): void {
  const s = slotAt(slot);
  arenaRelease(changetype<usize>(s));
  arenaRelease(changetype<usize>(s) + WINDOW_OFF);
  memory.fill(changetype<usize>(s), 0, SLOT_SIZE);
}

/** True while the slot holds an image that passed every check. */
export function isVerified(slot: u32): bool {
  const s = slotAt(slot);
  return (s.block | s.window) != 0 && (s.flags & SlotFlag.VERIFIED) != 0;
}
/** Length of the file in bytes. */
export function slotBytes(slot: u32): u32 {
  return slotAt(slot).bytes & IMAGE_MASK;
}
/** CRC-32 over every byte of a verified file. */
export function slotCrc(slot: u32): u32 {
  return slotAt(slot).crc;
}
/** Instances that live on the slot. */
export function slotUsers(slot: u32): u32 {
  return slotAt(slot).users;
}

// ---- Reading: big-endian; what lies beyond the file reads as 0 ----

/** Where single bytes from the device are laid. */
const BYTES: usize = IO_BASE + 252;
/** Bytes of a sum that are read from the device at once: what the buffer of a small node holds. */
const SUM_BYTES: u32 = 256;

/** The byte at `offset`. */
export function slotByte(slot: u32, offset: u32): u32 {
  const s = slotAt(slot);
  const at = offset & IMAGE_MASK;
  if (at >= (s.bytes & IMAGE_MASK)) return 0;
  if (s.block != 0) return load<u8>(placeOf(s, at));
  fetch(s, at, BYTES, 1);
  return load<u8>(BYTES);
}

/** The 16-bit number at `offset`. */
export function slotU16(slot: u32, offset: u32): u32 {
  return (slotByte(slot, offset) << 8) | slotByte(slot, offset + 1);
}

/** The 32-bit number at `offset`. */
export function slotU32(slot: u32, offset: u32): u32 {
  const s = slotAt(slot);
  const bytes = s.bytes & IMAGE_MASK;
  const first = offset & IMAGE_MASK;
  if (first >= bytes || bytes - first < 4) return 0;
  let at = BYTES;
  if (s.block != 0) at = placeOf(s, first);
  else fetch(s, first, at, 4);
  return bswap<u32>(load<u32>(at));
}

/** Copies up to `length` bytes out and returns how many the file has from `offset` on. IO, ABSENT, BUSY. */
export function slotCopy(slot: u32, offset: u32, to: usize, length: u32): i32 {
  const s = slotAt(slot);
  const rest = offset < s.bytes ? s.bytes - offset : 0;
  const bytes = length < rest ? length : rest;
  const err = fetch(s, offset, to, bytes);
  return err < 0 ? err : <i32>bytes;
}

/** XORs frame `frame` of the file, and each `step` frames on up to `end`, to the eight bytes at `to`; what lies behind the file counts as 0. IO, ABSENT, BUSY. */
export function slotXor(slot: u32, frame: u32, end: u32, step: u32, to: usize): i32 {
  const s = slotAt(slot);
  const block: usize = s.block == 0 ? 0 : placeOf(s, 0);
  for (; frame < end; frame += step) {
    const offset = frame * DATA_BYTES;
    let at = (block + <usize>offset) & (<usize>ADDRESS_MASK);
    if (block == 0 || s.bytes - offset < DATA_BYTES) {
      at = IO_BASE;
      memory.fill(at, 0, DATA_BYTES);
      const err = slotCopy(slot, offset, at, DATA_BYTES);
      if (err < 0) return err;
    }
    store<u64>(to, load<u64>(to) ^ load<u64>(at));
  }
  return Err.OK;
}

/** Where the MiniVM fetches the code at offset `start` of the file: its address, or that of its window. It holds until a block is freed. */
export function slotCode(slot: u32, start: u32): usize {
  const s = slotAt(slot);
  if (s.window == 0) return placeOf(s, start);
  const window = windowOf(s);
  if (IS_WINDOW_FORCED) windowInit(window, start, 0, 0);
  return window;
}

/** Continues a CRC sum over [offset, end), which must lie in the file. */
export function slotSum(slot: u32, crc: u32, offset: u32, end: u32): u32 {
  const s = slotAt(slot);
  while (offset < end) {
    let bytes = (end - offset) & IMAGE_MASK;
    let at = IO_BASE;
    if (s.block != 0) at = placeOf(s, offset);
    else {
      if (bytes > SUM_BYTES) bytes = SUM_BYTES;
      fetch(s, offset, at, bytes);
    }
    offset += bytes;
    crc = crcSum(crc, at, bytes);
  }
  return crc;
}
