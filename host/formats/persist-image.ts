// Persistence images as bytes: superblocks, cells and extents, each explained; single wrong bits found. Pure.
// docs/persistence.md has the layout. The core decides what a node finds; this says why, and must agree with it.

import { crc32 } from "node:zlib";
import {
  BLOB_BYTES_MAX,
  BLOB_CRC_OFF,
  BLOB_DATA_OFF,
  BLOB_EXTENT_BYTES,
  BLOB_KEY_OFF,
  BLOB_LENGTH_OFF,
  CELL_BYTES,
  CELL_BYTES_LOG2,
  CELL_CRC_OFF,
  CELL_FACTOR,
  CELL_GENERATION_OFF,
  CELL_KEY_OFF,
  CELL_TYPE_OFF,
  CELL_VALUE_OFF,
  CELLS_ORIGIN,
  CellType,
  CRC_POLYNOMIAL,
  EPOCH_COUNT,
  EPOCH_FACTORY,
  EPOCH_INVERSE,
  SUPER_BYTES,
  SUPER_CELL_LOG2_OFF,
  SUPER_CELLS_OFF,
  SUPER_CRC_INIT,
  SUPER_CRC_OFF,
  SUPER_EPOCH_OFF,
  SUPER_MAGIC,
  SUPER_MAGIC_OFF,
  SUPER_MARKER,
  SUPER_MARKER_OFF,
  SUPER_SCHEMA_OFF,
  SUPER_SEQ_OFF,
  SUPER_VERSION,
  SUPER_VERSION_OFF,
} from "../../assembly/spec/cell.ts";
import { Desktop } from "../../assembly/spec/limits.ts";

