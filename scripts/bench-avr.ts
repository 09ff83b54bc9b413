// `npm run bench -- --machine avr`: cycles per HSX instruction of the core on a simulated ATmega1284P, of an interpreter
// written by hand in C beside it, of a change of task, and of the longest call. All figures repeat exactly.

import { readFileSync } from "node:fs";
import {
  EVENT_B_OFF,
  EVENT_BYTES,
  EVENT_TYPE_OFF,
  EventType,
  Stop,
} from "../assembly/spec/node.ts";
import { buildBareNode, buildInterpreter, type Program } from "./avr-build.ts";
import { BareChip } from "./avr-chip.ts";
import { buildProgram, CHIP_FOLDER, CHIP_PROGRAMS } from "./bench/programs.ts";
import { type Figure, report } from "./figures.ts";
import { fromRoot } from "./root.ts";

/** Instructions of a poll: many, so that the interpreter is measured; then as few as the board allows. */
const BUDGET = 2000;
const BOARD = fromRoot("targets/avr/board/board.c");
const BOARD_BUDGET = Number(/board_budget = (\d+);/.exec(readFileSync(BOARD, "utf8"))?.[1]);
const QUANTUM = 64;
/** Bytes of an image laid into the I/O buffer at once. */
const PIECE = 128;
/** Calls that are timed, as scripts/bench/avr/node.c numbers them. */
const CALLS = ["hsx_poll", "hsx_event", "hsx_load_begin", "hsx_load_data", "hsx_load_result"];
const LIMIT = 400_000_000;
/** 1.5 ms at 16 MHz. */
const LONGEST_CALL = 24_000;
/** What a word that the node tells is about; scripts/bench/avr/node.c. */
const About = { IO_ADDRESS: 1, RESULT: 2, LOADED: 3, RETIRED: 4, EVENT: 5 } as const;

function word(bytes: readonly number[]): number {
  return new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true);
}

function short(value: number): number[] {
  return [value & 0xff, value >>> 8];
}

/** Cycles and instructions of polls that ran apps. */
interface Run {
  cycles: number;
  instructions: number;
  longest: number;
  longestCall: string;
  stack: number;
}

interface Settings {
  readonly quantum?: number;
  readonly budget?: number;
  readonly turns?: number;
}

/** Loads images into a node and runs them until all have ended, or for `turns` polls. */
function runNode(
  program: Program,
  images: readonly Uint8Array[],
  expected: number | undefined,
  { quantum = QUANTUM, budget = BUDGET, turns = Infinity }: Settings = {},
): Run {
  const answers = [...short(quantum)];
  const told: number[] = [];
  const run: Run = { cycles: 0, instructions: 0, longest: 0, longestCall: "", stack: 0 };
  let io = 0;
  let ended = 0;
  let polls = 0;
  let waiting = [...images];
  let rest: Uint8Array | undefined;
  const next = () => {
    if (rest === undefined) {
      const image = waiting[0];
      waiting = waiting.slice(1);
      rest = image;
      return image === undefined ? [...short(0), ...short(budget)] : short(image.length);
    }
    const piece = rest.subarray(0, PIECE);
    rest = rest.subarray(PIECE);
    if (piece.length === 0) throw new Error("the node asks for more than the image has");
    chip.lay(io, piece);
    return short(piece.length);
  };
  const hear = (about: number, value: number) => {
    if (about === About.IO_ADDRESS) io = value;
    if (about === About.LOADED) {
      rest = undefined;
      if (value > 0x7fffffff) throw new Error(`the load was refused: ${value | 0}`);
    }
    if (about === About.RETIRED && value > 0) {
      polls++;
      run.instructions += value;
      run.cycles += chip.cycles;
    }
    if (about !== About.EVENT) return;
    const event = new DataView(chip.bytes(io, EVENT_BYTES).buffer);
    if (event.getUint8(EVENT_TYPE_OFF) !== EventType.EXITED) return;
    ended++;
    const status = event.getUint32(EVENT_B_OFF, true);
    if (expected !== undefined && status !== expected)
      throw new Error(`the app left ${status}, not ${expected}`);
  };
  const chip = new BareChip(program, {
    answer: () => {
      if (answers.length === 0) answers.push(...next());
      return answers.shift() ?? 0;
    },
    hear: (byte) => {
      told.push(byte);
      if (told.length < 5) return;
      const [about = 0, ...bytes] = told.splice(0);
      hear(about, word(bytes));
    },
  });
  chip.run(() => ended === images.length || polls >= turns, LIMIT);
  run.longest = chip.longest;
  run.longestCall = CALLS[chip.longestCall] ?? "";
  run.stack = 0x40ff - chip.lowestSp;
  return run;
}

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

const perInstruction = ({ cycles, instructions }: Run) => cycles / instructions;
const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;

export function benchAvr(): void {
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
    {
      id: "avr.stack.seen",
      value: Math.max(...runs.map(({ stack }) => stack)),
      unit: "B",
      note: "deepest seen",
    },
  ];
  report({ command: "bench", figures });
}
