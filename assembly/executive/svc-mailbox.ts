// Module 5, mailboxes: SVC arguments and statuses around the mailbox room.

import {
  mailboxBind,
  mailboxClose,
  mailboxOpen,
  mailboxPeek,
  mailboxSend,
  mailboxTap,
} from "../mailbox/mailbox";
import { receivedAt } from "../mailbox/ring";
import { isBare } from "../node";
import { Err } from "../spec/errors";
import { NEVER } from "../spec/node";
import { MailboxFn, MailboxStatus, RECV_FOREVER, RECV_INFO_SIZE } from "../spec/svc";
import { Context, isFlat, reg, setReg } from "../vm/context";
import { timerOf } from "./clock";
import { guestBytes, guestRange, reg16, Svc, textAddress, textLength } from "./guest";
import { receiveInto, receiveLater, receiveNothing } from "./receive";
import { taskAt } from "./task";

/** The status of an error: the bare machine of the reference knows but one. */
function statusOf(err: i32): u32 {
  if (err >= 0) return MailboxStatus.OK;
  if (err == Err.WOULD_BLOCK) return MailboxStatus.WOULD_BLOCK;
  if (err == Err.NO_DATA) return MailboxStatus.NO_DATA;
  if (isBare()) return MailboxStatus.INTERNAL;
  if (err == Err.NOT_FOUND) return MailboxStatus.INVALID_HANDLE;
  if (err == Err.TOO_LARGE) return MailboxStatus.MSG_TOO_LARGE;
  if (err == Err.FULL || err == Err.NO_MEMORY) return MailboxStatus.NO_DESCRIPTOR;
  return MailboxStatus.INTERNAL;
}

/** R0: the status; R1: the number, when there is one. */
function answer(c: Context, number: i32): Svc {
  setReg(c, 0, statusOf(number));
  if (number >= 0) setReg(c, 1, number);
  return Svc.DONE;
}

function open(index: usize, c: Context, pid: u32): Svc {
  const length = textLength(c, reg16(c, 1));
  if (length < 0) return Svc.FAULT;
  return answer(c, mailboxOpen(index, pid, textAddress(c, reg16(c, 1)), length));
}

function bind(c: Context, pid: u32): Svc {
  const length = textLength(c, reg16(c, 1));
  if (length < 0) return Svc.FAULT;
  return answer(c, mailboxBind(pid, textAddress(c, reg16(c, 1)), length, reg16(c, 2), reg16(c, 3)));
}

function send(index: usize, c: Context, pid: u32): Svc {
  const bytes = guestBytes(c, 2, reg16(c, 3));
  const data = guestRange(c, 2, bytes);
  if (bytes != 0 && data == 0) return Svc.FAULT;
  const sent = mailboxSend(index, reg16(c, 1), data, bytes, reg16(c, 4), reg16(c, 5), pid);
  return answer(c, sent);
}

/** True when RECV could write what it must: some room for a message it asks for, and the info struct. */
function canReceive(c: Context): bool {
  if (isFlat(c)) return true;
  if (reg16(c, 3) != 0 && guestRange(c, 2, 1) == 0) return false;
  return reg16(c, 5) == 0 || guestRange(c, 5, RECV_INFO_SIZE) != 0;
}

function receive(index: usize, c: Context): Svc {
  if (!canReceive(c)) return Svc.FAULT;
  const handle = reg16(c, 1);
  const timeout = reg16(c, 4);
  const result = receiveInto(index, handle);
  if (result >= 0) return Svc.DONE;
  if (result != Err.NO_DATA || timeout == 0 || isBare()) {
    if (result == Err.NO_DATA) receiveNothing(c, MailboxStatus.NO_DATA);
    else setReg(c, 0, statusOf(result));
    return Svc.DONE;
  }
  receiveLater(index, handle, timeout == RECV_FOREVER ? NEVER : timerOf(timeout));
  return Svc.DONE;
}

function peek(index: usize, c: Context): Svc {
  const depth = mailboxPeek(index, reg16(c, 1));
  setReg(c, 0, statusOf(depth));
  if (depth < 0) return Svc.DONE;
  setReg(c, 1, depth);
  setReg(c, 2, receivedAt().used);
  setReg(c, 3, receivedAt().next);
  return Svc.DONE;
}

/** Carries out one function of module 5 for the task of bank `index`. */
export function svcMailbox(index: usize, c: Context, fn: u32): Svc {
  const pid: u32 = isBare() ? 0 : taskAt(index).pid;
  switch (fn) {
    case MailboxFn.OPEN:
      return open(index, c, pid);
    case MailboxFn.BIND:
      return bind(c, pid);
    case MailboxFn.SEND:
      return send(index, c, pid);
    case MailboxFn.RECV:
      return receive(index, c);
    case MailboxFn.PEEK:
      return peek(index, c);
    case MailboxFn.TAP:
      setReg(c, 0, statusOf(mailboxTap(index, reg16(c, 1), (reg(c, 2) & 1) != 0)));
      return Svc.DONE;
    case MailboxFn.CLOSE:
      setReg(c, 0, statusOf(mailboxClose(index, reg16(c, 1))));
      return Svc.DONE;
    default:
      setReg(c, 0, MailboxStatus.INTERNAL);
      return Svc.DONE;
  }
}
