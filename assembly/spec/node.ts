// Numbers that host and core share about a running node: states, stops, events, records in the I/O buffer.

/** Pid of the host, of no task. */
export const HOST_PID: u32 = 0;
/** Pids run from 1 to this and start over; one in use is passed by. */
export const PID_MAX: u32 = 250;
/** "No time at all": nothing is due. */
export const NEVER: u32 = 0xffffffff;

/** State of a task. */
export enum TaskState {
  NONE = 0,
  /** registered, not yet visible */
  LOADING = 1,
  READY = 2,
  SLEEPING = 3,
  /** in a mailbox RECV */
  RECEIVING = 4,
  /** in a command call, until the handler returns */
  CALLING = 5,
  /** stopped by BRK or by the host */
  PAUSED = 6,
  EXITED = 7,
  RETURNED = 8,
  FAULTED = 9,
  /** waits for its restart after a fault */
  BACKING_OFF = 10,
  /** in a UART_WRITE, until the console has taken it all */
  WRITING = 11,
  /** in VAL_REGISTER, until the store has told what it holds */
  RESTORING = 12,
}

/** Why the MiniVM stopped. */
export enum Stop {
  BUDGET = 0,
  SVC = 1,
  BRK = 2,
  /** RET with no CALL outstanding */
  RETURN = 3,
  MEMORY = 4,
  DIV_ZERO = 5,
  STACK_OVERFLOW = 6,
  STACK_UNDERFLOW = 7,
  ILLEGAL = 8,
  PC = 9,
  /** the next instruction is not in the code window: the task goes on when the device has given it */
  LINE = 10,
  /** the device that holds the code cannot be read */
  CODE = 11,
}

/** Bits of the node's mode; only a desktop node knows those of the reference. */
export enum NodeMode {
  /** as the recorded reference: flat 64 KiB of data memory, its stack placement, stdio made at load, its gaps kept */
  REFERENCE = 1,
  /** a single MiniVM without an executive: pid 0, no values, mailboxes by polling */
  BARE = 2,
  /** module E: sin, cos, exp */
  LIBM = 4,
}

/** Keys of hsx_config_get and hsx_config_set. */
export enum Config {
  /** instructions a turn, 1 to 65,535; may be set */
  QUANTUM = 0,
  /** NodeMode bits; may be set on a desktop node before anything is loaded */
  MODE = 1,
  /** most descriptors in use at once; may be set, up to DESCRIPTOR_MAX */
  DESCRIPTOR_LIMIT = 2,
  /** most handles a task; may be set, up to HANDLE_MAX */
  HANDLE_LIMIT = 3,
  /** authority of the session the host speaks with (Level); may be set */
  LEVEL = 4,
  TASK_MAX = 16,
  VALUE_MAX = 17,
  COMMAND_MAX = 18,
  DESCRIPTOR_MAX = 19,
  HANDLE_MAX = 20,
  EVENT_MAX = 21,
  /** bytes of the I/O buffer */
  IO_BYTES = 22,
  ARENA_BYTES = 23,
  /** bytes of the arena no block holds */
  ARENA_FREE = 24,
  /** bytes of stack of an image that declares none */
  STACK_DEFAULT = 25,
  /** 0 small, 1 large, 2 desktop */
  PROFILE = 26,
  /** first address behind the core's state */
  STATE_END = 27,
  /** counter: events overwritten before they were read */
  EVENTS_DROPPED = 28,
  /** counter: instructions retired since power-on */
  STEPS = 29,
  /** counter: frames a mailbox had no room for */
  CAN_DROPPED = 30,
  /** counter: console bytes a mailbox had no room for */
  UART_DROPPED = 31,
  /** counter: value notifications a mailbox had no room for */
  NOTICES_DROPPED = 32,
}

/** Why the node last started. */
export enum ResetCause {
  POWER_ON = 0,
  BROWN_OUT = 1,
  WATCHDOG = 2,
  SOFTWARE = 3,
  PIN = 4,
}

