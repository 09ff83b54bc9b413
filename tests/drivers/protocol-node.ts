// A node as docs/protocol.md tells it, written to be simple: what a master is tested against, and the core's second opinion.

import { crc32 } from "node:zlib";
import { Err } from "../../assembly/spec/errors.ts";
import * as F from "../../assembly/spec/frame.ts";
import { Profile } from "../../assembly/spec/limits.ts";
import * as R from "../../assembly/spec/node.ts";
import type { Clock } from "../../host/bus/clock.ts";
import { CanPartner } from "../../host/bus/partner.ts";
import type { CanWire } from "../../host/bus/wire.ts";
import { decodeFrame, encodeFrame, type Frame, type Request } from "../../host/formats/frame.ts";

export interface ModelApp {
  readonly pid: number;
  readonly name: string;
  readonly image: Uint8Array;
}
export interface ModelValue {
  readonly oid: number;
  readonly name: string;
  value: number;
}

interface Session {
  readonly id: number;
  readonly master: number;
  mode: number;
  total: number | undefined;
  crc: number | undefined;
  bytes: Uint8Array;
  held: boolean[];
  window: number | undefined;
  flags: number;
  lastData_ns: number;
  phase: F.LoadPhase;
  event: F.LoadEvent;
  code: number;
  task: number;
}

const MS = 1e6;
const encoder = new TextEncoder();

function text(value: string): number[] {
  return [value.length, ...encoder.encode(value)];
}
function saltedHash(salt: number, uid: Uint8Array): number {
  return crc32(Uint8Array.of(salt, ...uid));
}

export interface ModelOptions {
  readonly id?: number;
  readonly uid: Uint8Array;
  readonly board?: string;
  /** From a frame to what the node says about it, in ns. */
  readonly reaction_ns?: number;
  /** From the last byte of an image to the app that runs. */
  readonly start_ns?: number;
  /** Bytes an image may have. */
  readonly room?: number;
  /** What it tells as its pace, a multiple of 16 us. */
  readonly pace_us?: number;
}

export class ModelNode {
  id: number;
  readonly partner: CanPartner;
  readonly apps: ModelApp[] = [];
  readonly values: ModelValue[] = [];
  /** Requests that were carried out, repetitions not counted, by verb. */
  readonly carriedOut: Record<string, number> = {};
  /** False: its power is off. */
  isOn = true;
  private session: Session | undefined;
  private selected: { session: number; master: number } | undefined;
  private nacks = new Set<number>();
  private once: { key: string; answer: Frame } | undefined;
  private isPrepared: Uint8Array | undefined;

  constructor(
    private readonly clock: Clock,
    wire: CanWire,
    readonly options: ModelOptions,
  ) {
    this.id = options.id ?? 0;
    this.partner = new CanPartner(wire);
    this.partner.onHeard = (frame) => {
      this.partner.heard.length = 0;
      const heard = this.isOn ? decodeFrame(F.FRAME_BASE_DEFAULT, frame) : undefined;
      if (heard === undefined || heard.kind === "malformed") return;
      if (heard.kind === "nack") return this.forgetNack(heard.index);
      if (heard.kind === "data") return this.takeData(heard);
      if (heard.kind === "request")
        this.after(options.reaction_ns ?? 100_000, () => this.take(heard));
    };
    this.partner.source = () => this.nextNack();
  }

  private after(ns: number, call: () => void): void {
    this.clock.after(ns, () => {
      if (this.isOn) call();
    });
  }

  // ---- Saying ----

