// The HXE image format by number: offsets, sizes, flags. Explained in docs/hxe.md. All fields are big-endian.

export const HXE_MAGIC: u32 = 0x48535845; // "HSXE"

// ---- Header ----
export const HXE_MAGIC_OFF: u32 = 0x00;
export const HXE_VERSION_OFF: u32 = 0x04;
export const HXE_FLAGS_OFF: u32 = 0x06;
export const HXE_ENTRY_OFF: u32 = 0x08;
export const HXE_CODE_LEN_OFF: u32 = 0x0c;
export const HXE_RO_LEN_OFF: u32 = 0x10;
export const HXE_BSS_SIZE_OFF: u32 = 0x14;
export const HXE_REQ_CAPS_OFF: u32 = 0x18;
export const HXE_CRC_OFF: u32 = 0x1c;
/** Bytes of a version 1 header. The checksum covers [0, HXE_CRC_OFF) and [header size, end of file). */
export const HXE_V1_SIZE: u32 = 0x20;
export const HXE_NAME_OFF: u32 = 0x20;
export const HXE_NAME_SIZE: u32 = 32;
export const HXE_META_OFFSET_OFF: u32 = 0x40;
export const HXE_META_COUNT_OFF: u32 = 0x44;
export const HXE_RESERVED_OFF: u32 = 0x48;
export const HXE_RESERVED_SIZE: u32 = 24;
/** Bytes of a version 2 header. */
export const HXE_V2_SIZE: u32 = 0x60;

/** Bits of `flags`. */
export enum HxeFlag {
  /** a length (u32) and that many bytes of JSON follow the rodata */
  MANIFEST = 1,
  /** further loads get the names `app_#0`, `app_#1`, … */
  MULTIPLE = 2,
}

/** Bits of `req_caps`: what the image needs of its node. */
export enum HxeCap {
  MAILBOX = 1,
  VALUE = 2,
  FRAM = 4,
  CAN = 8,
  UART = 16,
  LONG_BRANCH = 256,
}

/** Bytes of the embedded manifest's length, which comes before it. */
export const MANIFEST_HEADER_SIZE: u32 = 4;

/** Most bytes of code, and of rodata with bss. */
export const HXE_CODE_MAX: u32 = 0x10000;
export const HXE_DATA_MAX: u32 = 0x10000;

// ---- Metadata table: 16 bytes an entry ----
/** Most sections; an image with more is refused. */
export const META_SECTION_MAX: u32 = 16;
export const META_ENTRY_SIZE: u32 = 16;
export const META_TYPE_OFF: u32 = 0;
export const META_OFFSET_OFF: u32 = 4;
export const META_SIZE_OFF: u32 = 8;
export const META_COUNT_OFF: u32 = 12;

/** Section types; every loader ignores those it does not know. */
export enum MetaType {
  VALUE = 1,
  COMMAND = 2,
  MAILBOX = 3,
  /** one entry of 4 bytes: the stack's size in bytes, u32 */
  STACK = 4,
}

// ---- Value entry ----
export const VALUE_ENTRY_SIZE: u32 = 20;
export const VALUE_GROUP_OFF: u32 = 0;
export const VALUE_ID_OFF: u32 = 1;
export const VALUE_FLAGS_OFF: u32 = 2;
export const VALUE_AUTH_OFF: u32 = 3;
export const VALUE_INIT_OFF: u32 = 4;
export const VALUE_NAME_OFF: u32 = 6;
export const VALUE_UNIT_OFF: u32 = 8;
export const VALUE_EPSILON_OFF: u32 = 10;
export const VALUE_MIN_OFF: u32 = 12;
export const VALUE_MAX_OFF: u32 = 14;
export const VALUE_KEY_OFF: u32 = 16;
export const VALUE_GROUP_NAME_OFF: u32 = 18;

// ---- Command entry ----
export const COMMAND_ENTRY_SIZE: u32 = 16;
export const COMMAND_GROUP_OFF: u32 = 0;
export const COMMAND_ID_OFF: u32 = 1;
export const COMMAND_FLAGS_OFF: u32 = 2;
export const COMMAND_AUTH_OFF: u32 = 3;
export const COMMAND_HANDLER_OFF: u32 = 4;
export const COMMAND_NAME_OFF: u32 = 8;
export const COMMAND_HELP_OFF: u32 = 10;
export const COMMAND_RESERVED_OFF: u32 = 12;
export const COMMAND_GROUP_NAME_OFF: u32 = 14;

// ---- Mailbox entry, binary form ----
export const MAILBOX_ENTRY_SIZE: u32 = 16;
export const MAILBOX_NAME_OFF: u32 = 0;
export const MAILBOX_CAPACITY_OFF: u32 = 4;
export const MAILBOX_MODE_OFF: u32 = 6;
export const MAILBOX_RESERVED_OFF: u32 = 8;

// ---- Stack entry ----
export const STACK_ENTRY_SIZE: u32 = 4;

// ---- Memory of a task ----
/** Data address of the first byte of rodata. */
export const DATA_ORIGIN: u32 = 0x4000;
/** Data address just above the stack; the initial SP. */
export const STACK_TOP: u32 = 0xfffc;
