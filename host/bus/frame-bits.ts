// A frame as the bits of a wire, stuff bits included, after ISO 11898-1 and the Bosch CAN specification 2.0.

import type { CanFrame } from "../formats/can-frame.ts";

/** What a sender drives, bit by bit: 0 is dominant, 1 recessive. */
export interface WireBits {
  /** From start to end of frame; the acknowledge slot is recessive. */
  readonly bits: Uint8Array;
  /** Index of the first bit behind the arbitration field: up to there a sender may give way. */
  readonly arbitrationEnd: number;
  /** Index of the CRC delimiter: up to there bits are stuffed. */
  readonly stuffedEnd: number;
}

/** CRC delimiter, acknowledge slot and delimiter, end of frame. */
export const TAIL_BITS = 1 + 1 + 1 + 7;
export const INTERMISSION_BITS = 3;
/** From the CRC delimiter on. */
export const ACK_SLOT_OFF = 1;
/** The recessive end of every frame, valid or not: acknowledge delimiter and end of frame, or the error delimiter. */
export const RECESSIVE_END_BITS = 8;
/** Bits of one level behind which a bit of the other is stuffed. */
export const STUFF_AFTER = 5;

const CRC15 = 0x4599;
/** An extended frame of 8 bytes with every stuff bit there can be. */
const BITS_MAX = 118 + 29 + TAIL_BITS;

/** Takes the bits of a frame, stuffs them and sums them up. */
class BitWriter {
  readonly bits = new Uint8Array(BITS_MAX).fill(1);
  count = 0;
  crc = 0;
  private run = 0;
  private last = 1;

  put(bit: number): void {
    const feedback = bit ^ (this.crc >>> 14);
    this.crc = ((this.crc << 1) & 0x7fff) ^ (feedback === 1 ? CRC15 : 0);
    this.bits[this.count++] = bit;
    this.run = bit === this.last ? this.run + 1 : 1;
    this.last = bit;
    if (this.run < STUFF_AFTER) return;
    this.last = 1 - bit;
    this.bits[this.count++] = this.last;
    this.run = 1;
  }
  field(value: number, width: number): void {
    for (let n = width - 1; n >= 0; n--) this.put((value >>> n) & 1);
  }
}

/** Lays a frame out as bits. */
export function wireBits({ id, isExtended, isRemote, data }: CanFrame): WireBits {
  const out = new BitWriter();
  out.put(0); // start of frame
  if (isExtended) {
    out.field(id >>> 18, 11);
    out.field(3, 2); // SRR, IDE
    out.field(id & 0x3ffff, 18);
  } else out.field(id, 11);
  out.put(isRemote ? 1 : 0);
  const arbitrationEnd = out.count;
  out.field(0, 2); // r1, r0; of a standard frame IDE, r0
  out.field(data.length, 4);
  if (!isRemote) for (const byte of data) out.field(byte, 8);
  out.field(out.crc, 15);
  const stuffedEnd = out.count;
  return { bits: out.bits.subarray(0, stuffedEnd + TAIL_BITS), arbitrationEnd, stuffedEnd };
}

/** Bits of a frame from start to end of frame, those of stuffing included, without the intermission. */
export function frameBits(frame: CanFrame): number {
  return wireBits(frame).bits.length;
}

/** Index of the first bit in which two senders differ; undefined: they drive the same. */
export function firstDifference(a: WireBits, b: WireBits): number | undefined {
  const length = Math.min(a.bits.length, b.bits.length);
  for (let n = 0; n < length; n++) if (a.bits[n] !== b.bits[n]) return n;
  return undefined;
}
