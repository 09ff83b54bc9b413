// Frames that came over a transport, and who waits for them.

import type { CanFrame } from "../formats/can-frame.ts";
import type { TimedFrame } from "./transport.ts";

/** Frames that may wait; the oldest is dropped for another. */
const ROOM = 100_000;

/** Has a call made after so many microseconds; what is returned takes it back. */
export type After = (us: number, call: () => void) => () => void;

/** By the wall clock. A timer takes 2^31 ms at most. */
const afterOnWall: After = (us, call) => {
  if (us >= 2 ** 31 * 1000) return () => {};
  const timer = setTimeout(call, Math.ceil(us / 1000));
  return () => clearTimeout(timer);
};

export class Inbox {
  dropped = 0;
  private readonly frames: TimedFrame[] = [];
  private readonly sleepers = new Set<() => void>();

  constructor(
    private readonly now_us: () => number,
    private readonly after: After = afterOnWall,
  ) {}

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
      let cancel = () => {};
      const end = () => {
        cancel();
        this.sleepers.delete(look);
        resolve();
      };
      const look = () => {
        if (isReady()) end();
      };
      this.sleepers.add(look);
      cancel = this.after(timeout_us, end);
    });
  }
}
