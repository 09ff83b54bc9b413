// Runs random guests on the core's MiniVM and compares with the oracle, and watches over what no guest may touch.

import { Stop } from "../../assembly/spec/node.ts";
import { compileProbe, type Probe } from "../probes/compile.ts";
import { CoreGuest, type Span } from "./guest-memory.ts";
import { MiniVm } from "./minivm.ts";
import { Random } from "./random.ts";
import { randomGuest } from "./random-program.ts";

export interface Machine {
  readonly probe: Probe;
  readonly hasFlat: boolean;
  /** First linear address behind what a guest may be laid in. */
  readonly ramEnd: number;
}

/** The widest and the narrowest build of the MiniVM. */
export async function machines(): Promise<readonly [Machine, Machine]> {
  return [
    { probe: await compileProbe("vm", "desktop"), hasFlat: true, ramEnd: 0x400000 },
    { probe: await compileProbe("vm", "small"), hasFlat: false, ramEnd: 0x8000 },
  ];
}

function isOver(stop: Stop): boolean {
  return stop !== Stop.BUDGET && stop !== Stop.SVC && stop !== Stop.BRK;
}

// ---- Against the oracle ----

function stateOf(vm: MiniVm | CoreGuest): string {
  const { pc, sp, psw, steps, depth, svc } = vm;
  const regs = vm.regs.map((r) => r.toString(16));
  return `pc ${pc} sp ${sp} psw ${psw} steps ${steps} depth ${depth} svc ${svc} regs ${regs}`;
}

function memoryDiffers(vm: MiniVm, core: CoreGuest): boolean {
  return core.segments.some(({ origin, bytes }) => {
    const expected = vm.memory.subarray(origin, origin + bytes.length);
    return Buffer.compare(bytes, expected) !== 0;
  });
}

export interface Comparison {
  readonly steps: number;
  readonly stop: Stop;
  /** How the two differ, if they do. */
  readonly difference?: string;
}

/** Runs the guest of a seed on both in slices of random length, until `limit` instructions retired or it ended. */
export function compareRun(
  { probe, hasFlat }: Machine,
  seed: number,
  limit: number,
  isWindowed = false,
): Comparison {
  const random = new Random(seed);
  const guest = randomGuest(random, hasFlat);
  const vm = new MiniVm(guest);
  const core = new CoreGuest(probe, guest, random.below(4), probe.arenaBase(), isWindowed);
  let stop = Stop.BUDGET;
  while (!isOver(stop) && vm.steps < limit) {
    const slice = random.oneIn(4) ? 1 + random.below(4) : 1 + random.below(2000);
    stop = vm.run(slice);
    core.run(slice);
    const expected = `${Stop[stop]} ${stateOf(vm)}`;
    const actual = `${Stop[core.stop]} ${stateOf(core)}`;
    if (actual !== expected) {
      return { steps: vm.steps, stop, difference: `core   ${actual}\noracle ${expected}` };
    }
    if (stop === Stop.BUDGET) continue;
    vm.regs[0] = random.word(); // the answer of an SVC
    core.setReg(0, vm.regs[0]);
  }
  const difference = memoryDiffers(vm, core) ? "the memories differ" : undefined;
  return { steps: vm.steps, stop, difference };
}

// ---- Isolation ----

const CANARY = 0xa5;

/** Lays guests into a memory full of canaries. After each run, nothing but what is the guest's may have changed. */
export class Watch {
  private readonly memory: Buffer;
  private readonly expected: Buffer;

  constructor(private readonly machine: Machine) {
    this.memory = Buffer.from(machine.probe.memory.buffer);
    this.memory.fill(CANARY, 0, machine.ramEnd);
    this.expected = Buffer.from(this.memory);
  }

  /** Runs the guest of a seed for `limit` instructions at most. */
  run(seed: number, limit: number, isWindowed = false): Comparison {
    const { probe, hasFlat } = this.machine;
    const random = new Random(seed);
    const guest = randomGuest(random, hasFlat);
    const at = probe.arenaBase() + random.below(64);
    const core = new CoreGuest(probe, guest, random.below(4), at, isWindowed);
    this.expect(core.laid);
    let stop = Stop.BUDGET;
    while (!isOver(stop) && core.steps < limit) {
      core.run(Math.min(limit - core.steps, 0xffff));
      stop = core.stop;
      if (!isOver(stop)) core.setReg(0, random.word());
    }
    this.expect(core.writable);
    const result = { steps: core.steps, stop, difference: this.difference() };
    this.clean(core.laid);
    return result;
  }

  private expect(spans: readonly Span[]): void {
    for (const { start, end } of spans) this.memory.copy(this.expected, start, start, end);
  }

  private clean(spans: readonly Span[]): void {
    for (const { start, end } of spans) this.memory.fill(CANARY, start, end);
    this.expect(spans);
  }

  private difference(): string | undefined {
    if (this.memory.equals(this.expected)) return undefined;
    const at = this.memory.findIndex((byte, i) => byte !== this.expected[i]);
    return `linear memory changed at 0x${at.toString(16)}`;
  }
}
