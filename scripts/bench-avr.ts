// `npm run bench -- --machine avr`: cycles per HSX instruction of the core on a simulated ATmega1284P, of an interpreter
// written by hand in C beside it, of a change of task, and of the longest call. All figures repeat exactly.

import { readFileSync } from "node:fs";
import { Stop } from "../assembly/spec/node.ts";
import { buildBareNode, buildInterpreter, type Program } from "./avr-build.ts";
import { BareChip } from "./avr-chip.ts";
import { BUDGET, LIMIT, perInstruction, type Run, runNode, short, word } from "./avr-node.ts";
import { buildProgram, CHIP_FOLDER, CHIP_PROGRAMS } from "./bench/programs.ts";
import { windowFigures } from "./bench-avr-window.ts";
import { type Figure, report } from "./figures.ts";
import { fromRoot } from "./root.ts";

/** Instructions of a poll on the board. */
const BOARD = fromRoot("targets/avr/board/board.c");
const BOARD_BUDGET = Number(/board_budget = (\d+);/.exec(readFileSync(BOARD, "utf8"))?.[1]);
/** 1.5 ms at 16 MHz. */
const LONGEST_CALL = 24_000;

function runInterpreter(program: Program, code: Uint8Array, expected: number): Run {
  const answers = [...short(code.length), ...code, ...short(BUDGET)];
  const told: number[] = [];
  let cycles = 0;
  const chip = new BareChip(program, {
    answer: () => answers.shift() ?? 0,
    hear: (byte) => told.push(byte),
  });
  let seen = 0;
  chip.run(() => {
    if (chip.calls !== seen) {
      seen = chip.calls;
      cycles += chip.cycles;
    }
    return told.length === 12;
  }, LIMIT);
  const [stop, status, steps] = [0, 4, 8].map((at) => word(told.slice(at, at + 4)));
  if (stop !== Stop.RETURN || status !== expected)
    throw new Error(`the interpreter: stop ${stop}, R0 ${status}`);
  return {
    cycles,
    instructions: steps ?? 0,
    longest: chip.longest,
    longestCall: "",
    stack: 0x40ff - chip.lowestSp,
  };
}

const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;

export async function benchAvr(): Promise<void> {
  const [node, hand] = [buildBareNode(), buildInterpreter()];
  const names = Object.keys(CHIP_PROGRAMS);
  const built = names.map((name) => buildProgram(CHIP_FOLDER, name));
  const runs = names.map((name, n) =>
    runNode(node, [built[n]?.image ?? new Uint8Array()], CHIP_PROGRAMS[name] ?? 0),
  );
  const own = names.map((name, n) =>
    runInterpreter(hand, built[n]?.hxe.code ?? new Uint8Array(), CHIP_PROGRAMS[name] ?? 0),
  );
  const [cycles, byHand] = [runs.map(perInstruction), own.map(perInstruction)];
  // one instruction a turn, two tasks in turn against one task alone
  const countdown = built[0]?.image ?? new Uint8Array();
  const [alone, both] = [1, 2].map((copies) =>
    runNode(node, new Array<Uint8Array>(copies).fill(countdown), 0, { quantum: 1, turns: 5 }),
  );
  const board = runNode(
    node,
    built.map(({ image }) => image),
    undefined,
    { budget: BOARD_BUDGET },
  );
  const quanta = perInstruction(both as Run) - (cycles[0] ?? 0);
  const figures: Figure[] = [
    ...names.map((name, n) => ({
      id: `avr.${name}`,
      value: cycles[n] ?? 0,
      unit: "cycles per instruction",
    })),
    {
      id: "avr.mean",
      value: mean(cycles),
      unit: "cycles per instruction",
      must: "<= 125",
      aim: "<= 105",
    },
    {
      id: "avr.worst",
      value: Math.max(...cycles),
      unit: "cycles per instruction",
      must: "<= 150",
      aim: "<= 125",
    },
    ...names.map((name, n) => ({
      id: `avr.hand.${name}`,
      value: byHand[n] ?? 0,
      unit: "cycles per instruction",
    })),
    {
      id: "avr.ratio",
      value: mean(cycles) / mean(byHand),
      unit: "of the cycles by hand",
      must: "<= 0.75",
      aim: "<= 0.6",
    },
    {
      id: "avr.switch",
      value: quanta,
      unit: "cycles",
      must: "<= 800",
      aim: "<= 300",
      note: `a turn of one instruction, two tasks; ${perInstruction(alone as Run).toFixed(1)} with one`,
    },
    {
      id: "avr.board",
      value: perInstruction(board),
      unit: "cycles per instruction",
      note: `with ${BOARD_BUDGET} instructions a poll, as on the board: mostly the poll itself`,
    },
    {
      id: "avr.longest",
      value: board.longest,
      unit: "cycles",
      must: `<= ${LONGEST_CALL}`,
      note: `${board.longestCall}, three apps loaded and run with ${BOARD_BUDGET} instructions a poll`,
    },
    ...(await windowFigures(node, cycles)),
    {
      id: "avr.stack.seen",
      value: Math.max(...runs.map(({ stack }) => stack)),
      unit: "B",
      note: "deepest seen",
    },
  ];
  report({ command: "bench", figures });
}
