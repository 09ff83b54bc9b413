// `npm run proof:hostile`: random, replayed and out-of-order frames and loads of malformed images, against a core and the binary of
// the AVR; and the design faults it must catch. --json, --frames N (of the core), --avr N (of the AVR), --seed S, --jobs N, --skip faults,
// --replay core:SEED:STEP or avr:SEED:STEP, as a fault says.

import { parseArgs } from "node:util";
import { readFirmware } from "../tests/drivers/avr.ts";
import {
  coreVictim,
  type HostileCounts,
  newHostileCounts,
  runHostile,
  victimMedia,
} from "../tests/drivers/hostile.ts";
import { avrVictim } from "../tests/drivers/hostile-avr.ts";
import { HOSTILE_FAULTS } from "../tests/drivers/hostile-faults.ts";
import { compileModule } from "../tests/probes/compile.ts";
import { type Figure, report } from "./figures.ts";
import { isWorker, Jobs, jobsOf, Lost, serve } from "./jobs.ts";
import { buildMachine } from "./machines.ts";
import { PlantedFaults } from "./planted-faults.ts";
import { fromRoot } from "./root.ts";

/** Frames of one node, of either kind; then another begins with the next seed. */
const FRAMES_OF_A_NODE = { core: 50_000, avr: 10_000 };
/** Frames in which a planted fault must show. */
const FAULT_FRAMES = 50_000;
/** A piece of a sound node takes seconds. */
const PATIENCE_S = { core: 60, avr: 600, fault: 20 };

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    frames: { type: "string", default: "10000000" },
    avr: { type: "string", default: "500000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
    skip: { type: "string", default: "" },
    replay: { type: "string" },
  },
});
const wanted = { core: Number(values.frames), avr: Number(values.avr) };
const seed = Number(values.seed);
const processes = jobsOf(values.jobs);
if (
  processes === undefined ||
  !(wanted.core >= 0) ||
  !(wanted.avr >= 0) ||
  !Number.isInteger(seed)
) {
  process.stderr.write(
    "usage: npm run proof:hostile -- [--json] [--frames N] [--avr N] [--seed S] [--jobs N] [--skip faults] [--replay core:SEED:STEP]\n",
  );
  process.exit(2);
}

type Kind = "core" | "avr";
interface Piece {
  readonly kind: Kind;
  readonly seed: number;
  readonly frames: number;
  /** Name of the fault that is planted into the core. */
  readonly fault?: string;
}

/** The processes that do the work. */
let jobs: Jobs<typeof work>;

async function attack({ kind, seed: first, frames, fault }: Piece): Promise<HostileCounts> {
  const counts = newHostileCounts();
  const media = await victimMedia();
  const planted = HOSTILE_FAULTS.find(({ name }) => name === fault);
  const core = planted && (await compileModule("node", "small", planted));
  const victim =
    kind === "core"
      ? await coreVictim(media, core)
      : await avrVictim(readFirmware(fromRoot("build/avr")), media, first);
  runHostile(victim, { seed: first, frames }, counts);
  return counts;
}

const say = (text: string) => process.stderr.write(`\r${text.padEnd(70)}`);

function* piecesOf(kind: Kind): Generator<Piece> {
  const most = FRAMES_OF_A_NODE[kind];
  for (let done = 0, n = seed; done < wanted[kind]; done += most, n++)
    yield { kind, seed: n, frames: Math.min(most, wanted[kind] - done) };
}

/** What was found so far. */
const found = { core: newHostileCounts(), avr: newHostileCounts() };

function tell(kind: Kind, fault: string): void {
  found[kind].faults.push(fault);
  process.stderr.write(`\n${kind}: ${fault}\n`);
}

async function attackAll(kind: Kind): Promise<void> {
  const sum = found[kind];
  await jobs.each(piecesOf(kind), async (piece) => {
    try {
      const counts = await jobs.do("attack", piece, PATIENCE_S[kind]);
      sum.frames += counts.frames;
      sum.refusals += counts.refusals;
      sum.spells += counts.spells;
      sum.loads += counts.loads;
      for (const fault of counts.faults) tell(kind, fault);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      tell(kind, `seed ${piece.seed}, step ${piece.frames} at most: ${error.message}`);
    }
    say(`${kind}: ${sum.frames} frames, ${sum.faults.length} faults`);
  });
}

function figuresOf(kind: Kind): Figure[] {
  const { frames, refusals, loads, spells, faults } = found[kind];
  const note = `${refusals} loads refused, ${loads} valid ones taken in ${spells} looks`;
  return [
    { id: `${kind}.frames`, value: frames, unit: "frames", must: `>= ${wanted[kind]}`, note },
    {
      id: `${kind}.faults`,
      value: faults.length,
      unit: "faults",
      must: "== 0",
      note: "crashes, hangs, changed state, writes beyond the RAM",
    },
  ];
}

const planted = new PlantedFaults(HOSTILE_FAULTS.map(({ name }) => name));

/** Whether the frames show the fault of a name; a core that dies or hangs shows it, too. */
async function isCaught(name: string): Promise<boolean> {
  const fault = HOSTILE_FAULTS.find((known) => known.name === name);
  await compileModule("node", "small", fault); // not in the time that a worker has
  try {
    const piece = { kind: "core", seed, frames: FAULT_FRAMES, fault: name } as const;
    return (await jobs.do("attack", piece, PATIENCE_S.fault)).faults.length > 0;
  } catch (error) {
    if (error instanceof Lost) return true;
    throw error;
  }
}

async function replay(text: string): Promise<void> {
  const [kind, first, step] = text.split(":");
  if (kind === "avr") await buildMachine(kind);
  const piece = { kind: kind as Kind, seed: Number(first), frames: Number(step) };
  const counts = await attack(piece);
  process.stdout.write(`${JSON.stringify(counts, null, 2)}\n`);
  process.exitCode = counts.faults.length > 0 ? 1 : 0;
}

const work = { attack };
if (isWorker()) serve(work);
else if (values.replay !== undefined) await replay(values.replay);
else await main(processes);

async function main(count: number): Promise<void> {
  if (wanted.avr > 0) await buildMachine("avr");
  jobs = new Jobs(count);
  const figures: (() => Figure[])[] = [];
  await jobs.run(async () => {
    for (const kind of ["core", "avr"] as const) {
      if (wanted[kind] === 0) continue;
      figures.push(() => figuresOf(kind));
      await attackAll(kind);
    }
    if (values.skip.split(",").includes("faults")) return;
    figures.push(() => planted.figures());
    await planted.plant(jobs, isCaught, say);
  });
  say("");
  const all = figures.flatMap((of) => of());
  report({ command: "proof:hostile", figures: [...all, ...jobs.figures()] });
}
