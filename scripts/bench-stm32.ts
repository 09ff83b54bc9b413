// `npm run bench -- --machine stm32f072|stm32f405`: ARM instructions per HSX instruction of the core in the release binary, on
// a simulated chip, and the longest poll. All figures repeat exactly.

import { join } from "node:path";
import { EventType } from "../assembly/spec/node.ts";
import type { Chip } from "../host/boards/stm32/chip.ts";
import type { Firmware } from "../host/boards/stm32/firmware.ts";
import { LocalNode } from "../host/client/local-node.ts";
import type { Engine } from "../host/node/core.ts";
import { Machine } from "../host/node/hal.ts";
import { readFirmware, stm32Core } from "../tests/drivers/stm32.ts";
import { buildProgram, CHIP_FOLDER, CHIP_PROGRAMS } from "./bench/programs.ts";
import { type Figure, report } from "./figures.ts";
import { fromRoot } from "./root.ts";
import { BOARDS, type BoardName, buildBoard } from "./stm32-build.ts";

const LIMITS = { stm32f072: ["<= 50", "<= 34"], stm32f405: ["<= 30", "<= 18"] } as const;
/** Instructions a poll of the board may run. */
const BUDGET = 1000;

interface Run {
  readonly perInstruction: number;
  /** ARM instructions from the end of the load to the end of the program. */
  readonly instructions: number;
  /** Instructions of the longest poll. */
  readonly longest: number;
}

/** A core, and how many ARM instructions it has executed. */
export interface Counted {
  readonly engine: Engine;
  count(): number;
}

export function countedCore(name: BoardName, firmware: Firmware): Counted {
  let chip: Chip | undefined;
  const engine = stm32Core(name, firmware, (made) => {
    chip = made;
  });
  return { engine, count: () => chip?.core.instructions ?? 0 };
}

export async function runProgram({ engine, count }: Counted, name: string): Promise<Run> {
  const node = await LocalNode.start(engine, new Machine());
  node.load(buildProgram(CHIP_FOLDER, name).image);
  const began = count();
  let [steps, longest] = [0, 0];
  for (let retired = 1; retired > 0; steps += retired) {
    const before = count();
    retired = node.core.exports.hsx_poll(BUDGET);
    longest = Math.max(longest, count() - before);
  }
  const exit = node.events().find(({ type }) => type === EventType.EXITED);
  if (exit?.b !== CHIP_PROGRAMS[name])
    throw new Error(`${name} left ${exit?.b}, not ${CHIP_PROGRAMS[name]}`);
  const instructions = count() - began;
  return { perInstruction: instructions / steps, instructions, longest };
}

export async function benchStm32(name: BoardName): Promise<void> {
  const board = BOARDS[name];
  buildBoard(board);
  const firmware = readFirmware(fromRoot(join("build/stm32", name)));
  const runs: Run[] = [];
  for (const program of Object.keys(CHIP_PROGRAMS))
    runs.push(await runProgram(countedCore(name, firmware), program));
  const unit = "ARM instructions per instruction";
  const [must, aim] = LIMITS[name];
  const worst = Math.max(...runs.map((r) => r.perInstruction));
  const mean = runs.reduce((sum, r) => sum + r.perInstruction, 0) / runs.length;
  const figures: Figure[] = Object.keys(CHIP_PROGRAMS).map((program, n) => ({
    id: `${name}.${program}`,
    value: runs[n]?.perInstruction ?? 0,
    unit,
  }));
  report({
    command: `bench -- --machine ${name}`,
    figures: [
      ...figures,
      { id: `${name}.mean`, value: mean, unit, must, aim },
      { id: `${name}.worst`, value: worst, unit },
      {
        id: `${name}.poll`,
        value: Math.max(...runs.map((r) => r.longest)),
        unit: "ARM instructions",
        note: `longest poll of ${BUDGET} instructions of apps`,
      },
    ],
  });
}