  say(frame: Frame): void {
    this.partner.send(encodeFrame(F.FRAME_BASE_DEFAULT, frame));
  }
  private answer(
    { master, sequence }: Request,
    status: number,
    result: readonly number[] = [],
  ): Frame {
    const bytes = Uint8Array.from({ length: 6 }, (_, n) => result[n] ?? 0);
    return { kind: "answer", node: this.id, master, sequence, status, result: bytes };
  }
  private pace(): void {
    const { pace_us } = this.options;
    if (pace_us !== undefined) this.say({ kind: "pace", us: pace_us });
  }
  hello(salt = 0): void {
    const check = saltedHash(salt, this.options.uid) >>> 26;
    const apps = this.apps.reduce((sum, app) => (sum + crc32(app.image)) >>> 0, 0);
    const loading = this.session !== undefined && this.isRunning(this.session);
    const flags =
      (loading ? F.HelloFlag.LOADING : 0) | (this.isPrepared ? F.HelloFlag.PREPARED : 0);
    this.say({ kind: "hello", node: this.id, check, firmware: 0x1234, apps, flags, version: 1 });
  }
  private status(): void {
    const s = this.session;
    const bytes = s === undefined ? 0 : s.held.filter((held) => held).length * 8;
    this.say({
      kind: "status",
      node: this.id,
      master: s?.master ?? 0,
      session: s?.id ?? 0,
      event: s?.event ?? 0,
      phase: s?.phase ?? 0,
      code: s?.code ?? 0,
      task: s?.task ?? 0,
      bytes: Math.min(bytes, s?.total ?? 0),
    });
  }
  private nextNack() {
    const next = Math.min(...this.nacks);
    if (!this.isOn || !Number.isFinite(next)) return undefined;
    this.nacks.delete(next);
    return encodeFrame(F.FRAME_BASE_DEFAULT, { kind: "nack", index: next });
  }
  private forgetNack(index: number): void {
    this.nacks.delete(index);
    if (this.partner.queue[0]?.id === F.FRAME_BASE_DEFAULT + F.NACK_ID + index)
      this.partner.queue.shift();
  }

  // ---- Requests ----

  private take(request: Request): void {
    const { target, verb } = request;
    if (target !== 0 && target !== this.id) return;
    if (this.takeWho(request) || this.takeLoad(request) || this.id === 0) return;
    const isOnce = verb === "CALL" || verb === "TASK" || verb === "PROVISION";
    const key = JSON.stringify(request);
    if (isOnce && this.once?.key === key) return this.say(this.once.answer);
    const answer = this.carryOut(request);
    this.carriedOut[verb] = (this.carriedOut[verb] ?? 0) + 1;
    if (answer === undefined) return;
    if (isOnce) this.once = { key, answer };
    this.say(answer);
  }

  private takeWho(request: Request): boolean {
    const { uid } = this.options;
    if (request.verb === "CENSUS") {
      if (this.id !== 0) this.hello(request.args.salt);
      this.pace();
    } else if (request.verb === "WHO") {
      const { prefix, filter } = request.args;
      const depth = request.args.depth & 7;
      const hash = saltedHash(request.args.depth >> 3, uid);
      const isMeant = filter === 255 || filter === this.id;
      const known = 6 * depth;
      const isBranch = known === 0 || hash >>> (32 - known) === prefix >>> (32 - known);
      if (!isMeant || !isBranch) return true;
      const bits = depth === 5 ? (hash & 3) << 4 : (hash >>> (26 - known)) & 63;
      this.say({ kind: "identity", bits });
    } else if (request.verb === "ASSIGN") {
      const { hash, id, flags } = request.args;
      if (saltedHash(flags & 31, uid) !== hash) return true;
      this.id = id;
      if (id === 0) return true;
      const check = saltedHash(31, uid);
      const bytes = [check & 255, (check >> 8) & 255, (check >> 16) & 255, check >>> 24, id];
      this.say(this.answer(request, 0, bytes));
      this.hello();
    } else return false;
    return true;
  }

