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
  /** the value is declared read-only; declare another init, or another flag */
  READ_ONLY = -6,
  /** outside what is declared, the refusal tells the limits; choose a number between them */
  RANGE = -7,
  /** an argument no call accepts; correct it */
  INVALID = -8,
  /** a table of the profile is full, the refusal tells which, the need and what there is; remove a task, or declare less */
  FULL = -9,
  /** the arena is full, the refusal tells the need and what there is; remove a task, or declare less */
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
  /** the store was found damaged or foreign and is mounted read-only; inspect, then format it by command */
  STORE_READ_ONLY = -21,
  /** the memory has been written as often as its data sheet allows, so nothing is saved; replace the chip */
  WORN = -22,

  // ---- Refusals of an image: `offset` of the refusal is the place in the file ----
  /** byte 0..3 is not "HSXE", so this is no HXE image; load another file */
  HXE_MAGIC = -32,
  /** the version is neither 1 nor 2; link the app again with this toolchain */
  HXE_VERSION = -33,
  /** a flag this loader does not know; link the app again, or update the node */
  HXE_FLAGS = -34,
  /** entry is not a multiple of 4 inside the code; name a label of the code as entry */
  HXE_ENTRY = -35,
  /** code_len is 0, not a multiple of 4, or more than 65,536; link the app again, smaller */
  HXE_CODE_LEN = -36,
  /** ro_len is more than 65,536; declare less data */
  HXE_RO_LEN = -37,
  /** ro_len and bss_size are more than 65,536, or leave no room for the stack; declare less data or stack */
  HXE_BSS = -38,
  /** req_caps asks for what this node lacks or does not know; load it on a node that has it */
  HXE_CAPS = -39,
  /** the checksum does not match; transfer the file again */
  HXE_CRC = -40,
  /** the file ends before its sections do; transfer the whole file */
  HXE_TRUNCATED = -41,
  /** app_name is not ASCII; give the app another name */
  HXE_NAME = -42,
  /** a reserved byte is not zero; link the app again, or update the node */
  HXE_RESERVED = -43,
  /** the metadata table lies outside the file or over code, rodata or manifest, or has too many entries; link the app again */
  HXE_TABLE = -44,
  /** a metadata section lies outside the file or shares bytes with another; link the app again */
  HXE_SECTION = -45,
  /** a string offset lies outside its section, or the string lacks its NUL or is not UTF-8; link the app again */
  HXE_STRING = -46,
  /** a value entry is cut off or holds what cannot be; correct the declaration */
  HXE_VALUE = -47,
  /** a command entry is cut off or holds what cannot be; correct the declaration */
  HXE_COMMAND = -48,
  /** a mailbox entry is cut off or holds what cannot be; correct the declaration */
  HXE_MAILBOX = -49,
  /** mailbox metadata is not the JSON it should be; correct it */
  HXE_JSON = -50,
  /** the .stack section is malformed or asks for more than there can be; declare less stack or data */
  HXE_STACK = -51,
  /** the embedded manifest is cut off or not JSON; correct it */
  HXE_MANIFEST = -52,
  /** one id, key, mailbox or stack is declared twice in the image; remove one declaration */
  HXE_DUPLICATE = -53,

  // ---- Refusals of a load: the image is sound, the node cannot take it ----
  /** a single-instance app of that name is loaded; replace it */
  APP_EXISTS = -64,
  /** another task holds the id of a value or command, see the refusal; load with another group base, or replace the holder */
  ID_TAKEN = -65,
  /** another task holds the persist key, see the refusal; load with another key base, or replace the holder */
  KEY_TAKEN = -66,
  /** more bytes came than announced; begin again with the length of the file */
  LENGTH = -67,

  // ---- Refusals about stored images, trials and configuration ----
  /** nothing whole was ever put into the slot; stage an image there */
  SLOT_EMPTY = -80,
  /** what the slot holds is not what was put there; stage the image again */
  SLOT_DAMAGED = -81,
  /** an app needs the slot, or runs from it, the refusal names it; take another slot, or kill the task it names */
  SLOT_IN_USE = -82,
  /** the image is longer than the slot, see the refusal; format larger slots */
  SLOT_SMALL = -83,
  /** one trial at a time, the refusal names the app; confirm it or roll it back first */
  IN_TRIAL = -84,
  /** nothing is on trial; there is nothing to confirm */
  NO_TRIAL = -85,
  /** the app has no earlier image; activate another slot */
  NO_FALLBACK = -86,
  /** the image is meant for another node, see the refusal; send it there */
  WRONG_NODE = -87,

  // ---- Refusals of a card: `offset` of the refusal is the block ----
  /** no file system was found; format the card as FAT32 or FAT16 */
  CARD_BLANK = -96,
  /** the card is formatted as FAT12, which only cards below 8 MB need; format it as FAT16 or FAT32 */
  CARD_FAT12 = -97,
  /** the card is formatted as exFAT; format it as FAT32 */
  CARD_EXFAT = -98,
  /** the card is formatted as NTFS; format it as FAT32 */
  CARD_NTFS = -99,
  /** the file system counts in sectors of another size than 512 bytes, see the refusal; format the card anew */
  CARD_FORMAT = -100,
  /** the file system contradicts itself, or ends behind the card; copy what is needed, then format the card anew */
  CARD_DAMAGED = -101,
  /** the root of the card has no file of the name in the refusal; copy it there under its 8.3 name */
  CARD_NO_FILE = -102,
  /** an image on the card is not the one its manifest names, see the refusal; make the card again */
  CARD_IMAGE = -103,

  // ---- Refusals of a manifest ----
  /** the file is no manifest, or of a format this node does not know; make the card again, or update the node */
  MANIFEST_FORMAT = -104,
  /** the manifest contradicts itself, or its sum does not match; make the card again */
  MANIFEST_DAMAGED = -105,
  /** the manifest is of another plant than the one the node belongs to, see the refusal; use the right card, or reset the store */
  MANIFEST_PLANT = -106,
  /** the node has taken a newer version of the manifest, see the refusal; use the newer card, or reset the store */
  MANIFEST_OLD = -107,
  /** the manifest has nothing for this node; name its id, UID or role in the manifest */
  MANIFEST_NODE = -108,
  /** an app was not well in its time, so those behind it were not started; look at the app, then restart the node */
  UNWELL = -109,

  // ---- One more refusal of a card ----
  /** the card has a GPT partition table; make it anew with an MBR, or without partitions, and FAT16 or FAT32 */
  CARD_GPT = -110,
}
