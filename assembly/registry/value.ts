// Value, 24 bytes, and the table of values: dense, in order of registration.
//  0  oid    u16  group << 8 | id
//  2  owner  u8   pid
//  3  flags  u8   ValueFlag
//  4  auth   u8   Level a caller who is not the owner needs
//  5  bits   u8   ValueBit
//  6  value  u16  binary16
//  8  key    u16  persist key; 0: none
// 10  cell   u16  cell that holds it in the store; NO_CELL: none
// 12  timer  u16  ms until it is saved; while it waits to be restored, what is known of it (pass.ts)
// 14  slot   u8   slot of its image; RUN_TIME: entry is an arena ref
// 15  row    u8   bank of its owner; from bit 5 on ValueOrigin
// 16  entry  u32  place of its entry in the file; of a ghost, its meaning
// 20  stamp  u16  clock when it last changed, bits 0 to 15
// 22  high   u8   and bits 16 to 23
// 23  debt   u8   saves of its burst that it has used

import { arenaAdopt, arenaRelease } from "../arena";
import { VALUE_MAX, VALUE_SIZE, VALUES_BASE, VALUE_MASK } from "../layout";
import { nodeAt } from "../node";
import { storeState } from "../persist/pool";
import { refuseFull } from "../refusal";
import { NO_CELL, StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";
import { ValueFlag } from "../spec/svc";
import { entryMeaning, RUN_TIME } from "./entry";
import { saverAt, TrialMode } from "./saver-state";

export enum ValueBit {
  /** its image is still being loaded; nobody sees it */
  PENDING = 1,
  /** another task's value of that id is the one that counts (SHARED) */
  ALIAS = 2,
  /** its owner is gone; it stays until it is saved */
  GHOST = 4,
  /** waits to be saved */
  DIRTY = 8,
  /** what was stored could not be read: `init` holds until a good save */
  STALE = 16,
  /** `stamp` is within the rate limit */
  RATED = 32,
  /** restored at load, not saved on change (PersistMode.LOAD) */
  LOAD_ONLY = 64,
  /** waits for what the store holds of it */
  RESTORE = 128,
}


@unmanaged
export class Value {
  oid: u16 = 0;
  owner: u8 = 0;
  flags: u8 = 0;
  auth: u8 = 0;
  bits: u8 = 0;
  value: u16 = 0;
  key: u16 = 0;
  cell: u16 = 0;
  timer: u16 = 0;
  slot: u8 = 0;
  row: u8 = 0;
  entry: u32 = 0;
  stamp: u16 = 0;
  high: u8 = 0;
  debt: u8 = 0;
}
if (offsetof<Value>("entry") != 16) ERROR("Value.entry: offset");
if (offsetof<Value>() != VALUE_SIZE) ERROR("Value: size");

export function valueAt(index: usize): Value {
  return changetype<Value>(VALUES_BASE + (index & VALUE_MASK) * VALUE_SIZE);
}
export function valueCount(): usize {
  return (<usize>nodeAt().values) & (2 * VALUE_MASK + 1); // a cut that shows the chip how few there are
}
/** Address of the field that owns a run-time entry. */
export function valueEntryField(v: Value): usize {
  return changetype<usize>(v) + offsetof<Value>("entry");
}

/** Bank of the value's owner. */
export function valueRow(v: Value): u32 {
  return v.row & 31;
}
/** ValueOrigin: where its first value came from. */
export function valueOrigin(v: Value): u32 {
  return v.row >>> 5;
}
export function setOrigin(v: Value, origin: u32): void {
  v.row = <u8>((v.row & 31) | (origin << 5));
}
/** Notes when a value changed. */
export function stampValue(v: Value, ms: u32): void {
  v.stamp = <u16>ms;
  v.high = <u8>(ms >>> 16);
}
/** Ms since a value changed, modulo 2^24: less than 5 hours. */
export function valueAge(v: Value, ms: u32): u32 {
  return (ms - load<u32>(changetype<usize>(v) + offsetof<Value>("stamp"))) & 0xffffff;
}
/** What the number means: a hash of unit and BOOL; 0: nothing is said. */
export function meaningOf(v: Value): u32 {
  return (v.bits & ValueBit.GHOST) != 0 ? v.entry : entryMeaning(v.slot, v.entry, v.flags);
}

/** True for a value that callers see. */
export function isVisible(v: Value): bool {
  return (v.bits & (ValueBit.PENDING | ValueBit.ALIAS | ValueBit.GHOST)) == 0;
}

/** Sets DIRTY or RESTORE: the value waits for the store. */
export function valueAwait(v: Value, bit: u32): void {
  if ((v.bits & bit) == 0) nodeAt().waiting += 1;
  v.bits |= <u8>bit;
}
/** Clears DIRTY or RESTORE. */
export function valueServed(v: Value, bit: u32): void {
  if ((v.bits & bit) != 0) nodeAt().waiting -= 1;
  v.bits &= ~(<u8>bit);
}

/** Index of the visible value with this id, or NOT_FOUND. */
export function valueFind(oid: u32): i32 {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.oid == oid && isVisible(v)) return <i32>i;
  }
  return Err.NOT_FOUND;
}

