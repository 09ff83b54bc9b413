// The memory map of one profile, in address order. Each region starts where the previous one ends.

import { APPS_MAX, CONFIG_WORDS, PLANT_WORDS } from "./spec/boot";
import { Desktop, Large, Profile, Small, SMALL_STATE_LIMIT, STATIC_ORIGIN } from "./spec/limits";

// ---- The column of this build ----
const IS_SMALL: bool = PROFILE == Profile.SMALL;
const IS_LARGE: bool = PROFILE == Profile.LARGE;
/** Whether the store can be on flash pages: build constant PAGES. An AVR has no room for what it takes, and no use for it. */
export const HAS_LOG: bool = PAGES != 0;
/** Whether a register of the machine holds a word: build constant WIDE. An AVR's holds a byte. */
export const IS_WIDE: bool = WIDE != 0;
/** Whether blobs are written: build constant BLOBS. Nothing in the node does so yet, so only tests of the store have it. */
export const HAS_BLOBS: bool = BLOBS != 0;
/** Only a desktop node offers the reference's flat 64 KiB, its bare machine and libm. */
export const IS_DESKTOP: bool = PROFILE == Profile.DESKTOP;
/** A build for tests: all code runs through a code window, that of images in memory, too. */
export const IS_WINDOW_FORCED: bool = FORCE_WINDOW != 0;

export const TASK_MAX: usize = IS_SMALL ? Small.TASKS : IS_LARGE ? Large.TASKS : Desktop.TASKS;
export const VALUE_MAX: usize = IS_SMALL ? Small.VALUES : IS_LARGE ? Large.VALUES : Desktop.VALUES;
export const COMMAND_MAX: usize = IS_SMALL
  ? Small.COMMANDS
  : IS_LARGE
    ? Large.COMMANDS
    : Desktop.COMMANDS;
export const DESCRIPTOR_MAX: usize = IS_SMALL
  ? Small.DESCRIPTORS
  : IS_LARGE
    ? Large.DESCRIPTORS
    : Desktop.DESCRIPTORS;
export const HANDLE_MAX: usize = IS_SMALL
  ? Small.HANDLES
  : IS_LARGE
    ? Large.HANDLES
    : Desktop.HANDLES;
export const SUBSCRIPTION_MAX: usize = IS_SMALL
  ? Small.SUBSCRIPTIONS
  : IS_LARGE
    ? Large.SUBSCRIPTIONS
    : Desktop.SUBSCRIPTIONS;
export const EVENT_MAX: usize = IS_SMALL ? Small.EVENTS : IS_LARGE ? Large.EVENTS : Desktop.EVENTS;
export const FILE_MAX: usize = IS_SMALL ? Small.FILES : IS_LARGE ? Large.FILES : Desktop.FILES;
export const OPEN_FILE_MAX: usize = IS_SMALL
  ? Small.OPEN_FILES
  : IS_LARGE
    ? Large.OPEN_FILES
    : Desktop.OPEN_FILES;
export const CALL_MAX: usize = IS_SMALL ? Small.CALLS : IS_LARGE ? Large.CALLS : Desktop.CALLS;
export const PIN_MAX: usize = IS_SMALL ? Small.PINS : IS_LARGE ? Large.PINS : Desktop.PINS;
export const CELL_MAX: usize = IS_SMALL ? Small.CELLS : IS_LARGE ? Large.CELLS : Desktop.CELLS;
export const IO_SIZE: usize = IS_SMALL
  ? Small.IO_BYTES
  : IS_LARGE
    ? Large.IO_BYTES
    : Desktop.IO_BYTES;
export const STACK_SIZE_DEFAULT: usize = IS_SMALL
  ? Small.STACK_BYTES
  : IS_LARGE
    ? Large.STACK_BYTES
    : Desktop.STACK_BYTES;
export const RAM_LIMIT: usize = IS_SMALL
  ? Small.RAM_LIMIT
  : IS_LARGE
    ? Large.RAM_LIMIT
    : Desktop.RAM_LIMIT;
export const ARENA_SHIFT: usize = IS_SMALL
  ? Small.ARENA_SHIFT
  : IS_LARGE
    ? Large.ARENA_SHIFT
    : Desktop.ARENA_SHIFT;

