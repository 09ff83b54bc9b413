// Subscription, 8 bytes, and the table of subscriptions: dense, in order of subscribing.
//  0  oid     u16  the value
//  2  pid     u8   who subscribed
//  3  row     u8   row of the handle
//  4  handle  u16  where the notifications go
//  6  (2 spare)

import {
  IO_BASE,
  SUBSCRIPTION_MAX,
  SUBSCRIPTION_SIZE,
  SUBSCRIPTIONS_BASE,
  SUBSCRIPTION_MASK,
} from "../layout";
import { handleDescriptor, mailboxSend } from "../mailbox/mailbox";
import { nodeAt } from "../node";
import { refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";

/** Bytes of a notification: oid, old and new value, each u16 little-endian. */
const NOTICE_SIZE: u32 = 6;


@unmanaged
export class Subscription {
  oid: u16 = 0;
  pid: u8 = 0;
  row: u8 = 0;
  handle: u16 = 0;
  spare: u16 = 0;
}
if (offsetof<Subscription>() != SUBSCRIPTION_SIZE) ERROR("Subscription: size");

export function subscriptionAt(index: usize): Subscription {
  return changetype<Subscription>(
    SUBSCRIPTIONS_BASE + (index & SUBSCRIPTION_MASK) * SUBSCRIPTION_SIZE,
  );
}
export function subscriptionCount(): usize {
  return nodeAt().subscriptions;
}

function subscriptionRemove(index: usize): void {
  const s = changetype<usize>(subscriptionAt(index));
  const last = subscriptionCount() - 1;
  memory.copy(s, s + SUBSCRIPTION_SIZE, (last - index) * SUBSCRIPTION_SIZE);
  memory.fill(changetype<usize>(subscriptionAt(last)), 0, SUBSCRIPTION_SIZE);
  nodeAt().subscriptions = <u16>last;
}

/** Ends the subscriptions whose handle was closed. */
function prune(): void {
  for (let i = subscriptionCount(); i > 0; i--) {
    const s = subscriptionAt(i - 1);
    if (handleDescriptor(s.row, s.handle) == Err.NOT_FOUND) subscriptionRemove(i - 1);
  }
}

/** Subscribes a handle to a value; the same twice is once. FULL. */
export function subscribe(oid: u32, pid: u32, row: usize, handle: u32): i32 {
  if (subscriptionCount() == SUBSCRIPTION_MAX) prune();
  const count = subscriptionCount();
  for (let i: usize = 0; i < count; i++) {
    const s = subscriptionAt(i);
    if (s.oid == oid && s.row == row && s.handle == handle) return Err.OK;
  }
  if (count == SUBSCRIPTION_MAX) {
    return refuseFull(
      Err.FULL,
      Resource.SUBSCRIPTIONS,
      <u32>SUBSCRIPTION_MAX + 1,
      <u32>SUBSCRIPTION_MAX,
    );
  }
  const s = subscriptionAt(count);
  s.oid = <u16>oid;
  s.pid = <u8>pid;
  s.row = <u8>row;
  s.handle = <u16>handle;
  nodeAt().subscriptions = <u16>(count + 1);
  return Err.OK;
}

/** Ends the subscriptions of a task. */
export function subscriptionsRelease(pid: u32): void {
  for (let i = subscriptionCount(); i > 0; i--) {
    if (subscriptionAt(i - 1).pid == pid) subscriptionRemove(i - 1);
  }
}

/** Sends one notification to each subscriber. One with a full mailbox misses it (counted); one with a closed handle is dropped. */
export function notify(oid: u32, before: u32, after: u32): void {
  const notice = IO_BASE; // free while the core runs
  store<u16>(notice, <u16>oid);
  store<u16>(notice + 2, <u16>before);
  store<u16>(notice + 4, <u16>after);
  let i: usize = 0;
  while (i < subscriptionCount()) {
    const s = subscriptionAt(i);
    const sent =
      s.oid == oid ? mailboxSend(s.row, s.handle, notice, NOTICE_SIZE, 0, 0, s.pid) : <i32>Err.OK;
    if (sent == Err.NOT_FOUND) {
      subscriptionRemove(i);
      continue;
    }
    if (sent < 0) nodeAt().noticesDropped += 1;
    i++;
  }
}
