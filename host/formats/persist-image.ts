// Persistence images as bytes: superblocks and extents, and why bytes are no store. Pure; docs/persistence.md has the
// layout. What a node finds in a store, cell by cell, only the core decides.

import { crc32 } from "node:zlib";
import {
  STORED_CRC_OFF,
  STORED_HEADER_BYTES,
  STORED_LENGTH_OFF,
  STORED_MARKER,
  STORED_MARKER_OFF,
  STORED_UNIT,
} from "../../assembly/spec/boot.ts";
import {
  BLOB_BYTES_MAX,
  BLOB_CRC_OFF,
  BLOB_DATA_OFF,
  BLOB_EXTENT_BYTES,
  BLOB_KEY_OFF,
  BLOB_LENGTH_OFF,
  CELL_BYTES,
  CELL_BYTES_LOG2,
  CELLS_ORIGIN,
  CRC_POLYNOMIAL,
  LOG_PAGE_CELLS_MAX,
  LOG_SPARE_CELLS,
  SUPER_BYTES,
  SUPER_CELL_LOG2_OFF,
  SUPER_CELLS_OFF,
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

// ---- Pages of flash ----

/** How cells lie on flash: in pages, each with a superblock in front. */
export interface LogLayout {
  readonly pageBytes: number;
  /** Bytes from one cell of a page to the next. */
  readonly stride: number;
}

function pageCells({ pageBytes, stride }: LogLayout): number {
  return Math.min(LOG_PAGE_CELLS_MAX, Math.floor(pageBytes / stride));
}
/** Cells that fit in the first `bytes` of a device. `log`: of flash. */
export function cellsWithin(bytes: number, log: LogLayout | undefined): number {
  return log === undefined
    ? Math.floor((bytes - CELLS_ORIGIN) / CELL_BYTES)
    : Math.floor(bytes / log.pageBytes) * pageCells(log);
}
/** Keys that a store of `cells` has room for. `log`: of flash. */
export function roomOf(cells: number, log: LogLayout | undefined): number {
  if (log === undefined) return cells;
  const each = pageCells(log);
  const pages = cells / each;
  return (pages - 1) * (each - SUPER_BYTES / log.stride) - LOG_SPARE_CELLS;
}
/** Numbers of the cells that count; those of superblocks and of pages that are retired do not. */
export function countingCells(image: Uint8Array, log: LogLayout): Set<number> {
  const counting = new Set<number>();
  const holds = holdingSuperblock(image, log);
  if (holds === undefined) return counting;
  const each = pageCells(log);
  const pages = holds.cells / each;
  const head = holds.address / log.pageBytes;
  for (let n = 0; n < holds.extents; n++) {
    const first = ((head + pages - n) % pages) * each;
    for (let cell = SUPER_BYTES / log.stride; cell < each; cell++) counting.add(first + cell);
  }
  return counting;
}

// ---- Superblocks ----

/** One of the two superblocks, or on flash that of a page. */
export interface Superblock {
  /** `A` or `B`; on flash the number of its page. */
  readonly copy: string;
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly cells: number;
  readonly epoch: number;
  readonly schema: number;
  readonly extents: number;
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

function readSuperblock(image: Uint8Array, copy: string, address: number): Superblock {
  const bytes = image.slice(address, address + SUPER_BYTES);
  const isWhole = isWholeSuper(bytes);
  return {
    copy,
    address,
    bytes,
    version: bytes[SUPER_VERSION_OFF] ?? 0,
    cells: u16(bytes, SUPER_CELLS_OFF),
    epoch: u16(bytes, SUPER_EPOCH_OFF),
    schema: bytes[SUPER_SCHEMA_OFF] ?? 0,
    extents: bytes[SUPER_EXTENTS_OFF] ?? 0,
    seq: bytes[SUPER_SEQ_OFF] ?? 0,
    isWhole,
    isSound: isWhole && bytes[SUPER_MARKER_OFF] === SUPER_MARKER,
  };
}

/** Both superblocks, on flash those of all pages. An image too short for them has bytes missing, and none is sound. */
export function superblocksOf(image: Uint8Array, log?: LogLayout): Superblock[] {
  if (log === undefined)
    return [readSuperblock(image, "A", 0), readSuperblock(image, "B", SUPER_BYTES)];
  const most = Math.floor(Desktop.CELLS / pageCells(log));
  const pages = Math.min(most, Math.floor(image.length / log.pageBytes));
  return Array.from({ length: pages }, (_, page) =>
    readSuperblock(image, String(page), page * log.pageBytes),
  );
}

/** The superblock that holds: the youngest of those that are sound. */
export function holdingSuperblock(image: Uint8Array, log?: LogLayout): Superblock | undefined {
  return superblocksOf(image, log)
    .filter((block) => block.isSound)
    .reduce<Superblock | undefined>(
      (best, block) =>
        best === undefined || ((block.seq - best.seq) << 24) >> 24 > 0 ? block : best,
      undefined,
    );
}

/** Bytes that a store takes, its cells and extents, or its pages. */
function storeBytes({ cells, extents }: Superblock, log: LogLayout | undefined): number {
  return log === undefined
    ? CELLS_ORIGIN + cells * CELL_BYTES + extents * BLOB_EXTENT_BYTES
    : (cells / pageCells(log)) * log.pageBytes;
}

// ---- Extents ----

/** The data of a blob's cell; undefined: its extent is damaged, or beyond the image. */
export function blobOf(
  image: Uint8Array,
  cells: number,
  cell: { readonly key: number; readonly value: number },
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

// ---- Slots for images ----

/** A slot behind the store. */
export interface StoredImage {
  readonly slot: number;
  readonly address: number;
  /** Bytes of the longest file. */
  readonly room: number;
  readonly state: "image" | "empty" | "damaged";
  /** The file, when the state is "image". */
  readonly file: Uint8Array;
  readonly crc: number;
}

function readSlot(image: Uint8Array, slot: number, address: number, bytes: number): StoredImage {
  const room = bytes - STORED_HEADER_BYTES;
  const header = image.subarray(address, address + STORED_HEADER_BYTES);
  const length = u32(header, STORED_LENGTH_OFF);
  const crc = u32(header, STORED_CRC_OFF);
  const none = { slot, address, room, file: new Uint8Array(), crc };
  if (header[STORED_MARKER_OFF] !== STORED_MARKER) return { ...none, state: "empty" };
  const from = address + STORED_HEADER_BYTES;
  const file = image.slice(from, from + Math.min(length, room));
  const isWhole = length <= room && file.length === length && crc32(file) === crc;
  return isWhole ? { ...none, file, state: "image" } : { ...none, state: "damaged" };
}

/** The slots that the word of system key 0x0141 tells of. `eraseUnit`: of the device; 0: none. */
export function storedImages(
  image: Uint8Array,
  word: number,
  eraseUnit: number,
  log?: LogLayout,
): StoredImage[] {
  const holds = holdingSuperblock(image, log);
  if (holds === undefined) return [];
  const end = storeBytes(holds, log);
  const unit = Math.max(STORED_UNIT, eraseUnit);
  const first = Math.ceil(end / unit) * unit;
  const bytes = (word & 0xfff) * STORED_UNIT;
  return Array.from({ length: word >> 12 }, (_, n) => readSlot(image, n, first + n * bytes, bytes));
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

/** The wrong bit of a superblock whose marker is right. */
export function wrongBitOfSuperblock(block: Superblock): WrongBit | undefined {
  if (block.isSound || block.bytes[SUPER_MARKER_OFF] !== SUPER_MARKER) return undefined;
  const bits = bitsThatMend(block.bytes, SUPER_MARKER_OFF, (mended) => isWholeSuper(mended));
  return wrongBit(block.address, bits);
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
  | { readonly kind: "superblock"; readonly copy: string; readonly bit: WrongBit };

/** A superblock of another version of the format, right for the rest. */
function otherVersion({ bytes }: Superblock): number | undefined {
  const version = bytes[SUPER_VERSION_OFF] ?? 0;
  const isMarked = bytes[SUPER_MARKER_OFF] === SUPER_MARKER;
  return version !== SUPER_VERSION && isMarked && isWholeSuper(bytes, version)
    ? version
    : undefined;
}

/** Why no node takes an image; undefined: nothing is known against it. */
export function faultOf(image: Uint8Array, log?: LogLayout): ImageFault | undefined {
  const least = log === undefined ? CELLS_ORIGIN + CELL_BYTES : 2 * log.pageBytes;
  if (image.length < least) return { kind: "short" };
  const holds = holdingSuperblock(image, log);
  if (holds !== undefined) {
    const { cells } = holds;
    const bytes = storeBytes(holds, log);
    if (cells > Desktop.CELLS) return { kind: "large", cells };
    return bytes > image.length ? { kind: "truncated", cells, bytes } : undefined;
  }
  const blocks = superblocksOf(image, log);
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
