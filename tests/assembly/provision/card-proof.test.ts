// Short versions of the proof of cards: `npm run proof:boot` is the long one.

import { expect, it } from "vitest";
import {
  proveCardCuts,
  proveMutations,
  provePulls,
  proveTruncations,
} from "../../drivers/card-proof.ts";

it("a card that ends at any block leaves the node with apps that were meant", async () => {
  const { boots, violations } = await proveTruncations(37);
  expect(violations).toEqual([]);
  expect(boots).toBeGreaterThan(400);
});

it("a card that is pulled out at any access leaves the node with apps that were meant", async () => {
  const { violations } = await provePulls();
  expect(violations).toEqual([]);
});

it("a card that holds anything leaves the node with apps that were meant", async () => {
  const { violations } = await proveMutations(1500, 1);
  expect(violations).toEqual([]);
});

it("values are set once, whenever power fails", async () => {
  const { cuts, violations } = await proveCardCuts(400, 1);
  expect(violations).toEqual([]);
  expect(cuts).toBe(400);
});