/** What a refusal was about, when a number ran out. */
export enum Resource {
  NONE = 0,
  TASKS = 1,
  MEMORY = 2,
  VALUES = 3,
  COMMANDS = 4,
  DESCRIPTORS = 5,
  HANDLES = 6,
  SUBSCRIPTIONS = 7,
  CALLS = 8,
  FILES = 9,
  CELLS = 10,
  STACK = 11,
  MAILBOX = 12,
  SLOTS = 13,
  FILTERS = 14,
  APPS = 15,
}

// ---- Refusal, 64 bytes: the reason of the last call that failed ----
export const REFUSAL_CODE_OFF: u32 = 0; // i32 Err
export const REFUSAL_OFFSET_OFF: u32 = 4; // u32 place in the file
export const REFUSAL_NEED_OFF: u32 = 8; // u32 what was needed, or found
export const REFUSAL_HAVE_OFF: u32 = 12; // u32 what there is, or was expected
export const REFUSAL_RESOURCE_OFF: u32 = 16; // u8 Resource
export const REFUSAL_PID_OFF: u32 = 17; // u8 who holds what was asked for
export const REFUSAL_OID_OFF: u32 = 18; // u16 id or key in question
export const REFUSAL_NAME_OFF: u32 = 20; // u8 length, then up to 32 bytes of text
export const REFUSAL_BYTES: u32 = 64;

/** Types of events. `a` and `b` are told beside each. */
export enum EventType {
  NONE = 0,
  /** power-on; a: ResetCause */
  STARTED = 1,
  /** a: bytes so far / 64, b: bytes in all */
  LOAD_PROGRESS = 2,
  /** pid runs; a: restarts it has, b: CRC-32 of the file */
  LOADED = 3,
  /** a: -Err, b: place in the file */
  REFUSED = 4,
  /** pid ended by TASK_EXIT or RET; b: R0 */
  EXITED = 5,
  /** a: Stop, b: pc */
  FAULTED = 6,
  /** pid runs again from its entry; a: restarts left, b: CRC-32 of the file */
  RESTARTED = 7,
  /** pid and all it had are gone */
  KILLED = 8,
  /** a: oid, b: old | new << 16 */
  VALUE_CHANGED = 9,
  /** a: oid, b: key | f16 << 16 */
  VALUE_SAVED = 10,
  /** a stored value was unreadable: init holds; a: oid, b: key */
  VALUE_STALE = 11,
  /** a: oid, b: caller's pid */
  COMMAND_CALLED = 12,
  /** a: oid, b: status | result << 16 */
  COMMAND_DONE = 13,
  /** a send found no room; a: descriptor, b: bytes used | capacity << 16 */
  MAILBOX_FULL = 14,
  /** a reader missed messages; a: descriptor */
  MAILBOX_OVERRUN = 15,
  /** pid stopped at BRK; a: code, b: pc */
  BREAK = 16,
  /** the store; a: StoreState, b: damaged cells */
  STORE = 17,
  /** a save failed; a: oid, b: -Err */
  SAVE_FAILED = 18,
  /** PROV_CONFIRM: the app says it is well */
  CONFIRMED = 19,
  PAUSED = 20,
  RESUMED = 21,
  /** what was stored was not taken as it is; a: oid, b: ValueOrigin | stored f16 << 16 */
  VALUE_ADJUSTED = 22,
  /** a value is saved too often for its medium and waits; a: oid, b: ms until it is saved */
  SAVE_HELD = 23,
  /** an activation record was written; a: app, APPS_MAX or the profile's limit: the configuration, b: the record */
  ACTIVATION = 24,
  /** the medium of the store has borne what it may: no value is saved any more; b: its uses */
  WORN = 25,
  /** a load was taken back before its time; a: -Err, or 0 */
  LOAD_ABORTED = 26,
  /** an earlier image comes back; a: app */
  ROLLED_BACK = 27,
  /** the card; a: 0: its manifest is taken, b: plant | version << 16; a: -Err: it counts for nothing, or no more, b: block or number in question */
  CARD = 29,
  /** an app is not well in its time; pid, or 0: it does not run; a: its start group, b: CRC-32 of its image */
  UNWELL = 30,
  /** a word of the node was damaged beyond mending and counts as not stored; a: its key */
  WORD_LOST = 28,
}

