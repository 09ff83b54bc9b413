// `npm run bench`: million HSX instructions per second in Node, and how much faster than the simple interpreter.
// Each figure is the median of ROUNDS runs with the slowest and the fastest in its note; the programs take turns.
// --rounds N changes the number of rounds.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Err } from "../assembly/spec/errors.ts";
import {
  EVENT_B_OFF,
  EVENT_BYTES,
  EVENT_TYPE_OFF,
  EventType,
  Stop,
} from "../assembly/spec/node.ts";
import { Core } from "../host/node/core.ts";
import { Machine } from "../host/node/hal.ts";
import { CoreGuest } from "../tests/oracle/guest-memory.ts";
import { type Guest, MiniVm } from "../tests/oracle/minivm.ts";
import { compileProbe, type Probe } from "../tests/probes/compile.ts";
import { buildProgram } from "./bench/programs.ts";
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
/** Bytes of an image a node takes at a time. */
const IO_BYTES = 1024;
/** What scripts/bench/mix.mvasm leaves in R0. */
const MIX_RESULT = 30_000;
/** The longest run a call of the core makes. */
const SLICE = 65_535;
const STACK_BYTES = 4096;
const STACK_TOP = 0xfffc;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    machine: { type: "string" },
    rounds: { type: "string", default: String(ROUNDS) },
  },
});

// ---- Guests ----

function buildGuest(name: string): Guest {
  const { hxe } = buildProgram("scripts/bench", name);
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

/** Million instructions per second of processor time, so that the share others take of it does not count. */
function rate(instructions: number, start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return instructions / (user + system);
}

function runOnCore(probe: Probe, guest: Guest, expected: number): number {
  const core = new CoreGuest(probe, guest);
  const start = process.cpuUsage();
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
  const start = process.cpuUsage();
  vm.run(SIMPLE_LIMIT);
  return rate(vm.steps, start);
}

/** Loads the image into a node of its own. */
async function loadNode(wasm: WebAssembly.Module, image: Uint8Array): Promise<Core> {
  const core = await Core.create(wasm, new Machine());
  const node = core.exports;
  node.hsx_start();
  node.hsx_load_begin(image.length, 0, 0, 0, 0);
  for (let at = 0; at < image.length; at += IO_BYTES) {
    node.hsx_load_data(core.write(image.subarray(at, at + IO_BYTES)));
  }
  while (node.hsx_load_result() === Err.BUSY) node.hsx_poll(0);
  if (node.hsx_load_result() < 0) throw new Error(`bench: ${Err[node.hsx_load_result()]}`);
  return core;
}

/** R0 of the task that ended, by its event. */
function exitStatus(core: Core): number | undefined {
  while (core.exports.hsx_event() === Err.OK) {
    const event = new DataView(core.read(EVENT_BYTES).buffer);
    if (event.getUint8(EVENT_TYPE_OFF) === EventType.EXITED)
      return event.getUint32(EVENT_B_OFF, true);
  }
  return undefined;
}

function runOnNode(core: Core, expected: number): number {
  const start = process.cpuUsage();
  let steps = 0;
  for (let retired = 1; retired > 0; steps += retired) retired = core.exports.hsx_poll(SLICE);
  const mips = rate(steps, start);
  const status = exitStatus(core);
  if (status !== expected) throw new Error(`bench: the mix gave ${status}, not ${expected}`);
  return mips;
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
const wasm = await WebAssembly.compile(readFileSync(fromRoot("build/core/desktop.wasm")));
const mixImage = buildProgram("scripts/bench", "mix").image;
const core: Table = [];
const simple: Table = [];
const mix: number[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  core.push(names.map((name, i) => runOnCore(probe, guests[i] as Guest, PROGRAMS[name] ?? 0)));
  simple.push(guests.map(runOnSimple));
  mix.push(runOnNode(await loadNode(wasm, mixImage), MIX_RESULT));
}
const ratios = core.map((row, i) => geometricMean(row) / geometricMean(simple[i] ?? []));

report({
  command: "bench",
  figures: [
    ...names.map((name, i) => figure(`vm.${name}`, "MIPS", column(core, i))),
    figure("vm.mean", "MIPS", core.map(geometricMean), ">= 250"),
    figure("node.mix", "MIPS", mix),
    ...names.map((name, i) => figure(`simple.${name}`, "MIPS", column(simple, i))),
    figure("simple.mean", "MIPS", simple.map(geometricMean)),
    figure("vm.ratio", "times the simple interpreter", ratios),
  ],
});
