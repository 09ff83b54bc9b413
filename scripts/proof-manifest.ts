// `npm run proof:manifest`: manifests as text, in binary form and on cards, spoiled by chance: whoever reads them on the host never crashes
// and never takes one that is damaged. --json, --runs N, --seed S.

import { parseArgs } from "node:util";
import { type FuzzFigures, fuzzBinary, fuzzCard, fuzzText } from "../tests/drivers/plant-fuzz.ts";
import { type Figure, report } from "./figures.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    runs: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
if (!(runs > 0) || !Number.isInteger(seed)) {
  console.error("usage: npm run proof:manifest -- [--json] [--runs N] [--seed S]");
  process.exit(2);
}

function figuresOf(id: string, { runs, taken, violations }: FuzzFigures): Figure[] {
  for (const violation of violations) process.stderr.write(`${id}: ${violation}\n`);
  return [
    { id: `${id}.runs`, value: runs, unit: "files", note: `${taken} of them taken` },
    { id: `${id}.wrong`, value: violations.length, unit: "files", must: "== 0" },
  ];
}

report({
  command: "proof:manifest",
  figures: [
    ...figuresOf("manifest.text", fuzzText(Math.ceil(runs / 10), seed)), // each parses some hundred lines
    ...figuresOf("manifest.binary", fuzzBinary(runs, seed)),
    ...figuresOf("manifest.card", fuzzCard(runs, seed)),
  ],
});
