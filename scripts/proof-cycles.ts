// Proves that apps leave no trace: 10,000 random acts of loading, running, calling, replacing and killing on each profile.
// `--count n` sets another number of acts, `--seed n` another seed.

import { parseArgs } from "node:util";
import { Cycles } from "../tests/drivers/cycles.ts";
import { Random } from "../tests/oracle/random.ts";
import type { ProfileName } from "../tests/probes/compile.ts";
import { PROFILES } from "./core.ts";
import { type Figure, report } from "./figures.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    count: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);
/** Acts until all apps are removed and the memory is compared. */
const ACTS = 100;

async function prove(profile: ProfileName): Promise<Figure> {
  const cycles = await Cycles.start(profile, new Random(seed));
  while (cycles.cycles < count) {
    try {
      cycles.run(ACTS);
    } catch (error) {
      throw new Error(`seed ${seed}, ${profile}, act ${cycles.cycles}`, { cause: error });
    }
  }
  const refused = [...cycles.refusals.values()].reduce((sum, n) => sum + n, 0);
  return {
    id: `cycles.${profile}`,
    value: cycles.cycles,
    unit: "acts",
    must: `>= ${count}`,
    note: `${refused} of them refused; memory identical after every ${ACTS}`,
  };
}

const figures: Figure[] = [];
for (const { name } of PROFILES) figures.push(await prove(name));
report({ command: "proof:cycles", figures });
