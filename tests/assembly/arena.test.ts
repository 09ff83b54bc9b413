// The arena: dense, zeroed, and every owner finds its block wherever it slid to.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileProbe } from "../probes/compile.ts";

describe.each(["small", "large", "desktop"] as const)("the arena of the %s profile", (profile) => {
  it("gives every byte back, whatever the order of allocating and releasing", async () => {
    const probe = await compileProbe("arena", profile);
    const bytes = new Uint8Array(probe.memory.buffer);
    const all = probe.free();
    const size = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(3000));
    const step = fc.record({ n: fc.nat(39), size, closes: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const held = new Map<number, number>();
        for (const { n, size, closes } of steps) {
          if (held.has(n)) {
            probe.release(n);
            held.delete(n);
          } else if (probe.allocate(size, n)) {
            const at = probe.address(n);
            expect(bytes.subarray(at, at + size).every((b) => b === 0)).toBe(true);
            bytes.fill(n + 1, at, at + size);
            held.set(n, size);
          }
          // holes are closed some of the way, wholly, or whenever an address is asked for
          for (let k = 0; k < closes && probe.hasHoles(); k++) probe.step();
          if (closes === 6) probe.settle();
          for (const [m, length] of held) {
            const at = probe.address(m);
            expect(bytes.subarray(at, at + length).every((b) => b === m + 1)).toBe(true);
          }
          const cost = [...held.values()].reduce((sum, s) => sum + probe.cost(s), 0);
          if (!probe.hasHoles()) expect(probe.free()).toBe(all - cost);
        }
        for (const n of held.keys()) probe.release(n);
        probe.settle();
        expect(probe.free()).toBe(all);
      }),
      { numRuns: 40 },
    );
  });

  it("gives all it has in one block, and not a byte more", async () => {
    const probe = await compileProbe("arena", profile);
    const most = probe.free() - 4;
    expect(probe.allocate(most + 1, 0)).toBe(0);
    expect(probe.allocate(most, 0)).toBe(1);
    expect(probe.free()).toBe(0);
  });
});

describe.each(["small", "large"] as const)("closing a hole in the %s profile", (profile) => {
  /** A hole of 104 bytes below a block of 4,100, headers included. */
  async function withHole() {
    const probe = await compileProbe("arena", profile);
    const bytes = new Uint8Array(probe.memory.buffer);
    probe.allocate(100, 0);
    probe.allocate(4096, 1);
    const at = probe.address(1);
    bytes.fill(7, at, at + 4096);
    probe.release(0);
    return { probe, bytes, at };
  }

  it("takes a step for each KiB that moves or is zeroed", async () => {
    const { probe, bytes, at } = await withHole();
    let steps = 0;
    for (; probe.hasHoles(); steps++) probe.step();
    expect([steps, probe.address(1)]).toEqual([5, at - 104]);
    expect(bytes.subarray(at - 104, at + 3992).every((b) => b === 7)).toBe(true);
    expect(bytes.subarray(at + 3992, at + 4096).every((b) => b === 0)).toBe(true);
  });

  it("ends at once when somebody asks for an address between two steps", async () => {
    const { probe, bytes, at } = await withHole();
    probe.step();
    expect(bytes[at + 1000]).toBe(7);
    expect(probe.address(1)).toBe(at - 104);
    expect(probe.hasHoles()).toBe(0);
    expect(bytes.subarray(at - 104, at + 3992).every((b) => b === 7)).toBe(true);
  });

  it("gives and takes blocks meanwhile", async () => {
    const { probe, bytes, at } = await withHole();
    probe.allocate(8, 3);
    probe.step();
    expect(probe.allocate(8, 2)).toBe(1);
    probe.release(1);
    probe.settle();
    expect([probe.address(3), probe.address(2)]).toEqual([at - 104, at - 92]);
    expect(bytes.subarray(at - 92, at + 4200).every((b) => b === 0)).toBe(true);
  });
});
