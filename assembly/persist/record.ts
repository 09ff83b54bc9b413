// Cells and superblocks as bytes at an address: check codes, encoding, what a body is. No device.
// Fields are packed, so 16-bit fields at odd offsets are read byte by byte.

import {
  CELL_BYTES_LOG2,
  CELL_CRC_OFF,
  CELL_FACTOR,
  CELL_GENERATION_OFF,
  CELL_KEY_OFF,
  CELL_TYPE_OFF,
  CELL_VALUE_OFF,
  CRC_POLYNOMIAL,
  CellType,
  EPOCH_FACTOR,
  EPOCH_FACTORY,
  EPOCH_INVERSE,
  SUPER_CRC_INIT,
  SUPER_CRC_OFF,
  SUPER_MAGIC,
  SUPER_MAGIC_OFF,
  SUPER_MARKER,
  SUPER_MARKER_OFF,
  SUPER_VERSION,
  SUPER_VERSION_OFF,
} from "../spec/cell";

// ---- CRC-16/DNP ----

// What four bits at the top of the CRC make of it. docs/persistence.md, "CRC".
const ROWS: usize = memory.data<u16>([
  0x0000, 0x3d65, 0x7aca, 0x47af, 0xf594, 0xc8f1, 0x8f5e, 0xb23b, 0xd64d, 0xeb28, 0xac87, 0x91e2,
  0x23d9, 0x1ebc, 0x5913, 0x6476,
]);
function clockByte(crc: u32, byte: u32): u32 {
  for (crc ^= byte << 8, byte = 2; byte != 0; byte--)
    crc = ((crc << 4) ^ load<u16>(ROWS + ((crc >>> 12) << 1))) & 0xffff;
  return crc;
}
/** The CRC before so many bits that are 0. */
function back(crc: u32, bits: u32): u32 {
  for (; bits != 0; bits--) crc = crc & 1 ? ((crc ^ CRC_POLYNOMIAL) >>> 1) | 0x8000 : crc >>> 1;
  return crc;
}
function crcOf(crc: u32, at: usize, len: usize): u32 {
  for (let end = at + len; at < end; at++) crc = clockByte(crc, load<u8>(at));
  return crc;
}

export function load16(at: usize): u32 {
  return (<u32>load<u8>(at)) | ((<u32>load<u8>(at, 1)) << 8);
}
export function store16(at: usize, value: u32): void {
  store<u8>(at, value);
  store<u8>(at, value >>> 8, 1);
}

// ---- Cells ----

export function cellKey(at: usize): u32 {
  return load<u16>(at, CELL_KEY_OFF);
}
export function cellGeneration(at: usize): u32 {
  return load<u8>(at, CELL_GENERATION_OFF);
}
export function cellValue(at: usize): u32 {
  return load16(at + CELL_VALUE_OFF);
}
export function cellMarker(at: usize): u32 {
  return load<u8>(at, CELL_TYPE_OFF);
}
export function cellSeal(at: usize): u32 {
  return load16(at + CELL_CRC_OFF);
}

export function isKey(key: u32): bool {
  return key != 0 && key != 0xffff;
}
/** The high halves of all types, as bits; the low half of a type is the high one, inverted. */
const TYPE_HALVES: u32 = 0x1668;
/** True for a marker that commits a cell. */
export function isCellType(marker: u32): bool {
  return ((marker >>> 4) ^ marker ^ 15) & 15
    ? false
    : (TYPE_HALVES >>> (marker >>> 4)) & 1
      ? true
      : false;
}

