// What the host may look at: records of tasks, values, commands, mailboxes, slots, pins and the store, laid into the I/O buffer.

import { nv_medium, nv_size } from "../hal";
import { entryU16, entryText, RUN_TIME, VALUE_RATE_OFF } from "../registry/entry";
import { imageCodeSize } from "../image/metadata";
import { isVerified, slotBytes, slotCrc, slotUsers } from "../image/slot";
import { DESCRIPTOR_MAX, IO_BASE, IO_SIZE, SLOT_MAX, TASK_MAX } from "../layout";
import { descriptorAt, descriptorName, isUsed } from "../mailbox/descriptor";
import { mailboxInspect } from "../mailbox/mailbox";
import { receivedAt } from "../mailbox/ring";
import {
  storeAt,
  storeCapacity,
  storeEpoch,
  storeExamine,
  storeLive,
  storeNext,
  storeSeenAddress,
  storeSeenGeneration,
  storeSeenKey,
  storeSeenSealed,
  storeSeenType,
  storeSeenValue,
  storeUpdatesLeft,
  storeWear,
  storeWearMax,
} from "../persist/pool";
import { CommandBit, commandAt, commandCount } from "../registry/command";
import { isVisible, valueAt, valueCount, valueOrigin } from "../registry/value";
import { Err } from "../spec/errors";
import {
  COMMAND_GROUP_NAME_OFF,
  COMMAND_HELP_OFF,
  COMMAND_NAME_OFF,
  VALUE_EPSILON_OFF,
  VALUE_GROUP_NAME_OFF,
  VALUE_INIT_OFF,
  VALUE_MAX_OFF,
  VALUE_MIN_OFF,
  VALUE_NAME_OFF,
  VALUE_UNIT_OFF,
} from "../spec/hxe";
import * as R from "../spec/node";
import { ContextFlag, contextAt, REGS_OFF } from "../vm/context";
import { pswOf } from "../vm/flags";
import { isTimed } from "./clock";
import { dataBytesOf } from "./lifecycle";
import { appName, taskName } from "./name";
import { bankAddress, taskAt, TaskFlag, taskSource } from "./task";

if (IO_SIZE < R.TASK_RECORD_BYTES) ERROR("inspect: I/O buffer");

/** Lays out the task of bank `index`. NOT_FOUND: the bank is free. INVALID: there is no such bank. */
export function inspectTask(index: usize): i32 {
  if (index >= TASK_MAX) return Err.INVALID;
  const t = taskAt(index);
  if (t.pid == 0) return Err.NOT_FOUND;
  const c = contextAt(index);
  const name = taskName(t, IO_BASE + R.TASK_NAME_OFF + 1); // first: it uses the buffer
  const to = IO_BASE;
  store<u8>(to + R.TASK_NAME_OFF, <u8>name);
  store<u8>(to + R.TASK_PID_OFF, t.pid);
  store<u8>(to + R.TASK_STATE_OFF, t.state);
  store<u8>(to + R.TASK_STOP_OFF, c.stop);
  const flags = (t.flags & (<u8>TaskFlag.CONFIRMED)) | (c.flags & (<u8>ContextFlag.WINDOW));
  store<u8>(to + R.TASK_FLAGS_OFF, <u8>flags);
  store<u8>(to + R.TASK_SOURCE_OFF, <u8>taskSource(t));
  store<u32>(to + R.TASK_PC_OFF, c.pc);
  store<u32>(to + R.TASK_SP_OFF, c.sp);
  store<u32>(to + R.TASK_STEPS_OFF, c.steps);
  store<u32>(to + R.TASK_TIMER_OFF, isTimed(t) ? t.timer : R.NEVER);
  store<u8>(to + R.TASK_PSW_OFF, <u8>pswOf(c));
  store<u8>(to + R.TASK_RESTARTS_OFF, t.restartsLeft);
  store<u16>(to + R.TASK_STACK_OFF, t.stackBytes);
  store<u32>(to + R.TASK_CRC_OFF, slotCrc(t.slot));
  store<u32>(to + R.TASK_BYTES_OFF, slotBytes(t.slot));
  store<u32>(to + R.TASK_CODE_OFF, imageCodeSize(t.slot));
  store<u32>(to + R.TASK_DATA_OFF, dataBytesOf(t.slot));
  memory.copy(to + R.TASK_REGS_OFF, bankAddress(index) + REGS_OFF, 64);
  return R.TASK_RECORD_BYTES;
}

/** Lays three texts of an entry at `to`, each behind its length byte, and returns the bytes of the record. */
function layTexts(slot: u32, entry: u32, to: usize, first: u32, second: u32, third: u32): i32 {
  let field = first;
  for (let n: u32 = 0; n < 3; n++) {
    const room = IO_BASE + IO_SIZE - to - 1;
    const max: usize = room < R.VALUE_RECORD_TEXT_MAX ? room : R.VALUE_RECORD_TEXT_MAX;
    const length = entryText(slot, entry, field, to + 1, max);
    store<u8>(to, <u8>length);
    to += 1 + length;
    field = n == 0 ? second : third;
  }
  return <i32>(to - IO_BASE);
}

