// The store as others see it: 16-bit values by type and key on byte-writable memory. Whatever a power
// cut interrupts, a key has its old or its new value afterwards.
//
// One job at a time. Its caller starts it, polls until storePoll() is OK and takes its result, which
// frees the store for the next. Cells found stay valid until the next mount, format or reset.

import { nv_busy, nv_medium, nv_size } from "../hal";
import { BLOB_EXTENT_BYTES, BLOB_MAX, CellType, NO_CELL, NvMedium, StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { NEVER } from "../spec/node";
import { beginBlob, lookForBlob, readBlob, verifyBlob, writeBlob } from "./blob";
import { disarm, eraseOrProgram, fail, reject, verify } from "./commit";
import {
  adoptRenewed,
  beginFind,
  confirm,
  killSuperblock,
  look,
  renew,
  repair,
  sweep,
} from "./find";
import { beginFormat, beginReset, clear, purge } from "./format";
import { Kind, kindOf, readRecord } from "./medium";
import { adoptSuperblock, checkBlank, readFirst, readSecond, scan, storeCapacity } from "./mount";
import {
  cellGeneration,
  cellKey,
  cellMarker,
  cellValue,
  isCellType,
  isKey,
  typeOf,
} from "./record";
import {
  cellAddress,
  goToCell,
  Job,
  nextTaken,
  Pair,
  RECORD,
  SEEN,
  Step,
  Store,
  storeAt,
} from "./store";
import { adoptWritten, beginDelete, beginWrite, checkKilled, kill } from "./update";

export { storeCapacity, storeMount } from "./mount";
export { storeAt, storeEnd } from "./store";

// ---- Polling ----

/** Records looked at in one poll: below 1.5 ms on a 16 MHz AVR with its FRAM on SPI. */
const SLICE: u32 = 12;

/** The record is on the medium. */
function adopt(s: Store): i32 {
  if (s.job == Job.RESET || s.job == Job.FORMAT) {
    s.pair = <u8>Pair.NONE;
    const copy: u32 = s.job == Job.RESET ? 1 - s.copy : 0;
    const err: i32 = s.job == Job.RESET ? killSuperblock(s, s.copy) : Err.OK;
    return err < 0 ? err : adoptSuperblock(s, RECORD, copy);
  }
  s.saved += 1;
  s.live += 1;
  if (s.type == CellType.SHADOW) s.hasShadow = 1;
  if (s.job == Job.FIND) adoptRenewed(s);
  else adoptWritten(s);
  return Err.OK;
}
function adoptOrReject(s: Store): i32 {
  const committed = verify(s);
  return committed > 0 ? adopt(s) : committed;
}

/** Makes the step that is next with the record in SEEN. */
function advance(s: Store): i32 {
  switch (<u32>s.step) {
    case Step.SUPER_A:
      return readFirst(s);
    case Step.SUPER_B:
      return readSecond(s);
    case Step.BLANK_CHECK:
      return checkBlank(s);
    case Step.SCAN:
      return scan(s);
    case Step.LOOK:
      return look(s);
    case Step.RENEW:
      return renew(s);
    case Step.REPAIR:
      return repair(s);
    case Step.SWEEP:
      return sweep(s);
    case Step.CONFIRM:
      return confirm(s);
    case Step.DISARM:
      return disarm(s);
    case Step.ERASE:
      return eraseOrProgram(s);
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
    case Step.PURGE:
      return purge(s);
    case Step.BLOB_LOOK:
      return lookForBlob(s);
    case Step.BLOB_WRITE:
      return writeBlob(s);
    case Step.BLOB_VERIFY:
      return verifyBlob(s);
    default:
      return Err.OK;
  }
}

/** Advances the job by some records, or until the device is busy. BUSY: poll again. OK: idle, or the result can be taken. */
export function storePoll(): i32 {
  const s = storeAt();
  for (let n: u32 = 0; n < SLICE && s.step != Step.DONE; n++) {
    let err = nv_busy();
    if (err > 0) break;
    if (err >= 0) err = readRecord(s);
    if (err >= 0) err = advance(s);
    if (err < 0) fail(s, err);
  }
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

/**
 * Starts to write a blob under a key over the version in cell `old`. Its data, at most 56 bytes, must stay until the
 * job ends. The result: the new cell, FULL or IO. Refused like storeFind, or with TOO_LARGE.
 */
export function storeWriteBlob(key: u32, data: usize, length: u32, old: u32): i32 {
  const s = storeAt();
  const err = claim(s, Job.WRITE, CellType.BLOB, key, old);
  return err < 0 ? err : start(s, beginBlob(s, data, length));
}
/** Copies the blob of a cell out, at once, and returns its length. CORRUPT; TOO_LARGE: beyond `max`; BUSY, IO, ABSENT, STATE. */
export function storeReadBlob(cell: u32, into: usize, max: u32): i32 {
  const s = storeAt();
  const err = storeRead(cell);
  return err < 0 ? err : readBlob(s, cell, into, max);
}

/** Starts to remove a key whose version is in a cell. The result: OK or IO. Refused like storeFind. */
export function storeDelete(type: u32, key: u32, cell: u32): i32 {
  const s = storeAt();
  const err = claim(s, Job.DELETE, type, key, cell);
  return err < 0 ? err : start(s, beginDelete(s));
}

/** Reads a cell at once and returns its CellKind. */
function examine(s: Store, cell: u32): i32 {
  goToCell(s, Step.DONE, cell);
  const err = readRecord(s);
  return err < 0 ? err : <i32>kindOf(s, cell);
}
/** Reads a cell at once. OK: it is live. */
function readLive(s: Store, cell: u32): i32 {
  const kind = examine(s, cell);
  if (kind < 0) return kind;
  return kind == Kind.LIVE ? Err.OK : Err.CORRUPT;
}
/** CellKind of any cell, at once; storeSeen...() then tell of it. INVALID: there is no such cell. BUSY, IO, ABSENT, STATE. */
export function storeExamine(cell: u32): i32 {
  const s = storeAt();
  const err = refusal(s);
  if (err < 0) return err;
  return cell < s.cells ? examine(s, cell) : <i32>Err.INVALID;
}
/** The value in a cell, at once. CORRUPT: it is not live. BUSY, IO, ABSENT, STATE. */
export function storeRead(cell: u32): i32 {
  const s = storeAt();
  const err = refusal(s);
  if (err < 0) return err;
  if (cell >= s.cells) return Err.INVALID;
  const live = readLive(s, cell);
  return live < 0 ? live : <i32>cellValue(SEEN);
}

/** The first live cell from `cell` on, which storeSeen...() then tell of. NOT_FOUND: there is none. BUSY, IO, ABSENT, STATE. */
export function storeNext(cell: u32): i32 {
  const s = storeAt();
  let err = refusal(s);
  if (err < 0) return err;
  for (cell = nextTaken(s, cell); cell < s.cells; cell = nextTaken(s, cell + 1)) {
    err = readLive(s, cell);
    if (err != Err.CORRUPT) return err < 0 ? err : <i32>cell;
    s.unfinished += 1; // it was live at mount
  }
  return Err.NOT_FOUND;
}
export function storeSeenType(): u32 {
  return cellMarker(SEEN);
}
export function storeSeenKey(): u32 {
  return cellKey(SEEN);
}
export function storeSeenValue(): u32 {
  return cellValue(SEEN);
}
export function storeSeenGeneration(): u32 {
  return cellGeneration(SEEN);
}
export function storeSeenAddress(): u32 {
  return storeAt().address;
}
/** The type its body is sealed for, whatever its marker; else what it is marked as. */
export function storeSeenSealed(cell: u32): u32 {
  const type = typeOf(SEEN, cell, storeAt().epoch);
  return type == CellType.DEAD ? cellMarker(SEEN) : type;
}
/** True when a power cut left something to put right, which the next storeFind() does, or cells were lost. */
export function storeIsAmiss(): bool {
  const s = storeAt();
  return ((<u32>s.unfinished) | s.pair | s.damaged) != 0;
}
/** False: there is no SHADOW. */
export function storeHasShadow(): bool {
  return storeAt().hasShadow != 0;
}
/** None is left; tells who has looked at all cells. */
export function storeForgetShadow(): void {
  storeAt().hasShadow = 0;
}
/** True while a cell may be spent on what is not a value: a quarter of them, and two, stay free. */
export function storeHasRoom(): bool {
  const s = storeAt();
  return (<u32>s.free) << 2 > <u32>s.cells + 8;
}

/** Starts a factory reset: no key has a value after it but, if so wished, factory cells. The result: OK or IO. RANGE: format instead. */
export function storeReset(keepsFactory: bool): i32 {
  const s = storeAt();
  const err = refusal(s);
  if (err < 0) return err;
  s.job = <u8>Job.RESET;
  return start(s, beginReset(s, keepsFactory));
}

/**
 * Starts to format, whatever the device holds, for cells and so many extents, each of which holds one blob. The result:
 * OK or IO. RANGE: more cells than storeCapacity(), more than BLOB_MAX extents, or a schema beyond 255; TOO_LARGE: the
 * extents do not fit behind the cells. BUSY, ABSENT, IO, UNSUPPORTED.
 */
export function storeFormat(cells: u32, schema: u32, extents: u32): i32 {
  const s = storeAt();
  const err = refusal(s);
  if (err < 0 && err != Err.STORE_READ_ONLY && err != Err.STATE) return err;
  if (s.job != Job.NONE) return Err.BUSY;
  if (cells == 0 || cells > storeCapacity() || schema > 255 || extents > BLOB_MAX) return Err.RANGE;
  if (cellAddress(cells) + extents * BLOB_EXTENT_BYTES > nv_size()) return Err.TOO_LARGE;
  s.job = <u8>Job.FORMAT;
  s.cells = <u16>cells;
  s.schema = <u8>schema;
  s.extents = <u8>extents;
  beginFormat(s);
  return Err.OK;
}

// ---- Pace ----

/** Ms a value rests before it is saved: FRAM bears every change, EEPROM 100,000 a byte, flash fewer. */
const DEBOUNCE_FRAM: u32 = 100;
const DEBOUNCE_OTHER: u32 = 60000;

/** Ms a value should rest before it is saved on this medium. */
export function storeDebounce(): u32 {
  return nv_medium() == NvMedium.FRAM ? DEBOUNCE_FRAM : DEBOUNCE_OTHER;
}

/** Seconds of ten years for each change that the busiest byte of a cell, its marker, which changes twice a use, bears. */
const PACE_EEPROM: u32 = 6308; // 315,360,000 s / 50,000
const PACE_FLASH: u32 = 31536; // 315,360,000 s / 10,000
const PACE_MAX: u32 = 4000000;

/**
 * Ms between the saves of a key with which the free cells last ten years, if every key there is saved as often: 0 on FRAM,
 * which bears as many as there can be.
 */
export function storePace(): u32 {
  const s = storeAt();
  const medium = nv_medium();
  if (medium == NvMedium.FRAM) return 0;
  const seconds: u32 =
    ((<u32>s.live + 1) * (medium == NvMedium.EEPROM ? PACE_EEPROM : PACE_FLASH)) /
    (<u32>s.free + 1);
  return (seconds < PACE_MAX ? seconds : PACE_MAX) * 1000;
}

/** Ms until storePoll() has something to do; NEVER: it has nothing. */
export function storeRest(): u32 {
  if (storeAt().step == Step.DONE) return NEVER;
  return nv_busy() > 0 ? 1 : 0;
}
