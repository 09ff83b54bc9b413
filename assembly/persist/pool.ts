// The store as others see it: 16-bit values by type and key on byte-writable memory. Whatever a power
// cut interrupts, a key has its old or its new value afterwards.
//
// One job at a time. Its caller starts it, polls until storePoll() is OK and takes its result, which
// frees the store for the next. Cells found stay valid until the next mount, format or reset.

import { nv_busy } from "../hal";
import { NO_CELL, StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { NEVER } from "../spec/node";
import { disarm, erase, fail, programRecord, reject, verify } from "./commit";
import { adoptRenewed, beginFind, look, sweep } from "./find";
import { beginFormat, beginReset, clear } from "./format";
import { readCell } from "./medium";
import { adoptSuperblock, checkBlank, readSuperblocks, scan, storeCapacity } from "./mount";
import { cellValue, isCellType, isKey, isLive } from "./record";
import { Job, RECORD, SEEN, Step, Store, storeAt } from "./store";
import { adoptWritten, beginDelete, beginWrite, checkKilled, kill } from "./update";

export { storeCapacity, storeMount } from "./mount";
export { storeAt } from "./store";

// ---- Polling ----

/** The record is on the medium. */
function adopt(s: Store): i32 {
  if (s.job == Job.RESET || s.job == Job.FORMAT) {
    adoptSuperblock(s, RECORD, s.job == Job.RESET ? 1 - s.copy : 0);
    return Err.OK;
  }
  s.saved += 1;
  s.live += 1;
  if (s.job == Job.FIND) adoptRenewed(s);
  else adoptWritten(s);
  return Err.OK;
}
function adoptOrReject(s: Store): i32 {
  const committed = verify(s);
  return committed > 0 ? adopt(s) : committed;
}

function advance(s: Store): i32 {
  switch (<u32>s.step) {
    case Step.SUPERBLOCKS:
      return readSuperblocks(s);
    case Step.BLANK_CHECK:
      return checkBlank(s);
    case Step.SCAN:
      return scan(s);
    case Step.LOOK:
      return look(s);
    case Step.SWEEP:
      return sweep(s);
    case Step.DISARM:
      return disarm(s);
    case Step.ERASE:
      return erase(s);
    case Step.PROGRAM:
      return programRecord(s);
    case Step.VERIFY:
      return adoptOrReject(s);
    case Step.REJECT:
      return reject(s);
    case Step.KILL:
      return kill(s);
    case Step.KILLED:
      return checkKilled(s);
    case Step.CLEAR:
      return clear(s);
    default:
      return Err.OK;
  }
}

/** Advances the job by one bounded step. BUSY: poll again. OK: idle, or the result can be taken. */
export function storePoll(): i32 {
  const s = storeAt();
  if (s.step == Step.DONE) return Err.OK;
  const busy = nv_busy();
  if (busy > 0) return Err.BUSY;
  const err = busy < 0 ? busy : advance(s);
  if (err < 0) fail(s, err);
  return s.step == Step.DONE ? Err.OK : Err.BUSY;
}

/** Takes the result of the finished job: a cell, OK or an error. BUSY: not finished. NO_DATA: no job. */
export function storeResult(): i32 {
  const s = storeAt();
  if (s.job == Job.NONE) return Err.NO_DATA;
  if (s.step != Step.DONE) return Err.BUSY;
  s.job = <u8>Job.NONE;
  return s.result;
}

/** A StoreState. */
export function storeState(): u32 {
  return storeAt().state;
}

// ---- Starting a job ----

/** Why no value can be had now. OK: the store is ready and idle. */
function refusal(s: Store): i32 {
  switch (<u32>s.state) {
    case StoreState.READY:
      return s.job == Job.NONE ? Err.OK : Err.BUSY;
    case StoreState.MOUNTING:
      return Err.BUSY;
    case StoreState.ABSENT:
      return Err.ABSENT;
    case StoreState.READ_ONLY:
      return Err.STORE_READ_ONLY;
    case StoreState.BLANK:
      return Err.STATE;
    case StoreState.FAILED:
      return Err.IO;
    default:
      return Err.UNSUPPORTED;
  }
}

/** Takes the store for a job about one key. */
function claim(s: Store, job: u32, type: u32, key: u32, old: u32): i32 {
  const err = refusal(s);
  if (err < 0) return err;
  if (!isCellType(type) || !isKey(key)) return Err.INVALID;
  s.job = <u8>job;
  s.type = <u8>type;
  s.key = <u16>key;
  s.old = <u16>old;
  return Err.OK;
}
/** Gives the store back when the job could not begin. */
function start(s: Store, err: i32): i32 {
  if (err < 0) s.job = <u8>Job.NONE;
  return err;
}

/**
 * Starts to look for the cell of a key. The result: the cell, NOT_FOUND, or CORRUPT when a damaged cell held it.
 * Refused with BUSY, INVALID, ABSENT, IO, STATE (blank), STORE_READ_ONLY, UNSUPPORTED.
 */
export function storeFind(type: u32, key: u32): i32 {
  const s = storeAt();
  const err = claim(s, Job.FIND, type, key, NO_CELL);
  if (err < 0) return err;
  beginFind(s);
  return Err.OK;
}

/**
 * Starts to write a key's value over the version in cell `old`, as storeFind told it (NO_CELL: it has none).
 * The result: the new cell, or IO. An equal value is not written. Refused like storeFind, or with FULL.
 */
export function storeWrite(type: u32, key: u32, value: u32, old: u32): i32 {
  const s = storeAt();
  const err = claim(s, Job.WRITE, type, key, old);
  if (err < 0) return err;
  s.value = <u16>value;
  return start(s, beginWrite(s));
}

/** Starts to remove a key whose version is in a cell. The result: OK or IO. Refused like storeFind. */
export function storeDelete(type: u32, key: u32, cell: u32): i32 {
  const s = storeAt();
  const err = claim(s, Job.DELETE, type, key, cell);
  return err < 0 ? err : start(s, beginDelete(s));
}

/** The value in a cell, at once. CORRUPT: it is not live. BUSY, IO, ABSENT, STATE. */
export function storeRead(cell: u32): i32 {
  const s = storeAt();
  if (s.state != StoreState.READY) return Err.STATE;
  if (cell >= s.cells) return Err.INVALID;
  const err = readCell(cell);
  if (err < 0) return err;
  return isLive(SEEN, cell, s.epoch) ? <i32>cellValue(SEEN) : Err.CORRUPT;
}

/** Starts a factory reset: no key has a value after it. The result: OK or IO. RANGE: format instead. */
export function storeReset(): i32 {
  const s = storeAt();
  const err = refusal(s);
  if (err < 0) return err;
  s.job = <u8>Job.RESET;
  return start(s, beginReset(s));
}

/**
 * Starts to format, whatever the device holds. The result: OK or IO. RANGE: more cells than storeCapacity().
 * BUSY, ABSENT, IO, UNSUPPORTED.
 */
export function storeFormat(cells: u32, schema: u32): i32 {
  const s = storeAt();
  const err = refusal(s);
  if (err < 0 && err != Err.STORE_READ_ONLY && err != Err.STATE) return err;
  if (s.job != Job.NONE) return Err.BUSY;
  if (cells == 0 || cells > storeCapacity()) return Err.RANGE;
  s.job = <u8>Job.FORMAT;
  s.cells = <u16>cells;
  s.schema = <u16>schema;
  beginFormat(s);
  return Err.OK;
}

// ---- Pace ----

/** Ms a value rests before it is saved: FRAM bears every change, EEPROM 100,000 a byte. */
const DEBOUNCE_FRAM: u32 = 100;
const DEBOUNCE_EEPROM: u32 = 60000;

/** Ms a value should rest before it is saved on this medium. */
export function storeDebounce(): u32 {
  return storeAt().eraseUnit == 0 ? DEBOUNCE_FRAM : DEBOUNCE_EEPROM;
}

/** Ms until storePoll() has something to do; NEVER: it has nothing. */
export function storeRest(): u32 {
  if (storeAt().step == Step.DONE) return NEVER;
  return nv_busy() > 0 ? 1 : 0;
}
