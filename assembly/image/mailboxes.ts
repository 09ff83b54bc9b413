// The mailboxes an image declares, read one by one from a section, binary or JSON, and checked on the way.
//
// MailboxCursor, 48 bytes
//  0  json       Json  of a JSON section
// 12  at         u32   offset in the file of the next byte
// 16  start      u32   offset of the section
// 20  end        u32   offset of its end
// 24  token      u32   first byte of the string or name being read
// 28  target     u32   first byte of the mailbox's name; 0: none so far
// 32  left       u32   binary entries still to come
// 36  capacity   u16   bytes; 0: not given
// 38  owner      u16   pid, or NO_OWNER_PID
// 40  mode       u8    MailboxMode bits
// 41  slot       u8
// 42  form       u8    Form
// 43  listDepth  u8    JSON level of the list of mailboxes; 0: outside of it
// 44  field      u8    Field and rank of the last key
// 45  ranks      u8    ranks of the keys that gave target, capacity and mode, two bits each
// 46  hadList    u8    1: the list came
// 47  (1 spare)

import { MAILBOX_CURSOR_SIZE, MAILBOX_CURSORS_BASE } from "../layout";
import { refuse } from "../refusal";
import { Err } from "../spec/errors";
import {
  MAILBOX_CAPACITY_OFF,
  MAILBOX_ENTRY_SIZE,
  MAILBOX_MODE_OFF,
  MAILBOX_NAME_OFF,
  MAILBOX_RESERVED_OFF,
  META_COUNT_OFF,
  META_ENTRY_SIZE,
} from "../spec/hxe";
import { MAILBOX_NAME_MAX, MailboxMode } from "../spec/svc";
import { JSON_SIZE, Json, JsonEvent, jsonAt, jsonBegin, jsonByte, jsonIsComplete } from "./json";
import { Field, keyField, modeBits, RANK_MASK } from "./mailbox-words";
import { imageTable, sectionEntries, sectionOffset, sectionSize } from "./metadata";
import { slotByte, slotU16, slotU32 } from "./slot";
import { TextForm, textCopy, textIsEqual } from "./text";
import { UTF8_BAD, utf8Next } from "./utf8";

/** `owner` of a mailbox whose declaration names no task. */
export const NO_OWNER_PID: u32 = 0xffff;
/** Bytes a cursor reads in one call. */
const SLICE: u32 = 32;
const MODE_ALL: u32 = 0x3f;

/** Who reads with a cursor. */
export enum CursorUse {
  CHECK = 0,
  /** the check, looking for an earlier mailbox of the same name */
  EARLIER = 1,
  /** whoever registers the mailboxes of a verified image */
  REGISTER = 2,
}

enum Form {
  /** blanks; the first other byte decides */
  UNKNOWN = 0,
  BINARY = 1,
  /** in the name of a binary entry */
  BINARY_NAME = 2,
  JSON = 3,
}


@unmanaged
export class MailboxCursor {
  kinds: u32 = 0;
  states: u32 = 0;
  unit: u32 = 0;
  at: u32 = 0;
  start: u32 = 0;
  end: u32 = 0;
  token: u32 = 0;
  target: u32 = 0;
  left: u32 = 0;
  capacity: u16 = 0;
  owner: u16 = 0;
  mode: u8 = 0;
  slot: u8 = 0;
  form: u8 = 0;
  listDepth: u8 = 0;
  field: u8 = 0;
  ranks: u8 = 0;
  hadList: u8 = 0;
}
if (offsetof<MailboxCursor>("at") != JSON_SIZE) ERROR("MailboxCursor.at: offset");
if (offsetof<MailboxCursor>("hadList") != 46) ERROR("MailboxCursor.hadList: offset");
if (offsetof<MailboxCursor>() > MAILBOX_CURSOR_SIZE) ERROR("MailboxCursor: size");

/** The cursor for one use (CursorUse). */
export function mailboxCursorAt(use: u32): MailboxCursor {
  return changetype<MailboxCursor>(MAILBOX_CURSORS_BASE + <usize>use * MAILBOX_CURSOR_SIZE);
}
function jsonOf(c: MailboxCursor): Json {
  return jsonAt(changetype<usize>(c));
}
function refuseAt(c: MailboxCursor, code: i32): i32 {
  const byte = c.at < c.end ? slotByte(c.slot, c.at) : 0; // what lies behind the section may not have come
  return refuse(code, c.at, byte, 0);
}

