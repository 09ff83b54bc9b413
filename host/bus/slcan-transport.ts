// A client that speaks SLCAN through a stream: an adapter on a serial line, or a bus that is served over TCP.

import type { Duplex } from "node:stream";
import type { CanFrame } from "../formats/can-frame.ts";
import { readSlcanFrame, SLCAN_RATES, SlcanFlag, slcanText } from "../formats/slcan.ts";
import { Inbox } from "./inbox.ts";
import {
  type CanTransport,
  type TimedFrame,
  TransportError,
  type TransportState,
} from "./transport.ts";

export interface SlcanOptions {
  readonly name: string;
  /** kbit/s; undefined: what the other side has. */
  readonly bitRate: number | undefined;
  /** Opens the stream. Throws a TransportError. */
  connect(): Promise<Duplex>;
  /** Microseconds of a clock that never goes back. */
  now_us(): number;
}

/** Frames the adapter has not answered for. */
const WINDOW = 16;
/** An adapter that has answered no frame by then answers none, and is not waited for. */
const ANSWER_US = 300_000;
const OPEN_US = 1_000_000;
const BELL = "\x07";
/** A frame that is refused goes out again after this time, so often at most: the adapter's buffer was full. */
const RETRY_US = 1000;
const RETRIES = 200;

interface Handed {
  readonly frame: CanFrame;
  retries: number;
}

export class SlcanTransport implements CanTransport {
  state: TransportState = "unknown";
  private stream: Duplex | undefined;
  private readonly inbox: Inbox;
  private text = "";
  private readonly handed: Handed[] = [];
  private failure: TransportError | undefined;
  /** Undefined as long as the adapter has answered no frame. */
  private answers: boolean | undefined;
  /** Answer to the command that waits for one. */
  private answer: "ok" | "bell" | undefined;

  constructor(private readonly options: SlcanOptions) {
    this.inbox = new Inbox(options.now_us);
  }

  get name(): string {
    return this.options.name;
  }
  now_us(): number {
    return this.options.now_us();
  }
  get dropped(): number {
    return this.inbox.dropped;
  }
  get unsent(): number {
    return this.answers === true ? this.handed.length : 0;
  }

  // ---- Opening ----

  async open(): Promise<void> {
    const { bitRate, name } = this.options;
    const code = (SLCAN_RATES as readonly (number | undefined)[]).indexOf(bitRate);
    if (bitRate !== undefined && code < 0) {
      const remedy = `there are ${SLCAN_RATES.join(", ")} kbit/s`;
      throw new TransportError(
        "wrong-bit-rate",
        `${name}: SLCAN knows no ${bitRate} kbit/s`,
        remedy,
      );
    }
    const stream = await this.options.connect();
    this.stream = stream;
    stream.setEncoding("latin1");
    stream.on("data", (chunk) => this.hear(String(chunk)));
    stream.on("error", (error) => this.fail(error.message));
    stream.on("close", () => this.fail("the connection has ended"));
    await this.ask("\r\rC"); // what was typed before is no command any more
    if (code >= 0) await this.ask(`S${code}`);
    await this.enter();
    stream.write("F\r");
  }

  /** Sends a command and waits for its answer. */
  private async ask(command: string): Promise<"ok" | "bell" | undefined> {
    this.answer = undefined;
    this.stream?.write(`${command}\r`);
    await this.inbox.wait(OPEN_US, () => this.answer !== undefined || this.failure !== undefined);
    if (this.failure !== undefined) throw this.failure;
    return this.answer;
  }
  /** Goes on the bus. Some adapters answer no command but V. */
  private async enter(): Promise<void> {
    const { name } = this.options;
    const answer = (await this.ask("O")) ?? (await this.ask("V"));
    if (answer === "ok") return;
    if (answer === undefined) {
      const remedy =
        "is this the port of an SLCAN adapter? Unplug and plug it, or name another port";
      throw new TransportError("no-answer", `${name}: nothing answers`, remedy);
    }
    const remedy = "the adapter may be open in another program: close it there";
    throw new TransportError("refused", `${name}: the adapter does not open its bus`, remedy);
  }

