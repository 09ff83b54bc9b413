// An adapter on a modelled wire, with the delays a real one has.

import { CanPartner } from "../../host/bus/partner.ts";
import type { Timeline } from "../../host/bus/timeline.ts";
import type { CanTransport, TimedFrame } from "../../host/bus/transport.ts";
import type { CanWire } from "../../host/bus/wire.ts";
import type { CanFrame } from "../../host/formats/can-frame.ts";

const NS_PER_US = 1000;
/** Frames an adapter takes before it says that it is full. */
const QUEUE = 64;

export class WireTransport implements CanTransport {
  readonly name = "wire";
  readonly state = "active";
  readonly dropped = 0;
  readonly partner: CanPartner;
  private readonly heard: TimedFrame[] = [];
  private onWay = 0;

  /** `latency_us`: how long a frame takes between the host and the wire, in either direction. */
  constructor(
    private readonly timeline: Timeline,
    wire: CanWire,
    private readonly latency_us: () => number = () => 0,
  ) {
    this.partner = new CanPartner(wire);
    this.partner.onHeard = (frame) => {
      this.partner.heard.length = 0;
      this.later(() => this.heard.push({ frame, time_us: this.now_us() }));
    };
  }

  private later(call: () => void): void {
    const latency_us = this.latency_us();
    if (latency_us === 0) call();
    else this.timeline.clock.after(latency_us * NS_PER_US, call);
  }
  now_us(): number {
    return this.timeline.now_ns / NS_PER_US;
  }
  async open(): Promise<void> {}
  async close(): Promise<void> {}
  get unsent(): number {
    return this.onWay + this.partner.queue.length;
  }
  async send(frame: CanFrame): Promise<void> {
    this.onWay++;
    this.later(() => {
      this.onWay--;
      this.partner.send(frame);
    });
    this.timeline.runTo(Number.POSITIVE_INFINITY, () => this.unsent < QUEUE);
  }
  async receive(timeout_us: number): Promise<TimedFrame | undefined> {
    const end_ns = this.timeline.now_ns + timeout_us * NS_PER_US;
    this.timeline.runTo(end_ns, () => this.heard.length > 0);
    return this.heard.shift();
  }
  async sleep(us: number): Promise<void> {
    this.timeline.runTo(this.timeline.now_ns + us * NS_PER_US);
  }
}
