// Module 7, values: SVC arguments and statuses around the registry.

import { mailboxClose, mailboxOpen } from "../mailbox/mailbox";
import { isReference } from "../node";
import { entryText, entryU16, RUN_TIME } from "../registry/entry";
import { hasAuthority, ownsValue, valueSet } from "../registry/filter";
import { setPersistMode, valueRestore } from "../registry/restore";
import { subscribe } from "../registry/subscription";
import {
  isVisible,
  Value,
  ValueBit,
  valueAppend,
  valueAt,
  valueCount,
  valueEntryField,
  valueFind,
  valueHeld,
  valueRemove,
  valueRow,
} from "../registry/value";
import { Err } from "../spec/errors";
import {
  VALUE_INIT_OFF,
  VALUE_KEY_OFF,
  VALUE_MAX_OFF,
  VALUE_MIN_OFF,
  VALUE_EPSILON_OFF,
  VALUE_NAME_OFF,
} from "../spec/hxe";
import { HOST_PID, TaskState } from "../spec/node";
import * as S from "../spec/svc";
import { Level, ValueFn, ValueStatus } from "../spec/svc";
import { Context, reg, setReg } from "../vm/context";
import { chainCheck, chainRead } from "./chain";
import { guestBytes, guestRange, reg16, Svc, textAddress, textLength } from "./guest";
import { answerEntry, entryStatus, pairedOid } from "./svc-entry";
import { isAlive, taskAt } from "./task";

/** VAL_LIST for every group. */
const ALL_GROUPS: u32 = 0xff;

function statusOf(err: i32): u32 {
  return err == Err.BUSY ? ValueStatus.EBUSY : entryStatus(err);
}
function answer(c: Context, err: i32): Svc {
  setReg(c, 0, statusOf(err));
  return Svc.DONE;
}
function answerNumber(c: Context, number: i32): Svc {
  return answerEntry(c, statusOf(number), number);
}

// ---- Registering ----

/** True when another value is kept by the key of `v`, and its task has not ended. */
function isKeyHeld(v: Value): bool {
  if (v.key == 0 || isReference()) return false;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const other = valueAt(i);
    const isOther = changetype<usize>(other) != changetype<usize>(v) && other.key == v.key;
    if (!isOther || (other.bits & ValueBit.GHOST) != 0) continue;
    if ((other.bits & ValueBit.PENDING) != 0 || isAlive(taskAt(valueRow(other)))) return true;
  }
  return false;
}

function register(index: usize, c: Context, pid: u32): i32 {
  const oid = pairedOid(c);
  const unreadable = chainCheck(c, reg16(c, 4), false);
  if (unreadable < 0) return unreadable;
  if (valueHeld(oid, HOST_PID) >= 0) return Err.EXISTS;
  const place = valueAppend(oid, pid, index, 0);
  if (place < 0) return place;
  const v = valueAt(place);
  v.slot = <u8>RUN_TIME;
  const err = chainRead(c, reg16(c, 4), false, valueEntryField(v));
  if (err < 0) v.slot = 0;
  else v.key = <u16>entryU16(RUN_TIME, v.entry, VALUE_KEY_OFF);
  if (err < 0 || isKeyHeld(v)) {
    valueRemove(place);
    return err < 0 ? err : <i32>Err.EXISTS;
  }
  v.flags = <u8>reg(c, 3);
  valueRestore(v);
  if ((v.bits & ValueBit.RESTORE) != 0) taskAt(index).state = <u8>TaskState.RESTORING;
  return oid;
}

// ---- Reading ----

function mayRead(v: Value, pid: u32): bool {
  return hasAuthority(ownsValue(v, pid), false, v.auth, Level.PUBLIC);
}

/** The value of `oid` for task `pid`. NOT_FOUND, NO_ACCESS. */
function readValue(oid: u32, pid: u32): i32 {
  const place = valueFind(oid);
  if (place < 0) return place;
  const v = valueAt(place);
  return mayRead(v, pid) ? <i32>v.value : <i32>Err.NO_ACCESS;
}

/** VAL_GET: the value, or a bare status. */
function get(c: Context, pid: u32): Svc {
  const value = readValue(reg(c, 1) & 0xffff, pid);
  setReg(c, 0, value < 0 ? statusOf(value) : value);
  return Svc.DONE;
}

function isListed(v: Value, group: u32, pid: u32): bool {
  return isVisible(v) && v.owner == pid && (group == ALL_GROUPS || v.oid >> 8 == group);
}

/** Oids of a group a task may list, at most `max`. */
function countListed(group: u32, pid: u32, max: u32): u32 {
  let listed: u32 = 0;
  const count = valueCount();
  for (let i: usize = 0; i < count && listed < max; i++) {
    if (isListed(valueAt(i), group, pid)) listed++;
  }
  return listed;
}

