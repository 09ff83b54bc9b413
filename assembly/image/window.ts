// The code window: eight lines of the code of an image whose code and rodata stay on the device, at the start of the block that
// holds the rest of its file. Each line of code has one place in it, that of its number modulo 8.
//
// Window, 20 bytes, and behind it 8 lines of 72 bytes
//  0  code    u32  address of the code on the device
//  4  absent  u32  bytes of the file that are not in memory: code and rodata
//  8  start   u16  offset of the code in the file
// 10  (2 spare)
// 12  tags    u8 x 8, see layout.ts

import { nv_read } from "../hal";
import {
  ADDRESS_MASK,
  IMAGE_MASK,
  IS_WINDOW_FORCED,
  LINE_BYTES,
  LINE_SIZE,
  linePlace,
  lineTag,
  WINDOW_LINES_OFF,
  WINDOW_SIZE,
  WINDOW_TAGS_OFF,
} from "../layout";
import { Err } from "../spec/errors";


@unmanaged
class Window {
  code: u32 = 0;
  absent: u32 = 0;
  start: u16 = 0;
}
if (offsetof<Window>("start") != 8 || offsetof<Window>() > WINDOW_TAGS_OFF) ERROR("Window: size");

function windowAt(window: usize): Window {
  return changetype<Window>(window);
}

/** Lays a window out: `absent` bytes from `start` on are not kept, and lie on the device from address `code` on. */
export function windowInit(window: usize, start: u32, absent: u32, code: u32): void {
  const w = windowAt(window);
  w.start = <u16>start;
  w.absent = absent;
  w.code = code;
}

/** Address of the byte at an offset of the file; 0: it is on the device. */
export function windowPlace(window: usize, offset: u32): usize {
  const w = windowAt(window);
  if (offset - w.start < w.absent) return 0;
  const kept = offset < <u32>w.start ? offset : offset - w.absent;
  return (window + WINDOW_SIZE + <usize>kept) & ADDRESS_MASK;
}

/** Copies bytes of the file out, all kept or none. What the device does not give stays as it was. IO, ABSENT, BUSY. */
export function windowCopy(window: usize, offset: u32, to: usize, length: u32): i32 {
  const w = windowAt(window);
  const place = windowPlace(window, offset);
  if (place == 0) return nv_read(w.code + (offset - w.start), to, length);
  memory.copy(to, place, length);
  return Err.OK;
}

/** Bytes of the file before the code. */
export function windowStart(window: usize): u32 {
  return windowAt(window).start;
}
/** Offset in the file from which on bytes are kept again. */
export function windowResume(window: usize): u32 {
  const w = windowAt(window);
  return <u32>w.start + w.absent;
}

/** True when it is over code that lies on the device between two addresses. */
export function windowLiesIn(window: usize, from: u32, end: u32): bool {
  const w = windowAt(window);
  return w.absent != 0 && w.code >= from && w.code < end;
}

/** Reads the line of the code at offset `pc`. IO, ABSENT, BUSY: it then holds nothing. */
export function windowFill(window: usize, pc: u32): i32 {
  const w = windowAt(window);
  const n = linePlace(pc);
  const line = window + WINDOW_LINES_OFF + n * LINE_SIZE;
  const from = pc & 0xffff & ~(LINE_BYTES - 1);
  const rest = (w.absent - from) & IMAGE_MASK;
  store<u8>(window + n, 0, WINDOW_TAGS_OFF);
  let err: i32 = Err.OK;
  if (IS_WINDOW_FORCED) memory.copy(line, window + WINDOW_SIZE + w.start + from, LINE_SIZE);
  else err = nv_read(w.code + from, line, rest < LINE_SIZE ? rest : LINE_SIZE);
  if (err >= 0) store<u8>(window + n, <u8>lineTag(pc), WINDOW_TAGS_OFF);
  return err;
}
