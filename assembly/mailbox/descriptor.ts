// Descriptors: the mailboxes of the node. A descriptor is named by its id, which counts from 1.
//
// Descriptor, 24 bytes; its block holds the ring and, behind it, the name without namespace and owner
//  0  ring       8    the queue; block 0: a free descriptor
//  8  capacity   u16  bytes messages may take; the ring may be larger when it could not be moved
// 10  count      u16  messages queued
// 12  owner      u16  pid of the name, or NO_OWNER
// 14  handles    u16  handles of all tasks
// 16  taps       u16  those that tap
// 18  mode       u16  MailboxMode bits
// 20  namespace  u8   Namespace
// 21  length     u8   bytes of the name
// 22  creator    u8   pid of the task that made it
// 23  flags      u8   DescriptorFlag bits; bits 4-6: Service

import { DESCRIPTOR_MAX, DESCRIPTOR_SIZE, DESCRIPTORS_BASE, DESCRIPTOR_MASK } from "../layout";
import { isBare, nodeAt } from "../node";
import { refuseFull, refuseMemory } from "../refusal";
import { Err } from "../spec/errors";
import { HOST_PID, Resource } from "../spec/node";
import { MailboxMode, Namespace } from "../spec/svc";
import { targetAt, writeName } from "./name";
import { Ring, ringFree, ringMake, ringTail } from "./ring";
import { pinOf, serviceOf } from "./service";

export enum DescriptorFlag {
  /** something happened since nextFresh() last named it */
  FRESH = 1,
  /** a send found no room; until takeNotices() */
  FULL = 2,
  /** a message was dropped before everybody had read it; until takeNotices() */
  OVERRUN = 4,
  /** its creator is gone: it goes with its last handle */
  ORPHAN = 8,
}
/** Where the flags have the Service: it is found once, as names are too long to be compared for every frame of a full bus. */
const SERVICE_SHIFT: u32 = 4;
/** Ids run from 1 to this. */
export const DESCRIPTOR_LAST: u32 = <u32>DESCRIPTOR_MAX;
const NOTICES: u32 = DescriptorFlag.FULL | DescriptorFlag.OVERRUN;
const FANOUT_BITS: u32 = MailboxMode.FANOUT | MailboxMode.FANOUT_DROP | MailboxMode.FANOUT_BLOCK;


@unmanaged
export class Descriptor extends Ring {
  capacity: u16 = 0;
  count: u16 = 0;
  owner: u16 = 0;
  handles: u16 = 0;
  taps: u16 = 0;
  mode: u16 = 0;
  namespace: u8 = 0;
  length: u8 = 0;
  creator: u8 = 0;
  flags: u8 = 0;
}
if (offsetof<Descriptor>("capacity") != 8) ERROR("Descriptor.capacity: offset");
if (offsetof<Descriptor>() != DESCRIPTOR_SIZE) ERROR("Descriptor: size");

/** Descriptor `id`, 1 to DESCRIPTOR_MAX. */
export function descriptorAt(id: u32): Descriptor {
  return changetype<Descriptor>(
    DESCRIPTORS_BASE + ((<usize>id - 1) & DESCRIPTOR_MASK) * DESCRIPTOR_SIZE,
  );
}
export function isUsed(d: Descriptor): bool {
  return d.block != 0;
}
/** True when the creator is gone: the descriptor goes with its last handle. */
export function isOrphan(d: Descriptor): bool {
  return (d.flags & DescriptorFlag.ORPHAN) != 0;
}
export function isFanout(d: Descriptor): bool {
  return (d.mode & FANOUT_BITS) != 0;
}

// ---- Making and finding ----

function isTarget(d: Descriptor): bool {
  const target = targetAt();
  if (!isUsed(d) || d.owner != target.owner) return false;
  if (d.namespace != target.namespace || d.length != target.length) return false;
  return memory.compare(ringTail(d), target.text, d.length) == 0;
}

/** Id of the descriptor Target stands for. NOT_FOUND. */
export function findTarget(): i32 {
  for (let id: u32 = 1; id <= DESCRIPTOR_LAST; id++) {
    if (isTarget(descriptorAt(id))) return id;
  }
  return Err.NOT_FOUND;
}

