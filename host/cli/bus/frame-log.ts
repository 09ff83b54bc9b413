// Frames as they come, in a file that can-utils and Wireshark read.

import { closeSync, openSync, writeSync } from "node:fs";
import type { CanFrame } from "../../formats/can-frame.ts";
import { writeCandumpLine } from "../../formats/candump.ts";
import { fileFailure } from "../files.ts";

export class FrameLog {
  private readonly fd: number;

  /** Makes the file, or empties it. `bus`: the name each line bears. */
  constructor(
    private readonly path: string,
    private readonly bus: string,
  ) {
    try {
      this.fd = openSync(path, "w");
    } catch (error) {
      throw fileFailure(error, path, "write");
    }
  }

  write(time_us: number, frame: CanFrame): void {
    try {
      writeSync(this.fd, `${writeCandumpLine({ time_us, bus: this.bus, frame })}\n`);
    } catch (error) {
      throw fileFailure(error, this.path, "write");
    }
  }
  close(): void {
    closeSync(this.fd);
  }
}
