// Requests to single nodes: asked, asked again when no answer comes, several nodes at a time.

import {
  ASSIGN_KEEP,
  RECORD_PIECE_BYTES,
  SEQUENCE_MASK,
  TARGET_ALL,
} from "../../../assembly/spec/frame.ts";
import {
  type Frame,
  type Request,
  readResult,
  type VerbArgs,
  type VerbName,
} from "../../formats/frame.ts";
import { BusError, silent } from "./bus-error.ts";
import type { BusLink } from "./link.ts";

/** What a node answered. */
export interface Answer {
  /** 0, an error code of docs/errors.md, or of CALL 128 and more. */
  readonly status: number;
  readonly result: Uint8Array;
}
type AnswerFrame = Extract<Frame, { kind: "answer" }>;

export interface AskOptions {
  /** How often it is asked before it counts as silent. */
  readonly attempts?: number;
  /** How long the node may take, besides the way there and back. */
  readonly patience_ms?: number;
}

/** One in five frames may be lost: an exchange fails 36 times in 100, ten in a row once in 27,000. */
const ATTEMPTS = 10;
/** Nodes that are asked at a time. */
const AT_ONCE = 16;
/** An answer may wait for the records of all the others, 17 frames each. */
const ANSWER_US = 150_000;
/** Each brings the pieces behind the first that is missing: one in five lost of 17 needs some five. */
const RECORD_ATTEMPTS = 40;
const UNASSIGN_TIMES = 3;
/** Verbs a node does not carry out twice for the same sequence. */
const ONCE = new Set<VerbName>(["CALL", "TASK", "PROVISION"]);
/** Time the pieces of a record may be apart. */
const PIECE_US = 20_000;

/** What is known of one node: who is asking it, and the sequence of what it was asked last. */
interface Line {
  last: Promise<unknown>;
  sequence: number;
  /** Sequence of the last request that must not be carried out twice; undefined: an earlier master's is not known. */
  onceSequence: number | undefined;
}

/** Lets so many through at a time. */
class Gate {
  private free: number;
  private readonly waiting: (() => void)[] = [];
  constructor(size: number) {
    this.free = size;
  }
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.free === 0) await new Promise<void>((go) => this.waiting.push(go));
    else this.free--;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}

/** The requests of one master. Each node is asked one thing at a time; many nodes are asked at once. */
export class Requests {
  private readonly lines = new Map<number, Line>();
  private readonly gate = new Gate(AT_ONCE);
  private broadcastSequence = 0;

  constructor(
    readonly link: BusLink,
    readonly master: number,
  ) {}

  /** Says something to every node, without waiting for what they say. */
  tell<V extends VerbName>(verb: V, args: VerbArgs<V>): Promise<void> {
    return this.tellNode(TARGET_ALL, verb, args);
  }
  /** Says something to one node. */
  async tellNode<V extends VerbName>(node: number, verb: V, args: VerbArgs<V>): Promise<void> {
    this.broadcastSequence = (this.broadcastSequence + 1) & SEQUENCE_MASK;
    await this.link.send(this.request(node, this.broadcastSequence, verb, args));
  }

  /** Asks a node. Throws a BusError when it stays silent; what it refuses is in the answer. */
  ask<V extends VerbName>(
    node: number,
    verb: V,
    args: VerbArgs<V>,
    options: AskOptions = {},
  ): Promise<Answer> {
    return this.inTurn(node, async (line) => {
      if (ONCE.has(verb)) await this.openOnce(node, line, options);
      return this.exchange(node, line, verb, args, options);
    });
  }
  /** Gives the node of a hash an id, under which it answers. Returns its hash with salt 31. */
  async assign(hash: number, salt: number, id: number, keeps: boolean): Promise<number> {
    const flags = salt | (keeps ? ASSIGN_KEEP : 0);
    const args = { hash, id, flags };
    const { result } = await this.inTurn(id, (line) =>
      this.exchange(id, line, "ASSIGN", args, { target: TARGET_ALL }),
    );
    return readResult("ASSIGN", result).check;
  }

  /** Takes the id from the node of a hash; it does not answer, so it is told several times. */
  async unassign(hash: number, salt: number): Promise<void> {
    for (let n = 0; n < UNASSIGN_TIMES; n++)
      await this.tell("ASSIGN", { hash, id: 0, flags: salt });
  }

  /** Reads a record, missing pieces again. Returns the node's status when there is none. */
  record(node: number, kind: number, index: number): Promise<Uint8Array | number> {
    return this.inTurn(node, (line) => this.readRecord(node, line, kind, index));
  }

  // ---- Turns ----