const u16 = (bytes: Uint8Array, at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
const u32 = (bytes: Uint8Array, at: number) => (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;

// ---- CRC-16/DNP ----

function shift(crc: number, byte: number): number {
  let sum = crc ^ (byte << 8);
  for (let bit = 0; bit < 8; bit++) {
    sum = ((sum << 1) ^ (sum & 0x8000 ? CRC_POLYNOMIAL : 0)) & 0xffff;
  }
  return sum;
}
/** The CRC before a byte was shifted in. */
function unshift(crc: number, byte: number): number {
  let sum = crc;
  for (let bit = 0; bit < 8; bit++) {
    sum = sum & 1 ? ((sum ^ CRC_POLYNOMIAL) >>> 1) | 0x8000 : sum >>> 1;
  }
  return sum ^ (byte << 8);
}

// ---- Superblocks ----

/** One of the two superblocks. */
export interface Superblock {
  /** `A` or `B`. */
  readonly copy: "A" | "B";
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly cells: number;
  readonly epoch: number;
  readonly schema: number;
  readonly seq: number;
  /** Magic, format, CRC and fields are right, whatever the marker. */
  readonly isWhole: boolean;
  readonly isSound: boolean;
}

function superCrc(bytes: Uint8Array): number {
  return bytes.subarray(0, SUPER_CRC_OFF).reduce(shift, SUPER_CRC_INIT);
}
function isWholeSuper(bytes: Uint8Array, version = SUPER_VERSION): boolean {
  return (
    u32(bytes, SUPER_MAGIC_OFF) === SUPER_MAGIC &&
    bytes[SUPER_VERSION_OFF] === version &&
    bytes[SUPER_CELL_LOG2_OFF] === CELL_BYTES_LOG2 &&
    u16(bytes, SUPER_CRC_OFF) === superCrc(bytes) &&
    u16(bytes, SUPER_CELLS_OFF) !== 0 &&
    u16(bytes, SUPER_EPOCH_OFF) !== 0
  );
}

function readSuperblock(image: Uint8Array, copy: "A" | "B"): Superblock {
  const at = copy === "A" ? 0 : SUPER_BYTES;
  const bytes = image.slice(at, at + SUPER_BYTES);
  const isWhole = isWholeSuper(bytes);
  return {
    copy,
    bytes,
    version: bytes[SUPER_VERSION_OFF] ?? 0,
    cells: u16(bytes, SUPER_CELLS_OFF),
    epoch: u16(bytes, SUPER_EPOCH_OFF),
    schema: u16(bytes, SUPER_SCHEMA_OFF),
    seq: bytes[SUPER_SEQ_OFF] ?? 0,
    isWhole,
    isSound: isWhole && bytes[SUPER_MARKER_OFF] === SUPER_MARKER,
  };
}

/** Both superblocks. An image too short for them has bytes missing, and none is sound. */
export function superblocksOf(image: Uint8Array): [Superblock, Superblock] {
  return [readSuperblock(image, "A"), readSuperblock(image, "B")];
}

/** The superblock that holds: the younger of those that are sound. */
export function holdingSuperblock(image: Uint8Array): Superblock | undefined {
  const [a, b] = superblocksOf(image);
  if (!a.isSound || !b.isSound) return a.isSound ? a : b.isSound ? b : undefined;
  return ((b.seq - a.seq) << 24) >> 24 > 0 ? b : a;
}

// ---- Cells ----

/** What a cell is. */
export enum CellState {
  /** Holds the value of a key. */
  LIVE = "live",
  /** Never written: all bytes are 0xFF, or all are 0x00. */
  BLANK = "blank",
  /** Ended in order, or what is left of a value that was deleted. */
  DEAD = "dead",
  /** Marked, and right for an epoch before the present one: a factory reset left it behind. */
  OLD = "old",
  /** Marked, and its CRC is wrong. */
  DAMAGED = "damaged",
  /** Whole, but its marker is neither a type nor the one that ends it: a power cut stopped its commit or its end. */
  UNFINISHED = "unfinished",
}

export interface Cell {
  readonly index: number;
  readonly address: number;
  readonly state: CellState;
  /** What it is marked as, or what its body is sealed for; DEAD: neither. */
  readonly type: CellType;
  readonly key: number;
  readonly generation: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

const TYPES = [CellType.VALUE, CellType.SYSTEM, CellType.BLOB, CellType.FACTORY] as const;
const DEAD_MARKERS = [0x00, 0x33, 0xcc, 0x55, 0xaa, 0x66, 0x99, 0x0f] as const;

const isType = (marker: number) => (TYPES as readonly number[]).includes(marker);
const isKey = (key: number) => key !== 0 && key !== 0xffff;

/** The one epoch for which a cell is right under a type: start values differ for each. */
function epochSealed(bytes: Uint8Array, type: number, index: number): number {
  let crc = unshift(u16(bytes, CELL_CRC_OFF), type);
  for (let at = CELL_CRC_OFF - 1; at >= 0; at--) crc = unshift(crc, bytes[at] as number);
  const seed = crc ^ 0xffff ^ (index * CELL_FACTOR);
  return Math.imul(seed & 0xffff, EPOCH_INVERSE) & 0xffff;
}
function isSealed(bytes: Uint8Array, type: number, index: number, epoch: number): boolean {
  const wanted = type === CellType.FACTORY ? epoch & EPOCH_FACTORY : epoch;
  return isKey(u16(bytes, CELL_KEY_OFF)) && epochSealed(bytes, type, index) === wanted;
}
function isOld(bytes: Uint8Array, type: number, index: number, epoch: number): boolean {
  return (epochSealed(bytes, type, index) & EPOCH_COUNT) < (epoch & EPOCH_COUNT);
}

/** `eraseUnit` as the device has it; 0: bytes are overwritten. */
function stateOf(
  bytes: Uint8Array,
  sealed: CellType,
  index: number,
  epoch: number,
  eraseUnit: number,
): CellState {
  const marker = bytes[CELL_TYPE_OFF] as number;
  const dead = DEAD_MARKERS[(bytes[CELL_CRC_OFF] as number) & 7] as number;
  if (bytes.every((byte) => byte === marker) && (marker === 0 || marker === 0xff))
    return CellState.BLANK;
  if (!isType(marker) && marker === (eraseUnit === 0 ? dead : 0)) return CellState.DEAD;
  if (sealed === marker) return CellState.LIVE;
  if (sealed !== CellType.DEAD) return CellState.UNFINISHED;
  if (!isType(marker)) return CellState.DEAD;
  return isOld(bytes, marker, index, epoch) ? CellState.OLD : CellState.DAMAGED;
}

function readCell(image: Uint8Array, index: number, epoch: number, eraseUnit: number): Cell {
  const address = CELLS_ORIGIN + index * CELL_BYTES;
  const bytes = image.slice(address, address + CELL_BYTES);
  const marker = bytes[CELL_TYPE_OFF] as number;
  const sealed = TYPES.find((type) => isSealed(bytes, type, index, epoch)) ?? CellType.DEAD;
  return {
    index,
    address,
    state: stateOf(bytes, sealed, index, epoch, eraseUnit),
    type: isType(marker) ? marker : sealed,
    key: u16(bytes, CELL_KEY_OFF),
    generation: bytes[CELL_GENERATION_OFF] as number,
    value: u16(bytes, CELL_VALUE_OFF),
    bytes,
  };
}

/** Every cell under the superblock that holds; none without one, or when it has more cells than there are bytes. */
export function cellsOf(image: Uint8Array, eraseUnit = 0): Cell[] {
  const holds = holdingSuperblock(image);
  if (holds === undefined || CELLS_ORIGIN + holds.cells * CELL_BYTES > image.length) return [];
  return Array.from({ length: holds.cells }, (_, n) => readCell(image, n, holds.epoch, eraseUnit));
}

/** True for the younger of two generations of a key; they are never far apart. */
export function isYounger(a: Cell, b: Cell): boolean {
  return ((a.generation - b.generation) << 24) >> 24 > 0;
}

// ---- Extents ----

/** The data of a blob's cell; undefined: its extent is damaged, or beyond the image. */
export function blobOf(
  image: Uint8Array,
  cells: number,
  cell: Pick<Cell, "key" | "value">,
): Uint8Array | undefined {
  const from = CELLS_ORIGIN + cells * CELL_BYTES + (cell.value & 0xff) * BLOB_EXTENT_BYTES;
  const extent = image.subarray(from, from + BLOB_EXTENT_BYTES);
  if (extent.length < BLOB_EXTENT_BYTES) return undefined;
  const length = u16(extent, BLOB_LENGTH_OFF);
  if (length > BLOB_BYTES_MAX || u16(extent, BLOB_KEY_OFF) !== cell.key) return undefined;
  const data = extent.slice(BLOB_DATA_OFF, BLOB_DATA_OFF + length);
  const checked = new Uint8Array([...extent.subarray(0, BLOB_CRC_OFF), ...data]);
  return crc32(checked) === u32(extent, BLOB_CRC_OFF) ? data : undefined;
}

// ---- Single wrong bits ----

/** One bit that is wrong. */
export interface WrongBit {
  readonly address: number;
  readonly bit: number;
}

/** Bits of the first `length` bytes which, turned over, make the record right. */
function bitsThatMend(
  bytes: Uint8Array,
  length: number,
  isRight: (mended: Uint8Array) => boolean,
): number[] {
  return Array.from({ length: 8 * length }, (_, n) => n).filter((n) => {
    const mended = bytes.slice();
    mended[n >> 3] = (mended[n >> 3] as number) ^ (1 << (n & 7));
    return isRight(mended);
  });
}
function wrongBit(base: number, bits: readonly number[]): WrongBit | undefined {
  const [n, ...others] = bits;
  if (n === undefined || others.length > 0) return undefined;
  return { address: base + (n >> 3), bit: n & 7 };
}

/**
 * The wrong bit of a damaged cell: any two right cells differ in six bits, so there is one at most. Undefined: more
 * than one bit is wrong, or one wrong bit might as well make it a cell that a factory reset left behind.
 */
export function wrongBitOfCell(cell: Cell, epoch: number): WrongBit | undefined {
  if (cell.state !== CellState.DAMAGED) return undefined;
  const mends = (isRight: (mended: Uint8Array) => boolean) =>
    bitsThatMend(cell.bytes, CELL_TYPE_OFF, isRight);
  if (mends((mended) => isOld(mended, cell.type, cell.index, epoch)).length > 0) return undefined;
  const bits = mends((mended) => isSealed(mended, cell.type, cell.index, epoch));
  return wrongBit(cell.address, bits);
}

/** Key and type of a cell with a bit turned over. */
export function mended(
  cell: Cell,
  { address, bit }: WrongBit,
): Pick<Cell, "type" | "key" | "value"> {
  const bytes = cell.bytes.slice();
  const at = address - cell.address;
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  return { type: cell.type, key: u16(bytes, CELL_KEY_OFF), value: u16(bytes, CELL_VALUE_OFF) };
}

/** The wrong bit of a superblock whose marker is right. */
export function wrongBitOfSuperblock(block: Superblock): WrongBit | undefined {
  if (block.isSound || block.bytes[SUPER_MARKER_OFF] !== SUPER_MARKER) return undefined;
  const bits = bitsThatMend(block.bytes, SUPER_MARKER_OFF, (mended) => isWholeSuper(mended));
  return wrongBit(block.copy === "A" ? 0 : SUPER_BYTES, bits);
}

// ---- Why it is no store ----

/** What is wrong with an image as a whole. */
export type ImageFault =
  | { readonly kind: "short" | "blank" | "none" }
  | { readonly kind: "version"; readonly version: number }
  /** More cells than a node can have. */
  | { readonly kind: "large"; readonly cells: number }
  /** More cells than there are bytes. */
  | { readonly kind: "truncated"; readonly cells: number; readonly bytes: number }
  /** A superblock that one bit makes right. */
  | { readonly kind: "superblock"; readonly copy: "A" | "B"; readonly bit: WrongBit };

/** A superblock of another version of the format, right for the rest. */
function otherVersion({ bytes }: Superblock): number | undefined {
  const version = bytes[SUPER_VERSION_OFF] ?? 0;
  const isMarked = bytes[SUPER_MARKER_OFF] === SUPER_MARKER;
  return version !== SUPER_VERSION && isMarked && isWholeSuper(bytes, version)
    ? version
    : undefined;
}

/** Why no node takes an image; undefined: it is a store. */
export function faultOf(image: Uint8Array): ImageFault | undefined {
  if (image.length < CELLS_ORIGIN + CELL_BYTES) return { kind: "short" };
  const holds = holdingSuperblock(image);
  if (holds !== undefined) {
    const { cells } = holds;
    const bytes = CELLS_ORIGIN + cells * CELL_BYTES;
    if (cells > Desktop.CELLS) return { kind: "large", cells };
    return bytes > image.length ? { kind: "truncated", cells, bytes } : undefined;
  }
  const blocks = superblocksOf(image);
  for (const block of blocks) {
    const version = otherVersion(block);
    if (version !== undefined) return { kind: "version", version };
  }
  for (const block of blocks) {
    const bit = wrongBitOfSuperblock(block);
    if (bit !== undefined) return { kind: "superblock", copy: block.copy, bit };
  }
  const [first] = image;
  const isBlank = (first === 0 || first === 0xff) && image.every((byte) => byte === first);
  return { kind: isBlank ? "blank" : "none" };
}
