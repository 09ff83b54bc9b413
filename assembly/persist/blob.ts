// Blobs: up to 56 bytes under a key, in an extent behind the cells. A BLOB cell that refers to the extent publishes
// it; an extent no live cell refers to is free. The bytes are whole before the cell is.

import { CRC_START, crcSum } from "../crc";
import { nv_read } from "../hal";
import {
  BLOB_BYTES_MAX,
  BLOB_CRC_OFF,
  BLOB_DATA_OFF,
  BLOB_KEY_OFF,
  BLOB_LENGTH_OFF,
  CELL_BYTES,
  CellType,
} from "../spec/cell";
import { Err } from "../spec/errors";
import { commitCell } from "./commit";
import { beginPass } from "./look";
import { cellKey, cellMarker, cellValue } from "./record";
import {
  count,
  VERSIONS,
  extentAddress,
  finish,
  goTo,
  Mode,
  RECORD,
  SEEN,
  Step,
  Store,
} from "./store";

/** CRC-32 of the first four bytes of a head and of the data. */
function crcOfBlob(head: usize, data: usize, length: u32): u32 {
  return ~crcSum(crcSum(CRC_START, head, BLOB_CRC_OFF), data, length);
}

// ---- Writing ----

/** Begins to write a blob for the job: key, generation and old are set. FULL: the device has no extents. */
export function beginBlob(s: Store, data: usize, length: u32): i32 {
  if (s.extents == 0) return Err.FULL;
  s.mode = <u8>Mode.AVOID;
  s.data = <u32>data;
  s.size = <u8>length;
  s.chunk = 0;
  s.extent = <u8>(<u32>s.random % <u32>s.extents);
  beginPass(s, 0, s.cells, 0);
  return Err.OK;
}
/** The live cell in SEEN may refer to the extent that was to be written: then the pass begins again with the next. */
export function avoidExtent(s: Store): void {
  if (cellMarker(SEEN) != CellType.BLOB || (cellValue(SEEN) & 0xff) != <u32>s.extent) return;
  if (count(VERSIONS) == s.extents) s.end = 0;
  s.extent = <u8>((<u32>s.extent + 1) % <u32>s.extents);
  s.cursor = 0xffff;
}
/** Writes the head or eight bytes of data to the extent; when all are there, the cell that publishes it. */
export function writeChunk(s: Store): void {
  const chunk: u32 = s.chunk;
  const size: u32 = s.size;
  s.chunk = <u8>(chunk + CELL_BYTES);
  if (chunk >= BLOB_DATA_OFF + size) {
    s.mode = <u8>Mode.OUTLIVE;
    s.value = <u16>((<u32>s.extent) | (((size + 3) >>> 2) << 8));
    const err = commitCell(s);
    if (err < 0) finish(s, err);
    return;
  }
  if (chunk != 0) memory.copy(RECORD, s.data + chunk - BLOB_DATA_OFF, CELL_BYTES);
  else {
    store<u16>(RECORD, size, BLOB_LENGTH_OFF);
    store<u16>(RECORD, s.key, BLOB_KEY_OFF);
    store<u32>(RECORD, crcOfBlob(RECORD, s.data, size), BLOB_CRC_OFF);
  }
  goTo(s, Step.ERASE, extentAddress(s, s.extent) + chunk, CELL_BYTES);
}

// ---- Reading ----

/** Copies the blob of the live cell in SEEN out, at once, and returns its length. CORRUPT; TOO_LARGE: beyond `max`; IO, ABSENT. */
export function readBlob(s: Store, into: usize, max: u32): i32 {
  const key = cellKey(SEEN);
  const extent = cellValue(SEEN) & 0xff;
  if (cellMarker(SEEN) != CellType.BLOB || extent >= <u32>s.extents) return Err.CORRUPT;
  const address = extentAddress(s, extent);
  let err = nv_read(address, SEEN, CELL_BYTES);
  if (err < 0) return err;
  const length: u32 = load<u16>(SEEN, BLOB_LENGTH_OFF);
  if (length > BLOB_BYTES_MAX || load<u16>(SEEN, BLOB_KEY_OFF) != <u16>key) return Err.CORRUPT;
  if (length > max) return Err.TOO_LARGE;
  err = nv_read(address + BLOB_DATA_OFF, into, length);
  if (err < 0) return err;
  return load<u32>(SEEN, BLOB_CRC_OFF) == crcOfBlob(SEEN, into, length)
    ? <i32>length
    : <i32>Err.CORRUPT;
}
