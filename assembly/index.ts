// The WASM exports, nothing else. Codes are Err; names, payloads and records lie in the I/O buffer (spec/node.ts).

import { arenaHasHoles } from "./arena";
import { eventTake } from "./events";
import { callFetch } from "./executive/call";
import {
  configGet,
  configSet,
  controlCall,
  controlGet,
  controlKill,
  controlPause,
  controlPersist,
  controlRead,
  controlResume,
  controlSave,
  controlSet,
  controlSetReg,
  controlStep,
  controlWrite,
} from "./executive/control";
import {
  executivePoll,
  executivePowerFail,
  executiveRest,
  executiveStart,
  executiveKeep,
  executiveTime,
} from "./executive/executive";
import { filePut } from "./executive/files";
import {
  inspectAnyCell,
  inspectCell,
  inspectCommand,
  inspectMailbox,
  inspectMessage,
  inspectSlot,
  inspectStore,
  inspectTask,
  inspectValue,
  layReceived,
} from "./executive/inspect";
import { tasksSettle } from "./executive/lifecycle";
import { pinHolder, pinMode } from "./executive/pins";
import { serveReceivers } from "./executive/receive";
import { taskFind } from "./executive/task";
import { FILE_MAX, IO_BASE, IS_DESKTOP, IO_SIZE, REFUSAL_BASE } from "./layout";
import { HOST_ROW } from "./mailbox/handle";
import {
  mailboxBind,
  mailboxClose,
  mailboxOpen,
  mailboxPeek,
  mailboxReceive,
  mailboxSend,
  mailboxTap,
} from "./mailbox/mailbox";
import { nodeAt } from "./node";
import { storeDelete, storeFind, storePoll, storeResult, storeWrite } from "./persist/pool";
import {
  activateSlot,
  confirmApp,
  formatSlots,
  removeApp,
  revertApp,
  setBoot,
  stageImage,
} from "./provision/activate";
import {
  bootHold,
  provisionPoll,
  provisionRest,
  provisionResult,
  provisionStart,
} from "./provision/boot";
import { formatStore, resetStore } from "./provision/forget";
import { configWord, layConfig, setConfig } from "./provision/node-config";
import {
  protocolBudget,
  protocolPoll,
  protocolReceive,
  protocolRest,
  protocolTook,
  protocolWork,
} from "./provision/protocol/protocol";
import {
  isChangingOver,
  sessionAbort,
  sessionBegin,
  sessionData,
  sessionPoll,
  sessionRest,
  sessionRestart,
  sessionResult,
} from "./provision/session";
import { sourceChoose } from "./provision/source";
import { inspectApp, inspectStart, inspectStored } from "./provision/status";
import { NodeWord } from "./spec/boot";
import { Err } from "./spec/errors";
import { HOST_PID, MESSAGE_RECORD_DATA_OFF } from "./spec/node";

// ---- The node ----

/** Power-on: empties the node's memory and begins to mount the store. */
export function hsx_start(): void {
  executiveStart();
  provisionStart();
}
/** A step of the store, or of the load and what it belongs to. */
function work(elapsed: u32): void {
  executiveKeep(elapsed);
  if (arenaHasHoles()) return;
  if (nodeAt().hasWorked == 0) sessionPoll();
  provisionPoll();
  protocolWork();
}
/** Frames, or work where none came or the poll before took some; both when there is little of the latter. */
function exchange(): void {
  const node = nodeAt();
  const elapsed = <u32>node.unkept + executiveTime();
  const isLate = elapsed > <u32>u8.MAX_VALUE;
  const hasFrames = !isLate && protocolReceive();
  node.unkept = <u8>(hasFrames ? elapsed : 0);
  if (!hasFrames) work(elapsed);
  if (arenaHasHoles()) return;
  if (!hasFrames && node.hasWorked == 0) protocolReceive();
  protocolPoll();
}
/**
 * One poll: time, frames or else a step of the store or the load, input, then tasks for at most `budget` instructions, an eighth
 * of them when store or load had work. Returns how many were retired.
 */
