// Records of the I/O buffer as objects: bytes by the offsets of assembly/spec/node.ts, nothing interpreted.

import * as B from "../../assembly/spec/boot.ts";
import type { CellKind, CellType, NvMedium } from "../../assembly/spec/cell.ts";
import { Err } from "../../assembly/spec/errors.ts";
import * as R from "../../assembly/spec/node.ts";
import { type BootPolicy, bootPolicyOf, bootWordOf } from "../formats/node-words.ts";

export interface TaskInfo {
  readonly pid: number;
  readonly name: string;
  readonly state: R.TaskState;
  /** Why its last run ended; of a faulted task, the fault. */
  readonly stop: R.Stop;
  readonly confirmed: boolean;
  /** Its code is read from its stored slot through a code window; else it is in memory. */
  readonly runsFromSlot: boolean;
  /** Where its image came from. */
  readonly source: B.Source;
  readonly pc: number;
  readonly sp: number;
  /** Psw bits. */
  readonly psw: number;
  /** Instructions retired. */
  readonly steps: number;
  /** Milliseconds until it wakes; undefined: nothing is due. */
  readonly timer_ms: number | undefined;
  readonly restartsLeft: number;
  readonly stackBytes: number;
  readonly codeBytes: number;
  readonly dataBytes: number;
  /** CRC-32 over every byte of its image, and the image's length: what the image is known by. */
  readonly imageCrc: number;
  readonly imageBytes: number;
  /** R0 to R15, unsigned. */
  readonly regs: readonly number[];
}

export interface ValueInfo {
  /** group << 8 | id */
  readonly oid: number;
  readonly name: string;
  readonly groupName: string;
  readonly unit: string;
  /** binary16 bits, like init, epsilon, min and max. */
  readonly value: number;
  readonly init: number;
  readonly epsilon: number;
  readonly min: number;
  readonly max: number;
  readonly persistKey: number;
  readonly rate_ms: number;
  /** ValueFlag bits. */
  readonly flags: number;
  readonly auth: number;
  readonly owner: number;
  /** Not yet saved. */
  readonly isDirty: boolean;
  /** What was stored could not be read; `init` holds. */
  readonly isStale: boolean;
  readonly isLoadOnly: boolean;
  /** Where its first value came from. */
  readonly origin: R.ValueOrigin;
}

export interface CommandInfo {
  readonly oid: number;
  readonly name: string;
  readonly groupName: string;
  readonly help: string;
  /** CommandFlag bits. */
  readonly flags: number;
  readonly auth: number;
  readonly owner: number;
}

export interface MailboxInfo {
  readonly id: number;
  /** With namespace and owner: `svc:stdio.out@1`. */
  readonly name: string;
  readonly namespace: number;
  readonly owner: number | undefined;
  readonly capacity: number;
  readonly used: number;
  readonly messages: number;
  /** MailboxMode bits. */
  readonly mode: number;
  readonly handles: number;
}

export interface Message {
  /** Whole length; `data` may be cut to what the buffer holds. */
  readonly length: number;
  readonly flags: number;
  readonly channel: number;
  readonly source: number;
  readonly data: Uint8Array;
}

export interface NodeEvent {
  readonly seq: number;
  readonly ms: number;
  readonly type: R.EventType;
  readonly pid: number;
  readonly a: number;
  readonly b: number;
}

/** One live cell. */
export interface CellInfo {
  readonly cell: number;
  readonly key: number;
  /** Bits of the binary16, or a word. */
  readonly value: number;
  readonly type: CellType;
}

/** Any cell, whatever it is. */
export interface AnyCellInfo extends CellInfo {
  readonly kind: CellKind;
  readonly generation: number;
  /** On the device. */
  readonly address: number;
}