// ---- Event, 16 bytes ----
export const EVENT_SEQ_OFF: u32 = 0; // u32
export const EVENT_MS_OFF: u32 = 4; // u32 node time
export const EVENT_TYPE_OFF: u32 = 8; // u8 EventType
export const EVENT_PID_OFF: u32 = 9; // u8
export const EVENT_A_OFF: u32 = 10; // u16
export const EVENT_B_OFF: u32 = 12; // u32
export const EVENT_BYTES: u32 = 16;

// ---- Task record ----
export const TASK_PID_OFF: u32 = 0; // u8
export const TASK_STATE_OFF: u32 = 1; // u8 TaskState
export const TASK_STOP_OFF: u32 = 2; // u8 Stop: why its last run ended
export const TASK_FLAGS_OFF: u32 = 3; // u8 bit 0: confirmed by PROV_CONFIRM; bit 1: its code is read from its stored slot through a code window
export const TASK_PC_OFF: u32 = 4; // u32
export const TASK_SP_OFF: u32 = 8; // u32
export const TASK_STEPS_OFF: u32 = 12; // u32
export const TASK_TIMER_OFF: u32 = 16; // u32 ms until it wakes, or NEVER
export const TASK_PSW_OFF: u32 = 20; // u8 Psw
export const TASK_RESTARTS_OFF: u32 = 21; // u8 restarts left
export const TASK_STACK_OFF: u32 = 22; // u16 bytes of stack
export const TASK_CRC_OFF: u32 = 24; // u32 over every byte of its image
export const TASK_BYTES_OFF: u32 = 28; // u32 length of its image
export const TASK_CODE_OFF: u32 = 32; // u32 bytes of code
export const TASK_DATA_OFF: u32 = 36; // u32 bytes of rodata, data and bss
export const TASK_REGS_OFF: u32 = 40; // u32 x 16
export const TASK_NAME_OFF: u32 = 104; // u8 length, then the name
export const TASK_SOURCE_OFF: u32 = 136; // u8 Source
export const TASK_RECORD_BYTES: u32 = 137;

// ---- Value record ----
export const VALUE_RECORD_OID_OFF: u32 = 0; // u16
export const VALUE_RECORD_VALUE_OFF: u32 = 2; // u16 binary16
export const VALUE_RECORD_INIT_OFF: u32 = 4; // u16 binary16
export const VALUE_RECORD_EPSILON_OFF: u32 = 6; // u16 binary16
export const VALUE_RECORD_MIN_OFF: u32 = 8; // u16 binary16; min and max both 0: no limits
export const VALUE_RECORD_MAX_OFF: u32 = 10; // u16 binary16
export const VALUE_RECORD_KEY_OFF: u32 = 12; // u16
export const VALUE_RECORD_RATE_OFF: u32 = 14; // u16 ms
export const VALUE_RECORD_FLAGS_OFF: u32 = 16; // u8 ValueFlag
export const VALUE_RECORD_AUTH_OFF: u32 = 17; // u8 Level
export const VALUE_RECORD_OWNER_OFF: u32 = 18; // u8 pid
export const VALUE_RECORD_BITS_OFF: u32 = 19; // u8 ValueRecordBit
export const VALUE_RECORD_ORIGIN_OFF: u32 = 20; // u8 ValueOrigin
export const VALUE_RECORD_NAME_OFF: u32 = 21; // three texts, each u8 length and bytes: name, group, unit
export const VALUE_RECORD_TEXT_MAX: u32 = 48; // bytes of each text that are told

