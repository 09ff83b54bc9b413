// The restore pass: brings what the store holds to all values that wait for it, in one reading of the live cells, and
// tells of each where it came from. Only keys whose cells a power cut or damage has touched are searched by themselves.

import { emit } from "../events";
import {
  storeFind,
  storeHasRoom,
  storeIsAmiss,
  storeNext,
  storeRead,
  storeSeenKey,
  storeSeenType,
  storeSeenValue,
} from "../persist/pool";
import { CellType, MEANING_UNKNOWN, NO_CELL } from "../spec/cell";
import { Err } from "../spec/errors";
import { VALUE_INIT_OFF } from "../spec/hxe";
import { EventType, ValueOrigin } from "../spec/node";
import { nodeAt } from "../node";
import { entryU16 } from "./entry";
import { nearest } from "./range";
import {
  isShadowed,
  markDirty,
  Phase,
  Saver,
  saverAt,
  SaverFlag,
  SaverJob,
  targetOf,
  TrialMode,
} from "./saver-state";
import { meaningOf, setOrigin, Value, ValueBit, valueAt, valueCount, valueServed } from "./value";

/** Cells read, or values settled, in one poll. */
const STEPS_A_POLL: u32 = 2;

/** What is known of a value that waits, in its timer, which nothing else needs meanwhile. */
enum Known {
  /** best of its cells so far; a later kind comes before an earlier one */
  NOTHING = 0,
  FACTORY = 1,
  VALUE = 2,
  SHADOW = 3,
  KIND = 3,
  SAME_MEANING = 4,
  OTHER_MEANING = 8,
  /** its VALUE, its SHADOW was searched for by itself */
  ASKED = 16,
  ASKED_SHADOW = 32,
}

function isWaiting(v: Value): bool {
  return (v.bits & ValueBit.RESTORE) != 0;
}
/** True when a shadow of the key comes before its value. */
function readsShadow(v: Value): bool {
  return saverAt().mode == TrialMode.MERGING || isShadowed(v);
}

// ---- Where a value comes from ----

/** Gives a value its start: `value` as far as the range allows. Tells if it is not what was stored. */
export function accept(v: Value, value: u32, origin: u32): void {
  const taken =
    origin == ValueOrigin.DROPPED ? entryU16(v.slot, v.entry, VALUE_INIT_OFF) : nearest(v, value);
  if (taken != value && origin != ValueOrigin.DROPPED) origin = ValueOrigin.CLAMPED;
  v.value = <u16>taken;
  setOrigin(v, origin);
  if (origin >= <u32>ValueOrigin.CLAMPED)
    emit(EventType.VALUE_ADJUSTED, v.owner, v.oid, origin | (value << 16));
}

/** All is known of a value: it has what it waited for. A unit that nobody noted yet is saved with it. */
export function settle(v: Value): void {
  const known: u32 = v.timer;
  const kind = known & Known.KIND;
  valueServed(v, ValueBit.RESTORE);
  v.timer = 0;
  if ((v.bits & ValueBit.STALE) != 0) emit(EventType.VALUE_STALE, v.owner, v.oid, v.key);
  if (kind == Known.NOTHING) return setOrigin(v, ValueOrigin.INIT);
  const stored: u32 = v.value;
  const isDropped = kind != Known.SHADOW && (known & Known.OTHER_MEANING) != 0;
  const origin = kind == Known.FACTORY ? ValueOrigin.FACTORY : ValueOrigin.KEPT;
  accept(v, stored, isDropped ? ValueOrigin.DROPPED : origin);
  const isMeant = (known & Known.SAME_MEANING) != 0 || meaningOf(v) == 0;
  if (!isShadowed(v) && (kind != Known.VALUE || !isMeant)) v.cell = <u16>NO_CELL;
  if (isDropped || kind == Known.FACTORY) return;
  const isNoted = isMeant || kind == Known.SHADOW || isShadowed(v) || !storeHasRoom();
  if (v.value != <u16>stored || !isNoted) markDirty(v);
}

// ---- Cells ----

