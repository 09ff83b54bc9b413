// The event ring: what happened, in order, numbered. It never blocks: a reader who is too late finds how many it missed.
// Event, 16 bytes:
//  0  seq   u32
//  4  ms    u32  clock
//  8  type  u8   EventType, which tells what a and b are
//  9  pid   u8
// 10  a     u16
// 12  b     u32

import { EVENT_MAX, EVENT_SIZE, EVENTS_BASE } from "./layout";
import { nodeAt } from "./node";
import { EVENT_BYTES } from "./spec/node";


@unmanaged
class Event {
  seq: u32 = 0;
  ms: u32 = 0;
  type: u8 = 0;
  pid: u8 = 0;
  a: u16 = 0;
  b: u32 = 0;
}
if (offsetof<Event>("b") != 12) ERROR("Event.b: offset");
if (offsetof<Event>() != EVENT_SIZE || <usize>EVENT_BYTES != EVENT_SIZE) ERROR("Event: size");

function eventAt(seq: u32): Event {
  return changetype<Event>(EVENTS_BASE + <usize>(seq & (<u32>EVENT_MAX - 1)) * EVENT_SIZE);
}
if ((EVENT_MAX & (EVENT_MAX - 1)) != 0) ERROR("EVENT_MAX: power of two");

/** Appends an event; the oldest unread one is dropped and counted when the ring is full. */
export function emit(type: u32, pid: u32, a: u32, b: u32): void {
  const node = nodeAt();
  const e = eventAt(node.eventNext);
  e.seq = node.eventNext;
  e.ms = node.lastMs;
  e.type = <u8>type;
  e.pid = <u8>pid;
  e.a = <u16>a;
  e.b = b;
  node.eventNext += 1;
  if (node.eventNext - node.eventRead > <u32>EVENT_MAX) {
    node.eventRead += 1;
    node.eventsDropped += 1;
  }
}

/** Address of event `seq`; 0: it was overwritten. */
export function eventPeek(seq: u32): usize {
  const e = eventAt(seq);
  return e.seq == seq ? changetype<usize>(e) : 0;
}

/** Copies the oldest unread event to `to`. False: there is none. */
export function eventTake(to: usize): bool {
  const node = nodeAt();
  if (node.eventRead == node.eventNext) return false;
  memory.copy(to, changetype<usize>(eventAt(node.eventRead)), EVENT_SIZE);
  node.eventRead += 1;
  return true;
}
