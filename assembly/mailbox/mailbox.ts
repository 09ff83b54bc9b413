// Mailboxes: what the executive, the registry and the host may do with them.
//
// `row` is the bank of a task, HOST_ROW for the host; `handle` is the number a row knows a handle by; `id` is that of
// a descriptor. Numbers that are no handle are NOT_FOUND; the first use of a stdio handle may also be FULL or NO_MEMORY.
// Buffers and names may lie in the arena if it has no holes when a function is called (arena.ts).

import { HANDLE_MAX, RECEIVED_BASE, RECEIVED_SIZE, TARGET_SIZE } from "../layout";
import { Err } from "../spec/errors";
import { MAILBOX_CAPACITY_DEFAULT, MESSAGE_OVERRUN } from "../spec/svc";
import {
  DESCRIPTOR_LAST,
  descriptorAt,
  findTarget,
  isFanout,
  isUsed,
  obtainTarget,
  setOrphan,
} from "./descriptor";
import {
  clearFlag,
  descriptorOf,
  firstPlace,
  handleAt,
  HandleFlag,
  hasFlag,
  clearRow,
  findHandle,
  setFlag,
  nextNumber,
  roomForHandle,
} from "./handle";
import { readName } from "./name";
import {
  destroy,
  dropHandle,
  enqueue,
  nextPosition,
  openHandle,
  reclaim,
  setCapacity,
  setMode,
  settle,
  startTap,
  stopTap,
} from "./queue";
import { lengthAt, receivedAt, ringDrop, ringRead, ringSeek } from "./ring";
import { attachStdio, clearPending, isPending, openAll, resolveHandle } from "./stdio";

const CAPACITY_MAX: u32 = 0xffff;

// ---- Names ----

/** Id of the mailbox task `pid` means by a name. INVALID, NOT_FOUND. */
export function mailboxFind(pid: u32, name: usize, len: usize): i32 {
  const err = readName(pid, name, len);
  return err < 0 ? err : findTarget();
}

/**
 * Makes a mailbox or changes it, and returns its id. `capacity` in bytes, 0: as it is, or the default;
 * `mode` 0: as it is. INVALID: no name. TOO_LARGE: a capacity above 65,535. FULL: descriptors. NO_MEMORY.
 */
export function mailboxBind(pid: u32, name: usize, len: usize, capacity: u32, mode: u32): i32 {
  if (capacity > CAPACITY_MAX) return Err.TOO_LARGE;
  const invalid = readName(pid, name, len);
  if (invalid < 0) return invalid;
  const id = obtainTarget(pid, capacity != 0 ? capacity : MAILBOX_CAPACITY_DEFAULT, mode);
  if (id < 0) return id;
  if (capacity != 0 && capacity != descriptorAt(id).capacity) {
    const err = setCapacity(id, capacity);
    if (err < 0) return err;
  }
  if (mode != 0) setMode(id, mode);
  return id;
}

/** Opens a mailbox, which is made if need be, and returns the number of the new handle. INVALID, FULL, NO_MEMORY. */
export function mailboxOpen(row: usize, pid: u32, name: usize, len: usize): i32 {
  const id = mailboxBind(pid, name, len, 0, 0);
  if (id < 0) return id;
  const full = roomForHandle(row); // after binding, as in the reference: the mailbox stays
  if (full < 0) return full;
  const number = nextNumber(row);
  openHandle(row, number, id);
  return number;
}

/** Id of the descriptor a handle refers to. */
export function handleDescriptor(row: usize, handle: u32): i32 {
  const place = resolveHandle(row, handle);
  return place < 0 ? place : <i32>descriptorOf(handleAt(place));
}

// ---- Messages ----

/** Queues a message for the readers of descriptor `id` and returns its length; one of 0 bytes is not queued. TOO_LARGE, WOULD_BLOCK. */
export function mailboxPost(
  id: u32,
  data: usize,
  len: u32,
  flags: u32,
  channel: u32,
  source: u32,
): i32 {
  return len == 0 ? 0 : enqueue(id, data, len, flags, channel, source);
}

/** mailboxPost() by a handle, which of a fan-out then counts as sender until it receives. */
export function mailboxSend(
  row: usize,
  handle: u32,
  data: usize,
  len: u32,
  flags: u32,
  channel: u32,
  source: u32,
): i32 {
  const place = resolveHandle(row, handle);
  if (place < 0) return place;
  const h = handleAt(place);
  setFlag(h, HandleFlag.SENDER);
  return mailboxPost(descriptorOf(h), data, len, flags, channel, source);
}

/** Tells the receiver, once, that it missed messages. */
function tellOverrun(place: usize, flag: u32): void {
  const h = handleAt(place);
  if (!hasFlag(h, flag)) return;
  clearFlag(h, flag);
  receivedAt().flags |= <u16>MESSAGE_OVERRUN;
}

function receiveCopy(place: usize, buffer: usize, max: usize): i32 {
  const h = handleAt(place);
  if (h.used == 0) return Err.NO_DATA;
  const bytes = ringRead(h, h.head, buffer, max);
  ringDrop(h);
  tellOverrun(place, HandleFlag.TAP_OVERRUN);
  return <i32>bytes;
}

