// What a client of a bus is given, whatever the bus hangs on: frames out, frames in, time, and what went wrong.

import type { CanFrame } from "../formats/can-frame.ts";
import type { ErrorState } from "./fault-confinement.ts";

/** A frame and when it was on the bus. */
export interface TimedFrame {
  readonly frame: CanFrame;
  /** Time of the transport, see now_us(). */
  readonly time_us: number;
}

/** State of the adapter's controller; "unknown": the adapter does not tell. */
export type TransportState = ErrorState | "unknown";

/**
 * A way to a bus. Time is the transport's own, virtual in a simulation: who waits, waits by receive() and sleep(), and
 * looks at now_us(), so that the same code runs on a bench in virtual time and on a wire.
 */
export interface CanTransport {
  /** As `--bus` names it: `tcp:127.0.0.1:29536`. */
  readonly name: string;
  /** True: a line to one node. Nobody else is there, and what goes to a bus only, PUB, does not come. */
  readonly isOneNode?: boolean;
  /** Microseconds since some moment; never goes back. */
  now_us(): number;
  /** Throws a TransportError. */
  open(): Promise<void>;
  /** Hands a frame over; resolves when there is room for another. Frames go out in this order. Throws a TransportError. */
  send(frame: CanFrame): Promise<void>;
  /** Frames handed over that are not known to have gone out; 0 where the adapter does not tell. */
  readonly unsent: number;
  /** The oldest frame that was not received yet; undefined: none came within `timeout_us`. Throws a TransportError. */
  receive(timeout_us: number): Promise<TimedFrame | undefined>;
  /** Lets time pass; what comes meanwhile waits for receive(). */
  sleep(us: number): Promise<void>;
  readonly state: TransportState;
  /** Frames that came and were dropped because nobody took them. */
  readonly dropped: number;
  close(): Promise<void>;
}

export type TransportErrorCode =
  | "no-adapter"
  | "no-permission"
  | "adapter-busy"
  | "no-package"
  | "no-answer"
  | "refused"
  | "wrong-bit-rate"
  | "bus-off"
  | "closed";

/** Why a transport cannot serve, and what to do about it. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  constructor(
    readonly code: TransportErrorCode,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}
