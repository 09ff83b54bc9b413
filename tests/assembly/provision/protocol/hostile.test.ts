// A short version of `npm run proof:hostile`: whatever comes, a node neither traps nor hangs, and only a valid load changes what runs.

import { expect, it } from "vitest";
import { coreVictim, newHostileCounts, runHostile, victimMedia } from "../../../drivers/hostile.ts";

const FRAMES = 10_000;

it.each([1, 2])("changes nothing that runs (seed %d)", async (seed) => {
  const counts = newHostileCounts();
  runHostile(await coreVictim(await victimMedia()), { seed, frames: FRAMES }, counts);
  expect(counts.faults).toEqual([]);
  expect(counts).toMatchObject({ frames: FRAMES, loads: 2 });
});
