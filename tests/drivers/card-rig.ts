// The card's file system alone: a probe of assembly/card with a card behind its HAL that counts and fails as asked.

import { Err } from "../../assembly/spec/errors.ts";
import { compileProbe, type Probe } from "../probes/compile.ts";

const BLOCK = 512;
/** Polls after which a search or a read hangs. */
const POLLS_MAX = 200_000;

/** What a card answers to a block, and what it is asked. */
export interface CardModel {
  readonly blocks: number;
  /** The bytes of a block, or why there are none. */
  read(block: number): Uint8Array | Err;
}
export function modelOf(image: Uint8Array): CardModel {
  return {
    blocks: Math.floor(image.length / BLOCK),
    read: (block) => image.subarray(block * BLOCK, (block + 1) * BLOCK),
  };
}

export class CardRig {
  readonly probe: Probe;
  /** Blocks read since the file was opened. */
  reads: number[] = [];
  /** Blocks read by the poll that read most. */
  readsOfPoll = 0;
  private model: CardModel = modelOf(new Uint8Array(0));

  private constructor(probe: Probe) {
    this.probe = probe;
  }
  static async open(): Promise<CardRig> {
    const late: { rig?: CardRig } = {};
    const hal = {
      sd_blocks: () => late.rig?.model.blocks ?? 0,
      sd_read: (block: number, to: number) => late.rig?.read(block >>> 0, to) ?? Err.ABSENT,
      // what else the base asks for
      clock_ms: () => 0,
    };
    late.rig = new CardRig(await compileProbe("card", "small", hal));
    return late.rig;
  }

  private read(block: number, to: number): number {
    this.reads.push(block);
    const bytes = this.model.read(block);
    if (typeof bytes === "number") return bytes;
    new Uint8Array(this.probe.memory.buffer).set(bytes, to);
    return Err.OK;
  }
  private poll(step: () => number): number {
    for (let n = 0; n < POLLS_MAX; n++) {
      const before = this.reads.length;
      const result = step();
      this.readsOfPoll = Math.max(this.readsOfPoll, this.reads.length - before);
      if (result !== Err.BUSY) return result;
    }
    throw new Error("the card keeps the node busy for ever");
  }

  /** Puts a card in and opens a file, 11 characters. Returns what the node makes of it. */
  begin(card: Uint8Array | CardModel, name: string): Err {
    this.model = card instanceof Uint8Array ? modelOf(card) : card;
    this.end();
    this.reads = [];
    this.readsOfPoll = 0;
    const at = this.probe.io();
    new Uint8Array(this.probe.memory.buffer).set(new TextEncoder().encode(name), at);
    return this.poll(() => this.probe.fileOpen(at));
  }
  /** The bytes of the open file from `offset` on, at most `max`, or why they cannot be had. */
  bytes(offset = 0, max = Number.POSITIVE_INFINITY): Uint8Array | Err {
    const out: number[] = [];
    this.probe.fileSeek(offset);
    while (out.length < max) {
      const there = this.poll(() => this.probe.fileNext());
      if (there < 0) return there;
      if (there === 0) break;
      const take = Math.min(there, 128, max - out.length);
      const from = this.probe.fileData();
      out.push(...new Uint8Array(this.probe.memory.buffer, from, take));
      this.probe.fileTake(take);
    }
    return Uint8Array.from(out);
  }
  /** Opens and reads a whole file. */
  readAll(card: Uint8Array | CardModel, name: string): Uint8Array | Err {
    const err = this.begin(card, name);
    return err < 0 ? err : this.bytes();
  }
  get size(): number {
    return this.probe.fileSize() >>> 0;
  }
  end(): void {
    this.probe.cardEnd();
    this.probe.settle();
  }
}
