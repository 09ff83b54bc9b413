// What a persistent value starts from, and how far it is kept from then on.

import { storeState } from "../persist/pool";
import { StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { VALUE_INIT_OFF } from "../spec/hxe";
import { PersistMode, ValueFlag } from "../spec/svc";
import { entryU16 } from "./entry";
import { passAnnounce } from "./pass";
import { markDirty } from "./saver";
import { Value, ValueBit, valueAt, valueAwait, valueFindKey, valueServed } from "./value";

/** Takes over what another value of the same key holds: the newest, which may not have reached the store. */
export function valueAdopt(v: Value): bool {
  const index = valueFindKey(v.key);
  if (index < 0) return false;
  const other = valueAt(index);
  if (changetype<usize>(other) == changetype<usize>(v) || (other.flags & ValueFlag.PERSIST) == 0)
    return false;
  if ((other.bits & ValueBit.RESTORE) != 0) return false; // it does not know yet itself
  v.value = other.value;
  v.cell = other.cell;
  v.bits = <u8>((v.bits & ~ValueBit.STALE) | (other.bits & ValueBit.STALE));
  return true;
}

/** Sets a new value to `init`. If it is kept, what the store holds will follow: the value has RESTORE until then. */
export function valueRestore(v: Value): void {
  v.value = <u16>entryU16(v.slot, v.entry, VALUE_INIT_OFF);
  if (v.key == 0 || (v.flags & ValueFlag.PERSIST) == 0 || (v.bits & ValueBit.ALIAS) != 0) return;
  if (valueAdopt(v)) return;
  const state = storeState();
  if (state != StoreState.READY && state != StoreState.MOUNTING) return;
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
