// Supervisor calls by number: modules, functions, statuses. Explained in docs/abi.md.

/** Version of the SVC ABI that every module implements. */
export const ABI_VERSION: u32 = 1;

/** Bits 11..8 of an SVC immediate. */
export enum Module {
  CORE = 0x0,
  TASK = 0x1,
  CAN = 0x2,
  FILE = 0x4,
  MAILBOX = 0x5,
  EXEC = 0x6,
  VALUE = 0x7,
  COMMAND = 0x8,
  GPIO = 0x9,
  TIME = 0xa,
  LIBM = 0xe,
}

export enum CoreFn {
  GET_STEPS = 0x00,
}
export enum TaskFn {
  EXIT = 0x00,
  UART_WRITE = 0x01,
}
export enum CanFn {
  TX = 0x00,
  FILTER = 0x01,
}
export enum FileFn {
  OPEN = 0x00,
  READ = 0x01,
  WRITE = 0x02,
  CLOSE = 0x03,
  LISTDIR = 0x0a,
  DELETE = 0x0b,
  RENAME = 0x0c,
  MKDIR = 0x0d,
}
export enum MailboxFn {
  OPEN = 0x00,
  BIND = 0x01,
  SEND = 0x02,
  RECV = 0x03,
  PEEK = 0x04,
  TAP = 0x05,
  CLOSE = 0x06,
}
export enum ExecFn {
  SLEEP_MS = 0x00,
  GET_VERSION = 0x01,
  PROV_CONFIRM = 0x02,
}
export enum ValueFn {
  REGISTER = 0x00,
  LOOKUP = 0x01,
  GET = 0x02,
  SET = 0x03,
  LIST = 0x04,
  SUBSCRIBE = 0x05,
  PERSIST = 0x06,
  META = 0x07,
  READ = 0x08,
}
export enum CommandFn {
  REGISTER = 0x00,
  LOOKUP = 0x01,
  CALL = 0x02,
  CALL_ASYNC = 0x03,
  HELP = 0x04,
}
export enum GpioFn {
  READ = 0x00,
  WRITE = 0x01,
  CONFIGURE = 0x02,
}
export enum TimeFn {
  MS = 0x00,
  US = 0x01,
}
export enum LibmFn {
  SIN = 0x00,
  COS = 0x01,
  EXP = 0x02,
}

/** R0 after a fault or an unknown call. */
export const ENOSYS: u32 = 0xffffff01;
export const STACK_UNDERFLOW: u32 = 0xffffff02;
export const STACK_OVERFLOW: u32 = 0xffffff03;
export const MEM_FAULT: u32 = 0xffffff04;
export const DIV_ZERO: u32 = 0xffffff05;
/** Not in the reference, which leaves R0 alone: */
export const ILLEGAL_OPCODE: u32 = 0xffffff06;
export const PC_FAULT: u32 = 0xffffff07;
/** The device with the code cannot be read. */
export const CODE_FAULT: u32 = 0xffffff08;

/** R0 of module 4 when it is no count and no descriptor. */
export enum FileStatus {
  OK = 0,
  /** no such file or descriptor, a name that is taken, an unknown function */
  FAILED = -1,
  /** an unsafe path */
  EINVAL = -22,
  /** no room: files, open files or memory */
  ENOSPC = -28,
}

/** R0 of module 5. */
export enum MailboxStatus {
  OK = 0,
  WOULD_BLOCK = 1,
  INVALID_HANDLE = 2,
  NO_DATA = 3,
  MSG_TOO_LARGE = 4,
  NO_DESCRIPTOR = 5,
  TIMEOUT = 7,
  INTERNAL = 0xff,
}

/** R0 of module 7. */
export enum ValueStatus {
  OK = 0,
  ENOENT = 1,
  EPERM = 2,
  ENOSPC = 3,
  EINVAL = 4,
  EEXIST = 5,
  EBUSY = 6,
}

