// `npm run proof:power`: cuts the power of a cell store a million times, flips and jams its bits, wears it out, plants
// design faults, and counts what a node finds. Options: --json, --cuts N, --seed S, --media fram,eeprom,eeprom8,flash2,flash4,flash8,flash16,
// --replay <what a violation says>, --skip cuts,flicker,bits,images,boot,updates,wear,faults, --jobs N (processes). Interrupted, it prints what was done.

import { parseArgs } from "node:util";
import { NvDevice } from "../host/node/nv.ts";
import { isFlash, MEDIA, type Medium, mediaOf } from "../tests/drivers/media.ts";
import {
  type CutFigures,
  type CutPlan,
  noFigures,
  proveCuts,
} from "../tests/drivers/power-cuts.ts";
import { type PlantedFault, STORE_FAULTS } from "../tests/drivers/store-faults.ts";
import {
  measureBoot,
  measureFlash,
  measureUpdates,
  mountRandomImages,
  tryChangedBits,
  tryMending,
  tryStuckBits,
  wearOut,
} from "../tests/drivers/store-trials.ts";
import { compileProbe } from "../tests/probes/compile.ts";
import { type Figure, report } from "./figures.ts";
import { isWorker, Jobs, jobsOf, serve } from "./jobs.ts";
import { PlantedFaults } from "./planted-faults.ts";

/** Cuts of one history; then another begins with the next seed. */
const CUTS_OF_A_HISTORY = 10_000;
/** Power cycles in a row that end it. */
const CYCLES_OF_A_HISTORY = 2200;
/** One history in eight tries every value of every torn byte. */
const EXHAUSTIVE_EACH = 8;
/** Media share no history: FRAM and EEPROM differ in time only. */
const SEEDS_OF_A_MEDIUM = 1_000_000;
/** Cuts with flickering bits, for each ten plain ones. */
const UNSTEADY_SHARE = 0.15;
/** Small stores under pressure, and one with room. */
const SIZES = [
  { cells: 10, keys: 6 },
  { cells: 14, keys: 8 },
  { cells: 28, keys: 12 },
];
/** The counts of a release, of which a shorter run does its share. */
const RELEASE = { cuts: 1_000_000, recoveryCuts: 500_000, cycles: 200_000, images: 1_000_000 };

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    cuts: { type: "string", default: String(RELEASE.cuts) },
    seed: { type: "string", default: "1" },
    media: { type: "string", default: MEDIA.join(",") },
    replay: { type: "string" },
    skip: { type: "string", default: "" },
    jobs: { type: "string", default: "1" },
  },
});
const cuts = Number(values.cuts);
const firstSeed = Number(values.seed);
const media = mediaOf(values.media);
const skipped = values.skip.split(",");
const processes = jobsOf(values.jobs);
if (processes === undefined || !(cuts > 0) || !Number.isInteger(firstSeed) || media.length === 0) {
  console.error(
    `usage: npm run proof:power -- [--json] [--cuts N] [--seed S] [--media ${MEDIA.join(",")}] [--skip cuts,flicker,bits,images,boot,updates,wear,faults] [--jobs N] [--replay PLAN]`,
  );
  process.exit(2);
}
const share = cuts / RELEASE.cuts;

/** The processes that do the work. */
let jobs: Jobs<typeof work>;

function say(text: string): void {
  process.stderr.write(`\r${text.padEnd(70)}`);
}

// ---- Power cuts ----

function add(sum: CutFigures, more: CutFigures): CutFigures {
  return {
    cuts: sum.cuts + more.cuts,
    recoveryCuts: sum.recoveryCuts + more.recoveryCuts,
    powerCycles: sum.powerCycles + more.powerCycles,
    operations: sum.operations + more.operations,
    needlessWarnings: sum.needlessWarnings + more.needlessWarnings,
    recoveryBytes: Math.max(sum.recoveryBytes, more.recoveryBytes),
    changes: sum.changes + more.changes,
    violations: [...sum.violations, ...more.violations],
  };
}

