// Rings of messages in blocks of the arena: the queue of a descriptor, the copies of a tap.
// A message is a header of 8 bytes (length, flags, channel, source pid; u16 each) and its payload.
// Both may run past the end of the ring and go on at its start.
//
// Ring, 8 bytes: the first fields of a descriptor and of a handle
//  0  block  u16  arena ref of `size` bytes of ring, and whatever its owner keeps behind them; 0: none
//  2  size   u16
//  4  head   u16  offset of the oldest message
//  6  used   u16  bytes of all messages
//
// Received, 16 bytes: what the last call found; valid until the next
//  0  length   u16  whole length of the message, even where less was copied
//  2  flags    u16
//  4  channel  u16
//  6  source   u16  pid of the sender
//  8  used     u16  PEEK: bytes used in the queue
// 10  next     u16  PEEK: length of the message that comes next; 0: none
// 12  old      u16  a block while its successor is filled
// 14  (2 spare)

import { arenaAddress, arenaAllocate, arenaMove, arenaRelease } from "../arena";
import { RECEIVED_BASE, RECEIVED_SIZE, ADDRESS_MASK } from "../layout";
import { MESSAGE_HEADER_SIZE } from "../spec/svc";


@unmanaged
export class Ring {
  block: u16 = 0;
  size: u16 = 0;
  head: u16 = 0;
  used: u16 = 0;
}
if (offsetof<Ring>("block") != 0) ERROR("Ring.block: offset");
if (offsetof<Ring>() != 8) ERROR("Ring: size");


@unmanaged
export class Received {
  length: u16 = 0;
  flags: u16 = 0;
  channel: u16 = 0;
  source: u16 = 0;
  used: u16 = 0;
  next: u16 = 0;
  old: u16 = 0;
}
if (offsetof<Received>("used") != MESSAGE_HEADER_SIZE) ERROR("Received: header");
if (offsetof<Received>() > RECEIVED_SIZE) ERROR("Received: size");

/** What the last call of this room found. */
export function receivedAt(): Received {
  return changetype<Received>(RECEIVED_BASE);
}
const OLD_FIELD: usize = RECEIVED_BASE + offsetof<Received>("old");

/** Ring offsets, lengths and their sums: on a chip with 16-bit addresses no ring is so long that one needs more. */
const LENGTH_MASK: u32 = ADDRESS_MASK;

/** Bytes a message of `len` bytes takes. */
export function messageCost(len: usize): usize {
  return (len + MESSAGE_HEADER_SIZE) & LENGTH_MASK;
}

function fieldOf(ring: Ring): usize {
  return changetype<usize>(ring) + offsetof<Ring>("block");
}

// ---- Bytes ----

function offsetAfter(ring: Ring, at: usize, bytes: usize): usize {
  const end = (at + bytes) & LENGTH_MASK;
  const size: usize = ring.size;
  return end < size ? end : (end - size) & 0xffff;
}

function copyIn(ring: Ring, at: usize, data: usize, bytes: usize): void {
  const base = arenaAddress(ring.block);
  const first = min<usize>(bytes, (ring.size - at) & 0xffff);
  memory.copy(base + at, data, first);
  if (first != bytes) memory.copy(base, data + first, bytes - first);
}

function copyOut(ring: Ring, at: usize, data: usize, bytes: usize): void {
  const base = arenaAddress(ring.block);
  const first = min<usize>(bytes, (ring.size - at) & 0xffff);
  memory.copy(data, base + at, first);
  if (first != bytes) memory.copy(data + first, base, bytes - first);
}

// ---- Messages ----

/** Appends the message whose header is in Received. The ring has room for it. */
export function ringPush(ring: Ring, data: usize): void {
  const len: usize = receivedAt().length;
  const at = offsetAfter(ring, ring.head, ring.used);
  copyIn(ring, at, RECEIVED_BASE, MESSAGE_HEADER_SIZE);
  copyIn(ring, offsetAfter(ring, at, MESSAGE_HEADER_SIZE), data, len);
  ring.used += <u16>messageCost(len);
}

/** Length of the message at offset `at`. */
export function lengthAt(ring: Ring, at: usize): usize {
  const base = arenaAddress(ring.block);
  const high = offsetAfter(ring, at, 1);
  return (<usize>load<u8>(base + at)) | ((<usize>load<u8>(base + high)) << 8);
}

/** Reads the message at offset `at`: its header into Received, at most `max` bytes of it into `buffer`. Returns how many. */
export function ringRead(ring: Ring, at: usize, buffer: usize, max: usize): usize {
  copyOut(ring, at, RECEIVED_BASE, MESSAGE_HEADER_SIZE);
  const bytes = min<usize>(receivedAt().length, max);
  copyOut(ring, offsetAfter(ring, at, MESSAGE_HEADER_SIZE), buffer, bytes);
  return bytes;
}

/** Offset of the message `n` places behind the oldest. */
export function ringSeek(ring: Ring, n: usize): usize {
  let at: usize = ring.head;
  for (; n > 0; n--) at = offsetAfter(ring, at, messageCost(lengthAt(ring, at)));
  return at;
}

/** Drops the oldest message, which must exist. */
export function ringDrop(ring: Ring): void {
  const cost = messageCost(lengthAt(ring, ring.head));
  ring.used -= <u16>cost;
  ring.head = <u16>offsetAfter(ring, ring.head, cost);
}

// ---- The block ----

/** Gives a ring `size` bytes, and `tail` zeroed bytes behind them. False: no room in the arena. */
export function ringMake(ring: Ring, size: usize, tail: usize): bool {
  if (!arenaAllocate(size + tail, fieldOf(ring))) return false;
  ring.size = <u16>size;
  return true;
}

/** Frees the block and clears the ring. */
export function ringFree(ring: Ring): void {
  arenaRelease(fieldOf(ring));
  ring.size = 0;
  ring.head = 0;
  ring.used = 0;
}

/** Address of the bytes behind the ring. */
export function ringTail(ring: Ring): usize {
  return (arenaAddress(ring.block) + ring.size) & ADDRESS_MASK;
}

/** Moves ring and tail to a block for `size` bytes of ring, at least those in use. False: no room, nothing changed. */
export function ringResize(ring: Ring, size: usize, tail: usize): bool {
  const field = fieldOf(ring);
  arenaMove(field, OLD_FIELD);
  if (!arenaAllocate(size + tail, field)) {
    arenaMove(OLD_FIELD, field);
    return false;
  }
  const from = arenaAddress(receivedAt().old);
  const to = arenaAddress(ring.block);
  const first = min<usize>(ring.used, ring.size - ring.head);
  memory.copy(to, from + ring.head, first);
  memory.copy(to + first, from, ring.used - first);
  memory.copy(to + size, from + ring.size, tail);
  ring.size = <u16>size;
  ring.head = 0;
  arenaRelease(OLD_FIELD);
  return true;
}
