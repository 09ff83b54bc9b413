// JSON (RFC 8259), checked byte by byte as it comes: no tree, no recursion, depth bounded, text valid UTF-8.
//
// Json, 12 bytes: where in a text the reader is
//  0  kinds  u32  one bit a level, the innermost lowest; 1: an object
//  4  state  u8   State
//  5  depth  u8   levels open
//  6  wait   u8   in a string the state of UTF-8, in an escape the digits to come, in a literal its next character
//  7  flags  u8   JsonFlag bits
//  8  unit   u16  digits of a \u escape so far
// 10  (2 spare)

import { UTF8_BAD, utf8Next } from "./utf8";

/** Levels of nesting; more is refused. */
export const JSON_DEPTH_MAX: u32 = 32;

/** What a byte completed. */
export enum JsonEvent {
  /** it cannot stand there */
  BAD = -1,
  NONE = 0,
  OBJECT = 1,
  ARRAY = 2,
  OBJECT_END = 3,
  ARRAY_END = 4,
  /** the opening quote of a key */
  KEY = 5,
  KEY_END = 6,
  /** the opening quote of a string that is a value */
  STRING = 7,
  STRING_END = 8,
  /** the first byte of a number */
  NUMBER = 9,
  /** the first byte of true, false or null */
  LITERAL = 10,
  /** an escaped U+0000 */
  NUL = 11,
}

enum JsonFlag {
  /** the string is a key */
  KEY = 1,
  /** a high surrogate came: its low half must follow */
  LOW = 2,
}

enum State {
  VALUE = 0,
  VALUE_OR_END,
  KEY_OR_END,
  KEY,
  COLON,
  AFTER,
  /** the text is complete: blanks, then NULs */
  DONE,
  NULS,
  STRING,
  ESCAPE,
  HEX,
  LITERAL,
  MINUS,
  ZERO,
  INTEGER,
  POINT,
  FRACTION,
  E,
  E_SIGN,
  EXPONENT,
}

/** "rue", "alse", "ull", each ended by 0. */
const LITERALS: usize = memory.data<u8>([
  0x72, 0x75, 0x65, 0, 0x61, 0x6c, 0x73, 0x65, 0, 0x75, 0x6c, 0x6c, 0,
]);
const TRUE_AT: u8 = 0;
const FALSE_AT: u8 = 4;
const NULL_AT: u8 = 9;


@unmanaged
export class Json {
  kinds: u32 = 0;
  state: u8 = 0;
  depth: u8 = 0;
  wait: u8 = 0;
  flags: u8 = 0;
  unit: u16 = 0;
}
export const JSON_SIZE: usize = 12;
if (offsetof<Json>("unit") != 8) ERROR("Json.unit: offset");
if (offsetof<Json>() > JSON_SIZE) ERROR("Json: size");

/** The reader whose state lies at `address`. */
export function jsonAt(address: usize): Json {
  return changetype<Json>(address);
}

/** Prepares for the first byte of a text. */
export function jsonBegin(j: Json): void {
  j.kinds = 0;
  j.state = <u8>State.VALUE;
  j.depth = 0;
  j.wait = 0;
  j.flags = 0;
  j.unit = 0;
}

/** True if the text may end here. */
export function jsonIsComplete(j: Json): bool {
  if (j.state == State.DONE || j.state == State.NULS) return true;
  return j.depth == 0 && isWholeNumber(j.state);
}

function isWholeNumber(state: i32): bool {
  return (
    state == State.ZERO ||
    state == State.INTEGER ||
    state == State.FRACTION ||
    state == State.EXPONENT
  );
}
function isDigit(byte: u32): bool {
  return byte >= 0x30 && byte <= 0x39;
}
function isBlank(byte: u32): bool {
  return byte == 0x20 || (byte >= 0x09 && byte <= 0x0d && byte != 0x0b && byte != 0x0c);
}
/** The value of a hexadecimal digit; 16: it is none. */
export function hexDigit(byte: u32): u32 {
  if (isDigit(byte)) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16;
}