/** R0 of module 8. */
export enum CommandStatus {
  OK = 0,
  ENOENT = 1,
  EPERM = 2,
  ENOSPC = 3,
  EINVAL = 4,
  EEXIST = 5,
  ENOASYNC = 6,
  EFAIL = 7,
}

// ---- Mailboxes ----

/** Namespaces of mailbox names. */
export enum Namespace {
  PID = 0,
  SVC = 1,
  APP = 2,
  SHARED = 3,
}

/** Mode bits of a mailbox descriptor. */
export enum MailboxMode {
  RDONLY = 0x01,
  WRONLY = 0x02,
  RDWR = 0x03,
  TAP = 0x04,
  FANOUT = 0x08,
  FANOUT_DROP = 0x10,
  FANOUT_BLOCK = 0x20,
}

/** Flag a receiver gets with the first message after some it missed. */
export const MESSAGE_OVERRUN: u32 = 0x0008;
/** Bytes a message costs in a ring beyond its payload. */
export const MESSAGE_HEADER_SIZE: u32 = 8;
/** Capacity of a ring nobody sized, in bytes. */
export const MAILBOX_CAPACITY_DEFAULT: u32 = 64;
/** Most characters of a mailbox name that count. */
export const MAILBOX_NAME_MAX: u32 = 32;
/** A RECV timeout that means for ever. */
export const RECV_FOREVER: u32 = 0xffff;
/** Bytes of RECV's info struct: i32 status, i32 length, u32 flags, u32 channel, u32 source pid. */
export const RECV_INFO_SIZE: u32 = 20;

// ---- Values and commands ----

/** Flag bits of a value. */
export enum ValueFlag {
  RO = 0x01,
  PERSIST = 0x02,
  STICKY = 0x04,
  PIN = 0x08,
  BOOL = 0x10,
  SHARED = 0x20,
}

/** Flag bits of a command. */
export enum CommandFlag {
  PIN = 0x01,
  ASYNC = 0x02,
}

/** Authority of a caller and level of a value or command. */
export enum Level {
  PUBLIC = 0,
  USER = 1,
  ADMIN = 2,
  FACTORY = 3,
}

/** Tags of a descriptor chain in task memory: u8 tag, u8 extra, u16 next (0xFFFF ends). Little-endian. */
export enum DescTag {
  GROUP = 0x01,
  NAME = 0x02,
  UNIT = 0x03,
  RANGE = 0x04,
  PERSIST = 0x05,
  COMMAND_NAME = 0x10,
}
export const DESC_END: u32 = 0xffff;

/** What VAL_PERSIST takes. */
export enum PersistMode {
  VOLATILE = 0,
  LOAD = 1,
  LOAD_SAVE = 2,
}

// ---- What VAL_META lays out: the fields, then the name with a NUL as far as the buffer goes ----
export const VAL_META_OID_OFF: u32 = 0; // u16
export const VAL_META_VALUE_OFF: u32 = 2; // u16 binary16
export const VAL_META_INIT_OFF: u32 = 4; // u16 binary16
export const VAL_META_EPSILON_OFF: u32 = 6; // u16 binary16
export const VAL_META_MIN_OFF: u32 = 8; // u16 binary16
export const VAL_META_MAX_OFF: u32 = 10; // u16 binary16
export const VAL_META_KEY_OFF: u32 = 12; // u16
export const VAL_META_FLAGS_OFF: u32 = 14; // u8 ValueFlag
export const VAL_META_AUTH_OFF: u32 = 15; // u8 Level
export const VAL_META_OWNER_OFF: u32 = 16; // u8 pid
export const VAL_META_BITS_OFF: u32 = 17; // u8 ValueRecordBit
export const VAL_META_NAME_OFF: u32 = 18;

// ---- GPIO ----

/** What GPIO_CONFIGURE takes. */
export enum PinMode {
  INPUT = 0,
  INPUT_PULLUP = 1,
  OUTPUT = 2,
}
/** Edges GPIO_CONFIGURE asks to hear of, added to the mode. */
export enum PinEdge {
  NONE = 0,
  RISING = 0x10,
  FALLING = 0x20,
}
