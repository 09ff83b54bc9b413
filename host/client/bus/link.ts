// Frames of the node protocol over a transport: sent, heard, and waited for in the transport's own time.

import { setImmediate as turn } from "node:timers/promises";
import { FRAME_BASE_DEFAULT } from "../../../assembly/spec/frame.ts";
import type { CanTransport, TimedFrame } from "../../bus/transport.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../formats/frame.ts";

/** Hears a frame of the block, and when it was on the bus. */
export type Hear = (frame: Frame, time_us: number) => void;

interface Wait {
  readonly end_us: number;
  readonly isDone: () => boolean;
  readonly resolve: (isDone: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** How long the first answer may take before any was measured: an adapter with 10 ms each way. */
const TURNAROUND_FIRST_US = 25_000;
/** What a node and an adapter may be slower another time. */
const JITTER_US = 500;
/** Slower than this no node is that answers at once. */
const SLOWEST_MOST_US = 50_000;
/** Looks at the queue of an adapter that tells what it has not sent. */
const SETTLE_US = 100;
const SETTLE_LOOKS_MAX = 20_000;

/**
 * Any number of conversations at once over one transport. Frames are taken from the transport while somebody waits, and
 * whoever listens hears each of them.
 */
export class BusLink {
  /** Frames of the block that nobody of this version sends. */
  malformed = 0;
  /** The slowest pace that nodes have told since it was set; undefined: they were not asked. */
  pace_us: number | undefined;
  private readonly listeners = new Set<Hear>();
  private readonly waits = new Set<Wait>();
  private isPumping = false;
  private slowest_us = 0;
  /** When a frame was handed over last. */
  private sent_us = 0;

  constructor(
    readonly transport: CanTransport,
    /** First identifier of the block. */
    readonly base = FRAME_BASE_DEFAULT,
  ) {}

  get now_us(): number {
    return this.transport.now_us();
  }
  /** How long to wait for what nodes say at once, the way to them and back included. */
  get turnaround_us(): number {
    if (this.slowest_us === 0) return TURNAROUND_FIRST_US;
    return 1.25 * this.slowest_us + JITTER_US;
  }
  /** Notes how long an answer took that a node gave at once. */
  noteAnswer(us: number): void {
    // the slowest of late, so that one hiccup is forgotten
    this.slowest_us = Math.max(us, Math.floor(this.slowest_us * 0.9));
  }

  /** Nobody said what somebody must have: nodes are slower than it seemed. */
  slowDown(): void {
    this.slowest_us = Math.min(SLOWEST_MOST_US, Math.max(JITTER_US, 2 * this.slowest_us));
  }

  /** Calls `hear` with every frame from now on, until the returned function is called. */
  listen(hear: Hear): () => void {
    this.listeners.add(hear);
    return () => this.listeners.delete(hear);
  }

  /** Hands a frame to the transport; resolves when there is room for another. */
  async send(frame: Frame): Promise<void> {
    this.sent_us = this.now_us;
    await this.transport.send(encodeFrame(this.base, frame));
  }
  /** Whether nothing of ours has gone to the bus for `us`, as far as the adapter tells. */
  async hasPaused(us: number): Promise<boolean> {
    if (this.now_us - this.sent_us < us) return false;
    await this.drain(); // this process may have stood still, and what it knows may be old
    return this.transport.unsent === 0;
  }
  /** Waits until what was sent is on the bus, as far as the adapter tells. */
  async settle(): Promise<void> {
    for (let n = 0; n < SETTLE_LOOKS_MAX && this.transport.unsent > 0; n++)
      await this.sleep(SETTLE_US);
  }

  /** Waits until `isDone`, asked at once and after each frame, or `us` have passed. Returns whether it was. */
  until(isDone: () => boolean, us: number): Promise<boolean> {
    if (isDone()) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      this.waits.add({ end_us: this.now_us + us, isDone, resolve, reject });
      if (!this.isPumping) void this.pump();
    });
  }
  async sleep(us: number): Promise<void> {
    await this.until(() => false, us);
  }
  /** Waits until no frame that `isWanted` has come for `quiet_us`, `most_us` at most, or until `isDone`. */
  async quiet(
    isWanted: (frame: Frame) => boolean,
    quiet_us: number,
    most_us: number,
    isDone: () => boolean = () => false,
  ): Promise<void> {
    const end_us = this.now_us + most_us;
    let hasHeard = false;
    const stop = this.listen((frame) => {
      hasHeard ||= isWanted(frame);
    });
    try {
      do {
        hasHeard = false;
        await this.until(() => hasHeard || isDone(), Math.min(quiet_us, end_us - this.now_us));
      } while (hasHeard && !isDone() && this.now_us < end_us);
    } finally {
      stop();
    }
  }
  /** Takes what has come, without waiting. */
  async drain(): Promise<void> {
    await this.sleep(0);
  }

  // ---- The pump ----

  private async pump(): Promise<void> {
    this.isPumping = true;
    try {
      while (this.waits.size > 0) {
        const next = Math.min(...[...this.waits].map((wait) => wait.end_us));
        const got = await this.transport.receive(Math.max(0, Math.ceil(next - this.now_us)));
        if (got !== undefined) this.dispatch(got);
        // who is resolved says what comes next before time passes
        if (this.resolveWaits(got === undefined) && this.waits.size > 0) await turn();
      }
    } catch (error) {
      for (const wait of this.waits) wait.reject(error);
      this.waits.clear();
    } finally {
      this.isPumping = false;
    }
  }
  private dispatch({ frame, time_us }: TimedFrame): void {
    if (frame.isExtended || frame.isRemote) return;
    const heard = decodeFrame(this.base, frame);
    if (heard === undefined) return;
    if (heard.kind === "malformed") this.malformed++;
    else if (heard.kind === "pace") this.pace_us = Math.max(this.pace_us ?? 0, heard.us);
    else for (const hear of [...this.listeners]) hear(heard, time_us);
  }
  /** A wait that is over ends with what it asked for; time is up only when nothing is left to be taken. */
  private resolveWaits(isDrained: boolean): boolean {
    let hasResolved = false;
    for (const wait of [...this.waits]) {
      const isDone = wait.isDone();
      if (!isDone && !(isDrained && this.now_us >= wait.end_us)) continue;
      this.waits.delete(wait);
      wait.resolve(isDone);
      hasResolved = true;
    }
    return hasResolved;
  }
}
