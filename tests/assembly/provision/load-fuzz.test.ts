// Hostile images leave a node as it was: every truncation and flipped bit of one image with all kinds of metadata, and mutations.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { LoadFuzzer } from "../../drivers/load-fuzz.ts";
import { bitFlips, extremes, mutate, truncations } from "../../oracle/image-fuzz.ts";
import { RESIDENT, SAMPLES, withChecksum } from "../../oracle/image-samples.ts";
import { Random } from "../../oracle/random.ts";

const sample = SAMPLES["all binary"] ?? new Uint8Array();

async function fuzzer(profile: "small" | "desktop"): Promise<LoadFuzzer> {
  const wasm = readFileSync(`build/core/${profile}.wasm`);
  return LoadFuzzer.create(wasm, profile, RESIDENT);
}

it("takes or refuses each, and keeps nothing of it", async () => {
  const loads = await fuzzer("small");
  const random = new Random(1);
  for (const file of truncations(sample)) loads.offer(file, random);
  for (const file of bitFlips(sample)) loads.offer(withChecksum(file), random);
  for (const file of extremes(sample, 2)) loads.offer(file, random);
  for (let n = 0; n < 2000; n++)
    loads.offer(mutate(random.pick(Object.values(SAMPLES)), random), random);
  expect(loads.counts.taken).toBeGreaterThan(100);
  expect(loads.counts.refused).toBeGreaterThan(3000);
});
