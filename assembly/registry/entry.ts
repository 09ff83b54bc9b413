// Where the particulars of a value or command lie: in the slot of its image, or, for one registered at run time,
// in an arena block of the same form (a section of one entry: the entry, for a value rate and debounce, the strings).

import { arenaAddress } from "../arena";
import { sectionStart } from "../image/metadata";
import { CRC_START, crcSum } from "../crc";
import { slotByte, slotU16, slotU32 } from "../image/slot";
import { IO_BASE } from "../layout";
import { MEANING_UNKNOWN } from "../spec/cell";
import { VALUE_UNIT_OFF } from "../spec/hxe";
import { VALUE_RECORD_TEXT_MAX } from "../spec/node";
import { ValueFlag } from "../spec/svc";

/** Slot number of an entry made at run time; its offset is then an arena ref. */
export const RUN_TIME: u32 = 0xff;
/** Behind the 20 bytes of a run-time value entry: milliseconds, u16 big-endian. */
export const VALUE_RATE_OFF: u32 = 20;
export const VALUE_DEBOUNCE_OFF: u32 = 22;
/** Bytes of a run-time value entry before its strings. */
export const RUN_TIME_VALUE_SIZE: u32 = 24;

/** A big-endian u16 of the entry. */
export function entryU16(slot: u32, entry: u32, field: u32): u32 {
  if (slot == RUN_TIME) return bswap<u16>(load<u16>(arenaAddress(entry) + field));
  return slotU16(slot, entry + field);
}

/** A big-endian u32 of the entry. */
export function entryU32(slot: u32, entry: u32, field: u32): u32 {
  if (slot == RUN_TIME) return bswap<u32>(load<u32>(arenaAddress(entry) + field));
  return slotU32(slot, entry + field);
}

function textByte(slot: u32, entry: u32, offset: u32): u32 {
  if (slot == RUN_TIME) return load<u8>(arenaAddress(entry) + offset);
  return slotByte(slot, offset);
}

/** Copies the string whose offset is the u16 at `field`, at most `max` bytes, to `to`. Returns its length; absent: 0. */
export function entryText(slot: u32, entry: u32, field: u32, to: usize, max: usize): usize {
  const offset = entryU16(slot, entry, field);
  if (offset == 0) return 0;
  const start = slot == RUN_TIME ? offset : sectionStart(slot, entry) + offset;
  let length: usize = 0;
  for (; length < max; length++) {
    const byte = textByte(slot, entry, start + <u32>length);
    if (byte == 0) break;
    store<u8>(to + length, <u8>byte);
  }
  return length;
}

/** The meaning of a value's numbers: a hash of unit and BOOL, neither 0 nor MEANING_UNKNOWN; 0: the entry says nothing. */
export function entryMeaning(slot: u32, entry: u32, flags: u32): u32 {
  const text = IO_BASE; // free while the core runs
  let length = entryText(slot, entry, VALUE_UNIT_OFF, text, VALUE_RECORD_TEXT_MAX);
  if ((flags & ValueFlag.BOOL) != 0) store<u8>(text + length++, ValueFlag.BOOL);
  if (length == 0) return 0;
  const meaning = ~crcSum(CRC_START, text, <u32>length) & 0xffff;
  if (meaning == 0) return 1;
  return meaning == MEANING_UNKNOWN ? meaning - 1 : meaning;
}
