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
import { isOfCrew, runCrew, serveCrew } from "./crew.ts";
import { type Figure, report } from "./figures.ts";
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
const jobs = Number(values.jobs);
if (!(wanted.core >= 0) || !(wanted.avr >= 0) || !Number.isInteger(seed) || !(jobs >= 1)) {
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

async function work({ kind, seed: first, frames, fault }: Piece): Promise<HostileCounts> {
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

async function attack(kind: Kind): Promise<{ figures: Figure[]; isWhole: boolean }> {
  const sum = newHostileCounts();
  const tell = (fault: string) => {
    sum.faults.push(fault);
    process.stderr.write(`\n${kind}: ${fault}\n`);
  };
  const isWhole = await runCrew<Piece, HostileCounts>(piecesOf(kind), {
    jobs,
    patience_s: PATIENCE_S[kind],
    onResult(counts) {
      sum.frames += counts.frames;
      sum.refusals += counts.refusals;
      sum.spells += counts.spells;
      sum.loads += counts.loads;
      counts.faults.forEach(tell);
      say(`${kind}: ${sum.frames} frames, ${sum.faults.length} faults`);
    },
    onLost: (why, piece) => tell(`seed ${piece.seed}, step ${piece.frames} at most: ${why}`),
  });
  const note = `${sum.refusals} loads refused, ${sum.loads} valid ones taken in ${sum.spells} looks`;
  const figures: Figure[] = [
    { id: `${kind}.frames`, value: sum.frames, unit: "frames", must: `>= ${wanted[kind]}`, note },
    {
      id: `${kind}.faults`,
      value: sum.faults.length,
      unit: "faults",
      must: "== 0",
      note: "crashes, hangs, changed state, writes beyond the RAM",
    },
  ];
  return { figures, isWhole };
}

async function faultFigures(): Promise<Figure[]> {
  const caught = new Set<string>();
  const pieces = HOSTILE_FAULTS.map(({ name }): Piece => {
    return { kind: "core", seed, frames: FAULT_FRAMES, fault: name };
  });
  for (const { fault = "" } of pieces)
    await compileModule(
      "node",
      "small",
      HOSTILE_FAULTS.find(({ name }) => name === fault),
    );
  await runCrew<Piece, HostileCounts>(pieces, {
    jobs,
    patience_s: PATIENCE_S.fault,
    onResult: ({ faults }, { fault = "" }) => {
      if (faults.length > 0) caught.add(fault);
      say(`planted ${fault}: ${faults[0]?.slice(0, 40) ?? "missed"}`);
    },
    onLost: (_why, { fault = "" }) => caught.add(fault),
  });
  const missed = HOSTILE_FAULTS.filter(({ name }) => !caught.has(name)).map(({ name }) => name);
  return [
    {
      id: "faults_caught",
      value: caught.size,
      unit: "faults",
      must: `== ${HOSTILE_FAULTS.length}`,
      note: missed.length === 0 ? "planted one by one" : `missed: ${missed.join(", ")}`,
    },
  ];
}

async function replay(text: string): Promise<void> {
  const [kind, first, step] = text.split(":");
  const piece = { kind: kind as Kind, seed: Number(first), frames: Number(step) };
  const counts = await work(piece);
  process.stdout.write(`${JSON.stringify(counts, null, 2)}\n`);
  process.exitCode = counts.faults.length > 0 ? 1 : 0;
}

async function proof(): Promise<void> {
  const figures: Figure[] = [];
  let isWhole = true;
  for (const kind of ["core", "avr"] as const) {
    if (!isWhole || wanted[kind] === 0) continue;
    const found = await attack(kind);
    figures.push(...found.figures);
    isWhole = found.isWhole;
  }
  if (isWhole && !values.skip.split(",").includes("faults"))
    figures.push(...(await faultFigures()));
  say("");
  report({ command: "proof:hostile", figures });
}

if (isOfCrew) serveCrew(work);
else if (values.replay !== undefined) await replay(values.replay);
else await proof();