function forgetEntry(c: MailboxCursor): void {
  c.target = 0;
  c.capacity = 0;
  c.owner = <u16>NO_OWNER_PID;
  c.mode = 0;
  c.ranks = 0;
  c.field = <u8>Field.OTHER;
}

function completeEntry(c: MailboxCursor): i32 {
  if (c.target == 0) return refuseAt(c, Err.HXE_MAILBOX);
  if (c.mode == 0) c.mode = <u8>MailboxMode.RDWR;
  return Err.OK;
}

// ---- Binary form ----

function beginBinary(c: MailboxCursor, section: u32): i32 {
  const size = c.end - c.start;
  c.form = <u8>Form.BINARY;
  c.at = c.start;
  c.left = sectionEntries(c.slot, section);
  if (c.left <= size && c.left * MAILBOX_ENTRY_SIZE <= size) return Err.BUSY;
  const place = imageTable(c.slot) + section * META_ENTRY_SIZE + META_COUNT_OFF;
  return refuse(Err.HXE_MAILBOX, place, c.left, size / MAILBOX_ENTRY_SIZE);
}

function nextBinary(c: MailboxCursor): i32 {
  if (c.left == 0) return Err.NO_DATA;
  forgetEntry(c);
  const name = slotU32(c.slot, c.at + MAILBOX_NAME_OFF);
  const mode = slotU16(c.slot, c.at + MAILBOX_MODE_OFF);
  const reserved = c.at + MAILBOX_RESERVED_OFF;
  if (name == 0) return refuse(Err.HXE_MAILBOX, c.at + MAILBOX_NAME_OFF, name, 0);
  if (name >= c.end - c.start)
    return refuse(Err.HXE_STRING, c.at + MAILBOX_NAME_OFF, name, c.end - c.start);
  if (mode > MODE_ALL) return refuse(Err.HXE_MAILBOX, c.at + MAILBOX_MODE_OFF, mode, MODE_ALL);
  if ((slotU32(c.slot, reserved) | slotU32(c.slot, reserved + 4)) != 0) {
    return refuse(Err.HXE_MAILBOX, reserved, 1, 0);
  }
  c.capacity = <u16>slotU16(c.slot, c.at + MAILBOX_CAPACITY_OFF);
  c.mode = <u8>mode;
  c.target = c.start + name;
  c.token = c.target;
  c.form = <u8>Form.BINARY_NAME;
  jsonOf(c).wait = 0;
  return Err.BUSY;
}

function nextNameByte(c: MailboxCursor): i32 {
  const j = jsonOf(c);
  const byte = slotByte(c.slot, c.token);
  const next = utf8Next(j.wait, byte);
  if (c.token >= c.end || next == UTF8_BAD) {
    return refuse(Err.HXE_STRING, c.at + MAILBOX_NAME_OFF, c.target - c.start, c.end - c.start);
  }
  j.wait = <u8>next;
  c.token += 1;
  if (byte != 0) return Err.BUSY;
  c.form = <u8>Form.BINARY;
  c.at += MAILBOX_ENTRY_SIZE;
  c.left -= 1;
  return completeEntry(c);
}

// ---- Values in JSON ----

/** The number at the cursor if it is a whole one of at most five digits, else INVALID. */
function readInteger(c: MailboxCursor): i32 {
  let value: i32 = 0;
  for (let at = c.at; at < c.at + 6; at++) {
    const byte = slotByte(c.slot, at);
    if (byte >= 0x30 && byte <= 0x39) value = value * 10 + (<i32>byte - 0x30);
    else if (at == c.at || byte == 0x2e || (byte | 0x20) == 0x65) return Err.INVALID;
    else return value;
  }
  return Err.INVALID;
}

/** The number that a NUMBER event began, at most `max`. INVALID: another value, or not such a number. */
function integerOf(c: MailboxCursor, event: i32, max: i32): i32 {
  if (event != JsonEvent.NUMBER) return Err.INVALID;
  const value = readInteger(c);
  return value <= max ? value : Err.INVALID;
}

