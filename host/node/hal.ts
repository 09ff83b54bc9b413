// The machine a core in Node runs on: virtual time, console, CAN queues, pins, an SD card and non-volatile bytes.

import type * as Hal from "../../assembly/hal.d.ts";
import { Err } from "../../assembly/spec/errors.ts";
import { ResetCause } from "../../assembly/spec/node.ts";
import { PinEdge, PinMode } from "../../assembly/spec/svc.ts";
import type { CanFrame } from "../formats/can-frame.ts";
import { CanDriver } from "./can.ts";
import { NvDevice, type NvHal } from "./nv.ts";

/** What a board has and who listens to it; without any, 16 pins and nothing else. */
export interface MachineOptions {
  /** Milliseconds on the clock at power-on; it wraps at 2^32. */
  readonly start_ms?: number;
  readonly nv?: NvDevice;
  /** Received frames that may wait for the core. */
  readonly canRing?: number;
  /** Least microseconds between two frames that it can take for long; default: it keeps up with any bus. */
  readonly canPace_us?: number;
  /** Blocks of 512 bytes. */
  readonly sd?: Uint8Array;
  /** Pins the board gives to apps. */
  readonly pins?: number;
  readonly uid?: Uint8Array;
  /** Hash and board name of the firmware. */
  readonly firmware?: { readonly hash: number; readonly board: string };
  readonly resetCause?: ResetCause;
  /** Hears of what the core does to the outside. */
  readonly onUart?: (bytes: Uint8Array) => void;
  readonly onCan?: (frame: CanFrame) => void;
  /** Told that a frame waits for the core. */
  readonly onFrame?: () => void;
  readonly onPin?: (pin: number, level: number | undefined) => void;
  readonly onReset?: (bootloader: boolean) => void;
}

export interface Pin {
  mode: number;
  /** What the core drives; undefined: not driven, at its safe level. */
  driven: number | undefined;
  /** What the outside applies. */
  applied: number;
}

const SD_BLOCK = 512;
const U32 = 2 ** 32;
const EDGE_MASK = PinEdge.RISING | PinEdge.FALLING;

/** Implements every import of the core. Nothing here waits: time moves when advance() is called. */
export class Machine {
  readonly nv: NvDevice | undefined;
  readonly pins: Pin[];
  /** Bytes uart_write takes before the console is full; unlimited unless a test sets it. */
  uartRoom = Number.POSITIVE_INFINITY;
  readonly can: CanDriver;
  private readonly options: MachineOptions;
  private time_us: number;
  private memory: () => Uint8Array = () => new Uint8Array();
  private readonly uartInput: number[] = [];
  private readonly edges: number[] = [];

  constructor(options: MachineOptions = {}) {
    this.options = options;
    this.nv = options.nv;
    this.time_us = (options.start_ms ?? 0) * 1000;
    const { canRing, onCan, onFrame } = options;
    this.can = new CanDriver({
      now_us: () => this.now_us,
      ...(canRing === undefined ? {} : { ring: canRing }),
      ...(onCan && { onSent: onCan }),
      ...(onFrame && { onReceived: onFrame }),
    });
    const count = options.pins ?? 16;
    this.pins = Array.from({ length: count }, () => {
      return { mode: PinMode.INPUT, driven: undefined, applied: 0 };
    });
  }

  /** Lets the core's memory be reached; called once it exists. */
  attach(memory: () => Uint8Array): void {
    this.memory = memory;
  }

  // ---- Time ----

  /** Microseconds since the clock's zero; does not wrap. */
  get now_us(): number {
    return this.time_us;
  }
  advance(us: number): void {
    this.time_us += us;
  }

  // ---- What the outside does ----

  typeConsole(bytes: Iterable<number>): void {
    this.uartInput.push(...bytes);
  }
  /** True: bytes have come to the console that the core has not read. */
  get hasConsoleInput(): boolean {
    return this.uartInput.length > 0;
  }
  /** A frame on the bus. */
  receiveFrame(frame: CanFrame): "taken" | "unwanted" | "lost" {
    return this.can.accept(frame);
  }
  /** Applies a level to a pin from outside. */
  applyPin(pin: number, level: 0 | 1): void {
    const p = this.pins[pin];
    if (p === undefined || p.applied === level) return;
    p.applied = level;
    const edge = level === 1 ? PinEdge.RISING : PinEdge.FALLING;
    if ((p.mode & edge) !== 0) this.edges.push(pin + 256 * level);
  }
  /** Level a meter would see: driven, pulled up or applied. */
  pinLevel(pin: number): number {
    const p = this.pins[pin];
    return p === undefined ? 0 : (p.driven ?? p.applied);
  }

  // ---- The imports ----

  private bytes(address: number, length: number): Uint8Array {
    return this.memory().subarray(address, address + length);
  }
  private view(address: number, length: number): DataView {
    const memory = this.memory();
    return new DataView(memory.buffer, address, length);
  }

