// Images on the device and the node's own words by number: slots, activation records, boot list, configuration.
// Explained in docs/persistence.md, "Images and activation". All fields are little-endian.

// ---- Stored image: a header, then the bytes of the file ----
export const STORED_LENGTH_OFF: u32 = 0; // u32 bytes of the file
export const STORED_CRC_OFF: u32 = 4; // u32 CRC-32 over every byte of the file
export const STORED_MARKER_OFF: u32 = 15; // u8
export const STORED_HEADER_BYTES: u32 = 16;
/** Written last: until it is there, the slot holds nothing. */
export const STORED_MARKER: u32 = 0x2d;
/** In its place while the file arrives: length and CRC-32 say which one, and a bit a window which of its bytes are there. */
export const STORED_PARTIAL: u32 = 0x2e;
export const STORED_WINDOWS_OFF: u32 = 8; // 7 bytes, bit w: window w is whole
export const STORED_WINDOWS_MAX: u32 = 56;
/** Slots begin at a multiple of this behind the store, or of the erase unit, and take multiples of it. */
export const STORED_UNIT: u32 = 256;
/** Most slots of a device. */
export const STORED_MAX: u32 = 14;
/** Most bytes of a file that one call stages. */
export const STAGE_BYTES: u32 = 64;
/** In an activation record: no slot. */
export const NO_SLOT: u32 = 15;

// ---- Words: SYSTEM cells ----
/** The first key of the node's words; four groups of 64 follow one another. */
export const WORD_KEY: u32 = 0x0100;
/** log2 of the keys of a group. */
export const WORD_GROUP_LOG2: u32 = 6;
/** What a word reads as that the store does not hold; never written. */
export const WORD_NONE: u32 = 0xffff;
/** Most activation records, and apps in the boot list. */
export const APPS_MAX: u32 = 14;
/** In the place of an app's number: the configuration of the node. */
export const CONFIG_APP: u32 = 255;

/** Groups of words. */
export enum WordGroup {
  /** activation record n */
  APPS = 0,
  /** 0: activation record of the configuration; 1: slots, how many in bits 12-15, units of 256 bytes each in bits 0-11 */
  NODE = 1,
  /** how app n boots */
  BOOT = 2,
  /** two copies of the configuration, six words each */
  CONFIG = 3,
  /** what the node took from the manifest of its plant, PlantWord; 0xFFFF is noted as 0xFFFE */
  PLANT = 4,
}

// ---- Activation record: one word ----
export const ACTIVATION_FALLBACK_SHIFT: u32 = 4; // bits 0-3: active slot; bits 4-7: fallback slot
export const ACTIVATION_STATE_SHIFT: u32 = 8; // bits 8-10
export const ACTIVATION_ATTEMPTS_SHIFT: u32 = 11; // bits 11-13: attempts left
export const ACTIVATION_AFTER_SHIFT: u32 = 14; // bits 14-15: ConfirmAfter

/** State of an app. */
export enum AppState {
  CONFIRMED = 1,
  /** runs as long as there are attempts; then the fallback comes back */
  TRIAL = 2,
  /** rolled back; what it saved meanwhile is being dropped, then the fallback comes back */
  DROPPING = 3,
  EMPTY = 7,
}

/** When a trial is confirmed by time alone. */
export enum ConfirmAfter {
  NEVER = 0,
  SECONDS_10 = 1,
  MINUTE = 2,
  MINUTES_10 = 3,
}

/** Attempts of a trial nobody said otherwise of, and most of them. */
export const ATTEMPTS_DEFAULT: u32 = 3;
export const ATTEMPTS_MAX: u32 = 7;

// ---- Boot word ----
export const BOOT_ORDER_MASK: u32 = 15; // bits 0-3: lower ones start first
export const BOOT_RESTARTS_SHIFT: u32 = 4; // bits 4-6: restarts after a fault
export const BOOT_RESTARTS_MASK: u32 = 7;
/** A fault beyond the restarts brings the fallback back, also when the image is confirmed. */
export const BOOT_FALLBACK: u32 = 0x80;
export const BOOT_SOURCE_SHIFT: u32 = 8; // bits 8-10: Source the image is to come from where no slot holds it
export const BOOT_QUANTUM_SHIFT: u32 = 11; // bits 11-14: 0: the node's quantum; n: 2^(n - 1) instructions a turn

/** Where images come from. */
export enum Source {
  STORED = 0,
  HOST = 1,
  SD = 2,
  CAN = 3,
  SERIAL = 4,
}

// ---- Configuration of the node: six words, 0 in each: the board's default ----
export const CONFIG_WORDS: u32 = 6;
export enum NodeWord {
  /** id in bits 0-7, role in bits 8-15 */
  ID = 0,
  /** kbit/s of the bus */
  BIT_RATE = 1,
  /** first CAN identifier of the node's frames in bits 0-10; in bits 12-13 the level a master needs to change the node */
  BASE_ID = 2,
  /** four Sources, the first in the low nibble; 0 ends the list */
  SOURCES = 3,
  /** ms to wait for a master, and for a card */
  MASTER_WAIT = 4,
  CARD_WAIT = 5,
}
export const BASE_ID_MASK: u32 = 0x7ff;
export const CHANGE_LEVEL_SHIFT: u32 = 12;
/** The order of sources of a node that was not told one: host, SD, CAN, serial. */
export const SOURCES_DEFAULT: u32 = 0x4321;

// ---- What was applied of a manifest (spec/manifest.ts): four words ----
export const PLANT_WORDS: u32 = 4;
export enum PlantWord {
  PLANT = 0,
  VERSION = 1,
  /** the content of the node, lower and upper half; written before the other two */
  CONTENT_LOW = 2,
  CONTENT_HIGH = 3,
}
