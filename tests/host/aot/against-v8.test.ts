// Whatever a module computes in V8 it computes in C: results, memory, calls out and traps. More seeds: npm run proof:aot.

import { describe, expect, it } from "vitest";
import { compare, inC, PLAIN } from "../../drivers/aot-compare.ts";

const SEEDS = [1, 2, 3, 4];

describe("a random module", () => {
  it.each(SEEDS)("of i32 does in C what it does in V8: seed %i", async (seed) => {
    expect((await compare(seed, PLAIN, inC({}))).difference).toBeUndefined();
  });
  it.each(SEEDS)("that traps does so at the same point: seed %i", async (seed) => {
    const shape = { ...PLAIN, isWild: true };
    expect((await compare(seed + 1000, shape, inC({}))).difference).toBeUndefined();
  });
  it.each(SEEDS)("of all types does in C what it does in V8: seed %i", async (seed) => {
    const shape = { ...PLAIN, isWild: true, hasLong: true, hasFloat: true };
    expect((await compare(seed + 2000, shape, inC({}))).difference).toBeUndefined();
  });
  it.each(SEEDS)("keeps to its memory with addresses of 16 bits: seed %i", async (seed) => {
    const { difference } = await compare(seed + 3000, PLAIN, inC({ target: "avr" }));
    expect(difference).toBeUndefined();
  });
});