/** Linear addresses, and offsets into what lies in memory, have no bits beyond these. */
export const ADDRESS_MASK: u32 = IS_DESKTOP ? 0xffffffff : 0xffff;

/** Offsets into an image have no bits beyond these: a small node takes no image of 64 KiB or more. */
export const IMAGE_MASK: u32 = IS_SMALL ? 0xffff : 0xffffffff;

// Indexes into tables are cut to these: what a translator sees to lie in memory needs no check when the node runs.
export const TASK_MASK: usize = 0xffff >>> clz<u32>((<u32>(TASK_MAX - 1)) << 16);
export const VALUE_MASK: usize = 0xffff >>> clz<u32>((<u32>(VALUE_MAX - 1)) << 16);
export const COMMAND_MASK: usize = 0xffff >>> clz<u32>((<u32>(COMMAND_MAX - 1)) << 16);
export const DESCRIPTOR_MASK: usize = 0xffff >>> clz<u32>((<u32>(DESCRIPTOR_MAX - 1)) << 16);
export const SUBSCRIPTION_MASK: usize = 0xffff >>> clz<u32>((<u32>(SUBSCRIPTION_MAX - 1)) << 16);
export const CALL_MASK: usize = 0xffff >>> clz<u32>((<u32>(CALL_MAX - 1)) << 16);

/** CAN filters of apps; every controller has at least so many. */
export const FILTER_MAX: usize = 4;
/** Apps with an activation record and a place in the boot list. */
export const APP_MAX: u32 = TASK_MAX < <usize>APPS_MAX ? <u32>TASK_MAX : APPS_MAX;
/** The node's own words: two an app, two of the node, two copies of its configuration, those of its plant. */
export const WORD_MAX: u32 = 2 * APP_MAX + 2 + 2 * CONFIG_WORDS + PLANT_WORDS;
/** Slots: one an instance may run from, and one for the image that arrives. */
export const SLOT_MAX: usize = TASK_MAX + 1;
/** Rows of the handle table: one a task, and the last for the host. */
export const HANDLE_ROW_MAX: usize = TASK_MAX + 1;
export const SLOT_MASK: usize = 0xffff >>> clz<u32>((<u32>(SLOT_MAX - 1)) << 16);
export const HANDLE_PLACE_MASK: usize =
  0xffff >>> clz<u32>((<u32>(HANDLE_ROW_MAX * HANDLE_MAX - 1)) << 16);
export const HANDLE_ROW_MASK: usize = 0xffff >>> clz<u32>((<u32>(HANDLE_ROW_MAX - 1)) << 16);

// ---- The code window of an image whose code stays on the device: image/window.ts fills it, the MiniVM reads it ----
export const WINDOW_LINES: u32 = 8;
/** Bytes of code whose instructions begin in a line. */
export const LINE_SHIFT: u32 = 6;
export const LINE_BYTES: u32 = 1 << LINE_SHIFT;
/** Bytes of a line: with the rest of an instruction of two words that begins in its last byte. */
export const LINE_SIZE: u32 = LINE_BYTES + 8;
/** u8 x 8, which line of code each holds: 1 + its number / WINDOW_LINES; 0: none. */
export const WINDOW_TAGS_OFF: usize = 12;
/** Place of the line that holds the code at offset `pc`. To shift by a whole byte is cheap where a register holds no more. */
export function linePlace(pc: u32): u32 {
  return ((pc << (8 - LINE_SHIFT)) >>> 8) & (WINDOW_LINES - 1);
}
/** What the tag of that place is then. */
export function lineTag(pc: u32): u32 {
  return 1 + ((pc & 0xffff) >>> (LINE_SHIFT + 3));
}
if (WINDOW_LINES != 1 << 3) ERROR("layout: lines of the window");
export const WINDOW_LINES_OFF: usize = WINDOW_TAGS_OFF + WINDOW_LINES;
export const WINDOW_SIZE: usize = WINDOW_LINES_OFF + WINDOW_LINES * LINE_SIZE;