/** What --replay takes: a plan as words. */
function planText(plan: CutPlan): string {
  const { medium, seed, cells, keys, cuts: wanted, powerCycles = 0 } = plan;
  const how = plan.isUnsteady ? "unsteady" : plan.isExhaustive ? "exhaustive" : "plain";
  return [medium, seed, cells, keys, wanted, powerCycles, how].join(":");
}
function planFrom(text: string): CutPlan {
  const [medium, seed, cells, keys, wanted, cycles, how] = text.split(":");
  return {
    medium: medium as Medium,
    seed: Number(seed),
    cells: Number(cells),
    keys: Number(keys),
    cuts: Number(wanted),
    powerCycles: Number(cycles),
    isUnsteady: how === "unsteady",
    isExhaustive: how === "exhaustive",
  };
}

function tell(plan: CutPlan, found: CutFigures): void {
  for (const violation of found.violations) {
    process.stderr.write(`\n${violation}\n  npm run proof:power -- --replay ${planText(plan)}\n`);
  }
}

/** Histories on a medium until they make `wanted` cuts together, added to `sum` one by one. */
async function prove(medium: Medium, wanted: number, isUnsteady: boolean, sum: CutFigures) {
  const history = async (left: number, n: number) => {
    if (sum.violations.length >= 10) return 0;
    const plan: CutPlan = {
      medium,
      seed: firstSeed + n + SEEDS_OF_A_MEDIUM * (media.indexOf(medium) + (isUnsteady ? 10 : 0)),
      cuts: left,
      powerCycles: isUnsteady ? 0 : CYCLES_OF_A_HISTORY,
      isExhaustive: !isUnsteady && n % EXHAUSTIVE_EACH === 0,
      isUnsteady,
      ...(SIZES[n % SIZES.length] ?? { cells: 14, keys: 8 }),
    };
    const found = await jobs.do("history", plan);
    tell(plan, found);
    Object.assign(sum, add(sum, found));
    say(`${medium}${isUnsteady ? ", flickering bits" : ""}: ${sum.cuts} cuts`);
    return found.cuts;
  };
  await jobs.reach(wanted, history, CUTS_OF_A_HISTORY);
}

/** Flash recovers without a write, so that the cuts inside recovery must come from the others. */
function weight(medium: Medium): number {
  return isFlash(medium) ? 1 : 2;
}

/** What was found so far, medium by medium. */
const plain = media.map((medium) => ({ medium, found: noFigures() }));
const unsteady = media
  .filter((medium) => !isFlash(medium))
  .map((medium) => ({ medium, found: noFigures() }));

async function proveAll(): Promise<void> {
  const weights = media.reduce((sum, medium) => sum + weight(medium), 0);
  for (const { medium, found } of plain)
    await prove(medium, Math.ceil((cuts * weight(medium)) / weights), false, found);
}
async function flicker(): Promise<void> {
  for (const { medium, found } of unsteady)
    await prove(medium, Math.ceil((cuts * UNSTEADY_SHARE) / unsteady.length), true, found);
}

function cutFigures(): Figure[] {
  const figures: Figure[] = [];
  let all = noFigures();
  for (const { medium, found } of plain) {
    all = add(all, found);
    figures.push({ id: `${medium}.cuts`, value: found.cuts, unit: "cuts" });
    figures.push({
      id: `${medium}.recovery_bytes`,
      value: found.recoveryBytes,
      unit: "B",
      must: isFlash(medium) ? "== 0" : "<= 14",
    });
  }
  const least = (count: number) => `>= ${Math.floor(count * share)}` as const;
  return [
    ...figures,
    { id: "cuts", value: all.cuts, unit: "cuts", must: least(RELEASE.cuts) },
    {
      id: "cuts_in_recovery",
      value: all.recoveryCuts,
      unit: "cuts",
      must: least(RELEASE.recoveryCuts),
    },
    {
      id: "power_cycles",
      value: all.powerCycles,
      unit: "cycles",
      must: least(RELEASE.cycles),
      note: "in a row",
    },
    { id: "operations", value: all.operations, unit: "operations" },
    {
      id: "violations",
      value: all.violations.length,
      unit: "states",
      must: "== 0",
      note: "neither old nor new, failed boot, second boot differs, next write refused",
    },
    {
      id: "needless_warnings",
      value: all.needlessWarnings,
      unit: "keys",
      note: "a key without a value was told unreadable",
    },
  ];
}