/** Notes of a value what the cell just read says. True: a second version of it. */
function note(v: Value, cell: u32): bool {
  const type = storeSeenType();
  const value = storeSeenValue();
  let known: u32 = v.timer;
  if (type == CellType.MEANING) {
    const meaning = value == MEANING_UNKNOWN ? 0 : meaningOf(v);
    if (meaning != 0) known |= meaning == value ? Known.SAME_MEANING : Known.OTHER_MEANING;
    v.timer = <u16>known;
    return false;
  }
  let kind: u32 = Known.NOTHING;
  if (type == CellType.FACTORY) kind = Known.FACTORY;
  else if (type == CellType.VALUE) kind = Known.VALUE;
  else if (type == CellType.SHADOW && readsShadow(v)) kind = Known.SHADOW;
  if (kind == Known.NOTHING) return false;
  if (kind == (known & Known.KIND)) return true;
  if (kind < (known & Known.KIND)) return false;
  v.timer = <u16>((known & ~Known.KIND) | kind);
  v.value = <u16>value;
  if (type == targetOf(v)) v.cell = <u16>cell;
  return false;
}

/** Has the store look for a key by itself; passAnswer() hears of it. */
function ask(s: Saver, type: u32, key: u32): void {
  s.type = <u8>type;
  s.key = <u16>key;
  const err = storeFind(type, key);
  if (err >= 0) s.job = <u8>SaverJob.ASK;
  else if (err != Err.BUSY) passAnswer(s, err); // the store cannot have this key
}

/** Gives the cell just read to those who wait for it. */
function deal(s: Saver, cell: u32): void {
  const type = storeSeenType();
  const key = storeSeenKey();
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key == key && isWaiting(v) && note(v, cell)) {
      s.phase = <u8>Phase.DUE;
      return ask(s, type, key); // which makes one of the two
    }
  }
}

/** The search for a key by itself has ended. What it found a further pass will meet. */
export function passAnswer(s: Saver, result: i32): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.key != s.key || !isWaiting(v)) continue;
    v.timer |= <u16>(s.type == CellType.SHADOW ? Known.ASKED_SHADOW : Known.ASKED);
    if (result == Err.CORRUPT) v.bits |= <u8>ValueBit.STALE;
  }
  if (result >= 0) s.phase = <u8>Phase.DUE;
}

// ---- Step by step ----

function begin(s: Saver): void {
  s.phase = <u8>Phase.UNDER_WAY;
  s.cursor = 0;
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (!isWaiting(v)) continue;
    v.cell = <u16>NO_CELL;
    v.timer = 0;
    v.value = <u16>entryU16(v.slot, v.entry, VALUE_INIT_OFF);
  }
}

function read(s: Saver): void {
  for (let n: u32 = 0; n < STEPS_A_POLL && s.phase == Phase.UNDER_WAY; n++) {
    const cell = storeNext(s.cursor);
    if (cell == Err.BUSY) return;
    if (cell < 0) s.phase = <u8>Phase.READ;
    else {
      s.cursor = <u16>(cell + 1);
      deal(s, cell);
    }
  }
}

/** Settles what is sure; what may lie in cells that are no longer sound is asked for. */
function conclude(s: Saver): void {
  const isAmiss = storeIsAmiss();
  const count = valueCount();
  let settled: u32 = 0;
  for (let i: usize = 0; i < count && settled < STEPS_A_POLL; i++) {
    const v = valueAt(i);
    if (!isWaiting(v)) continue;
    const known: u32 = v.timer;
    const kind = known & Known.KIND;
    if (isAmiss && kind < <u32>Known.VALUE && (known & Known.ASKED) == 0)
      return ask(s, CellType.VALUE, v.key);
    const isShadowSure = kind == Known.SHADOW || (known & Known.ASKED_SHADOW) != 0;
    if (isAmiss && !isShadowSure && readsShadow(v)) return ask(s, CellType.SHADOW, v.key);
    settle(v);
    settled++;
  }
}

/** One step of the pass; value `v` waits for it. */
export function passPoll(s: Saver, v: Value): void {
  if (s.phase == Phase.ANNOUNCED) {
    s.phase = <u8>Phase.DUE; // unless the load has another value in this poll
    return;
  }
  nodeAt().hasWorked = 1;
  switch (<u32>s.phase) {
    case Phase.DUE:
      if (storeIsAmiss() && (s.flags & SaverFlag.SOUGHT) == 0) {
        s.flags |= <u8>SaverFlag.SOUGHT;
        return ask(s, CellType.VALUE, v.key);
      }
      begin(s);
      break;
    case Phase.UNDER_WAY:
      read(s);
      break;
    default:
      conclude(s);
  }
}
