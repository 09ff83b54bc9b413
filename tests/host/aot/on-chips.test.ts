// Whatever a random module computes in V8 it computes on the simulated chips, compiled with the firmware's options and made smaller
// as its core is. More seeds: npm run proof:aot.

import { expect, it } from "vitest";
import { CHIP_SHAPE, CHIPS, onChip } from "../../../scripts/aot-chips.ts";
import { hasAvrTools } from "../../../scripts/avr-build.ts";
import { hasArmTools } from "../../../scripts/stm32-build.ts";
import { compare } from "../../drivers/aot-compare.ts";

const HAS: Readonly<Record<string, () => boolean>> = { avr: hasAvrTools, "cortex-m0": hasArmTools };
const SEEDS = [2]; // one whose short functions are copied with their local labels

for (const [name, chip] of Object.entries(CHIPS)) {
  it.skipIf(!HAS[name]?.()).each(SEEDS)(
    `a random module runs on a ${name} as in V8: seed %i`,
    async (seed) => {
      const { calls, difference } = await compare(seed, CHIP_SHAPE, onChip(chip));
      expect(difference).toBeUndefined();
      expect(calls).toBe(240);
    },
  );
}
