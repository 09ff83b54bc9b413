// Error codes inside the core and at its exports. Negative, so that a call may return a count.
// Numbers are never reused. Each line: what the caller can do.

export enum Err {
  OK = 0,
  /** not built into this node; do without */
  UNSUPPORTED = -1,
  /** the device failed; try again, then look at the wiring */
  IO = -2,
  /** no such task, value, command, mailbox, handle or file; list what there is */
  NOT_FOUND = -3,
  /** the name or id is taken; choose another or remove the holder */
  EXISTS = -4,
  /** the caller's level or ownership does not allow it; use a session of a higher level */
  NO_ACCESS = -5,
  /** the value is declared read-only */
  READ_ONLY = -6,
  /** outside the declared minimum and maximum; the refusal tells both */
  RANGE = -7,
  /** an argument no call accepts; correct it */
  INVALID = -8,
  /** a table of the profile is full; the refusal tells which, the need and what there is */
  FULL = -9,
  /** the arena is full; the refusal tells the need and what there is */
  NO_MEMORY = -10,
  /** the wait ended without an answer; try again */
  TIMEOUT = -11,
  /** nothing there now; poll again later */
  NO_DATA = -12,
  /** no room now; try again when the reader has read */
  WOULD_BLOCK = -13,
  /** larger than the mailbox, buffer or store can ever hold; send less */
  TOO_LARGE = -14,
  /** the task has ended; restart or replace it */
  ENDED = -15,
  /** resource held; call again after the next poll */
  BUSY = -16,
  /** stored bytes fail their check; restore them or reset the store */
  CORRUPT = -17,
  /** not possible in the present state; the state tells what is */
  STATE = -18,
  /** no device answers; check that it is fitted */
  ABSENT = -19,
  /** the handler ended without an answer; look at its task */
  HANDLER = -20,
  /** the store was found damaged or foreign and is mounted read-only; inspect, then reset it by command */
  STORE_READ_ONLY = -21,

  // ---- Refusals of an image: `offset` of the refusal is the place in the file ----
  /** byte 0..3 is not "HSXE"; this is no HXE image */
  HXE_MAGIC = -32,
  /** the version is neither 1 nor 2 */
  HXE_VERSION = -33,
  /** a flag this loader does not know */
  HXE_FLAGS = -34,
  /** entry is not a multiple of 4 inside the code */
  HXE_ENTRY = -35,
  /** code_len is 0, not a multiple of 4, or more than 65,536 */
  HXE_CODE_LEN = -36,
  /** ro_len is more than 65,536 or leaves no room for the stack */
  HXE_RO_LEN = -37,
  /** bss_size is more than 65,536 or leaves no room for the stack */
  HXE_BSS = -38,
  /** req_caps asks for what this node lacks or does not know */
  HXE_CAPS = -39,
  /** the checksum does not match; transfer the file again */
  HXE_CRC = -40,
  /** the file ends before its sections do */
  HXE_TRUNCATED = -41,
  /** app_name is not ASCII */
  HXE_NAME = -42,
  /** a reserved byte is not zero */
  HXE_RESERVED = -43,
  /** the metadata table lies outside the file or over code, rodata or manifest */
  HXE_TABLE = -44,
  /** a metadata section lies outside the file */
  HXE_SECTION = -45,
  /** a string offset lies outside its section, lacks its NUL or is not UTF-8 */
  HXE_STRING = -46,
  /** a value entry is cut off or holds what cannot be */
  HXE_VALUE = -47,
  /** a command entry is cut off or holds what cannot be */
  HXE_COMMAND = -48,
  /** a mailbox entry is cut off or holds what cannot be */
  HXE_MAILBOX = -49,
  /** mailbox metadata is not the JSON it should be */
  HXE_JSON = -50,
  /** the .stack section is malformed or asks for more than there can be */
  HXE_STACK = -51,
  /** the embedded manifest is cut off or not JSON */
  HXE_MANIFEST = -52,
  /** one id, key or mailbox is declared twice in the image */
  HXE_DUPLICATE = -53,

  // ---- Refusals of a load: the image is sound, the node cannot take it ----
  /** a single-instance app of that name is loaded; replace it */
  APP_EXISTS = -64,
  /** another task holds the id of a value or command; the refusal names both */
  ID_TAKEN = -65,
  /** another task holds the persist key; the refusal names both */
  KEY_TAKEN = -66,
  /** other bytes came than announced */
  LENGTH = -67,
}
