// CAN of a node in Node, as the drivers of the chips are: buffers to send from, filters, and a ring that may run over.

import { Err } from "../../assembly/spec/errors.ts";
import { type Failure, FaultConfinement } from "../bus/fault-confinement.ts";
import { type CanController, type CanWire, RECOVERIES, type Stub } from "../bus/wire.ts";
import type { CanFrame } from "../formats/can-frame.ts";

/** Frames a controller keeps to send, as MCP2515 and bxCAN do. */
const SEND_BUFFERS = 3;
const FILTERS = 8;
/** kbit/s of a node alone that was not told any, and what asks to find out by listening. */
const BOARD_KBITS = 500;
const LISTEN = 1;
/** kbit/s that are listened for in turn, and for how long each (docs/protocol.md). */
const LISTENED = [500, 250, 125, 1000, 100, 50, 20, 10] as const;
const LISTEN_US = 100_000;
/** The transmit error counter at which a frame with data is taken back. */
const WARNING = 96;
const IDENTIFIER_MAX = 0x7ff;

export interface CanDriverOptions {
  /** Frames that wait for the core at most. */
  readonly ring?: number;
  /** Hears of frames that go out. */
  readonly onSent?: (frame: CanFrame) => void;
  /** Told that a frame waits for the core. */
  readonly onReceived?: () => void;
  /** Microseconds of the node's clock; without it a bit rate is never found by listening. */
  readonly now_us?: () => number;
}

/** Without a wire, a frame to be sent is out at once. */
export class CanDriver implements CanController {
  readonly errors = new FaultConfinement();
  /** Frames lost because the ring was full. */
  overruns = 0;
  /** What the next frames to send meet. */
  fault: "none" | "busy" | "off" | "withdrawn" = "none";
  stub: Stub | undefined;
  private readonly ring: CanFrame[] = [];
  private readonly capacity: number;
  private readonly buffers: CanFrame[] = [];
  private readonly filters: { match: number; mask: number }[] = [];
  private wireBit_ns = 0;
  /** What was asked for, and the rate that came of it in kbit/s; 0: still listening. */
  private asked: number | undefined;
  private rate = 0;
  private listeningSince_us = 0;
  /** The transmit error counter when the frame at the front was given. */
  private tecBefore = 0;
  private isWithdrawn = false;

  constructor(private readonly options: CanDriverOptions = {}) {
    this.capacity = options.ring ?? 64;
  }

  /** Hangs the driver on a wire, whose bit rate it has. */
  join(wire: CanWire): Stub {
    this.wireBit_ns = wire.bit_ns;
    this.stub = wire.attach(this);
    return this.stub;
  }

  // ---- The core's side ----

  /** Opens the bus at a rate, the wire's, or the one that listening finds. Returns kbit/s, 0: not found yet. */
  open(kbits: number): number {
    if (kbits === this.asked) return this.rate;
    this.asked = kbits;
    this.listeningSince_us = this.now_us;
    if (kbits === LISTEN) this.rate = 0;
    else this.rate = kbits === 0 ? this.wireRate : kbits;
    return this.rate;
  }
  private get now_us(): number {
    return this.options.now_us?.() ?? 0;
  }
  private get wireRate(): number {
    return this.wireBit_ns === 0 ? BOARD_KBITS : Math.round(1e6 / this.wireBit_ns);
  }
  /** The rate it listens for at present. */
  private get listenedRate(): number {
    const turn = Math.floor((this.now_us - this.listeningSince_us) / LISTEN_US);
    return LISTENED[turn % LISTENED.length] as number;
  }
  send(frame: CanFrame): number {
    if (this.isWithdrawn) {
      this.isWithdrawn = false;
      return Err.STATE;
    }
    if (this.fault === "withdrawn" && frame.data.length > 0) return Err.STATE;
    if (this.fault === "off" || this.errors.state === "off") return Err.IO;
    if (this.fault === "busy" || this.buffers.length === SEND_BUFFERS) return Err.BUSY;
    if (this.stub === undefined) this.options.onSent?.(frame);
    else {
      if (this.buffers.length === 0) this.tecBefore = this.errors.tec;
      this.buffers.push(frame);
      this.stub.wake();
    }
    return Err.OK;
  }
  /** The oldest frame that came. */
  take(): CanFrame | undefined {
    return this.ring.shift();
  }
  /** True: a frame waits for the core. */
  get hasFrame(): boolean {
    return this.ring.length > 0;
  }
  addFilter(match: number, mask: number): number {
    if (this.filters.some((f) => f.match === match && f.mask === mask)) return Err.OK;
    if (this.filters.length === FILTERS) return Err.FULL;
    this.filters.push({ match, mask });
    return Err.OK;
  }
  clearFilters(): void {
    this.filters.length = 0;
  }

  // ---- The bus's side ----

  get bit_ns(): number | undefined {
    if (this.asked === undefined || this.errors.state === "off") return undefined;
    return 1e6 / (this.rate === 0 ? this.listenedRate : this.rate);
  }
  /** False as long as it listens for a rate: it sends neither acknowledgements nor errors. */
  get isActive(): boolean {
    return this.rate !== 0;
  }
  get isPassive(): boolean {
    return this.errors.state === "passive";
  }
  offer(): CanFrame | undefined {
    return this.buffers[0];
  }
  sent(): void {
    const frame = this.buffers.shift() as CanFrame;
    this.errors.sent();
    this.options.onSent?.(frame);
  }
  lost(): void {}
  failed(why: Failure): void {
    this.errors.failed(why);
    this.withdraw();
    if (this.errors.state !== "off") return;
    this.stub?.afterRecessive(RECOVERIES, this.wireBit_ns, () => {
      this.errors.reset();
      this.stub?.wake();
    });
  }
  /** Takes frames with data back that others destroy, as the drivers of the chips do. */
  private withdraw(): void {
    const { tec } = this.errors;
    const hasData = (this.buffers[0]?.data.length ?? 0) > 0;
    if (tec < WARNING || tec <= this.tecBefore || !hasData) return;
    this.buffers.splice(0, this.buffers.length, ...this.buffers.filter((f) => f.data.length === 0));
    this.isWithdrawn = true;
  }
  disturbed(penalty: number): void {
    if (this.isActive) this.errors.disturbed(penalty);
  }
  receive(frame: CanFrame): void {
    this.errors.received();
    if (this.rate === 0) this.find();
    this.accept(frame);
  }
  /** A whole frame has come, so the rate is the wire's. */
  private find(): void {
    this.rate = this.wireRate;
    this.stub?.wake();
  }
  /** The node takes a frame, no filter passes it, or the ring is full and it is lost. */
  accept(frame: CanFrame): "taken" | "unwanted" | "lost" {
    const isOurs = !frame.isExtended && !frame.isRemote && frame.id <= IDENTIFIER_MAX;
    const passes = isOurs && this.filters.some((f) => ((frame.id ^ f.match) & f.mask) === 0);
    if (!passes) return "unwanted";
    if (this.ring.length === this.capacity) {
      this.overruns++;
      return "lost";
    }
    this.ring.push(frame);
    this.options.onReceived?.();
    return "taken";
  }
}