function epochOf(type: u32, epoch: u32): u32 {
  return type == CellType.FACTORY ? epoch & EPOCH_FACTORY : epoch;
}
/** CRC over all but the type, for this place and epoch. */
function bodyCrc(at: usize, cell: u32, epoch: u32): u32 {
  const seed = 0xffff ^ (epoch * EPOCH_FACTOR) ^ (cell * CELL_FACTOR);
  return crcOf(seed & 0xffff, at, CELL_CRC_OFF);
}
/** The CRC that belongs to the body at an address under a type, at this place in this epoch. */
export function sealOf(at: usize, type: u32, cell: u32, epoch: u32): u32 {
  return clockByte(bodyCrc(at, cell, epochOf(type, epoch)), type);
}
/** The type a body is sealed for in this epoch, whatever its marker; DEAD: none. */
function sealedFor(at: usize, cell: u32, epoch: u32): u32 {
  const type = back(cellSeal(at), 8) ^ bodyCrc(at, cell, epoch);
  return (type & 0xff) == 0 && isCellType(type >>> 8) ? type >>> 8 : <u32>CellType.DEAD;
}
/** The type of a cell whose body is whole, whatever its marker. DEAD: it is not whole. */
export function typeOf(at: usize, cell: u32, epoch: u32): u32 {
  if (!isKey(cellKey(at))) return CellType.DEAD;
  const type = sealedFor(at, cell, epoch);
  if (type != CellType.DEAD && type != CellType.FACTORY) return type;
  const isFactory = sealedFor(at, cell, epoch & EPOCH_FACTORY) == CellType.FACTORY;
  return isFactory ? <u32>CellType.FACTORY : <u32>CellType.DEAD;
}
/** True for a marked cell that a reset left behind: its CRC is right under an earlier epoch. */
export function isOld(at: usize, cell: u32, epoch: u32): bool {
  const type = cellMarker(at);
  const now = epochOf(type, epoch);
  // the seeds of both differ by what is left when the difference of both CRCs is clocked back to before the first byte
  const seeds = back(cellSeal(at) ^ sealOf(at, type, cell, epoch), 48);
  const then = ((seeds ^ (now * EPOCH_FACTOR)) * EPOCH_INVERSE) & 0xffff;
  return (then & 0xff) <= (now & 0xff) && then >>> 8 <= now >>> 8;
}

/** Puts right the one bit that has changed in a damaged cell, if it is a SYSTEM cell. False: more has changed. */
export function mendCell(at: usize, cell: u32, epoch: u32): bool {
  let difference = sealOf(at, CellType.SYSTEM, cell, epoch) ^ cellSeal(at);
  // backwards through the CRC's own 16 bits, the 8 of the type and the 40 of the body
  for (let n: u32 = 0; n < 64; n++, difference = back(difference, 1)) {
    if (difference != 1) continue;
    const i = n >>> 3;
    const byte: u32 = i < 3 ? CELL_CRC_OFF + i : 7 - i;
    at += <usize>byte;
    store<u8>(at, (<u32>load<u8>(at)) ^ (1 << (n & 7)));
    return i != 2;
  }
  return false;
}

export function encodeCell(
  at: usize,
  type: u32,
  key: u32,
  generation: u32,
  value: u32,
  cell: u32,
  epoch: u32,
): void {
  store<u16>(at, key, CELL_KEY_OFF);
  store<u8>(at, generation, CELL_GENERATION_OFF);
  store16(at + CELL_VALUE_OFF, value);
  store16(at + CELL_CRC_OFF, sealOf(at, type, cell, epoch));
  store<u8>(at, type, CELL_TYPE_OFF);
}

// ---- Dead markers ----
// Any two differ in four bits, from each other and from every type. The CRC picks one, so that a cell that was
// killed in order can be told from one whose new body was never committed: that one has the old body's marker.
const DEAD_MARKERS: usize = memory.data<u8>([0x00, 0x33, 0xcc, 0x55, 0xaa, 0x66, 0x99, 0x0f]);

/** What a killed cell is marked with; `turn` 1: with what no killed cell of this body has. */
export function deadMarker(at: usize, turn: u32): u32 {
  return load<u8>(DEAD_MARKERS + (((<u32>load<u8>(at, CELL_CRC_OFF)) ^ turn) & 7));
}

// ---- Superblocks ----

function superCrc(at: usize): u32 {
  return crcOf(SUPER_CRC_INIT, at, SUPER_CRC_OFF);
}
/** True when all but the marker is sound. */
export function isSuperBody(at: usize): bool {
  if (load<u32>(at, SUPER_MAGIC_OFF) != SUPER_MAGIC) return false;
  if (load<u16>(at, SUPER_VERSION_OFF) != (SUPER_VERSION | (CELL_BYTES_LOG2 << 8))) return false;
  return load16(at + SUPER_CRC_OFF) == superCrc(at);
}
export function isSuperblock(at: usize): bool {
  return load<u8>(at, SUPER_MARKER_OFF) == SUPER_MARKER && isSuperBody(at);
}
/** Completes a superblock that has its cells, epoch, schema, extents and sequence. */
export function sealSuperblock(at: usize): void {
  store<u32>(at, SUPER_MAGIC, SUPER_MAGIC_OFF);
  store<u16>(at, SUPER_VERSION | (CELL_BYTES_LOG2 << 8), SUPER_VERSION_OFF);
  store16(at + SUPER_CRC_OFF, superCrc(at));
  store<u8>(at, SUPER_MARKER, SUPER_MARKER_OFF);
}