/** VAL_LIST: the caller's oids of a group, u16 each. Only those that are there need room. */
function list(c: Context, pid: u32): Svc {
  const group = reg(c, 1) & 0xff;
  const listed = countListed(group, pid, guestBytes(c, 2, reg16(c, 3) << 1) >> 1);
  let to: usize = listed == 0 ? 0 : guestRange(c, 2, listed << 1);
  if (listed != 0 && to == 0) return Svc.FAULT;
  for (let i: usize = 0, left = listed; left != 0; i++) {
    const v = valueAt(i);
    if (!isListed(v, group, pid)) continue;
    store<u16>(to, v.oid);
    to += 2;
    left--;
  }
  return answerNumber(c, listed);
}

/** Lays out the record; only with room for more than its fields the name, too. */
function writeMeta(v: Value, to: usize, max: u32): u32 {
  store<u16>(to + S.VAL_META_OID_OFF, v.oid);
  store<u16>(to + S.VAL_META_VALUE_OFF, v.value);
  store<u16>(to + S.VAL_META_INIT_OFF, <u16>entryU16(v.slot, v.entry, VALUE_INIT_OFF));
  store<u16>(to + S.VAL_META_EPSILON_OFF, <u16>entryU16(v.slot, v.entry, VALUE_EPSILON_OFF));
  store<u16>(to + S.VAL_META_MIN_OFF, <u16>entryU16(v.slot, v.entry, VALUE_MIN_OFF));
  store<u16>(to + S.VAL_META_MAX_OFF, <u16>entryU16(v.slot, v.entry, VALUE_MAX_OFF));
  store<u16>(to + S.VAL_META_KEY_OFF, v.key);
  store<u8>(to + S.VAL_META_FLAGS_OFF, v.flags);
  store<u8>(to + S.VAL_META_AUTH_OFF, v.auth);
  store<u8>(to + S.VAL_META_OWNER_OFF, v.owner);
  store<u8>(to + S.VAL_META_BITS_OFF, v.bits);
  const name = to + S.VAL_META_NAME_OFF;
  if (max == S.VAL_META_NAME_OFF) return max;
  const room = max - S.VAL_META_NAME_OFF - 1;
  const length = <u32>entryText(v.slot, v.entry, VALUE_NAME_OFF, name, room);
  store<u8>(name + length, 0);
  return S.VAL_META_NAME_OFF + length + 1;
}

/** VAL_META: R1 oid, R2 buffer, R3 its size, at least that of the fields. R1: bytes written. */
function meta(c: Context, pid: u32): Svc {
  const place = valueFind(reg(c, 1) & 0xffff);
  const max = guestBytes(c, 2, reg16(c, 3));
  if (place < 0) return answer(c, place);
  if (!mayRead(valueAt(place), pid)) return answer(c, Err.NO_ACCESS);
  if (max < S.VAL_META_NAME_OFF) return answer(c, Err.INVALID);
  const to = guestRange(c, 2, max);
  if (to == 0) return Svc.FAULT;
  return answerNumber(c, writeMeta(valueAt(place), to, max));
}

// ---- Following and keeping ----

/** VAL_SUB: opens the mailbox first, as the reference does, but gives the handle back when the value is missing. */
function follow(index: usize, c: Context, pid: u32): Svc {
  const oid = reg(c, 1) & 0xffff;
  const length = textLength(c, reg16(c, 2));
  if (length < 0) return Svc.FAULT;
  const handle = mailboxOpen(index, pid, textAddress(c, reg16(c, 2)), length);
  if (handle < 0) return answerNumber(c, Err.INVALID);
  const err = valueFind(oid) < 0 ? <i32>Err.NOT_FOUND : subscribe(oid, pid, index, handle);
  if (err < 0) mailboxClose(index, handle);
  return answerNumber(c, err < 0 ? err : handle);
}

function persist(c: Context, pid: u32): Svc {
  const place = valueFind(reg(c, 1) & 0xffff);
  if (place < 0) return answer(c, place);
  const v = valueAt(place);
  if (!ownsValue(v, pid)) return answer(c, Err.NO_ACCESS);
  return answer(c, setPersistMode(v, reg(c, 2) & 0xff));
}

function set(c: Context, pid: u32): Svc {
  const place = valueFind(reg(c, 1) & 0xffff);
  if (place < 0) return answer(c, place);
  return answer(c, valueSet(valueAt(place), reg16(c, 2), pid, Level.PUBLIC));
}

/** Carries out one function of module 7 for the task of bank `index`. */
export function svcValue(index: usize, c: Context, fn: u32): Svc {
  const pid: u32 = taskAt(index).pid;
  switch (fn) {
    case ValueFn.REGISTER:
      return answerNumber(c, register(index, c, pid));
    case ValueFn.LOOKUP: {
      const oid = pairedOid(c);
      return answerNumber(c, valueFind(oid) < 0 ? <i32>Err.NOT_FOUND : <i32>oid);
    }
    case ValueFn.GET:
      return get(c, pid);
    case ValueFn.SET:
      return set(c, pid);
    case ValueFn.LIST:
      return list(c, pid);
    case ValueFn.SUBSCRIBE:
      return follow(index, c, pid);
    case ValueFn.PERSIST:
      return persist(c, pid);
    case ValueFn.META:
      return meta(c, pid);
    case ValueFn.READ:
      return answerNumber(c, readValue(reg(c, 1) & 0xffff, pid));
    default:
      return answer(c, Err.INVALID);
  }
}