/** Where a value came from when its app was loaded, or it was registered. */
export enum ValueOrigin {
  /** nothing was stored: `init` */
  INIT = 0,
  /** what was stored, or what the app before had */
  KEPT = 1,
  /** what it left the factory with */
  FACTORY = 2,
  /** what was stored lay outside the range: the nearest limit, or `init` for a NaN */
  CLAMPED = 3,
  /** what was stored has another unit, or is BOOL where this is not: `init` */
  DROPPED = 4,
}

/** What a value record tells of a value's state. */
export enum ValueRecordBit {
  /** belongs to nobody any more and waits to be saved; not listed */
  GHOST = 4,
  DIRTY = 8,
  STALE = 16,
  LOAD_ONLY = 64,
}

// ---- Command record ----
export const COMMAND_RECORD_OID_OFF: u32 = 0; // u16
export const COMMAND_RECORD_FLAGS_OFF: u32 = 2; // u8 CommandFlag
export const COMMAND_RECORD_AUTH_OFF: u32 = 3; // u8 Level
export const COMMAND_RECORD_OWNER_OFF: u32 = 4; // u8 pid
export const COMMAND_RECORD_NAME_OFF: u32 = 8; // three texts, each u8 length and bytes: name, group, help

// ---- Mailbox record ----
export const MAILBOX_RECORD_CAPACITY_OFF: u32 = 0; // u16 bytes
export const MAILBOX_RECORD_USED_OFF: u32 = 2; // u16 bytes
export const MAILBOX_RECORD_COUNT_OFF: u32 = 4; // u16 messages
export const MAILBOX_RECORD_OWNER_OFF: u32 = 6; // u16 pid, 0xFFFF: none
export const MAILBOX_RECORD_MODE_OFF: u32 = 8; // u8 MailboxMode
export const MAILBOX_RECORD_NAMESPACE_OFF: u32 = 9; // u8 Namespace
export const MAILBOX_RECORD_HANDLES_OFF: u32 = 10; // u16 open handles
export const MAILBOX_RECORD_NAME_OFF: u32 = 12; // u8 length, then the full name

// ---- Message record ----
export const MESSAGE_RECORD_LENGTH_OFF: u32 = 0; // u16 whole length
export const MESSAGE_RECORD_FLAGS_OFF: u32 = 2; // u16
export const MESSAGE_RECORD_CHANNEL_OFF: u32 = 4; // u16
export const MESSAGE_RECORD_SOURCE_OFF: u32 = 6; // u16 pid
export const MESSAGE_RECORD_DATA_OFF: u32 = 8; // what fits of it

// ---- Store record ----
export const STORE_RECORD_STATE_OFF: u32 = 0; // u8 StoreState
export const STORE_RECORD_MEDIUM_OFF: u32 = 1; // u8 NvMedium
export const STORE_RECORD_CELLS_OFF: u32 = 2; // u16
export const STORE_RECORD_LIVE_OFF: u32 = 4; // u16
export const STORE_RECORD_FREE_OFF: u32 = 6; // u16
export const STORE_RECORD_DAMAGED_OFF: u32 = 8; // u16
export const STORE_RECORD_RETIRED_OFF: u32 = 10; // u16
export const STORE_RECORD_EPOCH_OFF: u32 = 12; // u16
export const STORE_RECORD_SCHEMA_OFF: u32 = 14; // u16
export const STORE_RECORD_SAVED_OFF: u32 = 16; // u32 cells committed since the mount
export const STORE_RECORD_PROGRAMMED_OFF: u32 = 20; // u32 bytes programmed since the mount
export const STORE_RECORD_SIZE_OFF: u32 = 24; // u32 bytes of the device
export const STORE_RECORD_CAPACITY_OFF: u32 = 28; // u32 cells it could hold
export const STORE_RECORD_WEAR_OFF: u32 = 32; // u32 commits since the medium was new; on flash, page turns
export const STORE_RECORD_WEAR_MAX_OFF: u32 = 36; // u32 what it bears of them; 0: more than there can be, or the store is not ready
export const STORE_RECORD_LEFT_OFF: u32 = 40; // u32 updates that are left, or NEVER
export const STORE_RECORD_BYTES: u32 = 44;

