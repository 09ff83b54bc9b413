// Checks of sections of values and commands: fields, strings, then ids and keys against all entries before.

import { f16IsNaN, f16Less } from "../f16";
import { refuse } from "../refusal";
import { Err } from "../spec/errors";
import {
  COMMAND_FLAGS_OFF,
  COMMAND_GROUP_NAME_OFF,
  COMMAND_HANDLER_OFF,
  COMMAND_HELP_OFF,
  COMMAND_NAME_OFF,
  COMMAND_RESERVED_OFF,
  MetaType,
  VALUE_EPSILON_OFF,
  VALUE_FLAGS_OFF,
  VALUE_GROUP_NAME_OFF,
  VALUE_GROUP_OFF,
  VALUE_KEY_OFF,
  VALUE_MAX_OFF,
  VALUE_MIN_OFF,
  VALUE_NAME_OFF,
  VALUE_UNIT_OFF,
} from "../spec/hxe";
import { CommandFlag, ValueFlag } from "../spec/svc";
import { Check, Phase } from "./check-state";
import { isEarlier } from "./check-table";
import {
  entrySize,
  imageCodeSize,
  imageSections,
  sectionEntries,
  sectionOffset,
  sectionType,
} from "./metadata";
import { slotByte, slotU16, slotU32 } from "./slot";
import { UTF8_BAD, utf8Next } from "./utf8";

/** Bytes of a string read in one call. */
const STRING_SLICE: u32 = 64;
/** Entries compared with the one under check in one call. */
const COMPARE_SLICE: u32 = 16;

const VALUE_FLAGS: u32 =
  ValueFlag.RO |
  ValueFlag.PERSIST |
  ValueFlag.STICKY |
  ValueFlag.PIN |
  ValueFlag.BOOL |
  ValueFlag.SHARED;
const COMMAND_FLAGS: u32 = CommandFlag.PIN | CommandFlag.ASYNC;

/** What of an entry is checked next. */
enum Step {
  FIELDS = 0,
  STRINGS = 1,
  COMPARE = 4,
}

function entryAt(c: Check): u32 {
  const start = sectionOffset(c.slot, c.section);
  return start + <u32>c.entry * entrySize(sectionType(c.slot, c.section));
}

function checkNumber(c: Check, field: u32): i32 {
  const f16 = slotU16(c.slot, field);
  return f16IsNaN(f16) ? refuse(Err.HXE_VALUE, field, f16, 0x7c00) : Err.OK;
}

function checkRange(c: Check, entry: u32): i32 {
  const least = slotU16(c.slot, entry + VALUE_MIN_OFF);
  const most = slotU16(c.slot, entry + VALUE_MAX_OFF);
  return f16Less(most, least) ? refuse(Err.HXE_VALUE, entry + VALUE_MIN_OFF, least, most) : Err.OK;
}

function checkValueFields(c: Check, entry: u32): i32 {
  const flags = slotByte(c.slot, entry + VALUE_FLAGS_OFF);
  if ((flags & ~VALUE_FLAGS) != 0)
    return refuse(Err.HXE_VALUE, entry + VALUE_FLAGS_OFF, flags, VALUE_FLAGS);
  let sound = checkNumber(c, entry + VALUE_EPSILON_OFF);
  if (sound >= 0) sound = checkNumber(c, entry + VALUE_MIN_OFF);
  if (sound >= 0) sound = checkNumber(c, entry + VALUE_MAX_OFF);
  return sound >= 0 ? checkRange(c, entry) : sound;
}

function checkCommandFields(c: Check, entry: u32): i32 {
  const flags = slotByte(c.slot, entry + COMMAND_FLAGS_OFF);
  const handler = slotU32(c.slot, entry + COMMAND_HANDLER_OFF);
  const reserved = slotU16(c.slot, entry + COMMAND_RESERVED_OFF);
  const code = imageCodeSize(c.slot);
  if ((flags & ~COMMAND_FLAGS) != 0)
    return refuse(Err.HXE_COMMAND, entry + COMMAND_FLAGS_OFF, flags, COMMAND_FLAGS);
  if ((handler & 3) != 0 || handler >= code)
    return refuse(Err.HXE_COMMAND, entry + COMMAND_HANDLER_OFF, handler, code);
  return reserved != 0
    ? refuse(Err.HXE_COMMAND, entry + COMMAND_RESERVED_OFF, reserved, 0)
    : Err.OK;
}

