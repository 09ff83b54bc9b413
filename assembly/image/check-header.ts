// Checks of the header, byte by byte as it comes.

import { refuse } from "../refusal";
import { Err } from "../spec/errors";
import {
  HXE_BSS_SIZE_OFF,
  HXE_CODE_LEN_OFF,
  HXE_CODE_MAX,
  HXE_CRC_OFF,
  HXE_DATA_MAX,
  HXE_ENTRY_OFF,
  HXE_FLAGS_OFF,
  HXE_MAGIC,
  HXE_META_COUNT_OFF,
  HXE_META_OFFSET_OFF,
  HXE_NAME_OFF,
  HXE_REQ_CAPS_OFF,
  HXE_RESERVED_OFF,
  HXE_RO_LEN_OFF,
  HXE_V1_SIZE,
  HXE_VERSION_OFF,
  HxeFlag,
  MANIFEST_HEADER_SIZE,
  META_ENTRY_SIZE,
  META_SECTION_MAX,
} from "../spec/hxe";
import { Check, CheckFlag, Phase } from "./check-state";
import {
  imageEntry,
  imageFlags,
  imageHeaderSize,
  imageRodataEnd,
  imageRodataSize,
  imageRodataStart,
  imageSections,
  imageTable,
} from "./metadata";
import { slotByte, slotU16, slotU32 } from "./slot";

/** Bytes of the header checked in one call. */
const HEADER_SLICE: u32 = 4;
const FLAGS_ALL: u32 = HxeFlag.MANIFEST | HxeFlag.MULTIPLE;

/** Offset just behind rodata and, if there is one, the manifest's length. */
function fixedEnd(c: Check): u32 {
  const manifest = (imageFlags(c.slot) & HxeFlag.MANIFEST) != 0 ? MANIFEST_HEADER_SIZE : 0;
  return imageRodataEnd(c.slot) + manifest;
}

// ---- Fields of several bytes ----

/** The Err of the field at `field`. */
function codeOf(field: u32): i32 {
  switch (field) {
    case HXE_VERSION_OFF:
      return Err.HXE_VERSION;
    case HXE_FLAGS_OFF:
      return Err.HXE_FLAGS;
    case HXE_ENTRY_OFF:
      return Err.HXE_ENTRY;
    case HXE_CODE_LEN_OFF:
      return Err.HXE_CODE_LEN;
    case HXE_RO_LEN_OFF:
      return Err.HXE_RO_LEN;
    case HXE_BSS_SIZE_OFF:
      return Err.HXE_BSS;
  }
  return Err.HXE_TABLE;
}

/** The largest number the field at `field` may hold. */
function limitOf(c: Check, field: u32): u32 {
  switch (field) {
    case HXE_VERSION_OFF:
      return 2;
    case HXE_FLAGS_OFF:
      return FLAGS_ALL;
    case HXE_ENTRY_OFF:
      return HXE_CODE_MAX - 4;
    case HXE_CODE_LEN_OFF:
      return HXE_CODE_MAX;
    case HXE_RO_LEN_OFF:
      return HXE_DATA_MAX;
    case HXE_BSS_SIZE_OFF:
      return HXE_DATA_MAX - imageRodataSize(c.slot);
    case HXE_META_OFFSET_OFF:
      return c.total;
    case HXE_META_COUNT_OFF:
      return META_SECTION_MAX;
  }
  return 0xffffffff;
}

function checkVersion(c: Check, version: u32): i32 {
  if (version == 0) return refuse(Err.HXE_VERSION, HXE_VERSION_OFF, version, 2);
  const size = imageHeaderSize(c.slot);
  return size > c.total ? refuse(Err.HXE_TRUNCATED, HXE_VERSION_OFF, size, c.total) : Err.OK;
}

function checkCodeLen(c: Check, codeLen: u32): i32 {
  if (codeLen == 0 || (codeLen & 3) != 0)
    return refuse(Err.HXE_CODE_LEN, HXE_CODE_LEN_OFF, codeLen, 0);
  const entry = imageEntry(c.slot);
  if (entry >= codeLen) return refuse(Err.HXE_ENTRY, HXE_ENTRY_OFF, entry, codeLen);
  const end = imageHeaderSize(c.slot) + codeLen;
  return end > c.total ? refuse(Err.HXE_TRUNCATED, HXE_CODE_LEN_OFF, end, c.total) : Err.OK;
}

function checkRoLen(c: Check, roLen: u32): i32 {
  const rodataEnd = imageRodataStart(c.slot) + roLen;
  if (rodataEnd > c.total) return refuse(Err.HXE_TRUNCATED, HXE_RO_LEN_OFF, rodataEnd, c.total);
  const end = fixedEnd(c);
  return end > c.total ? refuse(Err.HXE_MANIFEST, HXE_FLAGS_OFF, end, c.total) : Err.OK;
}

