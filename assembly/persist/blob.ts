// Blobs: up to 56 bytes under a key, in an extent behind the cells. A BLOB cell that refers to the extent publishes
// it; an extent no live cell refers to is free. The bytes are whole before the cell is.
//
// While a blob is written RECORD holds: which extents are in use (8 bytes), address (u32) and length (u8) of the data.

import { nv_erase, nv_program, nv_read } from "../hal";
import {
  BLOB_BYTES_MAX,
  BLOB_CRC_OFF,
  BLOB_DATA_OFF,
  BLOB_EXTENT_BYTES,
  BLOB_KEY_OFF,
  BLOB_LENGTH_OFF,
  BLOB_MAX,
  CELL_BYTES,
  CellType,
} from "../spec/cell";
import { Err } from "../spec/errors";
import { commitCell } from "./commit";
import { Kind, kindOf } from "./medium";
import { cellKey, cellMarker, cellValue, load16, store16 } from "./record";
import {
  extentAddress,
  finish,
  goTo,
  goToCell,
  nextTaken,
  RECORD,
  SEEN,
  Step,
  Store,
} from "./store";
import { readVersion } from "./update";

const DATA_OFF: usize = 8;
const LENGTH_OFF: usize = 12;

/** CRC-32 of the image format, bit by bit: blobs are short and rare. */
function crc32(crc: u32, at: usize, length: u32): u32 {
  for (let i: usize = 0; i < length; i++) {
    crc ^= load<u8>(at + i);
    for (let bit: u32 = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return crc;
}
/** Of the four bytes of the head in SEEN and the data. */
function crcOfBlob(data: usize, length: u32): u32 {
  return ~crc32(crc32(0xffffffff, SEEN, BLOB_CRC_OFF), data, length);
}

// ---- Writing ----

/** Begins job WRITE with type BLOB: key and old are set. The data must stay where it is. TOO_LARGE, INVALID, IO, ABSENT, BUSY. */
export function beginBlob(s: Store, data: usize, length: u32): i32 {
  if (length > BLOB_BYTES_MAX) return Err.TOO_LARGE;
  const found = readVersion(s);
  if (found < 0) return found;
  store<u64>(RECORD, 0);
  store<u32>(RECORD, <u32>data, DATA_OFF);
  store<u8>(RECORD, length, LENGTH_OFF);
  s.cursor = 0;
  s.offset = 0;
  lookOn(s);
  return Err.OK;
}

function lookOn(s: Store): void {
  const cell = nextTaken(s, s.cursor);
  s.cursor = <u16>cell;
  if (cell < s.cells) goToCell(s, Step.BLOB_LOOK, cell);
  else chooseExtent(s);
}
/** Notes the extent the cell in SEEN refers to. */
export function lookForBlob(s: Store): i32 {
  if (cellMarker(SEEN) == CellType.BLOB) {
    const extent: u32 = cellValue(SEEN) & (BLOB_MAX - 1);
    const at = RECORD + (extent >>> 3);
    store<u8>(at, (<u32>load<u8>(at)) | (1 << (extent & 7)));
  }
  s.cursor += 1;
  lookOn(s);
  return Err.OK;
}
function chooseExtent(s: Store): void {
  const count: u32 = s.extents;
  const length: u32 = load<u8>(RECORD, LENGTH_OFF);
  for (let n: u32 = 0; n < count; n++) {
    const extent = (s.random + n) % count;
    if (((<u32>load<u8>(RECORD + (extent >>> 3))) >>> (extent & 7)) & 1) continue;
    s.value = <u16>(extent | (((length + 3) >>> 2) << 8));
    s.address = <u16>extentAddress(s, extent);
    s.length = <u8>CELL_BYTES;
    return goTo(s, Step.BLOB_WRITE);
  }
  finish(s, Err.FULL);
}

/** Erases unit by unit where the medium needs it, then programs data and head. */
export function writeBlob(s: Store): i32 {
  const data: usize = load<u32>(RECORD, DATA_OFF);
  const length: u32 = load<u8>(RECORD, LENGTH_OFF);
  const offset: u32 = s.offset;
  if (s.eraseUnit != 0 && offset < BLOB_EXTENT_BYTES) {
    s.offset = <u8>(offset + s.eraseUnit);
    s.erased += 1;
    return nv_erase(s.address + offset);
  }
  if (offset <= BLOB_EXTENT_BYTES) {
    s.offset = <u8>(BLOB_EXTENT_BYTES + 1);
    s.programmed += length;
    return length == 0 ? <i32>Err.OK : nv_program(s.address + BLOB_DATA_OFF, data, length);
  }
  store16(SEEN + BLOB_LENGTH_OFF, length);
  store16(SEEN + BLOB_KEY_OFF, s.key);
  store<u32>(SEEN, crcOfBlob(data, length), BLOB_CRC_OFF);
  s.programmed += BLOB_DATA_OFF;
  goTo(s, Step.BLOB_VERIFY);
  return nv_program(s.address, SEEN, BLOB_DATA_OFF);
}

/** The bytes are on the medium: the cell that publishes them follows. The job fails with IO when they are not. */
export function verifyBlob(s: Store): i32 {
  const data: usize = load<u32>(RECORD, DATA_OFF);
  const length: u32 = load<u8>(RECORD, LENGTH_OFF);
  let isWritten = load<u32>(SEEN, BLOB_CRC_OFF) == crcOfBlob(data, length);
  for (let i: u32 = 0; i < length; i++) {
    const err = nv_read(s.address + BLOB_DATA_OFF + i, SEEN, 1);
    if (err < 0) return err;
    if (load<u8>(SEEN) != load<u8>(data + i)) isWritten = false;
  }
  if (!isWritten) finish(s, Err.IO);
  else if (commitCell(s) < 0) finish(s, Err.FULL);
  return Err.OK;
}

// ---- Reading ----

/** Copies the blob of a cell out, at once, and returns its length. CORRUPT; TOO_LARGE: beyond `max`; IO, ABSENT. */
export function readBlob(s: Store, cell: u32, into: usize, max: u32): i32 {
  if (cellMarker(SEEN) != CellType.BLOB || kindOf(s, cell) != Kind.LIVE) return Err.CORRUPT;
  const key = cellKey(SEEN);
  const extent = cellValue(SEEN) & 0xff;
  if (extent >= <u32>s.extents) return Err.CORRUPT;
  const address = extentAddress(s, extent);
  let err = nv_read(address, SEEN, BLOB_DATA_OFF);
  if (err < 0) return err;
  const length = load16(SEEN + BLOB_LENGTH_OFF);
  if (length > BLOB_BYTES_MAX || load16(SEEN + BLOB_KEY_OFF) != key) return Err.CORRUPT;
  if (length > max) return Err.TOO_LARGE;
  err = nv_read(address + BLOB_DATA_OFF, into, length);
  if (err < 0) return err;
  return load<u32>(SEEN, BLOB_CRC_OFF) == crcOfBlob(into, length) ? <i32>length : <i32>Err.CORRUPT;
}
