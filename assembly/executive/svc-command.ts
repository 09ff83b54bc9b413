// Module 8, commands: SVC arguments and statuses around the registry and the calls.

import { mailboxClose, mailboxOpen } from "../mailbox/mailbox";
import { isReference } from "../node";
import {
  Command,
  commandAppend,
  commandAt,
  commandEntryField,
  commandFind,
  commandRemove,
} from "../registry/command";
import { entryText, entryU16, RUN_TIME } from "../registry/entry";
import { hasAuthority } from "../registry/filter";
import { Err } from "../spec/errors";
import { COMMAND_HELP_OFF, COMMAND_NAME_OFF } from "../spec/hxe";
import { CommandFlag, CommandFn, CommandStatus, Level } from "../spec/svc";
import { Context, reg, setReg } from "../vm/context";
import { callStart } from "./call";
import { chainCheck, chainRead } from "./chain";
import { guestBytes, guestRange, reg16, Svc, textAddress, textLength } from "./guest";
import { answerEntry, entryStatus, pairedOid } from "./svc-entry";
import { taskAt } from "./task";

function statusOf(err: i32): u32 {
  if (err == Err.UNSUPPORTED) return CommandStatus.ENOASYNC;
  if (err == Err.ENDED || err == Err.STATE) return CommandStatus.EFAIL;
  return entryStatus(err);
}
function answer(c: Context, err: i32): Svc {
  setReg(c, 0, statusOf(err));
  return Svc.DONE;
}
function answerNumber(c: Context, number: i32): Svc {
  return answerEntry(c, statusOf(number), number);
}

function register(index: usize, c: Context, pid: u32): i32 {
  const oid = pairedOid(c);
  const unreadable = chainCheck(c, reg16(c, 4), true);
  if (unreadable < 0) return unreadable;
  if (commandFind(oid) >= 0) return Err.EXISTS;
  const place = commandAppend(oid, pid, index, 0);
  if (place < 0) return place;
  const k = commandAt(place);
  k.slot = <u8>RUN_TIME;
  const err = chainRead(c, reg16(c, 4), true, commandEntryField(k));
  if (err < 0) {
    k.slot = 0;
    commandRemove(place);
    return err;
  }
  k.flags = <u8>reg(c, 3);
  return oid;
}

/** NO_ACCESS unless task `pid` may call the command. The reference lets only the owner, and nobody what has a level or PIN. */
function mayCall(k: Command, pid: u32): i32 {
  const pinned = (k.flags & CommandFlag.PIN) != 0;
  if (isReference())
    return k.owner == pid && k.auth == 0 && !pinned ? <i32>Err.OK : <i32>Err.NO_ACCESS;
  return hasAuthority(k.owner == pid, pinned, k.auth, Level.PUBLIC)
    ? <i32>Err.OK
    : <i32>Err.NO_ACCESS;
}

/** CMD_CALL: R1 oid, R2 token (unused), R3 argument. The caller blocks; then R0 status, R1 result. */
function call(index: usize, c: Context, pid: u32): Svc {
  const place = commandFind(reg(c, 1) & 0xffff);
  if (place < 0) return answer(c, place);
  const k = commandAt(place);
  const err = mayCall(k, pid);
  if (err < 0) return answer(c, err);
  const started = callStart(k, <i32>index, pid, reg(c, 3), 0);
  return started < 0 ? answer(c, started) : Svc.DONE;
}

/** Starts the handler of a command whose answer goes to the mailbox of `handle`. */
function startAsync(c: Context, pid: u32, handle: i32): i32 {
  const place = commandFind(reg(c, 1) & 0xffff);
  if (place < 0) return place;
  const k = commandAt(place);
  if ((k.flags & CommandFlag.ASYNC) == 0) return Err.UNSUPPORTED;
  const err = mayCall(k, pid);
  if (err < 0) return err;
  setReg(c, 0, CommandStatus.OK); // before the caller's own handler may borrow its registers
  setReg(c, 1, handle);
  return callStart(k, -1, pid, reg(c, 4), handle);
}

/** CMD_CALL_ASYNC: R1 oid, R2 token (unused), R3 mailbox name, R4 argument. R1: handle of the mailbox that gets the answer. */
function callAsync(index: usize, c: Context, pid: u32): Svc {
  const length = textLength(c, reg16(c, 3));
  if (length < 0) return Svc.FAULT;
  const handle = mailboxOpen(index, pid, textAddress(c, reg16(c, 3)), length);
  if (handle < 0) return answer(c, Err.INVALID);
  const oid = reg(c, 1);
  const started = startAsync(c, pid, handle);
  if (started >= 0) return Svc.DONE;
  mailboxClose(index, handle);
  setReg(c, 1, oid);
  return answer(c, started);
}

/** True for a command that was given a name or a help text, even an empty one. */
function hasText(k: Command): bool {
  return (
    (entryU16(k.slot, k.entry, COMMAND_NAME_OFF) | entryU16(k.slot, k.entry, COMMAND_HELP_OFF)) != 0
  );
}

/** CMD_HELP: R1 oid, R2 buffer, R3 its size: the help text, cut, with a NUL. R1: its length. */
function help(c: Context): Svc {
  const place = commandFind(reg(c, 1) & 0xffff);
  if (place < 0) return answerNumber(c, place);
  const k = commandAt(place);
  if (!hasText(k)) return answer(c, Err.NOT_FOUND);
  const max = guestBytes(c, 2, reg16(c, 3));
  if (max == 0) return answerNumber(c, 0);
  const to = guestRange(c, 2, max);
  if (to == 0) return Svc.FAULT;
  const length = entryText(k.slot, k.entry, COMMAND_HELP_OFF, to, max - 1);
  store<u8>(to + length, 0);
  return answerNumber(c, <i32>length);
}

/** Carries out one function of module 8 for the task of bank `index`. */
export function svcCommand(index: usize, c: Context, fn: u32): Svc {
  const pid: u32 = taskAt(index).pid;
  switch (fn) {
    case CommandFn.REGISTER:
      return answerNumber(c, register(index, c, pid));
    case CommandFn.LOOKUP: {
      const oid = pairedOid(c);
      return answerNumber(c, commandFind(oid) < 0 ? <i32>Err.NOT_FOUND : <i32>oid);
    }
    case CommandFn.CALL:
      return call(index, c, pid);
    case CommandFn.CALL_ASYNC:
      return callAsync(index, c, pid);
    case CommandFn.HELP:
      return help(c);
    default:
      return answer(c, Err.INVALID);
  }
}
