// The node protocol in numbers: identifiers, verbs, fields of frames. Explained byte by byte in docs/protocol.md.

/** Version of the protocol, in every HELLO. */
export const PROTOCOL_VERSION: u32 = 1;

// ---- Identifiers: offsets from the configured base ----
export const FRAME_BASE_DEFAULT: u32 = 0x400;
/** The base is a multiple of this, from it up to FRAME_BASE_MAX. */
export const FRAME_BASE_UNIT: u32 = 0x80;
/** With a higher base, seven leading bits of some identifiers would be recessive, which CAN 2.0 forbids. */
export const FRAME_BASE_MAX: u32 = 0x480;
/** Identifiers of the block. */
export const FRAME_BLOCK: u32 = 0x300;
/** Requests of master 0 to 7. */
export const MASTER_ID: u32 = 0x000;
export const MASTER_MAX: u32 = 8;
/** A node takes a DATA frame every 16 n us at most, n from 1 to PACE_MAX; no data. */
export const PACE_ID: u32 = 0x010;
export const PACE_SHIFT: u32 = 4;
export const PACE_MAX: u32 = 47;
/** Identity answers: six bits of a hash in the identifier, no data. */
export const IDENTITY_ID: u32 = 0x040;
export const IDENTITY_BITS: u32 = 6;
/** What node n says. */
export const ANSWER_ID: u32 = 0x080;
/** What is missing: a window or a frame, no data. */
export const NACK_ID: u32 = 0x100;
/** Values of node n. */
export const PUB_ID: u32 = 0x180;
/** Bytes of the image: bit 7 of the offset is the parity of the window, below it the place in the window. */
export const DATA_ID: u32 = 0x200;
export const DATA_PARITY: u32 = 0x80;
/** Nodes have ids from 1 to this. */
export const NODE_ID_MAX: u32 = 127;
/** Node id in target: every node. */
export const TARGET_ALL: u32 = 0;

// ---- Request, 8 bytes ----
export const REQUEST_TARGET_OFF: u32 = 0; // u8 node id, or TARGET_ALL
export const REQUEST_VERB_OFF: u32 = 1; // u8 bits 0-4 Verb, bits 5-7 sequence
export const REQUEST_ARGS_OFF: u32 = 2; // 6 bytes
export const REQUEST_BYTES: u32 = 8;
export const VERB_MASK: u32 = 31;
export const SEQUENCE_SHIFT: u32 = 5;
export const SEQUENCE_MASK: u32 = 7;

export enum Verb {
  /** who is there: each node with an id says HELLO */
  CENSUS = 0,
  /** which hashes are there: identity answers */
  WHO = 1,
  /** the node of a hash takes an id */
  ASSIGN = 2,
  /** who takes part in a session */
  SELECT = 3,
  /** a load begins: length, mode, counts */
  BEGIN = 4,
  /** CRC-32 over the file, and where it goes */
  BEGIN_CRC = 5,
  /** group and key base of a further instance */
  BEGIN_BASES = 6,
  /** the window that the DATA frames to come belong to */
  WINDOW = 7,
  /** what is missing: NACKs */
  POLL = 8,
  /** what a window must sum up to */
  CHECK = 9,
  /** state, prepare, commit or abort of a session */
  END = 10,
  GET = 11,
  SET = 12,
  CALL = 13,
  /** which values a node publishes, and how often */
  PUBLISH = 14,
  /** PersistMode of a value, or a save */
  PERSIST = 15,
  /** a record, in RECORD frames */
  INFO = 16,
  /** restart, stop, start, kill */
  TASK = 17,
  /** activate, confirm, roll back, boot word, slots, and how that went */
  PROVISION = 18,
  /** one or two words of the configuration, of a change in one part or several */
  CONFIG = 19,
  /** format or reset of the store */
  STORE = 20,
  /** hold or start of a boot that waits for its master */
  BOOT = 21,
  /** restart of the node */
  RESET = 22,
  /** the level this master speaks with */
  LEVEL = 23,
  /** a master is there and holds its slot */
  PRESENT = 24,
}
export const VERB_COUNT: u32 = 25;

// ---- Arguments, offsets into the request ----
export const CENSUS_SALT_OFF: u32 = 2; // u8 salt of the check bits in HELLO, 0 to 31
export const WHO_PREFIX_OFF: u32 = 2; // u32 the upper bits of the hash that are known
export const WHO_DEPTH_OFF: u32 = 6; // u8 bits 0-2: how many groups of six bits are known; bits 3-7 salt
export const WHO_FILTER_OFF: u32 = 7; // u8 0: nodes without an id, or in conflict; n: nodes of id n; WHO_EVERY
export const WHO_EVERY: u32 = 255;
export const WHO_DEPTH_MAX: u32 = 5;
export const WHO_SALT_SHIFT: u32 = 3;
export const ASSIGN_HASH_OFF: u32 = 2; // u32
export const ASSIGN_ID_OFF: u32 = 6; // u8 the id to be; 0: none
export const ASSIGN_FLAGS_OFF: u32 = 7; // u8 bits 0-4 salt of the hash, bit 7 ASSIGN_KEEP
/** The id goes into the stored configuration. */
export const ASSIGN_KEEP: u32 = 0x80;