/** Lays out value `index` in order of registration. NOT_FOUND: nobody sees it. INVALID: beyond the last. */
export function inspectValue(index: usize): i32 {
  if (index >= valueCount()) return Err.INVALID;
  const v = valueAt(index);
  if (!isVisible(v)) return Err.NOT_FOUND;
  const to = IO_BASE;
  store<u16>(to + R.VALUE_RECORD_OID_OFF, v.oid);
  store<u16>(to + R.VALUE_RECORD_VALUE_OFF, v.value);
  store<u16>(to + R.VALUE_RECORD_INIT_OFF, <u16>entryU16(v.slot, v.entry, VALUE_INIT_OFF));
  store<u16>(to + R.VALUE_RECORD_EPSILON_OFF, <u16>entryU16(v.slot, v.entry, VALUE_EPSILON_OFF));
  store<u16>(to + R.VALUE_RECORD_MIN_OFF, <u16>entryU16(v.slot, v.entry, VALUE_MIN_OFF));
  store<u16>(to + R.VALUE_RECORD_MAX_OFF, <u16>entryU16(v.slot, v.entry, VALUE_MAX_OFF));
  store<u16>(to + R.VALUE_RECORD_KEY_OFF, v.key);
  store<u16>(
    to + R.VALUE_RECORD_RATE_OFF,
    <u16>(v.slot == RUN_TIME ? entryU16(v.slot, v.entry, VALUE_RATE_OFF) : 0),
  );
  store<u8>(to + R.VALUE_RECORD_FLAGS_OFF, v.flags);
  store<u8>(to + R.VALUE_RECORD_AUTH_OFF, v.auth);
  store<u8>(to + R.VALUE_RECORD_OWNER_OFF, v.owner);
  store<u8>(to + R.VALUE_RECORD_BITS_OFF, v.bits);
  store<u8>(to + R.VALUE_RECORD_ORIGIN_OFF, <u8>valueOrigin(v));
  const texts = to + R.VALUE_RECORD_NAME_OFF;
  return layTexts(v.slot, v.entry, texts, VALUE_NAME_OFF, VALUE_GROUP_NAME_OFF, VALUE_UNIT_OFF);
}

/** Lays out command `index` in order of registration. NOT_FOUND: nobody sees it. INVALID: beyond the last. */
export function inspectCommand(index: usize): i32 {
  if (index >= commandCount()) return Err.INVALID;
  const k = commandAt(index);
  if ((k.bits & CommandBit.PENDING) != 0) return Err.NOT_FOUND;
  const to = IO_BASE;
  store<u16>(to + R.COMMAND_RECORD_OID_OFF, k.oid);
  store<u8>(to + R.COMMAND_RECORD_FLAGS_OFF, k.flags);
  store<u8>(to + R.COMMAND_RECORD_AUTH_OFF, k.auth);
  store<u8>(to + R.COMMAND_RECORD_OWNER_OFF, k.owner);
  const texts = to + R.COMMAND_RECORD_NAME_OFF;
  return layTexts(
    k.slot,
    k.entry,
    texts,
    COMMAND_NAME_OFF,
    COMMAND_GROUP_NAME_OFF,
    COMMAND_HELP_OFF,
  );
}

/** Lays out mailbox `id`, from 1. NOT_FOUND: the id is free. INVALID: there is no such id. */
export function inspectMailbox(id: u32): i32 {
  if (id == 0 || <usize>id > DESCRIPTOR_MAX) return Err.INVALID;
  const d = descriptorAt(id);
  if (!isUsed(d)) return Err.NOT_FOUND;
  const to = IO_BASE;
  store<u16>(to + R.MAILBOX_RECORD_CAPACITY_OFF, d.capacity);
  store<u16>(to + R.MAILBOX_RECORD_USED_OFF, d.used);
  store<u16>(to + R.MAILBOX_RECORD_COUNT_OFF, d.count);
  store<u16>(to + R.MAILBOX_RECORD_OWNER_OFF, d.owner);
  store<u8>(to + R.MAILBOX_RECORD_MODE_OFF, d.mode);
  store<u8>(to + R.MAILBOX_RECORD_NAMESPACE_OFF, d.namespace);
  store<u16>(to + R.MAILBOX_RECORD_HANDLES_OFF, d.handles);
  const name = to + R.MAILBOX_RECORD_NAME_OFF;
  const length = descriptorName(id, name + 1, IO_SIZE - R.MAILBOX_RECORD_NAME_OFF - 1);
  store<u8>(name, <u8>length);
  return R.MAILBOX_RECORD_NAME_OFF + 1 + length;
}

/** Lays message `n` of mailbox `id` out, which stays queued; its data as far as the buffer goes. NOT_FOUND, NO_DATA. */
export function inspectMessage(id: u32, n: u32): i32 {
  if (id == 0 || <usize>id > DESCRIPTOR_MAX) return Err.NOT_FOUND;
  const data = IO_BASE + R.MESSAGE_RECORD_DATA_OFF;
  const bytes = mailboxInspect(id, n, data, IO_SIZE - R.MESSAGE_RECORD_DATA_OFF);
  return bytes < 0 ? bytes : layReceived(bytes);
}

