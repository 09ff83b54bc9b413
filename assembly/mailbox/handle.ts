// Handles: what tasks hold of descriptors. A row each task, by its bank; the last row is the host's.
// A handle is known to its task by a number, to this room by its place in the whole table.
//
// Handle, 14 bytes
//  0  ring        8    copies of a tap
//  8  number      u16  from 1; 0: a free handle
// 10  read        u16  fan-out: messages queued that this handle has passed
// 12  descriptor  u8   id - 1
// 13  flags       u8   HandleFlag bits
//
// Row, 4 bytes; the rows lie behind all handles
//  0  last        u16  the number given last
//  2  pid         u8
//  3  pending     u8   bit n: handle n + 1 is open on a stdio mailbox that nobody has used yet

import {
  HANDLE_MAX,
  HANDLE_ROW_MAX,
  HANDLE_ROW_SIZE,
  HANDLE_SIZE,
  HANDLES_BASE,
  HANDLES_SIZE,
  HANDLE_PLACE_MASK,
  HANDLE_ROW_MASK,
} from "../layout";
import { nodeAt } from "../node";
import { refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";
import { Ring } from "./ring";

export enum HandleFlag {
  TAP = 1,
  /** fan-out: it sent and has not received since, so nothing waits for it */
  SENDER = 2,
  /** fan-out: it missed messages and has not been told */
  OVERRUN = 4,
  /** the tap missed messages and has not been told */
  TAP_OVERRUN = 8,
}


@unmanaged
export class Handle extends Ring {
  number: u16 = 0;
  read: u16 = 0;
  descriptor: u8 = 0;
  flags: u8 = 0;
}
if (offsetof<Handle>("number") != 8) ERROR("Handle.number: offset");
if (offsetof<Handle>() != HANDLE_SIZE) ERROR("Handle: size");


@unmanaged
export class Row {
  last: u16 = 0;
  pid: u8 = 0;
  pending: u8 = 0;
}
const ROW_SIZE: usize = 4;
const ROWS_BASE: usize = HANDLES_BASE + HANDLE_ROW_MAX * HANDLE_MAX * HANDLE_SIZE;
if (offsetof<Row>() != ROW_SIZE) ERROR("Row: size");
if (HANDLE_ROW_SIZE != ROW_SIZE + HANDLE_MAX * HANDLE_SIZE) ERROR("Row: share of the region");
if (ROWS_BASE + HANDLE_ROW_MAX * ROW_SIZE != HANDLES_BASE + HANDLES_SIZE) ERROR("Row: region");

/** Handles 1 to 3 of a task are its stdin, stdout and stderr. */
export const STDIO_HANDLES: u32 = 3;
/** Row of the host. */
export const HOST_ROW: usize = HANDLE_ROW_MAX - 1;

/** Handle at a place in the whole table. */
export function handleAt(place: usize): Handle {
  return changetype<Handle>(HANDLES_BASE + (place & HANDLE_PLACE_MASK) * HANDLE_SIZE);
}
export function rowAt(row: usize): Row {
  return changetype<Row>(ROWS_BASE + (row & HANDLE_ROW_MASK) * ROW_SIZE);
}
export function firstPlace(row: usize): usize {
  return (row & HANDLE_ROW_MASK) * HANDLE_MAX;
}

export function hasFlag(h: Handle, flag: u32): bool {
  return (h.flags & flag) != 0;
}
export function setFlag(h: Handle, flag: u32): void {
  h.flags |= <u8>flag;
}
export function clearFlag(h: Handle, flag: u32): void {
  h.flags &= <u8>~flag;
}

/** Id of the descriptor a handle refers to. */
export function descriptorOf(h: Handle): u32 {
  return <u32>h.descriptor + 1;
}

/** Place of the first handle on descriptor `id` from `place` on. There must be one. */
export function seekHandle(place: usize, id: u32): usize {
  while (handleAt(place).number == 0 || descriptorOf(handleAt(place)) != id) place++;
  return place & HANDLE_PLACE_MASK;
}

/** Place of the handle a row knows by `number`. NOT_FOUND. */
export function findHandle(row: usize, number: u32): i32 {
  if (number == 0) return Err.NOT_FOUND;
  const place = firstPlace(row);
  for (let i: usize = 0; i < HANDLE_MAX; i++) {
    if (handleAt(place + i).number == number) return <i32>((place + i) & HANDLE_PLACE_MASK);
  }
  return Err.NOT_FOUND;
}

/** Handles a row has open, pending ones included. */
function countHandles(row: usize): u32 {
  const place = firstPlace(row);
  const pending: u32 = rowAt(row).pending;
  let count = (pending & 1) + ((pending >>> 1) & 1) + ((pending >>> 2) & 1);
  for (let i: usize = 0; i < HANDLE_MAX; i++) {
    if (handleAt(place + i).number != 0) count++;
  }
  return count;
}

/** OK while a row may open one more handle. FULL. */
export function roomForHandle(row: usize): i32 {
  const limit: u32 = nodeAt().handleLimit;
  const count = countHandles(row);
  if (count < limit) return Err.OK;
  return refuseFull(Err.FULL, Resource.HANDLES, count + 1, limit);
}

/** The next number of a row. After 65,535 they start over and pass by those in use. */
export function nextNumber(row: usize): u16 {
  const r = rowAt(row);
  do {
    r.last++;
    if (r.last == 0) r.last = <u16>(STDIO_HANDLES + 1);
  } while (findHandle(row, r.last) >= 0);
  return r.last;
}

/** Puts a handle into a free place of a row that has room. Returns the place. */
export function putHandle(row: usize, number: u32, id: u32): usize {
  let place = firstPlace(row);
  while (handleAt(place).number != 0) place++;
  const h = handleAt(place);
  h.number = <u16>number;
  h.descriptor = <u8>(id - 1);
  return place & HANDLE_PLACE_MASK;
}

/** Clears a handle whose ring is freed. */
export function clearHandle(h: Handle): void {
  memory.fill(changetype<usize>(h), 0, HANDLE_SIZE);
}

/** Clears a row whose handles are closed. */
export function clearRow(row: usize): void {
  memory.fill(ROWS_BASE + row * ROW_SIZE, 0, ROW_SIZE);
}
