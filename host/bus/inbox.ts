// Frames that came over a transport on the wall clock, and who waits for them.

import type { CanFrame } from "../formats/can-frame.ts";
import type { TimedFrame } from "./transport.ts";

/** Frames that may wait; the oldest is dropped for another. */
const ROOM = 100_000;

export class Inbox {
  dropped = 0;
  private readonly frames: TimedFrame[] = [];
  private readonly sleepers = new Set<() => void>();

  constructor(private readonly now_us: () => number) {}

  get isEmpty(): boolean {
    return this.frames.length === 0;
  }
  put(frame: CanFrame): void {
    if (this.frames.length === ROOM) {
      this.frames.shift();
      this.dropped++;
    }
    this.frames.push({ frame, time_us: this.now_us() });
    this.wake();
  }
  take(): TimedFrame | undefined {
    return this.frames.shift();
  }

  /** Something has changed: who waits looks again. */
  wake(): void {
    for (const sleeper of [...this.sleepers]) sleeper();
  }
  /** Resolves when `isReady` says so, asked whenever something has changed, or after `timeout_us`. */
  wait(timeout_us: number, isReady: () => boolean): Promise<void> {
    if (isReady()) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const end = () => {
        clearTimeout(timer);
        this.sleepers.delete(look);
        resolve();
      };
      const look = () => {
        if (isReady()) end();
      };
      this.sleepers.add(look);
      // a timer takes 2^31 ms at most
      if (timeout_us < 2 ** 31 * 1000) timer = setTimeout(end, Math.ceil(timeout_us / 1000));
    });
  }
}
