// Runs apps on the core on a simulated ATmega1284P, as scripts/bench/avr/node.c drives it, and counts cycles and instructions.

import { EVENT_B_OFF, EVENT_BYTES, EVENT_TYPE_OFF, EventType } from "../assembly/spec/node.ts";
import type { AvrBoard } from "../host/boards/avr/board.ts";
import type { Program } from "./avr-build.ts";
import { BareChip, type Outside } from "./avr-chip.ts";

/** Instructions of a poll: many, so that the interpreter is measured. */
export const BUDGET = 2000;
const QUANTUM = 64;
/** Bytes of an image laid into the I/O buffer at once. */
const PIECE = 128;
/** Calls that are timed, as scripts/bench/avr/node.c numbers them. */
const CALLS = ["hsx_poll", "hsx_event", "hsx_load_begin", "hsx_load_data", "hsx_load_result"];
export const LIMIT = 400_000_000;
/** What a word that the node tells is about; scripts/bench/avr/node.c. */
const About = { IO_ADDRESS: 1, RESULT: 2, LOADED: 3, RETIRED: 4, EVENT: 5 } as const;

export function word(bytes: readonly number[]): number {
  return new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true);
}

export function short(value: number): number[] {
  return [value & 0xff, value >>> 8];
}

/** Cycles and instructions of polls that ran apps. */
export interface Run {
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
  /** Apps that must end; default: those loaded. */
  readonly apps?: number;
  /** Board whose devices the program uses. */
  readonly board?: AvrBoard;
}

/** Loads images into a node and runs them, and what its board has stored, until all have ended, or for `turns` polls. */
export function runNode(
  program: Program,
  images: readonly Uint8Array[],
  expected: number | undefined,
  settings: Settings = {},
): Run {
  const { quantum = QUANTUM, budget = BUDGET, turns = Infinity, board } = settings;
  const { apps = images.length } = settings;
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
  const outside: Outside = {
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
  };
  const chip: BareChip = new BareChip(program, outside, board);
  chip.run(() => ended === apps || polls >= turns, LIMIT);
  run.longest = chip.longest;
  run.longestCall = CALLS[chip.longestCall] ?? "";
  run.stack = 0x40ff - chip.lowestSp;
  return run;
}

export const perInstruction = ({ cycles, instructions }: Run) => cycles / instructions;