  private uartWrite(data: number, len: number): number {
    const taken = Math.min(len, this.uartRoom);
    this.uartRoom -= taken;
    if (taken > 0) this.options.onUart?.(this.bytes(data, taken).slice());
    return taken;
  }
  private uartRead(data: number, len: number): number {
    const got = this.uartInput.splice(0, len);
    this.bytes(data, got.length).set(got);
    return got.length;
  }

  private canReceive(frame: number): number {
    const next = this.can.take();
    if (next === undefined) return Err.NO_DATA;
    const view = this.view(frame, 12);
    view.setUint16(0, next.id, true);
    view.setUint8(2, next.data.length);
    view.setUint8(3, 0);
    this.bytes(frame + 4, next.data.length).set(next.data);
    return Err.OK;
  }
  private sdRead(block: number, data: number): number {
    const card = this.options.sd;
    if (card === undefined) return Err.ABSENT;
    const at = block * SD_BLOCK;
    if (at + SD_BLOCK > card.length) return Err.IO;
    this.bytes(data, SD_BLOCK).set(card.subarray(at, at + SD_BLOCK));
    return Err.OK;
  }

  private gpioConfigure(pin: number, mode: number): number {
    const p = this.pins[pin];
    if (p === undefined || (mode & ~EDGE_MASK) > PinMode.OUTPUT) return Err.INVALID;
    p.mode = mode;
    const isOutput = (mode & ~EDGE_MASK) === PinMode.OUTPUT;
    p.driven = isOutput ? (p.driven ?? 0) : undefined;
    if ((mode & ~EDGE_MASK) === PinMode.INPUT_PULLUP) p.applied = 1;
    return Err.OK;
  }
  private gpioRead(pin: number): number {
    return this.pins[pin] === undefined ? Err.INVALID : this.pinLevel(pin);
  }
  private gpioWrite(pin: number, level: number): number {
    const p = this.pins[pin];
    if (p === undefined) return Err.INVALID;
    if ((p.mode & ~EDGE_MASK) !== PinMode.OUTPUT) return Err.STATE;
    if (p.driven !== level) this.options.onPin?.(pin, level);
    p.driven = level;
    return Err.OK;
  }
  private gpioRelease(pin: number): number {
    const p = this.pins[pin];
    if (p === undefined) return Err.INVALID;
    if (p.driven !== undefined) this.options.onPin?.(pin, undefined);
    p.mode = PinMode.INPUT;
    p.driven = undefined;
    return Err.OK;
  }

  private nodeUid(data: number): number {
    const uid = this.options.uid ?? new Uint8Array(8);
    this.bytes(data, uid.length).set(uid);
    return uid.length;
  }

  private nodeFirmware(data: number): number {
    const { hash = 0, board = "node" } = this.options.firmware ?? {};
    const text = new TextEncoder().encode(board).subarray(0, 30);
    this.bytes(data, 2).set([hash & 0xff, hash >> 8]);
    this.bytes(data + 2, text.length).set(text);
    return 2 + text.length;
  }

  private nvHal(): NvHal {
    return (this.nv ?? new NvDevice(new Uint8Array(0))).hal(() => this.memory());
  }

  /** All imports of the core. */
  imports(): typeof Hal {
    return {
      clock_ms: () => (Math.floor(this.now_us / 1000) % U32) | 0,
      clock_us: () => (this.now_us % U32) | 0,
      uart_write: (data, len) => this.uartWrite(data, len),
      uart_read: (data, len) => this.uartRead(data, len),
      can_open: (kbits) => this.can.open(kbits),
      can_send: (id, data, len) => this.can.send({ id, data: this.bytes(data, len).slice() }),
      can_receive: (frame) => this.canReceive(frame),
      can_filter: (match, mask) => this.can.addFilter(match, mask),
      can_pace: () => this.options.canPace_us ?? 0,
      can_filter_clear: () => this.can.clearFilters(),
      ...this.nvHal(),
      sd_blocks: () => Math.floor((this.options.sd?.length ?? 0) / SD_BLOCK),
      sd_read: (block, data) => this.sdRead(block, data),
      gpio_count: () => this.pins.length,
      gpio_configure: (pin, mode) => this.gpioConfigure(pin, mode),
      gpio_read: (pin) => this.gpioRead(pin),
      gpio_write: (pin, level) => this.gpioWrite(pin, level),
      gpio_release: (pin) => this.gpioRelease(pin),
      gpio_edge: () => this.edges.shift() ?? Err.NO_DATA,
      node_uid: (data) => this.nodeUid(data),
      node_firmware: (data) => this.nodeFirmware(data),
      node_reset_cause: () => this.options.resetCause ?? ResetCause.POWER_ON,
      node_reset: (bootloader) => this.options.onReset?.(bootloader !== 0),
    } satisfies typeof Hal;
  }
}

/** What surrounds a core, as its host sees it: the machine above, or a simulated board. */
export type NodeMachine = Pick<
  Machine,
  | "imports"
  | "attach"
  | "now_us"
  | "advance"
  | "pins"
  | "pinLevel"
  | "applyPin"
  | "typeConsole"
  | "receiveFrame"
>;