/** Session of every load frame that follows. */
export const SESSION_OFF: u32 = 2; // u8
export const SELECT_KIND_OFF: u32 = 3; // u8 Select, of BLOCK with the block in bits 0-1
export const SELECT_BITS_OFF: u32 = 4; // u32 of BLOCK: bit i: node 32 * block + i; of ROLE: the role
export enum Select {
  ALL = 0,
  ROLE = 1,
  BLOCK = 0x10,
}
export const BEGIN_MODE_OFF: u32 = 3; // u8 BeginMode
export const BEGIN_TOTAL_OFF: u32 = 4; // u24
export const BEGIN_COUNTS_OFF: u32 = 7; // u8 bits 0-2 attempts, bits 3-4 ConfirmAfter, bits 5-7 restarts
export const BEGIN_AFTER_SHIFT: u32 = 3;
export const BEGIN_RESTARTS_SHIFT: u32 = 5;
export enum BeginMode {
  /** what becomes of the image, bits 0-1: it lies in RAM and runs */
  RUN = 0,
  /** it is kept in a stored slot, and nothing is started */
  STAGE = 1,
  /** it is kept in a stored slot and becomes its app's active image */
  ACTIVATE = 2,
  /** the task of the same app name makes way at the change-over */
  REPLACE = 4,
  /** everything up to the change-over, which END with COMMIT makes */
  HOLD = 8,
  /** BEGIN_BASES belongs to it */
  BASES = 16,
  /** the node tells its progress without being asked */
  REPORT = 64,
}
export const BEGIN_KIND_MASK: u32 = 3;
export const BEGIN_SLOT_OFF: u32 = 3; // u8 stored slot; SLOT_ANY: one that no app needs
export const SLOT_ANY: u32 = 255;
export const BEGIN_CRC_OFF: u32 = 4; // u32 over every byte of the file
export const BEGIN_GROUP_OFF: u32 = 3; // u8
export const BEGIN_KEY_OFF: u32 = 4; // u16
export const WINDOW_NUMBER_OFF: u32 = 3; // u16
export const WINDOW_FLAGS_OFF: u32 = 5; // u8 WindowFlag
export enum WindowFlag {
  /** the other parity bit in a DATA frame that follows at once means the next window */
  STREAM = 1,
  /** what follows is the XOR of 16 frames each */
  PARITY_16 = 2,
  /** of 32 frames each */
  PARITY_32 = 4,
}
export const POLL_KIND_OFF: u32 = 3; // u8 Poll
export const POLL_WINDOW_OFF: u32 = 4; // u16 of FRAMES; the first of WINDOWS
export enum Poll {
  /** NACK n: window `first + n` is not whole */
  WINDOWS = 0,
  /** NACK n: frame n of the window has not come */
  FRAMES = 1,
}
export const CHECK_WINDOW_OFF: u32 = 3; // u16
export const CHECK_SUM_OFF: u32 = 5; // u24 lower bits of the CRC-32 over the bytes of the window
export const END_WHAT_OFF: u32 = 3; // u8 End
export enum End {
  /** says STATUS */
  STATUS = 0,
  /** an image on hold changes over */
  COMMIT = 1,
  /** back to how it was */
  ABORT = 2,
}

