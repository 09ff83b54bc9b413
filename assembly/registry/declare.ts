// Declaring: the values and commands of an image enter the tables, PENDING until the load is complete.

import { slotByte } from "../image/slot";
import { isKey } from "../persist/record";
import { refuse, refuseHeld } from "../refusal";
import { Err } from "../spec/errors";
import {
  COMMAND_AUTH_OFF,
  COMMAND_FLAGS_OFF,
  COMMAND_GROUP_OFF,
  COMMAND_ID_OFF,
  VALUE_AUTH_OFF,
  VALUE_FLAGS_OFF,
  VALUE_GROUP_OFF,
  VALUE_ID_OFF,
  VALUE_KEY_OFF,
} from "../spec/hxe";
import { ValueFlag } from "../spec/svc";
import { CommandBit, commandAppend, commandAt, commandFind } from "./command";
import { entryU16 } from "./entry";
import {
  isVisible,
  ValueBit,
  valueAppend,
  valueAt,
  valueCount,
  valueHeld,
  valueRow,
  valueServed,
} from "./value";

/** Who declares: the task, its bank, its image, how far its ids and keys are moved, and whom it replaces (0: nobody). */
@unmanaged
export class Declarer {
  pid: u8 = 0;
  row: u8 = 0;
  slot: u8 = 0;
  replaced: u8 = 0;
  groupBase: u8 = 0;
  spare: u8 = 0;
  keyBase: u16 = 0;
  /** bit n: the task in bank n has ended and holds its keys no more */
  ended: u32 = 0;
}

function oidOf(d: Declarer, entry: u32, groupField: u32, idField: u32): u32 {
  const group = (slotByte(d.slot, entry + groupField) + d.groupBase) & 0xff;
  return (group << 8) | slotByte(d.slot, entry + idField);
}

/** Pid of another running task that keeps a value of this key, or 0. Sharers of one value keep one key. */
function keyHolder(d: Declarer, key: u32, oid: u32, isShared: bool): u32 {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (
      v.key != key ||
      !isVisible(v) ||
      v.owner == d.replaced ||
      ((d.ended >>> valueRow(v)) & 1) != 0
    )
      continue;
    if (isShared && v.oid == oid && (v.flags & ValueFlag.SHARED) != 0) continue;
    return v.owner;
  }
  return 0;
}

/** Declares the value whose entry lies at `entry` of the image. ID_TAKEN, KEY_TAKEN, HXE_VALUE: no key is 0xFFFF or,
 * moved, 0; FULL; its index otherwise. */
export function declareValue(d: Declarer, entry: u32): i32 {
  const oid = oidOf(d, entry, VALUE_GROUP_OFF, VALUE_ID_OFF);
  const flags = slotByte(d.slot, entry + VALUE_FLAGS_OFF);
  const declaredKey = entryU16(d.slot, entry, VALUE_KEY_OFF);
  const key = declaredKey == 0 ? 0 : (declaredKey + d.keyBase) & 0xffff;
  if (declaredKey != 0 && !isKey(key)) return refuse(Err.HXE_VALUE, entry + VALUE_KEY_OFF, key, 0);
  const isShared = (flags & ValueFlag.SHARED) != 0;
  let bits: u32 = ValueBit.PENDING;
  const known = valueHeld(oid, d.replaced);
  if (known >= 0) {
    if (!isShared || (valueAt(known).flags & ValueFlag.SHARED) == 0)
      return refuseHeld(Err.ID_TAKEN, oid, valueAt(known).owner);
    bits |= ValueBit.ALIAS;
  }
  const holder = key == 0 ? 0 : keyHolder(d, key, oid, isShared);
  if (holder != 0) return refuseHeld(Err.KEY_TAKEN, key, holder);
  const index = valueAppend(oid, d.pid, d.row, bits);
  if (index < 0) return index;
  const v = valueAt(index);
  v.flags = <u8>(key == 0 ? flags : flags | ValueFlag.PERSIST);
  v.auth = <u8>slotByte(d.slot, entry + VALUE_AUTH_OFF);
  v.key = <u16>key;
  v.slot = d.slot;
  v.entry = entry;
  return index;
}

/** Takes the keys of a task's values from ended tasks that had them, whose later changes are kept no more. */
export function claimKeys(d: Declarer): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key == 0 || !isVisible(v) || v.owner == d.pid || ((d.ended >>> valueRow(v)) & 1) == 0)
      continue;
    if (!isClaimed(d, v.key)) continue;
    valueServed(v, ValueBit.DIRTY);
    valueServed(v, ValueBit.RESTORE);
    v.key = 0;
  }
}

function isClaimed(d: Declarer, key: u32): bool {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.owner == d.pid && v.key == key) return true;
  }
  return false;
}

/** Declares the command whose entry lies at `entry` of the image. ID_TAKEN, FULL; its index otherwise. */
export function declareCommand(d: Declarer, entry: u32): i32 {
  const oid = oidOf(d, entry, COMMAND_GROUP_OFF, COMMAND_ID_OFF);
  const known = commandFind(oid);
  if (known >= 0 && commandAt(known).owner != d.replaced)
    return refuseHeld(Err.ID_TAKEN, oid, commandAt(known).owner);
  const index = commandAppend(oid, d.pid, d.row, CommandBit.PENDING);
  if (index < 0) return index;
  const k = commandAt(index);
  k.flags = <u8>slotByte(d.slot, entry + COMMAND_FLAGS_OFF);
  k.auth = <u8>slotByte(d.slot, entry + COMMAND_AUTH_OFF);
  k.slot = d.slot;
  k.entry = entry;
  return index;
}
