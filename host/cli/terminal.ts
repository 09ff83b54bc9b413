// The outside as commands see it: streams, environment, interrupts, the wall clock. The process is one; tests make others.

import type { Readable } from "node:stream";
import { fileFailure } from "./files.ts";

/** Where text and bytes go. */
export interface Sink {
  readonly isTTY: boolean;
  /** Characters of a line. */
  readonly columns: number;
  write(data: string | Uint8Array): void;
}

/** All that commands reach of their process. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Calls the listener on Ctrl-C instead of ending the process, until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
  /** Milliseconds of the wall clock, since some moment. */
  now_ms(): number;
  /** That moment: milliseconds since 1970. */
  readonly epoch_ms: number;
}

/** The streams of this process. */
export function processTerminal(): Terminal {
  const sink = (name: string, stream: NodeJS.WriteStream): Sink => {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0); // the reader has seen enough
      throw fileFailure(error, name, "write");
    });
    return {
      isTTY: stream.isTTY === true,
      get columns() {
        return stream.columns ?? 80;
      },
      write: (data) => void stream.write(data),
    };
  };
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: sink("stdout", process.stdout),
    stderr: sink("stderr", process.stderr),
    onInterrupt(listener) {
      process.on("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
    now_ms: () => performance.now(),
    epoch_ms: performance.timeOrigin,
  };
}
