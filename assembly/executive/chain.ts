// Descriptor chains: what VAL_REGISTER and CMD_REGISTER are told in task memory, read into the form of an image's section.
// A link is u8 tag, u8 extra, u16 next (0xFFFF ends), then its fields; all little-endian.

import { arenaAddress, arenaAllocate } from "../arena";
import { f16Less } from "../f16";
import { refuseMemory } from "../refusal";
import { RUN_TIME_VALUE_SIZE, VALUE_DEBOUNCE_OFF, VALUE_RATE_OFF } from "../registry/entry";
import { Err } from "../spec/errors";
import {
  COMMAND_ENTRY_SIZE,
  COMMAND_HELP_OFF,
  COMMAND_NAME_OFF,
  VALUE_EPSILON_OFF,
  VALUE_GROUP_NAME_OFF,
  VALUE_KEY_OFF,
  VALUE_MAX_OFF,
  VALUE_MIN_OFF,
  VALUE_NAME_OFF,
  VALUE_UNIT_OFF,
} from "../spec/hxe";
import { DESC_END, DescTag } from "../spec/svc";
import { Context } from "../vm/context";
import { vmRange } from "../vm/memory";
import { textAddress, textWithin } from "./guest";

/** Longest chain that is followed; a longer one must be a loop. */
const CHAIN_MAX: u32 = 16;
/** Most bytes of strings in an entry, with their NULs: they are read and copied within one SVC, in 1.5 ms of an AVR. */
const STRINGS_MAX: u32 = 256;
/** Bytes of a unit code. */
const UNIT_MAX: u32 = 4;

/** Bytes of a link by its tag; 0: a tag no chain may hold. */
function linkSize(tag: u32, isCommand: bool): u32 {
  if (isCommand) return tag == DescTag.COMMAND_NAME ? 8 : 0;
  switch (tag) {
    case DescTag.GROUP:
    case DescTag.NAME:
      return 6;
    case DescTag.UNIT:
      return 12;
    case DescTag.RANGE:
    case DescTag.PERSIST:
      return 8;
    default:
      return 0;
  }
}

/** Address of the link at data address `pointer`; 0: it is none. */
function linkAt(c: Context, pointer: u32, isCommand: bool): usize {
  const head = vmRange(c, pointer, 4);
  if (head == 0) return 0;
  const size = linkSize(load<u8>(head), isCommand);
  return size == 0 ? 0 : vmRange(c, pointer, size);
}

/** Length of the string a link points to; 0xFFFF and 0 point nowhere; -1: it leaves its segment. */
function linkedLength(c: Context, link: usize, at: usize): i32 {
  const pointer: u32 = load<u16>(link + at);
  return pointer == 0 || pointer == DESC_END ? 0 : textWithin(c, pointer, STRINGS_MAX - 1);
}

/** Bytes of string a link brings into the entry, each with its NUL. Negative: INVALID. */
function stringBytes(c: Context, link: usize): i32 {
  const tag: u32 = load<u8>(link);
  if (tag == DescTag.UNIT) return <i32>UNIT_MAX + 1;
  if (tag == DescTag.RANGE)
    return f16Less(load<u16>(link + 6), load<u16>(link + 4)) ? <i32>Err.INVALID : 0;
  if (tag == DescTag.PERSIST) return 0;
  const name = linkedLength(c, link, 4);
  if (name < 0 || tag != DescTag.COMMAND_NAME) return name < 0 ? <i32>Err.INVALID : name + 1;
  const help = linkedLength(c, link, 6);
  return help < 0 ? <i32>Err.INVALID : name + help + 2;
}

/** Bytes of string a whole chain brings. INVALID: a foreign tag, a loop, an empty range, a link or string outside memory, or too much of it. */
function chainBytes(c: Context, pointer: u32, isCommand: bool): i32 {
  let bytes: i32 = 0;
  for (let links: u32 = 0; pointer != DESC_END; links++) {
    const link: usize = links == CHAIN_MAX ? 0 : linkAt(c, pointer, isCommand);
    if (link == 0) return Err.INVALID;
    const more = stringBytes(c, link);
    if (more < 0) return more;
    bytes += more;
    if (bytes > <i32>STRINGS_MAX) return Err.INVALID;
    pointer = load<u16>(link + 2);
  }
  return bytes;
}

