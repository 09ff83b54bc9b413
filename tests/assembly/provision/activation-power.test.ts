// Power cuts in the life of a node with stored images, in short. `npm run proof:activation` is the long form.

import { describe, expect, it } from "vitest";
import { proveActivation } from "../../drivers/activation.ts";
import { ACTIVATION_FAULTS } from "../../drivers/activation-faults.ts";

describe("staging, activation, trials and roll-backs whose power is cut", () => {
  it.each([
    ["fram", 1500],
    ["eeprom8", 500],
    ["flash2", 250],
    ["flash16", 250],
  ] as const)("leave the right app on %s, with its calibration", async (medium, cuts) => {
    const found = await proveActivation({ medium, seed: 7, cuts, isSparse: true });
    expect(found.violations).toEqual([]);
    expect(found.trialStarts).toBe(3);
    expect(found.settledBytes).toBe(0);
    expect(found.operations).toBeGreaterThan(3);
  });

  it.each(["attempt-after-jump"])("show the fault %s", async (name) => {
    const fault = ACTIVATION_FAULTS.find((f) => f.name === name);
    if (fault === undefined) throw new Error(`there is no fault ${name}`);
    const plan = { medium: "fram", seed: 1, cuts: 1500, isSparse: true, fault } as const;
    expect((await proveActivation(plan)).violations).not.toEqual([]);
  });
});
