// The queue of a descriptor as its handles see it: one reader or fan-out, dropping, taps, coming and going.

import { refuseMemory } from "../refusal";
import { Err } from "../spec/errors";
import { MailboxMode } from "../spec/svc";
import {
  Descriptor,
  descriptorAt,
  DescriptorFlag,
  freeDescriptor,
  isFanout,
  isOrphan,
  note,
} from "./descriptor";
import {
  clearFlag,
  clearHandle,
  descriptorOf,
  handleAt,
  HandleFlag,
  hasFlag,
  putHandle,
  seekHandle,
  setFlag,
} from "./handle";
import {
  messageCost,
  receivedAt,
  ringDrop,
  ringFree,
  ringMake,
  ringPush,
  ringResize,
} from "./ring";

// ---- Messages that leave ----

/** Drops messages every reader of a fan-out has passed. Senders are no readers; without readers nothing goes. */
export function reclaim(id: u32): void {
  const d = descriptorAt(id);
  if (!isFanout(d) || d.count == 0) return;
  let passed: u32 = u16.MAX_VALUE;
  let readers: u32 = 0;
  let place: usize = 0;
  for (let left: u32 = d.handles; left > 0; left--, place++) {
    place = seekHandle(place, id);
    const h = handleAt(place);
    if (hasFlag(h, HandleFlag.SENDER)) continue;
    readers++;
    passed = min<u32>(passed, h.read);
  }
  if (readers != 0 && passed != 0) forget(id, passed);
}

/** Drops the `n` oldest messages of a fan-out, which no reader needs. */
function forget(id: u32, n: u32): void {
  const d = descriptorAt(id);
  for (let left = n; left > 0; left--) ringDrop(d);
  d.count -= <u16>n;
  let place: usize = 0;
  for (let left: u32 = d.handles; left > 0; left--, place++) {
    place = seekHandle(place, id);
    const h = handleAt(place);
    h.read = h.read > n ? <u16>(h.read - n) : 0;
  }
}

/** Drops the oldest message although it was not read; who missed it is told with the next. */
function dropOldest(id: u32): void {
  const d = descriptorAt(id);
  ringDrop(d);
  d.count--;
  note(d, DescriptorFlag.OVERRUN);
  if (!isFanout(d)) return;
  let place: usize = 0;
  for (let left: u32 = d.handles; left > 0; left--, place++) {
    place = seekHandle(place, id);
    const h = handleAt(place);
    if (h.read != 0) h.read--;
    else if (!hasFlag(h, HandleFlag.SENDER)) setFlag(h, HandleFlag.OVERRUN);
  }
}

/** Places between the oldest message and the one the handle at `place` receives next; `count`: none. */
export function nextPosition(d: Descriptor, place: usize): u32 {
  return isFanout(d) ? handleAt(place).read : 0;
}

// ---- Messages that arrive ----

/** Gives each tap a copy of the message whose header is in Received. A full tap drops its oldest. */
function copyToTaps(id: u32, data: usize): void {
  const d = descriptorAt(id);
  const cost = messageCost(receivedAt().length);
  let place: usize = 0;
  for (let left: u32 = d.taps; left > 0; place++) {
    place = seekHandle(place, id);
    const h = handleAt(place);
    if (!hasFlag(h, HandleFlag.TAP)) continue;
    left--;
    const limit = min<usize>(d.capacity, h.size);
    while (h.used != 0 && h.used + cost > limit) {
      ringDrop(h);
      setFlag(h, HandleFlag.TAP_OVERRUN);
    }
    if (cost <= limit) ringPush(h, data);
    else setFlag(h, HandleFlag.TAP_OVERRUN);
  }
}

/** Makes room for `cost` bytes, by dropping where the mode says so. WOULD_BLOCK. */
function makeRoom(id: u32, cost: usize): i32 {
  const d = descriptorAt(id);
  reclaim(id);
  if (isFanout(d) && (d.mode & MailboxMode.FANOUT_BLOCK) == 0) {
    while (d.used + cost > d.capacity) dropOldest(id);
  }
  if (d.used + cost <= d.capacity) return Err.OK;
  note(d, DescriptorFlag.FULL);
  return Err.WOULD_BLOCK;
}

