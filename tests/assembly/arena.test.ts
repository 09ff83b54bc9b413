// The arena: dense, zeroed, and every owner finds its block wherever it slid to.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileProbe } from "../probes/compile.ts";

describe.each(["small", "large", "desktop"] as const)("the arena of the %s profile", (profile) => {
  it("gives every byte back, whatever the order of allocating and releasing", async () => {
    const probe = await compileProbe("arena", profile);
    const bytes = new Uint8Array(probe.memory.buffer);
    const all = probe.free();
    const step = fc.record({ n: fc.nat(39), size: fc.integer({ min: 1, max: 200 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const held = new Map<number, number>();
        for (const { n, size } of steps) {
          if (held.has(n)) {
            probe.release(n);
            held.delete(n);
          } else if (probe.allocate(size, n)) {
            const at = probe.address(n);
            expect(bytes.subarray(at, at + size).every((b) => b === 0)).toBe(true);
            bytes.fill(n + 1, at, at + size);
            held.set(n, size);
          }
          probe.settle();
          for (const [m, length] of held) {
            const at = probe.address(m);
            expect(bytes.subarray(at, at + length).every((b) => b === m + 1)).toBe(true);
          }
          const cost = [...held.values()].reduce((sum, s) => sum + probe.cost(s), 0);
          expect(probe.free()).toBe(all - cost);
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