export const GET_OID_OFF: u32 = 2; // u16
export const SET_OID_OFF: u32 = 2; // u16
export const SET_VALUE_OFF: u32 = 4; // u16 binary16
export const CALL_OID_OFF: u32 = 2; // u16
export const CALL_ARGUMENT_OFF: u32 = 4; // u32
export const PUBLISH_OID_OFF: u32 = 2; // u16, OID_ALL
export const PUBLISH_PERIOD_OFF: u32 = 4; // u16 ms between PUB frames of the node, PUB_PERIOD_MIN at least; 0: as it was
export const PUBLISH_ON_OFF: u32 = 6; // u8 1: on, 0: off
export const OID_ALL: u32 = 0xffff;
export const PUB_PERIOD_MIN: u32 = 5;
export const PERSIST_OID_OFF: u32 = 2; // u16
export const PERSIST_MODE_OFF: u32 = 4; // u8 PersistMode, or PERSIST_SAVE
/** Saves now what waits for its debounce. */
export const PERSIST_SAVE: u32 = 0x10;
export const INFO_KIND_OFF: u32 = 2; // u8 Info
export const INFO_INDEX_OFF: u32 = 3; // u16
export const INFO_FIRST_OFF: u32 = 5; // u8 the first piece
export const INFO_COUNT_OFF: u32 = 6; // u8 most pieces; 0: all
export enum Info {
  /** node record */
  NODE = 0,
  /** records of docs/records.md, index: bank, place in the table, id, slot, app */
  TASK = 1,
  VALUE = 2,
  COMMAND = 3,
  MAILBOX = 4,
  SLOT = 5,
  STORE = 6,
  APP = 7,
  STORED = 8,
  /** six words; index 1: of the configuration that comes back */
  CONFIG = 9,
  /** why the last call failed */
  REFUSAL = 10,
  /** how far the start-up is, and what the card has to do with it */
  START = 11,
}
export const TASK_WHAT_OFF: u32 = 2; // u8 TaskWhat
export const TASK_PID_ARG_OFF: u32 = 3; // u8
export enum TaskWhat {
  RESTART = 1,
  STOP = 2,
  START = 3,
  KILL = 4,
}
export const PROVISION_WHAT_OFF: u32 = 2; // u8 ProvisionWhat
export const PROVISION_INDEX_OFF: u32 = 3; // u8 app or stored slot; of FORMAT: slots
export const PROVISION_A_OFF: u32 = 4; // u16 attempts | ConfirmAfter << 3; boot word; units of 256 bytes a slot
export enum ProvisionWhat {
  /** how what was begun went: BUSY, or its result */
  RESULT = 0,
  ACTIVATE = 1,
  CONFIRM = 2,
  ROLLBACK = 3,
  BOOT_WORD = 4,
  FORMAT = 5,
}
export const CONFIG_FIRST_OFF: u32 = 2; // u8 bits 0-2 NodeWord, bits 3-5 parts of the change before this one, CONFIG_MORE; then u16 word
export const CONFIG_PART_SHIFT: u32 = 3;
/** The words are kept aside: further parts of the change follow. */
export const CONFIG_MORE: u32 = 0x80;
export const CONFIG_SECOND_OFF: u32 = 5; // u8 NodeWord or CONFIG_NONE, then u16 word
export const CONFIG_NONE: u32 = 255;
export const STORE_WHAT_OFF: u32 = 2; // u8 StoreWhat
export const STORE_A_OFF: u32 = 3; // u16 cells; of RESET 1: factory cells stay
export const STORE_B_OFF: u32 = 5; // u16 extents of 64 bytes
export enum StoreWhat {
  FORMAT = 1,
  RESET = 2,
}
export const BOOT_WHAT_OFF: u32 = 2; // u8 1: hold, 2: start
export enum BootWhat {
  HOLD = 1,
  START = 2,
}
export const RESET_WHAT_OFF: u32 = 2; // u8 1: into the bootloader
export const RESET_KEY_OFF: u32 = 4; // u32 RESET_KEY, so that no stray frame resets a node
export const RESET_KEY: u32 = 0x54534552;
export const LEVEL_OFF: u32 = 2; // u8 Level asked for; the other bytes are 0 until nodes authenticate
/** The highest level granted over CAN; over a serial line it is the highest there is. */
export const LEVEL_MAX: u32 = 2;

// ---- What a node says: 8 bytes; bits 6-7 of the first are Say ----
export const SAY_SHIFT: u32 = 6;
export enum Say {
  ANSWER = 0,
  RECORD = 1,
  STATUS = 2,
  HELLO = 3,
}
/** In the first byte of ANSWER and RECORD: bits 0-2 sequence and bits 3-5 master of the request. In that of STATUS: bits 3-5 master of the load. */
export const SAY_MASTER_SHIFT: u32 = 3;
export const ANSWER_STATUS_OFF: u32 = 1; // u8 -Err; of CALL: CALL_STATUS + CommandStatus
export const ANSWER_RESULT_OFF: u32 = 2; // 6 bytes
export const CALL_STATUS: u32 = 128;
export const RECORD_PIECE_OFF: u32 = 1; // u8
export const RECORD_DATA_OFF: u32 = 2; // 6 bytes
export const RECORD_PIECE_BYTES: u32 = 6;
export const STATUS_SESSION_OFF: u32 = 1; // u8
export const STATUS_EVENT_OFF: u32 = 2; // u8 bits 0-3 LoadEvent, bits 4-7 LoadPhase
export const STATUS_CODE_OFF: u32 = 3; // u8 -Err
export const STATUS_TASK_OFF: u32 = 4; // u8 pid, or TASK_STORED + stored slot; 0: none
export const TASK_STORED: u32 = 0x80;
export const STATUS_BYTES_OFF: u32 = 5; // u24 bytes that came; of ERROR: place in the file
export const STATUS_PHASE_SHIFT: u32 = 4;
/** provisioning.started and so on */
export enum LoadEvent {
  NONE = 0,
  STARTED = 1,
  PROGRESS = 2,
  COMPLETE = 3,
  ERROR = 4,
  ABORTED = 5,
  PERSISTED = 6,
  ROLLBACK = 7,
}
export enum LoadPhase {
  IDLE = 0,
  /** the slot is being made free or erased */
  CLEARING = 1,
  RECEIVING = 2,
  CHECKING = 3,
  /** everything is ready for the change-over */
  PREPARED = 4,
  STARTING = 5,
  /** the header of a stored slot, or a record, is being written */
  STORING = 6,
}
export const HELLO_FIRMWARE_OFF: u32 = 1; // u16 hash of the firmware
export const HELLO_APPS_OFF: u32 = 3; // u32 sum of the CRC-32 of the images that tasks have
export const HELLO_STATE_OFF: u32 = 7; // u8 HelloFlag, in bits 6-7 the protocol's version
export const HELLO_VERSION_SHIFT: u32 = 6;
export enum HelloFlag {
  /** the boot waits for a master */
  WAITING = 1,
  LOADING = 2,
  PREPARED = 4,
  TRIAL = 8,
  /** a task has faulted, and does not restart */
  FAULTED = 16,
  /** the store is there and not ready */
  STORE = 32,
}

