// Calibration across app changes: random lives against a model, in short. `npm run proof:calibration` is the long form.

import { describe, expect, it } from "vitest";
import { proveCalibration } from "../../drivers/calibration.ts";
import { CALIBRATION_FAULTS } from "../../drivers/calibration-faults.ts";

describe("calibration through upgrades, trials, confirmations, roll-backs and power cuts", () => {
  it.each([
    ["fram", 500],
    ["eeprom", 60],
    ["eeprom8", 60],
    ["flash2", 60],
    ["flash16", 60],
  ] as const)("is what the model says on %s", async (medium, sequences) => {
    const found = await proveCalibration({ medium, seed: 20_000, sequences });
    expect(found.differences).toEqual([]);
    expect(found.sequences).toBe(sequences);
    expect(Math.min(found.confirmed, found.rolledBack, found.cuts)).toBeGreaterThan(3);
  });

  it.each(["shadow-merged-in-place", "drop-before-commit"])("shows the fault %s", async (name) => {
    const fault = CALIBRATION_FAULTS.find((f) => f.name === name);
    if (fault === undefined) throw new Error(`there is no fault ${name}`);
    const found = await proveCalibration({ medium: "fram", seed: 1, sequences: 400, fault });
    expect(found.differences).not.toEqual([]);
  });
});
