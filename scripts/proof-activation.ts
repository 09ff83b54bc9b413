// `npm run proof:activation`: a node with stored images, installed, started, confirmed and rolled back, with the power cut
// before every byte; and the design faults it must catch. --json, --cuts N, --seed S, --media fram,eeprom,eeprom8, --skip
// faults, --replay medium:seed:cuts.

import { parseArgs } from "node:util";
import { NV_GEOMETRY } from "../host/node/nv.ts";
import {
  type ActivationFigures,
  type Medium,
  proveActivation,
} from "../tests/drivers/activation.ts";
import { ACTIVATION_FAULTS } from "../tests/drivers/activation-faults.ts";
import { type Figure, report } from "./figures.ts";

/** The counts of a release, of which a shorter run does its share. */
const RELEASE = { cuts: 300_000, boots: 1_000_000 };
/** Cuts of one life; then another begins with the next seed. */
const CUTS_OF_A_LIFE = 5000;
/** Cuts in which a fault must show, in lives of FRAM. */
const FAULT_CUTS = 12_000;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    cuts: { type: "string", default: String(RELEASE.cuts) },
    seed: { type: "string", default: "1" },
    media: { type: "string", default: Object.keys(NV_GEOMETRY).join(",") },
    skip: { type: "string", default: "" },
    replay: { type: "string" },
  },
});
const cuts = Number(values.cuts);
const seed = Number(values.seed);
const media = values.media.split(",").filter((name): name is Medium => name in NV_GEOMETRY);
if (!(cuts > 0) || !Number.isInteger(seed) || media.length === 0) {
  console.error(
    "usage: npm run proof:activation -- [--json] [--cuts N] [--seed S] [--media fram,eeprom,eeprom8] [--skip faults] [--replay MEDIUM:SEED:CUTS]",
  );
  process.exit(2);
}
const say = (text: string) => process.stderr.write(`\r${text.padEnd(60)}`);

function tell(medium: Medium, first: number, wanted: number, found: ActivationFigures): void {
  for (const violation of found.violations) {
    const words = `${medium}:${first}:${wanted}`;
    process.stderr.write(`\n${violation}\n  npm run proof:activation -- --replay ${words}\n`);
  }
}

function add(sum: ActivationFigures, more: ActivationFigures): ActivationFigures {
  return {
    cuts: sum.cuts + more.cuts,
    bootCuts: sum.bootCuts + more.bootCuts,
    boots: sum.boots + more.boots,
    operations: sum.operations + more.operations,
    trialStarts: Math.max(sum.trialStarts, more.trialStarts),
    settledBytes: Math.max(sum.settledBytes, more.settledBytes),
    violations: [...sum.violations, ...more.violations],
  };
}
const NOTHING: ActivationFigures = {
  cuts: 0,
  bootCuts: 0,
  boots: 0,
  operations: 0,
  trialStarts: 0,
  settledBytes: 0,
  violations: [],
};

async function proveAll(): Promise<ActivationFigures> {
  let sum = NOTHING;
  for (const medium of media) {
    const share = Math.ceil(cuts / media.length);
    for (let done = 0, n = seed; done < share && sum.violations.length < 10; n++) {
      const wanted = Math.min(CUTS_OF_A_LIFE, share - done);
      const found = await proveActivation({ medium, seed: n, cuts: wanted });
      tell(medium, n, wanted, found);
      done += found.cuts;
      sum = add(sum, found);
      say(`${medium}: ${done} cuts, ${sum.boots} boots in all`);
    }
  }
  return sum;
}

async function proofFigures(): Promise<Figure[]> {
  const found = await proveAll();
  const least = (count: number) => `>= ${Math.floor((count * cuts) / RELEASE.cuts)}` as const;
  return [
    { id: "cuts", value: found.cuts, unit: "cuts", must: least(RELEASE.cuts) },
    { id: "cuts_in_boot", value: found.bootCuts, unit: "cuts", note: "in the boot after a cut" },
    { id: "boots", value: found.boots, unit: "boots", must: least(RELEASE.boots) },
    { id: "operations", value: found.operations, unit: "operations" },
    {
      id: "bad_outcomes",
      value: found.violations.length,
      unit: "outcomes",
      must: "== 0",
      note: "an app missing, unknown or unsettled, its calibration or another app touched",
    },
    {
      id: "trial_starts",
      value: found.trialStarts,
      unit: "starts",
      must: "<= 3",
      note: "of 3 attempts",
    },
    { id: "settled_boot_bytes", value: found.settledBytes, unit: "B", must: "== 0" },
  ];
}

async function isCaught(fault: (typeof ACTIVATION_FAULTS)[number]): Promise<boolean> {
  for (let n = 1; n <= FAULT_CUTS / 2000; n++) {
    try {
      const plan = { medium: "fram", seed: n, cuts: 2000, isSparse: true, fault } as const;
      const found = await proveActivation(plan);
      if (found.violations.length > 0) return true;
    } catch {
      return true; // the node does not even come up
    }
  }
  return false;
}
async function faultFigures(): Promise<Figure[]> {
  const missed: string[] = [];
  for (const fault of ACTIVATION_FAULTS) {
    say(`design fault: ${fault.name}`);
    if (!(await isCaught(fault))) missed.push(fault.name);
  }
  return [
    {
      id: "faults_caught",
      value: ACTIVATION_FAULTS.length - missed.length,
      unit: "faults",
      must: `== ${ACTIVATION_FAULTS.length}`,
      note:
        missed.length === 0 ? "design faults planted one by one" : `missed: ${missed.join(", ")}`,
    },
  ];
}

if (values.replay !== undefined) {
  const [medium, first, wanted] = values.replay.split(":");
  const plan = { medium: medium as Medium, seed: Number(first), cuts: Number(wanted) };
  const found = await proveActivation(plan);
  tell(plan.medium, plan.seed, plan.cuts, found);
  process.stderr.write(`${JSON.stringify(found)}\n`);
  process.exit(found.violations.length > 0 ? 1 : 0);
}

const figures = await proofFigures();
if (!values.skip.split(",").includes("faults")) figures.push(...(await faultFigures()));
process.stderr.write("\n");
report({ command: "proof:activation", figures });
