// What disturbs a wire by chance: frames that get lost at a node, bits that are seen wrong. A seed decides.

import type { Random } from "./random.ts";
import type { Disturbance, Stub } from "./wire.ts";

/** Chance of a fault, for some stubs and some of the time. */
export interface FaultRule {
  /** Of a frame. */
  readonly probability: number;
  /** Frames lost in a row. */
  readonly burst?: number;
  applies(stub: Stub): boolean;
}

export class Faults implements Disturbance {
  readonly losses: FaultRule[] = [];
  readonly bitErrors: FaultRule[] = [];
  /** Frames that are still to be lost, by stub. */
  private readonly bursts = new Map<Stub, number>();

  constructor(private readonly random: Random) {}

  loses(stub: Stub): boolean {
    const left = this.bursts.get(stub) ?? 0;
    if (left > 0) {
      this.bursts.set(stub, left - 1);
      return true;
    }
    const rule = this.losses.find((r) => r.applies(stub) && this.random.fraction() < r.probability);
    if (rule !== undefined) this.bursts.set(stub, (rule.burst ?? 1) - 1);
    return rule !== undefined;
  }

  /** One of those concerned sees an error, in any bit but the first and the last. */
  errors(senders: readonly Stub[], receivers: readonly Stub[], bits: number): Map<Stub, number> {
    const errors = new Map<Stub, number>();
    for (const rule of this.bitErrors) {
      const concerned = [...senders, ...receivers].filter((stub) => rule.applies(stub));
      const isHit = concerned.length > 0 && this.random.fraction() < rule.probability;
      const stub = isHit ? concerned[this.random.below(concerned.length)] : undefined;
      if (stub !== undefined) errors.set(stub, 1 + this.random.below(bits - 2));
    }
    return errors;
  }
}
