// CAN between controllers: frames with their length in bits, what a controller offers to a bus, and a bus that gives it
// to the frame with the lowest identifier. Bits and errors after ISO 11898-1 and the Bosch CAN specification 2.0.

import type { Appointment, Clock } from "./clock.ts";

/** A classic frame on the wire. */
export interface WireFrame {
  /** 11 bits, or 29 of an extended frame. */
  readonly id: number;
  readonly isExtended?: boolean;
  /** A remote frame: `data` says its length alone. */
  readonly isRemote?: boolean;
  readonly data: Uint8Array;
}

/** A controller as the bus sees it. */
export interface CanController {
  /** Duration of a bit; undefined: not on the bus. */
  readonly bit_ns: number | undefined;
  /** False: it listens and never drives the bus, not even to acknowledge. */
  readonly isActive: boolean;
  /** The frame it wants to have sent next. */
  offer(): WireFrame | undefined;
  /** What it offered went out and was acknowledged. */
  sent(): void;
  /** What it offered had to give way to another frame. */
  lost(): void;
  /** What it offered was destroyed, or nobody acknowledged it. */
  failed(why: "bit" | "acknowledge"): void;
  /** A frame of another controller, without errors. */
  receive(frame: WireFrame): void;
  /** Something on the bus that was no frame. */
  disturbed(): void;
}

const ERROR_FRAME_BITS = 6 + 8; // flag and delimiter
const INTERMISSION_BITS = 3;
const TAIL_BITS = 1 + 1 + 1 + 7; // CRC delimiter, acknowledge slot and delimiter, end of frame
const CRC15 = 0x4599;

function pushBits(bits: number[], value: number, count: number): void {
  for (let n = count - 1; n >= 0; n--) bits.push((value >>> n) & 1);
}

function crc15(bits: readonly number[]): number {
  let crc = 0;
  for (const bit of bits) {
    const next = bit ^ ((crc >>> 14) & 1);
    crc = (crc << 1) & 0x7fff;
    if (next === 1) crc ^= CRC15;
  }
  return crc;
}

/** Bits that order frames: lower wins the bus. Identifier, SRR or RTR, IDE, then the rest of an extended one. */
function arbitrationOf({ id, isExtended, isRemote }: WireFrame): number[] {
  const bits: number[] = [];
  const rtr = isRemote ? 1 : 0;
  if (isExtended) {
    pushBits(bits, id >>> 18, 11);
    bits.push(1, 1);
    pushBits(bits, id & 0x3ffff, 18);
    bits.push(rtr);
  } else {
    pushBits(bits, id, 11);
    bits.push(rtr, 0);
  }
  return bits;
}

/** Bits of a frame from start to end of frame, those of stuffing included, without the intermission. */
export function frameBits(frame: WireFrame): number {
  const bits = [0, ...arbitrationOf(frame)];
  pushBits(bits, 0, frame.isExtended ? 2 : 1); // r1, r0
  pushBits(bits, frame.data.length, 4);
  if (!frame.isRemote) for (const byte of frame.data) pushBits(bits, byte, 8);
  pushBits(bits, crc15(bits), 15);
  let stuffed = 0;
  let run = 0;
  let last = -1;
  for (const bit of bits) {
    run = bit === last ? run + 1 : 1;
    last = bit;
    if (run < 5) continue;
    stuffed++; // the complement, which begins a run of its own
    last = 1 - bit;
    run = 1;
  }
  return bits.length + stuffed + TAIL_BITS;
}

function isBefore(a: WireFrame, b: WireFrame): boolean {
  const [first, second] = [arbitrationOf(a), arbitrationOf(b)];
  const at = first.findIndex((bit, n) => bit !== second[n]);
  return at >= 0 && (first[at] as number) < (second[at] ?? 1);
}

/** A wire of one bit rate between controllers. */
export class CanWire {
  /** True: the wire is shorted, and every frame is destroyed. */
  isShorted = false;
  /** Frames that went over the wire. */
  frames = 0;
  private readonly controllers: CanController[] = [];
  private isBusy = false;
  private waiting: Appointment | undefined;
  private readonly bitCycles: number;