// ---- Sizes of the structs; their owners assert them ----
/** Two banks a page, so that a register file never crosses one (one pointer byte stays fixed on AVR). */
export const TASK_BANK_SIZE: usize = 128;
export const FLAGS_SIZE: usize = IS_WIDE ? 16 : 8;
export const NODE_SIZE: usize = 28;
/** Behind the node: what differs after all was removed again, besides events, the refusal and the I/O buffer. */
export const COUNTERS_SIZE: usize = 52;
export const DESCRIPTOR_SIZE: usize = 24;
export const HANDLE_SIZE: usize = 14;
export const HANDLE_ROW_SIZE: usize = 4 + HANDLE_MAX * HANDLE_SIZE;
export const RECEIVED_SIZE: usize = 16;
export const TARGET_SIZE: usize = 8;
export const VALUE_SIZE: usize = 24;
export const COMMAND_SIZE: usize = 12;
export const SUBSCRIPTION_SIZE: usize = 8;
export const CALL_SIZE: usize = 16;
export const SLOT_SIZE: usize = 16;
/** The first bytes of the session: the check of the image that arrives. */
export const CHECK_SIZE: usize = 64;
export const SESSION_SIZE: usize = 128;
/** Cursors over declared mailboxes: two of the check, one of whoever registers them. */
export const MAILBOX_CURSOR_SIZE: usize = 48;
export const MAILBOX_CURSOR_MAX: usize = 3;
export const REFUSAL_SIZE: usize = 64;
export const SAVER_SIZE: usize = 24;
export const STORE_SIZE: usize = 144;
export const WORDS_SIZE: usize = 8 + 2 * WORD_MAX;
export const PROVISION_SIZE: usize = 20 + ((2 * <usize>APP_MAX + 3) & ~3);
export const PROTOCOL_SIZE: usize = 104;
export const CARD_SIZE: usize = 4;
/** In the arena while the card is in use: a block, what is known of volume and file, a record of the manifest. */
export const CARD_MEMORY: usize = 512 + 60 + 64;
export const PLAN_SIZE: usize = 36;
export const RECEPTION_SIZE: usize = 88;
export const SERIAL_SIZE: usize = 64;
export const FILE_SIZE: usize = 12;
export const OPEN_FILE_SIZE: usize = 8;
export const PIN_SIZE: usize = 2;
export const FILTER_SIZE: usize = 6;
export const EVENT_SIZE: usize = 16;

