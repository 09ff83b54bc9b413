// `npm run proof:chips`: the binaries of the AVR and the STM32F072 on their boards, with the power cut at random cycles of saves, loads,
// activations, confirmations and roll-backs. --json, --cuts N (of each chip), --seed S, --jobs N. Interrupted, it tells what was done.

import { parseArgs } from "node:util";
import { readFirmware as readAvr } from "../tests/drivers/avr.ts";
import { type ChipBed, type ChipCutCounts, cutChip } from "../tests/drivers/chip-cuts.ts";
import { readFirmware as readStm32 } from "../tests/drivers/stm32.ts";
import { isOfCrew, runCrew, serveCrew } from "./crew.ts";
import { type Figure, report } from "./figures.ts";
import { buildAvr } from "./firmware/avr.ts";
import { fromRoot } from "./root.ts";
import { BOARDS, buildBoard } from "./stm32-build.ts";

/** The part of a chip's cuts that each of its media has. */
const SHARES = {
  "avr.fram": 0.75,
  "avr.eeprom": 0.25,
  "stm32f072.fram": 0.75,
  "stm32f072.flash": 0.25,
} as const satisfies Record<ChipBed, number>;
const CHIPS = ["avr", "stm32f072"] as const;
const CUTS_OF_AN_OPERATION = 500;
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
const jobs = Number(values.jobs);
if (!(cuts > 0) || !Number.isInteger(seed) || !(jobs >= 1)) {
  process.stderr.write("usage: npm run proof:chips -- [--json] [--cuts N] [--seed S] [--jobs N]\n");
  process.exit(2);
}

interface Piece {
  readonly bed: ChipBed;
  readonly seed: number;
  readonly cutsOfAnOperation: number;
  readonly isLying?: boolean;
}

function work(piece: Piece): Promise<ChipCutCounts> {
  const firmware = {
    avr: readAvr(fromRoot("build/avr")),
    stm32f072: readStm32(fromRoot("build/stm32/stm32f072")),
  };
  return cutChip({ ...piece, firmware });
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

const sums = new Map<ChipBed, ChipCutCounts>();
const faults: string[] = [];

function tell(fault: string): void {
  faults.push(fault);
  process.stderr.write(`\n${fault}\n`);
}
function add(bed: ChipBed, counts: ChipCutCounts): void {
  const none = { operations: 0, cuts: 0, states: 0, bootCuts: 0, boots: 0, faults: [] };
  const sum = sums.get(bed) ?? none;
  sums.set(bed, {
    operations: sum.operations + counts.operations,
    cuts: sum.cuts + counts.cuts,
    states: sum.states + counts.states,
    bootCuts: sum.bootCuts + counts.bootCuts,
    boots: sum.boots + counts.boots,
    faults: [...sum.faults, ...counts.faults],
  });
  counts.faults.forEach(tell);
  const text = [...sums].map(([name, { cuts: done }]) => `${name} ${done}`).join(", ");
  process.stderr.write(`\r${`${text}: ${faults.length} faults`.padEnd(90)}`);
}

/** A medium that lies about its order: how many kinds of board and medium it is found out on. */
async function lieFigures(): Promise<Figure[]> {
  const beds = Object.keys(SHARES) as ChipBed[];
  const caught = new Set<ChipBed>();
  const pieces = beds.map((bed): Piece => ({ bed, seed, cutsOfAnOperation: 60, isLying: true }));
  await runCrew<Piece, ChipCutCounts>(pieces, {
    jobs,
    patience_s: PATIENCE_S,
    onResult: (counts, { bed }) => {
      if (counts.faults.length > 0) caught.add(bed);
    },
    onLost: () => {},
  });
  const missed = beds.filter((bed) => !caught.has(bed));
  const note = missed.length === 0 ? "of media that write out of order" : `missed: ${missed}`;
  return [
    { id: "lies_caught", value: caught.size, unit: "media", must: `== ${beds.length}`, note },
  ];
}

async function proof(): Promise<void> {
  await buildAvr(fromRoot("build/avr"));
  buildBoard(BOARDS.stm32f072);
  const isWhole = await runCrew<Piece, ChipCutCounts>(lives(), {
    jobs,
    patience_s: PATIENCE_S,
    onResult: (counts, { bed }) => add(bed, counts),
    onLost: (why, piece) => tell(`${piece.bed}, seed ${piece.seed}: ${why}`),
  });
  const figures: Figure[] = CHIPS.flatMap((chip) => {
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
  if (isWhole) figures.push(...(await lieFigures()));
  process.stderr.write("\n");
  report({ command: "proof:chips", figures });
}

if (isOfCrew) serveCrew(work);
else await proof();