export function hsx_poll(budget: u32): u32 {
  const node = nodeAt();
  node.hasWorked = 0;
  if (!arenaHasHoles()) exchange();
  if (node.hasWorked != 0) budget = (budget + 7) >>> 3;
  return executivePoll(isChangingOver() ? 0 : protocolBudget(budget));
}
/** Ms the node may rest before the next poll; 0: there is work; NEVER: until something comes from outside. */
export function hsx_rest(): u32 {
  if (arenaHasHoles() || nodeAt().hasWorked != 0 || protocolTook()) return 0;
  const load = sessionRest();
  const rest: u32 = load == 0 ? 0 : executiveRest();
  if (rest == 0) return 0; // mostly, and every poll asks
  return min(min(load, protocolRest()), min(rest, provisionRest()));
}
/**
 * Power is failing: saves what is not saved yet, without its debounce, the most important first. BUSY: call again at once,
 * and nothing else. OK: nothing is left that can be saved.
 */
export function hsx_power_fail(): i32 {
  return executivePowerFail();
}
/** Address of the I/O buffer. */
export function hsx_io(): usize {
  return IO_BASE;
}
/** Address of the Refusal: why the last call failed. */
export function hsx_refusal(): usize {
  return REFUSAL_BASE;
}
/** Value of a Config key. */
export function hsx_config_get(key: u32): u32 {
  return configGet(key);
}
/** Sets a Config key. INVALID, RANGE, UNSUPPORTED. */
export function hsx_config_set(key: u32, value: u32): i32 {
  return configSet(key, value);
}
/** Takes the oldest unread event into the buffer. NO_DATA. */
export function hsx_event(): i32 {
  return eventTake(IO_BASE) ? <i32>Err.OK : <i32>Err.NO_DATA;
}

// ---- Loading ----

/** See sessionBegin(). */
export function hsx_load_begin(
  total: u32,
  replaced: u32,
  groupBase: u32,
  keyBase: u32,
  restarts: u32,
): i32 {
  return sessionBegin(total, replaced, groupBase, keyBase, restarts);
}
/** The next `length` bytes of the image, from the buffer. */
export function hsx_load_data(length: u32): i32 {
  return length > <u32>IO_SIZE ? <i32>Err.TOO_LARGE : sessionData(IO_BASE, length);
}
export function hsx_load_abort(): i32 {
  return sessionAbort();
}
/** NO_DATA: bytes must come; BUSY: poll on; else the pid or the refusal. */
export function hsx_load_result(): i32 {
  return sessionResult();
}

// ---- Stored images and apps; hsx_provision_result() tells how what begins here went ----

/** BUSY: poll on. Else what the last of these came to, or why it was refused. */
export function hsx_provision_result(): i32 {
  return provisionResult();
}
/** Lays out app `app`, behind the last one the configuration's record. INVALID. */
export function hsx_provision_info(app: u32): i32 {
  return inspectApp(app);
}
/** Lays out how far the start-up is. */
export function hsx_start_info(): i32 {
  return inspectStart();
}
/** A master holds the start-up, 1, or lets it go on, 0. STATE: it does not wait. */
export function hsx_start_hold(holds: u32): i32 {
  return bootHold(holds != 0);
}
/** See formatSlots(). */
export function hsx_slot_format(count: u32, bytes: u32): i32 {
  return formatSlots(count, bytes);
}
/** Lays out a stored slot. INVALID, BUSY, IO, ABSENT. */
export function hsx_slot_stored(slot: u32): i32 {
  return inspectStored(slot);
}
/** See stageImage(). Bytes follow by hsx_load_data(), the slot is the result of the load. */
export function hsx_slot_stage(slot: u32, total: u32, crc: u32, node: u32): i32 {
  return stageImage(slot, total, crc, node);
}
/** See activateSlot(). */
export function hsx_app_activate(slot: u32, attempts: u32, after: u32): i32 {
  return activateSlot(slot, attempts, after);
}
/** See confirmApp(). */
export function hsx_app_confirm(app: u32): i32 {
  return confirmApp(app);
}
/** See revertApp(). */
export function hsx_app_rollback(app: u32): i32 {
  return revertApp(app);
}
/** See removeApp(). */
export function hsx_app_remove(app: u32): i32 {
  return removeApp(app);
}
/** See setBoot(). */
export function hsx_boot_set(app: u32, word: u32): i32 {
  return setBoot(app, word);
}
/** Lays out the six words of the configuration, `fallback` 1: of the one that comes back. */
export function hsx_node_config_get(fallback: u32): i32 {
  return layConfig(fallback);
}
/** See setConfig(). */
export function hsx_node_config_set(): i32 {
  return setConfig();
}
/** The Source that wins among those offered, one bit each, by the configured order. NOT_FOUND. */
export function hsx_source_choose(offers: u32): i32 {
  return sourceChoose(configWord(NodeWord.SOURCES), offers);
}

