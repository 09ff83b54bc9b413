// Capacity of the three profiles, one column each. Behaviour never depends on the profile, only these numbers do.

/** Value of the build constant PROFILE. */
export enum Profile {
  SMALL = 0,
  LARGE = 1,
  DESKTOP = 2,
}

/** ATmega1284P, STM32F072: 16 KiB of SRAM hold everything. */
export enum Small {
  TASKS = 4,
  VALUES = 64,
  COMMANDS = 16,
  DESCRIPTORS = 24,
  HANDLES = 8,
  SUBSCRIPTIONS = 16,
  EVENTS = 32,
  FILES = 0,
  OPEN_FILES = 0,
  CALLS = 4,
  PINS = 16,
  CELLS = 1020,
  IO_BYTES = 256,
  STACK_BYTES = 512,
  /** first address behind linear memory that a chip has */
  RAM_LIMIT = 0x3c00,
  /** log2 of the arena's granule in bytes */
  ARENA_SHIFT = 2,
}

/** STM32F405. */
export enum Large {
  TASKS = 8,
  VALUES = 128,
  COMMANDS = 64,
  DESCRIPTORS = 64,
  HANDLES = 16,
  SUBSCRIPTIONS = 64,
  EVENTS = 128,
  FILES = 16,
  OPEN_FILES = 16,
  CALLS = 8,
  PINS = 32,
  CELLS = 1020,
  IO_BYTES = 256,
  STACK_BYTES = 1024,
  RAM_LIMIT = 0xe000,
  ARENA_SHIFT = 2,
}

/** A node in Node. */
export enum Desktop {
  TASKS = 32,
  VALUES = 256,
  COMMANDS = 256,
  DESCRIPTORS = 256,
  HANDLES = 64,
  SUBSCRIPTIONS = 256,
  EVENTS = 1024,
  FILES = 64,
  OPEN_FILES = 64,
  CALLS = 32,
  PINS = 64,
  CELLS = 1020,
  IO_BYTES = 4096,
  STACK_BYTES = 4096,
  RAM_LIMIT = 0x400000,
  ARENA_SHIFT = 6,
}

/** Bytes of linear memory below which a chip has its registers. */
export const STATIC_ORIGIN: u32 = 0x100;
/** Most bytes of core state in the small profile; the rest of its RAM, at least 9,472 B, is the arena. */
export const SMALL_STATE_LIMIT: u32 = 5632;
/** Instructions of a turn when nobody configured a quantum. */
export const QUANTUM_DEFAULT: u32 = 64;
/** Bytes of an app's name with its instance suffix. */
export const APP_NAME_MAX: u32 = 31;
