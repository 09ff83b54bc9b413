// Manifests and cards spoiled by chance are refused by name or taken whole; the long run is npm run proof:manifest.

import { expect, it } from "vitest";
import { fuzzBinary, fuzzCard, fuzzText } from "../../drivers/plant-fuzz.ts";

it("the text of a manifest, spoiled: told with place and remedy, or a manifest that has a binary form", () => {
  const { taken, violations } = fuzzText(400, 1);
  expect(violations).toEqual([]);
  expect(taken).toBeGreaterThan(20); // comments and spare blanks were hit
});

it("a manifest in binary form, spoiled: never taken as damaged", () => {
  const { taken, violations } = fuzzBinary(4000, 1);
  expect(violations).toEqual([]);
  expect(taken).toBeGreaterThan(20); // a change within what a field may be, and a sum that is right for it
});

it("a card, spoiled: never taken with a manifest or an image that is not as it was", () => {
  const { taken, violations } = fuzzCard(1500, 1);
  expect(violations).toEqual([]);
  expect(taken).toBeGreaterThan(20); // the text for people, dates, what lies behind the end of a file
});
