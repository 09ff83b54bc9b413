// Checks of the metadata table entry by entry, and the order in which its sections are checked: as they end.

import { COMMAND_MAX, VALUE_MAX } from "../layout";
import { refuse, refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import {
  META_COUNT_OFF,
  META_ENTRY_SIZE,
  META_OFFSET_OFF,
  META_SIZE_OFF,
  MetaType,
  STACK_ENTRY_SIZE,
} from "../spec/hxe";
import { Resource } from "../spec/node";
import { Check, CheckFlag, Phase } from "./check-state";
import {
  entrySize,
  imageSections,
  imageTable,
  sectionEntries,
  sectionFind,
  sectionOffset,
  sectionSize,
  sectionType,
} from "./metadata";

function isKnown(type: u32): bool {
  return type >= <u32>MetaType.VALUE && type <= <u32>MetaType.STACK;
}
/** Offset of the end of a section. */
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
export function isEarlier(c: Check, other: u32): bool {
  if (other == c.section) return true;
  if (sectionType(c.slot, other) != sectionType(c.slot, c.section)) return false;
  return isBefore(other, sectionEnd(c.slot, other), c.section, c.end);
}