/** Lays out what the mailbox room told of the message whose data was just laid. Returns the bytes of the record. */
export function layReceived(bytes: i32): i32 {
  const got = receivedAt();
  store<u16>(IO_BASE + R.MESSAGE_RECORD_LENGTH_OFF, got.length);
  store<u16>(IO_BASE + R.MESSAGE_RECORD_FLAGS_OFF, got.flags);
  store<u16>(IO_BASE + R.MESSAGE_RECORD_CHANNEL_OFF, got.channel);
  store<u16>(IO_BASE + R.MESSAGE_RECORD_SOURCE_OFF, got.source);
  return R.MESSAGE_RECORD_DATA_OFF + bytes;
}

/** Lays out the state of the store. */
export function inspectStore(): i32 {
  const s = storeAt();
  const to = IO_BASE;
  store<u8>(to + R.STORE_RECORD_STATE_OFF, s.state);
  store<u8>(to + R.STORE_RECORD_MEDIUM_OFF, nv_medium());
  store<u16>(to + R.STORE_RECORD_CELLS_OFF, s.cells);
  store<u16>(to + R.STORE_RECORD_LIVE_OFF, <u16>storeLive());
  store<u16>(to + R.STORE_RECORD_FREE_OFF, s.free);
  store<u16>(to + R.STORE_RECORD_DAMAGED_OFF, s.damaged);
  store<u16>(to + R.STORE_RECORD_RETIRED_OFF, s.retired);
  store<u16>(to + R.STORE_RECORD_EPOCH_OFF, <u16>storeEpoch());
  store<u16>(to + R.STORE_RECORD_SCHEMA_OFF, s.schema);
  store<u32>(to + R.STORE_RECORD_SAVED_OFF, s.saved);
  store<u32>(to + R.STORE_RECORD_PROGRAMMED_OFF, s.programmed);
  store<u32>(to + R.STORE_RECORD_SIZE_OFF, nv_size());
  store<u32>(to + R.STORE_RECORD_CAPACITY_OFF, storeCapacity());
  store<u32>(to + R.STORE_RECORD_WEAR_OFF, storeWear());
  store<u32>(to + R.STORE_RECORD_WEAR_MAX_OFF, storeWearMax());
  store<u32>(to + R.STORE_RECORD_LEFT_OFF, storeUpdatesLeft());
  return R.STORE_RECORD_BYTES;
}

/** Lays out the first live cell from `cell` on and returns its number. NOT_FOUND: there is none. BUSY, STATE, IO. */
export function inspectCell(cell: u32): i32 {
  const found = storeNext(cell);
  if (found < 0) return found;
  store<u16>(IO_BASE + R.CELL_RECORD_KEY_OFF, <u16>storeSeenKey());
  store<u16>(IO_BASE + R.CELL_RECORD_VALUE_OFF, <u16>storeSeenValue());
  store<u8>(IO_BASE + R.CELL_RECORD_TYPE_OFF, <u8>storeSeenType());
  return found;
}

/** Lays out any cell and returns its CellKind. INVALID: there is no such cell. BUSY, STATE, IO. */
export function inspectAnyCell(cell: u32): i32 {
  const kind = storeExamine(cell);
  if (kind < 0) return kind;
  store<u16>(IO_BASE + R.CELL_RECORD_KEY_OFF, <u16>storeSeenKey());
  store<u16>(IO_BASE + R.CELL_RECORD_VALUE_OFF, <u16>storeSeenValue());
  store<u8>(IO_BASE + R.CELL_RECORD_TYPE_OFF, <u8>storeSeenSealed());
  store<u8>(IO_BASE + R.CELL_RECORD_GENERATION_OFF, <u8>storeSeenGeneration());
  store<u32>(IO_BASE + R.CELL_RECORD_ADDRESS_OFF, storeSeenAddress());
  return kind;
}

/** Lays out slot `index`. INVALID: there is no such slot. */
export function inspectSlot(index: u32): i32 {
  if (<usize>index >= SLOT_MAX) return Err.INVALID;
  const to = IO_BASE;
  const isSound = isVerified(index);
  const name = isSound ? appName(index, to + R.SLOT_RECORD_NAME_OFF + 1) : 0;
  store<u32>(to + R.SLOT_RECORD_BYTES_OFF, slotBytes(index));
  store<u32>(to + R.SLOT_RECORD_CRC_OFF, slotCrc(index));
  store<u8>(to + R.SLOT_RECORD_USERS_OFF, <u8>slotUsers(index));
  store<u8>(to + R.SLOT_RECORD_VERIFIED_OFF, isSound ? 1 : 0);
  store<u8>(to + R.SLOT_RECORD_NAME_OFF, <u8>name);
  return <i32>(R.SLOT_RECORD_NAME_OFF + 1 + <u32>name);
}
