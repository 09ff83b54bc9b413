// A master's adapter on the bus of one board, which a debugger holds: its time passes while the master waits, and only then.

import type { CanTransport, TimedFrame } from "../../host/bus/transport.ts";
import type { BoardMachine } from "../../host/client/board-node.ts";
import type { CanFrame } from "../../host/formats/can-frame.ts";

/** The board is let run for so long before its bus is looked at again. */
const STEP_US = 50;
/** Frames the adapter takes before it says that it is full. */
const QUEUE = 64;

export class BoardTransport implements CanTransport {
  readonly name = "board";
  readonly state = "active";
  readonly dropped = 0;
  private readonly heard: TimedFrame[] = [];

  constructor(private readonly machine: BoardMachine) {
    const { partner } = machine.live;
    partner.onHeard = (frame) => {
      partner.heard.length = 0;
      this.heard.push({ frame, time_us: this.now_us() });
    };
  }

  now_us(): number {
    return this.machine.now_us;
  }
  get unsent(): number {
    return this.machine.live.partner.queue.length;
  }
  async open(): Promise<void> {}
  async close(): Promise<void> {}
  async send(frame: CanFrame): Promise<void> {
    this.machine.live.partner.send(frame);
    while (this.unsent >= QUEUE) this.machine.advance(STEP_US);
  }
  async receive(timeout_us: number): Promise<TimedFrame | undefined> {
    const end_us = this.now_us() + timeout_us;
    while (this.heard.length === 0 && this.now_us() < end_us)
      this.machine.advance(Math.min(STEP_US, end_us - this.now_us()));
    return this.heard.shift();
  }
  async sleep(us: number): Promise<void> {
    this.machine.advance(us);
  }
}
