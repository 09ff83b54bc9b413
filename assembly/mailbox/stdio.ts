// Standard input, output and error of a task: handles 1 to 3, on mailboxes that are made when first used.

import { RECEIVED_BASE } from "../layout";
import { Err } from "../spec/errors";
import { MAILBOX_CAPACITY_DEFAULT, MailboxMode, Namespace } from "../spec/svc";
import { obtainTarget } from "./descriptor";
import { findHandle, rowAt, STDIO_HANDLES } from "./handle";
import { targetAt } from "./name";
import { openHandle } from "./queue";

// "stdio.in", "stdio.out", "stdio.err"
const NAME_STRIDE: usize = 9;
const NAMES = memory.data<u8>([
  0x73, 0x74, 0x64, 0x69, 0x6f, 0x2e, 0x69, 0x6e, 0, 0x73, 0x74, 0x64, 0x69, 0x6f, 0x2e, 0x6f, 0x75,
  0x74, 0x73, 0x74, 0x64, 0x69, 0x6f, 0x2e, 0x65, 0x72, 0x72,
]);
const PENDING_ALL: u8 = (1 << (<u8>STDIO_HANDLES)) - 1;

/** Makes Target stand for stream 0, 1 or 2 of a task. The text lies in Received: a table in flash has no address. */
function nameStream(pid: u32, stream: usize): void {
  for (let i: usize = 0; i < NAME_STRIDE; i++) {
    store<u8>(RECEIVED_BASE + i, load<u8>(NAMES + stream * NAME_STRIDE + i));
  }
  const target = targetAt();
  target.text = RECEIVED_BASE;
  target.length = <u8>(stream == 0 ? NAME_STRIDE - 1 : NAME_STRIDE);
  target.namespace = <u8>Namespace.SVC;
  target.owner = <u16>pid;
}

/** True while a handle is open on a stdio mailbox nobody has used yet. */
export function isPending(row: usize, number: u32): bool {
  const stream = number - 1;
  return stream < STDIO_HANDLES && (((<u32>rowAt(row).pending) >>> stream) & 1) != 0;
}

/** Takes back what attachStdio() promised for one handle. */
export function clearPending(row: usize, number: u32): void {
  const bit: u32 = 1 << (number - 1);
  rowAt(row).pending &= <u8>~bit;
}

/** Makes the mailbox of a pending handle. Place of the handle, FULL or NO_MEMORY. */
export function openStdio(row: usize, number: u32): i32 {
  const pid: u32 = rowAt(row).pid;
  nameStream(pid, number - 1);
  const id = obtainTarget(pid, MAILBOX_CAPACITY_DEFAULT, MailboxMode.RDWR);
  if (id < 0) return id;
  clearPending(row, number);
  return <i32>openHandle(row, number, id);
}

/** Place of the handle a row knows by `number`. NOT_FOUND; FULL or NO_MEMORY at the first use of a stdio handle. */
export function resolveHandle(row: usize, number: u32): i32 {
  const place = findHandle(row, number);
  if (place >= 0 || !isPending(row, number)) return place;
  return openStdio(row, number);
}

/** Gives the row to a task, with handles 1 to 3 open. */
export function attachStdio(row: usize, pid: u32): void {
  const r = rowAt(row);
  r.pid = <u8>pid;
  r.last = <u16>STDIO_HANDLES;
  r.pending = PENDING_ALL;
}

/** Makes all mailboxes the reference makes when a task is loaded: stdio and `pid:<n>`. FULL, NO_MEMORY. */
export function openAll(row: usize): i32 {
  for (let number: u32 = 1; number <= STDIO_HANDLES; number++) {
    const err = openStdio(row, number);
    if (err < 0) return err;
  }
  const target = targetAt();
  target.length = 0;
  target.namespace = <u8>Namespace.PID;
  const id = obtainTarget(rowAt(row).pid, MAILBOX_CAPACITY_DEFAULT, MailboxMode.RDWR);
  return id < 0 ? id : Err.OK;
}
