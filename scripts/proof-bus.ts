// `npm run proof:bus`: random lives of a bus, with lost frames, power cuts, restarts and masters that vanish, against what may never
// happen. --json, --runs N of 20 nodes, --large N of 100 nodes, --seed S.

import { parseArgs } from "node:util";
import { newCounts, runBus } from "../tests/drivers/bus-runs.ts";
import { report } from "./figures.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    runs: { type: "string", default: "10000" },
    large: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
  },
});
const runs = Number(values.runs);
const large = Number(values.large);
const seed = Number(values.seed);
if (!(runs >= 0) || !(large >= 0) || !Number.isInteger(seed)) {
  process.stderr.write("usage: npm run proof:bus -- [--json] [--runs N] [--large N] [--seed S]\n");
  process.exit(2);
}
/** 8 KiB with what else lies in such an image. */
const LARGE_PADDING = 7900;

const counts = newCounts();
const say = (text: string) => process.stderr.write(`\r${text.padEnd(60)}`);
async function life(plan: Parameters<typeof runBus>[0]): Promise<void> {
  const before = counts.faults.length;
  await runBus(plan, counts);
  for (const fault of counts.faults.slice(before)) process.stderr.write(`\n${fault}\n`);
  say(`${counts.runs} lives, ${counts.faults.length} faults`);
}
for (let n = 0; n < runs; n++) await life({ seed: seed + n, nodes: 20 + (n % 5) });
for (let n = 0; n < large; n++)
  await life({ seed: seed + runs + n, nodes: 100, padding: LARGE_PADDING });
say("");
report({
  command: "proof:bus",
  figures: [
    { id: "lives", value: counts.runs, unit: "lives", must: `>= ${runs + large}` },
    { id: "cuts", value: counts.cuts, unit: "power cuts" },
    { id: "masters", value: counts.lostMasters, unit: "masters", note: "that vanished in a load" },
    { id: "loaded", value: counts.loaded, unit: "nodes", note: "with the next version" },
    {
      id: "faults",
      value: counts.faults.length,
      unit: "faults",
      must: "== 0",
      note: "unreported outcomes, lost calibration, nodes without a running app, leaks",
    },
  ],
});
