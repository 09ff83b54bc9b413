// `npm run proof:activation`: a node with stored images, installed, started, confirmed and rolled back, and its boot list and
// configuration changed, with the power cut before every byte; and the design faults it must catch. --json, --cuts N, --seed S, --media fram,eeprom,eeprom8,flash2,flash4,flash8,flash16, --skip
// faults, --replay medium:seed:cuts.

import { parseArgs } from "node:util";
import { type ActivationFigures, noFigures, proveActivation } from "../tests/drivers/activation.ts";
import { ACTIVATION_FAULTS, NODE_WORD_FAULTS } from "../tests/drivers/activation-faults.ts";
import { MEDIA, type Medium, mediaOf } from "../tests/drivers/media.ts";
import { proveWords, type WordsFigures } from "../tests/drivers/node-words.ts";
import { compileModule, type Fault } from "../tests/probes/compile.ts";
import { type Figure, report } from "./figures.ts";

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
  },
});
const cuts = Number(values.cuts);
const seed = Number(values.seed);
const media = mediaOf(values.media);
if (!(cuts > 0) || !Number.isInteger(seed) || media.length === 0) {
  console.error(
    `usage: npm run proof:activation -- [--json] [--cuts N] [--seed S] [--media ${MEDIA.join(",")}] [--skip faults] [--replay MEDIUM:SEED:CUTS]`,
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
    rotBits: sum.rotBits + more.rotBits,
    trialStarts: Math.max(sum.trialStarts, more.trialStarts),
    settledBytes: Math.max(sum.settledBytes, more.settledBytes),
    violations: [...sum.violations, ...more.violations],
  };
}
async function proveAll(): Promise<ActivationFigures> {
  let sum = noFigures();
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

async function wordsFigures(): Promise<Figure[]> {
  const sum = { cuts: 0, bootCuts: 0, operations: 0, rotBits: 0, trialBoots: 0, violations: 0 };
  const share = Math.ceil((cuts * WORDS_SHARE) / media.length);
  for (const medium of media) {
    for (let done = 0, n = seed; done < share && sum.violations < 10; n++) {
      const plan = { medium, seed: n, cuts: Math.min(CUTS_OF_A_LIFE, share - done) };
      const found: WordsFigures = await proveWords(plan);
      for (const violation of found.violations)
        process.stderr.write(`\n${violation}, of ${plan.cuts} cuts\n`);
      done += found.cuts;
      sum.cuts += found.cuts;
      sum.bootCuts += found.bootCuts;
      sum.operations += found.operations;
      sum.rotBits += found.rotBits;
      sum.trialBoots = Math.max(sum.trialBoots, found.trialBoots);
      sum.violations += found.violations.length;
      say(`boot list and configuration on ${medium}: ${done} cuts`);
    }
  }
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

async function isCaught(fault: Fault, prove: Prove): Promise<boolean> {
  await compileModule("node", "small", fault); // a fault that cannot be planted is not caught: it ends the proof
  for (let n = 1; n <= FAULT_CUTS / 2000; n++) {
    try {
      const plan = { medium: "fram", seed: n, cuts: 2000, isSparse: true, fault } as const;
      const found = await prove(plan);
      if (found.violations.length > 0) return true;
    } catch {
      return true; // the node does not even come up
    }
  }
  return false;
}
async function faultFigures(): Promise<Figure[]> {
  const missed: string[] = [];
  const planted: [Fault, Prove][] = [
    ...ACTIVATION_FAULTS.map((fault): [Fault, Prove] => [fault, proveActivation]),
    ...NODE_WORD_FAULTS.map((fault): [Fault, Prove] => [fault, proveWords]),
  ];
  for (const [fault, prove] of planted) {
    say(`design fault: ${fault.name}`);
    if (!(await isCaught(fault, prove))) missed.push(fault.name);
  }
  return [
    {
      id: "faults_caught",
      value: planted.length - missed.length,
      unit: "faults",
      must: `== ${planted.length}`,
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

const figures = [...(await proofFigures()), ...(await wordsFigures())];
if (!values.skip.split(",").includes("faults")) figures.push(...(await faultFigures()));
process.stderr.write("\n");
report({ command: "proof:activation", figures });