  private carryOut(request: Request): Frame | undefined {
    switch (request.verb) {
      case "GET":
      case "SET": {
        const found = this.values.find((v) => v.oid === request.args.oid);
        if (found === undefined) return this.answer(request, -Err.NOT_FOUND);
        if (request.verb === "SET") found.value = request.args.value;
        const { oid, value } = found;
        return this.answer(request, 0, [oid & 255, oid >> 8, value & 255, value >> 8]);
      }
      case "CALL": {
        const { oid, argument } = request.args;
        return this.answer(request, F.CALL_STATUS, [oid & 255, oid >> 8, (argument + 1) & 255]);
      }
      case "INFO":
        return this.info(request);
      case "TASK":
        return this.answer(request, 0, [request.args.pid]);
      case "PROVISION":
      case "LEVEL":
        return this.answer(request, 0);
      case "PRESENT":
        return undefined;
      default:
        return this.answer(request, -Err.UNSUPPORTED);
    }
  }

  private info(request: Extract<Request, { verb: "INFO" }>): Frame | undefined {
    const { kind, index, first } = request.args;
    const record = this.record(kind, index);
    if (record === undefined) return this.answer(request, -Err.INVALID);
    const head = [kind, record.length & 255, record.length >> 8, index & 255, index >> 8];
    this.say(this.answer(request, 0, head));
    const { master, sequence } = request;
    for (let piece = first; piece * 6 < record.length; piece++) {
      const bytes = Uint8Array.from({ length: 6 }, (_, n) => record[piece * 6 + n] ?? 0);
      this.say({ kind: "record", node: this.id, master, sequence, piece, bytes });
    }
    return undefined;
  }
  private record(kind: F.Info, index: number): Uint8Array | undefined {
    if (kind === F.Info.NODE) return this.nodeRecord();
    if (kind === F.Info.CONFIG) return Uint8Array.of(this.options.id ?? 0, ...Array(11).fill(0));
    if (kind === F.Info.STORE) return new Uint8Array(R.STORE_RECORD_BYTES);
    if (kind === F.Info.REFUSAL) return this.refusalRecord();
    if (kind === F.Info.VALUE) return this.valueRecord(this.values[index]);
    if (kind === F.Info.TASK) return this.taskRecord(this.apps[index]);
    return undefined;
  }
  /** Says nothing but the code of the last load. */
  private refusalRecord(): Uint8Array {
    const record = new Uint8Array(R.REFUSAL_BYTES);
    new DataView(record.buffer).setInt32(R.REFUSAL_CODE_OFF, -(this.session?.code ?? 0), true);
    return record;
  }
  private nodeRecord(): Uint8Array {
    const { uid, board = "model" } = this.options;
    const record = new Uint8Array(F.NODE_RECORD_BYTES);
    record[F.NODE_RECORD_VERSION_OFF] = 1;
    record[F.NODE_RECORD_PROFILE_OFF] = Profile.SMALL;
    record[F.NODE_RECORD_ID_OFF] = this.id;
    new DataView(record.buffer).setUint16(F.NODE_RECORD_FIRMWARE_OFF, 0x1234, true);
    record.set([uid.length, ...uid], F.NODE_RECORD_UID_OFF);
    record.set(text(board), F.NODE_RECORD_BOARD_OFF);
    return record;
  }
  private valueRecord(value: ModelValue | undefined): Uint8Array | undefined {
    if (value === undefined) return undefined;
    const texts = [...text(value.name), ...text("model"), ...text("")];
    const record = new Uint8Array(R.VALUE_RECORD_NAME_OFF + texts.length);
    const view = new DataView(record.buffer);
    view.setUint16(R.VALUE_RECORD_OID_OFF, value.oid, true);
    view.setUint16(R.VALUE_RECORD_VALUE_OFF, value.value, true);
    record.set(texts, R.VALUE_RECORD_NAME_OFF);
    return record;
  }
  private taskRecord(app: ModelApp | undefined): Uint8Array | undefined {
    if (app === undefined) return undefined;
    const record = new Uint8Array(R.TASK_NAME_OFF + 1 + app.name.length);
    const view = new DataView(record.buffer);
    record[R.TASK_PID_OFF] = app.pid;
    record[R.TASK_STATE_OFF] = R.TaskState.READY;
    view.setUint32(R.TASK_CRC_OFF, crc32(app.image), true);
    view.setUint32(R.TASK_BYTES_OFF, app.image.length, true);
    record.set(text(app.name), R.TASK_NAME_OFF);
    return record;
  }