// ---- PUB, 5 bytes ----
export const PUB_OID_OFF: u32 = 0; // u16
export const PUB_VALUE_OFF: u32 = 2; // u16 binary16
export const PUB_COUNT_OFF: u32 = 4; // u8 PUB frames of the node so far
export const PUB_BYTES: u32 = 5;

// ---- DATA ----
export const DATA_BYTES: u32 = 8;
/** Every byte of a DATA frame is XORed with this: images are full of zeros, which would cost stuff bits. */
export const DATA_WHITENING: u32 = 0x55;
/** Frames of a window; its bytes are 8 times that. */
export const WINDOW_FRAMES: u32 = 128;
export const WINDOW_BYTES: u32 = 1024;
/** Bits of the shortest DATA frame, intermission included. */
export const DATA_BITS_MIN: u32 = 111;
/** In a stream the other parity bit means the next window for less than this many bits after a DATA frame: 112 of 111 bits, the
 * shortest. A window has 128; the rest is for the clock, and for frames that wait in a node. */
export const STREAM_BITS: u32 = 12432;
/** Ms that are at 1 Mbit/s; and on a serial line, whose rate a node does not know. */
export const STREAM_LEAST_MS: u32 = 12;
/** Ms without a frame of its session after which a node gives a load up, and ms it may take in all. */
export const LOAD_SILENCE_MS: u32 = 3000;
export const LOAD_TOTAL_MS: u32 = 120000;

// ---- Node record ----
export const NODE_RECORD_VERSION_OFF: u32 = 0; // u8 PROTOCOL_VERSION
export const NODE_RECORD_PROFILE_OFF: u32 = 1; // u8
export const NODE_RECORD_ID_OFF: u32 = 2; // u8 0: none
export const NODE_RECORD_ROLE_OFF: u32 = 3; // u8
export const NODE_RECORD_FIRMWARE_OFF: u32 = 4; // u16 as in HELLO
export const NODE_RECORD_BASE_OFF: u32 = 6; // u16 first identifier of the block
export const NODE_RECORD_RATE_OFF: u32 = 8; // u16 kbit/s; 0: not known
export const NODE_RECORD_STATE_OFF: u32 = 10; // u8 as in HELLO
export const NODE_RECORD_RESET_OFF: u32 = 11; // u8 ResetCause
export const NODE_RECORD_ARENA_OFF: u32 = 12; // u32 bytes
export const NODE_RECORD_FREE_OFF: u32 = 16; // u32 bytes of it no block holds
export const NODE_RECORD_MS_OFF: u32 = 20; // u32 clock
export const NODE_RECORD_UID_OFF: u32 = 24; // u8 length, then 16 bytes
export const NODE_RECORD_BOARD_OFF: u32 = 41; // u8 length, then the board's name, at most 22 bytes
export const NODE_RECORD_BYTES: u32 = 64;

// ---- Serial line: frame = FLAG, stuffed { u8 offset, low byte; u8 offset, high byte | length << 4; data; u16 lower bits of their CRC-32 }, FLAG ----
export const SERIAL_FLAG: u32 = 0xfe;
export const SERIAL_ESCAPE: u32 = 0xfd;
/** An escaped byte is XORed with this. */
export const SERIAL_FLIP: u32 = 0x20;
/** Bytes before the data, and behind it. */
export const SERIAL_HEAD_BYTES: u32 = 2;
export const SERIAL_SUM_BYTES: u32 = 2;
/** Ms between two bytes of a frame after which what came of it is dropped. */
export const SERIAL_GAP_MS: u32 = 50;