function checkMetaOffset(c: Check, offset: u32): i32 {
  if (offset == 0 || offset >= fixedEnd(c)) return Err.OK;
  return refuse(Err.HXE_TABLE, HXE_META_OFFSET_OFF, offset, fixedEnd(c));
}

function checkMetaCount(c: Check, count: u32): i32 {
  const table = imageTable(c.slot);
  if (table == 0 && count != 0)
    return refuse(Err.HXE_TABLE, HXE_META_OFFSET_OFF, table, fixedEnd(c));
  const end = table + count * META_ENTRY_SIZE;
  return end > c.total || end < table
    ? refuse(Err.HXE_TABLE, HXE_META_COUNT_OFF, end, c.total)
    : Err.OK;
}

/** Checks a field all of whose bytes are there. */
function checkWhole(c: Check, field: u32, value: u32): i32 {
  switch (field) {
    case HXE_VERSION_OFF:
      return checkVersion(c, value);
    case HXE_ENTRY_OFF:
      return (value & 3) != 0 ? refuse(Err.HXE_ENTRY, field, value, 0) : Err.OK;
    case HXE_CODE_LEN_OFF:
      return checkCodeLen(c, value);
    case HXE_RO_LEN_OFF:
      return checkRoLen(c, value);
    case HXE_META_OFFSET_OFF:
      return checkMetaOffset(c, value);
    case HXE_META_COUNT_OFF:
      return checkMetaCount(c, value);
  }
  return Err.OK;
}

/** Checks a field of `width` bytes whose bytes up to the one at `at` are there. */
function checkField(c: Check, field: u32, width: u32, at: u32): i32 {
  const whole = width == 2 ? slotU16(c.slot, field) : slotU32(c.slot, field);
  const value = whole & (u32.MAX_VALUE << (8 * (field + width - 1 - at)));
  const limit = limitOf(c, field);
  if (value > limit) return refuse(codeOf(field), field, value, limit);
  return at == field + width - 1 ? checkWhole(c, field, value) : Err.OK;
}

// ---- Bytes ----

function checkMagic(c: Check, at: u32): i32 {
  const want = (HXE_MAGIC >>> (24 - 8 * at)) & 0xff;
  const byte = slotByte(c.slot, at);
  return byte != want ? refuse(Err.HXE_MAGIC, at, byte, want) : Err.OK;
}

function checkName(c: Check, at: u32): i32 {
  const byte = slotByte(c.slot, at);
  if (byte == 0) c.flags |= <u8>CheckFlag.NAMED;
  const isBad = byte >= 0x80 && (c.flags & CheckFlag.NAMED) == 0;
  return isBad ? refuse(Err.HXE_NAME, at, byte, 0x7f) : Err.OK;
}

function checkReserved(c: Check, at: u32): i32 {
  const byte = slotByte(c.slot, at);
  return byte != 0 ? refuse(Err.HXE_RESERVED, at, byte, 0) : Err.OK;
}

function checkByte(c: Check, at: u32): i32 {
  if (at < HXE_VERSION_OFF) return checkMagic(c, at);
  if (at < HXE_ENTRY_OFF) return checkField(c, at & ~1, 2, at);
  if (at < HXE_REQ_CAPS_OFF) return checkField(c, at & ~3, 4, at);
  if (at < HXE_NAME_OFF) return Err.OK; // what the image needs, and its checksum
  if (at < HXE_META_OFFSET_OFF) return checkName(c, at);
  if (at < HXE_RESERVED_OFF) return checkField(c, at & ~3, 4, at);
  return checkReserved(c, at);
}

function endHeader(c: Check): void {
  c.floor = imageHeaderSize(c.slot);
  const hasManifest = (imageFlags(c.slot) & HxeFlag.MANIFEST) != 0;
  c.phase = <u8>(
    (hasManifest ? Phase.MANIFEST : imageSections(c.slot) != 0 ? Phase.TABLE : Phase.SUMS)
  );
}

/** Bytes of the header as far as they tell: the version comes first. */
function headerEnd(c: Check): u32 {
  return c.at <= HXE_CRC_OFF ? HXE_V1_SIZE : imageHeaderSize(c.slot);
}

/** Checks a slice of the header's bytes. NO_DATA: more must come. */
export function checkHeader(c: Check): i32 {
  for (let n: u32 = 0; n < HEADER_SLICE; n++) {
    if (c.at >= headerEnd(c)) {
      endHeader(c);
      return Err.BUSY;
    }
    if (c.at >= c.received) return Err.NO_DATA;
    const sound = checkByte(c, c.at);
    if (sound < 0) return sound;
    c.at += 1;
  }
  return Err.BUSY;
}
