// The node protocol over a serial line to one node, framed and checked: `--bus serial:/dev/ttyUSB0@115200`. docs/protocol.md.

import { FRAME_BASE_DEFAULT, FRAME_BLOCK } from "../../assembly/spec/frame.ts";
import type { CanFrame } from "../formats/can-frame.ts";
import { encodeSerial, SerialReader } from "../formats/frame.ts";
import { type StreamOptions, StreamTransport } from "./stream-transport.ts";

export interface SerialOptions extends StreamOptions {
  /** Hears what the node writes to its console between frames. */
  readonly onText?: (text: string) => void;
}

/** Bytes that may wait for the line: 16 frames of 14 bytes, some 20 ms at 115,200 baud. */
const ROOM_BYTES = 16 * 14;

/** Frames look as on a bus whose block begins at the default base. Others do not go over the line. */
export class SerialTransport extends StreamTransport {
  readonly isOneNode = true;
  private readonly reader = new SerialReader();
  private handed = 0;

  constructor(private readonly options: SerialOptions) {
    super(options);
  }

  /** Frames whose sum or length was wrong. */
  get damaged(): number {
    return this.reader.damaged;
  }
  get unsent(): number {
    return this.handed;
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
    this.handed++;
    line.write(encodeSerial({ id: offset, data }), () => {
      this.handed--;
      this.inbox.wake();
    });
    const hasRoom = () => line.writableLength < ROOM_BYTES || this.failure !== undefined;
    await this.inbox.wait(Number.POSITIVE_INFINITY, hasRoom);
    if (this.failure !== undefined) throw this.failure;
  }
}
