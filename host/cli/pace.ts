// How node time passes while apps run: as fast as it can be had, or with the wall clock; input comes in between.

import type { Session } from "./session.ts";
import { hasEnded } from "./symbols.ts";
import type { Terminal } from "./terminal.ts";

export type Ending = "ended" | "time" | "idle" | "interrupted";

/** Wall-clock time between looks at input and interrupts. */
const SLICE_MS = 20;
/** How long input through a pipe may be silent before node time goes on without it. */
const SILENCE_MS = 200;
/** Node time looked at in one go while nothing asks for a pause. */
const STRIDE_MS = 1000;

/** Runs a session until its apps have ended, its time is up, nothing can happen any more, or Ctrl-C. */
export class Pace {
  private readonly terminal: Terminal;
  private readonly session: Session;
  /** Gets the input. */
  private readonly pid: number;
  private readonly isRealtime: boolean;
  private isInterrupted = false;
  private hasInputEnded = false;
  private wake: (() => void) | undefined;

  constructor(terminal: Terminal, session: Session, pid: number, isRealtime: boolean) {
    this.terminal = terminal;
    this.session = session;
    this.pid = pid;
    this.isRealtime = isRealtime || terminal.stdin.isTTY === true;
  }

  async run(limit_ms: number): Promise<Ending> {
    const { stdin } = this.terminal;
    const onData = (bytes: Buffer | string) => {
      this.session.type(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
      this.wake?.();
    };
    const onEnd = () => {
      this.hasInputEnded = true;
      this.wake?.();
    };
    const stopListening = this.terminal.onInterrupt(() => {
      this.isInterrupted = true;
      this.wake?.();
    });
    stdin.on("data", onData).on("end", onEnd).on("error", onEnd);
    try {
      if (!this.isRealtime) await this.pause(SILENCE_MS); // input that is there already belongs to the beginning
      return await (this.isRealtime ? this.follow(limit_ms) : this.hurry(limit_ms));
    } finally {
      stopListening();
      stdin.off("data", onData).off("end", onEnd).off("error", onEnd);
      stdin.pause();
      stdin.destroy?.();
    }
  }

  /** Waits for input, its end, an interrupt, or that much time of the wall clock. */
  private async pause(ms: number): Promise<void> {
    if (this.hasInputEnded && ms === SILENCE_MS) return this.breathe();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }
  /** Lets streams and signals be served. */
  private breathe(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  private hasFinished(): boolean {
    return this.session.node.tasks().every(hasEnded);
  }
  private isWaitingForEver(): boolean {
    return this.session.node.rest_ms() === undefined && !this.session.hasInput;
  }
  /** Runs up to a point of node time, or for a slice of the wall clock. */
  private slice(end_ms: number): void {
    const stop = this.terminal.now_ms() + SLICE_MS;
    const { session } = this;
    while (session.now_ms < end_ms && this.terminal.now_ms() < stop) {
      session.feed(this.pid);
      let polls = 0;
      session.advance(Math.min(end_ms - session.now_ms, STRIDE_MS), () => {
        polls++;
        if (session.hasInput) session.feed(this.pid);
        if (polls % 64 === 0 && this.terminal.now_ms() >= stop) return true;
        return session.node.rest_ms() !== 0 && (this.hasFinished() || this.isWaitingForEver());
      });
      if (this.hasFinished() || this.isWaitingForEver()) return;
    }
  }

  /** As fast as it can be had. */
  private async hurry(limit_ms: number): Promise<Ending> {
    const { session } = this;
    for (;;) {
      this.slice(limit_ms);
      await this.breathe();
      if (this.isInterrupted) return "interrupted";
      if (this.hasFinished()) return "ended";
      if (session.now_ms >= limit_ms) return "time";
      if (!this.isWaitingForEver()) continue;
      if (!this.hasInputEnded) await this.pause(limit_ms === Infinity ? 1e9 : SILENCE_MS);
      if (this.isInterrupted) return "interrupted";
      if (session.hasInput) continue;
      if (limit_ms === Infinity) {
        if (this.hasInputEnded) return "idle";
        continue;
      }
      session.advance(limit_ms - session.now_ms);
    }
  }

  /** With the wall clock. */
  private async follow(limit_ms: number): Promise<Ending> {
    const { session, terminal } = this;
    const start = terminal.now_ms() - session.now_ms;
    for (;;) {
      const due = Math.min(limit_ms, terminal.now_ms() - start);
      session.feed(this.pid);
      if (due > session.now_ms) session.advance(due - session.now_ms, () => this.hasFinished());
      if (this.isInterrupted) return "interrupted";
      if (this.hasFinished()) return "ended";
      if (session.now_ms >= limit_ms) return "time";
      const rest = Math.min(session.node.rest_ms() ?? 1000, limit_ms - session.now_ms);
      await this.pause(Math.max(1, Math.min(rest, 1000)));
    }
  }
}
