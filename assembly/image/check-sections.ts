// Checks of the metadata: the table entry by entry, then each section once all its bytes are there.

import { COMMAND_MAX, DESCRIPTOR_MAX, VALUE_MAX } from "../layout";
import { refuse, refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import {
  COMMAND_FLAGS_OFF,
  COMMAND_GROUP_NAME_OFF,
  COMMAND_HANDLER_OFF,
  COMMAND_HELP_OFF,
  COMMAND_NAME_OFF,
  COMMAND_RESERVED_OFF,
  DATA_ORIGIN,
  META_COUNT_OFF,
  META_ENTRY_SIZE,
  META_OFFSET_OFF,
  META_SIZE_OFF,
  MetaType,
  STACK_ENTRY_SIZE,
  STACK_TOP,
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
import { Resource } from "../spec/node";
import { CommandFlag, ValueFlag } from "../spec/svc";
import { Check, CheckFlag, Phase } from "./check-state";
import { CursorUse, isSameMailbox, mailboxCursorAt, mailboxNext, mailboxOpen } from "./mailboxes";
import {
  entrySize,
  imageBssSize,
  imageCodeSize,
  imageRodataSize,
  imageSections,
  imageTable,
  sectionEntries,
  sectionFind,
  sectionOffset,
  sectionSize,
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

function isKnown(type: u32): bool {
  return type >= <u32>MetaType.VALUE && type <= <u32>MetaType.STACK;
}
function sectionEnd(slot: u32, section: u32): u32 {
  return sectionOffset(slot, section) + sectionSize(slot, section);
}

// ---- The table ----

function refuseField(c: Check, code: i32, field: u32, need: u32, have: u32): i32 {
  return refuse(code, imageTable(c.slot) + c.section * META_ENTRY_SIZE + field, need, have);
}

function checkBounds(c: Check): i32 {
  const offset = sectionOffset(c.slot, c.section);
  const size = sectionSize(c.slot, c.section);
  if (offset < c.floor) return refuseField(c, Err.HXE_SECTION, META_OFFSET_OFF, offset, c.floor);
  if (offset > c.total) return refuseField(c, Err.HXE_SECTION, META_OFFSET_OFF, offset, c.total);
  if (size > c.total - offset)
    return refuseField(c, Err.HXE_SECTION, META_SIZE_OFF, size, c.total - offset);
  return Err.OK;
}

/** Refuses a section that shares bytes with an earlier one: a string would have two meanings. */
function checkApart(c: Check): i32 {
  const offset = sectionOffset(c.slot, c.section);
  const end = sectionEnd(c.slot, c.section);
  for (let other: u32 = 0; other < c.section; other++) {
    if (!isKnown(sectionType(c.slot, other))) continue;
    const start = sectionOffset(c.slot, other);
    const stop = sectionEnd(c.slot, other);
    const isApart = end <= start || stop <= offset || start == stop || offset == end;
    if (!isApart) return refuseField(c, Err.HXE_SECTION, META_OFFSET_OFF, offset, stop);
  }
  return Err.OK;
}

function checkCount(c: Check, code: i32, size: u32): i32 {
  const count = sectionEntries(c.slot, c.section);
  const bytes = sectionSize(c.slot, c.section);
  if (count <= 0xffff && count * size <= bytes) return Err.OK;
  return refuseField(c, code, META_COUNT_OFF, count, bytes / size);
}

function countValues(c: Check): i32 {
  const sound = checkCount(c, Err.HXE_VALUE, entrySize(MetaType.VALUE));
  if (sound < 0) return sound;
  const total = <u32>c.values + sectionEntries(c.slot, c.section);
  if (total > <u32>VALUE_MAX) return refuseFull(Err.FULL, Resource.VALUES, total, <u32>VALUE_MAX);
  c.values = <u16>total;
  return Err.OK;
}

function countCommands(c: Check): i32 {
  const sound = checkCount(c, Err.HXE_COMMAND, entrySize(MetaType.COMMAND));
  if (sound < 0) return sound;
  const total = <u32>c.commands + sectionEntries(c.slot, c.section);
  if (total > <u32>COMMAND_MAX)
    return refuseFull(Err.FULL, Resource.COMMANDS, total, <u32>COMMAND_MAX);
  c.commands = <u16>total;
  return Err.OK;
}

function checkStackSection(c: Check): i32 {
  const count = sectionEntries(c.slot, c.section);
  const size = sectionSize(c.slot, c.section);
  if (count != 1) return refuseField(c, Err.HXE_STACK, META_COUNT_OFF, count, 1);
  if (size != STACK_ENTRY_SIZE)
    return refuseField(c, Err.HXE_STACK, META_SIZE_OFF, size, STACK_ENTRY_SIZE);
  const first = sectionFind(c.slot, MetaType.STACK, 0);
  return first < c.section ? refuseField(c, Err.HXE_DUPLICATE, 0, MetaType.STACK, first) : Err.OK;
}

function checkKind(c: Check): i32 {
  switch (sectionType(c.slot, c.section)) {
    case MetaType.VALUE:
      return countValues(c);
    case MetaType.COMMAND:
      return countCommands(c);
    case MetaType.STACK:
      return checkStackSection(c);
  }
  return Err.OK;
}

/** Checks the next entry of the table. NO_DATA: it is not there yet. */
export function checkTable(c: Check): i32 {
  if (c.section == imageSections(c.slot)) {
    c.phase = <u8>Phase.PICK;
    return Err.BUSY;
  }
  if (c.received < imageTable(c.slot) + (<u32>c.section + 1) * META_ENTRY_SIZE) return Err.NO_DATA;
  let sound = checkBounds(c);
  if (sound < 0) return sound;
  if (isKnown(sectionType(c.slot, c.section))) {
    sound = checkApart(c);
    if (sound >= 0) sound = checkKind(c);
    if (sound < 0) return sound;
  }
  c.section += 1;
  return Err.BUSY;
}

// ---- The order of the sections: as they end ----

/** True if section `a` with end `aEnd` is checked before section `b` with end `bEnd`. */
function isBefore(a: u32, aEnd: u32, b: u32, bEnd: u32): bool {
  return aEnd < bEnd || (aEnd == bEnd && a < b);
}

/** Turns to the section that ends next; after the last only the sums remain. */
export function checkPick(c: Check): i32 {
  const sections = imageSections(c.slot);
  let best = sections;
  let bestEnd: u32 = 0;
  for (let i: u32 = 0; i < sections; i++) {
    if (!isKnown(sectionType(c.slot, i))) continue;
    const end = sectionEnd(c.slot, i);
    if ((c.flags & CheckFlag.PICKED) != 0 && !isBefore(c.section, c.end, i, end)) continue;
    if (best != sections && !isBefore(i, end, best, bestEnd)) continue;
    best = i;
    bestEnd = end;
  }
  c.phase = <u8>(best == sections ? Phase.SUMS : Phase.SECTION);
  c.flags |= <u8>CheckFlag.PICKED;
  c.section = <u8>best;
  c.end = bestEnd;
  c.entry = 0;
  c.step = 0;
  return Err.BUSY;
}

/** True if section `other` is of the type of the one under check and not after it in the order of checks. */
function isEarlier(c: Check, other: u32): bool {
  if (other == c.section) return true;
  if (sectionType(c.slot, other) != sectionType(c.slot, c.section)) return false;
  return isBefore(other, sectionEnd(c.slot, other), c.section, c.end);
}

// ---- Values and commands ----

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

function isNan(f16: u32): bool {
  return (f16 & 0x7fff) > 0x7c00;
}
/** A number that is ordered as the f16 is; both zeros are 0. */
function rank(f16: u32): i32 {
  const magnitude: i32 = f16 & 0x7fff;
  return (f16 & 0x8000) != 0 ? -magnitude : magnitude;
}

function checkNumber(c: Check, field: u32): i32 {
  const f16 = slotU16(c.slot, field);
  return isNan(f16) ? refuse(Err.HXE_VALUE, field, f16, 0x7c00) : Err.OK;
}

function checkRange(c: Check, entry: u32): i32 {
  const least = slotU16(c.slot, entry + VALUE_MIN_OFF);
  const most = slotU16(c.slot, entry + VALUE_MAX_OFF);
  const isBad = rank(least) != 0 && rank(most) != 0 && rank(least) > rank(most);
  return isBad ? refuse(Err.HXE_VALUE, entry + VALUE_MIN_OFF, least, most) : Err.OK;
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

function checkEntries(c: Check): i32 {
  if (c.entry == sectionEntries(c.slot, c.section)) {
    c.phase = <u8>Phase.PICK;
    return Err.BUSY;
  }
  if (c.step == Step.FIELDS) return checkFields(c);
  return c.step < <u8>Step.COMPARE ? checkString(c) : checkUnique(c);
}

// ---- Mailboxes ----

enum MailboxStep {
  OPEN = 0,
  NEXT = 1,
  /** opens the next section with mailboxes that came before */
  OTHER = 2,
  COMPARE = 3,
}

function nextMailbox(c: Check): i32 {
  const next = mailboxNext(mailboxCursorAt(CursorUse.CHECK));
  if (next == Err.NO_DATA) {
    c.phase = <u8>Phase.PICK;
    return Err.BUSY;
  }
  if (next < 0) return next;
  if (c.mailboxes == DESCRIPTOR_MAX) {
    return refuseFull(Err.FULL, Resource.DESCRIPTORS, <u32>DESCRIPTOR_MAX + 1, <u32>DESCRIPTOR_MAX);
  }
  c.mailboxes += 1;
  c.other = 0;
  c.step = <u8>MailboxStep.OTHER;
  return Err.BUSY;
}

function openOther(c: Check): i32 {
  if (c.other == imageSections(c.slot)) {
    c.entry += 1;
    c.step = <u8>MailboxStep.NEXT;
    return Err.BUSY;
  }
  c.otherEntry = 0;
  if (isEarlier(c, c.other)) {
    mailboxOpen(mailboxCursorAt(CursorUse.EARLIER), c.slot, c.other);
    c.step = <u8>MailboxStep.COMPARE;
  } else c.other += 1;
  return Err.BUSY;
}

function closeOther(c: Check): i32 {
  c.other += 1;
  c.step = <u8>MailboxStep.OTHER;
  return Err.BUSY;
}

function compareMailbox(c: Check): i32 {
  if (c.other == c.section && c.otherEntry == c.entry) return closeOther(c);
  const earlier = mailboxCursorAt(CursorUse.EARLIER);
  const next = mailboxNext(earlier);
  if (next == Err.NO_DATA) return closeOther(c);
  if (next < 0) return next;
  c.otherEntry += 1;
  const present = mailboxCursorAt(CursorUse.CHECK);
  if (!isSameMailbox(present, earlier)) return Err.BUSY;
  return refuse(Err.HXE_DUPLICATE, present.target, 0, earlier.target);
}

function checkMailboxes(c: Check): i32 {
  switch (<i32>c.step) {
    case MailboxStep.OPEN:
      mailboxOpen(mailboxCursorAt(CursorUse.CHECK), c.slot, c.section);
      c.step = <u8>MailboxStep.NEXT;
      return Err.BUSY;
    case MailboxStep.NEXT:
      return nextMailbox(c);
    case MailboxStep.OTHER:
      return openOther(c);
  }
  return compareMailbox(c);
}

// ---- Stack ----

function checkStack(c: Check): i32 {
  const place = sectionOffset(c.slot, c.section);
  const stack = slotU32(c.slot, place);
  const data = imageRodataSize(c.slot) + imageBssSize(c.slot);
  const most = STACK_TOP - DATA_ORIGIN;
  const room = data < most ? most - data : 0;
  if (stack == 0 || (stack & 3) != 0 || stack > room)
    return refuse(Err.HXE_STACK, place, stack, room);
  c.phase = <u8>Phase.PICK;
  return Err.BUSY;
}

/** Does a slice of the section under check. NO_DATA: its bytes are not all there. */
export function checkSection(c: Check): i32 {
  if (c.received < c.end) return Err.NO_DATA;
  switch (sectionType(c.slot, c.section)) {
    case MetaType.MAILBOX:
      return checkMailboxes(c);
    case MetaType.STACK:
      return checkStack(c);
  }
  return checkEntries(c);
}
