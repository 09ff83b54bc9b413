// The store as others see it: 16-bit values by type and key on byte-writable memory. Whatever a power
// cut interrupts, a key has its old or its new value afterwards.
//
// One job at a time. Its caller starts it, polls until storePoll() is OK and takes its result, which
// frees the store for the next. Cells found stay valid until the next mount, format or reset; on flash, until the next
// write or delete.

import { nv_busy, nv_medium, nv_size } from "../hal";
import {
  BLOB_BYTES_MAX,
  BLOB_EXTENT_BYTES,
  BLOB_MAX,
  CELL_BYTES,
  CellType,
  NO_CELL,
  NvMedium,
  StoreState,
  SUPER_BYTES,
  SUPER_EPOCH_OFF,
  SUPER_SEQ_OFF,
} from "../spec/cell";
import { Err } from "../spec/errors";
import { nodeAt } from "../node";
import { NEVER } from "../spec/node";
import { beginBlob, readBlob } from "./blob";
import { commitCell, disarm, eraseOrProgram, fail, reject, verify } from "./commit";
import { HAS_BLOBS, HAS_LOG } from "../layout";
import {
  append,
  appendTombstone,
  copyCell,
  goOn,
  locate,
  resetLog,
  scanLog,
  verifyAppended,
  verifyCopied,
  verifyHead,
  wipe,
  writeHead,
} from "./log";
import { beginLook, confirm, look, repair } from "./look";
import { Kind, kindOf, program, readRecord } from "./medium";
import { checkBlank, readSuperblocks, scan, storeCapacity } from "./mount";
import {
  cellGeneration,
  cellKey,
  cellMarker,
  cellValue,
  isCellType,
  isKey,
  sealSuperblock,
} from "./record";
import {
  count,
  UNFINISHED,
  cellAddress,
  finish,
  FORM,
  goTo,
  goToCell,
  goToSuperblock,
  isLog,
  Job,
  Mode,
  nextTaken,
  RECORD,
  SEEN,
  Step,
  Store,
  storeAt,
  StoreFlag,
  storeLive,
} from "./store";

export { storeCapacity, storeMount } from "./mount";
export { storeAt, storeEnd, storeEpoch, storeLive } from "./store";
export {
  storeCountDue,
  storeCounted,
  storeIsWorn,
  storeUpdatesLeft,
  storeWear,
  storeWearMax,
} from "./wear";

// ---- Polling ----

/** Records looked at in one poll: half of 1.5 ms on a 16 MHz AVR with its FRAM on SPI. */
const SLICE: u32 = 6;

/** Format: fills all that will be the store's with 0x00, superblocks first: cut short, it leaves no store. */
function clear(s: Store): i32 {
  const err = program(s, 0, RECORD, CELL_BYTES);
  s.address += CELL_BYTES;
  if (s.address < cellAddress(s.cells)) return err;
  memory.copy(RECORD, FORM, SUPER_BYTES);
  sealSuperblock(RECORD);
  goToSuperblock(s, Step.DISARM, 0);
  return err;
}

function advanceLog(s: Store): i32 {
  switch (<u32>s.step) {
    case Step.LOG_SCAN:
      scanLog(s);
      break;
    case Step.LOG_APPEND:
      return append(s);
    case Step.LOG_NEXT:
      return goOn(s);
    case Step.LOG_VERIFY:
      return verifyAppended(s);
    case Step.LOG_COPY:
      return copyCell(s);
    case Step.LOG_COPIED:
      return verifyCopied(s);
    case Step.LOG_HEAD:
      return writeHead(s);
    case Step.LOG_HEADED:
      return verifyHead(s);
    case Step.LOG_WIPE:
      return wipe(s);
  }
  return Err.OK;
}

/** Makes the step that is next with the record in SEEN. */
function advance(s: Store): i32 {
  switch (<u32>s.step) {
    case Step.SUPERBLOCKS:
      readSuperblocks(s);
      break;
    case Step.BLANK:
      checkBlank(s);
      break;
    case Step.SCAN:
      scan(s);
      break;
    case Step.REPAIR:
      return repair(s);
    case Step.LOOK:
      return look(s);
    case Step.CONFIRM:
      return confirm(s);
    case Step.DISARM:
      return disarm(s);
    case Step.ERASE:
      return eraseOrProgram(s);
    case Step.VERIFY:
      return verify(s);
    case Step.REJECT:
      return reject(s);
    case Step.CLEAR:
      return clear(s);
    default:
      return HAS_LOG ? advanceLog(s) : <i32>Err.OK;
  }
  return Err.OK;
}

/** Advances the job by some records, or until the device is busy. BUSY: poll again. OK: idle, or the result can be taken. */
export function storePoll(): i32 {
  const s = storeAt();
  for (let n: u32 = 0; n < SLICE && s.step != Step.DONE; n++) {
    let err = nv_busy();
    if (err > 0) break;
    nodeAt().hasWorked = 1;
    if (err >= 0) err = readRecord(s);
    if (err >= 0) err = advance(s);
    if (err < 0) fail(s, err);
  }
  return s.step == Step.DONE ? Err.OK : Err.BUSY;
}

