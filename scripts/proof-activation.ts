// `npm run proof:activation`: a node with stored images, installed, started, confirmed and rolled back, and its boot list and
// configuration changed, with the power cut before every byte; and the design faults it must catch. --json, --cuts N, --seed S, --media fram,eeprom,eeprom8,flash2,flash4,flash8,flash16, --skip
// faults, --replay medium:seed:cuts, --jobs N (processes). Interrupted, it prints what was done.

import { parseArgs } from "node:util";
import {
  type ActivationFigures,
  type ActivationPlan,
  noFigures,
  proveActivation,
} from "../tests/drivers/activation.ts";
import { ACTIVATION_FAULTS, NODE_WORD_FAULTS } from "../tests/drivers/activation-faults.ts";
import { MEDIA, type Medium, mediaOf } from "../tests/drivers/media.ts";
import { proveWords, type WordsFigures, type WordsPlan } from "../tests/drivers/node-words.ts";
import { compileModule, type Fault } from "../tests/probes/compile.ts";
import { type Figure, report } from "./figures.ts";
import { isWorker, Jobs, jobsOf, serve } from "./jobs.ts";
import { PlantedFaults } from "./planted-faults.ts";

/** The counts of a release, of which a shorter run does its share. */
const RELEASE = { cuts: 300_000, boots: 1_000_000 };
/** Cuts in changes of boot list and configuration, as a share of all others. */
const WORDS_SHARE = 1 / 3;
/** Cuts of one life; then another begins with the next seed. */
const CUTS_OF_A_LIFE = 5000;
/** Cuts in which a fault must show, in lives of FRAM. */
const FAULT_CUTS = 12_000;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    cuts: { type: "string", default: String(RELEASE.cuts) },
    seed: { type: "string", default: "1" },
    media: { type: "string", default: MEDIA.join(",") },
    skip: { type: "string", default: "" },
    replay: { type: "string" },
    jobs: { type: "string", default: "1" },
  },
});
const cuts = Number(values.cuts);
const seed = Number(values.seed);
const media = mediaOf(values.media);
const processes = jobsOf(values.jobs);
if (processes === undefined || !(cuts > 0) || !Number.isInteger(seed) || media.length === 0) {
  console.error(
    `usage: npm run proof:activation -- [--json] [--cuts N] [--seed S] [--media ${MEDIA.join(",")}] [--skip faults] [--jobs N] [--replay MEDIUM:SEED:CUTS]`,
  );
  process.exit(2);
}
/** The processes that do the work. */
let jobs: Jobs<typeof work>;

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
    rotBits: sum.rotBits + more.rotBits,
    trialStarts: Math.max(sum.trialStarts, more.trialStarts),
    settledBytes: Math.max(sum.settledBytes, more.settledBytes),
    violations: [...sum.violations, ...more.violations],
  };
}

/** What was found so far. */
let lived = noFigures();

async function proveAll(): Promise<void> {
  for (const medium of media) {
    const live = async (wanted: number, n: number) => {
      if (lived.violations.length >= 10) return 0;
      const plan = { medium, seed: seed + n, cuts: wanted };
      const found = await jobs.do("live", plan);
      tell(medium, plan.seed, wanted, found);
      lived = add(lived, found);
      say(`${medium}: ${lived.cuts} cuts, ${lived.boots} boots in all`);
      return found.cuts;
    };
    await jobs.reach(Math.ceil(cuts / media.length), live, CUTS_OF_A_LIFE);
  }
}