// ---- Values ----

function endValue(j: Json): void {
  j.state = <u8>(j.depth == 0 ? State.DONE : State.AFTER);
}

function openLevel(j: Json, object: u32): i32 {
  if (j.depth == JSON_DEPTH_MAX) return JsonEvent.BAD;
  j.kinds = (j.kinds << 1) | object;
  j.depth += 1;
  j.state = <u8>(object != 0 ? State.KEY_OR_END : State.VALUE_OR_END);
  return object != 0 ? JsonEvent.OBJECT : JsonEvent.ARRAY;
}

function closeLevel(j: Json, byte: u32): i32 {
  const object = (j.kinds & 1) != 0;
  if (byte != (object ? 0x7d : 0x5d)) return JsonEvent.BAD;
  j.kinds >>>= 1;
  j.depth -= 1;
  endValue(j);
  return object ? JsonEvent.OBJECT_END : JsonEvent.ARRAY_END;
}

function beginString(j: Json, flags: i32): i32 {
  j.flags = <u8>flags;
  j.wait = 0;
  j.state = <u8>State.STRING;
  return flags == JsonFlag.KEY ? JsonEvent.KEY : JsonEvent.STRING;
}

function beginLiteral(j: Json, at: u8): i32 {
  j.wait = at;
  j.state = <u8>State.LITERAL;
  return JsonEvent.LITERAL;
}

function beginNumber(j: Json, state: i32): i32 {
  j.state = <u8>state;
  return JsonEvent.NUMBER;
}

function beginValue(j: Json, byte: u32): i32 {
  switch (byte) {
    case 0x7b: // {
      return openLevel(j, 1);
    case 0x5b: // [
      return openLevel(j, 0);
    case 0x22: // "
      return beginString(j, 0);
    case 0x74:
      return beginLiteral(j, TRUE_AT);
    case 0x66:
      return beginLiteral(j, FALSE_AT);
    case 0x6e:
      return beginLiteral(j, NULL_AT);
    case 0x2d: // -
      return beginNumber(j, State.MINUS);
    case 0x30:
      return beginNumber(j, State.ZERO);
  }
  return isDigit(byte) ? beginNumber(j, State.INTEGER) : JsonEvent.BAD;
}

// ---- Strings ----

function endString(j: Json): i32 {
  if (j.flags == JsonFlag.KEY) {
    j.state = <u8>State.COLON;
    return JsonEvent.KEY_END;
  }
  endValue(j);
  return JsonEvent.STRING_END;
}

function stringByte(j: Json, byte: u32): i32 {
  if (j.wait == 0 && byte == 0x5c) {
    j.state = <u8>State.ESCAPE;
    return JsonEvent.NONE;
  }
  if ((j.flags & JsonFlag.LOW) != 0) return JsonEvent.BAD;
  if (j.wait == 0 && byte == 0x22) return endString(j);
  if (byte < 0x20) return JsonEvent.BAD;
  const next = utf8Next(j.wait, byte);
  j.wait = <u8>next;
  return next == UTF8_BAD ? JsonEvent.BAD : JsonEvent.NONE;
}

function escapeByte(j: Json, byte: u32): i32 {
  if (byte == 0x75) {
    j.unit = 0;
    j.wait = 4;
    j.state = <u8>State.HEX;
    return JsonEvent.NONE;
  }
  if ((j.flags & JsonFlag.LOW) != 0) return JsonEvent.BAD;
  switch (byte) {
    case 0x22: // "
    case 0x2f: // /
    case 0x5c: // \
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      j.state = <u8>State.STRING;
      return JsonEvent.NONE;
  }
  return JsonEvent.BAD;
}

function endUnit(j: Json): i32 {
  const kind: u32 = j.unit & 0xfc00;
  const isLow = kind == 0xdc00;
  if (isLow != ((j.flags & JsonFlag.LOW) != 0)) return JsonEvent.BAD;
  j.flags = <u8>((j.flags & JsonFlag.KEY) | (kind == 0xd800 ? JsonFlag.LOW : 0));
  j.state = <u8>State.STRING;
  return j.unit == 0 ? JsonEvent.NUL : JsonEvent.NONE;
}

