// The same programs with their code in FRAM: each is made too long for memory by what it never runs, lies in a slot, and the node
// boots from it. How much longer an instruction takes than in memory, line by line of the code window.

import { readFileSync } from "node:fs";
import { AvrBoard, newMedia } from "../host/boards/avr/board.ts";
import { Firmware } from "../host/boards/avr/firmware.ts";
import { LocalNode } from "../host/client/local-node.ts";
import { Machine } from "../host/node/hal.ts";
import { NvDevice } from "../host/node/nv.ts";
import { assemble } from "../host/toolchain/assembler.ts";
import { link } from "../host/toolchain/linker.ts";
import { buildFramNode, type Program } from "./avr-build.ts";
import { perInstruction, type Run, runNode } from "./avr-node.ts";
import { CHIP_FOLDER, CHIP_PROGRAMS } from "./bench/programs.ts";
import type { Figure } from "./figures.ts";
import { fromRoot } from "./root.ts";

/** Bytes of code that no node of the small profile has memory for. */
const TOO_LONG = 10240;
const CELLS = 60;
const SLOT_BYTES = 16384;
/** Bytes of a line of code. */
const LINE = 64;
/** How often the functions of a calling program are called. */
const ROUNDS = 200;

/** Lines of code that seven functions begin, beside the program's own, line 0. */
const PLACES = [1, 2, 3, 4, 5, 6, 7];
const CALLS: Readonly<Record<string, { lines: readonly number[]; limit: object; note: string }>> = {
  near: {
    lines: PLACES,
    limit: { must: "<= 2.5", aim: "<= 2" },
    note: "eight lines, all in the window",
  },
  far: {
    lines: PLACES.map((n) => 8 * n + 1), // which have one place in the window, another than the program's
    limit: { must: "<= 2.5", aim: "<= 2" },
    note: "each call reads a line",
  },
  worst: {
    lines: PLACES.map((n) => 8 * n), // which have the program's place
    limit: {},
    note: "each call and each return reads a line",
  },
};

/** Calls functions of ten instructions, which begin the lines of code in `lines`, and counts what they add. */
function calling(lines: readonly number[]): { source: string; expected: number } {
  const source = `
.text
.entry main
main:
    LDI R1, ${ROUNDS}
    LDI R2, 1
round:
${lines.map((line) => `    CALL f${line}\n`).join("")}
    SUB R1, R1, R2
    JNZ round
    MOV R0, R3
    RET
${lines
  .map((line) => `.org ${LINE * line}\nf${line}:\n${"    ADD R3, R3, R2\n".repeat(9)}    RET\n`)
  .join("")}`;
  return { source, expected: ROUNDS * lines.length * 9 };
}

function imageOf(source: string, isTooLong: boolean): Uint8Array {
  const text = isTooLong ? `${source}\n.text\n.org ${TOO_LONG}\n    RET\n` : source;
  const { object, diagnostics } = assemble(text, { file: "bench.mvasm" });
  const { image } = object === undefined ? {} : link([object]);
  if (image) return image;
  throw new Error(`bench: ${JSON.stringify(diagnostics)}`);
}

/** An FRAM with an image in its first slot, active, as the core in Node left it. */
async function framOf(image: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const nv = new NvDevice(newMedia().fram);
  const core = await WebAssembly.compile(readFileSync(fromRoot("build/core/small.wasm")));
  const node = await LocalNode.start(core, new Machine({ nv }));
  node.formatStore(CELLS);
  node.provision.formatSlots(2, SLOT_BYTES);
  const pid = node.provision.activate(node.provision.stage(image));
  if (node.task(pid)?.runsFromSlot !== true) throw new Error("bench: the code fits memory");
  return nv.bytes as Uint8Array<ArrayBuffer>;
}

/** Runs a program whose code is in FRAM. */
async function runWindow(program: Program, source: string, expected: number): Promise<Run> {
  const media = { ...newMedia(), fram: await framOf(imageOf(source, true)) };
  const firmware = new Firmware(readFileSync(program.elf), { imports: [], exports: [] });
  return runNode(program, [], expected, { apps: 1, board: new AvrBoard(firmware, { media }) });
}

const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;

/** Figures of code in FRAM; `cycles`: of an instruction of each of the chip's programs in memory. */
export async function windowFigures(node: Program, cycles: readonly number[]): Promise<Figure[]> {
  const program = buildFramNode();
  const figures: Figure[] = [];
  for (const [name, expected] of Object.entries(CHIP_PROGRAMS)) {
    const source = readFileSync(fromRoot(CHIP_FOLDER, `${name}.mvasm`), "utf8");
    const value = perInstruction(await runWindow(program, source, expected));
    figures.push({ id: `avr.window.${name}`, value, unit: "cycles per instruction" });
  }
  figures.push({
    id: "avr.window.mean",
    value: mean(figures.map(({ value }) => value)) / mean(cycles),
    unit: "of the cycles in memory",
    must: "<= 1.3",
    aim: "<= 1.1",
    note: "code in FRAM, loops inside the window",
  });
  for (const [name, { lines, limit, note }] of Object.entries(CALLS)) {
    const { source, expected } = calling(lines);
    const inMemory = perInstruction(runNode(node, [imageOf(source, false)], expected));
    const value = perInstruction(await runWindow(program, source, expected)) / inMemory;
    const unit = "of the cycles in memory";
    figures.push({ id: `avr.window.calls.${name}`, value, unit, ...limit, note: `calls, ${note}` });
  }
  return figures;
}
