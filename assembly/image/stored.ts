// Stored images: slots for images on the non-volatile device, behind what the store takes. How many there are and how
// large is a word of the node. Each holds a header and the bytes of one file; docs/persistence.md, "Image slot".

import { nv_busy, nv_erase, nv_erase_size, nv_granule, nv_program, nv_read } from "../hal";
import { HAS_LOG, IO_BASE } from "../layout";
import { storeEnd } from "../persist/pool";
import { wordAt, wordGroup } from "../persist/words";
import { refuse } from "../refusal";
import {
  STORED_CRC_OFF,
  STORED_HEADER_BYTES,
  STORED_LENGTH_OFF,
  STORED_MARKER,
  STORED_MARKER_OFF,
  STORED_PARTIAL,
  STORED_UNIT,
  STORED_WINDOWS_MAX,
  STORED_WINDOWS_OFF,
  WORD_NONE,
  WordGroup,
} from "../spec/boot";
import { Err } from "../spec/errors";

if ((IO_BASE & 3) != 0) ERROR("stored: the I/O buffer must be aligned");

function slotsWord(): u32 {
  const word = wordAt(wordGroup(WordGroup.NODE) + 1);
  return word == WORD_NONE ? 0 : word;
}
/** Slots of the device. */
export function storedCount(): u32 {
  return slotsWord() >>> 12;
}
/** Bytes of a slot with its header. */
export function storedSize(): u32 {
  return (slotsWord() & 0xfff) * STORED_UNIT;
}
/** Address of the first slot. */
export function storedOrigin(): u32 {
  const erased = nv_erase_size();
  const unit = erased > STORED_UNIT ? erased : STORED_UNIT;
  return (storeEnd() + unit - 1) & ~(unit - 1); // asked for each frame of a load; erase units are powers of two
}
/** Address of a slot. */
export function storedAddress(stored: u32): u32 {
  return storedOrigin() + stored * storedSize();
}

/** Address of the file in a slot. */
export function storedFile(stored: u32): u32 {
  return storedAddress(stored) + STORED_HEADER_BYTES;
}

// ---- Reading ----

/** Copies bytes of the file out, or, from -STORED_HEADER_BYTES on, of its header. SLOT_DAMAGED: beyond the repair of the flash's ECC. IO, ABSENT, BUSY. */
export function storedRead(stored: u32, offset: i32, to: usize, length: u32): i32 {
  const err = nv_read(storedFile(stored) + offset, to, length);
  return HAS_LOG && err == Err.CORRUPT ? refuse(Err.SLOT_DAMAGED, 0, stored, 0) : err;
}

/** Reads the header of a slot. Returns the length of the file. SLOT_EMPTY; SLOT_DAMAGED: no file can be so long. IO, ABSENT, BUSY. */
export function storedLength(stored: u32): i32 {
  const err = storedRead(stored, -STORED_HEADER_BYTES, IO_BASE, STORED_HEADER_BYTES);
  if (err < 0) return err;
  if (load<u8>(IO_BASE, STORED_MARKER_OFF) != STORED_MARKER)
    return refuse(Err.SLOT_EMPTY, 0, stored, 0);
  const length = load<u32>(IO_BASE, STORED_LENGTH_OFF);
  const room = storedSize() - STORED_HEADER_BYTES;
  if (length == 0 || length > room) return refuse(Err.SLOT_DAMAGED, 0, length, room);
  return length;
}
/** CRC-32 of the file in the slot whose header storedLength() has just read. */
export function storedCrc(): u32 {
  return load<u32>(IO_BASE, STORED_CRC_OFF);
}

// ---- Writing: one program or erase at a time, durable when nv_busy() says so ----

function layHeader(length: u32, crc: u32, marker: u32): void {
  memory.fill(IO_BASE, 0, STORED_HEADER_BYTES);
  store<u32>(IO_BASE, length, STORED_LENGTH_OFF);
  store<u32>(IO_BASE, crc, STORED_CRC_OFF);
  store<u8>(IO_BASE, <u8>marker, STORED_MARKER_OFF);
}

/** Takes the header of a slot its marker, where the medium is not erased anyway before it is written. */
export function storedClear(stored: u32): i32 {
  if (nv_erase_size() != 0) return Err.OK;
  store<u8>(IO_BASE, 0);
  return nv_program(storedAddress(stored) + STORED_MARKER_OFF, IO_BASE, 1);
}

