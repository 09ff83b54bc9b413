// The words of mailbox metadata in JSON: its keys and the names of modes.

import { Err } from "../spec/errors";
import { TextForm, textCode, textNext, textSize } from "./text";

/** What a key stands for. Of several keys for one thing, the one of the highest rank counts. */
export enum Field {
  OTHER = 0,
  VERSION = 1 << 2,
  LIST = 2 << 2,
  BINDINGS = 3 << 2,
  OWNER = 4 << 2,
  TARGET = 5 << 2,
  CAPACITY = 6 << 2,
  MODE = 7 << 2,
}
/** Bits of a field's number that hold the rank of its key, 1 to 3. */
export const RANK_MASK: u32 = 3;

/** Field with rank, length, letters. */
const KEYS: usize = memory.data<u8>([
  // version, mailboxes
  4, 7, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 8, 9, 0x6d, 0x61, 0x69, 0x6c, 0x62, 0x6f, 0x78,
  0x65, 0x73,
  // bindings, owner_pid
  12, 8, 0x62, 0x69, 0x6e, 0x64, 0x69, 0x6e, 0x67, 0x73, 16, 9, 0x6f, 0x77, 0x6e, 0x65, 0x72, 0x5f,
  0x70, 0x69, 0x64,
  // target, name
  22, 6, 0x74, 0x61, 0x72, 0x67, 0x65, 0x74, 21, 4, 0x6e, 0x61, 0x6d, 0x65,
  // capacity, queue_depth
  26, 8, 0x63, 0x61, 0x70, 0x61, 0x63, 0x69, 0x74, 0x79, 25, 11, 0x71, 0x75, 0x65, 0x75, 0x65, 0x5f,
  0x64, 0x65, 0x70, 0x74, 0x68,
  // mode_mask, mode, flags
  31, 9, 0x6d, 0x6f, 0x64, 0x65, 0x5f, 0x6d, 0x61, 0x73, 0x6b, 30, 4, 0x6d, 0x6f, 0x64, 0x65, 29, 5,
  0x66, 0x6c, 0x61, 0x67, 0x73, 0,
]);

/** MailboxMode bits, length, capital letters. */
const MODES: usize = memory.data<u8>([
  // RDONLY, RO, WRONLY, WO, RDWR, RW
  1, 6, 0x52, 0x44, 0x4f, 0x4e, 0x4c, 0x59, 1, 2, 0x52, 0x4f, 2, 6, 0x57, 0x52, 0x4f, 0x4e, 0x4c,
  0x59, 2, 2, 0x57, 0x4f, 3, 4, 0x52, 0x44, 0x57, 0x52, 3, 2, 0x52, 0x57,
  // FANOUT, FANOUT_DROP, FANOUT_BLOCK, TAP
  8, 6, 0x46, 0x41, 0x4e, 0x4f, 0x55, 0x54, 16, 11, 0x46, 0x41, 0x4e, 0x4f, 0x55, 0x54, 0x5f, 0x44,
  0x52, 0x4f, 0x50, 32, 12, 0x46, 0x41, 0x4e, 0x4f, 0x55, 0x54, 0x5f, 0x42, 0x4c, 0x4f, 0x43, 0x4b,
  4, 3, 0x54, 0x41, 0x50, 0,
]);
/** Longest string of modes in bytes of the file. */
const MODE_TEXT_MAX: u32 = 64;

// ---- Matching ----

function capital(code: u32): u32 {
  return code >= 0x61 && code <= 0x7a ? code - 0x20 : code;
}
function isSeparator(code: u32): bool {
  return code == 0x7c || code == 0x2c || code == 0x20;
}

/** True if the JSON string at `at` is the word at a place of KEYS. */
function matchKey(slot: u32, at: u32, word: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const next = textNext(slot, at, TextForm.JSON);
    if (textCode(next) != load<u8>(KEYS + word + <usize>i)) return false;
    at += textSize(next);
  }
  return textSize(textNext(slot, at, TextForm.JSON)) == 0;
}

/** The Field with rank that the JSON string at `at` names. */
export function keyField(slot: u32, at: u32): u32 {
  let key: usize = 0;
  for (let field: u32 = load<u8>(KEYS); field != 0; field = load<u8>(KEYS + key)) {
    const length: u32 = load<u8>(KEYS + key, 1);
    if (matchKey(slot, at, key + 2, length)) return field;
    key += 2 + <usize>length;
  }
  return Field.OTHER;
}

/** Offset just behind the name at a place of MODES if the string at `at` goes on with it, else 0. */
function matchMode(slot: u32, at: u32, word: usize, length: u32): u32 {
  for (let i: u32 = 0; i < length; i++) {
    const next = textNext(slot, at, TextForm.JSON);
    if (capital(textCode(next)) != load<u8>(MODES + word + <usize>i)) return 0;
    at += textSize(next);
  }
  const next = textNext(slot, at, TextForm.JSON);
  return textSize(next) == 0 || isSeparator(textCode(next)) ? at : 0;
}

/** Place in MODES of the row that the string at `at` goes on with; that of the 0 behind the last: none. */
function modeAt(slot: u32, at: u32): usize {
  let mode: usize = 0;
  while (load<u8>(MODES + mode) != 0) {
    const length: u32 = load<u8>(MODES + mode, 1);
    if (matchMode(slot, at, mode + 2, length) != 0) break;
    mode += 2 + <usize>length;
  }
  return mode;
}

/** MailboxMode bits that the JSON string at `at` names, joined by | or a comma. INVALID: it names others. */
export function modeBits(slot: u32, at: u32): i32 {
  const last = at + MODE_TEXT_MAX;
  let bits: i32 = 0;
  while (at <= last) {
    const next = textNext(slot, at, TextForm.JSON);
    if (textSize(next) == 0) return bits;
    if (isSeparator(textCode(next))) {
      at += textSize(next);
      continue;
    }
    const mode = modeAt(slot, at);
    const bit = load<u8>(MODES + mode);
    if (bit == 0) return Err.INVALID;
    bits |= bit;
    at = matchMode(slot, at, mode + 2, load<u8>(MODES + mode, 1));
  }
  return Err.INVALID;
}
