// What the host may look at: records of apps and of stored slots, laid into the I/O buffer.

import { storedAddress, storedCount, storedCrc, storedLength, storedSize } from "../image/stored";
import { APP_MAX, IO_BASE } from "../layout";
import { NO_SLOT, STORED_HEADER_BYTES } from "../spec/boot";
import { Err } from "../spec/errors";
import * as R from "../spec/node";
import { storedName } from "./activate";
import { bootWaits } from "./boot";
import { planHolds } from "./card";
import { appPid } from "./job";
import { planAt, PlanStep } from "./plan";
import { activeOf, bootWordAt, recordAt } from "./record";

/** Lays a name out, read from a stored slot. Returns the bytes of the record. */
function layName(stored: u32, offset: u32): i32 {
  const at = IO_BASE + <usize>offset;
  const length = stored < storedCount() ? storedName(stored, at + 1) : 0;
  store<u8>(at, <u8>length);
  return <i32>(offset + 1 + <u32>length);
}

/** Lays out app `app`; APP_MAX: the configuration's record. INVALID: there is no such app. */
export function inspectApp(app: u32): i32 {
  if (app > APP_MAX) return Err.INVALID;
  const record = recordAt(app);
  const bytes = layName(app == APP_MAX ? NO_SLOT : activeOf(record), R.APP_RECORD_NAME_OFF); // first: it uses the buffer
  store<u16>(IO_BASE + R.APP_RECORD_ACTIVATION_OFF, <u16>record);
  store<u16>(IO_BASE + R.APP_RECORD_BOOT_OFF, <u16>(app == APP_MAX ? 0 : bootWordAt(app)));
  store<i16>(IO_BASE + R.APP_RECORD_PID_OFF, <i16>(app == APP_MAX ? 0 : appPid(app)));
  return bytes;
}

/** Lays out stored slot `stored`. INVALID: there is no such slot. BUSY: the device is; call again after a poll. IO, ABSENT. */
export function inspectStored(stored: u32): i32 {
  if (stored >= storedCount()) return Err.INVALID;
  const bytes = layName(stored, R.STORED_RECORD_NAME_OFF);
  const length = storedLength(stored);
  if (length < 0 && length > Err.SLOT_EMPTY) return length;
  const crc = storedCrc();
  store<i32>(IO_BASE + R.STORED_RECORD_LENGTH_OFF, length);
  store<u32>(IO_BASE + R.STORED_RECORD_CRC_OFF, crc);
  store<u32>(IO_BASE + R.STORED_RECORD_ADDRESS_OFF, storedAddress(stored));
  store<u32>(IO_BASE + R.STORED_RECORD_ROOM_OFF, storedSize() - STORED_HEADER_BYTES);
  return bytes;
}

function startState(): R.StartState {
  if (bootWaits()) return R.StartState.WAITING;
  if (planHolds()) return R.StartState.HOLDING;
  const step: u32 = planAt().step;
  if (step == PlanStep.NONE || step == PlanStep.DONE)
    return step == PlanStep.NONE ? R.StartState.NONE : R.StartState.DONE;
  return step < <u32>PlanStep.CHOOSE ? R.StartState.READING : R.StartState.STARTING;
}

/** Lays out how far the start-up is, and what the card has to do with it. */
export function inspectStart(): i32 {
  const l = planAt();
  store<u8>(IO_BASE + R.START_RECORD_STATE_OFF, <u8>startState());
  store<u8>(IO_BASE + R.START_RECORD_ERROR_OFF, l.err);
  store<u8>(IO_BASE + R.START_RECORD_APPS_OFF, l.count);
  store<u8>(IO_BASE + R.START_RECORD_GROUP_OFF, l.group);
  store<u16>(IO_BASE + R.START_RECORD_DONE_OFF, l.done);
  store<u16>(IO_BASE + R.START_RECORD_PLANT_OFF, l.plant);
  store<u16>(IO_BASE + R.START_RECORD_VERSION_OFF, l.version);
  store<u16>(IO_BASE + R.START_RECORD_NODE_OFF, l.node);
  return R.START_RECORD_BYTES;
}