function put16(at: usize, value: u32): void {
  store<u16>(at, bswap<u16>(<u16>value));
}

/** Copies a string of task memory to the end of the entry, notes its offset at `field`, and returns the new end. */
function putText(c: Context, entry: usize, end: u32, field: u32, pointer: u32): u32 {
  if (pointer == 0 || pointer == DESC_END) return end;
  const length: u32 = textWithin(c, pointer, STRINGS_MAX);
  memory.copy(entry + end, textAddress(c, pointer), length);
  put16(entry + field, end);
  return end + length + 1;
}

/** Copies a unit's four characters, which end at a NUL or blank. */
function putUnit(entry: usize, end: u32, link: usize): u32 {
  let length: u32 = 0;
  for (; length < UNIT_MAX; length++) {
    const byte = load<u8>(link + 4 + length);
    if (byte == 0 || byte == 0x20) break;
    store<u8>(entry + end + length, byte);
  }
  if (length == 0) return end;
  put16(entry + VALUE_UNIT_OFF, end);
  return end + length + 1;
}

function putLink(c: Context, entry: usize, end: u32, link: usize): u32 {
  switch (<u32>load<u8>(link)) {
    case DescTag.GROUP:
      return putText(c, entry, end, VALUE_GROUP_NAME_OFF, load<u16>(link + 4));
    case DescTag.NAME:
      return putText(c, entry, end, VALUE_NAME_OFF, load<u16>(link + 4));
    case DescTag.UNIT:
      put16(entry + VALUE_EPSILON_OFF, load<u16>(link + 8));
      put16(entry + VALUE_RATE_OFF, load<u16>(link + 10));
      return putUnit(entry, end, link);
    case DescTag.RANGE:
      put16(entry + VALUE_MIN_OFF, load<u16>(link + 4));
      put16(entry + VALUE_MAX_OFF, load<u16>(link + 6));
      return end;
    case DescTag.PERSIST:
      put16(entry + VALUE_KEY_OFF, load<u16>(link + 4));
      put16(entry + VALUE_DEBOUNCE_OFF, load<u16>(link + 6));
      return end;
    default:
      end = putText(c, entry, end, COMMAND_NAME_OFF, load<u16>(link + 4));
      return putText(c, entry, end, COMMAND_HELP_OFF, load<u16>(link + 6));
  }
}

/** OK when a chain can be read. INVALID: a foreign tag, a loop, more than STRINGS_MAX, or memory the task does not have. */
export function chainCheck(c: Context, pointer: u32, isCommand: bool): i32 {
  const bytes = chainBytes(c, pointer == 0 ? DESC_END : pointer, isCommand);
  return bytes < 0 ? bytes : <i32>Err.OK;
}

/**
 * Reads the chain at data address `pointer` into a new entry block owned by the field at `owner`.
 * INVALID: a foreign tag, a loop, or memory the task does not have. NO_MEMORY.
 */
export function chainRead(c: Context, pointer: u32, isCommand: bool, owner: usize): i32 {
  if (pointer == 0) pointer = DESC_END;
  const strings = chainBytes(c, pointer, isCommand);
  if (strings < 0) return strings;
  let end = isCommand ? COMMAND_ENTRY_SIZE : RUN_TIME_VALUE_SIZE;
  if (!arenaAllocate(end + strings, owner)) return refuseMemory(end + strings);
  const entry = arenaAddress(load<u16>(owner));
  while (pointer != DESC_END) {
    const link = linkAt(c, pointer, isCommand);
    end = putLink(c, entry, end, link);
    pointer = load<u16>(link + 2);
  }
  return Err.OK;
}
