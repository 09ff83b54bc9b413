// The range a value declares.

import { f16IsNaN, f16Less } from "../f16";
import { isReference } from "../node";
import { VALUE_INIT_OFF, VALUE_MAX_OFF, VALUE_MIN_OFF } from "../spec/hxe";
import { ValueFlag } from "../spec/svc";
import { entryU16 } from "./entry";
import { Value } from "./value";

const F16_ONE: u32 = 0x3c00;

/** True when a value lies within what is declared. The reference does not look. */
export function isInRange(v: Value, value: u32): bool {
  if (isReference()) return true;
  if ((v.flags & ValueFlag.BOOL) != 0 && value != 0 && value != F16_ONE) return false;
  const min = entryU16(v.slot, v.entry, VALUE_MIN_OFF);
  const max = entryU16(v.slot, v.entry, VALUE_MAX_OFF);
  if (min == 0 && max == 0) return true;
  return !f16IsNaN(value) && !f16Less(value, min) && !f16Less(max, value);
}

/** What of the declared range is nearest to a value; `init` for what has no nearest: NaN, and a BOOL that is neither 0 nor 1. */
export function nearest(v: Value, value: u32): u32 {
  if (isInRange(v, value)) return value;
  if ((v.flags & ValueFlag.BOOL) != 0 || f16IsNaN(value))
    return entryU16(v.slot, v.entry, VALUE_INIT_OFF);
  const min = entryU16(v.slot, v.entry, VALUE_MIN_OFF);
  return f16Less(value, min) ? min : entryU16(v.slot, v.entry, VALUE_MAX_OFF);
}