  async close(): Promise<void> {
    const { stream } = this;
    if (stream === undefined) return;
    await this.inbox.wait(OPEN_US, () => this.unsent === 0 || this.failure !== undefined);
    this.stream = undefined;
    stream.removeAllListeners("close");
    stream.end("C\r", () => stream.destroy());
  }

  // ---- What comes ----

  private fail(why: string): void {
    const remedy = "look at the cable and whether the other side still runs, then begin again";
    this.failure ??= new TransportError("closed", `${this.name}: ${why}`, remedy);
    this.inbox.wake();
  }
  private hear(chunk: string): void {
    this.text += chunk;
    for (;;) {
      const ends = [this.text.indexOf("\r"), this.text.indexOf(BELL)].filter((at) => at >= 0);
      const end = ends.length === 0 ? -1 : Math.min(...ends);
      if (end < 0) return;
      const line = this.text.slice(0, end).trim();
      const isBell = this.text[end] === BELL;
      this.text = this.text.slice(end + 1);
      if (isBell) this.refused();
      else this.take(line);
    }
  }
  private take(line: string): void {
    const frame = readSlcanFrame(line);
    if (frame !== undefined) this.inbox.put(frame);
    else if (line === "z" || line === "Z" || (line === "" && this.handed.length > 0))
      this.accepted();
    else this.answered("ok");
    if (/^F[0-9A-Fa-f]{2}$/.test(line)) this.takeFlags(Number.parseInt(line.slice(1), 16));
  }
  private answered(answer: "ok" | "bell"): void {
    this.answer = answer;
    this.inbox.wake();
  }
  private takeFlags(flags: number): void {
    const isOff = (flags & SlcanFlag.BUS_ERROR) !== 0 && (flags & SlcanFlag.PASSIVE) !== 0;
    if (isOff) this.state = "off";
    else this.state = (flags & SlcanFlag.PASSIVE) !== 0 ? "passive" : "active";
  }
  private accepted(): void {
    this.answers = true;
    this.handed.shift();
    this.inbox.wake();
  }
  /** A bell: of a frame when one waits for its answer, else of a command. */
  private refused(): void {
    const first = this.handed.shift();
    if (first === undefined) return this.answered("bell");
    this.answers = true;
    if (++first.retries > RETRIES) {
      const remedy = "is the bus connected and terminated, and its bit rate right?";
      this.failure ??= new TransportError(
        "refused",
        `${this.name}: the adapter takes no frames`,
        remedy,
      );
      this.inbox.wake();
      return;
    }
    setTimeout(() => this.hand(first), RETRY_US / 1000);
  }

  // ---- What goes ----

  private hand(item: Handed): void {
    this.handed.push(item);
    this.stream?.write(`${slcanText(item.frame)}\r`);
  }

  async send(frame: CanFrame): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.stream === undefined)
      throw new TransportError("closed", `${this.name} is not open`, "open it first");
    this.hand({ frame, retries: 0 });
    const hasRoom = () => this.handed.length < WINDOW || this.failure !== undefined;
    if (this.answers === false) this.handed.length = 0;
    else await this.inbox.wait(ANSWER_US, hasRoom);
    if (hasRoom()) return;
    if (this.answers === undefined) this.answers = false;
    else await this.awaitRoom(hasRoom);
  }
  /** The adapter holds frames back: nobody acknowledges them, or it is off the bus. */
  private async awaitRoom(hasRoom: () => boolean): Promise<void> {
    this.stream?.write("F\r");
    await this.inbox.wait(OPEN_US, () => hasRoom() || this.state === "off");
    if (this.state === "off") {
      const remedy = "look for a short circuit, a wrong bit rate or two senders of one identifier";
      throw new TransportError("bus-off", `${this.name}: the adapter is bus-off`, remedy);
    }
    if (hasRoom()) return;
    const remedy = "is a node on the bus that has power and this bit rate?";
    throw new TransportError("no-answer", `${this.name}: nobody acknowledges frames`, remedy);
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
