// A board whose firmware runs as it does on a desk, with a debugger: it stops between two polls of the core and nowhere
// else, so that the core's functions may be called, and goes on as if nothing had been.

import { createHash } from "node:crypto";
import { CanPartner } from "../../bus/partner.ts";
import type { CanFrame } from "../../formats/can-frame.ts";
import { appPin, type Stm32Board } from "./board.ts";
import { ChipFailure, DebugPort } from "./debug-port.ts";

/** Where the main loop stops: the core is at rest there (targets/common/main.c). */
const STOP_AT = "hsx_poll";
/** What the main loop calls to sleep. */
const REST = "board_rest";
const APP_PINS = 16;
/** Seconds in which a sound firmware comes by its main loop again. */
const ABSENT_MAX_S = 10;
const LR = 14;
const PC = 15;

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
    readonly board: Stm32Board,
    private readonly listener: BoardListener = {},
  ) {
    this.port = new DebugPort(board.chip, board.firmware.addressOf);
    this.partner = new CanPartner(board.wire);
    this.listen();
    this.hook(STOP_AT, () => {
      if (this.now >= this.end) board.chip.core.stop();
    });
    this.hook(REST, () => this.rest());
  }

  private hook(symbol: string, call: () => void): void {
    const address = this.board.firmware.addressOf(symbol);
    if (address === undefined) throw new ChipFailure(`the firmware has no ${symbol}`);
    this.board.chip.core.hook(address, call);
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
    const pins = Array.from({ length: APP_PINS }, (_, n) => appPin(n));
    board.chip.ports.forEach((port, at) => {
      port.onDrive((moved, level) => {
        const n = pins.findIndex(({ port: own, pin }) => own === at && pin === moved);
        if (n < 0) return;
        this.note(`pin ${n} ${level}`);
        listener.onPin?.(n, level);
      });
    });
    this.partner.onHeard = (frame) => {
      this.note(`can ${frame.id} ${Buffer.from(frame.data).toString("hex")}`);
      listener.onCan?.(frame);
    };
  }

  // ---- Time ----

  get now(): number {
    return this.board.chip.core.now;
  }

  /** At the door of a rest: none when the host has done something. */
  private rest(): void {
    if (!this.hasCalled) return;
    this.hasCalled = false;
    const { registers } = this.board.chip.core;
    registers[PC] = (registers[LR] as number) & ~1;
  }

  /** Runs the firmware for so many cycles, and on until it comes by its main loop. */
  advance(cycles: number): void {
    const { chip } = this.board;
    this.end = this.now + cycles;
    const ended = chip.run(this.end + ABSENT_MAX_S * chip.map.hz);
    if (ended === "hook") return;
    const place = chip.core.pc.toString(16);
    throw new ChipFailure(`the firmware does not come back to its main loop: ${ended} at ${place}`);
  }

  /** Lets the firmware run without stops, until the next advance(). */
  release(): void {
    this.end = Number.POSITIVE_INFINITY;
  }

  /** Tells the firmware that its core was called, so that it does not rest before it has looked. */
  touch(): void {
    this.hasCalled = true;
  }
}