/** False if a key of higher rank gave the same thing; else the key's rank is kept. */
function outranks(c: MailboxCursor, field: u32): bool {
  const shift = (field - Field.TARGET) >>> 1;
  const rank = (<u32>c.field) & RANK_MASK;
  if (rank < (((<u32>c.ranks) >>> shift) & RANK_MASK)) return false;
  c.ranks = <u8>(((<u32>c.ranks) & ~(RANK_MASK << shift)) | (rank << shift));
  return true;
}

function takeTarget(c: MailboxCursor, event: i32): i32 {
  if (event != JsonEvent.STRING_END) return Err.INVALID;
  if (outranks(c, Field.TARGET)) c.target = c.token;
  return Err.OK;
}

function takeCapacity(c: MailboxCursor, event: i32): i32 {
  const value = integerOf(c, event, 0xffff);
  if (value >= 0 && outranks(c, Field.CAPACITY)) c.capacity = <u16>value;
  return value;
}

function takeMode(c: MailboxCursor, event: i32): i32 {
  const isText = event == JsonEvent.STRING_END;
  const value = isText ? modeBits(c.slot, c.token) : integerOf(c, event, MODE_ALL);
  if (value >= 0 && outranks(c, Field.MODE)) c.mode = <u8>value;
  return value;
}

function takeOwner(c: MailboxCursor, event: i32): i32 {
  const value = integerOf(c, event, NO_OWNER_PID - 1);
  if (value >= 0) c.owner = <u16>value;
  return value;
}

function isNull(c: MailboxCursor, event: i32): bool {
  return event == JsonEvent.LITERAL && slotByte(c.slot, c.at) == 0x6e;
}

/** Takes a value of a mailbox. INVALID: its key does not allow it. */
function takeField(c: MailboxCursor, event: i32): i32 {
  if (isNull(c, event)) return Err.OK;
  switch ((<u32>c.field) & ~RANK_MASK) {
    case Field.TARGET:
      return takeTarget(c, event);
    case Field.CAPACITY:
      return takeCapacity(c, event);
    case Field.MODE:
      return takeMode(c, event);
    case Field.OWNER:
      return takeOwner(c, event);
    case Field.BINDINGS:
      return event == JsonEvent.ARRAY ? Err.OK : Err.INVALID;
  }
  return Err.OK;
}

/** Takes a value of the outermost object. */
function takeOuter(c: MailboxCursor, event: i32): i32 {
  if (c.field == Field.VERSION) {
    return integerOf(c, event, 1) == 1 ? Err.BUSY : refuseAt(c, Err.HXE_JSON);
  }
  if (c.field != Field.LIST) return Err.BUSY;
  if (event != JsonEvent.ARRAY || c.hadList != 0) return refuseAt(c, Err.HXE_JSON);
  c.hadList = 1;
  c.listDepth = 2;
  return Err.BUSY;
}

/** Takes a value at level `depth`: 0 is the text itself. */
function takeValue(c: MailboxCursor, event: i32, depth: u32): i32 {
  const list: u32 = c.listDepth;
  if (depth == 0) {
    if (event != JsonEvent.ARRAY) return Err.BUSY;
    c.hadList = 1;
    c.listDepth = 1;
    return Err.BUSY;
  }
  if (list == 0) return depth == 1 ? takeOuter(c, event) : Err.BUSY;
  if (depth == list) {
    forgetEntry(c);
    return event == JsonEvent.OBJECT ? Err.BUSY : refuseAt(c, Err.HXE_JSON);
  }
  if (depth > list + 1 || takeField(c, event) >= 0) return Err.BUSY;
  return refuseAt(c, Err.HXE_MAILBOX);
}

// ---- JSON form ----

function isOwnLevel(c: MailboxCursor): bool {
  const depth: u32 = jsonOf(c).depth;
  return depth == (c.listDepth == 0 ? 1 : <u32>c.listDepth + 1);
}

/** True if an escaped NUL came in the name of a mailbox. */
function isInTarget(c: MailboxCursor): bool {
  const inEntry = c.listDepth != 0 && isOwnLevel(c);
  return inEntry && ((<u32>c.field) & ~RANK_MASK) == Field.TARGET;
}