function checkFields(c: Check): i32 {
  const isValue = sectionType(c.slot, c.section) == MetaType.VALUE;
  const sound = isValue ? checkValueFields(c, entryAt(c)) : checkCommandFields(c, entryAt(c));
  if (sound < 0) return sound;
  beginString(c, Step.STRINGS);
  return Err.BUSY;
}

/** Place in an entry of the offset of its string `n`, 0 to 2. */
function stringField(c: Check, n: u32): u32 {
  const isValue = sectionType(c.slot, c.section) == MetaType.VALUE;
  if (n == 0) return isValue ? VALUE_NAME_OFF : COMMAND_NAME_OFF;
  if (n == 1) return isValue ? VALUE_UNIT_OFF : COMMAND_HELP_OFF;
  return isValue ? VALUE_GROUP_NAME_OFF : COMMAND_GROUP_NAME_OFF;
}

/** Turns to a step: a string, or the comparison behind the last. */
function beginString(c: Check, step: u32): void {
  c.step = <u8>step;
  if (step == Step.COMPARE) {
    c.other = 0;
    openEarlier(c);
    return;
  }
  const offset = slotU16(c.slot, entryAt(c) + stringField(c, step - Step.STRINGS));
  c.unfinished = 0;
  c.at = offset == 0 ? 0 : sectionOffset(c.slot, c.section) + offset;
}

/** Reads a slice of the string at `at`; 0: there is none. */
function checkString(c: Check): i32 {
  const start = sectionOffset(c.slot, c.section);
  for (let n: u32 = 0; n < STRING_SLICE && c.at != 0; n++) {
    const byte = slotByte(c.slot, c.at);
    const next = c.at < c.end ? utf8Next(c.unfinished, byte) : UTF8_BAD;
    if (next == UTF8_BAD) {
      const field = entryAt(c) + stringField(c, c.step - Step.STRINGS);
      return refuse(Err.HXE_STRING, field, c.at - start, c.end - start);
    }
    c.unfinished = <u8>next;
    c.at = byte == 0 ? 0 : c.at + 1;
  }
  if (c.at == 0) beginString(c, c.step + 1);
  return Err.BUSY;
}

/** Turns to the entries of section `other` that were checked before the one under check. */
function openEarlier(c: Check): void {
  c.otherLeft = 0;
  if (!isEarlier(c, c.other)) return;
  c.otherAt = sectionOffset(c.slot, c.other);
  c.otherLeft = c.other == c.section ? c.entry : <u16>sectionEntries(c.slot, c.other);
}

/** Compares id and key at `entry` with those of a slice of the earlier entries. */
function compareSlice(c: Check, entry: u32, size: u32, hasKey: bool): i32 {
  const id = slotU16(c.slot, entry + VALUE_GROUP_OFF);
  const key = hasKey ? slotU16(c.slot, entry + VALUE_KEY_OFF) : 0;
  for (let n: u32 = 0; n < COMPARE_SLICE && c.otherLeft != 0; n++) {
    const other = c.otherAt;
    if (id == slotU16(c.slot, other + VALUE_GROUP_OFF)) {
      return refuse(Err.HXE_DUPLICATE, entry, id, other);
    }
    if (key != 0 && key == slotU16(c.slot, other + VALUE_KEY_OFF)) {
      return refuse(Err.HXE_DUPLICATE, entry + VALUE_KEY_OFF, key, other);
    }
    c.otherAt += size;
    c.otherLeft -= 1;
  }
  return Err.BUSY;
}

/** Compares the entry with those before it, section by section. */
function checkUnique(c: Check): i32 {
  const type = sectionType(c.slot, c.section);
  if (c.otherLeft != 0) return compareSlice(c, entryAt(c), entrySize(type), type == MetaType.VALUE);
  c.other += 1;
  if (c.other < imageSections(c.slot)) {
    openEarlier(c);
    return Err.BUSY;
  }
  c.entry += 1;
  c.step = <u8>Step.FIELDS;
  return Err.BUSY;
}

/** Does a slice of a section of values or commands. */
export function checkEntries(c: Check): i32 {
  if (c.entry == sectionEntries(c.slot, c.section)) {
    c.phase = <u8>Phase.PICK;
    return Err.BUSY;
  }
  if (c.step == Step.FIELDS) return checkFields(c);
  return c.step < <u8>Step.COMPARE ? checkString(c) : checkUnique(c);
}