function proofFigures(): Figure[] {
  const found = lived;
  const least = (count: number) => `>= ${Math.floor((count * cuts) / RELEASE.cuts)}` as const;
  return [
    { id: "cuts", value: found.cuts, unit: "cuts", must: least(RELEASE.cuts) },
    { id: "cuts_in_boot", value: found.bootCuts, unit: "cuts", note: "in the boot after a cut" },
    { id: "boots", value: found.boots, unit: "boots", must: least(RELEASE.boots) },
    { id: "operations", value: found.operations, unit: "operations" },
    {
      id: "rot_bits",
      value: found.rotBits,
      unit: "bits",
      note: "of records, changed one at a time: all must be survived",
    },
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

const sum = { cuts: 0, bootCuts: 0, operations: 0, rotBits: 0, trialBoots: 0, violations: 0 };

async function changeWords(): Promise<void> {
  for (const medium of media) {
    const change = async (wanted: number, n: number) => {
      if (sum.violations >= 10) return 0;
      const plan = { medium, seed: seed + n, cuts: wanted };
      const found = await jobs.do("words", plan);
      for (const violation of found.violations)
        process.stderr.write(`\n${violation}, of ${plan.cuts} cuts\n`);
      sum.cuts += found.cuts;
      sum.bootCuts += found.bootCuts;
      sum.operations += found.operations;
      sum.rotBits += found.rotBits;
      sum.trialBoots = Math.max(sum.trialBoots, found.trialBoots);
      sum.violations += found.violations.length;
      say(`boot list and configuration on ${medium}: ${sum.cuts} cuts in all`);
      return found.cuts;
    };
    await jobs.reach(Math.ceil((cuts * WORDS_SHARE) / media.length), change, CUTS_OF_A_LIFE);
  }
}

function wordsFigures(): Figure[] {
  return [
    {
      id: "words_cuts",
      value: sum.cuts,
      unit: "cuts",
      must: `>= ${Math.floor(cuts * WORDS_SHARE)}`,
      note: "in changes of boot list and configuration",
    },
    { id: "words_cuts_in_boot", value: sum.bootCuts, unit: "cuts" },
    { id: "words_operations", value: sum.operations, unit: "operations" },
    {
      id: "words_rot_bits",
      value: sum.rotBits,
      unit: "bits",
      note: "of boot list and configuration, changed one at a time",
    },
    {
      id: "words_bad_outcomes",
      value: sum.violations,
      unit: "outcomes",
      must: "== 0",
      note: "neither the old nor the new words, unsettled, or the next change refused",
    },
    {
      id: "words_trial_starts",
      value: sum.trialBoots,
      unit: "starts",
      must: "<= 1",
      note: "with a configuration nobody confirmed",
    },
  ];
}

type Prove = typeof proveActivation | typeof proveWords;
const PLANTED: readonly [Fault, Prove][] = [
  ...ACTIVATION_FAULTS.map((fault): [Fault, Prove] => [fault, proveActivation]),
  ...NODE_WORD_FAULTS.map((fault): [Fault, Prove] => [fault, proveWords]),
];

/** Whether a proof finds the fault of a name. */
async function isCaught(name: string): Promise<boolean> {
  const [fault, prove] = PLANTED.find(([known]) => known.name === name) as [Fault, Prove];
  await compileModule("node", "small", fault); // a fault that cannot be planted is not caught: it ends the proof
  for (let first = 1; first <= FAULT_CUTS / 2000; first++) {
    try {
      const plan = { medium: "fram", seed: first, cuts: 2000, isSparse: true, fault } as const;
      const found = await prove(plan);
      if (found.violations.length > 0) return true;
    } catch {
      return true; // the node does not even come up
    }
  }
  return false;
}

const faults = new PlantedFaults(PLANTED.map(([{ name }]) => name));

const work = {
  live: (plan: ActivationPlan): Promise<ActivationFigures> => proveActivation(plan),
  words: (plan: WordsPlan): Promise<WordsFigures> => proveWords(plan),
  isCaught,
};
if (isWorker()) serve(work);
else await main(processes);

async function main(count: number): Promise<void> {
  if (values.replay !== undefined) {
    const [medium, first, wanted] = values.replay.split(":");
    const plan = { medium: medium as Medium, seed: Number(first), cuts: Number(wanted) };
    const found = await proveActivation(plan);
    tell(plan.medium, plan.seed, plan.cuts, found);
    process.stderr.write(`${JSON.stringify(found)}\n`);
    process.exit(found.violations.length > 0 ? 1 : 0);
  }
  jobs = new Jobs(count);
  const figures: (() => Figure[])[] = [];
  const part = async (figuresOf: () => Figure[], prove: () => Promise<void>) => {
    figures.push(figuresOf);
    await prove();
  };
  await jobs.run(async () => {
    await part(proofFigures, proveAll);
    await part(wordsFigures, changeWords);
    if (!values.skip.split(",").includes("faults"))
      await part(
        () => faults.figures(),
        () => faults.plant(jobs, (name) => jobs.do("isCaught", name), say),
      );
  });
  process.stderr.write("\n");
  const all = figures.flatMap((figuresOf) => figuresOf());
  report({ command: "proof:activation", figures: [...all, ...jobs.figures()] });
}
