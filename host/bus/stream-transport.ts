// What transports over a stream have in common: opening, what has come and who waits for it, and the end of the stream.

import type { Duplex } from "node:stream";
import type { CanFrame } from "../formats/can-frame.ts";
import { type After, Inbox } from "./inbox.ts";
import {
  type CanTransport,
  type TimedFrame,
  TransportError,
  type TransportState,
} from "./transport.ts";

export interface StreamOptions {
  readonly name: string;
  /** Opens the stream. Throws a TransportError. */
  connect(): Promise<Duplex>;
  /** Microseconds of a clock that never goes back. */
  now_us(): number;
  /** Timers of that clock; default: those of the wall. */
  readonly after?: After;
}

/** How long what was handed over may take to go out when the transport is closed. */
const CLOSE_US = 1_000_000;

export abstract class StreamTransport implements CanTransport {
  state: TransportState = "unknown";
  protected readonly inbox: Inbox;
  protected failure: TransportError | undefined;
  private stream: Duplex | undefined;

  constructor(private readonly streamOptions: StreamOptions) {
    this.inbox = new Inbox(() => this.now_us(), streamOptions.after);
  }

  get name(): string {
    return this.streamOptions.name;
  }
  now_us(): number {
    return this.streamOptions.now_us();
  }
  get dropped(): number {
    return this.inbox.dropped;
  }
  abstract get unsent(): number;
  abstract send(frame: CanFrame): Promise<void>;
  /** Takes bytes that came, a character each. */
  protected abstract hear(text: string): void;

  async open(): Promise<void> {
    const stream = await this.streamOptions.connect();
    this.stream = stream;
    stream.setEncoding("latin1");
    stream.on("data", (chunk) => this.hear(String(chunk)));
    stream.on("error", (error) => this.end(error.message));
    stream.on("close", () => this.end("the connection has ended"));
  }
  /** `last`: what is said at the end. */
  protected async endWith(last: string): Promise<void> {
    const { stream } = this;
    if (stream === undefined) return;
    await this.inbox.wait(CLOSE_US, () => this.unsent === 0 || this.failure !== undefined);
    this.stream = undefined;
    stream.removeAllListeners("close");
    stream.end(last, "latin1", () => stream.destroy());
  }
  close(): Promise<void> {
    return this.endWith("");
  }

  /** The open stream. Throws what ended it. */
  protected get line(): Duplex {
    if (this.failure !== undefined) throw this.failure;
    if (this.stream !== undefined) return this.stream;
    throw new TransportError("closed", `${this.name} is not open`, "open it first");
  }
  /** Notes what has gone wrong for good; who waits is told. */
  protected fail(failure: TransportError): void {
    this.failure ??= failure;
    this.inbox.wake();
  }
  private end(why: string): void {
    const remedy = "look at the cable and whether the other side still runs, then begin again";
    this.fail(new TransportError("closed", `${this.name}: ${why}`, remedy));
  }

  async receive(timeout_us: number): Promise<TimedFrame | undefined> {
    await this.inbox.wait(timeout_us, () => !this.inbox.isEmpty || this.failure !== undefined);
    const next = this.inbox.take();
    if (next === undefined && this.failure !== undefined) throw this.failure;
    return next;
  }
  async sleep(us: number): Promise<void> {
    await this.inbox.wait(us, () => false);
  }
}
