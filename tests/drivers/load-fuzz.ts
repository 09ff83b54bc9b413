// Hostile images against a whole node with an app on it: what it takes it gives back, what it refuses changes nothing.

import { LocalNode } from "../../host/client/local-node.ts";
import { NodeError } from "../../host/client/refusal.ts";
import { Machine } from "../../host/node/hal.ts";
import type { Random } from "../oracle/random.ts";
import type { ProfileName } from "../probes/compile.ts";
import { type Traces, tracesOf } from "./traces.ts";

export interface LoadCounts {
  images: number;
  taken: number;
  refused: number;
}

/** Blocks a load may give back at most; each poll closes the hole of one. */
const HOLES = 40;
/** Largest pieces an image arrives in. */
const PIECES = [1, 3, 16, 100, 256];

export class LoadFuzzer {
  readonly counts: LoadCounts = { images: 0, taken: 0, refused: 0 };
  private readonly node: LocalNode;
  private readonly traces: Traces;
  private readonly before: Uint8Array;

  private constructor(node: LocalNode, traces: Traces) {
    this.node = node;
    this.traces = traces;
    this.before = traces.remember(node);
  }

  /** A node of a profile with `resident` on it. */
  static async create(
    wasm: Uint8Array<ArrayBuffer>,
    profile: ProfileName,
    resident: Uint8Array,
  ): Promise<LoadFuzzer> {
    const node = await LocalNode.start(wasm, new Machine());
    node.load(resident); // and not run: an app that has ended would give its keys away
    return new LoadFuzzer(node, await tracesOf(profile));
  }

  /** Offers an image in pieces. Throws when anything stays of it. */
  offer(image: Uint8Array, random: Random): void {
    this.counts.images++;
    try {
      const pid = this.node.load(image, { pieceBytes: random.pick(PIECES) });
      this.counts.taken++;
      this.node.kill(pid); // before its code, which may be anything, has run
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      this.counts.refused++;
    }
    for (let n = 0; n < HOLES; n++) this.node.poll(0);
    this.traces.compare(this.node, this.before);
  }
}