/** Queues a message of 1 byte or more. Its length, TOO_LARGE or WOULD_BLOCK. */
export function enqueue(
  id: u32,
  data: usize,
  len: u32,
  flags: u32,
  channel: u32,
  source: u32,
): i32 {
  const d = descriptorAt(id);
  const cost = messageCost(len);
  if (len > d.capacity || cost > d.capacity) return Err.TOO_LARGE; // a sum can wrap
  const err = makeRoom(id, cost);
  if (err < 0) return err;
  const message = receivedAt();
  message.length = <u16>len;
  message.flags = <u16>flags;
  message.channel = <u16>channel;
  message.source = <u16>source;
  ringPush(d, data);
  d.count++;
  note(d, 0);
  copyToTaps(id, data);
  return len;
}

// ---- Binding again ----

/** Another mode, and all readers start behind the newest message. */
export function setMode(id: u32, mode: u32): void {
  const d = descriptorAt(id);
  d.mode = <u16>mode;
  let place: usize = 0;
  for (let left: u32 = d.handles; left > 0; left--, place++) {
    place = seekHandle(place, id);
    const h = handleAt(place);
    h.read = d.count;
    clearFlag(h, HandleFlag.SENDER | HandleFlag.OVERRUN);
  }
  reclaim(id);
}

/** Gives taps a ring of the new capacity; one that finds no room keeps its smaller ring. */
function growTaps(id: u32): void {
  const d = descriptorAt(id);
  let place: usize = 0;
  for (let left: u32 = d.taps; left > 0; place++) {
    place = seekHandle(place, id);
    const h = handleAt(place);
    if (!hasFlag(h, HandleFlag.TAP)) continue;
    left--;
    if (h.size < d.capacity) ringResize(h, d.capacity, 0);
  }
}

/** Another capacity: the oldest messages go until the rest fits. NO_MEMORY: nothing changed. */
export function setCapacity(id: u32, capacity: u32): i32 {
  const d = descriptorAt(id);
  if (capacity > d.size && !ringResize(d, capacity, d.length))
    return refuseMemory(capacity + d.length);
  d.capacity = <u16>capacity;
  while (d.used > capacity) dropOldest(id);
  if (capacity < d.size) ringResize(d, capacity, d.length); // no room to move: it keeps the larger ring
  growTaps(id);
  return Err.OK;
}

// ---- Handles ----

/** Opens a handle of a row on descriptor `id`, behind the newest message. Returns its place. */
export function openHandle(row: usize, number: u32, id: u32): usize {
  const d = descriptorAt(id);
  const place = putHandle(row, number, id);
  handleAt(place).read = d.count;
  d.handles++;
  return place;
}

/** Makes a handle receive copies of what arrives from now on. NO_MEMORY. */
export function startTap(place: usize): i32 {
  const h = handleAt(place);
  if (hasFlag(h, HandleFlag.TAP)) return Err.OK;
  const d = descriptorAt(descriptorOf(h));
  if (!ringMake(h, d.capacity, 0)) return refuseMemory(d.capacity);
  setFlag(h, HandleFlag.TAP);
  d.taps++;
  return Err.OK;
}

/** Makes a handle a reader again and drops the copies it had. */
export function stopTap(place: usize): void {
  const h = handleAt(place);
  if (!hasFlag(h, HandleFlag.TAP)) return;
  ringFree(h);
  clearFlag(h, HandleFlag.TAP | HandleFlag.TAP_OVERRUN);
  descriptorAt(descriptorOf(h)).taps--;
}

/** Takes a handle off its mailbox. settle() follows once every handle that goes with it is off. */
export function dropHandle(place: usize): void {
  const h = handleAt(place);
  const d = descriptorAt(descriptorOf(h));
  stopTap(place);
  clearHandle(h);
  d.handles--;
}

/** Lets go what only dropped handles had still to read, and the mailbox itself if nobody else wants it. */
export function settle(id: u32): void {
  const d = descriptorAt(id);
  reclaim(id);
  if (d.handles == 0 && isOrphan(d)) freeDescriptor(d);
}

/** Frees a descriptor. Handles on it become invalid. */
export function destroy(id: u32): void {
  const d = descriptorAt(id);
  let place: usize = 0;
  for (; d.handles > 0; place++) {
    place = seekHandle(place, id);
    dropHandle(place);
  }
  freeDescriptor(d);
}
