// `npm run proof:store`: cuts the power of a cell store a million times and counts what a node finds.
// Options: --json, --cuts N, --seed S, --media fram,eeprom,eeprom8.

import { parseArgs } from "node:util";
import { NV_GEOMETRY } from "../host/node/nv.ts";
import {
  type CutFigures,
  type CutPlan,
  type Medium,
  proveCuts,
} from "../tests/drivers/power-cuts.ts";
import { type Figure, report } from "./figures.ts";

/** Cuts of one history; then another begins with the next seed. */
const CUTS_OF_A_HISTORY = 10_000;
/** Power cycles in a row that end it. */
const CYCLES_OF_A_HISTORY = 2000;
/** One history in eight tries every value of every torn byte. */
const EXHAUSTIVE_EACH = 8;
/** Media share no history: FRAM and EEPROM differ in time only. */
const SEEDS_OF_A_MEDIUM = 1_000_000;
/** Small stores under pressure, and one with room. */
const SIZES = [
  { cells: 10, keys: 6 },
  { cells: 14, keys: 8 },
  { cells: 28, keys: 12 },
];

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    cuts: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    media: { type: "string", default: Object.keys(NV_GEOMETRY).join(",") },
  },
});
const cuts = Number(values.cuts);
const media = values.media.split(",").filter((name): name is Medium => name in NV_GEOMETRY);
if (!(cuts > 0) || media.length === 0) {
  console.error(
    "usage: npm run proof:store -- [--json] [--cuts N] [--seed S] [--media fram,eeprom,eeprom8]",
  );
  process.exit(2);
}

function planOf(n: number, medium: Medium, left: number): CutPlan {
  return {
    medium,
    seed: Number(values.seed) + n + SEEDS_OF_A_MEDIUM * media.indexOf(medium),
    cuts: Math.min(left, CUTS_OF_A_HISTORY),
    powerCycles: CYCLES_OF_A_HISTORY,
    isExhaustive: n % EXHAUSTIVE_EACH === 0,
    ...(SIZES[n % SIZES.length] ?? { cells: 14, keys: 8 }),
  };
}

async function prove(medium: Medium, wanted: number): Promise<CutFigures> {
  const sum = {
    cuts: 0,
    recoveryCuts: 0,
    powerCycles: 0,
    operations: 0,
    needlessWarnings: 0,
    recoveryBytes: 0,
  };
  const violations: string[] = [];
  for (let n = 0; sum.cuts < wanted && violations.length < 10; n++) {
    const figures = await proveCuts(planOf(n, medium, wanted - sum.cuts));
    sum.cuts += figures.cuts;
    sum.recoveryCuts += figures.recoveryCuts;
    sum.powerCycles += figures.powerCycles;
    sum.operations += figures.operations;
    sum.needlessWarnings += figures.needlessWarnings;
    sum.recoveryBytes = Math.max(sum.recoveryBytes, figures.recoveryBytes);
    violations.push(...figures.violations);
    process.stderr.write(`\r${medium}: ${sum.cuts} cuts `);
  }
  process.stderr.write("\n");
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  return { ...sum, violations };
}

function figuresOf(medium: Medium, wanted: number, found: CutFigures): Figure[] {
  const { violations, ...counts } = found;
  const id = (name: string) => `store.${medium}.${name}`;
  return [
    { id: id("cuts"), value: counts.cuts, unit: "cuts", must: `>= ${wanted}` },
    { id: id("recovery_cuts"), value: counts.recoveryCuts, unit: "cuts" },
    { id: id("power_cycles"), value: counts.powerCycles, unit: "cuts", note: "in a row" },
    { id: id("operations"), value: counts.operations, unit: "operations" },
    {
      id: id("violations"),
      value: violations.length,
      unit: "states",
      must: "== 0",
      note: "neither old nor new, second boot differs, next write refused",
    },
    {
      id: id("needless_warnings"),
      value: counts.needlessWarnings,
      unit: "keys",
      note: "a key without a value was told unreadable",
    },
    { id: id("recovery_bytes"), value: counts.recoveryBytes, unit: "B", aim: "<= 14" },
  ];
}

const figures: Figure[] = [];
for (const medium of media) {
  const wanted = Math.ceil(cuts / media.length);
  figures.push(...figuresOf(medium, wanted, await prove(medium, wanted)));
}
report({ command: "proof:store", figures });