// ---- What has come of a file whose bytes arrive in any order; on a medium that is erased nothing is noted ----

/** True when the slot notes that it holds parts of this very file. */
export function storedHasPart(stored: u32, length: u32, crc: u32): bool {
  const err = nv_read(storedAddress(stored), IO_BASE, STORED_HEADER_BYTES);
  if (err < 0 || load<u8>(IO_BASE, STORED_MARKER_OFF) != STORED_PARTIAL) return false;
  return load<u32>(IO_BASE, STORED_LENGTH_OFF) == length && storedCrc() == crc;
}

/** Starts to note which file is to come, unless that is noted; then the marker of what the slot held is gone. IO, ABSENT, BUSY. */
export function storedExpect(stored: u32, length: u32, crc: u32): i32 {
  if (nv_erase_size() != 0 || storedHasPart(stored, length, crc)) return Err.OK;
  layHeader(length, crc, STORED_PARTIAL);
  return nv_program(storedAddress(stored), IO_BASE, STORED_HEADER_BYTES);
}

/** Address of the byte with the bit of a window. */
function noteAddress(stored: u32, window: u32): u32 {
  return storedAddress(stored) + STORED_WINDOWS_OFF + (window >>> 3);
}
/** True when a window of the file is noted as whole. */
export function storedHasWindow(stored: u32, window: u32): bool {
  if (window >= STORED_WINDOWS_MAX || nv_read(noteAddress(stored, window), IO_BASE, 1) < 0)
    return false;
  return (((<u32>load<u8>(IO_BASE)) >>> (window & 7)) & 1) != 0;
}
/** Starts to note that a window is whole, or no longer, once its bytes are durable. BUSY: call again. */
export function storedNote(stored: u32, window: u32, isWhole: bool): i32 {
  if (nv_erase_size() != 0 || window >= STORED_WINDOWS_MAX) return Err.OK;
  const err = nv_busy() != 0 ? <i32>Err.BUSY : nv_read(noteAddress(stored, window), IO_BASE, 1);
  if (err < 0) return err;
  const bit: u32 = 1 << (window & 7);
  const bits: u32 = load<u8>(IO_BASE);
  store<u8>(IO_BASE, <u8>(isWhole ? bits | bit : bits & ~bit));
  return nv_program(noteAddress(stored, window), IO_BASE, 1);
}

/** Starts to erase the next unit of the first `bytes` of the slot, of which `erased` are. Returns how many are then. BUSY, IO, ABSENT. */
export function storedErase(stored: u32, bytes: u32, erased: u32): i32 {
  const unit = nv_erase_size();
  if (unit == 0 || erased >= bytes) return erased;
  const busy = nv_busy();
  const err = busy > 0 ? <i32>Err.BUSY : nv_erase(storedAddress(stored) + erased);
  return err < 0 ? err : <i32>(erased + unit);
}

/**
 * Starts to program bytes of a file, in ascending order; before that, call by call, to erase what is not yet erased.
 * `erased`: bytes of the slot that are. Returns how many are then, which is more while it erases: call again. BUSY, IO, ABSENT.
 */
export function storedWrite(stored: u32, offset: u32, from: usize, length: u32, erased: u32): i32 {
  const address = storedAddress(stored);
  const busy = nv_busy();
  if (busy != 0) return busy < 0 ? busy : <i32>Err.BUSY;
  const at = STORED_HEADER_BYTES + offset;
  const done = storedErase(stored, at + length, erased);
  if (done != <i32>erased) return done;
  const granule = nv_granule() - 1;
  const err = nv_program(address + at, from, (length + granule) & ~granule); // what lies behind the file is of no account
  return err < 0 ? err : <i32>erased;
}

/** Starts to write the header, which makes the file whole; where it is noted which file it is, the marker. IO, ABSENT, BUSY. */
export function storedSeal(stored: u32, length: u32, crc: u32): i32 {
  const isNoted = storedHasPart(stored, length, crc);
  layHeader(length, crc, STORED_MARKER);
  const from: u32 = isNoted ? STORED_MARKER_OFF : 0;
  return nv_program(storedAddress(stored) + from, IO_BASE + from, STORED_HEADER_BYTES - from);
}