/** Index of a value of this id, in use or about to be, that is not of task `except`; NOT_FOUND. */
export function valueHeld(oid: u32, except: u32): i32 {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.oid == oid && v.owner != except && (v.bits & ValueBit.GHOST) == 0) return <i32>i;
  }
  return Err.NOT_FOUND;
}

/** Index of the value of `key`, dirty ones first: the newest value may not have reached the store. NOT_FOUND. */
export function valueFindKey(key: u32): i32 {
  const count = valueCount();
  let found: i32 = Err.NOT_FOUND;
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key != key || (v.bits & ValueBit.ALIAS) != 0) continue;
    if ((v.bits & ValueBit.DIRTY) != 0) return <i32>i;
    if ((v.bits & ValueBit.PENDING) == 0) found = <i32>i;
  }
  return found;
}

/** Appends a zeroed value and returns its index. FULL. */
export function valueAppend(oid: u32, owner: u32, row: usize, bits: u32): i32 {
  const count = valueCount();
  if (count == VALUE_MAX)
    return refuseFull(Err.FULL, Resource.VALUES, <u32>VALUE_MAX + 1, <u32>VALUE_MAX);
  const v = valueAt(count);
  v.oid = <u16>oid;
  v.owner = <u8>owner;
  v.row = <u8>row;
  v.bits = <u8>bits;
  v.cell = <u16>NO_CELL;
  nodeAt().values = <u16>(count + 1);
  return <i32>count;
}

/** Removes one value and everything it holds; those behind it move up. */
export function valueRemove(index: usize): void {
  const v = valueAt(index);
  if (v.slot == RUN_TIME) arenaRelease(valueEntryField(v));
  valueServed(v, ValueBit.DIRTY);
  valueServed(v, ValueBit.RESTORE);
  const last = valueCount() - 1;
  memory.copy(changetype<usize>(v), changetype<usize>(v) + VALUE_SIZE, (last - index) * VALUE_SIZE);
  memory.fill(changetype<usize>(valueAt(last)), 0, VALUE_SIZE);
  nodeAt().values = <u16>last;
  for (let i = index; i < last; i++) {
    const moved = valueAt(i);
    if (moved.slot == RUN_TIME) arenaAdopt(valueEntryField(moved));
  }
}

/** Removes the values of a task. Unsaved ones stay as ghosts until they are saved; a shared one passes to the next sharer. */
export function valuesRelease(owner: u32): void {
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    if (v.owner != owner || (v.bits & ValueBit.GHOST) != 0) continue;
    if ((v.flags & ValueFlag.SHARED) != 0 && isVisible(v)) valuePassOn(v);
    const isUnsaved = (v.bits & (ValueBit.DIRTY | ValueBit.PENDING)) == ValueBit.DIRTY;
    if (isUnsaved && isStoreAlive()) valueHaunt(v);
    else valueRemove(i - 1);
  }
  const s = saverAt();
  if (s.trial == <u8>owner && s.mode != TrialMode.ON) s.trial = 0; // rolled back: the pid may be another's soon
}

/** True while what waits for the store has a chance. */
export function isStoreAlive(): bool {
  const state = storeState();
  return state == StoreState.READY || state == StoreState.MOUNTING;
}

/** The first alias of a shared value takes its place, with the key it is kept by. */
function valuePassOn(v: Value): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const heir = valueAt(i);
    if (heir.oid != v.oid || heir.owner == v.owner || (heir.bits & ValueBit.ALIAS) == 0) continue;
    const from = offsetof<Value>("value"); // to the timer
    const to = changetype<usize>(heir);
    memory.copy(to + from, changetype<usize>(v) + from, offsetof<Value>("slot") - from);
    store<u32>(
      to,
      load<u32>(changetype<usize>(v), offsetof<Value>("stamp")),
      offsetof<Value>("stamp"),
    );
    heir.flags = <u8>((heir.flags & ~ValueFlag.PERSIST) | (v.flags & ValueFlag.PERSIST));
    heir.bits = <u8>((heir.bits & ValueBit.PENDING) | (v.bits & ~ValueBit.PENDING)); // with what it waits for
    v.bits &= ~(<u8>(ValueBit.DIRTY | ValueBit.RESTORE));
    return;
  }
}

/** Leaves of a value what the saver needs. */
function valueHaunt(v: Value): void {
  const meaning = meaningOf(v);
  if (v.slot == RUN_TIME) arenaRelease(valueEntryField(v));
  v.slot = 0;
  v.entry = meaning;
  v.timer = 0;
  v.flags = <u8>ValueFlag.PERSIST;
  valueServed(v, ValueBit.RESTORE);
  v.bits = <u8>(ValueBit.GHOST | ValueBit.DIRTY);
}

/** Shows the values of a task whose load is complete. */
export function valuesReveal(owner: u32): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.owner == owner) v.bits &= ~(<u8>ValueBit.PENDING);
  }
}