/** Takes the result of the finished job: a cell, OK or an error. BUSY: not finished. NO_DATA: no job. */
export function storeResult(): i32 {
  const s = storeAt();
  if (s.step != Step.DONE) return Err.BUSY;
  if (s.job == Job.NONE) return Err.NO_DATA;
  s.job = <u8>Job.NONE;
  return s.result;
}

/** A StoreState. */
export function storeState(): u32 {
  return storeAt().state;
}

// ---- Starting a job ----

/** Why no value can be had in each StoreState. */
const REFUSALS: usize = memory.data<i8>([
  <i8>Err.ABSENT,
  <i8>Err.BUSY,
  <i8>Err.OK,
  <i8>Err.STORE_READ_ONLY,
  <i8>Err.STATE,
  <i8>Err.IO,
  <i8>Err.UNSUPPORTED,
]);
/** Why no value can be had now. OK: the store is ready and idle. */
function refusal(s: Store): i32 {
  const err: i32 = load<i8>(REFUSALS + <usize>s.state);
  return err == Err.OK && s.job != Job.NONE ? Err.BUSY : err;
}

/** Reads a cell at once and returns its CellKind. */
function examine(s: Store, cell: u32): i32 {
  if (cell >= s.cells) return Err.INVALID;
  goToCell(s, Step.DONE, cell);
  const err = readRecord(s);
  return err < 0 ? err : <i32>kindOf(s, cell);
}
/** Reads a cell at once. OK: it is live. CORRUPT: it is not. */
function readLive(s: Store, cell: u32): i32 {
  const kind = examine(s, cell);
  if (kind < 0) return kind;
  return kind == Kind.LIVE ? Err.OK : Err.CORRUPT;
}
/** Why no job can begin now. OK: the store is ready and idle. */
export function storeRefusal(): i32 {
  return refusal(storeAt());
}
/** Takes the store for a job about one key, and reads the version in cell `old`. Positive: it is live. OK: there is none. */
function claim(s: Store, job: u32, type: u32, key: u32, old: u32): i32 {
  let err = refusal(s);
  if (err < 0) return err;
  if (!isCellType(type) || !isKey(key)) return Err.INVALID;
  s.generation = 0;
  if (isLog(s)) old = locate(s, type, key);
  if (old != NO_CELL) {
    err = readLive(s, old);
    if (err == Err.OK) {
      if (cellMarker(SEEN) != type || cellKey(SEEN) != key) return Err.INVALID;
      s.generation = <u8>(cellGeneration(SEEN) + 1);
      err = 1;
    } else if (err != Err.CORRUPT) return err;
  }
  s.job = <u8>job;
  s.type = <u8>type;
  s.key = <u16>key;
  s.old = <u16>old;
  s.mode = <u8>(job == Job.DELETE ? Mode.DELETE : Mode.SEARCH);
  s.tries = 0;
  return err;
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
  if (err >= 0) beginLook(s, 0);
  return err;
}

/**
 * Starts to write a key's value over the version in cell `old`, as storeFind told it (NO_CELL: it has none).
 * The result: the new cell, or IO. An equal value is not written. Refused like storeFind, or with FULL.
 */
export function storeWrite(type: u32, key: u32, value: u32, old: u32): i32 {
  const s = storeAt();
  const found = claim(s, Job.WRITE, type, key, old);
  if (found < 0 && found != Err.CORRUPT) return found;
  if (found > 0 && cellValue(SEEN) == value) {
    finish(s, old); // W7
    return Err.OK;
  }
  s.value = <u16>value;
  return start(s, commitCell(s));
}

/**
 * Starts to write a blob under a key over the version in cell `old`. Its data, at most 56 bytes, must stay until the
 * job ends. The result: the new cell, FULL or IO. Refused like storeFind, or with TOO_LARGE or FULL.
 */
export function storeWriteBlob(key: u32, data: usize, length: u32, old: u32): i32 {
  const s = storeAt();
  if (length > BLOB_BYTES_MAX) return Err.TOO_LARGE;
  if (!HAS_BLOBS || isLog(s)) return Err.UNSUPPORTED;
  const found = claim(s, Job.WRITE, CellType.BLOB, key, old);
  return found < 0 && found != Err.CORRUPT ? found : start(s, beginBlob(s, data, length));
}
/** Copies the blob of a cell out, at once, and returns its length. CORRUPT; TOO_LARGE: beyond `max`; BUSY, IO, ABSENT, STATE. */
export function storeReadBlob(cell: u32, into: usize, max: u32): i32 {
  const err = storeRead(cell);
  return err < 0 ? err : readBlob(storeAt(), into, max);
}

/** Starts to remove a key whose version is in a cell. The result: OK or IO. Refused like storeFind. */
export function storeDelete(type: u32, key: u32, cell: u32): i32 {
  const s = storeAt();
  const found = claim(s, Job.DELETE, type, key, cell);
  if (found < 0 && found != Err.CORRUPT) return found;
  if (isLog(s)) return start(s, appendTombstone(s));
  beginLook(s, 1);
  return Err.OK;
}

