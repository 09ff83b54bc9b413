// `npm run proof:aot`: random WASM modules translated to C do what they do in V8: compiled for this machine, with all types, with traps
// and with addresses of 16 bits, and on the simulated AVR and Cortex-M0 with the firmware's options. --seeds N and --seed N change
// how many and which; a failure names its seed.

import { parseArgs } from "node:util";
import { type Agreement, compare, inC, type Maker, PLAIN } from "../tests/drivers/aot-compare.ts";
import type { ModuleShape } from "../tests/oracle/random-module.ts";
import { CHIP_SHAPE, CHIPS, onChip } from "./aot-chips.ts";
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

/** What a seed came to; a program that cannot even be built is a difference, too. */
async function tried(seed: number, { shape, make }: Side): Promise<Agreement> {
  try {
    return await compare(seed, shape, make);
  } catch (error) {
    return { calls: 0, traps: 0, difference: `seed ${seed}: ${(error as Error).message}` };
  }
}

async function figuresOf(name: string, side: Side): Promise<Figure[]> {
  const all = { calls: 0, traps: 0, failures: 0 };
  for (let n = 0; n < Number(values.seeds); n++) {
    const { calls, traps, difference } = await tried(Number(values.seed) + n, side);
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
      note: `${all.traps} trap; ${side.note}`,
    },
    { id: `aot.${name}.failures`, value: all.failures, unit: "modules", must: "== 0" },
  ];
}

const figures: Figure[] = [];
for (const [name, side] of Object.entries(SIDES)) {
  if (side.isThere?.() ?? true) figures.push(...(await figuresOf(name, side)));
}
report({ command: "proof:aot", figures });