  private async inTurn<T>(node: number, work: (line: Line) => Promise<T>): Promise<T> {
    let line = this.lines.get(node);
    if (line === undefined) {
      line = { last: Promise.resolve(), sequence: 0, onceSequence: undefined };
      this.lines.set(node, line);
    }
    const mine = line;
    const turn = mine.last.then(() => this.gate.pass(() => work(mine)));
    mine.last = turn.catch(() => undefined);
    return turn;
  }

  private nextSequence(line: Line, verb: VerbName): number {
    line.sequence = (line.sequence + 1) & SEQUENCE_MASK;
    if (!ONCE.has(verb)) return line.sequence;
    // eight requests later the same sequence would look like a repetition
    if (line.sequence === line.onceSequence) line.sequence = (line.sequence + 1) & SEQUENCE_MASK;
    line.onceSequence = line.sequence;
    return line.sequence;
  }
  /** Whoever had this slot before may have asked the same with the same sequence: a harmless request takes its place. */
  private async openOnce(node: number, line: Line, options: AskOptions): Promise<void> {
    if (line.onceSequence !== undefined) return;
    await this.exchange(node, line, "PROVISION", { what: 0, index: 0, a: 0 }, options);
  }

  // ---- Exchanges ----

  private request<V extends VerbName>(
    target: number,
    sequence: number,
    verb: V,
    args: VerbArgs<V>,
  ): Request {
    return { kind: "request", master: this.master, target, sequence, verb, args } as Request;
  }

  private isMine(frame: Frame, node: number, sequence: number): boolean {
    if (frame.kind !== "answer" && frame.kind !== "record") return false;
    return frame.node === node && frame.master === this.master && frame.sequence === sequence;
  }

  private async exchange<V extends VerbName>(
    node: number,
    line: Line,
    verb: V,
    args: VerbArgs<V>,
    { attempts = ATTEMPTS, patience_ms = 0, target = node }: AskOptions & { target?: number },
  ): Promise<Answer> {
    const { link } = this;
    const sequence = this.nextSequence(line, verb);
    let answer: AnswerFrame | undefined;
    const stop = link.listen((frame) => {
      if (frame.kind === "answer" && this.isMine(frame, node, sequence)) answer = frame;
    });
    try {
      for (let n = 0; n < attempts && answer === undefined; n++) {
        await link.send(this.request(target, sequence, verb, args));
        const patience_us = ANSWER_US + link.turnaround_us + patience_ms * 1000;
        await link.until(() => answer !== undefined, patience_us);
      }
    } finally {
      stop();
    }
    if (answer === undefined) throw silent(node, link.transport.name);
    return answer;
  }

  // ---- Records ----

  private async readRecord(
    node: number,
    line: Line,
    kind: number,
    index: number,
  ): Promise<Uint8Array | number> {
    const pieces: (Uint8Array | undefined)[] = [];
    for (let attempt = 0; attempt < RECORD_ATTEMPTS; attempt++) {
      const first = firstMissing(pieces);
      const { status, bytes } = await this.readPieces(node, line, { kind, index, first }, pieces);
      if (status !== 0) return -status;
      if (firstMissing(pieces) >= Math.ceil(bytes / RECORD_PIECE_BYTES))
        return joined(pieces, bytes);
    }
    const remedy = "look at the bus: hsx monitor";
    throw new BusError("damaged-record", `node ${node} never sent a whole record`, remedy, node);
  }
  /** Asks for the pieces from the first on, until the last is here, or none has come for a while. */
  private async readPieces(
    node: number,
    line: Line,
    args: { kind: number; index: number; first: number },
    pieces: (Uint8Array | undefined)[],
  ): Promise<{ status: number; bytes: number }> {
    const { link } = this;
    let newest = -1;
    const stop = link.listen((frame) => {
      if (frame.kind !== "record" || !this.isMine(frame, node, line.sequence)) return;
      pieces[frame.piece] = frame.bytes;
      newest = frame.piece;
    });
    try {
      const { status, result } = await this.exchange(node, line, "INFO", { ...args, count: 0 }, {});
      const { bytes } = readResult("INFO", result);
      const last = Math.ceil(bytes / RECORD_PIECE_BYTES) - 1;
      const isMore = (before: number) =>
        link.until(() => newest !== before, PIECE_US + link.turnaround_us);
      while (status === 0 && newest < last && (await isMore(newest)));
      return { status, bytes };
    } finally {
      stop();
    }
  }
}

function firstMissing(pieces: readonly (Uint8Array | undefined)[]): number {
  const missing = pieces.findIndex((piece) => !piece);
  return missing < 0 ? pieces.length : missing;
}

function joined(pieces: readonly (Uint8Array | undefined)[], bytes: number): Uint8Array {
  const all = new Uint8Array(pieces.length * RECORD_PIECE_BYTES);
  pieces.forEach((piece, n) => void (piece && all.set(piece, n * RECORD_PIECE_BYTES)));
  return all.slice(0, bytes);
}