/** The value in a cell, at once. CORRUPT: it is not live. BUSY, IO, ABSENT, STATE. */
export function storeRead(cell: u32): i32 {
  const s = storeAt();
  let err = refusal(s);
  if (err >= 0) err = readLive(s, cell);
  return err < 0 ? err : <i32>cellValue(SEEN);
}

/** The first live cell from `cell` on, which storeSeen...() then tell of. NOT_FOUND: there is none. BUSY, IO, ABSENT, STATE. */
export function storeNext(cell: u32): i32 {
  const s = storeAt();
  for (cell = nextTaken(s, cell); cell < s.cells; cell = nextTaken(s, cell + 1)) {
    const value = storeRead(cell);
    if (value >= 0) return cell;
    if (value != Err.CORRUPT) return value;
    count(UNFINISHED); // it was live at mount
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
/** CellKind of any cell, at once; storeSeen...() then tell of it. INVALID: there is no such cell. BUSY, IO, ABSENT, STATE. */
export function storeExamine(cell: u32): i32 {
  const s = storeAt();
  const err = refusal(s);
  return err < 0 ? err : examine(s, cell);
}
export function storeSeenGeneration(): u32 {
  return cellGeneration(SEEN);
}
export function storeSeenAddress(): u32 {
  return storeAt().address;
}
/** The type its body is sealed for, whatever its marker; else what it is marked as. */
export function storeSeenSealed(): u32 {
  const type: u32 = storeAt().whole;
  return type == CellType.DEAD ? cellMarker(SEEN) : type;
}
/** True on flash pages: the last version of a key in the log is its value. */
export function storeIsLog(): bool {
  return isLog(storeAt());
}
/** True when a power cut left something to put right, which the next storeFind() does, or cells were lost. */
export function storeIsAmiss(): bool {
  const s = storeAt();
  return ((<u32>s.unfinished) | s.pair | s.damaged) != 0;
}
/** False: there is no SHADOW. */
export function storeHasShadow(): bool {
  return (storeAt().flags & StoreFlag.SHADOW) != 0;
}
/** None is left; tells who has looked at all cells. */
export function storeForgetShadow(): void {
  storeAt().flags &= ~(<u8>StoreFlag.SHADOW);
}
/** True while a cell may be spent on what is not a value: a quarter of them, and two, stay free. */
export function storeHasRoom(): bool {
  const s = storeAt();
  return (<u32>s.free) << 2 > <u32>s.cells + 8;
}

/** Starts a factory reset: no key has a value after it but, if so wished, factory cells. The result: OK or IO. RANGE: 255 of each kind are all there can be; format instead. */
export function storeReset(keepsFactory: bool): i32 {
  const s = storeAt();
  const err = refusal(s);
  if (err < 0) return err;
  const epoch = <u32>s.epoch + (keepsFactory ? 1 : 0x100);
  if (((keepsFactory ? epoch : epoch >>> 8) & 0xff) == 0) return Err.RANGE;
  if (isLog(s)) {
    s.job = <u8>Job.RESET;
    s.state = <u8>StoreState.MOUNTING;
    return resetLog(s, epoch);
  }
  memory.copy(RECORD, FORM, SUPER_BYTES);
  store<u16>(RECORD, epoch, SUPER_EPOCH_OFF);
  store<u8>(RECORD, <u32>s.seq + 1, SUPER_SEQ_OFF);
  sealSuperblock(RECORD);
  s.job = <u8>Job.RESET;
  s.state = <u8>StoreState.MOUNTING;
  goToSuperblock(s, Step.DISARM, 1 - s.copy);
  return Err.OK;
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
  if (isLog(s)) {
    cells -= cells % s.page; // whole pages
    if (cells < <u32>s.page * 2) return Err.RANGE;
    if (extents != 0) return Err.UNSUPPORTED;
  } else if (cellAddress(cells) + extents * BLOB_EXTENT_BYTES > nv_size()) return Err.TOO_LARGE;
  s.cells = <u16>cells;
  s.epoch = 1;
  s.schema = <u8>schema;
  s.extents = <u8>extents;
  s.seq = 1;
  s.job = <u8>Job.FORMAT;
  s.state = <u8>StoreState.MOUNTING;
  s.to = 0;
  memory.fill(RECORD, 0, CELL_BYTES);
  goTo(s, isLog(s) ? Step.LOG_WIPE : Step.CLEAR, 0, CELL_BYTES);
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
  const keys = storeLive() + (s.rounds == 0 ? 1 : 0); // the count of uses is saved 256 times more seldom
  const seconds: u32 =
    (keys * (medium == NvMedium.EEPROM ? PACE_EEPROM : PACE_FLASH)) / (<u32>s.free + 1);
  return (seconds < PACE_MAX ? seconds : PACE_MAX) * 1000;
}

/** Ms until storePoll() has something to do; NEVER: it has nothing. */
export function storeRest(): u32 {
  if (storeAt().step == Step.DONE) return NEVER;
  return nv_busy() > 0 ? 1 : 0;
}
