// The design faults that the long proofs plant: each still finds the text it changes, once.

import { expect, it } from "vitest";
import { ACTIVATION_FAULTS, NODE_WORD_FAULTS } from "../drivers/activation-faults.ts";
import { CALIBRATION_FAULTS } from "../drivers/calibration-faults.ts";
import { HOSTILE_FAULTS } from "../drivers/hostile-faults.ts";
import { STORE_FAULTS } from "../drivers/store-faults.ts";
import { read } from "./sources.ts";

it.each([
  ...STORE_FAULTS,
  ...ACTIVATION_FAULTS,
  ...NODE_WORD_FAULTS,
  ...CALIBRATION_FAULTS,
  ...HOSTILE_FAULTS,
])("fault $name can be planted", ({ edits }) => {
  for (const { file, from } of edits)
    expect([file, from, read(`assembly/${file}`).split(from).length - 1]).toEqual([file, from, 1]);
});