// ---- Cell record ----
export const CELL_RECORD_KEY_OFF: u32 = 0; // u16
export const CELL_RECORD_VALUE_OFF: u32 = 2; // u16
export const CELL_RECORD_TYPE_OFF: u32 = 4; // u8 CellType
export const CELL_RECORD_GENERATION_OFF: u32 = 5; // u8, of hsx_cell_info like what follows
export const CELL_RECORD_ADDRESS_OFF: u32 = 8; // u32 on the device

// ---- App record ----
export const APP_RECORD_ACTIVATION_OFF: u32 = 0; // u16 activation record
export const APP_RECORD_BOOT_OFF: u32 = 2; // u16 boot word
export const APP_RECORD_PID_OFF: u32 = 4; // i16 of the task that was started from its slot; 0: none; below 0: Err, why it could not be
export const APP_RECORD_NAME_OFF: u32 = 16; // u8 length, then the app's name in its active slot

// ---- Start record: what the card has the node start ----
export const START_RECORD_STATE_OFF: u32 = 0; // u8 StartState
export const START_RECORD_ERROR_OFF: u32 = 1; // u8 -Err: why the card counts for nothing, or an app of it was not started; 0: nothing is wrong
export const START_RECORD_APPS_OFF: u32 = 2; // u8 apps the manifest has for this node
export const START_RECORD_GROUP_OFF: u32 = 3; // u8 start group that was reached
export const START_RECORD_DONE_OFF: u32 = 4; // u16 one bit an app, in the order of the manifest: its turn has come
export const START_RECORD_PLANT_OFF: u32 = 6; // u16
export const START_RECORD_VERSION_OFF: u32 = 8; // u16
export const START_RECORD_NODE_OFF: u32 = 10; // u8 its record in the manifest, from 1; 0: none
export const START_RECORD_BYTES: u32 = 12;

/** How far a node is with what the card says. */
export enum StartState {
  /** no card is asked for */
  NONE = 0,
  /** the manifest is read, or values are set */
  READING = 1,
  /** apps are started */
  STARTING = 2,
  /** an app is waited for until it is well */
  HOLDING = 3,
  DONE = 4,
  /** a master has its time */
  WAITING = 5,
}

// ---- Stored slot record ----
export const STORED_RECORD_LENGTH_OFF: u32 = 0; // i32 bytes of the file, or SLOT_EMPTY, SLOT_DAMAGED
export const STORED_RECORD_CRC_OFF: u32 = 4; // u32 over every byte of the file, as the header says
export const STORED_RECORD_ADDRESS_OFF: u32 = 8; // u32 of the slot on the device
export const STORED_RECORD_ROOM_OFF: u32 = 12; // u32 bytes of the longest file
export const STORED_RECORD_NAME_OFF: u32 = 16; // u8 length, then the app's name

// ---- Slot record ----
export const SLOT_RECORD_BYTES_OFF: u32 = 0; // u32 length of the image; 0: free
export const SLOT_RECORD_CRC_OFF: u32 = 4; // u32
export const SLOT_RECORD_USERS_OFF: u32 = 8; // u8 tasks that run from it
export const SLOT_RECORD_VERIFIED_OFF: u32 = 9; // u8 1: whole and sound
export const SLOT_RECORD_NAME_OFF: u32 = 12; // u8 length, then the app's name

/** Registers of hsx_reg_set beyond R0..R15. */
export enum RegIndex {
  PC = 16,
  PSW = 17,
}
