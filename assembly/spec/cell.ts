// The persistence image by number: superblocks, cells, and the states of the store. Explained in
// docs/persistence.md. All fields are little-endian; every record ends with its marker, written last.

// ---- Region: superblock A, superblock B, cells ----
export const SUPER_COPIES: u32 = 2;
export const CELLS_ORIGIN: u32 = 32;
/** Identity of "no cell". */
export const NO_CELL: u32 = 0xffff;

// ---- Superblock, 16 bytes ----
export const SUPER_BYTES: u32 = 16;
export const SUPER_MAGIC_OFF: u32 = 0; // "HSXP"
export const SUPER_VERSION_OFF: u32 = 4; // u8
export const SUPER_CELL_LOG2_OFF: u32 = 5; // u8
export const SUPER_CELLS_OFF: u32 = 6; // u16 number of cells
export const SUPER_EPOCH_OFF: u32 = 8; // u16 counts resets, from 1
export const SUPER_SCHEMA_OFF: u32 = 10; // u8
export const SUPER_EXTENTS_OFF: u32 = 11; // u8 number of extents behind the cells
export const SUPER_SEQ_OFF: u32 = 12; // u8 the newer copy wins, serial compare
export const SUPER_CRC_OFF: u32 = 13; // u16 over the bytes before it
export const SUPER_MARKER_OFF: u32 = 15; // u8
export const SUPER_MAGIC: u32 = 0x50585348;
export const SUPER_VERSION: u32 = 1;
export const SUPER_CRC_INIT: u32 = 0x1d0f;
export const SUPER_MARKER: u32 = 0xc3;

// ---- Cell, 8 bytes ----
export const CELL_BYTES: u32 = 8;
export const CELL_BYTES_LOG2: u32 = 3;
export const CELL_KEY_OFF: u32 = 0; // u16, neither 0x0000 nor 0xFFFF
export const CELL_GENERATION_OFF: u32 = 2; // u8 of its key, wraps
export const CELL_VALUE_OFF: u32 = 3; // u16
export const CELL_CRC_OFF: u32 = 5; // u16 over key, generation, value and type
export const CELL_TYPE_OFF: u32 = 7; // u8 CellType: the marker

// ---- Extent, 64 bytes, behind the last cell: a blob. The cell that refers to it has extent | length / 4, rounded up, << 8 ----
export const BLOB_EXTENT_BYTES: u32 = 64;
/** Most extents of a device. */
export const BLOB_MAX: u32 = 64;
export const BLOB_LENGTH_OFF: u32 = 0; // u16
export const BLOB_KEY_OFF: u32 = 2; // u16
export const BLOB_CRC_OFF: u32 = 4; // u32 CRC-32 over length, key and data
export const BLOB_DATA_OFF: u32 = 8;
/** Most bytes of a blob. */
export const BLOB_BYTES_MAX: u32 = 56;

/** What the non-volatile bytes are: how much writing they bear, and how. */
export enum NvMedium {
  /** bytes are overwritten at once, as often as one likes */
  FRAM = 0,
  /** some 100,000 changes a byte; what is erased together has at most eight bytes */
  EEPROM = 1,
  /** erased page by page, some 10,000 times */
  FLASH = 2,
}

/** Type of a cell. All these, the dead markers and 0xF0, which marks a deleted key on flash, differ in at least four bits. */
export enum CellType {
  DEAD = 0x00,
  /** a system word: activation, configuration */
  SYSTEM = 0x69,
  /** a reference to a longer record */
  BLOB = 0x96,
  VALUE = 0xa5,
  /** a value for a key that has none of its own; survives a factory reset that keeps them */
  FACTORY = 0x5a,
  /** a value saved while its image is on trial: it becomes the key's VALUE when the image is confirmed */
  SHADOW = 0x3c,
  /** 16 bits that stand for unit and flags of the VALUE of the same key */
  MEANING = 0xc3,
  BLANK = 0xff,
}

/** What a cell is. */
export enum CellKind {
  /** killed in order, blank, of an earlier epoch, or nothing that ever was a cell */
  FREE = 0,
  /** marked, and its CRC is wrong */
  DAMAGED = 1,
  /** whole, but neither marked nor killed in order: a power cut stopped its commit or its end */
  UNFINISHED = 2,
  /** whole, but for one bit of its marker */
  NEARLY = 3,
  LIVE = 4,
}

/** On flash: most cells of a page; what lies beyond is not used. */
export const LOG_PAGE_CELLS_MAX: u32 = 256;
/** On flash: cells kept free for tombstones, torn and dead ones, so that a page turn always makes room. */
export const LOG_SPARE_CELLS: u32 = 6;
/** Marks on flash that a key was deleted; the value is the CellType of what ended. */
export const TOMBSTONE: u32 = 0xf0;

// ---- Epoch: its low byte counts resets that keep the factory cells, its high byte those that take them, too ----
/** Factory cells are sealed with this part of the epoch. */
export const EPOCH_FACTORY: u32 = 0xff00;

// ---- CRC-16/DNP: most significant bit first, not reflected, no final exclusive or ----
export const CRC_POLYNOMIAL: u32 = 0x3d65;
/** The start value of a cell is 0xFFFF ^ epoch * EPOCH_FACTOR ^ cell * CELL_FACTOR, modulo 2^16. */
export const EPOCH_FACTOR: u32 = 0x9e37;
export const CELL_FACTOR: u32 = 0x1357;
/** EPOCH_FACTOR * EPOCH_INVERSE is 1 modulo 2^16. */
export const EPOCH_INVERSE: u32 = 0x7787;

// ---- Wear ----
/** The SYSTEM cell that counts uses of the medium, 256 each. */
export const WEAR_KEY: u32 = 0x0142;
/** Uses a cell bears where single bytes are erased: its marker changes twice each, and bears 100,000 (ATmega1284P data sheet, EEPROM endurance). */
export const WEAR_BYTE: u32 = 50000;
/** Uses a cell of erase units bears: each is erased once. */
export const WEAR_UNIT: u32 = 100000;
/** Erasures a flash page bears (STM32F405 data sheet, flash endurance). */
export const WEAR_PAGE: u32 = 10000;
/** Most uses that are counted: 256 times what a cell can hold. */
export const WEAR_MAX: u32 = 0xfffe00;

/** A MEANING that tells nothing: whoever finds it notes its own. */
export const MEANING_UNKNOWN: u32 = 0xffff;

/** State of the store. */
export enum StoreState {
  /** no device answers */
  ABSENT = 0,
  MOUNTING = 1,
  READY = 2,
  /** neither superblock is sound, or the device is not the one they describe; nothing is read or written */
  READ_ONLY = 3,
  /** the device holds nothing but 0x00 or nothing but 0xFF; format it by command */
  BLANK = 4,
  /** the device failed; mount again */
  FAILED = 5,
  /** geometry without a driver here: erase units beyond a cell, or too small for one cell */
  UNSUPPORTED = 6,
}