/** The next descriptor behind `id` that is a Service, whoever owns it; 0: there is none. */
export function nextService(id: u32, service: u32): u32 {
  if (id >= DESCRIPTOR_LAST) return 0;
  const end = DESCRIPTORS_BASE + DESCRIPTOR_MAX * DESCRIPTOR_SIZE; // known to the translator, unlike a number of rounds
  let at = DESCRIPTORS_BASE + ((<usize>id) & DESCRIPTOR_MASK) * DESCRIPTOR_SIZE;
  for (; at < end; at += DESCRIPTOR_SIZE) {
    id++;
    if ((<u32>changetype<Descriptor>(at).flags) >>> SERVICE_SHIFT == service) return id;
  }
  return 0;
}
/** The pin in the name of a Service.GPIO. */
export function servicePin(id: u32): u32 {
  const d = descriptorAt(id);
  return pinOf(ringTail(d), d.length);
}

/** Lowest free id, while fewer than the limit are in use. FULL. */
function freeId(): i32 {
  const limit: u32 = nodeAt().descriptorLimit;
  let used: u32 = 0;
  let free: u32 = 0;
  for (let id: u32 = DESCRIPTOR_LAST; id > 0; id--) {
    if (isUsed(descriptorAt(id))) used++;
    else free = id;
  }
  if (used < limit && free != 0) return free;
  return refuseFull(Err.FULL, Resource.DESCRIPTORS, used + 1, limit);
}

function makeTarget(pid: u32, capacity: u32, mode: u32): i32 {
  const id = freeId();
  if (id < 0) return id;
  const target = targetAt();
  const d = descriptorAt(id);
  if (!ringMake(d, capacity, target.length)) return refuseMemory(capacity + target.length);
  memory.copy(ringTail(d), target.text, target.length);
  d.length = target.length;
  d.namespace = target.namespace;
  d.owner = target.owner;
  d.capacity = <u16>capacity;
  d.mode = <u16>mode;
  d.creator = <u8>pid;
  if (target.namespace == <u8>Namespace.SVC)
    d.flags = <u8>(serviceOf(target.text, target.length) << SERVICE_SHIFT);
  if (pid == HOST_PID && !isBare()) setOrphan(d); // the host has no end at which to take it away
  return id;
}

/** Id of the descriptor Target stands for; makes it on behalf of `pid` if there is none. FULL, NO_MEMORY. */
export function obtainTarget(pid: u32, capacity: u32, mode: u32): i32 {
  const id = findTarget();
  if (id < 0) return makeTarget(pid, capacity, mode);
  const d = descriptorAt(id);
  if (isOrphan(d) && pid != HOST_PID) {
    d.flags &= <u8>~DescriptorFlag.ORPHAN;
    d.creator = <u8>pid;
  }
  return id;
}

/** Notes that the creator is gone. */
export function setOrphan(d: Descriptor): void {
  d.creator = 0;
  d.flags |= <u8>DescriptorFlag.ORPHAN;
}

/** Frees a descriptor no handle refers to. */
export function freeDescriptor(d: Descriptor): void {
  if ((d.flags & DescriptorFlag.FRESH) != 0) nodeAt().fresh--;
  ringFree(d);
  memory.fill(changetype<usize>(d), 0, DESCRIPTOR_SIZE);
}

// ---- What happened ----

/** Notes a DescriptorFlag, 0 for a message, and makes the descriptor fresh. */
export function note(d: Descriptor, flag: u32): void {
  if ((d.flags & DescriptorFlag.FRESH) == 0) nodeAt().fresh++;
  d.flags |= <u8>(flag | DescriptorFlag.FRESH);
}

/** Id of a descriptor at which something happened, once: serve its receivers, then takeNotices(). NO_DATA: none is left. */
export function nextFresh(): i32 {
  if (nodeAt().fresh == 0) return Err.NO_DATA;
  for (let id: u32 = 1; id <= DESCRIPTOR_LAST; id++) {
    const d = descriptorAt(id);
    if ((d.flags & DescriptorFlag.FRESH) == 0) continue;
    d.flags &= <u8>~DescriptorFlag.FRESH;
    nodeAt().fresh--;
    return id;
  }
  return Err.NO_DATA;
}

/** FULL and OVERRUN of descriptor `id` since the last call. */
export function takeNotices(id: u32): u32 {
  const d = descriptorAt(id);
  const notices = d.flags & NOTICES;
  d.flags &= <u8>~NOTICES;
  return notices;
}

/** Writes the whole name of descriptor `id`, `svc:stdio.out@1`, and returns its length. NOT_FOUND, TOO_LARGE. */
export function descriptorName(id: u32, buffer: usize, max: usize): i32 {
  const d = descriptorAt(id);
  if (!isUsed(d)) return Err.NOT_FOUND;
  const target = targetAt();
  target.text = ringTail(d);
  target.length = d.length;
  target.owner = d.owner;
  target.namespace = d.namespace;
  return writeName(buffer, max);
}
