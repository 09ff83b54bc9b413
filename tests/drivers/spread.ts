// A plain master for tests: one image to all nodes of a wire, by the steps of docs/protocol.md, without hurry.

import { crc32 } from "node:zlib";
import { BeginMode, LoadEvent, Poll, WindowFlag } from "../../assembly/spec/frame.ts";
import type { Frame } from "../../host/formats/frame.ts";
import type { Wire } from "./wire.ts";

export interface SpreadOptions {
  readonly session?: number;
  readonly master?: number;
  readonly mode?: number;
  readonly counts?: number;
  readonly slot?: number;
  readonly crc?: number;
  /** Ends after the first pass. */
  readonly isCutShort?: boolean;
  /** First frame of the first pass that is sent, and the one behind the last. */
  readonly from?: number;
  readonly to?: number;
}
export type Status = Extract<Frame, { kind: "status" }>;

const WINDOW_BYTES = 1024;
const ROUNDS_MAX = 60;

/** The statuses among what was heard. */
export function statuses(frames: readonly Frame[]): Status[] {
  return frames.filter((frame) => frame.kind === "status");
}

export class Spread {
  readonly wire: Wire;
  readonly image: Uint8Array;
  readonly session: number;
  readonly master: number;
  private readonly options: SpreadOptions;
  /** The last word of each node. */
  readonly outcomes = new Map<number, Status>();
  /** DATA frames sent so far. */
  sent = 0;

  constructor(wire: Wire, image: Uint8Array, options: SpreadOptions = {}) {
    this.wire = wire;
    this.image = image;
    this.options = options;
    this.session = options.session ?? 0x21;
    this.master = options.master ?? 0;
  }

  get windows(): number {
    return Math.ceil(this.image.length / WINDOW_BYTES);
  }
  private framesOf(window: number): number {
    return Math.min(128, Math.ceil((this.image.length - window * WINDOW_BYTES) / 8));
  }

  /** Lets nodes work and takes note of what they say. */
  listen(ms = 1): Frame[] {
    this.wire.run(ms);
    const heard = this.wire.heard();
    for (const status of statuses(heard))
      if (status.session === this.session) this.outcomes.set(status.node, status);
    return heard;
  }
  private ask(...[verb, args]: Parameters<Wire["request"]>): void {
    const { session, master } = this;
    this.wire.request(verb, { session, ...args } as never, { master });
  }

  offer(repeats = 3): void {
    const { mode = BeginMode.RUN, counts = 0, slot = 255 } = this.options;
    const crc = this.options.crc ?? crc32(this.image);
    for (let n = 0; n < repeats; n++) {
      this.ask("SELECT", { kind: 0, bits: 0 } as never);
      this.ask("BEGIN", { mode, total: this.image.length, counts } as never);
      this.ask("BEGIN_CRC", { slot, crc } as never);
      this.listen(3);
    }
    this.listen(10);
  }
  window(window: number, flags = 0): void {
    this.ask("WINDOW", { window, flags } as never);
  }
  data(window: number, index: number): void {
    const at = window * WINDOW_BYTES + 8 * index;
    this.put(window, index, this.image.subarray(at, at + 8));
  }
  put(window: number, index: number, bytes: Uint8Array): void {
    this.wire.send({ kind: "data", parity: window & 1, index, bytes });
    this.sent++;
    this.listen(0.2);
  }
  /** The XOR of the frames of a group. */
  parity(window: number, groups: number): void {
    this.window(window, groups === 8 ? WindowFlag.PARITY_16 : WindowFlag.PARITY_32);
    for (let group = 0; group < groups; group++) {
      const sum = new Uint8Array(8);
      for (let i = group; i < 128; i += groups) {
        const at = window * WINDOW_BYTES + 8 * i;
        this.image.subarray(at, at + 8).forEach((byte, n) => {
          sum[n] = (sum[n] ?? 0) ^ byte;
        });
      }
      this.put(window, group, sum);
    }
  }
  /** Everything once, in order. */
  stream(): void {
    const { from = 0, to = Number.POSITIVE_INFINITY } = this.options;
    for (let w = 0; w < this.windows; w++) {
      this.window(w, WindowFlag.STREAM);
      for (let i = 0; i < this.framesOf(w); i++)
        if (128 * w + i >= from && 128 * w + i < to) this.data(w, i);
    }
  }
  /** What nodes say is missing, of the file or of a window, and said though `send` follows the question at once. */
  poll(kind: Poll, window = 0, send: () => void = () => {}): number[] {
    this.ask("POLL", { kind, window } as never);
    send();
    const heard = this.listen(8);
    return heard.flatMap((frame) => (frame.kind === "nack" ? [frame.index] : []));
  }
  /** Sends what is missing until nobody lacks anything. */
  repair(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const windows = new Set([...this.poll(Poll.WINDOWS), ...this.poll(Poll.WINDOWS)]);
      if (windows.size === 0) return;
      for (const w of windows) {
        const frames = this.poll(Poll.FRAMES, w);
        this.window(w);
        this.window(w);
        for (const i of frames) this.data(w, i);
      }
    }
    throw new Error("frames are missing for ever");
  }
  end(what: number): void {
    this.ask("END", { what } as never);
    this.listen(5);
  }
  /** All steps. Returns the last word of every node. */
  run(): Map<number, Status> {
    this.offer();
    this.stream();
    if (this.options.isCutShort) return this.outcomes;
    this.repair();
    for (let n = 0; n < 100 && !this.isOver(); n++) this.listen(5);
    if (!this.isOver()) this.end(0);
    return this.outcomes;
  }
  private isOver(): boolean {
    return this.wire.nodes.every((_, n) => {
      const event = this.outcomes.get(n + 1)?.event ?? LoadEvent.NONE;
      return event >= LoadEvent.COMPLETE;
    });
  }
}
