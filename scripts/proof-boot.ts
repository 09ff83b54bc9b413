// `npm run proof:boot`: nodes that come up. A card that ends at any block, is pulled out at any access, or holds anything, and power
// that fails while it is applied; the binaries of the AVR and the STM32F072, whose power fails at random cycles while they come up from
// a card or under a master; and every node of the example plants, which is the same from every source on every chip.
// --json, --rows card,chips,plants, --mutations N, --cuts N (of each kind), --seed S, --jobs N.

import { parseArgs } from "node:util";
import {
  type CardFigures,
  proveCardCuts,
  proveMutations,
  provePulls,
  proveTruncations,
} from "../tests/drivers/card-proof.ts";
import { type Figure, report } from "./figures.ts";
import { buildChips } from "./firmware/chips.ts";
import { isWorker, Jobs, jobsOf, serve } from "./jobs.ts";
import { bootCutWork, proveBootCuts } from "./proof/boot-cuts.ts";
import { plantWork, provePlants } from "./proof/plant-sources.ts";

/** Boots that a life of cuts has; then another device begins with the next seed. */
const CUTS_OF_A_LIFE = 2000;

const ROWS = ["card", "chips", "plants"];

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    rows: { type: "string", default: ROWS.join(",") },
    mutations: { type: "string", default: "100000" },
    cuts: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
  },
});
const mutations = Number(values.mutations);
const cuts = Number(values.cuts);
const seed = Number(values.seed);
const rows = values.rows.split(",");
const processes = jobsOf(values.jobs);

/** Tells of violations and returns how many there are. */
function found(figures: CardFigures): number {
  for (const violation of figures.violations) process.stderr.write(`${violation}\n`);
  return figures.violations.length;
}

async function cardFigures(): Promise<Figure[]> {
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
  return [
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
  ];
}

/** What needs boards, in several processes. */
async function boardFigures(count: number): Promise<Figure[]> {
  await buildChips();
  const jobs = new Jobs<typeof work>(count);
  const figures: Figure[] = [];
  await jobs.run(async () => {
    if (rows.includes("plants")) await provePlants(jobs, figures);
    if (rows.includes("chips")) await proveBootCuts(jobs, { cuts, seed }, figures);
  });
  return [...figures, ...jobs.figures()];
}

const work = { ...bootCutWork, ...plantWork };
if (isWorker()) serve(work);
else if (
  processes === undefined ||
  !(mutations > 0) ||
  !(cuts > 0) ||
  !Number.isInteger(seed) ||
  rows.some((row) => !ROWS.includes(row))
) {
  const usage = `[--json] [--rows ${ROWS.join(",")}] [--mutations N] [--cuts N] [--seed S] [--jobs N]`;
  console.error(`usage: npm run proof:boot -- ${usage}`);
  process.exit(2);
} else {
  const figures = rows.includes("card") ? await cardFigures() : [];
  if (rows.some((row) => row !== "card")) figures.push(...(await boardFigures(processes)));
  report({ command: "proof:boot", figures });
}
