// What a persistent value starts from, and how far it is kept from then on.

import { Err } from "../spec/errors";
import { VALUE_INIT_OFF } from "../spec/hxe";
import { ValueOrigin } from "../spec/node";
import { PersistMode, ValueFlag } from "../spec/svc";
import { entryU16 } from "./entry";
import { accept } from "./pass";
import { isTried, markDirty, passAnnounce } from "./saver-state";
import {
  isStoreAlive,
  meaningOf,
  Value,
  ValueBit,
  valueAt,
  valueAwait,
  valueFindKey,
  valueOrigin,
  valueServed,
} from "./value";

/**
 * Takes over what another value of the same key holds: the newest, which may not have reached the store. Range and unit count
 * as for what is stored, and a unit that only the new one tells is saved with it. False: what is stored counts.
 */
export function valueAdopt(v: Value): bool {
  const index = valueFindKey(v.key);
  if (index < 0) return false;
  const other = valueAt(index);
  if (changetype<usize>(other) == changetype<usize>(v) || (other.flags & ValueFlag.PERSIST) == 0)
    return false;
  if ((other.bits & ValueBit.RESTORE) != 0) return false; // it does not know yet itself
  if (isTried(other) && other.owner != v.owner) return false;
  const meaning = meaningOf(v);
  const known = meaningOf(other);
  if (meaning == 0 || known == 0 || meaning == known) {
    v.bits = <u8>((v.bits & ~ValueBit.STALE) | (other.bits & ValueBit.STALE));
    accept(v, other.value, ValueOrigin.KEPT);
    if (v.value != other.value || known < meaning) markDirty(v);
    return true;
  }
  if ((other.bits & ValueBit.DIRTY) == 0) return false;
  if (valueOrigin(v) != ValueOrigin.DROPPED) accept(v, other.value, ValueOrigin.DROPPED);
  return true;
}

/** Sets a new value to `init`. If it is kept, what the store holds will follow: the value has RESTORE until then. */
export function valueRestore(v: Value): void {
  v.value = <u16>entryU16(v.slot, v.entry, VALUE_INIT_OFF);
  if (v.key == 0 || (v.flags & ValueFlag.PERSIST) == 0 || (v.bits & ValueBit.ALIAS) != 0) return;
  if (valueAdopt(v) || !isStoreAlive()) return;
  valueAwait(v, ValueBit.RESTORE);
  passAnnounce();
}

/** VOLATILE, LOAD or LOAD_SAVE from now on; LOAD_SAVE saves the present value, too. INVALID: another mode. */
export function setPersistMode(v: Value, mode: u32): i32 {
  if (mode > <u32>PersistMode.LOAD_SAVE) return Err.INVALID;
  v.bits &= ~(<u8>ValueBit.LOAD_ONLY);
  if (mode == PersistMode.VOLATILE) v.flags &= ~(<u8>ValueFlag.PERSIST);
  else v.flags |= <u8>ValueFlag.PERSIST;
  if (mode == PersistMode.LOAD) v.bits |= <u8>ValueBit.LOAD_ONLY;
  if (mode == PersistMode.LOAD_SAVE) markDirty(v);
  else valueServed(v, ValueBit.DIRTY);
  return Err.OK;
}
