// `npm run proof:aot`: random WASM modules translated to C do what they do in V8: compiled for this machine, with all types, with traps
// and with addresses of 16 bits, and on the simulated AVR and Cortex-M0 with the firmware's options. --seeds N and --seed N change
// how many and which; a failure names its seed.

import { parseArgs } from "node:util";
import { CHIP_SHAPE, CHIPS, onChip } from "../tests/drivers/aot-chips.ts";
import { compare, inC, type Maker, PLAIN } from "../tests/oracle/aot-compare.ts";
import type { ModuleShape } from "../tests/oracle/random-module.ts";
import { hasAvrTools } from "./avr-build.ts";
import { type Figure, report } from "./figures.ts";
import { hasArmTools } from "./stm32-build.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    seeds: { type: "string", default: "25" },
    seed: { type: "string", default: "1" },
  },
});

interface Side {
  readonly make: Maker;
  readonly shape: ModuleShape;
  readonly note: string;
  readonly isThere?: () => boolean;
}

const FULL: ModuleShape = { ...PLAIN, isWild: true, hasLong: true, hasFloat: true };
const SIDES: Readonly<Record<string, Side>> = {
  host: { make: inC({}), shape: FULL, note: "all types, accesses beyond memory" },
  "host.short": { make: inC({ target: "avr" }), shape: PLAIN, note: "addresses of 16 bits" },
  ...Object.fromEntries(
    Object.entries(CHIPS).map(([name, chip]) => [
      name,
      {
        make: onChip(chip),
        shape: CHIP_SHAPE,
        note: "on the simulated chip",
        isThere: name === "avr" ? hasAvrTools : hasArmTools,
      },
    ]),
  ),
};

async function figuresOf(name: string, { make, shape, note }: Side): Promise<Figure[]> {
  const all = { calls: 0, traps: 0, failures: 0 };
  for (let n = 0; n < Number(values.seeds); n++) {
    const { calls, traps, difference } = await compare(Number(values.seed) + n, shape, make);
    all.calls += calls;
    all.traps += traps;
    if (difference === undefined) continue;
    all.failures++;
    process.stderr.write(`${name}: ${difference}\n`);
  }
  return [
    {
      id: `aot.${name}.calls`,
      value: all.calls,
      unit: "calls",
      note: `${all.traps} trap; ${note}`,
    },
    { id: `aot.${name}.failures`, value: all.failures, unit: "modules", must: "== 0" },
  ];
}

const figures: Figure[] = [];
for (const [name, side] of Object.entries(SIDES)) {
  if (side.isThere?.() ?? true) figures.push(...(await figuresOf(name, side)));
}
report({ command: "proof:aot", figures });
