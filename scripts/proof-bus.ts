// `npm run proof:bus`: random lives of a bus, with lost frames, power cuts, restarts and masters that vanish, against what may never
// happen. --json, --runs N of 20 nodes, --large N of 100 nodes, --seed S, --jobs N (processes). Interrupted, it tells what was done.

import { parseArgs } from "node:util";
import {
  type BusRunCounts,
  type BusRunPlan,
  newCounts,
  runBus,
} from "../tests/drivers/bus-runs.ts";
import { report } from "./figures.ts";
import { isWorker, Jobs, jobsOf, Lost, serve } from "./jobs.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    runs: { type: "string", default: "10000" },
    large: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
  },
});
const runs = Number(values.runs);
const large = Number(values.large);
const seed = Number(values.seed);
const processes = jobsOf(values.jobs);
if (processes === undefined || !(runs >= 0) || !(large >= 0) || !Number.isInteger(seed)) {
  process.stderr.write(
    "usage: npm run proof:bus -- [--json] [--runs N] [--large N] [--seed S] [--jobs N]\n",
  );
  process.exit(2);
}
/** 8 KiB with what else lies in such an image. */
const LARGE_PADDING = 7900;
/** One life in so many has an image of 8 KiB. */
const LONG_EACH = 16;
/** A life takes a fraction of a second, one of 100 nodes some seconds, and the first of a process more. */
const PATIENCE_S = 300;

async function live(plan: BusRunPlan): Promise<BusRunCounts> {
  const counts = newCounts();
  try {
    await runBus(plan, counts);
  } catch (error) {
    counts.faults.push(`seed ${plan.seed}: ${error}`);
  }
  return counts;
}

function* lives(): Generator<BusRunPlan> {
  for (let n = 0; n < runs; n++) {
    const isLong = n % LONG_EACH === LONG_EACH - 1;
    yield { seed: seed + n, nodes: 20 + (n % 5), ...(isLong && { padding: LARGE_PADDING }) };
  }
  for (let n = 0; n < large; n++)
    yield { seed: seed + runs + n, nodes: 100, padding: LARGE_PADDING };
}

const work = { live };
if (isWorker()) serve(work);
else await main(processes);

async function main(count: number): Promise<void> {
  const sum = newCounts();
  const done = { small: 0, large: 0 };
  const tell = (fault: string) => {
    sum.faults.push(fault);
    process.stderr.write(`\n${fault}\n`);
  };
  const note = ({ nodes }: BusRunPlan, counts: BusRunCounts) => {
    done[nodes === 100 ? "large" : "small"] += counts.runs;
    sum.cuts += counts.cuts;
    sum.lostMasters += counts.lostMasters;
    sum.loaded += counts.loaded;
    counts.faults.forEach(tell);
    const text = `${done.small} and ${done.large} lives, ${sum.faults.length} faults`;
    process.stderr.write(`\r${text.padEnd(60)}`);
  };
  const jobs = new Jobs<typeof work>(count);
  await jobs.run(() =>
    jobs.each(lives(), async (plan) => {
      try {
        note(plan, await jobs.do("live", plan, PATIENCE_S));
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        tell(`seed ${plan.seed}: ${error.message}`);
      }
    }),
  );
  process.stderr.write("\n");
  report({
    command: "proof:bus",
    figures: [
      { id: "lives", value: done.small, unit: "lives", must: `>= ${runs}`, note: "20 to 24 nodes" },
      { id: "lives.100", value: done.large, unit: "lives", must: `>= ${large}`, note: "100 nodes" },
      { id: "cuts", value: sum.cuts, unit: "power cuts" },
      { id: "masters", value: sum.lostMasters, unit: "masters", note: "that vanished in a load" },
      { id: "loaded", value: sum.loaded, unit: "nodes", note: "with the next version" },
      {
        id: "faults",
        value: sum.faults.length,
        unit: "faults",
        must: "== 0",
        note: "unreported outcomes, lost calibration, nodes without a running app or that take no other, leaks",
      },
      ...jobs.figures(),
    ],
  });
}