export interface StoreInfo {
  readonly state: number;
  readonly medium: NvMedium;
  readonly cells: number;
  readonly live: number;
  readonly free: number;
  readonly damaged: number;
  readonly retired: number;
  readonly epoch: number;
  readonly schema: number;
  readonly saved: number;
  readonly programmedBytes: number;
  readonly deviceBytes: number;
  readonly capacityCells: number;
  /** Commits since the medium was new; on flash, page turns. */
  readonly wear: number;
  /** What the medium bears of them; undefined: more than there can be, or the store is not ready. */
  readonly wearMax: number | undefined;
  /** Updates of values until nothing is saved any more; undefined like `wearMax`. */
  readonly updatesLeft: number | undefined;
}

export interface SlotInfo {
  readonly bytes: number;
  readonly crc: number;
  readonly users: number;
  readonly verified: boolean;
  readonly name: string;
}

/** A slot for an image on the device. */
export interface StoredSlotInfo {
  readonly slot: number;
  readonly state: "image" | "empty" | "damaged";
  /** Of the file, as its header says; 0: there is none. */
  readonly bytes: number;
  readonly crc: number;
  /** Address of the slot on the device. */
  readonly address: number;
  /** Bytes of the longest file it takes. */
  readonly roomBytes: number;
  /** The app's name. */
  readonly name: string;
}

/** Which image runs, which may come back, and how sure that is. */
export interface ActivationInfo {
  readonly state: B.AppState;
  /** Slot, or copy of the configuration; undefined: none. */
  readonly active: number | undefined;
  readonly fallback: number | undefined;
  readonly attemptsLeft: number;
  readonly confirmAfter: B.ConfirmAfter;
}

/** How an app comes up at power-on. */
export interface AppInfo extends ActivationInfo {
  readonly app: number;
  /** In its active slot. */
  readonly name: string;
  /** Of the task that was started from its slot in this boot; undefined: none. */
  readonly pid: number | undefined;
  /** Why its image could not be started in this boot; undefined: it was, or nobody tried. */
  readonly refused: Err | undefined;
  readonly boot: BootPolicy;
}

/** Why a call failed, as the core recorded it. */
export interface Refusal {
  readonly code: number;
  /** Place in the image. */
  readonly offset: number;
  readonly need: number;
  readonly have: number;
  readonly resource: R.Resource;
  readonly pid: number;
  readonly oid: number;
  readonly name: string;
}

/** How far the start-up of a node is, and what the card has to do with it. */
export interface StartInfo {
  readonly state: R.StartState;
  /** Why the card counts for nothing, or an app of it was not started; OK: nothing is wrong. */
  readonly error: Err;
  /** Apps that the manifest has for this node, and how many of them had their turn. */
  readonly apps: number;
  readonly done: number;
  /** Start group that was reached. */
  readonly group: number;
  /** Undefined: no manifest was read. */
  readonly plant: number | undefined;
  readonly version: number;
}
export function readStart(view: DataView): StartInfo {
  const done = view.getUint16(R.START_RECORD_DONE_OFF, true);
  return {
    state: view.getUint8(R.START_RECORD_STATE_OFF),
    error: -view.getUint8(R.START_RECORD_ERROR_OFF) as Err,
    apps: view.getUint8(R.START_RECORD_APPS_OFF),
    done: [...done.toString(2)].filter((bit) => bit === "1").length,
    group: view.getUint8(R.START_RECORD_GROUP_OFF),
    plant: view.getUint16(R.START_RECORD_PLANT_OFF, true) || undefined,
    version: view.getUint16(R.START_RECORD_VERSION_OFF, true),
  };
}

/** What people call a value or command: `motor:limit`, with numbers for names it lacks. */
export function labelOf(item: { oid: number; name: string; groupName: string }): string {
  return `${item.groupName || item.oid >> 8}:${item.name || item.oid & 0xff}`;
}

const utf8 = new TextDecoder("utf-8");
const NO_OWNER = 0xffff;

function bytesOf(view: DataView, at: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + at, length).slice();
}
/** A text behind its length byte. */
function textAt(view: DataView, at: number): string {
  return utf8.decode(bytesOf(view, at + 1, view.getUint8(at)));
}
/** Texts that follow one another. */
function textsAt(view: DataView, at: number, count: number): string[] {
  return Array.from({ length: count }, () => {
    const text = textAt(view, at);
    at += 1 + view.getUint8(at);
    return text;
  });
}

