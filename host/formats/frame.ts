// The frames of the node protocol: CAN identifiers and bytes to objects and back. docs/protocol.md.

import { crc32 } from "node:zlib";
import * as F from "../../assembly/spec/frame.ts";
import { type FieldTable, type FieldValues, readFields, writeFields } from "./fields.ts";

/** A classic CAN frame with an 11-bit identifier. */
export interface BusFrame {
  readonly id: number;
  readonly data: Uint8Array;
}

/** Name of a verb. */
export type VerbName = keyof typeof F.Verb;

/** The six bytes of arguments of each verb; offsets count from the first byte of the request. A verb without a row does not compile. */
export const VERB_FIELDS = {
  CENSUS: { salt: [F.CENSUS_SALT_OFF, "u8"] },
  WHO: {
    prefix: [F.WHO_PREFIX_OFF, "u32le"],
    depth: [F.WHO_DEPTH_OFF, "u8"],
    filter: [F.WHO_FILTER_OFF, "u8"],
  },
  ASSIGN: {
    hash: [F.ASSIGN_HASH_OFF, "u32le"],
    id: [F.ASSIGN_ID_OFF, "u8"],
    flags: [F.ASSIGN_FLAGS_OFF, "u8"],
  },
  SELECT: {
    session: [F.SESSION_OFF, "u8"],
    kind: [F.SELECT_KIND_OFF, "u8"],
    bits: [F.SELECT_BITS_OFF, "u32le"],
  },
  BEGIN: {
    session: [F.SESSION_OFF, "u8"],
    mode: [F.BEGIN_MODE_OFF, "u8"],
    total: [F.BEGIN_TOTAL_OFF, "u24le"],
    counts: [F.BEGIN_COUNTS_OFF, "u8"],
  },
  BEGIN_CRC: {
    session: [F.SESSION_OFF, "u8"],
    slot: [F.BEGIN_SLOT_OFF, "u8"],
    crc: [F.BEGIN_CRC_OFF, "u32le"],
  },
  BEGIN_BASES: {
    session: [F.SESSION_OFF, "u8"],
    group: [F.BEGIN_GROUP_OFF, "u8"],
    key: [F.BEGIN_KEY_OFF, "u16le"],
  },
  WINDOW: {
    session: [F.SESSION_OFF, "u8"],
    window: [F.WINDOW_NUMBER_OFF, "u16le"],
    flags: [F.WINDOW_FLAGS_OFF, "u8"],
  },
  POLL: {
    session: [F.SESSION_OFF, "u8"],
    kind: [F.POLL_KIND_OFF, "u8"],
    window: [F.POLL_WINDOW_OFF, "u16le"],
  },
  CHECK: {
    session: [F.SESSION_OFF, "u8"],
    window: [F.CHECK_WINDOW_OFF, "u16le"],
    sum: [F.CHECK_SUM_OFF, "u24le"],
  },
  END: { session: [F.SESSION_OFF, "u8"], what: [F.END_WHAT_OFF, "u8"] },
  GET: { oid: [F.GET_OID_OFF, "u16le"] },
  SET: { oid: [F.SET_OID_OFF, "u16le"], value: [F.SET_VALUE_OFF, "u16le"] },
  CALL: { oid: [F.CALL_OID_OFF, "u16le"], argument: [F.CALL_ARGUMENT_OFF, "u32le"] },
  PUBLISH: {
    oid: [F.PUBLISH_OID_OFF, "u16le"],
    period: [F.PUBLISH_PERIOD_OFF, "u16le"],
    on: [F.PUBLISH_ON_OFF, "u8"],
  },
  PERSIST: { oid: [F.PERSIST_OID_OFF, "u16le"], mode: [F.PERSIST_MODE_OFF, "u8"] },
  INFO: {
    kind: [F.INFO_KIND_OFF, "u8"],
    index: [F.INFO_INDEX_OFF, "u16le"],
    first: [F.INFO_FIRST_OFF, "u8"],
    count: [F.INFO_COUNT_OFF, "u8"],
  },
  TASK: { what: [F.TASK_WHAT_OFF, "u8"], pid: [F.TASK_PID_ARG_OFF, "u8"] },
  PROVISION: {
    what: [F.PROVISION_WHAT_OFF, "u8"],
    index: [F.PROVISION_INDEX_OFF, "u8"],
    a: [F.PROVISION_A_OFF, "u16le"],
  },
  CONFIG: {
    first: [F.CONFIG_FIRST_OFF, "u8"],
    firstWord: [F.CONFIG_FIRST_OFF + 1, "u16le"],
    second: [F.CONFIG_SECOND_OFF, "u8"],
    secondWord: [F.CONFIG_SECOND_OFF + 1, "u16le"],
  },
  STORE: {
    what: [F.STORE_WHAT_OFF, "u8"],
    a: [F.STORE_A_OFF, "u16le"],
    b: [F.STORE_B_OFF, "u16le"],
  },
  BOOT: { what: [F.BOOT_WHAT_OFF, "u8"] },
  RESET: { what: [F.RESET_WHAT_OFF, "u8"], key: [F.RESET_KEY_OFF, "u32le"] },
  LEVEL: { level: [F.LEVEL_OFF, "u8"] },
  PRESENT: {},
} as const satisfies Readonly<Record<VerbName, FieldTable>>;

