// Mailboxes, for their tests. Names and payloads lie in the I/O buffer.

import {
  ARENA_BASE,
  DESCRIPTOR_MAX,
  DESCRIPTORS_BASE,
  HANDLE_MAX,
  IO_BASE,
  VALUES_BASE,
} from "../../assembly/layout";
import { descriptorAt } from "../../assembly/mailbox/descriptor";
import { HOST_ROW, rowAt } from "../../assembly/mailbox/handle";
import { receivedAt } from "../../assembly/mailbox/ring";
import { nodeAt } from "../../assembly/node";

export { arenaAllocate, arenaFree, arenaRelease, arenaSettle } from "../../assembly/arena";
export {
  descriptorName,
  nextFresh,
  nextService,
  servicePin,
  takeNotices,
} from "../../assembly/mailbox/descriptor";
export {
  handleDescriptor,
  mailboxAttach,
  mailboxBind,
  mailboxClose,
  mailboxFind,
  mailboxInspect,
  mailboxOpen,
  mailboxPeek,
  mailboxPost,
  mailboxReceive,
  mailboxRelease,
  mailboxSend,
  mailboxTap,
} from "../../assembly/mailbox/mailbox";

/** Sets the limits; 0: those of the profile. */
export function configure(descriptors: u32, handles: u32): void {
  nodeAt().descriptorLimit = <u16>(descriptors != 0 ? descriptors : <u32>DESCRIPTOR_MAX);
  nodeAt().handleLimit = <u16>(handles != 0 ? handles : <u32>HANDLE_MAX);
}

// ---- Places ----
export function io(): usize {
  return IO_BASE;
}
export function stateBase(): usize {
  return DESCRIPTORS_BASE;
}
export function stateEnd(): usize {
  return VALUES_BASE;
}
export function arenaBase(): usize {
  return ARENA_BASE;
}
export function hostRow(): usize {
  return HOST_ROW;
}
export function freshCount(): u32 {
  return nodeAt().fresh;
}
export function setLastNumber(row: usize, number: u32): void {
  rowAt(row).last = <u16>number;
}

// ---- Received ----
export function receivedLength(): u32 {
  return receivedAt().length;
}
export function receivedFlags(): u32 {
  return receivedAt().flags;
}
export function receivedChannel(): u32 {
  return receivedAt().channel;
}
export function receivedSource(): u32 {
  return receivedAt().source;
}
export function peekedUsed(): u32 {
  return receivedAt().used;
}
export function peekedNext(): u32 {
  return receivedAt().next;
}

// ---- Descriptors ----
export function isUsed(id: u32): bool {
  return descriptorAt(id).block != 0;
}
export function capacityOf(id: u32): u32 {
  return descriptorAt(id).capacity;
}
export function ringSizeOf(id: u32): u32 {
  return descriptorAt(id).size;
}
export function modeOf(id: u32): u32 {
  return descriptorAt(id).mode;
}
export function usedOf(id: u32): u32 {
  return descriptorAt(id).used;
}
