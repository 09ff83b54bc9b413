// `npm run proof:boot`: a node whose card ends at any block, is pulled out at any access, or holds anything, and whose power fails while
// a card is applied: it never crashes or hangs, runs what was meant, and sets values once. --json, --mutations N, --cuts N, --seed S.

import { parseArgs } from "node:util";
import {
  type CardFigures,
  proveCardCuts,
  proveMutations,
  provePulls,
  proveTruncations,
} from "../tests/drivers/card-proof.ts";
import { report } from "./figures.ts";

/** Boots that a life of cuts has; then another device begins with the next seed. */
const CUTS_OF_A_LIFE = 2000;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    mutations: { type: "string", default: "100000" },
    cuts: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
  },
});
const mutations = Number(values.mutations);
const cuts = Number(values.cuts);
const seed = Number(values.seed);
if (!(mutations > 0) || !(cuts > 0) || !Number.isInteger(seed)) {
  console.error("usage: npm run proof:boot -- [--json] [--mutations N] [--cuts N] [--seed S]");
  process.exit(2);
}

/** Tells of violations and returns how many there are. */
function found(figures: CardFigures): number {
  for (const violation of figures.violations) process.stderr.write(`${violation}\n`);
  return figures.violations.length;
}

const truncated = await proveTruncations();
const pulled = await provePulls();
const mutated = await proveMutations(mutations, seed);
let cut = 0;
let wrongCuts = 0;
for (let n = 0; cut < cuts && wrongCuts === 0; n++) {
  const life = await proveCardCuts(Math.min(CUTS_OF_A_LIFE, cuts - cut), seed + n);
  cut += life.cuts;
  wrongCuts += found(life);
}

const none = "== 0";
report({
  command: "proof:boot",
  figures: [
    { id: "card.truncations", value: truncated.boots, unit: "cards", note: "one for each block" },
    { id: "card.truncations.wrong", value: found(truncated), unit: "cards", must: none },
    { id: "card.pulled", value: pulled.boots, unit: "boots", note: "one for each access" },
    { id: "card.pulled.wrong", value: found(pulled), unit: "boots", must: none },
    {
      id: "card.mutations",
      value: mutated.boots,
      unit: "cards",
      aim: ">= 100000",
      note: "volume, FAT, root, manifest, images",
    },
    { id: "card.mutations.wrong", value: found(mutated), unit: "cards", must: none },
    { id: "card.cuts", value: cut, unit: "cuts", aim: ">= 10000", note: "core in Node, FRAM" },
    { id: "card.cuts.wrong", value: wrongCuts, unit: "cuts", must: none },
  ],
});
