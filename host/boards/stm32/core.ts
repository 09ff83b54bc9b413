// A Cortex-M: exceptions by priority, hooks and time around the instructions of m0.ts or m4.ts. Sections are those of the
// ARMv6-M Architecture Reference Manual (ARM DDI 0419), which hold for ARMv7-M as well.

import { Agenda } from "../../bus/clock.ts";
import { type Bus, type Cpu, Fault, type MakeCpu } from "./cpu.ts";
import { makeM0 } from "./m0.ts";

/** Exceptions of B1.5.2. */
export const Exception = { HARD_FAULT: 3, SVCALL: 11, PEND_SV: 14, SYSTICK: 15, IRQ0: 16 } as const;

const EXCEPTIONS = 16 + 96;
/** Cycles until the first instruction of a handler, zero-wait-state memory (Cortex-M0 TRM, DDI 0432, 3.4.1). */
const ENTRY_CYCLES = 16;
const THREAD_PRIORITY = 256;
const PC = 15;

/** Why a run ended. */
export type Stop = "time" | "hook" | "reset";

export class Core {
  readonly cpu: Cpu;
  readonly clock: Agenda;
  /** Hears of the exception that is entered. */
  onException: ((exception: number) => void) | undefined;
  /** Instructions executed since power-on. */
  instructions = 0;
  private readonly pending = new Uint8Array(EXCEPTIONS);
  private readonly enabled = new Uint8Array(EXCEPTIONS);
  private readonly line = new Uint8Array(EXCEPTIONS);
  private readonly priority = new Uint8Array(EXCEPTIONS);
  private readonly active: number[] = [];
  private readonly hooks = new Map<number, () => void>();
  private readonly bus: Bus;
  private stopReason: Stop | undefined;
  private passed = -1;
  // clock cycles and CPU cycles at the last change of the CPU's clock
  private anchor = 0;
  private anchorCycles = 0;
  private scale = 1;

  /** `hz`: cycles a second of the virtual clock, at which the CPU runs unless slow() says otherwise. */
  constructor(bus: Bus, hz: number, makeCpu: MakeCpu = makeM0) {
    this.bus = bus;
    this.cpu = makeCpu(bus, { left: () => this.leave(), enter: () => this.enter() });
    this.clock = new Agenda(hz, () => this.now);
    this.priority[Exception.HARD_FAULT] = 0;
  }

  // ---- Time ----

  /** Cycles of the virtual clock since power-on. */
  get now(): number {
    return this.anchor + (this.cpu.cycles - this.anchorCycles) * this.scale;
  }
  /** Runs the CPU at `hz` from now on. */
  runAt(hz: number): void {
    this.anchor = this.now;
    this.anchorCycles = this.cpu.cycles;
    this.scale = this.clock.hz / hz;
  }
  /** Holds the CPU for `us` microseconds; everything else goes on. */
  stall(us: number): void {
    const end = this.now + (us * this.clock.hz) / 1e6;
    while (this.clock.due <= end) {
      this.moveTo(this.clock.due);
      this.clock.run();
    }
    this.moveTo(end);
  }
  private moveTo(time: number): void {
    const cycles = Math.ceil((time - this.anchor) / this.scale) + this.anchorCycles;
    if (cycles > this.cpu.cycles) this.cpu.cycles = cycles;
  }

  // ---- Registers ----

  get registers(): Uint32Array {
    return this.cpu.registers;
  }
  get pc(): number {
    return this.cpu.registers[PC] as number;
  }

  // ---- Exceptions (B1.5) ----

  /** Level of an interrupt's request. It stays pending as long as the line is high when its handler returns (B3.4.1). */
  setLine(irq: number, isHigh: boolean): void {
    const n = Exception.IRQ0 + irq;
    if (this.line[n] === Number(isHigh)) return;
    this.line[n] = Number(isHigh);
    if (!isHigh || this.active.includes(n)) return;
    this.pend(n);
  }
  pend(exception: number): void {
    this.pending[exception] = 1;
    this.cpu.interruptsUpdated = true;
  }
  unpend(exception: number): void {
    this.pending[exception] = this.line[exception] as number;
  }
  isPending(exception: number): boolean {
    return this.pending[exception] === 1;
  }
  enable(exception: number, on: boolean): void {
    this.enabled[exception] = Number(on);
    this.cpu.interruptsUpdated = true;
  }
  isEnabled(exception: number): boolean {
    return this.enabled[exception] === 1;
  }
  /** 8 bits, of which the chip implements the upper ones; the lower the more urgent. */
  setPriority(exception: number, priority: number): void {
    this.priority[exception] = priority;
  }
  priorityOf(exception: number): number {
    return this.priority[exception] as number;
  }

