// A wire of one bit rate between CAN controllers: who sends, what becomes of it, and when. Frames are events, not bits: their
// order follows from comparing them, their length from counting their bits; only errors are followed bit by bit.

import type { CanFrame } from "../formats/can-frame.ts";
import type { Appointment, Clock } from "./clock.ts";
import { follow, type Part, type Verdict } from "./episode.ts";
import type { Failure } from "./fault-confinement.ts";
import {
  firstDifference,
  INTERMISSION_BITS,
  RECESSIVE_END_BITS,
  type WireBits,
  wireBits,
} from "./frame-bits.ts";

/** A controller as the bus sees it. */
export interface CanController {
  /** Duration of a bit; undefined: not on the bus. */
  readonly bit_ns: number | undefined;
  /** False: it listens and never drives the bus, not even to acknowledge. */
  readonly isActive: boolean;
  /** Error passive: its error flags are recessive, and it pauses behind what it sent. */
  readonly isPassive: boolean;
  /** The frame it wants to have sent next. */
  offer(): CanFrame | undefined;
  /** What it offered went out and was acknowledged. */
  sent(): void;
  /** What it offered had to give way to another frame. */
  lost(): void;
  /** What it offered was destroyed, or nobody acknowledged it. */
  failed(why: Failure): void;
  /** A frame of another controller, without errors. */
  receive(frame: CanFrame): void;
  /** Something on the bus that was no frame; its receive error counter rises by `penalty`. */
  disturbed(penalty: number): void;
}

/** What a wire saw. */
export interface WireEvent {
  /** Cycle of the wire's clock at which it began, and its bits up to the intermission. */
  readonly start: number;
  readonly bits: number;
  readonly frame: CanFrame;
  /** Who sent it: more than one when their frames were the same to the bit. */
  readonly senders: readonly CanController[];
  /** True: somebody's error flag destroyed it, or nobody acknowledged it. */
  readonly isError: boolean;
}

/** What disturbs a wire and its stubs; see faults.ts. */
export interface Disturbance {
  /** Who sees an error in which bit of a frame that begins now. */
  errors?(senders: readonly Stub[], receivers: readonly Stub[], bits: number): Map<Stub, number>;
  /** True: a good frame never gets to a node, as when it is too slow to take it. */
  loses?(receiver: Stub, frame: CanFrame): boolean;
}

/** An idle bus before a controller may take part: this many recessive bits, and so often to leave bus-off. */
export const IDLE_BITS = 11;
export const RECOVERIES = 128;
const SUSPEND_BITS = 8;
/** Bit in which a sender of another rate, or on a shorted wire, sees what it did not send. */
const FIRST_ERROR_BIT = 0;
/** Bit in which a receiver of another rate meets what it takes for six equal bits. */
const DETUNED_ERROR_BIT = 12;
/** Rates farther apart than this lose step within a frame: SJW 1 of 8 quanta in ten bits (ISO 11898-1, oscillator tolerance). */
const RATE_TOLERANCE = 0.01;

interface Waiter {
  readonly stub: Stub;
  readonly call: () => void;
  readonly bits: number;
  left: number;
  /** Cycle since which the bus is recessive for it; undefined: a frame is under way. */
  from: number | undefined;
  due: Appointment | undefined;
}

/** The line by which a controller hangs on a wire. It can be moved to another wire, or taken off. */
export class Stub {
  /** How much faster its crystal is, in parts per million. */
  ppm = 0;
  /** Good frames that never got to the controller. */
  lost = 0;
  /** Cycle before which it does not start a frame. */
  notBefore = 0;

  constructor(
    readonly controller: CanController,
    private wire: CanWire,
  ) {}

  /** Tells the bus that the controller has something to send, now or as soon as the bus is free. */
  wake(): void {
    this.wire.wake();
  }
  /** Has `call` made when `times` sequences of eleven recessive bits of `bit_ns` have passed; returns what cancels it. */
  afterRecessive(times: number, bit_ns: number, call: () => void): () => void {
    return this.wire.afterRecessive(this, times, bit_ns, call);
  }
  /** Hangs the controller on another wire of the same clock: a cable cut, a plug pulled. */
  moveTo(wire: CanWire): void {
    const waiters = this.wire.take(this);
    this.wire = wire;
    wire.put(this, waiters);
  }
  /** Takes it off the wire for good: its power is gone. */
  remove(): void {
    this.wire.take(this);
  }
}