function flickerFigures(): Figure[] {
  const all = unsteady.reduce((sum, { found }) => add(sum, found), noFigures());
  const most = Math.max(1, Math.floor(all.cuts / 20_000));
  return [
    {
      id: "flicker.cuts",
      value: all.cuts,
      unit: "cuts",
      note: "torn bits read differently until rewritten",
    },
    { id: "flicker.violations", value: all.violations.length, unit: "states", must: "== 0" },
    {
      id: "flicker.changes",
      value: all.changes,
      unit: "cuts",
      must: `<= ${most}`,
      note: "one of five boots found another value: 1 in 20,000",
    },
  ];
}

// ---- Design faults ----

async function isCaught(name: string): Promise<boolean> {
  const fault = STORE_FAULTS.find((known) => known.name === name) as PlantedFault;
  const { plan } = fault;
  await compileProbe(
    "persist",
    "small",
    new NvDevice(new Uint8Array(0)).hal(() => new Uint8Array(0)) as never,
    fault,
  );
  let sum = noFigures();
  for (let seed = 1; sum.cuts < plan.cuts; seed++) {
    const part = Math.min(plan.cuts, 20_000);
    const history = {
      medium: "fram",
      seed,
      cells: 14,
      keys: 8,
      powerCycles: 500,
      ...plan,
    } as const;
    try {
      sum = add(sum, await proveCuts({ ...history, cuts: part, fault }));
    } catch {
      return true; // the store refuses or fails where it must not
    }
    if (sum.violations.length > 0 || sum.changes > 1 + sum.cuts / 20_000) return true;
  }
  return false;
}

const faults = new PlantedFaults(STORE_FAULTS.map(({ name }) => name));

// ---- All of it ----

/** What is proved besides cuts and faults, each by one worker. */
const SECTIONS = {
  bits: async () => [
    ...(await tryChangedBits()),
    ...(await tryMending()),
    ...(await tryStuckBits()),
  ],
  images: () => mountRandomImages(Math.ceil(RELEASE.images * share)),
  boot: measureBoot,
  updates: async () => [...(await measureUpdates()), ...(await measureFlash())],
  wear: wearOut,
} as const;
type Section = keyof typeof SECTIONS;

const work = {
  history: (plan: CutPlan) => proveCuts(plan),
  isCaught,
  section: (name: Section): Promise<Figure[]> => SECTIONS[name](),
};
if (isWorker()) serve(work);
else await main(processes);

async function main(count: number): Promise<void> {
  if (values.replay !== undefined) {
    const plan = planFrom(values.replay);
    const found = await proveCuts(plan);
    tell(plan, found);
    const { violations, ...counts } = found;
    process.stderr.write(`${JSON.stringify(counts)}\n`);
    process.exit(violations.length > 0 ? 1 : 0);
  }
  jobs = new Jobs(count);
  const figures = new Map<string, () => Figure[]>();
  const isWanted = (name: string) => !skipped.includes(name);
  const part = async (name: string, figuresOf: () => Figure[], prove: () => Promise<void>) => {
    if (!isWanted(name)) return;
    figures.set(name, figuresOf);
    await prove();
  };
  await jobs.run(async () => {
    await part("cuts", cutFigures, proveAll);
    await part("flicker", flickerFigures, flicker);
    const left = (Object.keys(SECTIONS) as Section[]).filter(isWanted);
    for (const name of left) figures.set(name, () => []);
    await jobs.each(left, async (name) => {
      say(name);
      const found = await jobs.do("section", name);
      figures.set(name, () => found);
    });
    await part(
      "faults",
      () => faults.figures(),
      () => faults.plant(jobs, (name) => jobs.do("isCaught", name), say),
    );
  });
  process.stderr.write("\n");
  const all = [...figures.values()].flatMap((figuresOf) => figuresOf());
  report({ command: "proof:power", figures: [...all, ...jobs.figures()] });
}