/** The arguments of a verb by name. */
export type VerbArgs<V extends VerbName> = FieldValues<(typeof VERB_FIELDS)[V]>;

const STATUS_FIELDS = {
  session: [F.STATUS_SESSION_OFF, "u8"],
  event: [F.STATUS_EVENT_OFF, "u8"],
  code: [F.STATUS_CODE_OFF, "u8"],
  task: [F.STATUS_TASK_OFF, "u8"],
  bytes: [F.STATUS_BYTES_OFF, "u24le"],
} as const satisfies FieldTable;
const HELLO_FIELDS = {
  firmware: [F.HELLO_FIRMWARE_OFF, "u16le"],
  apps: [F.HELLO_APPS_OFF, "u32le"],
  state: [F.HELLO_STATE_OFF, "u8"],
} as const satisfies FieldTable;
const ANSWER_FIELDS = {
  status: [F.ANSWER_STATUS_OFF, "u8"],
  result: [F.ANSWER_RESULT_OFF, "bytes6"],
} as const satisfies FieldTable;
const RECORD_FIELDS = {
  piece: [F.RECORD_PIECE_OFF, "u8"],
  bytes: [F.RECORD_DATA_OFF, "bytes6"],
} as const satisfies FieldTable;
const PUB_FIELDS = {
  oid: [F.PUB_OID_OFF, "u16le"],
  value: [F.PUB_VALUE_OFF, "u16le"],
  count: [F.PUB_COUNT_OFF, "u8"],
} as const satisfies FieldTable;

/** What the six bytes of a good answer hold. Verbs without a row answer with zeros. */
export const RESULT_FIELDS = {
  ASSIGN: { check: [0, "u32le"], id: [4, "u8"] },
  GET: { oid: [0, "u16le"], value: [2, "u16le"] },
  SET: { oid: [0, "u16le"], value: [2, "u16le"] },
  CALL: { oid: [0, "u16le"], result: [2, "u32le"] },
  INFO: { kind: [0, "u8"], bytes: [1, "u16le"], index: [3, "u16le"] },
  TASK: { pid: [0, "u8"] },
  PROVISION: { value: [0, "u16le"] },
  LEVEL: { level: [0, "u8"] },
} as const satisfies { readonly [V in VerbName]?: FieldTable };

/** A request of a master; it is a union of one member a verb. */
export type Request = {
  readonly [V in VerbName]: {
    readonly kind: "request";
    readonly master: number;
    /** Node id, or 0: every node. */
    readonly target: number;
    readonly sequence: number;
    readonly verb: V;
    readonly args: VerbArgs<V>;
  };
}[VerbName];

