// A board whose firmware runs as it does on a desk, with a debugger: it stops between two polls of the core and nowhere
// else, so that the core's functions may be called, and goes on as if nothing had been.

import { createHash } from "node:crypto";
import { CanPartner } from "../../bus/partner.ts";
import type { CanFrame } from "../../formats/can-frame.ts";
import { store } from "./abi.ts";
import { type AvrBoard, appPin } from "./board.ts";
import { ChipFailure, DebugPort } from "./debug-port.ts";

/** Where the main loop stops: the core is at rest there (targets/common/main.c). */
const STOP_AT = "hsx_poll";
/** What the main loop calls to sleep; its argument is milliseconds at most. */
const REST = "board_rest";
/** First register of a u32 argument. */
const REST_ARGUMENT = 22;
const APP_PINS = 16;
/** Cycles in which a sound firmware comes by its main loop again: the longest rest is cut to the time asked for. */
const ABSENT_MAX = 80_000_000;

/** What the outside hears of a board. */
export interface BoardListener {
  onUart?(byte: number): void;
  onCan?(frame: CanFrame): void;
  onPin?(pin: number, level: 0 | 1): void;
}

export class LiveBoard {
  readonly port: DebugPort;
  /** The other end of the CAN bus. */
  readonly partner: CanPartner;
  private readonly hash = createHash("sha256");
  private end = 0;
  private hasCalled = false;

  constructor(
    readonly board: AvrBoard,
    private readonly listener: BoardListener = {},
  ) {
    this.port = new DebugPort(board.chip, board.firmware);
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
    for (let n = 0; n < APP_PINS; n++)
      board.ports.listen(appPin(n), (level) => {
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

  /** At the door of a rest: none when the host has done something, else no longer than the host waits. */
  private rest(): void {
    const { board, port } = this;
    if (this.hasCalled) {
      this.hasCalled = false;
      port.popReturn();
      return;
    }
    const { data, clock } = board.chip;
    const asked = new DataView(data.buffer).getUint32(REST_ARGUMENT, true);
    const left = Math.max(1, Math.ceil(((this.end - this.now) * 1000) / clock.hz));
    store(data, REST_ARGUMENT, Math.min(asked, left), 4);
  }

  /** Runs the firmware for so many cycles, and on until it comes by its main loop. */
  advance(cycles: number): void {
    const { chip } = this.board;
    this.end = this.now + cycles;
    const ended = chip.run(this.end + ABSENT_MAX);
    if (ended === "hook") return;
    const place = (2 * chip.cpu.pc).toString(16);
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