// ---- The map ----
export const STATIC_BASE: usize = STATIC_ORIGIN; // below it lie an AVR's registers
export const TASKS_BASE: usize = STATIC_BASE;
export const TASKS_SIZE: usize = TASK_MAX * TASK_BANK_SIZE;
/** Scratch of the MiniVM: what the last run left, until a task is removed. */
export const FLAGS_BASE: usize = TASKS_BASE + TASKS_SIZE;
export const NODE_BASE: usize = FLAGS_BASE + FLAGS_SIZE;
export const COUNTERS_BASE: usize = NODE_BASE + NODE_SIZE;
export const DESCRIPTORS_BASE: usize = COUNTERS_BASE + COUNTERS_SIZE;
export const DESCRIPTORS_SIZE: usize = DESCRIPTOR_MAX * DESCRIPTOR_SIZE;
export const HANDLES_BASE: usize = DESCRIPTORS_BASE + DESCRIPTORS_SIZE;
export const HANDLES_SIZE: usize = HANDLE_ROW_MAX * HANDLE_ROW_SIZE;
export const RECEIVED_BASE: usize = HANDLES_BASE + HANDLES_SIZE;
export const TARGET_BASE: usize = RECEIVED_BASE + RECEIVED_SIZE;
export const VALUES_BASE: usize = TARGET_BASE + TARGET_SIZE;
export const VALUES_SIZE: usize = VALUE_MAX * VALUE_SIZE;
export const COMMANDS_BASE: usize = VALUES_BASE + VALUES_SIZE;
export const COMMANDS_SIZE: usize = COMMAND_MAX * COMMAND_SIZE;
export const SUBSCRIPTIONS_BASE: usize = COMMANDS_BASE + COMMANDS_SIZE;
export const SUBSCRIPTIONS_SIZE: usize = SUBSCRIPTION_MAX * SUBSCRIPTION_SIZE;
export const CALLS_BASE: usize = SUBSCRIPTIONS_BASE + SUBSCRIPTIONS_SIZE;
export const CALLS_SIZE: usize = CALL_MAX * CALL_SIZE;
export const SLOTS_BASE: usize = CALLS_BASE + CALLS_SIZE;
export const SLOTS_SIZE: usize = SLOT_MAX * SLOT_SIZE;
export const SESSION_BASE: usize = SLOTS_BASE + SLOTS_SIZE;
export const MAILBOX_CURSORS_BASE: usize = SESSION_BASE + SESSION_SIZE;
export const MAILBOX_CURSORS_SIZE: usize = MAILBOX_CURSOR_MAX * MAILBOX_CURSOR_SIZE;
export const REFUSAL_BASE: usize = MAILBOX_CURSORS_BASE + MAILBOX_CURSORS_SIZE;
export const SAVER_BASE: usize = REFUSAL_BASE + REFUSAL_SIZE;
export const STORE_BASE: usize = SAVER_BASE + SAVER_SIZE;
/** One bit a cell: set when the cell may not be taken. */
export const CELLS_BASE: usize = STORE_BASE + STORE_SIZE;
export const CELLS_SIZE: usize = ((CELL_MAX + 31) / 32) * 4;
export const WORDS_BASE: usize = CELLS_BASE + CELLS_SIZE;
export const PROVISION_BASE: usize = WORDS_BASE + WORDS_SIZE;
export const PROTOCOL_BASE: usize = PROVISION_BASE + PROVISION_SIZE;
export const CARD_BASE: usize = PROTOCOL_BASE + PROTOCOL_SIZE;
export const PLAN_BASE: usize = CARD_BASE + CARD_SIZE;
export const RECEPTION_BASE: usize = PLAN_BASE + PLAN_SIZE;
export const SERIAL_BASE: usize = RECEPTION_BASE + RECEPTION_SIZE;
export const FILES_BASE: usize = SERIAL_BASE + SERIAL_SIZE;
/** One entry more than files: the file that is being rebuilt. */
export const FILES_SIZE: usize = FILE_MAX == 0 ? 0 : (FILE_MAX + 1) * FILE_SIZE;
export const OPEN_FILES_BASE: usize = FILES_BASE + FILES_SIZE;
export const OPEN_FILES_SIZE: usize = OPEN_FILE_MAX * OPEN_FILE_SIZE;
export const PINS_BASE: usize = OPEN_FILES_BASE + OPEN_FILES_SIZE;
export const PINS_SIZE: usize = PIN_MAX * PIN_SIZE;
export const FILTERS_BASE: usize = PINS_BASE + PINS_SIZE;
export const FILTERS_SIZE: usize = FILTER_MAX * FILTER_SIZE;
/** Where host and core lay names, payloads and records for each other. */
export const IO_BASE: usize = FILTERS_BASE + FILTERS_SIZE;
export const EVENTS_BASE: usize = IO_BASE + IO_SIZE;
export const EVENTS_SIZE: usize = EVENT_MAX * EVENT_SIZE;
export const STATE_END: usize = EVENTS_BASE + EVENTS_SIZE;
/** Blocks of code, data, rings and run-time names; see arena.ts. */
export const ARENA_BASE: usize = (STATE_END + (1 << ARENA_SHIFT) - 1) & ~((1 << ARENA_SHIFT) - 1);
export const ARENA_SIZE: usize = RAM_LIMIT - ARENA_BASE;
export const RAM_END: usize = ARENA_BASE + ARENA_SIZE;

if (RAM_END > RAM_LIMIT) ERROR("layout: RAM budget exceeded");
if (IS_SMALL && STATE_END - STATIC_BASE > SMALL_STATE_LIMIT)
  ERROR("layout: core state exceeds its budget");
if ((TASKS_BASE & 0xff) != 0) ERROR("layout: task banks must start on a page");
if (IO_BASE > 0x10000) ERROR("layout: fields that own an arena block must lie below 64 KiB");