/** Any frame of the block. */
export type Frame =
  | Request
  /** A master asks whether its slot is taken. */
  | { readonly kind: "claim"; readonly master: number }
  /** A node takes a DATA frame every so many microseconds at most. */
  | { readonly kind: "pace"; readonly us: number }
  | { readonly kind: "identity"; readonly bits: number }
  | {
      readonly kind: "answer";
      readonly node: number;
      readonly master: number;
      readonly sequence: number;
      /** -Err; of CALL: 128 + CommandStatus. */
      readonly status: number;
      readonly result: Uint8Array;
    }
  | {
      readonly kind: "record";
      readonly node: number;
      readonly master: number;
      readonly sequence: number;
      readonly piece: number;
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: "status";
      readonly node: number;
      readonly master: number;
      readonly session: number;
      readonly event: F.LoadEvent;
      readonly phase: F.LoadPhase;
      readonly code: number;
      /** pid; TASK_STORED + stored slot; 0: none. */
      readonly task: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "hello";
      readonly node: number;
      /** Upper six bits of the salted hash of its UID. */
      readonly check: number;
      readonly firmware: number;
      readonly apps: number;
      readonly flags: number;
      readonly version: number;
    }
  | { readonly kind: "nack"; readonly index: number }
  | {
      readonly kind: "pub";
      readonly node: number;
      readonly oid: number;
      readonly value: number;
      readonly count: number;
    }
  | {
      readonly kind: "data";
      readonly parity: number;
      readonly index: number;
      /** As in the image. */
      readonly bytes: Uint8Array;
    };

// ---- Encoding ----

function eight(first: number): Uint8Array {
  const data = new Uint8Array(F.REQUEST_BYTES);
  data[0] = first;
  return data;
}
function whiten(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ F.DATA_WHITENING);
}
function fill(data: Uint8Array, table: FieldTable, values: object): Uint8Array {
  writeFields(data, 0, table, values as FieldValues<FieldTable>);
  return data;
}
function within(name: string, value: number, limit: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= limit) return value;
  throw new Error(`${name}: ${value} is not between 0 and ${limit}`);
}
function nodeId(base: number, node: number): number {
  return base + within("node", node, F.NODE_ID_MAX);
}
function said(say: F.Say, low: number): Uint8Array {
  return eight((say << F.SAY_SHIFT) | low);
}
function toMaster(say: F.Say, frame: { master: number; sequence: number }): Uint8Array {
  const master = within("master", frame.master, F.MASTER_MAX - 1);
  const sequence = within("sequence", frame.sequence, F.SEQUENCE_MASK);
  return said(say, (master << F.SAY_MASTER_SHIFT) | sequence);
}
function encodeRequest(base: number, r: Request): BusFrame {
  const data = eight(within("target", r.target, F.NODE_ID_MAX));
  const sequence = within("sequence", r.sequence, F.SEQUENCE_MASK);
  data[F.REQUEST_VERB_OFF] = F.Verb[r.verb] | (sequence << F.SEQUENCE_SHIFT);
  fill(data, VERB_FIELDS[r.verb], r.args);
  return { id: base + F.MASTER_ID + within("master", r.master, F.MASTER_MAX - 1), data };
}

/** A frame as it lies on a bus whose block begins at `base`. A number its field cannot hold throws. */
export function encodeFrame(base: number, frame: Frame): BusFrame {
  const none = new Uint8Array(0);
  switch (frame.kind) {
    case "request":
      return encodeRequest(base, frame);
    case "claim":
      return { id: base + F.MASTER_ID + within("master", frame.master, 7), data: none };
    case "pace": {
      const n = within("us", frame.us >> F.PACE_SHIFT, F.PACE_MAX);
      return { id: base + F.PACE_ID + n, data: none };
    }
    case "identity":
      return { id: base + F.IDENTITY_ID + within("bits", frame.bits, 63), data: none };
    case "answer":
      return {
        id: nodeId(base + F.ANSWER_ID, frame.node),
        data: fill(toMaster(F.Say.ANSWER, frame), ANSWER_FIELDS, frame),
      };
    case "record":
      return {
        id: nodeId(base + F.ANSWER_ID, frame.node),
        data: fill(toMaster(F.Say.RECORD, frame), RECORD_FIELDS, frame),
      };
    case "status": {
      const event = frame.event | (frame.phase << F.STATUS_PHASE_SHIFT);
      const data = toMaster(F.Say.STATUS, { master: frame.master, sequence: 0 });
      return {
        id: nodeId(base + F.ANSWER_ID, frame.node),
        data: fill(data, STATUS_FIELDS, { ...frame, event }),
      };
    }
    case "hello": {
      const state = within("flags", frame.flags, 63) | (frame.version << F.HELLO_VERSION_SHIFT);
      const data = said(F.Say.HELLO, within("check", frame.check, 63));
      return {
        id: nodeId(base + F.ANSWER_ID, frame.node),
        data: fill(data, HELLO_FIELDS, { ...frame, state }),
      };
    }
    case "nack":
      return { id: base + F.NACK_ID + within("index", frame.index, 127), data: none };
    case "pub":
      return {
        id: nodeId(base + F.PUB_ID, frame.node),
        data: fill(new Uint8Array(F.PUB_BYTES), PUB_FIELDS, frame),
      };
    case "data": {
      const parity = within("parity", frame.parity, 1) * F.DATA_PARITY;
      const id = base + F.DATA_ID + parity + within("index", frame.index, F.WINDOW_FRAMES - 1);
      const bytes = new Uint8Array(F.DATA_BYTES);
      bytes.set(frame.bytes);
      return { id, data: whiten(bytes) };
    }
  }
}

