// A board whose firmware runs as it does on a desk, with a debugger: it stops between two polls of the core and nowhere
// else, so that the core's functions may be called, and goes on as if nothing had been.

import { createHash } from "node:crypto";
import type { Clock } from "../bus/clock.ts";
import { CanPartner } from "../bus/partner.ts";
import type { CanWire } from "../bus/wire.ts";
import type { CanFrame } from "../formats/can-frame.ts";
import { ChipFailure, type DebugPort, type Prototype } from "./debug-port.ts";

/** A chip as a debugger has it. */
export interface DebuggedChip {
  readonly clock: Clock;
  /** Byte address of the next instruction. */
  readonly pc: number;
  /** Has `call` made whenever the instruction at a byte address is to be executed, before it is. */
  hook(address: number, call: () => void): void;
  /** Ends the run before the next instruction. */
  stop(): void;
  /** Runs until the clock shows `end` or something stops it; "hook": stop() did. */
  run(end: number): string;
}

/** What every simulated board is to the debugger and to those outside. */
export interface Board {
  readonly chip: DebuggedChip;
  readonly firmware: {
    readonly exports: readonly Prototype[];
    readonly addressOf: (symbol: string) => number | undefined;
  };
  readonly wire: CanWire;
  /** Memory of the chip in which the byte at address A is byte A of linear memory. */
  readonly memory: ArrayBuffer;
  /** What was sent over the console, byte by byte. */
  onConsole: ((byte: number) => void) | undefined;
  openPort(): DebugPort;
  /** Bytes for the console, back to back. */
  type(bytes: Iterable<number>): void;
  /** Level at the pin of an app's GPIO number. */
  pinLevel(n: number): number;
  applyPin(n: number, level: 0 | 1): void;
  /** Hears of pins of apps: of their level, or what drives them; undefined: nothing does. */
  listenToPins(call: (n: number, level: number | undefined) => void): void;
}

/** Pins that each board has for apps. */
export const APP_PINS = 16;
/** Where the main loop stops: the core is at rest there (targets/common/main.c). */
const STOP_AT = "hsx_poll";
/** What the main loop calls to sleep. */
const REST = "board_rest";
/** Seconds in which a sound firmware comes by its main loop again. */
const ABSENT_MAX_S = 5;

/** What the outside hears of a board. */
export interface BoardListener {
  onUart?(byte: number): void;
  onCan?(frame: CanFrame): void;
  onPin?(pin: number, level: number | undefined): void;
}

export class LiveBoard {
  readonly port: DebugPort;
  /** The other end of the CAN bus. */
  readonly partner: CanPartner;
  private readonly hash = createHash("sha256");
  private end = 0;
  private hasCalled = false;

  constructor(
    private readonly board: Board,
    private readonly listener: BoardListener = {},
  ) {
    this.port = board.openPort();
    this.partner = new CanPartner(board.wire);
    this.listen();
    this.hook(STOP_AT, () => {
      if (this.now >= this.end) board.chip.stop();
    });
    this.hook(REST, () => this.rest());
  }

  private hook(symbol: string, call: () => void): void {
    const address = this.board.firmware.addressOf(symbol);
    if (address === undefined) throw new ChipFailure(`the firmware has no ${symbol}`);
    this.board.chip.hook(address, call);
  }

  // ---- What is heard ----

  private note(what: string): void {
    this.hash.update(`${this.now} ${what}\n`);
  }
  /** Digest of all that came out of the board so far, each with its cycle. */
  get traceHash(): string {
    return this.hash.copy().digest("hex");
  }
  private listen(): void {
    const { board, listener } = this;
    board.onConsole = (byte) => {
      this.note(`uart ${byte}`);
      listener.onUart?.(byte);
    };
    board.listenToPins((n, level) => {
      this.note(`pin ${n} ${level}`);
      listener.onPin?.(n, level);
    });
    this.partner.onHeard = (frame) => {
      this.note(`can ${frame.id} ${Buffer.from(frame.data).toString("hex")}`);
      listener.onCan?.(frame);
    };
  }

  // ---- Time ----

  get now(): number {
    return this.board.chip.clock.now;
  }

  /** At the door of a rest: none when the host has done something. */
  private rest(): void {
    if (!this.hasCalled) return;
    this.hasCalled = false;
    this.port.leave();
  }

  /** Runs the firmware for so many cycles, and on until it comes by its main loop. */
  advance(cycles: number): void {
    const { chip } = this.board;
    this.end = this.now + cycles;
    const ended = chip.run(this.end + ABSENT_MAX_S * chip.clock.hz);
    if (ended === "hook") return;
    const place = chip.pc.toString(16);
    throw new ChipFailure(`the firmware does not come back to its main loop: ${ended} at ${place}`);
  }

  /** Runs for so many cycles and stops wherever the firmware then is: for what happens without warning. */
  runExactly(cycles: number): void {
    const { chip } = this.board;
    const stop = this.now + cycles;
    this.end = Number.POSITIVE_INFINITY;
    while (this.now < stop) chip.run(stop);
    this.end = 0;
  }

  /** Tells the firmware that its core was called, so that it does not rest before it has looked. */
  touch(): void {
    this.hasCalled = true;
  }
}