/** Takes an event. OK: a mailbox is complete. BUSY: go on. */
function takeEvent(c: MailboxCursor, event: i32): i32 {
  const depth: u32 = jsonOf(c).depth;
  switch (event) {
    case JsonEvent.NONE:
      return Err.BUSY;
    case JsonEvent.KEY:
      c.token = c.at + 1;
      if (isOwnLevel(c)) c.field = <u8>Field.OTHER;
      return Err.BUSY;
    case JsonEvent.STRING:
      c.token = c.at + 1;
      return Err.BUSY;
    case JsonEvent.KEY_END:
      if (isOwnLevel(c)) c.field = <u8>keyField(c.slot, c.token);
      return Err.BUSY;
    case JsonEvent.NUL:
      return isInTarget(c) ? refuseAt(c, Err.HXE_MAILBOX) : Err.BUSY;
    case JsonEvent.OBJECT:
    case JsonEvent.ARRAY:
      return takeValue(c, event, depth - 1);
    case JsonEvent.OBJECT_END:
      return c.listDepth != 0 && depth == c.listDepth ? completeEntry(c) : Err.BUSY;
    case JsonEvent.ARRAY_END:
      if (depth < <u32>c.listDepth) c.listDepth = 0;
      return Err.BUSY;
  }
  return takeValue(c, event, depth);
}

function beginJson(c: MailboxCursor): i32 {
  c.form = <u8>Form.JSON;
  jsonBegin(jsonOf(c));
  return Err.BUSY;
}

function nextJsonByte(c: MailboxCursor): i32 {
  if (c.at == c.end) {
    const isSound = jsonIsComplete(jsonOf(c)) && c.hadList != 0;
    return isSound ? Err.NO_DATA : refuseAt(c, Err.HXE_JSON);
  }
  const event = jsonByte(jsonOf(c), slotByte(c.slot, c.at));
  if (event == JsonEvent.BAD) return refuseAt(c, Err.HXE_JSON);
  const taken = takeEvent(c, event);
  if (taken == Err.OK || taken == Err.BUSY) c.at += 1;
  return taken;
}

// ---- Both forms ----

function beginForm(c: MailboxCursor): i32 {
  const byte = c.at < c.end ? slotByte(c.slot, c.at) : 0;
  if (byte == 0x7b || byte == 0x5b) return beginJson(c);
  if (byte != 0x20 && (byte < 0x09 || byte > 0x0d)) return beginBinary(c, c.left);
  c.at += 1;
  return Err.BUSY;
}

/** Sets a cursor before the first mailbox of a section, all of whose bytes are there. */
export function mailboxOpen(c: MailboxCursor, slot: u32, section: u32): void {
  memory.fill(changetype<usize>(c), 0, MAILBOX_CURSOR_SIZE);
  c.slot = <u8>slot;
  c.start = sectionOffset(slot, section);
  c.end = c.start + sectionSize(slot, section);
  c.at = c.start;
  c.left = section; // until the form is known
}

function nextByte(c: MailboxCursor): i32 {
  switch (<i32>c.form) {
    case Form.UNKNOWN:
      return beginForm(c);
    case Form.BINARY:
      return nextBinary(c);
    case Form.BINARY_NAME:
      return nextNameByte(c);
  }
  return nextJsonByte(c);
}

/**
 * Goes on to the next mailbox for a slice of at most 32 bytes. OK: `target`, `capacity`, `owner` and `mode` are its.
 * BUSY: call again. NO_DATA: the section ends and is sound. Others: the section is refused; see the refusal.
 */
export function mailboxNext(c: MailboxCursor): i32 {
  for (let n: u32 = 0; n < SLICE; n++) {
    const next = nextByte(c);
    if (next != Err.BUSY) return next;
  }
  return Err.BUSY;
}

function textForm(c: MailboxCursor): u32 {
  return c.form == Form.JSON ? TextForm.JSON : TextForm.PLAIN;
}

/** Copies the characters of the name that count, at most 32 of up to 4 bytes, to `to`. Returns the bytes. */
export function mailboxName(c: MailboxCursor, to: usize): u32 {
  return textCopy(c.slot, c.target, textForm(c), to, MAILBOX_NAME_MAX);
}

/** True if the mailboxes at two cursors have the same name. */
export function isSameMailbox(a: MailboxCursor, b: MailboxCursor): bool {
  return textIsEqual(a.slot, a.target, textForm(a), b.target, textForm(b), MAILBOX_NAME_MAX);
}
