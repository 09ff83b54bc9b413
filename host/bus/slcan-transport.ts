// A client that speaks SLCAN through a stream: an adapter on a serial line, or a bus that is served over TCP.

import type { CanFrame } from "../formats/can-frame.ts";
import { readSlcanFrame, SLCAN_RATES, SlcanFlag, slcanText } from "../formats/slcan.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";
import { TransportError } from "./transport.ts";

export interface SlcanOptions extends StreamOptions {
  /** kbit/s; undefined: what the other side has. */
  readonly bitRate: number | undefined;
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

export class SlcanTransport extends StreamTransport {
  private text = "";
  private readonly handed: Handed[] = [];
  /** Undefined as long as the adapter has answered no frame. */
  private answers: boolean | undefined;
  /** Answer to the command that waits for one. */
  private answer: "ok" | "bell" | undefined;

  constructor(private readonly options: SlcanOptions) {
    super(options);
  }

  get unsent(): number {
    return this.answers === true ? this.handed.length : 0;
  }

  // ---- Opening ----

  override async open(): Promise<void> {
    const { bitRate, name } = this.options;
    const code = (SLCAN_RATES as readonly (number | undefined)[]).indexOf(bitRate);
    if (bitRate !== undefined && code < 0) {
      const remedy = `there are ${SLCAN_RATES.join(", ")} kbit/s`;
      const message = `${name}: SLCAN knows no ${bitRate} kbit/s`;
      throw new TransportError("wrong-bit-rate", message, remedy);
    }
    await super.open();
    await this.ask("\r\rC"); // what was typed before is no command any more
    if (code >= 0) await this.ask(`S${code}`);
    await this.enter();
    this.line.write("F\r");
  }
  override close(): Promise<void> {
    return this.endWith("C\r");
  }

  /** Sends a command and waits for its answer. */
  private async ask(command: string): Promise<"ok" | "bell" | undefined> {
    this.answer = undefined;
    this.line.write(`${command}\r`);
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

  // ---- What comes ----

  protected hear(chunk: string): void {
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
      const message = `${this.name}: the adapter takes no frames`;
      return this.fail(new TransportError("refused", message, remedy));
    }
    setTimeout(() => {
      if (this.failure === undefined) this.hand(first);
    }, RETRY_US / 1000);
  }

  // ---- What goes ----

  private hand(item: Handed): void {
    this.handed.push(item);
    this.line.write(`${slcanText(item.frame)}\r`);
  }

  async send(frame: CanFrame): Promise<void> {
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
    this.line.write("F\r");
    await this.inbox.wait(OPEN_US, () => hasRoom() || this.state === "off");
    if (this.state === "off") {
      const remedy = "look for a short circuit, a wrong bit rate or two senders of one identifier";
      throw new TransportError("bus-off", `${this.name}: the adapter is bus-off`, remedy);
    }
    if (hasRoom()) return;
    const remedy = "is a node on the bus that has power and this bit rate?";
    throw new TransportError("no-answer", `${this.name}: nobody acknowledges frames`, remedy);
  }
}