// ---- Decoding ----

/** A frame of the block that nobody of this version sends, and why. */
export interface Malformed {
  readonly kind: "malformed";
  readonly why: string;
}
function malformed(why: string): Malformed {
  return { kind: "malformed", why };
}

function decodeRequest(master: number, data: Uint8Array): Frame | Malformed {
  if (data.length === 0) return { kind: "claim", master };
  if (data.length !== F.REQUEST_BYTES)
    return malformed(`a request has 8 bytes, not ${data.length}`);
  const [target = 0, second = 0] = data;
  const verb = F.Verb[second & F.VERB_MASK] as VerbName | undefined;
  if (verb === undefined) return malformed(`no verb ${second & F.VERB_MASK}`);
  if (target > F.NODE_ID_MAX) return malformed(`no node ${target}`);
  const args = readFields(data, 0, VERB_FIELDS[verb] as FieldTable);
  const sequence = second >> F.SEQUENCE_SHIFT;
  const request = { kind: "request", master, target, sequence, verb, args } as Request;
  const spare = encodeRequest(0, request).data.findIndex((byte, n) => byte !== data[n]);
  return spare < 0 ? request : malformed(`byte ${spare} of ${verb} must be 0`);
}

function decodeSaid(node: number, data: Uint8Array): Frame | Malformed {
  if (data.length !== F.REQUEST_BYTES) return malformed(`a node says 8 bytes, not ${data.length}`);
  const [first = 0] = data;
  const master = (first >> F.SAY_MASTER_SHIFT) & (F.MASTER_MAX - 1);
  const sequence = first & F.SEQUENCE_MASK;
  switch (first >> F.SAY_SHIFT) {
    case F.Say.ANSWER:
      return { kind: "answer", node, master, sequence, ...readFields(data, 0, ANSWER_FIELDS) };
    case F.Say.RECORD:
      return { kind: "record", node, master, sequence, ...readFields(data, 0, RECORD_FIELDS) };
    case F.Say.STATUS: {
      const { event, ...rest } = readFields(data, 0, STATUS_FIELDS);
      const phase = event >> F.STATUS_PHASE_SHIFT;
      if (F.LoadEvent[event & 15] === undefined) return malformed(`no event ${event & 15}`);
      if (F.LoadPhase[phase] === undefined) return malformed(`no phase ${phase}`);
      return { kind: "status", node, master, ...rest, event: event & 15, phase };
    }
    default: {
      const { state, ...rest } = readFields(data, 0, HELLO_FIELDS);
      const version = state >> F.HELLO_VERSION_SHIFT;
      return { kind: "hello", node, check: first & 63, ...rest, flags: state & 63, version };
    }
  }
}

function decodePub(node: number, data: Uint8Array): Frame | Malformed {
  if (data.length !== F.PUB_BYTES) return malformed(`PUB has 5 bytes, not ${data.length}`);
  return { kind: "pub", node, ...readFields(data, 0, PUB_FIELDS) };
}

function decodeData(offset: number, data: Uint8Array): Frame | Malformed {
  if (data.length !== F.DATA_BYTES) return malformed(`DATA has 8 bytes, not ${data.length}`);
  const parity = (offset & F.DATA_PARITY) === 0 ? 0 : 1;
  return { kind: "data", parity, index: offset & (F.WINDOW_FRAMES - 1), bytes: whiten(data) };
}

function empty(frame: Frame, data: Uint8Array): Frame | Malformed {
  return data.length === 0 ? frame : malformed(`${frame.kind} has no bytes, not ${data.length}`);
}

