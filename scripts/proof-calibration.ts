// `npm run proof:calibration`: random lives of calibrated apps, upgraded on trial, confirmed and rolled back, with the power
// cut anywhere, against a model; and the design faults it must catch. --json, --sequences N, --seed S, --media fram,eeprom,
// eeprom8,flash2,flash4,flash8,flash16, --skip faults.

import { parseArgs } from "node:util";
import { GEOMETRY } from "../host/node/nv.ts";
import { type CalibrationFigures, proveCalibration } from "../tests/drivers/calibration.ts";
import { CALIBRATION_FAULTS } from "../tests/drivers/calibration-faults.ts";
import { FLUSHED, type Flush, flush } from "../tests/drivers/flush.ts";
import { isFlash, MEDIA, type Medium, mediaOf } from "../tests/drivers/media.ts";
import { type Figure, report } from "./figures.ts";

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
  },
});
const sequences = Number(values.sequences);
const seed = Number(values.seed);
const media = mediaOf(values.media);
if (!(sequences > 0) || !Number.isInteger(seed) || media.length === 0) {
  console.error(
    `usage: npm run proof:calibration -- [--json] [--sequences N] [--seed S] [--media ${MEDIA.join(",")}] [--skip faults]`,
  );
  process.exit(2);
}

const say = (text: string) => process.stderr.write(`\r${text.padEnd(60)}`);

async function provenOn(medium: Medium): Promise<CalibrationFigures> {
  const all = media.reduce((sum, name) => sum + shareOf(name), 0);
  const count = Math.ceil((sequences * shareOf(medium)) / all);
  const found = await proveCalibration({ medium, seed, sequences: count, isSpecial: true }, (n) =>
    say(`${medium}: ${n} sequences`),
  );
  for (const difference of found.differences) process.stderr.write(`\n${difference}\n`);
  return found;
}

async function proofFigures(): Promise<Figure[]> {
  const found: CalibrationFigures[] = [];
  for (const medium of media) found.push(await provenOn(medium));
  const sum = (pick: (f: CalibrationFigures) => number) => found.reduce((n, f) => n + pick(f), 0);
  return [
    {
      id: "sequences",
      value: sum((f) => f.sequences),
      unit: "sequences",
      must: `>= ${sequences}`,
      note: media.map((name, n) => `${name} ${found[n]?.sequences}`).join(", "),
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

async function faultFigures(): Promise<Figure[]> {
  const missed: string[] = [];
  for (const fault of CALIBRATION_FAULTS) {
    say(`fault ${fault.name}`);
    const plan = { medium: "fram", seed, isSpecial: true, fault } as const;
    const found = await proveCalibration({ ...plan, sequences: FAULT_SEQUENCES });
    if (found.differences.length === 0) missed.push(fault.name);
  }
  const planted = CALIBRATION_FAULTS.length;
  return [
    {
      id: "faults.caught",
      value: planted - missed.length,
      unit: "faults",
      must: `== ${planted}`,
      note: missed.length === 0 ? "all that were planted" : `missed: ${missed.join(", ")}`,
    },
  ];
}

const figures = [...(await proofFigures()), ...(await flushFigures())];
if (!values.skip.split(",").includes("faults")) figures.push(...(await faultFigures()));
say("");
report({ command: "proof:calibration", figures });