  // ---- Load ----

  private isRunning(s: Session): boolean {
    return s.event === 0;
  }
  private takeLoad(request: Request): boolean {
    const { master, verb } = request;
    if (verb === "BEGIN") this.pace();
    if (verb === "SELECT") this.select(request);
    else if (verb === "BEGIN" || verb === "BEGIN_CRC") this.begin(request);
    else if (verb === "WINDOW" || verb === "POLL" || verb === "CHECK" || verb === "END") {
      const s = this.session;
      if (verb === "END" && request.args.what === F.End.STATUS && this.id !== 0) this.status();
      else if (s?.id === request.args.session && s.master === master) this.steer(s, request);
    } else if (verb !== "BEGIN_BASES") return false;
    return true;
  }
  private select({
    master,
    args: { session, kind, bits },
  }: Extract<Request, { verb: "SELECT" }>): void {
    const isBlock = kind >= F.Select.BLOCK;
    if (isBlock && this.id >> 5 !== kind - F.Select.BLOCK) return;
    const isMeant = !isBlock || ((bits >>> (this.id & 31)) & 1) === 1;
    this.selected = isMeant && this.id !== 0 ? { session, master } : undefined;
  }
  private begin(request: Extract<Request, { verb: "BEGIN" | "BEGIN_CRC" }>): void {
    const { master, args } = request;
    if (this.selected?.session !== args.session || this.selected.master !== master) return;
    if (this.session?.id !== args.session) {
      this.session = {
        id: args.session,
        master,
        mode: 0,
        total: undefined,
        crc: undefined,
        bytes: new Uint8Array(0),
        held: [],
        window: undefined,
        flags: 0,
        lastData_ns: 0,
        phase: F.LoadPhase.IDLE,
        event: F.LoadEvent.NONE,
        code: 0,
        task: 0,
      };
    }
    const s = this.session;
    if (s.total !== undefined && s.crc !== undefined) return;
    if (request.verb === "BEGIN") {
      s.total = request.args.total;
      s.mode = request.args.mode;
    } else s.crc = request.args.crc;
    if (s.total !== undefined && s.crc !== undefined) this.open(s, s.total, s.crc);
  }
  private open(s: Session, total: number, crc: number): void {
    const same = this.apps.find((app) => crc32(app.image) === crc && app.image.length === total);
    if (same !== undefined) return this.end(s, F.LoadEvent.COMPLETE, 0, same.pid);
    if (total > (this.options.room ?? 65536)) return this.end(s, F.LoadEvent.ERROR, Err.NO_MEMORY);
    s.bytes = new Uint8Array(Math.ceil(total / 8) * 8);
    s.held = Array(s.bytes.length / 8).fill(false);
    s.phase = F.LoadPhase.RECEIVING;
  }
  private end(s: Session, event: F.LoadEvent, code: number, task = 0): void {
    s.event = event;
    s.phase = F.LoadPhase.IDLE;
    s.code = -code;
    s.task = task;
    this.status();
  }
  private missing(s: Session, window: number): number[] {
    const frames: number[] = [];
    for (let n = 0; n < 128 && window * 128 + n < s.held.length; n++)
      if (!s.held[window * 128 + n]) frames.push(n);
    return frames;
  }
  private steer(s: Session, request: Request): void {
    switch (request.verb) {
      case "WINDOW":
        s.window = request.args.window;
        s.flags = request.args.flags;
        s.lastData_ns = this.clock.now;
        break;
      case "POLL":
        s.window = undefined;
        if (s.phase !== F.LoadPhase.RECEIVING) break;
        if (request.args.kind === F.Poll.FRAMES)
          this.nacks = new Set(this.missing(s, request.args.window));
        else {
          const first = request.args.window;
          const windows = Array.from({ length: 128 }, (_, n) => n);
          this.nacks = new Set(windows.filter((n) => this.missing(s, first + n).length > 0));
        }
        this.partner.stub.wake();
        break;
      case "CHECK": {
        if (s.phase !== F.LoadPhase.CHECKING && s.phase !== F.LoadPhase.RECEIVING) break;
        const at = request.args.window * 1024;
        const part = s.bytes.subarray(at, Math.min(at + 1024, s.total ?? 0));
        if ((crc32(part) & 0xffffff) === request.args.sum) break;
        s.held.fill(false, request.args.window * 128, (request.args.window + 1) * 128);
        s.phase = F.LoadPhase.RECEIVING;
        s.code = 0;
        break;
      }
      case "END":
        if (request.args.what === F.End.ABORT && this.isRunning(s)) {
          this.isPrepared = undefined;
          this.end(s, F.LoadEvent.ABORTED, 0);
        }
        if (request.args.what === F.End.COMMIT && this.isPrepared !== undefined) this.change(s);
        break;
    }
  }
  private takeData({ parity, index, bytes }: Extract<Frame, { kind: "data" }>): void {
    const s = this.session;
    if (s?.window === undefined || s.phase !== F.LoadPhase.RECEIVING) return;
    const isStream = (s.flags & F.WindowFlag.STREAM) !== 0;
    const bit_ns = this.partner.bit_ns ?? 0;
    const isLate = this.clock.now - s.lastData_ns >= F.STREAM_BITS * bit_ns;
    if (isStream && isLate) s.window = undefined;
    if (s.window === undefined) return;
    s.lastData_ns = this.clock.now;
    if ((s.window & 1) !== parity) {
      if (!isStream) return;
      s.window++;
    }
    if (s.flags & (F.WindowFlag.PARITY_16 | F.WindowFlag.PARITY_32))
      this.takeParity(s, index, bytes);
    else this.put(s, s.window * 128 + index, bytes);
  }
  private takeParity(s: Session, index: number, bytes: Uint8Array): void {
    const groups = s.flags & F.WindowFlag.PARITY_16 ? 8 : 4;
    const members = [];
    for (let n = index; n < 128; n += groups) members.push((s.window as number) * 128 + n);
    const lacking = members.filter((n) => s.held[n] === false);
    if (lacking.length !== 1) return;
    const sum = bytes.slice();
    for (const n of members)
      for (let i = 0; n !== lacking[0] && i < 8; i++)
        sum[i] = (sum[i] ?? 0) ^ (s.bytes[n * 8 + i] ?? 0);
    this.put(s, lacking[0] as number, sum);
  }
  private put(s: Session, frame: number, bytes: Uint8Array): void {
    if (s.held[frame] !== false) return;
    s.held[frame] = true;
    s.bytes.set(bytes, frame * 8);
    if (s.held.includes(false)) return;
    s.phase = F.LoadPhase.CHECKING;
    this.after(this.options.start_ns ?? 2 * MS, () => this.check(s));
  }
  private check(s: Session): void {
    if (this.session !== s || !this.isRunning(s)) return;
    const image = s.bytes.slice(0, s.total);
    if (crc32(image) !== s.crc) {
      s.code = -Err.HXE_CRC;
      return this.status();
    }
    this.isPrepared = image;
    if ((s.mode & F.BeginMode.HOLD) === 0) return this.change(s);
    s.phase = F.LoadPhase.PREPARED;
    this.status();
  }
  private change(s: Session): void {
    const image = this.isPrepared as Uint8Array;
    this.isPrepared = undefined;
    this.apps.splice(0, this.apps.length, { pid: 2, name: "app", image });
    this.end(s, F.LoadEvent.COMPLETE, 0, 2);
  }

  // ---- Power ----

  powerOff(): void {
    this.isOn = false;
    this.session = undefined;
    this.selected = undefined;
    this.isPrepared = undefined;
    this.partner.queue.length = 0;
    this.nacks.clear();
    this.partner.isActive = false;
  }
  powerOn(): void {
    this.isOn = true;
    this.partner.isActive = true;
    if (this.id !== 0) this.hello();
  }
}
