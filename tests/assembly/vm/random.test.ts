// A short run of `npm run proof:vm`.

import { describe, expect, it } from "vitest";
import { compareRun, machines, Watch } from "../../oracle/prove-vm.ts";

const SEEDS = Array.from({ length: 400 }, (_, i) => i + 1);

describe("the MiniVM on random programs", async () => {
  const [desktop, small] = await machines();

  it.each([
    ["desktop", "memory", desktop],
    ["small", "memory", small],
    ["desktop", "a code window", desktop],
    ["small", "a code window", small],
  ])(
    "of the %s profile in %s does what the second interpreter does, in slices of any size",
    (_, place, machine) => {
      const failures = SEEDS.flatMap((seed) => {
        const { difference } = compareRun(machine, seed, 3000, place !== "memory");
        return difference === undefined ? [] : [`seed ${seed}: ${difference}`];
      });
      expect(failures).toEqual([]);
    },
  );

  it.each([
    ["desktop", desktop],
    ["small", small],
  ])("of the %s profile changes nothing but the memory of its task", (_, machine) => {
    const watch = new Watch(machine);
    const failures = SEEDS.flatMap((seed) => {
      const { difference } = watch.run(seed, 20_000, seed % 2 === 0);
      return difference === undefined ? [] : [`seed ${seed}: ${difference}`];
    });
    expect(failures).toEqual([]);
  });
});
