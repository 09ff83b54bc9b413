// What becomes of a frame that does not go through: the wire bit by bit, from the bit in which somebody meets an error to the
// end of the error delimiter. Frames without errors never come here.

import type { Failure } from "./fault-confinement.ts";
import { ACK_SLOT_OFF, RECESSIVE_END_BITS, STUFF_AFTER, type WireBits } from "./frame-bits.ts";

/** One controller's part. */
export interface Part<T> {
  readonly who: T;
  /** What it sends; undefined: it receives. */
  readonly sends: WireBits | undefined;
  /** False: it never drives the bus. */
  readonly isActive: boolean;
  /** Error passive: its error flag is recessive. */
  readonly isPassive: boolean;
  /** Bit in which it alone sees an error; undefined: its receiver is sound. */
  readonly errsAt: number | undefined;
}

/** How a frame ended for each who took part. */
export interface Verdict<T> {
  /** Bits from start of frame until the bus is recessive and quiet; the intermission follows. */
  readonly bits: number;
  readonly sent: readonly T[];
  readonly failed: readonly (readonly [T, Failure])[];
  /** Who began to send and gave way. */
  readonly lost: readonly T[];
  readonly received: readonly T[];
  /** Who counts a receive error, and by how much its counter rises. */
  readonly disturbed: readonly (readonly [T, number])[];
}

const FLAG_BITS = 6;
/** Added for the receiver that sees a dominant bit right behind its own flag: it noticed first. */
const FIRST_TO_NOTICE = 8;

type Phase = "frame" | "flag" | "wait" | "delimiter" | "done";

class Participant<T> {
  phase: Phase = "frame";
  failure: Failure | undefined;
  penalty = 0;
  isSender: boolean;
  hasGivenWay = false;
  hasReceived = false;
  private count = 0;
  /** An overload flag looks like an error flag and counts as none. */
  private isOverload = false;

  constructor(
    readonly part: Part<T>,
    /** The frame as it began. */
    private readonly frame: WireBits,
  ) {
    this.isSender = part.sends !== undefined;
  }

  /** What it drives in a bit. */
  drive(at: number): number {
    const { part } = this;
    if (!part.isActive) return 1;
    if (this.phase === "flag") return part.isPassive && !this.isOverload ? 1 : 0;
    if (this.phase !== "frame") return 1;
    if (this.isSender) return part.sends?.bits[at] ?? 1;
    return at === this.frame.stuffedEnd + ACK_SLOT_OFF ? 0 : 1;
  }

  /** Takes a bit of the bus; `run` bits of its level have come in a row. */
  sample(at: number, bus: number, run: number): void {
    if (this.phase === "frame") this.follow(at, bus, run);
    else if (this.phase === "flag") {
      if (++this.count === FLAG_BITS) this.enter("wait");
    } else if (this.phase === "wait") this.await(bus);
    else if (this.phase === "delimiter" && ++this.count === RECESSIVE_END_BITS) this.enter("done");
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    this.count = 0;
  }
  private await(bus: number): void {
    if (bus === 1) {
      this.phase = "delimiter";
      this.count = 1;
    } else if (this.count++ === 0 && !this.isSender && !this.isOverload)
      this.penalty += FIRST_TO_NOTICE;
  }

  private follow(at: number, bus: number, run: number): void {
    const isForced = this.part.errsAt === at;
    if (this.isSender) this.followAsSender(at, bus, isForced);
    else this.followAsReceiver(at, bus, run, isForced);
  }

  private followAsSender(at: number, bus: number, isForced: boolean): void {
    const sends = this.part.sends as WireBits;
    const { bits, arbitrationEnd, stuffedEnd } = sends;
    const isAckSlot = at === stuffedEnd + ACK_SLOT_OFF;
    if (isForced) this.fail("bit");
    else if (isAckSlot) {
      if (bus === 1) this.fail("acknowledge");
    } else if (bits[at] !== bus) {
      if (at >= arbitrationEnd) return this.fail("bit");
      this.isSender = false;
      this.hasGivenWay = true;
    } else if (at === bits.length - 1) this.enter("done");
  }
  private fail(why: Failure): void {
    this.failure = why;
    this.enter("flag");
  }

  private followAsReceiver(at: number, bus: number, run: number, isForced: boolean): void {
    const { bits, stuffedEnd } = this.frame;
    const last = bits.length - 1;
    if (at === last) {
      this.isOverload = bus === 0; // the frame is valid already
      return this.enter(bus === 0 ? "flag" : "done");
    }
    const isAckSlot = at === stuffedEnd + ACK_SLOT_OFF;
    const isStuffError = at < stuffedEnd && run > STUFF_AFTER;
    const isFormError = at >= stuffedEnd && !isAckSlot && bus === 0;
    if (isForced || isStuffError || isFormError) this.notice();
    else if (at === last - 1) this.hasReceived = true;
  }
  private notice(): void {
    this.penalty = 1;
    // A passive receiver that alone sees an error disturbs nobody, and is back in step when the bus is quiet.
    this.enter(this.part.isActive && !this.part.isPassive ? "flag" : "done");
  }
}

/** Bits of the level of the last of those before `end`, in a row. */
function runBefore(bits: Uint8Array, end: number): number {
  const level = bits[end - 1];
  let run = 1;
  while (run < end && bits[end - 1 - run] === level) run++;
  return run;
}

/**
 * Follows a frame from bit `from` on. The bits before it were those of `frame`, and everybody saw them.
 * At least one of the parts meets an error, or nobody acknowledges.
 */
export function follow<T>(frame: WireBits, from: number, parts: readonly Part<T>[]): Verdict<T> {
  const all = parts.map((part) => new Participant(part, frame));
  let last = from === 0 ? 1 : (frame.bits[from - 1] as number);
  let run = from === 0 ? 0 : runBefore(frame.bits, from);
  let at = from;
  for (; all.some((p) => p.phase !== "done"); at++) {
    let bus = 1;
    for (const p of all) bus &= p.drive(at);
    run = bus === last ? run + 1 : 1;
    last = bus;
    for (const p of all) p.sample(at, bus, run);
  }
  return verdictOf(all, at);
}

function verdictOf<T>(all: readonly Participant<T>[], bits: number): Verdict<T> {
  const of = (wanted: (p: Participant<T>) => boolean) =>
    all.filter(wanted).map(({ part }) => part.who);
  return {
    bits,
    sent: of((p) => p.isSender && p.failure === undefined),
    failed: all.flatMap(({ part, failure }) =>
      failure === undefined ? [] : [[part.who, failure] as const],
    ),
    lost: of((p) => p.hasGivenWay),
    received: of((p) => p.hasReceived),
    disturbed: all.flatMap(({ part, penalty }) =>
      penalty === 0 ? [] : [[part.who, penalty] as const],
    ),
  };
}
