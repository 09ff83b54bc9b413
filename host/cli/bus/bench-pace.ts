// How the time of a bench passes: with the wall clock, or as fast as it can be had.

import type { Bench } from "../../client/bench/bench.ts";
import type { Terminal } from "../terminal.ts";

/** Wall-clock time between looks at sockets and interrupts. */
const SLICE_MS = 10;
/** Virtual time of a step within a slice. */
const STEP_US = 1000;
/** A bench that falls behind the clock by more than this is too large for this machine: it then takes its own time. */
const BEHIND_MAX_US = 200_000;

export class BenchPace {
  /** Virtual time that passed later than the clock said. */
  late_us = 0;
  private isInterrupted = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly bench: Bench,
    private readonly isFast: boolean,
  ) {}

  /** Runs until `limit_us` of the bench or Ctrl-C. */
  async run(limit_us: number): Promise<"time" | "interrupted"> {
    const stop = this.terminal.onInterrupt(() => {
      this.isInterrupted = true;
    });
    try {
      let origin_us = this.terminal.now_ms() * 1000 - this.bench.now_us;
      while (this.bench.now_us < limit_us && !this.isInterrupted) {
        const due_us = this.isFast ? limit_us : this.terminal.now_ms() * 1000 - origin_us;
        this.slice(Math.min(due_us, limit_us));
        const behind_us = due_us - this.bench.now_us;
        if (!this.isFast && behind_us > BEHIND_MAX_US) {
          origin_us += behind_us;
          this.late_us += behind_us;
        }
        await this.breathe();
      }
    } finally {
      stop();
    }
    return this.isInterrupted ? "interrupted" : "time";
  }

  private slice(end_us: number): void {
    const stop_ms = this.terminal.now_ms() + SLICE_MS;
    while (this.bench.now_us < end_us && this.terminal.now_ms() < stop_ms)
      this.bench.run_us(Math.min(STEP_US, end_us - this.bench.now_us));
  }
  /** Lets sockets and signals be served. */
  private breathe(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isFast) setImmediate(resolve);
      else setTimeout(resolve, 1);
    });
  }
}