  constructor(
    private readonly clock: Clock,
    readonly bit_ns = 2000,
  ) {
    this.bitCycles = (bit_ns * clock.hz) / 1e9;
  }

  attach(controller: CanController): void {
    this.controllers.push(controller);
  }

  private after(bits: number, call: () => void): Appointment {
    return this.clock.after(bits * this.bitCycles, call);
  }
  private isTuned(controller: CanController): boolean {
    return controller.bit_ns !== undefined && Math.abs(controller.bit_ns / this.bit_ns - 1) < 0.01;
  }

  /** Tells the bus that a controller has something to send, now or as soon as the bus is free. */
  wake(): void {
    if (!this.isBusy && this.waiting === undefined) this.await(1);
  }
  private await(bits: number): void {
    this.waiting = this.after(bits, () => {
      this.waiting = undefined;
      this.arbitrate();
    });
  }

  private arbitrate(): void {
    let winner: CanController | undefined;
    let frame: WireFrame | undefined;
    const offers = this.controllers.map(
      (c) => [c, c.bit_ns && c.isActive ? c.offer() : undefined] as const,
    );
    for (const [controller, offer] of offers) {
      if (offer === undefined || (frame !== undefined && !isBefore(offer, frame))) continue;
      winner = controller;
      frame = offer;
    }
    if (winner === undefined || frame === undefined) return;
    this.isBusy = true;
    for (const [controller, offer] of offers)
      if (offer !== undefined && controller !== winner) controller.lost();
    this.carry(winner, frame);
  }

  private carry(sender: CanController, frame: WireFrame): void {
    const others = this.controllers.filter((c) => c !== sender && c.bit_ns !== undefined);
    const isHeard = this.isTuned(sender) && others.some((c) => c.isActive && this.isTuned(c));
    const bits = frameBits(frame);
    if (this.isShorted || !this.isTuned(sender))
      return this.fail(sender, others, "bit", ERROR_FRAME_BITS);
    if (!isHeard) return this.fail(sender, others, "acknowledge", bits - 8 + ERROR_FRAME_BITS);
    this.after(bits, () => {
      this.frames++;
      sender.sent();
      for (const other of others) {
        if (this.isTuned(other)) other.receive(frame);
        else other.disturbed();
      }
      this.release();
    });
  }

  private fail(
    sender: CanController,
    others: readonly CanController[],
    why: "bit" | "acknowledge",
    bits: number,
  ): void {
    this.after(bits, () => {
      sender.failed(why);
      for (const other of others) other.disturbed();
      this.release();
    });
  }

  private release(): void {
    this.isBusy = false;
    this.await(INTERMISSION_BITS);
  }
}

/** The rest of the bus in one: sends what it is told, back to back, acknowledges and keeps what it hears. */
export class CanPartner implements CanController {
  readonly bit_ns: number;
  isActive = true;
  readonly heard: WireFrame[] = [];
  onHeard: ((frame: WireFrame) => void) | undefined;
  /** Frames that are to be sent. */
  readonly queue: WireFrame[] = [];
  /** Asked for the next frame when the queue is empty. */
  source: (() => WireFrame | undefined) | undefined;

  constructor(private readonly wire: CanWire) {
    this.bit_ns = wire.bit_ns;
    wire.attach(this);
  }

  send(frame: WireFrame): void {
    this.queue.push(frame);
    this.wire.wake();
  }
  offer(): WireFrame | undefined {
    if (this.queue.length === 0) {
      const next = this.source?.();
      if (next !== undefined) this.queue.push(next);
    }
    return this.queue[0];
  }
  sent(): void {
    this.queue.shift();
  }
  receive(frame: WireFrame): void {
    this.heard.push(frame);
    this.onHeard?.(frame);
  }
  lost(): void {}
  failed(): void {}
  disturbed(): void {}
}