function receiveFanout(place: usize, buffer: usize, max: usize): i32 {
  const h = handleAt(place);
  const id = descriptorOf(h);
  const d = descriptorAt(id);
  reclaim(id);
  if (h.read == d.count) return Err.NO_DATA;
  const bytes = ringRead(d, ringSeek(d, h.read), buffer, max);
  tellOverrun(place, HandleFlag.OVERRUN);
  clearFlag(h, HandleFlag.SENDER);
  h.read++;
  reclaim(id);
  return <i32>bytes;
}

function receiveOldest(id: u32, buffer: usize, max: usize): i32 {
  const d = descriptorAt(id);
  if (d.count == 0) return Err.NO_DATA;
  const bytes = ringRead(d, d.head, buffer, max);
  ringDrop(d);
  d.count--;
  return <i32>bytes;
}

/**
 * Takes the next message: at most `max` bytes of it into `buffer`, the rest is lost. Returns the bytes copied;
 * Received tells the whole length, flags, channel and source. NO_DATA: none there.
 */
export function mailboxReceive(row: usize, handle: u32, buffer: usize, max: usize): i32 {
  const place = resolveHandle(row, handle);
  if (place < 0) return place;
  const h = handleAt(place);
  if (hasFlag(h, HandleFlag.TAP)) return receiveCopy(place, buffer, max);
  const id = descriptorOf(h);
  if (isFanout(descriptorAt(id))) return receiveFanout(place, buffer, max);
  return receiveOldest(id, buffer, max);
}

/** Messages in the queue, also for a tap. Received.used: their bytes; Received.next: length of the one this handle reads next. */
export function mailboxPeek(row: usize, handle: u32): i32 {
  const place = resolveHandle(row, handle);
  if (place < 0) return place;
  const d = descriptorAt(descriptorOf(handleAt(place)));
  const position = nextPosition(d, place);
  const received = receivedAt();
  received.used = d.used;
  received.next = position < d.count ? <u16>lengthAt(d, ringSeek(d, position)) : 0;
  return d.count;
}

/** Reads the message `n` places behind the oldest of descriptor `id` and leaves it there; as mailboxReceive(). NOT_FOUND. */
export function mailboxInspect(id: u32, n: u32, buffer: usize, max: usize): i32 {
  const d = descriptorAt(id);
  if (!isUsed(d)) return Err.NOT_FOUND;
  if (n >= d.count) return Err.NO_DATA;
  return <i32>ringRead(d, ringSeek(d, n), buffer, max);
}

/** Turns a handle into an observer, which gets a copy of each later message, or back. NO_MEMORY: no room for the copies. */
export function mailboxTap(row: usize, handle: u32, isOn: bool): i32 {
  const place = resolveHandle(row, handle);
  if (place < 0) return place;
  if (isOn) return startTap(place);
  stopTap(place);
  return Err.OK;
}

/** Closes a handle. The mailbox stays while its creator or another handle does. */
export function mailboxClose(row: usize, handle: u32): i32 {
  if (isPending(row, handle)) {
    clearPending(row, handle);
    return Err.OK;
  }
  const place = findHandle(row, handle);
  if (place < 0) return place;
  closeFrom(place, place + 1, descriptorOf(handleAt(place)));
  return Err.OK;
}

// ---- Tasks ----

/** Frees what a task that ends had: its handles, the mailboxes it owns, and of those it made the ones nobody else has open. */
export function mailboxRelease(row: usize, pid: u32): void {
  closeRow(row);
  for (let id: u32 = 1; id <= DESCRIPTOR_LAST; id++) {
    const d = descriptorAt(id);
    if (isUsed(d) && d.owner == pid) destroy(id);
  }
  mailboxDisown(pid);
}

/** Takes back what a task that will not be had: its handles, and of the mailboxes it made the ones nobody else has open. */
export function mailboxWithdraw(row: usize, pid: u32): void {
  closeRow(row);
  mailboxDisown(pid);
}

function closeRow(row: usize): void {
  const first = firstPlace(row);
  const end = first + HANDLE_MAX;
  for (let place = first; place < end; place++) {
    const h = handleAt(place);
    if (h.number != 0) closeFrom(place, end, descriptorOf(h));
  }
  clearRow(row);
}

/** Closes the handles on mailbox `id` in places `place` to `end` as one: their order says nothing about what stays queued. */
function closeFrom(place: usize, end: usize, id: u32): void {
  for (; place < end; place++) {
    const h = handleAt(place);
    if (h.number != 0 && descriptorOf(h) == id) dropHandle(place);
  }
  settle(id);
}

/** Clears what the last calls of this room found. */
export function mailboxForget(): void {
  memory.fill(RECEIVED_BASE, 0, RECEIVED_SIZE + TARGET_SIZE);
}

/** Frees of the mailboxes task `pid` made the ones nobody has open; the others go with their last handle. */
export function mailboxDisown(pid: u32): void {
  for (let id: u32 = 1; id <= DESCRIPTOR_LAST; id++) {
    const d = descriptorAt(id);
    if (!isUsed(d) || d.creator != pid) continue;
    if (d.handles == 0) destroy(id);
    else setOrphan(d);
  }
  mailboxForget();
}

/**
 * Gives a row to a new task, with handles 1 to 3 open on its stdio. `isEager`: their mailboxes and `pid:<n>` are made
 * at once, as in the reference. FULL, NO_MEMORY: nothing is left of it.
 */
export function mailboxAttach(row: usize, pid: u32, isEager: bool): i32 {
  attachStdio(row, pid);
  if (!isEager) return Err.OK;
  const err = openAll(row);
  if (err < 0) mailboxWithdraw(row, pid);
  return err;
}
