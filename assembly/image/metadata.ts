// What a verified image says of itself, read from its slot: the header, and the metadata with its entries and strings.

import { IMAGE_MASK } from "../layout";
import {
  COMMAND_ENTRY_SIZE,
  HXE_BSS_SIZE_OFF,
  HXE_CODE_LEN_OFF,
  HXE_CRC_OFF,
  HXE_ENTRY_OFF,
  HXE_FLAGS_OFF,
  HXE_META_COUNT_OFF,
  HXE_META_OFFSET_OFF,
  HXE_NAME_OFF,
  HXE_NAME_SIZE,
  HXE_REQ_CAPS_OFF,
  HXE_RO_LEN_OFF,
  HXE_V1_SIZE,
  HXE_V2_SIZE,
  HXE_VERSION_OFF,
  META_COUNT_OFF,
  META_ENTRY_SIZE,
  META_OFFSET_OFF,
  META_SIZE_OFF,
  META_TYPE_OFF,
  MetaType,
  VALUE_ENTRY_SIZE,
} from "../spec/hxe";
import { slotByte, slotCopy, slotU16, slotU32 } from "./slot";

// ---- The header ----

/** 1 or 2: the low byte tells, of an image whose version was checked. */
export function imageVersion(slot: u32): u32 {
  return slotByte(slot, HXE_VERSION_OFF + 1);
}
/** HxeFlag bits. */
export function imageFlags(slot: u32): u32 {
  return slotU16(slot, HXE_FLAGS_OFF);
}
/** Byte offset of the first instruction in the code. */
export function imageEntry(slot: u32): u32 {
  return slotU32(slot, HXE_ENTRY_OFF) & IMAGE_MASK;
}
/** Bytes of code, 4 to 65,536. */
export function imageCodeSize(slot: u32): u32 {
  return slotU32(slot, HXE_CODE_LEN_OFF) & IMAGE_MASK;
}
/** Bytes of rodata. */
export function imageRodataSize(slot: u32): u32 {
  return slotU32(slot, HXE_RO_LEN_OFF) & IMAGE_MASK;
}
/** Bytes of zeroed data behind the rodata. */
export function imageBssSize(slot: u32): u32 {
  return slotU32(slot, HXE_BSS_SIZE_OFF);
}
/** HxeCap bits, known or not. */
export function imageCaps(slot: u32): u32 {
  return slotU32(slot, HXE_REQ_CAPS_OFF);
}
/** The checksum the file carries. */
export function imageChecksum(slot: u32): u32 {
  return slotU32(slot, HXE_CRC_OFF);
}

/** Bytes of the header, and offset of the code in the file. */
export function imageHeaderSize(slot: u32): u32 {
  return imageVersion(slot) == 1 ? HXE_V1_SIZE : HXE_V2_SIZE;
}
/** Offset of the rodata in the file. */
export function imageRodataStart(slot: u32): u32 {
  return (imageHeaderSize(slot) + imageCodeSize(slot)) & IMAGE_MASK;
}
/** Offset of what follows the rodata. */
export function imageRodataEnd(slot: u32): u32 {
  return imageRodataStart(slot) + imageRodataSize(slot);
}

/** Offset of the metadata table; 0: none. */
export function imageTable(slot: u32): u32 {
  return imageVersion(slot) == 1 ? 0 : slotU32(slot, HXE_META_OFFSET_OFF) & IMAGE_MASK;
}
/** Entries of the metadata table. */
export function imageSections(slot: u32): u32 {
  return imageVersion(slot) == 1 ? 0 : slotU32(slot, HXE_META_COUNT_OFF) & 0xffff;
}