export function readTask(view: DataView): TaskInfo {
  const timer = view.getUint32(R.TASK_TIMER_OFF, true);
  return {
    pid: view.getUint8(R.TASK_PID_OFF),
    name: textAt(view, R.TASK_NAME_OFF),
    state: view.getUint8(R.TASK_STATE_OFF),
    stop: view.getUint8(R.TASK_STOP_OFF),
    confirmed: (view.getUint8(R.TASK_FLAGS_OFF) & 1) !== 0,
    runsFromSlot: (view.getUint8(R.TASK_FLAGS_OFF) & 2) !== 0,
    source: view.getUint8(R.TASK_SOURCE_OFF),
    pc: view.getUint32(R.TASK_PC_OFF, true),
    sp: view.getUint32(R.TASK_SP_OFF, true),
    psw: view.getUint8(R.TASK_PSW_OFF),
    steps: view.getUint32(R.TASK_STEPS_OFF, true),
    timer_ms: timer === R.NEVER ? undefined : timer,
    restartsLeft: view.getUint8(R.TASK_RESTARTS_OFF),
    stackBytes: view.getUint16(R.TASK_STACK_OFF, true),
    codeBytes: view.getUint32(R.TASK_CODE_OFF, true),
    dataBytes: view.getUint32(R.TASK_DATA_OFF, true),
    imageCrc: view.getUint32(R.TASK_CRC_OFF, true),
    imageBytes: view.getUint32(R.TASK_BYTES_OFF, true),
    regs: Array.from({ length: 16 }, (_, n) => view.getUint32(R.TASK_REGS_OFF + 4 * n, true)),
  };
}

export function readValue(view: DataView): ValueInfo {
  const bits = view.getUint8(R.VALUE_RECORD_BITS_OFF);
  const [name = "", groupName = "", unit = ""] = textsAt(view, R.VALUE_RECORD_NAME_OFF, 3);
  return {
    oid: view.getUint16(R.VALUE_RECORD_OID_OFF, true),
    name,
    groupName,
    unit,
    value: view.getUint16(R.VALUE_RECORD_VALUE_OFF, true),
    init: view.getUint16(R.VALUE_RECORD_INIT_OFF, true),
    epsilon: view.getUint16(R.VALUE_RECORD_EPSILON_OFF, true),
    min: view.getUint16(R.VALUE_RECORD_MIN_OFF, true),
    max: view.getUint16(R.VALUE_RECORD_MAX_OFF, true),
    persistKey: view.getUint16(R.VALUE_RECORD_KEY_OFF, true),
    rate_ms: view.getUint16(R.VALUE_RECORD_RATE_OFF, true),
    flags: view.getUint8(R.VALUE_RECORD_FLAGS_OFF),
    auth: view.getUint8(R.VALUE_RECORD_AUTH_OFF),
    owner: view.getUint8(R.VALUE_RECORD_OWNER_OFF),
    isDirty: (bits & R.ValueRecordBit.DIRTY) !== 0,
    isStale: (bits & R.ValueRecordBit.STALE) !== 0,
    isLoadOnly: (bits & R.ValueRecordBit.LOAD_ONLY) !== 0,
    origin: view.getUint8(R.VALUE_RECORD_ORIGIN_OFF),
  };
}

export function readCommand(view: DataView): CommandInfo {
  const [name = "", groupName = "", help = ""] = textsAt(view, R.COMMAND_RECORD_NAME_OFF, 3);
  return {
    oid: view.getUint16(R.COMMAND_RECORD_OID_OFF, true),
    name,
    groupName,
    help,
    flags: view.getUint8(R.COMMAND_RECORD_FLAGS_OFF),
    auth: view.getUint8(R.COMMAND_RECORD_AUTH_OFF),
    owner: view.getUint8(R.COMMAND_RECORD_OWNER_OFF),
  };
}

