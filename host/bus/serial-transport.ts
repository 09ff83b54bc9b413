// The node protocol over a serial line to one node, framed and checked: `--bus serial:/dev/ttyUSB0@115200`. docs/protocol.md.

import { FRAME_BASE_DEFAULT, FRAME_BLOCK } from "../../assembly/spec/frame.ts";
import type { CanFrame } from "../formats/can-frame.ts";
import { encodeSerial, SerialReader } from "../formats/frame.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";

export interface SerialOptions extends StreamOptions {
  /** Bits a second: a frame is on the line when it is through, not when the system has taken it. */
  readonly baud: number;
  /** Hears what the node writes to its console between frames. */
  readonly onText?: (text: string) => void;
}

/** Bits of a byte on the line, with its start and its stop. */
const BYTE_BITS = 10;
/** Frames that may wait for the line: some 20 ms at 115,200 baud, so that what comes next is never far behind. */
const ROOM = 16;
/** Between two looks whether there is room. */
const LOOK_US = 1000;

/** Frames look as on a bus whose block begins at the default base. Others do not go over the line. */
export class SerialTransport extends StreamTransport {
  readonly isOneNode = true;
  private readonly reader = new SerialReader();
  /** When each frame that was handed over is through. */
  private readonly due_us: number[] = [];
  /** Frames the stream has not taken yet. */
  private held = 0;

  constructor(private readonly options: SerialOptions) {
    super(options);
  }

  /** Frames whose sum or length was wrong. */
  get damaged(): number {
    return this.reader.damaged;
  }
  get unsent(): number {
    const now_us = this.now_us();
    while ((this.due_us[0] ?? Number.POSITIVE_INFINITY) <= now_us) this.due_us.shift();
    return Math.max(this.due_us.length, this.held);
  }

  protected hear(text: string): void {
    const read = this.reader.take(Buffer.from(text, "latin1"));
    for (const { id, data } of read.frames) this.inbox.put({ id: id + FRAME_BASE_DEFAULT, data });
    if (read.text.length > 0) this.options.onText?.(Buffer.from(read.text).toString("utf8"));
  }

  async send({ id, data }: CanFrame): Promise<void> {
    const offset = id - FRAME_BASE_DEFAULT;
    if (offset < 0 || offset >= FRAME_BLOCK)
      throw new RangeError(`identifier ${id} is none of the node protocol`);
    const { line } = this;
    const bytes = encodeSerial({ id: offset, data });
    const from_us = Math.max(this.now_us(), this.due_us.at(-1) ?? 0);
    this.due_us.push(from_us + (bytes.length * BYTE_BITS * 1e6) / this.options.baud);
    this.held++;
    line.write(bytes, () => {
      this.held--;
      this.inbox.wake();
    });
    while (this.unsent > ROOM && this.failure === undefined)
      await this.inbox.wait(LOOK_US, () => false);
    if (this.failure !== undefined) throw this.failure;
  }
}
