// Clients of a bench in the same process, in its virtual time: `--bus sim:bench.toml`.

import type { CanPartner } from "../../bus/partner.ts";
import {
  type CanTransport,
  type TimedFrame,
  TransportError,
  type TransportState,
} from "../../bus/transport.ts";
import type { CanFrame } from "../../formats/can-frame.ts";
import type { Bench } from "./bench.ts";

/** Frames a client may have handed over that have not gone out. */
const SEND_ROOM = 64;
const CLOSE_US = 1_000_000;
/** A step of the bench's clock: sums of fractions may end that much before a deadline. */
const CLOCK_STEP_US = 0.001;

interface Waiter {
  readonly client: SimTransport;
  readonly deadline_us: number;
  readonly isReady: () => boolean;
  readonly resolve: () => void;
}

/** Lets time pass when all clients wait for it, and for none of them too far. */
export class BenchClients {
  private readonly open = new Set<SimTransport>();
  private readonly waiters = new Set<Waiter>();

  constructor(readonly bench: Bench) {}

  /** A further client. `name`: what messages call it. */
  client(name = "sim:bench"): SimTransport {
    return new SimTransport(this, name);
  }

  /** For SimTransport. */
  enter(client: SimTransport): void {
    this.open.add(client);
  }
  leave(client: SimTransport): void {
    this.open.delete(client);
    this.advance();
  }
  /** Resolves when `isReady` says so, or at `deadline_us`. Time stands still while a client that is open does not wait. */
  wait(client: SimTransport, deadline_us: number, isReady: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.waiters.add({ client, deadline_us, isReady, resolve });
      this.advance();
    });
  }

  private advance(): void {
    const waiting = new Set([...this.waiters].map(({ client }) => client));
    if (waiting.size === 0 || waiting.size < this.open.size) return;
    const { bench } = this;
    const isDue = (w: Waiter) => w.isReady() || bench.now_us >= w.deadline_us - CLOCK_STEP_US;
    const isAnyDue = () => {
      for (const waiter of this.waiters) if (isDue(waiter)) return true;
      return false;
    };
    const end_us = Math.min(...[...this.waiters].map(({ deadline_us }) => deadline_us));
    // a step of a board may end a fraction of a microsecond before its time
    while (!isAnyDue()) bench.run_us(Math.max(1, end_us - bench.now_us), isAnyDue);
    for (const waiter of [...this.waiters]) {
      if (!isDue(waiter)) continue;
      this.waiters.delete(waiter);
      waiter.resolve();
    }
  }
}

export class SimTransport implements CanTransport {
  dropped = 0;
  private partner: CanPartner | undefined;
  private readonly received: TimedFrame[] = [];
  /** Frames on the way from the client to its controller. */
  private inTransit = 0;
  private lastOut_ns = 0;
  private lastIn_ns = 0;

  constructor(
    private readonly clients: BenchClients,
    readonly name: string,
  ) {}

  private get bench(): Bench {
    return this.clients.bench;
  }
  private get port(): CanPartner {
    if (this.partner !== undefined) return this.partner;
    throw new TransportError("closed", `${this.name} is not open`, "open it first");
  }
  now_us(): number {
    return this.bench.now_us;
  }
  get state(): TransportState {
    return this.port.state;
  }
  get unsent(): number {
    return this.inTransit + this.port.queue.length;
  }

  async open(): Promise<void> {
    const partner = this.bench.connect();
    this.partner = partner;
    partner.onHeard = (frame) => {
      partner.heard.length = 0;
      this.lastIn_ns = this.delay(this.lastIn_ns, () =>
        this.received.push({ frame, time_us: this.bench.now_us }),
      );
    };
    this.clients.enter(this);
  }
  /** What was handed over goes out first, if it does within a second. */
  async close(): Promise<void> {
    if (this.partner === undefined) return;
    const deadline_us = this.bench.now_us + CLOSE_US;
    await this.clients.wait(this, deadline_us, () => this.unsent === 0 || this.state === "off");
    this.partner.stub.remove();
    this.partner = undefined;
    this.clients.leave(this);
  }

  /** Makes a call after the latency of the host, and no earlier than the one before it, at `last_ns`. */
  private delay(last_ns: number, call: () => void): number {
    const { spec, timeline, random } = this.bench;
    const [from, to] = spec.latency_ms;
    if (to === 0) {
      call();
      return timeline.now_ns;
    }
    const due = Math.max(last_ns, timeline.now_ns + random.between(from, to) * 1e6);
    timeline.clock.after(due - timeline.now_ns, call);
    return due;
  }

  async send(frame: CanFrame): Promise<void> {
    const { port } = this;
    if (this.state === "off") {
      const remedy = "look for a short circuit, a wrong bit rate or two senders of one identifier";
      throw new TransportError("bus-off", `${this.name}: the controller is bus-off`, remedy);
    }
    this.inTransit++;
    this.lastOut_ns = this.delay(this.lastOut_ns, () => {
      this.inTransit--;
      port.send(frame);
    });
    if (this.unsent < SEND_ROOM) return;
    await this.clients.wait(this, Number.POSITIVE_INFINITY, () => {
      return this.unsent < SEND_ROOM || this.state === "off";
    });
  }

  async receive(timeout_us: number): Promise<TimedFrame | undefined> {
    if (this.received.length === 0) {
      const { port } = this;
      const deadline_us = this.bench.now_us + timeout_us;
      await this.clients.wait(this, deadline_us, () => {
        return this.received.length > 0 || this.partner !== port;
      });
    }
    return this.received.shift();
  }
  async sleep(us: number): Promise<void> {
    await this.clients.wait(this, this.bench.now_us + us, () => false);
  }
}
