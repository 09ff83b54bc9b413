// Frames as a command shows and logs them.

import type { CanFrame } from "../../formats/can-frame.ts";
import { frameText } from "../../formats/candump.ts";
import type { Output } from "../output.ts";
import { FrameLog } from "./frame-log.ts";
import { frameWords } from "./frame-words.ts";

const WIDTH = 28;

/** What is shown of a bus, and kept. */
export interface Shown {
  /** False: nothing is printed. */
  readonly prints: boolean;
  /** File for a candump log. */
  readonly log: string | undefined;
  /** First identifier of the protocol. */
  readonly base: number;
  /** Added to times in the log: microseconds from 1970 to the beginning of the transport's time. */
  readonly epoch_us: number;
}

export class FrameLines {
  frames = 0;
  private readonly log: FrameLog | undefined;

  constructor(
    private readonly out: Output,
    private readonly shown: Shown,
  ) {
    this.log = shown.log === undefined ? undefined : new FrameLog(shown.log, "can0");
  }

  /** A frame that was on the bus; `isError`: it was destroyed there. */
  show(time_us: number, frame: CanFrame, isError = false): void {
    if (!isError) {
      this.frames++;
      this.log?.write(this.shown.epoch_us + time_us, frame);
    }
    if (!this.shown.prints) return;
    const text = frameText(frame);
    const words = isError ? "destroyed" : frameWords(this.shown.base, frame);
    const data = { at_us: Math.round(time_us), frame: text, error: isError, says: words };
    this.out.result("hsx.monitor/1", { event: "frame", ...data }, () =>
      `${(time_us / 1e6).toFixed(6).padStart(13)}  ${text.padEnd(WIDTH)}  ${words}`.trimEnd(),
    );
  }
  close(): void {
    this.log?.close();
  }
}