export function readMailbox(view: DataView, id: number): MailboxInfo {
  const owner = view.getUint16(R.MAILBOX_RECORD_OWNER_OFF, true);
  return {
    id,
    name: textAt(view, R.MAILBOX_RECORD_NAME_OFF),
    namespace: view.getUint8(R.MAILBOX_RECORD_NAMESPACE_OFF),
    owner: owner === NO_OWNER ? undefined : owner,
    capacity: view.getUint16(R.MAILBOX_RECORD_CAPACITY_OFF, true),
    used: view.getUint16(R.MAILBOX_RECORD_USED_OFF, true),
    messages: view.getUint16(R.MAILBOX_RECORD_COUNT_OFF, true),
    mode: view.getUint8(R.MAILBOX_RECORD_MODE_OFF),
    handles: view.getUint16(R.MAILBOX_RECORD_HANDLES_OFF, true),
  };
}

/** `bytes`: of the whole record. */
export function readMessage(view: DataView, bytes: number): Message {
  return {
    length: view.getUint16(R.MESSAGE_RECORD_LENGTH_OFF, true),
    flags: view.getUint16(R.MESSAGE_RECORD_FLAGS_OFF, true),
    channel: view.getUint16(R.MESSAGE_RECORD_CHANNEL_OFF, true),
    source: view.getUint16(R.MESSAGE_RECORD_SOURCE_OFF, true),
    data: bytesOf(view, R.MESSAGE_RECORD_DATA_OFF, bytes - R.MESSAGE_RECORD_DATA_OFF),
  };
}

export function readEvent(view: DataView): NodeEvent {
  return {
    seq: view.getUint32(R.EVENT_SEQ_OFF, true),
    ms: view.getUint32(R.EVENT_MS_OFF, true),
    type: view.getUint8(R.EVENT_TYPE_OFF),
    pid: view.getUint8(R.EVENT_PID_OFF),
    a: view.getUint16(R.EVENT_A_OFF, true),
    b: view.getUint32(R.EVENT_B_OFF, true),
  };
}

export function readStore(view: DataView): StoreInfo {
  const wearMax = view.getUint32(R.STORE_RECORD_WEAR_MAX_OFF, true);
  return {
    state: view.getUint8(R.STORE_RECORD_STATE_OFF),
    medium: view.getUint8(R.STORE_RECORD_MEDIUM_OFF),
    cells: view.getUint16(R.STORE_RECORD_CELLS_OFF, true),
    live: view.getUint16(R.STORE_RECORD_LIVE_OFF, true),
    free: view.getUint16(R.STORE_RECORD_FREE_OFF, true),
    damaged: view.getUint16(R.STORE_RECORD_DAMAGED_OFF, true),
    retired: view.getUint16(R.STORE_RECORD_RETIRED_OFF, true),
    epoch: view.getUint16(R.STORE_RECORD_EPOCH_OFF, true),
    schema: view.getUint16(R.STORE_RECORD_SCHEMA_OFF, true),
    saved: view.getUint32(R.STORE_RECORD_SAVED_OFF, true),
    programmedBytes: view.getUint32(R.STORE_RECORD_PROGRAMMED_OFF, true),
    deviceBytes: view.getUint32(R.STORE_RECORD_SIZE_OFF, true),
    capacityCells: view.getUint32(R.STORE_RECORD_CAPACITY_OFF, true),
    wear: view.getUint32(R.STORE_RECORD_WEAR_OFF, true),
    wearMax: wearMax === 0 ? undefined : wearMax,
    updatesLeft: wearMax === 0 ? undefined : view.getUint32(R.STORE_RECORD_LEFT_OFF, true),
  };
}

export function readCell(cell: number, view: DataView): CellInfo {
  return {
    cell,
    key: view.getUint16(R.CELL_RECORD_KEY_OFF, true),
    value: view.getUint16(R.CELL_RECORD_VALUE_OFF, true),
    type: view.getUint8(R.CELL_RECORD_TYPE_OFF),
  };
}