interface Offer {
  readonly stub: Stub;
  readonly frame: CanFrame;
  readonly bits: WireBits;
}

/** A frame under way. */
interface Flight {
  readonly first: Offer;
  readonly start: number;
  /** Cycles of a bit. */
  readonly bit: number;
  senders: Offer[];
  receivers: Stub[];
  verdict: Verdict<Stub>;
  readonly errors: ReadonlyMap<Stub, number> | undefined;
  end: Appointment;
}

export class CanWire {
  /** True: the wire is shorted, and every frame is destroyed. */
  isShorted = false;
  disturbance: Disturbance = {};
  onEvent: ((event: WireEvent) => void) | undefined;
  /** Frames that went over the wire, and those that did not. */
  frames = 0;
  errorFrames = 0;
  /** Cycles in which the wire carried something. */
  busyCycles = 0;
  private readonly stubs = new Set<Stub>();
  private readonly waiters: Waiter[] = [];
  private flight: Flight | undefined;
  /** When the next frame may begin, while the bus pauses. */
  private waiting: Appointment | undefined;
  /** True: only those who sent last still pause, and anybody else may begin. */
  private isSuspended = false;
  private readonly bitCycles: number;

  constructor(
    private readonly clock: Clock,
    readonly bit_ns = 2000,
  ) {
    this.bitCycles = (bit_ns * clock.hz) / 1e9;
  }

  /** True: nobody can start a frame before the wire's next appointment. */
  get isTaken(): boolean {
    return this.flight !== undefined || (this.waiting !== undefined && !this.isSuspended);
  }

  // ---- Stubs ----

  attach(controller: CanController): Stub {
    const stub = new Stub(controller, this);
    this.stubs.add(stub);
    return stub;
  }
  /** For Stub: leaves the wire with what it waits for. */
  take(stub: Stub): Waiter[] {
    this.stubs.delete(stub);
    const waiters = this.waiters.filter((w) => w.stub === stub);
    for (const waiter of waiters) this.drop(waiter);
    this.leave(stub);
    return waiters;
  }
  /** For Stub: comes with what it waits for. */
  put(stub: Stub, waiters: readonly Waiter[]): void {
    this.stubs.add(stub);
    for (const { left, bits, call } of waiters)
      this.await(stub, left, (bits * 1e9) / this.clock.hz, call);
    this.wake();
  }

  private isTuned({ controller, ppm }: Stub): boolean {
    const { bit_ns } = controller;
    if (bit_ns === undefined) return false;
    return Math.abs(bit_ns / (1 + ppm / 1e6) / this.bit_ns - 1) < RATE_TOLERANCE;
  }

  // ---- Recessive bits ----

  afterRecessive(stub: Stub, times: number, bit_ns: number, call: () => void): () => void {
    const waiter = this.await(stub, times, bit_ns * IDLE_BITS, call);
    return () => this.drop(waiter);
  }
  private await(stub: Stub, left: number, sequence_ns: number, call: () => void): Waiter {
    const bits = (sequence_ns * this.clock.hz) / 1e9;
    const from = this.flight === undefined ? this.clock.now : undefined;
    const waiter: Waiter = { stub, call, bits, left, from, due: undefined };
    this.waiters.push(waiter);
    if (from !== undefined) this.expect(waiter);
    return waiter;
  }
  private expect(waiter: Waiter): void {
    const end = (waiter.from as number) + waiter.left * waiter.bits;
    waiter.due = this.clock.after(end - this.clock.now, () => {
      this.drop(waiter);
      waiter.call();
    });
  }
  private drop(waiter: Waiter): void {
    this.clock.cancel(waiter.due);
    const at = this.waiters.indexOf(waiter);
    if (at >= 0) this.waiters.splice(at, 1);
  }
  /** A frame begins: sequences that are complete count, the one that is not begins anew. */
  private interrupt(): void {
    for (const waiter of this.waiters) {
      this.clock.cancel(waiter.due);
      const passed = this.clock.now - (waiter.from ?? this.clock.now);
      if (waiter.bits > 0) waiter.left -= Math.floor(passed / waiter.bits);
      waiter.from = undefined;
    }
  }
  private quieten(): void {
    const since = this.clock.now - RECESSIVE_END_BITS * this.bitCycles;
    for (const waiter of this.waiters) {
      waiter.from = since;
      this.expect(waiter);
    }
  }