/** What a frame on a bus whose block begins at `base` says; undefined: it is none of the protocol's. */
export function decodeFrame(base: number, { id, data }: BusFrame): Frame | Malformed | undefined {
  const offset = id - base;
  if (offset < 0 || offset >= F.FRAME_BLOCK) return undefined;
  if (offset < F.MASTER_ID + F.MASTER_MAX) return decodeRequest(offset - F.MASTER_ID, data);
  if (offset <= F.PACE_ID) return malformed(`identifier base + ${offset} is not used`);
  if (offset < F.IDENTITY_ID)
    return empty({ kind: "pace", us: (offset - F.PACE_ID) << F.PACE_SHIFT }, data);
  if (offset < F.ANSWER_ID) return empty({ kind: "identity", bits: offset - F.IDENTITY_ID }, data);
  if (offset < F.NACK_ID) return decodeSaid(offset - F.ANSWER_ID, data);
  if (offset < F.PUB_ID) return empty({ kind: "nack", index: offset - F.NACK_ID }, data);
  if (offset < F.DATA_ID) return decodePub(offset - F.PUB_ID, data);
  return decodeData(offset, data);
}

/** The fields of a good answer to `verb`. */
export function readResult<V extends keyof typeof RESULT_FIELDS>(
  verb: V,
  result: Uint8Array,
): FieldValues<(typeof RESULT_FIELDS)[V]> {
  return readFields(result, 0, RESULT_FIELDS[verb]);
}

// ---- Serial line ----

/** The lower 16 bits of the CRC-32. */
function sumOf(bytes: readonly number[]): number {
  return crc32(Uint8Array.from(bytes)) & 0xffff;
}

const SPECIAL = new Set([F.SERIAL_FLAG, F.SERIAL_ESCAPE]);

function stuff(bytes: readonly number[]): number[] {
  return bytes.flatMap((byte) =>
    SPECIAL.has(byte) ? [F.SERIAL_ESCAPE, byte ^ F.SERIAL_FLIP] : [byte],
  );
}

/** A frame, with a base of 0, as bytes of a serial line. */
export function encodeSerial({ id, data }: BusFrame): Uint8Array {
  const head = [id & 0xff, (id >> 8) | (data.length << 4), ...data];
  const sum = sumOf(head);
  return Uint8Array.from([F.SERIAL_FLAG, ...stuff([...head, sum & 0xff, sum >> 8]), F.SERIAL_FLAG]);
}

/** What bytes of a serial line hold: frames, with a base of 0, and the console's text between them. */
export class SerialReader {
  /** Frames whose sum or length was wrong. */
  damaged = 0;
  private frame: number[] | undefined;
  private isEscaped = false;

  /** Takes the bytes that came next. */
  take(bytes: Iterable<number>): { frames: BusFrame[]; text: number[] } {
    const frames: BusFrame[] = [];
    const text: number[] = [];
    for (const byte of bytes) {
      if (byte === F.SERIAL_FLAG) this.flag(frames);
      else if (byte === F.SERIAL_ESCAPE) this.isEscaped = true;
      else this.put(this.isEscaped ? byte ^ F.SERIAL_FLIP : byte, text);
    }
    return { frames, text };
  }

  private put(byte: number, text: number[]): void {
    this.isEscaped = false;
    (this.frame ?? text).push(byte);
  }

  /** A flag begins a frame, or ends one. */
  private flag(frames: BusFrame[]): void {
    const whole = this.frame;
    this.frame = whole === undefined || whole.length === 0 ? [] : undefined;
    this.isEscaped = false;
    if (whole === undefined || whole.length === 0) return;
    const frame = decodeSerial(whole);
    if (frame !== undefined) return void frames.push(frame);
    this.damaged++;
    this.frame = []; // the flag may as well have begun a frame
  }
}

function decodeSerial(bytes: readonly number[]): BusFrame | undefined {
  const [low = 0, high = 0] = bytes;
  const length = bytes.length - F.SERIAL_HEAD_BYTES - F.SERIAL_SUM_BYTES;
  if (length !== high >> 4) return undefined;
  const sum = sumOf(bytes.slice(0, -F.SERIAL_SUM_BYTES));
  const [sumLow, sumHigh] = bytes.slice(-F.SERIAL_SUM_BYTES);
  if (sumLow !== (sum & 0xff) || sumHigh !== sum >> 8) return undefined;
  const data = Uint8Array.from(bytes.slice(F.SERIAL_HEAD_BYTES, F.SERIAL_HEAD_BYTES + length));
  return { id: low | ((high & 15) << 8), data };
}