// ---- Tasks ----

export function hsx_task_info(bank: u32): i32 {
  return inspectTask(bank);
}
export function hsx_task_kill(pid: u32): i32 {
  const err = controlKill(pid);
  tasksSettle();
  return err;
}
/** Begins; hsx_load_result() tells how it went. */
export function hsx_task_restart(pid: u32): i32 {
  return sessionRestart(pid);
}
export function hsx_task_pause(pid: u32): i32 {
  return controlPause(pid);
}
export function hsx_task_resume(pid: u32): i32 {
  return controlResume(pid);
}
export function hsx_task_step(pid: u32): i32 {
  return controlStep(pid);
}
export function hsx_reg_set(pid: u32, n: u32, value: u32): i32 {
  return controlSetReg(pid, n, value);
}
export function hsx_mem_read(pid: u32, address: u32, bytes: u32): i32 {
  return controlRead(pid, address, bytes);
}
export function hsx_mem_write(pid: u32, address: u32, bytes: u32): i32 {
  return controlWrite(pid, address, bytes);
}
export function hsx_slot_info(slot: u32): i32 {
  return inspectSlot(slot);
}

// ---- Values and commands ----

export function hsx_value_info(index: u32): i32 {
  return inspectValue(index);
}
export function hsx_value_get(oid: u32): i32 {
  return controlGet(oid);
}
export function hsx_value_set(oid: u32, value: u32): i32 {
  return controlSet(oid, value);
}
export function hsx_value_persist(oid: u32, mode: u32): i32 {
  return controlPersist(oid, mode);
}
export function hsx_value_save(oid: u32): i32 {
  return controlSave(oid);
}
export function hsx_command_info(index: u32): i32 {
  return inspectCommand(index);
}
/** Begins a call; poll, and fetch its answer by the number returned. */
export function hsx_command_call(oid: u32, argument: u32): i32 {
  return controlCall(oid, argument);
}
/** CommandStatus of a call that has ended; its result, u32, is in the buffer. BUSY, NOT_FOUND. */
export function hsx_command_result(call: u32): i32 {
  return callFetch(call, IO_BASE);
}

// ---- Mailboxes, as the host (pid 0) or in the place of a task; names and payloads are in the buffer ----

/** Row of handles of task `pid`, or of the host. NOT_FOUND. */
function rowOf(pid: u32): i32 {
  tasksSettle();
  return pid == HOST_PID ? <i32>HOST_ROW : taskFind(pid);
}
export function hsx_mailbox_info(id: u32): i32 {
  return inspectMailbox(id);
}
export function hsx_mailbox_message(id: u32, n: u32): i32 {
  return inspectMessage(id, n);
}
export function hsx_mailbox_open(pid: u32, length: u32): i32 {
  const row = rowOf(pid);
  return row < 0 ? row : mailboxOpen(row, pid, IO_BASE, length);
}
export function hsx_mailbox_bind(pid: u32, length: u32, capacity: u32, mode: u32): i32 {
  const row = rowOf(pid);
  return row < 0 ? row : mailboxBind(pid, IO_BASE, length, capacity, mode);
}
/** The source of what the host sends is pid 0, whosever handle it uses. */
export function hsx_mailbox_send(
  pid: u32,
  handle: u32,
  length: u32,
  flags: u32,
  channel: u32,
): i32 {
  const row = rowOf(pid);
  if (row < 0) return row;
  if (length > <u32>IO_SIZE) return Err.TOO_LARGE;
  const sent = mailboxSend(row, handle, IO_BASE, length, flags, channel, HOST_PID);
  serveReceivers();
  return sent;
}
/** Takes the next message as a message record. NO_DATA, NOT_FOUND. */
export function hsx_mailbox_receive(pid: u32, handle: u32, max: u32): i32 {
  const row = rowOf(pid);
  if (row < 0) return row;
  const data = IO_BASE + MESSAGE_RECORD_DATA_OFF;
  const room = <u32>IO_SIZE - MESSAGE_RECORD_DATA_OFF;
  const bytes = mailboxReceive(row, handle, data, max < room ? max : room);
  return bytes < 0 ? bytes : layReceived(bytes);
}
export function hsx_mailbox_peek(pid: u32, handle: u32): i32 {
  const row = rowOf(pid);
  return row < 0 ? row : mailboxPeek(row, handle);
}
export function hsx_mailbox_tap(pid: u32, handle: u32, on: u32): i32 {
  const row = rowOf(pid);
  return row < 0 ? row : mailboxTap(row, handle, on != 0);
}
export function hsx_mailbox_close(pid: u32, handle: u32): i32 {
  const row = rowOf(pid);
  return row < 0 ? row : mailboxClose(row, handle);
}

