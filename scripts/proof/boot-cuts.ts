// Rows of proof:boot about power that fails at random cycles of a start-up, from a card or under a master, on the chips' binaries.

import {
  BOOT_BEDS,
  type BootBed,
  type BootCutCounts,
  type BootFault,
  cutBoots,
} from "../../tests/drivers/boot-cuts.ts";
import type { Figure } from "../figures.ts";
import { readChips } from "../firmware/chips.ts";
import type { Jobs } from "../jobs.ts";

const CUTS_OF_A_BOOT = 1250;
/** Start-ups of a life, each with a newer manifest. */
const START_UPS = 2;
/** Cuts in which a planted fault must show. */
const CUTS_OF_A_FAULT = 200;
/** A life starts some hundred times. */
const PATIENCE_S = 3600;
/** What is planted; a card keeps no journal that could say too much. */
const FAULTS: Readonly<Record<"card" | "master", readonly BootFault[]>> = {
  card: ["order", "again"],
  master: ["order", "again", "early"],
};

interface Piece {
  readonly bed: BootBed;
  readonly seed: number;
  readonly cutsOfABoot: number;
  readonly startUps: number;
  readonly fault?: BootFault;
}

/** What workers are asked for. */
export const bootCutWork = {
  cutBoots: (piece: Piece): Promise<BootCutCounts> =>
    cutBoots({ ...piece, firmware: readChips(["avr", "stm32f072"]) }),
};
type BootJobs = Jobs<typeof bootCutWork>;

/** Lives of all beds in turn, so that an interrupted proof has some of each. */
function* lives(cuts: number, seed: number): Generator<Piece> {
  const each = Math.min(CUTS_OF_A_BOOT, Math.ceil(cuts / START_UPS));
  for (let n = 0; n * each * START_UPS < cuts; n++)
    for (const bed of BOOT_BEDS)
      yield { bed, seed: seed + n, cutsOfABoot: each, startUps: START_UPS };
}

async function cutAll(
  jobs: BootJobs,
  pieces: Iterable<Piece>,
  sums: Map<BootBed, BootCutCounts>,
): Promise<void> {
  await jobs.each(pieces, async (piece) => {
    const none: BootCutCounts = { cuts: 0, states: 0, boots: 0, faults: [] };
    const sum = sums.get(piece.bed) ?? none;
    sums.set(piece.bed, sum);
    const lost = (why: string) => ({
      ...none,
      faults: [`${piece.bed}, seed ${piece.seed}: ${why}`],
    });
    const counts = await jobs.doOr("cutBoots", piece, PATIENCE_S, lost);
    for (const key of ["cuts", "states", "boots"] as const) sum[key] += counts[key];
    sum.faults.push(...counts.faults);
    for (const fault of counts.faults) process.stderr.write(`\n${fault}\n`);
    const text = [...sums].map(([bed, { cuts }]) => `${bed} ${cuts}`).join(", ");
    process.stderr.write(`\r${text.padEnd(90)}`);
  });
  process.stderr.write("\n");
}

/** Plants each fault in each bed; what was not found out. */
async function plantAll(
  jobs: BootJobs,
  seed: number,
): Promise<{ planted: number; missed: string[] }> {
  const pieces = BOOT_BEDS.flatMap((bed) =>
    FAULTS[bed.endsWith(".card") ? "card" : "master"].map((fault) => {
      return { bed, seed, cutsOfABoot: CUTS_OF_A_FAULT, startUps: START_UPS, fault };
    }),
  );
  const missed: string[] = [];
  await jobs.each(pieces, async (piece) => {
    const { faults } = await jobs.do("cutBoots", piece);
    if (faults.length === 0) missed.push(`${piece.bed} ${piece.fault}`);
  });
  return { planted: pieces.length, missed };
}

/** Cuts the power `cuts` times in start-ups of each bed; then faults are planted. Figures are added as they come. */
export async function proveBootCuts(
  jobs: BootJobs,
  { cuts, seed }: { readonly cuts: number; readonly seed: number },
  figures: Figure[],
): Promise<void> {
  const sums = new Map<BootBed, BootCutCounts>();
  try {
    await cutAll(jobs, lives(cuts, seed), sums);
  } finally {
    for (const [bed, sum] of sums) {
      const note = `${sum.states} different states, ${sum.boots} boots`;
      figures.push({ id: `${bed}.cuts`, value: sum.cuts, unit: "cuts", must: `>= ${cuts}`, note });
      figures.push({ id: `${bed}.wrong`, value: sum.faults.length, unit: "states", must: "== 0" });
    }
  }
  const { planted, missed } = await plantAll(jobs, seed);
  const note =
    missed.length === 0
      ? "media that write out of order, values set again, a master that notes what is not done"
      : `missed: ${missed.join(", ")}`;
  const value = planted - missed.length;
  figures.push({ id: "chips.faults_caught", value, unit: "faults", must: `== ${planted}`, note });
}
