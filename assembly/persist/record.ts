// Cells and superblocks as bytes at an address: check codes, encoding, classification. No device, no state.
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
  EPOCH_COUNT,
  EPOCH_FACTOR,
  EPOCH_FACTORY,
  EPOCH_INVERSE,
  SUPER_CELLS_OFF,
  SUPER_CELL_LOG2_OFF,
  SUPER_CRC_INIT,
  SUPER_CRC_OFF,
  SUPER_EPOCH_OFF,
  SUPER_EXTENTS_OFF,
  SUPER_MAGIC,
  SUPER_MAGIC_OFF,
  SUPER_MARKER,
  SUPER_MARKER_OFF,
  SUPER_SCHEMA_OFF,
  SUPER_SEQ_OFF,
  SUPER_VERSION,
  SUPER_VERSION_OFF,
} from "../spec/cell";

// ---- CRC-16/DNP ----
// CRC of each nibble in the top four bits
const NIBBLES: usize = memory.data<u16>([
  0x0000, 0x3d65, 0x7aca, 0x47af, 0xf594, 0xc8f1, 0x8f5e, 0xb23b, 0xd64d, 0xeb28, 0xac87, 0x91e2,
  0x23d9, 0x1ebc, 0x5913, 0x6476,
]);

function shiftNibble(crc: u32, nibble: u32): u32 {
  const row: usize = ((crc >>> 12) ^ nibble) & 15;
  return ((crc << 4) & 0xffff) ^ (<u32>load<u16>(NIBBLES + (row << 1)));
}
function shiftByte(crc: u32, byte: u32): u32 {
  return shiftNibble(shiftNibble(crc, byte >>> 4), byte & 15);
}
function crcOf(crc: u32, at: usize, len: usize): u32 {
  for (let i: usize = 0; i < len; i++) crc = shiftByte(crc, load<u8>(at + i));
  return crc;
}
/** The CRC before `byte` was shifted in. */
function unshiftByte(crc: u32, byte: u32): u32 {
  for (let bit: u32 = 0; bit < 8; bit++) {
    crc = crc & 1 ? ((crc ^ CRC_POLYNOMIAL) >>> 1) | 0x8000 : crc >>> 1;
  }
  return crc ^ (byte << 8);
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
  return load16(at + CELL_KEY_OFF);
}
export function cellGeneration(at: usize): u32 {
  return load<u8>(at + CELL_GENERATION_OFF);
}
export function cellValue(at: usize): u32 {
  return load16(at + CELL_VALUE_OFF);
}
export function cellMarker(at: usize): u32 {
  return load<u8>(at + CELL_TYPE_OFF);
}
export function cellSeal(at: usize): u32 {
  return load16(at + CELL_CRC_OFF);
}

export function isKey(key: u32): bool {
  return key != 0 && key < 0xffff;
}
/** True for a marker that commits a cell. */
export function isCellType(marker: u32): bool {
  return (
    marker == CellType.VALUE ||
    marker == CellType.SYSTEM ||
    marker == CellType.BLOB ||
    marker == CellType.SHADOW ||
    marker == CellType.MEANING ||
    marker == CellType.FACTORY
  );
}

function seedOf(cell: u32, epoch: u32): u32 {
  return (0xffff ^ (epoch * EPOCH_FACTOR) ^ (cell * CELL_FACTOR)) & 0xffff;
}
/** CRC over everything but the type, as if the key were `key`. */
function bodyCrc(at: usize, key: u32, cell: u32, epoch: u32): u32 {
  const crc = shiftByte(shiftByte(seedOf(cell, epoch), key & 0xff), key >>> 8);
  return crcOf(crc, at + CELL_GENERATION_OFF, CELL_CRC_OFF - CELL_GENERATION_OFF);
}
/** The type under which the CRC is right for this key, place and epoch, whatever key and marker are there. DEAD: none. */
export function typeSealedFor(at: usize, key: u32, cell: u32, epoch: u32): u32 {
  const seal = cellSeal(at);
  const crc = bodyCrc(at, key, cell, epoch);
  if (seal == shiftByte(crc, CellType.VALUE)) return CellType.VALUE;
  if (seal == shiftByte(crc, CellType.SYSTEM)) return CellType.SYSTEM;
  if (seal == shiftByte(crc, CellType.BLOB)) return CellType.BLOB;
  if (seal == shiftByte(crc, CellType.SHADOW)) return CellType.SHADOW;
  if (seal == shiftByte(crc, CellType.MEANING)) return CellType.MEANING;
  const factoryCrc = bodyCrc(at, key, cell, epoch & EPOCH_FACTORY);
  return seal == shiftByte(factoryCrc, CellType.FACTORY) ? CellType.FACTORY : CellType.DEAD;
}
/** The type of a cell whose body is whole, whatever marker it has now. DEAD: it is not whole. */
export function typeOf(at: usize, cell: u32, epoch: u32): u32 {
  const key = cellKey(at);
  return isKey(key) ? typeSealedFor(at, key, cell, epoch) : CellType.DEAD;
}