function hexByte(j: Json, byte: u32): i32 {
  const digit = hexDigit(byte);
  if (digit > 15) return JsonEvent.BAD;
  j.unit = <u16>(((<u32>j.unit) << 4) | digit);
  j.wait -= 1;
  return j.wait == 0 ? endUnit(j) : JsonEvent.NONE;
}

// ---- Literals and numbers ----

function literalByte(j: Json, byte: u32): i32 {
  if (byte != load<u8>(LITERALS + j.wait)) return JsonEvent.BAD;
  j.wait += 1;
  if (load<u8>(LITERALS + j.wait) == 0) endValue(j);
  return JsonEvent.NONE;
}

/** The state of a number after one more of its bytes; 0: the byte is none of it. */
function numberState(state: i32, byte: u32): i32 {
  const digit = isDigit(byte);
  switch (state) {
    case State.MINUS:
      return byte == 0x30 ? State.ZERO : digit ? State.INTEGER : 0;
    case State.INTEGER:
      if (digit) return State.INTEGER;
    // falls through
    case State.ZERO:
      return byte == 0x2e ? State.POINT : (byte | 0x20) == 0x65 ? State.E : 0;
    case State.POINT:
      return digit ? State.FRACTION : 0;
    case State.FRACTION:
      return digit ? State.FRACTION : (byte | 0x20) == 0x65 ? State.E : 0;
    case State.E:
      if (byte == 0x2b || byte == 0x2d) return State.E_SIGN;
  }
  return digit ? State.EXPONENT : 0;
}

function numberByte(j: Json, byte: u32): i32 {
  const next = numberState(j.state, byte);
  if (next != 0) {
    j.state = <u8>next;
    return JsonEvent.NONE;
  }
  if (!isWholeNumber(j.state)) return JsonEvent.BAD;
  endValue(j);
  return structureByte(j, byte); // the byte that ends a number belongs to what follows
}

// ---- Between the values ----

function afterByte(j: Json, byte: u32): i32 {
  if (byte != 0x2c) return closeLevel(j, byte);
  j.state = <u8>((j.kinds & 1) != 0 ? State.KEY : State.VALUE);
  return JsonEvent.NONE;
}

function keyByte(j: Json, byte: u32): i32 {
  return byte == 0x22 ? beginString(j, JsonFlag.KEY) : JsonEvent.BAD;
}

function structureByte(j: Json, byte: u32): i32 {
  if (j.state != State.NULS && isBlank(byte)) return JsonEvent.NONE;
  switch (<i32>j.state) {
    case State.VALUE:
      return beginValue(j, byte);
    case State.VALUE_OR_END:
      return byte == 0x5d ? closeLevel(j, byte) : beginValue(j, byte);
    case State.KEY_OR_END:
      return byte == 0x7d ? closeLevel(j, byte) : keyByte(j, byte);
    case State.KEY:
      return keyByte(j, byte);
    case State.COLON:
      if (byte != 0x3a) return JsonEvent.BAD;
      j.state = <u8>State.VALUE;
      return JsonEvent.NONE;
    case State.AFTER:
      return afterByte(j, byte);
  }
  if (byte != 0) return JsonEvent.BAD;
  j.state = <u8>State.NULS;
  return JsonEvent.NONE;
}

/** Takes the next byte of the text and returns the JsonEvent it made; BAD: it is not JSON. NULs may follow the text. */
export function jsonByte(j: Json, byte: u32): i32 {
  const state: i32 = j.state;
  if (state < State.STRING) return structureByte(j, byte);
  switch (state) {
    case State.STRING:
      return stringByte(j, byte);
    case State.ESCAPE:
      return escapeByte(j, byte);
    case State.HEX:
      return hexByte(j, byte);
    case State.LITERAL:
      return literalByte(j, byte);
  }
  return numberByte(j, byte);
}
