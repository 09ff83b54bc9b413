// Power cuts while boot list and configuration change, in short. `npm run proof:activation` is the long form.

import { describe, expect, it } from "vitest";
import { NODE_WORD_FAULTS } from "../../drivers/activation-faults.ts";
import { proveWords } from "../../drivers/node-words.ts";

describe("boot list and configuration whose change is cut short at any byte", () => {
  it.each(["fram", "eeprom", "eeprom8", "flash2"] as const)(
    "are the old or the new ones on %s; what nobody confirmed lasts one start",
    async (medium) => {
      const found = await proveWords({ medium, seed: 5, cuts: 2500 });
      expect(found.violations).toEqual([]);
      expect(found.trialBoots).toBe(1);
      expect(found.bootCuts).toBeGreaterThan(50);
      expect(found.operations).toBeGreaterThan(15);
    },
  );

  it("show a trial that is not counted", async () => {
    const fault = NODE_WORD_FAULTS.find(({ name }) => name === "configuration-not-counted");
    if (fault === undefined) throw new Error("there is no such fault");
    const found = await proveWords({ medium: "fram", seed: 1, cuts: 1000, fault });
    expect(found.violations).not.toEqual([]);
  });
});
