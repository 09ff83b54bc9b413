// `npm run proof:chips`: the binaries of the AVR and the STM32F072 on their boards, with the power cut at random cycles of saves, loads,
// activations, confirmations and roll-backs. --json, --cuts N (of each chip), --seed S, --jobs N. Interrupted, it tells what was done.

import { parseArgs } from "node:util";
import {
  type ChipBed,
  type ChipCutCounts,
  cutChip,
  noChipCuts,
} from "../tests/drivers/chip-cuts.ts";
import { type Figure, report } from "./figures.ts";
import { buildChips, readChips } from "./firmware/chips.ts";
import { isWorker, Jobs, jobsOf, serve } from "./jobs.ts";

/** The part of a chip's cuts that each of its media has. */
const SHARES = {
  "avr.fram": 0.75,
  "avr.eeprom": 0.25,
  "stm32f072.fram": 0.75,
  "stm32f072.flash": 0.25,
} as const satisfies Record<ChipBed, number>;
const BEDS = Object.keys(SHARES) as ChipBed[];
const CHIPS = ["avr", "stm32f072"] as const;
const CUTS_OF_AN_OPERATION = 500;
/** Cuts of an operation in which a lying medium must show. */
const CUTS_OF_A_LIE = 60;
/** Operations of a life, with slots and without. */
const OPERATIONS = { fram: 6, other: 3 };
/** A life boots some hundred times. */
const PATIENCE_S = 3600;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    cuts: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "1" },
  },
});
const cuts = Number(values.cuts);
const seed = Number(values.seed);
const processes = jobsOf(values.jobs);
if (processes === undefined || !(cuts > 0) || !Number.isInteger(seed)) {
  process.stderr.write("usage: npm run proof:chips -- [--json] [--cuts N] [--seed S] [--jobs N]\n");
  process.exit(2);
}

interface Piece {
  readonly bed: ChipBed;
  readonly seed: number;
  readonly cutsOfAnOperation: number;
  readonly isLying?: boolean;
}

/** The processes that do the work. */
let jobs: Jobs<typeof work>;

function cut(piece: Piece): Promise<ChipCutCounts> {
  return cutChip({ ...piece, firmware: readChips(CHIPS) });
}

/** Lives of all media, in turn, so that an interrupted proof has some of each. */
function* lives(): Generator<Piece> {
  const left = new Map(
    Object.entries(SHARES).map(([bed, share]) => [bed as ChipBed, share * cuts]),
  );
  for (let n = seed; left.size > 0; n++) {
    for (const [bed, rest] of [...left]) {
      const operations = bed.endsWith("fram") ? OPERATIONS.fram : OPERATIONS.other;
      const each = Math.min(CUTS_OF_AN_OPERATION, Math.ceil(rest / operations));
      yield { bed, seed: n, cutsOfAnOperation: each };
      if (rest > each * operations) left.set(bed, rest - each * operations);
      else left.delete(bed);
    }
  }
}

// ---- What was found so far ----

const sums = new Map<ChipBed, ChipCutCounts>();
const lies = new Set<ChipBed>();

function add(bed: ChipBed, counts: ChipCutCounts): void {
  const sum = sums.get(bed) ?? noChipCuts();
  sums.set(bed, {
    operations: sum.operations + counts.operations,
    cuts: sum.cuts + counts.cuts,
    states: sum.states + counts.states,
    bootCuts: sum.bootCuts + counts.bootCuts,
    boots: sum.boots + counts.boots,
    faults: [...sum.faults, ...counts.faults],
  });
  for (const fault of counts.faults) process.stderr.write(`\n${fault}\n`);
  const text = [...sums].map(([name, { cuts: done }]) => `${name} ${done}`).join(", ");
  process.stderr.write(`\r${text.padEnd(90)}`);
}

async function cutAll(): Promise<void> {
  await jobs.each(lives(), async (piece) => {
    const lost = (why: string) => ({
      ...noChipCuts(),
      faults: [`${piece.bed}, seed ${piece.seed}: ${why}`],
    });
    add(piece.bed, await jobs.doOr("cut", piece, PATIENCE_S, lost));
  });
}

function cutFigures(): Figure[] {
  return CHIPS.flatMap((chip) => {
    const of = [...sums].filter(([bed]) => bed.startsWith(chip)).map(([, counts]) => counts);
    const sum = (key: "cuts" | "states" | "bootCuts" | "boots") =>
      of.reduce((total, counts) => total + counts[key], 0);
    const note = `${sum("states")} different states, ${sum("boots")} boots, ${sum("bootCuts")} more cuts in boots`;
    const bad = of.reduce((total, counts) => total + counts.faults.length, 0);
    return [
      { id: `${chip}.cuts`, value: sum("cuts"), unit: "cuts", must: `>= ${cuts}`, note },
      { id: `${chip}.bad_states`, value: bad, unit: "states", must: "== 0" },
    ] as const;
  });
}

/** A record of the log on flash is whole by its sum, whatever the order of its half-words: nothing is to be found there. */
const LIARS = BEDS.filter((bed) => !bed.endsWith("flash"));

/** A medium that lies about its order must be found out wherever order matters. */
async function lie(): Promise<void> {
  await jobs.each(LIARS, async (bed) => {
    const piece = { bed, seed, cutsOfAnOperation: CUTS_OF_A_LIE, isLying: true };
    if ((await jobs.do("cut", piece)).faults.length > 0) lies.add(bed);
  });
}

function lieFigures(): Figure[] {
  const missed = LIARS.filter((bed) => !lies.has(bed));
  const note = missed.length === 0 ? "of media that write out of order" : `missed: ${missed}`;
  return [{ id: "lies_caught", value: lies.size, unit: "media", must: `== ${LIARS.length}`, note }];
}

const work = { cut };
if (isWorker()) serve(work);
else await main(processes);

async function main(count: number): Promise<void> {
  await buildChips(CHIPS);
  jobs = new Jobs(count);
  const figures: (() => Figure[])[] = [cutFigures];
  await jobs.run(async () => {
    await cutAll();
    figures.push(lieFigures);
    await lie();
  });
  process.stderr.write("\n");
  const all = figures.flatMap((of) => of());
  report({ command: "proof:chips", figures: [...all, ...jobs.figures()] });
}
