// Frames on the line of the console: between flags, stuffed, with a sum; everything else on it is text. docs/protocol.md, "Serial line".
//
// Serial, 64 bytes
//  0  length   u8   bytes of the frame that is coming
//  1  flags    u8   SerialFlag
//  2  since    u16  clock of its last byte, lower bits
//  4  outSize  u8   bytes of the frame that goes out
//  5  outNext  u8   the next of them
//  6  frame    14   what is coming: head, data, sum
// 20  out      28   what goes out, stuffed, between its flags
// 48  chunk    16   bytes the console has just given

import { CRC_START, crcSum, crcEnd } from "../../crc";
import { uart_read, uart_write } from "../../hal";
import { SERIAL_BASE } from "../../layout";
import { nodeAt } from "../../node";
import { Err } from "../../spec/errors";
import {
  DATA_BYTES,
  SERIAL_ESCAPE,
  SERIAL_FLAG,
  SERIAL_FLIP,
  SERIAL_GAP_MS,
  SERIAL_HEAD_BYTES,
  SERIAL_SUM_BYTES,
} from "../../spec/frame";
import { RECEIVED, RECEIVED_DATA, RECEIVED_LENGTH_OFF } from "./state";

enum SerialFlag {
  /** bytes belong to a frame */
  INSIDE = 1,
  ESCAPED = 2,
}


@unmanaged
class Serial {
  length: u8 = 0;
  flags: u8 = 0;
  since: u16 = 0;
  outSize: u8 = 0;
  outNext: u8 = 0;
}
const FRAME_MAX: u32 = SERIAL_HEAD_BYTES + DATA_BYTES + SERIAL_SUM_BYTES;
const CONTENT: usize = SERIAL_BASE + 6;
const OUT: usize = SERIAL_BASE + 20;
const CHUNK: usize = SERIAL_BASE + 48;
const CHUNK_SIZE: u32 = 16;

function serialAt(): Serial {
  return changetype<Serial>(SERIAL_BASE);
}
/** Lower bits of the sum over bytes. */
function sumOf(from: usize, length: u32): u32 {
  return crcEnd(crcSum(CRC_START, from, length)) & 0xffff;
}

// ---- In ----

/** Takes what the console has. Returns how many bytes lie at serialChunk(). */
export function serialRead(): i32 {
  return uart_read(CHUNK, CHUNK_SIZE);
}
export function serialChunk(): usize {
  return CHUNK;
}

/** Lays a whole frame where frames are received. False: its length or sum is wrong. */
function isWhole(length: u32): bool {
  if (length < SERIAL_HEAD_BYTES + SERIAL_SUM_BYTES) return false;
  const data: u32 = (<u32>load<u8>(CONTENT, 1)) >>> 4;
  const summed = length - SERIAL_SUM_BYTES;
  if (data + SERIAL_HEAD_BYTES != summed) return false;
  if (sumOf(CONTENT, summed) != load<u16>(CONTENT + summed)) return false;
  store<u16>(RECEIVED, load<u16>(CONTENT) & 0xfff);
  store<u8>(RECEIVED, <u8>data, RECEIVED_LENGTH_OFF);
  memory.copy(RECEIVED_DATA, CONTENT + SERIAL_HEAD_BYTES, data);
  return true;
}

/** A flag begins a frame, or ends one. True: a whole one has come. */
function takeFlag(s: Serial): bool {
  const length: u32 = s.length;
  const isEnd = (s.flags & SerialFlag.INSIDE) != 0 && length != 0;
  const whole = isEnd && isWhole(length);
  s.flags = whole ? 0 : <u8>SerialFlag.INSIDE; // after a damaged one, the flag may as well have begun the next
  s.length = 0;
  return whole;
}

/** Takes a byte of the line. 1: a frame has come; 0: it was of a frame; -1: it is text. */
export function serialTake(byte: u32): i32 {
  const s = serialAt();
  const now = <u16>nodeAt().lastMs;
  const isStale = <u32>((now - s.since) & 0xffff) > SERIAL_GAP_MS;
  if (isStale) s.flags = 0;
  s.since = now;
  if (byte == SERIAL_FLAG) return takeFlag(s) ? 1 : 0;
  if ((s.flags & SerialFlag.INSIDE) == 0) return -1;
  if (byte == SERIAL_ESCAPE) {
    s.flags |= <u8>SerialFlag.ESCAPED;
    return 0;
  }
  if ((s.flags & SerialFlag.ESCAPED) != 0) byte ^= SERIAL_FLIP;
  s.flags &= ~(<u8>SerialFlag.ESCAPED);
  if (<u32>s.length >= FRAME_MAX) s.flags = 0;
  else {
    store<u8>(CONTENT + s.length, <u8>byte);
    s.length += 1;
  }
  return 0;
}

// ---- Out ----

function put(s: Serial, byte: u32): void {
  store<u8>(OUT + s.outSize, <u8>byte);
  s.outSize += 1;
}
function putStuffed(s: Serial, byte: u32): void {
  const isSpecial = byte == SERIAL_FLAG || byte == SERIAL_ESCAPE;
  if (isSpecial) put(s, SERIAL_ESCAPE);
  put(s, isSpecial ? byte ^ SERIAL_FLIP : byte);
}

/** Hands the console the rest of the frame that goes out. False: it takes no more now, and no text may come between. */
export function serialFlush(): bool {
  const s = serialAt();
  if (s.outNext < s.outSize) {
    const taken = uart_write(OUT + s.outNext, s.outSize - s.outNext);
    if (taken > 0) s.outNext += <u8>taken;
  }
  const isDone = s.outNext == s.outSize;
  nodeAt().consoleHeld = isDone ? 0 : 1;
  return isDone;
}

/** Sends a frame. BUSY: the one before is not out yet. */
export function serialSend(offset: u32, data: usize, length: u32): i32 {
  if (!serialFlush()) return Err.BUSY;
  const s = serialAt();
  const content = CHUNK; // nothing is read while a frame is made
  store<u16>(content, <u16>(offset | (length << 12)));
  memory.copy(content + SERIAL_HEAD_BYTES, data, length);
  const sum = sumOf(content, SERIAL_HEAD_BYTES + length);
  s.outSize = 0;
  s.outNext = 0;
  put(s, SERIAL_FLAG);
  for (let i: u32 = 0; i < SERIAL_HEAD_BYTES + length; i++) putStuffed(s, load<u8>(content + i));
  putStuffed(s, sum & 0xff);
  putStuffed(s, sum >>> 8);
  put(s, SERIAL_FLAG);
  serialFlush();
  return Err.OK;
}