export function readAnyCell(kind: CellKind, cell: number, view: DataView): AnyCellInfo {
  return {
    ...readCell(cell, view),
    kind,
    generation: view.getUint8(R.CELL_RECORD_GENERATION_OFF),
    address: view.getUint32(R.CELL_RECORD_ADDRESS_OFF, true),
  };
}

export function readSlot(view: DataView): SlotInfo {
  return {
    bytes: view.getUint32(R.SLOT_RECORD_BYTES_OFF, true),
    crc: view.getUint32(R.SLOT_RECORD_CRC_OFF, true),
    users: view.getUint8(R.SLOT_RECORD_USERS_OFF),
    verified: view.getUint8(R.SLOT_RECORD_VERIFIED_OFF) !== 0,
    name: textAt(view, R.SLOT_RECORD_NAME_OFF),
  };
}

export function readStoredSlot(slot: number, view: DataView): StoredSlotInfo {
  const length = view.getInt32(R.STORED_RECORD_LENGTH_OFF, true);
  const isImage = length > 0;
  return {
    slot,
    state: isImage ? "image" : length === Err.SLOT_EMPTY ? "empty" : "damaged",
    bytes: isImage ? length : 0,
    crc: isImage ? view.getUint32(R.STORED_RECORD_CRC_OFF, true) : 0,
    address: view.getUint32(R.STORED_RECORD_ADDRESS_OFF, true),
    roomBytes: view.getUint32(R.STORED_RECORD_ROOM_OFF, true),
    name: textAt(view, R.STORED_RECORD_NAME_OFF),
  };
}

function slotOf(bits: number): number | undefined {
  return bits === B.NO_SLOT ? undefined : bits;
}
/** An activation record, as it lies in a cell. */
export function activationOf(record: number): ActivationInfo {
  return {
    state: (record >> B.ACTIVATION_STATE_SHIFT) & 7,
    active: slotOf(record & 15),
    fallback: slotOf((record >> B.ACTIVATION_FALLBACK_SHIFT) & 15),
    attemptsLeft: (record >> B.ACTIVATION_ATTEMPTS_SHIFT) & 7,
    confirmAfter: (record >> B.ACTIVATION_AFTER_SHIFT) & 3,
  };
}
export function readActivation(view: DataView): ActivationInfo {
  return activationOf(view.getUint16(R.APP_RECORD_ACTIVATION_OFF, true));
}

export function readApp(app: number, view: DataView): AppInfo {
  const pid = view.getInt16(R.APP_RECORD_PID_OFF, true);
  return {
    app,
    ...readActivation(view),
    name: textAt(view, R.APP_RECORD_NAME_OFF),
    pid: pid > 0 ? pid : undefined,
    refused: pid < 0 ? pid : undefined,
    boot: bootPolicyOf(view.getUint16(R.APP_RECORD_BOOT_OFF, true)),
  };
}

/** Whether an app has an image, or a place in the boot list. */
export function isUsed({ state, boot }: AppInfo): boolean {
  return state !== B.AppState.EMPTY || bootWordOf(boot) !== 0;
}
/** Whether an app is on trial, or what it saved meanwhile is still being dropped. */
export function isOnTrial({ state }: AppInfo): boolean {
  return state === B.AppState.TRIAL || state === B.AppState.DROPPING;
}

export function readRefusal(view: DataView): Refusal {
  return {
    code: view.getInt32(R.REFUSAL_CODE_OFF, true),
    offset: view.getUint32(R.REFUSAL_OFFSET_OFF, true),
    need: view.getUint32(R.REFUSAL_NEED_OFF, true),
    have: view.getUint32(R.REFUSAL_HAVE_OFF, true),
    resource: view.getUint8(R.REFUSAL_RESOURCE_OFF),
    pid: view.getUint8(R.REFUSAL_PID_OFF),
    oid: view.getUint16(R.REFUSAL_OID_OFF, true),
    name: textAt(view, R.REFUSAL_NAME_OFF),
  };
}
