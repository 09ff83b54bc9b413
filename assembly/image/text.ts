// Characters of a text in a slot: UTF-8 up to a NUL, or a JSON string up to its closing quote. The text was verified.

import { hexDigit } from "./json";
import { slotByte } from "./slot";

/** How a text ends and escapes. */
export enum TextForm {
  PLAIN = 0,
  JSON = 1,
}

/** Bits of a character that hold its code; those above hold the bytes it takes in the file. */
const CODE_BITS: u32 = 24;
const SURROGATE_BYTES: u32 = 6;

/** Code of a character that textNext() returned. */
export function textCode(character: u32): u32 {
  return character & ((1 << CODE_BITS) - 1);
}
/** Bytes of the file that a character which textNext() returned takes; 0: the text ended. */
export function textSize(character: u32): u32 {
  return character >>> CODE_BITS;
}
function character(code: u32, size: u32): u32 {
  return code | (size << CODE_BITS);
}

function unit(slot: u32, at: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < 4; i++) {
    value = ((value << 4) | hexDigit(slotByte(slot, at + i))) & 0xffff;
  }
  return value;
}

function escapedUnit(slot: u32, at: u32): u32 {
  const first = unit(slot, at + 2);
  if ((first & 0xfc00) != 0xd800) return character(first, SURROGATE_BYTES);
  const second = unit(slot, at + 2 + SURROGATE_BYTES);
  return character(0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff), 2 * SURROGATE_BYTES);
}

function escaped(slot: u32, at: u32): u32 {
  const byte = slotByte(slot, at + 1);
  switch (byte) {
    case 0x62: // b
      return character(0x08, 2);
    case 0x66: // f
      return character(0x0c, 2);
    case 0x6e: // n
      return character(0x0a, 2);
    case 0x72: // r
      return character(0x0d, 2);
    case 0x74: // t
      return character(0x09, 2);
    case 0x75: // u
      return escapedUnit(slot, at);
  }
  return character(byte, 2);
}

function multiByte(slot: u32, at: u32, lead: u32): u32 {
  const size: u32 = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  let code = lead & (0x7f >>> size);
  for (let i: u32 = 1; i < size; i++) code = (code << 6) | (slotByte(slot, at + i) & 0x3f);
  return character(code, size);
}

/** The character at `at`: textCode() and textSize() take it apart. */
export function textNext(slot: u32, at: u32, form: u32): u32 {
  const byte = slotByte(slot, at);
  if (byte >= 0x80) return multiByte(slot, at, byte);
  if (form == TextForm.JSON) {
    if (byte == 0x22) return 0;
    if (byte == 0x5c) return escaped(slot, at);
  } else if (byte == 0) return 0;
  return character(byte, 1);
}

/** True if two texts begin with the same `max` characters, or are the same. */
export function textIsEqual(slot: u32, a: u32, aForm: u32, b: u32, bForm: u32, max: u32): bool {
  for (; max > 0; max--) {
    const left = textNext(slot, a, aForm);
    const right = textNext(slot, b, bForm);
    if (textCode(left) != textCode(right)) return false;
    if (textSize(left) == 0 || textSize(right) == 0) return textSize(left) == textSize(right);
    a += textSize(left);
    b += textSize(right);
  }
  return true;
}

/** Stores a character as UTF-8 and returns its bytes, 1 to 4. */
function encode(code: u32, to: usize): usize {
  if (code < 0x80) {
    store<u8>(to, <u8>code);
    return 1;
  }
  const more: usize = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  for (let i = more; i > 0; i--) {
    store<u8>(to + i, <u8>((code & 0x3f) | 0x80));
    code >>>= 6;
  }
  store<u8>(to, <u8>(((0x7f80 >>> (<u32>more)) & 0xff) | code));
  return more + 1;
}

/** Copies at most `max` characters as UTF-8 to `to`, which has room for four bytes each. Returns the bytes stored. */
export function textCopy(slot: u32, at: u32, form: u32, to: usize, max: u32): u32 {
  let bytes: usize = 0;
  for (; max > 0; max--) {
    const next = textNext(slot, at, form);
    if (textSize(next) == 0) break;
    bytes += encode(textCode(next), to + bytes);
    at += textSize(next);
  }
  return <u32>bytes;
}
