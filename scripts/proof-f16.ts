// `npm run proof:f16`: the core's f16 against an independent oracle, on 10^8 pairs an operation.
// --pairs N and --seed N change that.

import { parseArgs } from "node:util";
import { proveF16 } from "../tests/oracle/prove-f16.ts";
import { compileProbe } from "../tests/probes/compile.ts";
import { report } from "./figures.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    pairs: { type: "string", default: "100000000" },
    seed: { type: "string", default: "1" },
  },
});

const probe = await compileProbe("vm", "desktop");
const counts = proveF16(probe, Number(values.pairs), Number(values.seed));
report({
  command: "proof:f16",
  figures: counts.flatMap(({ operation, cases, differences, first }) => [
    { id: `f16.${operation}.cases`, value: cases, unit: "cases", note: `seed ${values.seed}` },
    {
      id: `f16.${operation}.differences`,
      value: differences,
      unit: "cases",
      must: "== 0",
      note: first,
    },
  ]),
});