  // ---- Arbitration ----

  private after(bits: number, call: () => void): Appointment {
    return this.clock.after(bits * this.bitCycles, call);
  }
  /** Somebody has something to send. */
  wake(): void {
    if (!this.isTaken) this.arbitrateIn(1);
  }
  private arbitrateIn(bits: number): void {
    this.clock.cancel(this.waiting);
    this.isSuspended = false;
    this.waiting = this.after(bits, () => {
      this.waiting = undefined;
      this.arbitrate();
    });
  }

  private arbitrate(): void {
    const { now } = this.clock;
    const offers: Offer[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    for (const stub of this.stubs) {
      const { controller, notBefore } = stub;
      if (controller.bit_ns === undefined || !controller.isActive) continue;
      if (notBefore > now) {
        earliest = Math.min(earliest, notBefore);
        continue;
      }
      const frame = controller.offer();
      if (frame !== undefined) offers.push({ stub, frame, bits: wireBits(frame) });
    }
    if (offers.length > 0) this.launch(offers);
    else if (earliest !== Number.POSITIVE_INFINITY) {
      this.arbitrateIn((earliest - now) / this.bitCycles);
      this.isSuspended = true;
    }
  }

  /** Those whose frames are the same up to the end of arbitration send; the others give way and listen. */
  private launch(offers: readonly Offer[]): void {
    let first = offers[0] as Offer;
    for (const offer of offers) {
      const at = firstDifference(offer.bits, first.bits);
      if (at !== undefined && offer.bits.bits[at] === 0) first = offer;
    }
    const senders: Offer[] = [];
    const losers: CanController[] = [];
    let isTorn = false;
    for (const offer of offers) {
      const at = offer === first ? undefined : firstDifference(offer.bits, first.bits);
      if (at !== undefined && at < offer.bits.arbitrationEnd) losers.push(offer.stub.controller);
      else senders.push(offer);
      isTorn ||= at !== undefined && at >= offer.bits.arbitrationEnd;
    }
    this.interrupt();
    const receivers = [...this.stubs].filter(
      (s) => s.controller.bit_ns !== undefined && senders.every(({ stub }) => stub !== s),
    );
    const errors = this.errorsOf(senders, receivers, first.bits.bits.length);
    const bit = this.bitCycles / (1 + first.stub.ppm / 1e6);
    const verdict = this.judge(first, senders, receivers, errors, isTorn ? 0 : undefined);
    const { now: start } = this.clock;
    const end = this.clock.after(verdict.bits * bit, () => this.land());
    this.flight = { first, start, bit, senders, receivers, verdict, errors, end };
    for (const controller of losers) controller.lost(); // who may ask for the bus at once
  }

  /** Who sees an error, and where: of what is done to the wire, and of rates that do not fit. */
  private errorsOf(
    senders: readonly Offer[],
    receivers: readonly Stub[],
    bits: number,
  ): ReadonlyMap<Stub, number> | undefined {
    const stubs = senders.map(({ stub }) => stub);
    const errors = this.disturbance.errors?.(stubs, receivers, bits) ?? new Map<Stub, number>();
    for (const stub of stubs)
      if (this.isShorted || !this.isTuned(stub)) errors.set(stub, FIRST_ERROR_BIT);
    for (const stub of receivers) {
      const { isActive, isPassive } = stub.controller;
      if (isActive && !isPassive && !this.isTuned(stub)) errors.set(stub, DETUNED_ERROR_BIT);
    }
    return errors.size === 0 ? undefined : errors;
  }

  // ---- Fate of a frame ----

  /** `from`: the bit up to which everybody saw the frame of `first`, when it is known that not all goes well. */
  private judge(
    first: Offer,
    senders: readonly Offer[],
    receivers: readonly Stub[],
    errors: ReadonlyMap<Stub, number> | undefined,
    from: number | undefined,
  ): Verdict<Stub> {
    const isHeard = receivers.some((s) => s.controller.isActive && this.isTuned(s));
    const start = errors === undefined ? from : Math.min(from ?? Infinity, ...errors.values());
    if (start === undefined && isHeard) {
      return {
        bits: first.bits.bits.length,
        sent: senders.map(({ stub }) => stub),
        failed: [],
        lost: [],
        received: receivers.filter((s) => this.isTuned(s)),
        disturbed: [],
      };
    }
    const parts: Part<Stub>[] = [
      ...senders.map(({ stub, bits }) => this.partOf(stub, bits, errors)),
      ...receivers
        .filter((s) => this.isTuned(s) || errors?.has(s))
        .map((s) => this.partOf(s, undefined, errors)),
    ];
    return follow(first.bits, start ?? first.bits.stuffedEnd, parts);
  }
  private partOf(
    stub: Stub,
    sends: WireBits | undefined,
    errors: ReadonlyMap<Stub, number> | undefined,
  ): Part<Stub> {
    const { isActive, isPassive } = stub.controller;
    return { who: stub, sends, isActive, isPassive, errsAt: errors?.get(stub) };
  }

  /** A stub leaves while a frame is under way: what it drove is recessive from now on. */
  private leave(stub: Stub): void {
    const { flight } = this;
    if (flight === undefined) return;
    const isSender = flight.senders.some((s) => s.stub === stub);
    flight.senders = flight.senders.filter((s) => s.stub !== stub);
    flight.receivers = flight.receivers.filter((s) => s !== stub);
    const { first, senders, receivers, errors, start, bit } = flight;
    const at = Math.ceil((this.clock.now - start) / bit);
    // what is being destroyed already, or has all but ended, ends as it would have
    if (flight.verdict.failed.length > 0 || at >= first.bits.bits.length) return;
    const isCutShort = isSender && senders.length === 0;
    flight.verdict = this.judge(first, senders, receivers, errors, isCutShort ? at : undefined);
    this.clock.cancel(flight.end);
    const left = flight.verdict.bits - (this.clock.now - start) / bit;
    flight.end = this.clock.after(left * bit, () => this.land());
  }

  private land(): void {
    const flight = this.flight as Flight;
    const { verdict, first, start, receivers } = flight;
    this.flight = undefined;
    this.busyCycles += this.clock.now - start;
    this.quieten();
    this.arbitrateIn(INTERMISSION_BITS); // before anybody is told, who may have more to send
    this.note(flight);
    const isHere = (stub: Stub) => this.stubs.has(stub);
    for (const stub of verdict.sent) if (isHere(stub)) this.endSending(stub, (c) => c.sent());
    for (const [stub, why] of verdict.failed)
      if (isHere(stub)) this.endSending(stub, (c) => c.failed(why));
    for (const stub of verdict.lost) if (isHere(stub)) stub.controller.lost();
    for (const stub of verdict.received) if (isHere(stub)) this.deliver(stub, first.frame);
    for (const [stub, penalty] of verdict.disturbed)
      if (isHere(stub)) stub.controller.disturbed(penalty);
    for (const stub of receivers)
      if (isHere(stub) && !this.isTuned(stub) && !flight.errors?.has(stub))
        stub.controller.disturbed(1);
  }
  private note({ verdict, first, start, senders }: Flight): void {
    const isError = verdict.sent.length === 0;
    if (isError) this.errorFrames++;
    else this.frames++;
    this.onEvent?.({
      start,
      bits: verdict.bits,
      frame: first.frame,
      senders: senders.map(({ stub }) => stub.controller),
      isError,
    });
  }
  private endSending(stub: Stub, tell: (controller: CanController) => void): void {
    const { controller } = stub;
    tell(controller);
    const pause = controller.isPassive ? INTERMISSION_BITS + SUSPEND_BITS : 0;
    stub.notBefore = this.clock.now + pause * this.bitCycles;
  }
  private deliver(stub: Stub, frame: CanFrame): void {
    if (this.disturbance.loses?.(stub, frame)) stub.lost++;
    else if (stub.controller.bit_ns !== undefined) stub.controller.receive(frame);
  }
}
