// `npm run bench`: million HSX instructions per second in Node, and how much faster than the simple interpreter.
// Each figure is the median of ROUNDS runs with the slowest and the fastest in its note; the rounds take turns, so that
// a busy machine slows all alike. --rounds N changes their number.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Stop } from "../assembly/spec/node.ts";
import { assemble } from "../host/toolchain/assembler.ts";
import { link } from "../host/toolchain/linker.ts";
import { CoreGuest } from "../tests/oracle/guest-memory.ts";
import { type Guest, MiniVm } from "../tests/oracle/minivm.ts";
import { compileProbe, type Probe } from "../tests/probes/compile.ts";
import { type Figure, type Limit, report } from "./figures.ts";
import { fromRoot } from "./root.ts";

/** Programs of scripts/bench and what each leaves in R0. */
const PROGRAMS: Readonly<Record<string, number>> = {
  countdown: 0,
  crc32: 0xb2b029bd, // 170 times zlib.crc32(buffer, the CRC before)
  sieve: 1028, // primes below 8,192
  fib: 317_811, // fib(28)
};
const ROUNDS = 9;
/** Instructions of a run on the simple interpreter, which takes too long for all of them. */
const SIMPLE_LIMIT = 300_000;
/** The longest run a call of the core makes. */
const SLICE = 65_535;
const STACK_BYTES = 4096;
const STACK_TOP = 0xfffc;

const { values } = parseArgs({
  options: { json: { type: "boolean" }, rounds: { type: "string", default: String(ROUNDS) } },
});

// ---- Guests ----

function buildGuest(name: string): Guest {
  const file = fromRoot("scripts/bench", `${name}.mvasm`);
  const { object, diagnostics } = assemble(readFileSync(file, "utf8"), { file });
  const { hxe } = object === undefined ? {} : link([object]);
  if (hxe === undefined) throw new Error(`${file}: ${JSON.stringify(diagnostics)}`);
  return {
    code: hxe.code,
    entry: hxe.entry,
    data: hxe.rodata,
    dataBytes: hxe.rodata.length + hxe.bssSize,
    stackOrigin: STACK_TOP - STACK_BYTES,
    sp: STACK_TOP,
  };
}

// ---- Runs ----

/** Million instructions per second. */
function rate(instructions: number, start: number): number {
  return instructions / (performance.now() - start) / 1000;
}

function runOnCore(probe: Probe, guest: Guest, expected: number): number {
  const core = new CoreGuest(probe, guest);
  const start = performance.now();
  let stop = Stop.BUDGET;
  while (stop === Stop.BUDGET) {
    core.run(SLICE);
    stop = core.stop;
  }
  const mips = rate(core.steps, start);
  if (stop !== Stop.RETURN || core.reg(0) !== expected) {
    throw new Error(`bench: ${Stop[stop]} with R0 = ${core.reg(0)}, not ${expected}`);
  }
  return mips;
}

function runOnSimple(guest: Guest): number {
  const vm = new MiniVm(guest);
  const start = performance.now();
  vm.run(SIMPLE_LIMIT);
  return rate(vm.steps, start);
}

// ---- Figures ----

function median(sample: readonly number[]): number {
  return [...sample].sort((a, b) => a - b)[sample.length >> 1] ?? NaN;
}

function geometricMean(sample: readonly number[]): number {
  return Math.exp(sample.reduce((sum, x) => sum + Math.log(x), 0) / sample.length);
}

function figure(id: string, unit: string, sample: readonly number[], aim?: Limit): Figure {
  const spread = `${Math.min(...sample).toFixed(1)} to ${Math.max(...sample).toFixed(1)}`;
  const note = `median of ${sample.length}, ${spread}`;
  return { id, value: median(sample), unit, note, ...(aim === undefined ? {} : { aim }) };
}

/** One row a round, one column a program. */
type Table = number[][];

function column(table: Table, index: number): number[] {
  return table.map((row) => row[index] ?? NaN);
}

const names = Object.keys(PROGRAMS);
const guests = names.map(buildGuest);
const probe = await compileProbe("vm", "desktop");
const core: Table = [];
const simple: Table = [];
for (let round = 0; round < Number(values.rounds); round++) {
  core.push(names.map((name, i) => runOnCore(probe, guests[i] as Guest, PROGRAMS[name] ?? 0)));
  simple.push(guests.map(runOnSimple));
}
const ratios = core.map((row, i) => geometricMean(row) / geometricMean(simple[i] ?? []));

report({
  command: "bench",
  figures: [
    ...names.map((name, i) => figure(`vm.${name}`, "MIPS", column(core, i))),
    figure("vm.mean", "MIPS", core.map(geometricMean), ">= 250"),
    ...names.map((name, i) => figure(`simple.${name}`, "MIPS", column(simple, i))),
    figure("simple.mean", "MIPS", simple.map(geometricMean)),
    figure("vm.ratio", "times the simple interpreter", ratios),
  ],
});
