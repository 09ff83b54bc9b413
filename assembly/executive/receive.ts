// Receiving: what RECV writes back, at once or when the wait ends, and who is served first.

import { TASK_MAX } from "../layout";
import { emit } from "../events";
import { descriptorAt, DescriptorFlag, nextFresh, takeNotices } from "../mailbox/descriptor";
import { handleDescriptor, mailboxReceive } from "../mailbox/mailbox";
import { receivedAt } from "../mailbox/ring";
import { isBare, nodeAt } from "../node";
import { Err } from "../spec/errors";
import { EventType, TaskState } from "../spec/node";
import { MailboxStatus, RECV_INFO_SIZE } from "../spec/svc";
import { Context, contextAt, reg, setReg } from "../vm/context";
import { vmLimit, vmRange } from "../vm/memory";
import { taskAt } from "./task";

/** The optional info struct whose address RECV has in R5; 0: not asked for. */
function writeInfo(
  c: Context,
  status: u32,
  length: u32,
  flags: u32,
  channel: u32,
  source: u32,
): void {
  const pointer = reg(c, 5) & 0xffff;
  const info: usize = pointer == 0 || isBare() ? 0 : vmRange(c, pointer, RECV_INFO_SIZE);
  if (info == 0) return;
  store<u32>(info, status);
  store<u32>(info + 4, length);
  store<u32>(info + 8, flags);
  store<u32>(info + 12, channel);
  store<u32>(info + 16, source);
}

/** Ends a RECV with nothing: NO_DATA leaves R2..R4 alone, TIMEOUT and a vanished mailbox clear them. */
export function receiveNothing(c: Context, status: u32): void {
  writeInfo(c, status, 0, 0, 0, 0);
  setReg(c, 0, status);
  setReg(c, 1, 0);
  if (status == MailboxStatus.NO_DATA) return;
  setReg(c, 2, 0);
  setReg(c, 3, 0);
  setReg(c, 4, 0);
}

/** Tries to take a message for the task of bank `index` by its registers R2 (buffer) and R3 (max). NO_DATA, NOT_FOUND. */
export function receiveInto(index: usize, handle: u32): i32 {
  const c = contextAt(index);
  const pointer = reg(c, 2) & 0xffff;
  const max = reg(c, 3) & 0xffff;
  const room = vmLimit(c, pointer);
  const bytes = max < room ? max : room;
  const length = mailboxReceive(index, handle, bytes == 0 ? 0 : vmRange(c, pointer, bytes), bytes);
  if (length < 0) return length;
  const got = receivedAt();
  writeInfo(c, MailboxStatus.OK, length, got.flags, got.channel, got.source);
  setReg(c, 0, MailboxStatus.OK);
  setReg(c, 1, length);
  setReg(c, 2, got.flags);
  setReg(c, 3, got.channel);
  setReg(c, 4, got.source);
  return Err.OK;
}

/** Blocks the task of bank `index` in RECV. `timer`: ms from now, or NEVER. */
export function receiveLater(index: usize, handle: u32, timer: u32): void {
  const t = taskAt(index);
  t.state = <u8>TaskState.RECEIVING;
  t.timer = timer;
  t.waitHandle = <u16>handle;
  t.waitOrder = nodeAt().waitNext;
  nodeAt().waitNext += 1;
}

/** Tries to end the wait of a blocked task. */
export function receiveResume(index: usize): void {
  const t = taskAt(index);
  const result = receiveInto(index, t.waitHandle);
  if (result == Err.NO_DATA) return;
  if (result < 0) receiveNothing(contextAt(index), MailboxStatus.INVALID_HANDLE);
  t.state = <u8>TaskState.READY;
}

/** Ends the wait of a blocked task whose time is up. */
export function receiveExpire(index: usize): void {
  receiveNothing(contextAt(index), MailboxStatus.TIMEOUT);
  taskAt(index).state = <u8>TaskState.READY;
}

/**
 * Precedence of a task that waits on descriptor `id`, no two alike; 0: it does not wait. Who waits longest goes first,
 * in waits begun since; after 65,536 of them the order is lost, but nobody is.
 */
function precedence(index: usize, id: i32): u32 {
  const t = taskAt(index);
  if (t.state != TaskState.RECEIVING || handleDescriptor(index, t.waitHandle) != id) return 0;
  const later = (<u32>nodeAt().waitNext - 1 - t.waitOrder) & 0xffff;
  return later * <u32>TASK_MAX + <u32>index + 1;
}

/** Serves the tasks that wait on descriptor `id`, the longest wait first, each once. */
function serve(id: i32): void {
  let limit: u32 = u32.MAX_VALUE;
  for (let round: usize = 0; round < TASK_MAX; round++) {
    let next: usize = 0;
    let first: u32 = 0;
    for (let i: usize = 0; i < TASK_MAX; i++) {
      const rank = precedence(i, id);
      if (rank <= first || rank >= limit) continue;
      first = rank;
      next = i;
    }
    if (first == 0) return;
    receiveResume(next);
    limit = first;
  }
}

/** Tells of sends that found no room and of messages that were dropped. */
function report(id: i32): void {
  const notices = takeNotices(id);
  if (notices == 0) return;
  const d = descriptorAt(id);
  if ((notices & DescriptorFlag.FULL) != 0)
    emit(EventType.MAILBOX_FULL, 0, id, (<u32>d.used) | ((<u32>d.capacity) << 16));
  if ((notices & DescriptorFlag.OVERRUN) != 0) emit(EventType.MAILBOX_OVERRUN, 0, id, 0);
}

/** Serves everybody who waits for what has arrived. */
export function serveReceivers(): void {
  while (nodeAt().fresh != 0) {
    const id = nextFresh();
    if (id < 0) return;
    serve(id);
    report(id);
  }
}

/** Wakes tasks whose mailbox went away while they waited. */
export function wakeOrphans(): void {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.state == TaskState.RECEIVING && handleDescriptor(i, t.waitHandle) < 0) receiveResume(i);
  }
}
