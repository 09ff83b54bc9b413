// PUB: values that a master asked to hear of, the newest number of each, no more often than it said.
// The list is one entry a value, in the arena while there is any: u16 oid, OID_ALL: free; u16 number that was sent last.

import { arenaAddress, arenaAllocate, arenaRelease } from "../../arena";
import { VALUE_MAX } from "../../layout";
import { nodeAt } from "../../node";
import { refuse, refuseMemory } from "../../refusal";
import { isVisible, valueAt, valueCount, valueFind } from "../../registry/value";
import { Err } from "../../spec/errors";
import {
  OID_ALL,
  PUB_BYTES,
  PUB_COUNT_OFF,
  PUB_ID,
  PUB_OID_OFF,
  PUB_PERIOD_MIN,
  PUB_VALUE_OFF,
  PUBLISH_OID_OFF,
  PUBLISH_ON_OFF,
  PUBLISH_PERIOD_OFF,
} from "../../spec/frame";
import { NEVER } from "../../spec/node";
import { frameClear, maySpeak, send } from "./line";
import { FRAME, Line, protocolAt, pubsField } from "./state";

const ENTRY_SIZE: usize = 4;
const BYTES: usize = VALUE_MAX * ENTRY_SIZE;
if ((VALUE_MAX & (VALUE_MAX - 1)) != 0) ERROR("VALUE_MAX: power of two");

function entryAt(n: usize): usize {
  return arenaAddress(protocolAt().pubs) + n * ENTRY_SIZE;
}
/** Entry of an oid, -1: none. */
function entryOf(oid: u32): i32 {
  for (let n: usize = 0; n < VALUE_MAX; n++) {
    if (load<u16>(entryAt(n)) == oid) return <i32>n;
  }
  return -1;
}

/** Notes a value, as one whose number nobody has heard. */
function add(oid: u32, value: u32): void {
  const known = entryOf(oid);
  const n = known < 0 ? entryOf(OID_ALL) : known;
  if (n < 0) return;
  store<u16>(entryAt(n), <u16>oid);
  store<u16>(entryAt(n), <u16>~value, 2);
}

function addAll(): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (isVisible(v)) add(v.oid, v.value);
  }
}

function makeList(): i32 {
  if (protocolAt().pubs != 0) return Err.OK;
  if (!arenaAllocate(BYTES, pubsField())) return refuseMemory(<u32>BYTES);
  memory.fill(entryAt(0), 0xff, BYTES);
  return Err.OK;
}

function on(oid: u32): i32 {
  const index = oid == OID_ALL ? 0 : valueFind(oid);
  if (index < 0) return refuse(Err.NOT_FOUND, 0, oid, 0);
  const made = makeList();
  if (made < 0) return made;
  if (oid == OID_ALL) addAll();
  else add(oid, valueAt(index).value);
  return Err.OK;
}

function off(oid: u32): void {
  if (protocolAt().pubs == 0) return;
  if (oid == OID_ALL) return arenaRelease(pubsField());
  const n = entryOf(oid);
  if (n >= 0) store<u16>(entryAt(n), <u16>OID_ALL);
}

/** Begins or ends to publish a value, or all. NOT_FOUND, NO_MEMORY. */
export function publish(request: usize): i32 {
  const p = protocolAt();
  const oid: u32 = load<u16>(request, PUBLISH_OID_OFF);
  const period: u32 = load<u16>(request, PUBLISH_PERIOD_OFF);
  if (period != 0) p.pubPeriod = <u16>period;
  if (<u32>p.pubPeriod < PUB_PERIOD_MIN) p.pubPeriod = <u16>PUB_PERIOD_MIN;
  if (load<u8>(request, PUBLISH_ON_OFF) != 0) return on(oid);
  off(oid);
  return Err.OK;
}

/** Ms until a PUB may be sent. */
export function publishRest(): u32 {
  const p = protocolAt();
  if (p.pubs == 0) return NEVER;
  const passed = (nodeAt().lastMs - p.pubSince) & 0xffff;
  return passed < <u32>p.pubPeriod ? <u32>p.pubPeriod - passed : 0;
}

/** Sends an entry whose value has changed. False: it has not, or is gone. */
function sendEntry(entry: usize): bool {
  const oid: u32 = load<u16>(entry);
  const index = oid == OID_ALL ? -1 : valueFind(oid);
  if (index < 0) return false;
  const value: u32 = valueAt(index).value;
  if (value == load<u16>(entry, 2)) return false;
  const p = protocolAt();
  frameClear();
  store<u16>(FRAME, <u16>oid, PUB_OID_OFF);
  store<u16>(FRAME, <u16>value, PUB_VALUE_OFF);
  store<u8>(FRAME, p.pubCount, PUB_COUNT_OFF);
  if (send(Line.CAN, PUB_ID + p.id, FRAME, PUB_BYTES) == Err.BUSY) return true;
  store<u16>(entry, <u16>value, 2);
  p.pubCount += 1;
  return true;
}

/** Entries looked at in one poll. */
const ENTRIES_A_POLL: u32 = 8;

/** Sends the next PUB, when it is time; the round begins again a period after one, or after a round without any. */
export function sendPub(): void {
  const p = protocolAt();
  if (publishRest() != 0 || !maySpeak(Line.CAN)) return;
  for (let n: u32 = 0; n < ENTRIES_A_POLL; n++) {
    const next = (<usize>p.pubNext + 1) & (VALUE_MAX - 1);
    p.pubNext = <u8>next;
    if (sendEntry(entryAt(next)) || next == 0) {
      p.pubSince = <u16>nodeAt().lastMs;
      return;
    }
  }
}