function isBlank(byte: u32): bool {
  return byte == 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Stores the app's name, ASCII without blanks around it, at `to`, which has room for 32 bytes, and returns its length; 0: it has none. */
export function imageName(slot: u32, to: usize): u32 {
  if (imageVersion(slot) == 1) return 0;
  slotCopy(slot, HXE_NAME_OFF, to, HXE_NAME_SIZE); // then trimmed where it is: a read for each byte would be long
  let length: u32 = 0;
  let used: u32 = 0;
  for (let i: u32 = 0; i < HXE_NAME_SIZE; i++) {
    const byte: u32 = load<u8>(to + <usize>i);
    if (byte == 0) break;
    if (length == 0 && isBlank(byte)) continue;
    store<u8>(to + <usize>length, <u8>byte);
    length++;
    if (!isBlank(byte)) used = length;
  }
  return used;
}

// ---- The table ----

/** A field of a section's row. Version 1 has no sections, so that nobody asks for its rows. */
function tableField(slot: u32, section: u32, field: u32): u32 {
  const table = imageTable(slot);
  return slotU32(slot, (table + (section & 0xff) * META_ENTRY_SIZE + field) & IMAGE_MASK);
}
/** MetaType of section 0 to imageSections() - 1, or a number nobody knows. */
export function sectionType(slot: u32, section: u32): u32 {
  return tableField(slot, section, META_TYPE_OFF);
}
/** Offset of the section in the file. */
export function sectionOffset(slot: u32, section: u32): u32 {
  return tableField(slot, section, META_OFFSET_OFF);
}
/** Bytes of the section with its strings. */
export function sectionSize(slot: u32, section: u32): u32 {
  return tableField(slot, section, META_SIZE_OFF);
}
/** Entries of the section; of mailboxes in JSON it tells nothing. */
export function sectionEntries(slot: u32, section: u32): u32 {
  return tableField(slot, section, META_COUNT_OFF);
}

/** The first section of a MetaType from `section` on; imageSections(): there is none. */
export function sectionFind(slot: u32, type: u32, section: u32): u32 {
  const sections = imageSections(slot);
  while (section < sections && sectionType(slot, section) != type) section++;
  return section;
}

// ---- Entries ----

/** Bytes of an entry of a MetaType whose entries have one size; 0: they have not. */
export function entrySize(type: u32): u32 {
  if (type == MetaType.VALUE) return VALUE_ENTRY_SIZE;
  return type == MetaType.COMMAND ? COMMAND_ENTRY_SIZE : 0;
}

/** Number of values or of commands (MetaType) in the image. */
export function entryTotal(slot: u32, type: u32): u32 {
  let total: u32 = 0;
  const sections = imageSections(slot);
  for (let i: u32 = 0; i < sections; i++) {
    if (sectionType(slot, i) == type) total += sectionEntries(slot, i);
  }
  return total;
}

/** Offset in the file of value or command `index` of the image, 0 to entryTotal() - 1; 0: there is none. */
export function entryFind(slot: u32, type: u32, index: u32): u32 {
  index &= 0xffff;
  const sections = imageSections(slot);
  for (let i: u32 = 0; i < sections; i++) {
    if (sectionType(slot, i) != type) continue;
    const entries = sectionEntries(slot, i);
    if (index < entries) return (sectionOffset(slot, i) + index * entrySize(type)) & IMAGE_MASK;
    index = (index - entries) & 0xffff;
  }
  return 0;
}

/** Offset in the file of the section of values or commands that holds the entry at `entry`; its strings count from there. */
export function sectionStart(slot: u32, entry: u32): u32 {
  const sections = imageSections(slot);
  for (let i: u32 = 0; i < sections; i++) {
    const start = sectionOffset(slot, i);
    const size = entrySize(sectionType(slot, i));
    if (entry >= start && entry - start < sectionEntries(slot, i) * size) return start;
  }
  return 0;
}

/** Copies the string at `offset` of the section at `start`, at most `max` bytes, to `to`. Returns its length; offset 0: 0. */
export function sectionText(slot: u32, start: u32, offset: u32, to: usize, max: u32): u32 {
  if (offset == 0) return 0;
  let length: u32 = 0;
  for (; length < max; length++) {
    const byte = slotByte(slot, start + offset + length);
    if (byte == 0) break;
    store<u8>(to + <usize>length, <u8>byte);
  }
  return length;
}

/** Bytes of stack the image asks for, a multiple of 4; 0: it does not ask. */
export function imageStackSize(slot: u32): u32 {
  const section = sectionFind(slot, MetaType.STACK, 0);
  if (section == imageSections(slot)) return 0;
  return slotU32(slot, sectionOffset(slot, section));
}