// ---- Pins, store, files ----

/** Pid that holds a pin, plus 256 times its PinMode and PinEdge bits. */
export function hsx_pin_info(pin: u32): u32 {
  return pinHolder(pin) | (pinMode(pin) << 8);
}
export function hsx_store_info(): i32 {
  return inspectStore();
}
/** Begins to format the device, whatever it holds, for so many cells and, behind them, extents of 64 bytes for blobs. SLOT_IN_USE: code runs from it. */
export function hsx_store_format(cells: u32, schema: u32, extents: u32): i32 {
  return formatStore(cells, schema, extents);
}
/** Begins a factory reset. `keepsFactory` 1: factory cells stay. */
export function hsx_store_reset(keepsFactory: u32): i32 {
  return resetStore(keepsFactory);
}
/** Lays out the first live cell from `cell` on and returns its number. NOT_FOUND: there is none. BUSY, STATE, IO. */
export function hsx_store_next(cell: u32): i32 {
  return inspectCell(cell);
}

// Single cells, for tools that hold a persistence image and never call hsx_poll(); a node on a chip has them not.

/** Lays out any cell and returns its CellKind. INVALID: there is no such cell. BUSY, STATE, IO, UNSUPPORTED: not in this profile. */
export function hsx_cell_info(cell: u32): i32 {
  return IS_DESKTOP ? inspectAnyCell(cell) : <i32>Err.UNSUPPORTED;
}
/** See storeFind(). UNSUPPORTED: not in this profile. */
export function hsx_cell_find(type: u32, key: u32): i32 {
  return IS_DESKTOP ? storeFind(type, key) : <i32>Err.UNSUPPORTED;
}
/** See storeWrite(). UNSUPPORTED. */
export function hsx_cell_write(type: u32, key: u32, value: u32, old: u32): i32 {
  return IS_DESKTOP ? storeWrite(type, key, value, old) : <i32>Err.UNSUPPORTED;
}
/** See storeDelete(). UNSUPPORTED. */
export function hsx_cell_delete(type: u32, key: u32, cell: u32): i32 {
  return IS_DESKTOP ? storeDelete(type, key, cell) : <i32>Err.UNSUPPORTED;
}
/** Advances the job; its result when it has ended. BUSY: call again. UNSUPPORTED. */
export function hsx_cell_result(): i32 {
  if (!IS_DESKTOP) return Err.UNSUPPORTED;
  storePoll();
  return storeResult();
}
/** Makes a file: its name, then its bytes, are in the buffer. UNSUPPORTED: no files in this profile. TOO_LARGE for the buffer. */
export function hsx_file_put(nameLength: u32, length: u32): i32 {
  if (FILE_MAX == 0) return Err.UNSUPPORTED;
  const room = <u32>IO_SIZE;
  if (nameLength > room || length > room - nameLength) return Err.TOO_LARGE;
  return filePut(IO_BASE, nameLength, IO_BASE + nameLength, length);
}
