// Chance that a seed decides: the same numbers from the same seed, on every machine (xorshift32, G. Marsaglia, 2003).

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1; // never 0, and unlike for neighbouring seeds
    for (let n = 0; n < 4; n++) this.word();
  }

  /** 32 bits. */
  word(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }
  /** 0 to 1, without 1. */
  fraction(): number {
    return this.word() / 2 ** 32;
  }
  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }
}
