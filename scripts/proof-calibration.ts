// `npm run proof:calibration`: random lives of calibrated apps, upgraded on trial, confirmed and rolled back, with the power
// cut anywhere, against a model; and the design faults it must catch. --json, --sequences N, --seed S, --media fram,eeprom,
// eeprom8,flash2,flash4,flash8,flash16, --skip faults, --jobs N (processes). Interrupted, it prints what was done.

import { parseArgs } from "node:util";
import { GEOMETRY } from "../host/node/nv.ts";
import {
  type CalibrationFigures,
  type CalibrationPlan,
  proveCalibration,
} from "../tests/drivers/calibration.ts";
import { CALIBRATION_FAULTS } from "../tests/drivers/calibration-faults.ts";
import { FLUSHED, type Flush, flush } from "../tests/drivers/flush.ts";
import { isFlash, MEDIA, type Medium, mediaOf } from "../tests/drivers/media.ts";
import { type Figure, report } from "./figures.ts";
import { isWorker, Jobs, jobsOf, serve } from "./jobs.ts";
import { PlantedFaults } from "./planted-faults.ts";

/** The sequences of a release. */
const RELEASE = 100_000;
/** Sequences in which a fault must show. */
const FAULT_SEQUENCES = 4000;
/** FRAM's sequences are the fastest by far; the others have the same logic on another clock. */
const shareOf = (medium: Medium) => (medium === "fram" ? 1 : 0.05);

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    sequences: { type: "string", default: String(RELEASE) },
    seed: { type: "string", default: "1" },
    media: { type: "string", default: MEDIA.join(",") },
    skip: { type: "string", default: "" },
    jobs: { type: "string", default: "1" },
  },
});
const sequences = Number(values.sequences);
const seed = Number(values.seed);
const media = mediaOf(values.media);
const processes = jobsOf(values.jobs);
if (processes === undefined || !(sequences > 0) || !Number.isInteger(seed) || media.length === 0) {
  console.error(
    `usage: npm run proof:calibration -- [--json] [--sequences N] [--seed S] [--media ${MEDIA.join(",")}] [--skip faults] [--jobs N]`,
  );
  process.exit(2);
}

/** Sequences that a process does at a time. */
const SEQUENCES_AT_ONCE = 500;

/** The processes that do the work. */
let jobs: Jobs<typeof work>;

const say = (text: string) => process.stderr.write(`\r${text.padEnd(60)}`);

const proven: { medium: Medium; found: CalibrationFigures }[] = [];

/** Seeds follow each other, whoever takes them; the first part makes the special cuts, too. */
async function proveOn(medium: Medium): Promise<void> {
  const all = media.reduce((sum, name) => sum + shareOf(name), 0);
  const wanted = Math.ceil((sequences * shareOf(medium)) / all);
  let done = 0;
  const live = async (count: number, n: number) => {
    const first = seed + n * SEQUENCES_AT_ONCE;
    const plan = { medium, seed: first, sequences: count, isSpecial: n === 0 };
    const found = await jobs.do("live", plan);
    for (const difference of found.differences) process.stderr.write(`\n${difference}\n`);
    proven.push({ medium, found });
    done += found.sequences;
    say(`${medium}: ${done} sequences`);
    return found.differences.length > 0 ? 0 : found.sequences;
  };
  await jobs.reach(wanted, live, SEQUENCES_AT_ONCE);
}
async function proveAll(): Promise<void> {
  for (const medium of media) await proveOn(medium);
}

function proofFigures(): Figure[] {
  const total = (pick: (f: CalibrationFigures) => number, name?: Medium) =>
    proven
      .filter(({ medium }) => name === undefined || medium === name)
      .reduce((n, { found }) => n + pick(found), 0);
  const sum = (pick: (f: CalibrationFigures) => number) => total(pick);
  return [
    {
      id: "sequences",
      value: sum((f) => f.sequences),
      unit: "sequences",
      must: `>= ${sequences}`,
      note: media.map((name) => `${name} ${total((f) => f.sequences, name)}`).join(", "),
    },
    { id: "operations", value: sum((f) => f.operations), unit: "operations" },
    { id: "upgrades", value: sum((f) => f.upgrades), unit: "upgrades" },
    { id: "confirmed", value: sum((f) => f.confirmed), unit: "confirmations" },
    { id: "rolled_back", value: sum((f) => f.rolledBack), unit: "roll-backs" },
    { id: "cuts", value: sum((f) => f.cuts), unit: "cuts" },
    {
      id: "differences",
      value: sum((f) => f.differences.length),
      unit: "sequences",
      must: "== 0",
      note: "values or cells that are not the model's",
    },
  ];
}

/** Of flash, with the page turn that may fall due: pages are full after some round or other. */
async function longestFlush(medium: Medium): Promise<Flush> {
  const flushes: Flush[] = [];
  for (let rounds = isFlash(medium) ? 4 : 8; rounds <= 8; rounds++)
    flushes.push(await flush(GEOMETRY[medium], { rounds }));
  return flushes.reduce((a, b) => (b.time_us > a.time_us ? b : a));
}

/** What the board's warning must leave time for, besides the core's own: that of 64 values whose cells are known. */
async function flushFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const medium of media) {
    const { time_us, programmedBytes, readBytes, erasures } = await longestFlush(medium);
    figures.push({
      id: `power_fail.${medium}`,
      value: time_us / 1000,
      unit: "ms",
      note: `${FLUSHED} values: ${programmedBytes} B programmed, ${erasures} erasures; ${readBytes} B read come on top`,
    });
  }
  return figures;
}

const faults = new PlantedFaults(CALIBRATION_FAULTS.map(({ name }) => name));

async function isCaught(name: string): Promise<boolean> {
  const fault = CALIBRATION_FAULTS.find((known) => known.name === name);
  if (fault === undefined) throw new Error(`no fault ${name}`);
  const plan = { medium: "fram", seed, isSpecial: true, fault } as const;
  const found = await proveCalibration({ ...plan, sequences: FAULT_SEQUENCES });
  return found.differences.length > 0;
}
const work = {
  live: (plan: CalibrationPlan): Promise<CalibrationFigures> => proveCalibration(plan),
  flushes: (_: null): Promise<Figure[]> => flushFigures(),
  isCaught,
};
if (isWorker()) serve(work);
else await main(processes);

async function main(count: number): Promise<void> {
  jobs = new Jobs(count);
  const figures: (() => Figure[])[] = [];
  await jobs.run(async () => {
    figures.push(proofFigures);
    await proveAll();
    const flushes = await jobs.do("flushes", null);
    figures.push(() => flushes);
    if (values.skip.split(",").includes("faults")) return;
    figures.push(() => faults.figures());
    await faults.plant(jobs, (name) => jobs.do("isCaught", name), say);
  });
  say("");
  const all = figures.flatMap((figuresOf) => figuresOf());
  report({ command: "proof:calibration", figures: [...all, ...jobs.figures()] });
}