/** True for a marked cell that a factory reset left behind: its CRC is right under an earlier epoch. */
export function isOld(at: usize, cell: u32, epoch: u32): bool {
  let crc = unshiftByte(cellSeal(at), cellMarker(at));
  for (let i: usize = CELL_CRC_OFF; i > 0; i--) crc = unshiftByte(crc, load<u8>(at + i - 1));
  const sealed = ((crc ^ seedOf(cell, 0)) * EPOCH_INVERSE) & 0xffff;
  return (sealed & EPOCH_COUNT) < (epoch & EPOCH_COUNT);
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
  const sealed = type == CellType.FACTORY ? epoch & EPOCH_FACTORY : epoch;
  store16(at + CELL_KEY_OFF, key);
  store<u8>(at + CELL_GENERATION_OFF, generation);
  store16(at + CELL_VALUE_OFF, value);
  store16(at + CELL_CRC_OFF, shiftByte(bodyCrc(at, key, cell, sealed), type));
  store<u8>(at + CELL_TYPE_OFF, type);
}

// ---- Dead markers ----
// Any two differ in four bits, from each other and from every type. The CRC picks one, so that a cell that was
// killed in order can be told from one whose new body was never committed: that one has the old body's marker.
const DEAD_MARKERS: usize = memory.data<u8>([0x00, 0x33, 0xcc, 0x55, 0xaa, 0x66, 0x99, 0x0f]);

/** What a killed cell is marked with; `turn` 1: with what no killed cell of this body has. */
export function deadMarker(at: usize, turn: u32): u32 {
  return load<u8>(DEAD_MARKERS + (((<u32>load<u8>(at + CELL_CRC_OFF)) ^ turn) & 7));
}

// ---- Superblocks ----
export function superCells(at: usize): u32 {
  return load16(at + SUPER_CELLS_OFF);
}
export function superEpoch(at: usize): u32 {
  return load16(at + SUPER_EPOCH_OFF);
}
export function superSchema(at: usize): u32 {
  return load<u8>(at + SUPER_SCHEMA_OFF);
}
export function superExtents(at: usize): u32 {
  return load<u8>(at + SUPER_EXTENTS_OFF);
}
export function superSeq(at: usize): u32 {
  return load<u8>(at + SUPER_SEQ_OFF);
}
function superMagic(at: usize): u32 {
  return load16(at + SUPER_MAGIC_OFF) | (load16(at + SUPER_MAGIC_OFF + 2) << 16);
}
function superCrc(at: usize): u32 {
  return crcOf(SUPER_CRC_INIT, at, SUPER_CRC_OFF);
}

/** True when all but the marker is sound. */
export function isSuperBody(at: usize): bool {
  if (superMagic(at) != SUPER_MAGIC || load<u8>(at + SUPER_VERSION_OFF) != SUPER_VERSION)
    return false;
  if (load<u8>(at + SUPER_CELL_LOG2_OFF) != CELL_BYTES_LOG2) return false;
  if (load16(at + SUPER_CRC_OFF) != superCrc(at)) return false;
  return superCells(at) != 0 && superEpoch(at) != 0;
}
export function isSuperblock(at: usize): bool {
  return load<u8>(at + SUPER_MARKER_OFF) == SUPER_MARKER && isSuperBody(at);
}

export function encodeSuperblock(
  at: usize,
  cells: u32,
  epoch: u32,
  schema: u32,
  extents: u32,
  seq: u32,
): void {
  store16(at + SUPER_MAGIC_OFF, SUPER_MAGIC);
  store16(at + SUPER_MAGIC_OFF + 2, SUPER_MAGIC >>> 16);
  store<u8>(at + SUPER_VERSION_OFF, SUPER_VERSION);
  store<u8>(at + SUPER_CELL_LOG2_OFF, CELL_BYTES_LOG2);
  store16(at + SUPER_CELLS_OFF, cells);
  store16(at + SUPER_EPOCH_OFF, epoch);
  store<u8>(at + SUPER_SCHEMA_OFF, schema);
  store<u8>(at + SUPER_EXTENTS_OFF, extents);
  store<u8>(at + SUPER_SEQ_OFF, seq);
  store16(at + SUPER_CRC_OFF, superCrc(at));
  store<u8>(at + SUPER_MARKER_OFF, SUPER_MARKER);
}
