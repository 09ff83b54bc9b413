// A CAN controller with software around it that is always in time: it sends what it is told, in this order, and hears all.

import type { CanFrame } from "../formats/can-frame.ts";
import { type ErrorState, type Failure, FaultConfinement } from "./fault-confinement.ts";
import { type CanController, type CanWire, RECOVERIES, type Stub } from "./wire.ts";

export class CanPartner implements CanController {
  /** False: it listens only. */
  isActive = true;
  readonly errors = new FaultConfinement();
  /** What it heard, until somebody takes it out. */
  readonly heard: CanFrame[] = [];
  onHeard: ((frame: CanFrame) => void) | undefined;
  /** Hears that a frame of its own went out. */
  onSent: ((frame: CanFrame) => void) | undefined;
  /** Frames that are to be sent. */
  readonly queue: CanFrame[] = [];
  /** Asked for the next frame when the queue is empty. */
  source: (() => CanFrame | undefined) | undefined;
  readonly stub: Stub;
  private readonly ownBit_ns: number;

  constructor(wire: CanWire, bit_ns = wire.bit_ns) {
    this.ownBit_ns = bit_ns;
    this.stub = wire.attach(this);
  }

  get bit_ns(): number | undefined {
    return this.errors.state === "off" ? undefined : this.ownBit_ns;
  }
  get state(): ErrorState {
    return this.errors.state;
  }
  get isPassive(): boolean {
    return this.errors.state === "passive";
  }

  send(frame: CanFrame): void {
    this.queue.push(frame);
    this.stub.wake();
  }
  offer(): CanFrame | undefined {
    if (this.queue.length === 0) {
      const next = this.source?.();
      if (next !== undefined) this.queue.push(next);
    }
    return this.queue[0];
  }
  sent(): void {
    const frame = this.queue.shift() as CanFrame;
    this.errors.sent();
    this.onSent?.(frame);
  }
  receive(frame: CanFrame): void {
    this.errors.received();
    this.heard.push(frame);
    this.onHeard?.(frame);
  }
  lost(): void {}
  failed(why: Failure): void {
    this.errors.failed(why);
    if (this.errors.state !== "off") return;
    this.stub.afterRecessive(RECOVERIES, this.ownBit_ns, () => {
      this.errors.reset();
      this.stub.wake();
    });
  }
  disturbed(penalty: number): void {
    this.errors.disturbed(penalty);
  }
}