  /** The most urgent exception that may come now, or 0. Thread mode has the lowest priority. */
  private next(ignoresPrimask: boolean): number {
    let best = 0;
    let urgency = THREAD_PRIORITY;
    for (const n of this.active) urgency = Math.min(urgency, this.priorityOf(n));
    if (this.cpu.PM && !ignoresPrimask) urgency = 0;
    for (let n: number = Exception.SVCALL; n < EXCEPTIONS; n++) {
      if (this.pending[n] === 0 || (n !== Exception.SYSTICK && this.enabled[n] === 0)) continue;
      if (this.priorityOf(n) >= urgency) continue;
      urgency = this.priorityOf(n);
      best = n;
    }
    return best;
  }
  private enter(): boolean {
    this.cpu.interruptsUpdated = false;
    const n = this.next(false);
    if (n === 0) return false;
    this.pending[n] = 0;
    this.active.push(n);
    this.onException?.(n);
    this.cpu.exceptionEntry(n);
    this.cpu.cycles += ENTRY_CYCLES;
    return true;
  }
  private leave(): void {
    const n = this.active.pop() ?? 0;
    if (this.line[n] === 1) this.pending[n] = 1;
    this.cpu.interruptsUpdated = true;
  }

  // ---- Reset ----

  /** Starts over from the vector table at `base` (B1.5.5). Time goes on. */
  reset(base: number): void {
    const { cpu } = this;
    for (const state of [this.pending, this.enabled, this.line, this.priority]) state.fill(0);
    this.active.length = 0;
    this.passed = -1;
    this.stopReason = undefined;
    cpu.reset();
    cpu.VTOR = base;
    cpu.registers.fill(0);
    cpu.registers[13] = this.bus.read(base, 4) & ~3;
    cpu.registers[14] = 0xffffffff;
    const entry = this.bus.read(base + 4, 4);
    if ((entry & 1) === 0) throw new Fault("ARM state asked of Thumb by the reset vector", entry);
    cpu.registers[PC] = entry & ~1;
  }

  // ---- Running ----

  /** Has `call` made whenever the instruction at `address` is to be executed, before it is. */
  hook(address: number, call: () => void): void {
    this.hooks.set(address & ~1, call);
  }
  unhook(address: number): void {
    this.hooks.delete(address & ~1);
  }
  /** Ends the run before the next instruction. */
  stop(reason: Stop = "hook"): void {
    this.stopReason = reason;
  }

  /** Cycle at which it next does something: now, or what may end its sleep. */
  get due(): number {
    return this.cpu.waiting && this.next(true) === 0 ? this.clock.due : this.now;
  }

  /** Runs until the clock shows `end` or something stops it. */
  run(end: number): Stop {
    this.stopReason = undefined;
    while (this.now < end) {
      if (this.now >= this.clock.due) this.clock.run();
      if (this.stopReason !== undefined) return this.stopReason;
      if (this.cpu.waiting) this.doze(end);
      else this.burst(Math.min(end, this.clock.due));
      if (this.stopReason !== undefined) return this.stopReason;
    }
    return "time";
  }

  /** Executes until `end`, a stop, WFI, or a call is due earlier than `end`. */
  private burst(end: number): void {
    const { cpu, clock, hooks } = this;
    const { due } = clock;
    const until = Math.ceil((end - this.anchor) / this.scale) + this.anchorCycles;
    const { scale } = this;
    while (
      cpu.cycles < until &&
      clock.due === due &&
      !cpu.waiting &&
      this.scale === scale &&
      this.stopReason === undefined
    ) {
      const pc = cpu.registers[PC] as number;
      if (cpu.interruptsUpdated && this.enter()) continue;
      if (hooks.size > 0 && hooks.has(pc) && this.passed !== pc && this.meet(pc)) continue;
      this.passed = -1;
      if (cpu.executeInstruction()) this.instructions++;
    }
  }

  /** Returns whether the hook stopped the run or sent it elsewhere. */
  private meet(pc: number): boolean {
    this.passed = pc;
    this.hooks.get(pc)?.();
    if (this.stopReason !== undefined) return true;
    if (this.pc === pc) return false;
    this.passed = -1;
    return true;
  }

  /** WFI: time passes until an exception could be taken, whatever PRIMASK says (B1.5.17). */
  private doze(end: number): void {
    if (this.next(true) === 0) {
      this.moveTo(Math.min(end, this.clock.due));
      return;
    }
    this.cpu.waiting = false;
    this.cpu.interruptsUpdated = true;
  }
}
