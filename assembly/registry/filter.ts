// What a SET passes before it counts: authority, read-only, range, rate, epsilon; and what it causes then.

import { emit } from "../events";
import { f16IsCloser } from "../f16";
import { nodeAt } from "../node";
import { refuse } from "../refusal";
import { Err } from "../spec/errors";
import { VALUE_EPSILON_OFF, VALUE_MAX_OFF, VALUE_MIN_OFF } from "../spec/hxe";
import { EventType } from "../spec/node";
import { Level, ValueFlag } from "../spec/svc";
import { entryU16, RUN_TIME, VALUE_RATE_OFF } from "./entry";
import { isInRange } from "./range";
import { markDirty } from "./saver-state";
import { notify } from "./subscription";
import { stampValue, Value, ValueBit, valueAge, valueAt, valueCount } from "./value";

/** True when task `pid`, or for the host its session's level, has the authority an item declares. PIN asks for a session. */
export function hasAuthority(owns: bool, pinned: bool, auth: u32, level: u32): bool {
  if (owns) return true;
  return level >= auth && (!pinned || <i32>level >= Level.USER);
}

/** True when `pid` declared the value; of a shared value every sharer did. */
export function ownsValue(v: Value, pid: u32): bool {
  if (v.owner == pid) return true;
  if ((v.flags & ValueFlag.SHARED) == 0) return false;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const other = valueAt(i);
    if (other.oid == v.oid && other.owner == pid && (other.bits & ValueBit.ALIAS) != 0) return true;
  }
  return false;
}

function isTooSoon(v: Value): bool {
  if (v.slot != RUN_TIME || (v.bits & ValueBit.RATED) == 0) return false;
  return valueAge(v, nodeAt().lastMs) < entryU16(v.slot, v.entry, VALUE_RATE_OFF);
}

function isWithinEpsilon(v: Value, value: u32): bool {
  const epsilon = entryU16(v.slot, v.entry, VALUE_EPSILON_OFF);
  return epsilon != 0 && f16IsCloser(value, v.value, epsilon);
}

/** Stores a value and tells everybody. */
function change(v: Value, value: u32): void {
  const before: u32 = v.value;
  v.value = <u16>value;
  stampValue(v, nodeAt().lastMs);
  v.bits |= <u8>ValueBit.RATED;
  emit(EventType.VALUE_CHANGED, v.owner, v.oid, before | (value << 16));
  markDirty(v);
  notify(v.oid, before, value);
}

/**
 * Sets a value, as task `pid` or as a host session of `level`. One within epsilon of the old is OK and not stored.
 * NO_ACCESS, READ_ONLY, RANGE (the refusal has the value, and minimum | maximum << 16), BUSY (rate).
 */
export function valueSet(v: Value, value: u32, pid: u32, level: u32): i32 {
  if (!hasAuthority(ownsValue(v, pid), (v.flags & ValueFlag.PIN) != 0, v.auth, level))
    return refuse(Err.NO_ACCESS, 0, v.auth, level);
  if ((v.flags & ValueFlag.RO) != 0) return refuse(Err.READ_ONLY, 0, 0, 0);
  if (!isInRange(v, value)) {
    const limits =
      entryU16(v.slot, v.entry, VALUE_MIN_OFF) | (entryU16(v.slot, v.entry, VALUE_MAX_OFF) << 16);
    return refuse(Err.RANGE, 0, value, limits);
  }
  if (isTooSoon(v)) return refuse(Err.BUSY, 0, 0, 0);
  if (!isWithinEpsilon(v, value)) change(v, value);
  return Err.OK;
}

/** Ends rate limits that have passed, so that a stamp never meets the wrapped clock. */
export function rateSweep(): void {
  const now = nodeAt().lastMs;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if ((v.bits & ValueBit.RATED) != 0 && valueAge(v, now) > 0xffff)
      v.bits &= ~(<u8>ValueBit.RATED);
  }
}
