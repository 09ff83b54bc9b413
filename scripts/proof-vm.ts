// `npm run proof:vm`: 100,000 random programs on the core's MiniVM against a second interpreter, and 10^9 steps during
// which nothing but the task's own memory may change. --programs N, --steps N and --seed N change that;
// a failure names its seed: `npm run proof:vm -- --programs 1 --steps 0 --seed <that seed>` repeats it.

import { parseArgs } from "node:util";
import { Stop } from "../assembly/spec/node.ts";
import { type Comparison, compareRun, machines, Watch } from "../tests/oracle/prove-vm.ts";
import { type Figure, report } from "./figures.ts";

/** Most instructions of a program that is compared, and of one that is watched. */
const COMPARE_LIMIT = 4000;
const WATCH_LIMIT = 65_535;
/** A program of that many steps is a long one. */
const LONG = 1000;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    programs: { type: "string", default: "100000" },
    steps: { type: "string", default: "1000000000" },
    seed: { type: "string", default: "1" },
  },
});
const firstSeed = Number(values.seed);
const built = await machines();

/** Every third program runs through a code window. */
const isWindowed = (seed: number) => seed % 3 === 0;

/** What many runs came to. */
class Tally {
  programs = 0;
  steps = 0;
  long = 0;
  failures = 0;
  readonly stops = new Map<Stop, number>();

  add(seed: number, { steps, stop, difference }: Comparison): void {
    this.programs++;
    this.steps += steps;
    if (steps >= LONG) this.long++;
    this.stops.set(stop, (this.stops.get(stop) ?? 0) + 1);
    if (difference === undefined) return;
    this.failures++;
    process.stderr.write(`seed ${seed}: ${difference}\n`);
  }

  get ends(): string {
    return Array.from(this.stops, ([stop, count]) => `${Stop[stop]} ${count}`).join(", ");
  }
}

function compare(): Tally {
  const tally = new Tally();
  for (let seed = firstSeed; tally.programs < Number(values.programs); seed++) {
    tally.add(
      seed,
      compareRun(built[seed % 2 === 0 ? 0 : 1], seed, COMPARE_LIMIT, isWindowed(seed)),
    );
  }
  return tally;
}

function watch(): Tally {
  const tally = new Tally();
  const [even, odd] = built.map((machine) => new Watch(machine));
  if (even === undefined || odd === undefined) throw new Error("proof-vm: two machines are needed");
  for (let seed = firstSeed; tally.steps < Number(values.steps); seed++) {
    tally.add(seed, (seed % 2 === 0 ? even : odd).run(seed, WATCH_LIMIT));
  }
  return tally;
}

function figures(id: string, tally: Tally): Figure[] {
  return [
    { id: `vm.${id}.programs`, value: tally.programs, unit: "programs", note: tally.ends },
    { id: `vm.${id}.long`, value: tally.long, unit: "programs", note: `${LONG} steps and more` },
    { id: `vm.${id}.steps`, value: tally.steps, unit: "instructions" },
    { id: `vm.${id}.failures`, value: tally.failures, unit: "programs", must: "== 0" },
  ];
}

report({
  command: "proof:vm",
  figures: [...figures("compared", compare()), ...figures("watched", watch())],
});
