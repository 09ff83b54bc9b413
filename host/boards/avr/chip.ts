// The CPU of an ATmega1284P: flash, registers, SRAM, interrupts, sleep, reset. Sections are those of the data sheet
// Atmel-42719. The instructions are avr8js's; where it differs from silicon, this file sets it right:
// an interrupt takes 4 cycles (7.7.1) and waits for the instruction behind SEI and RETI (7.7), CBI takes 2 (33),
// SLEEP sleeps (11). Missing: SPM, and the sleep modes that stop the I/O clock; both end the run with an error.

import { avrInstruction, CPU } from "avr8js";
import { Agenda } from "../../bus/clock.ts";
import type { Elf } from "../../formats/elf.ts";

export const FLASH_BYTES = 0x20000;
/** First address of SRAM and the one behind it (8.2). */
export const SRAM_BASE = 0x100;
export const SRAM_END = 0x4100;

/** Bits of MCUSR (12.5.1). */
export const Reset = { POWER_ON: 1, EXTERNAL: 2, BROWN_OUT: 4, WATCHDOG: 8 } as const;

const SREG = 0x5f;
const SREG_I = 0x80;
const MCUSR = 0x54;
const SMCR = 0x53;
const VECTORS = 35;
const SLEEP_ENABLED = 1;
const SLEEP_MODES = 0x0e;

/** What an instruction address has besides the instruction. */
const Mark = { HOOK: 1, CBI: 2, DELAY: 4, SLEEP: 8, SPM: 16, BREAK: 32 } as const;

function markOf(opcode: number): number {
  if ((opcode & 0xff00) === 0x9800) return Mark.CBI;
  if (opcode === 0x9478 || opcode === 0x9518) return Mark.DELAY;
  if (opcode === 0x9588) return Mark.SLEEP;
  if (opcode === 0x95e8 || opcode === 0x95f8) return Mark.SPM;
  return opcode === 0x9598 ? Mark.BREAK : 0;
}

/** The program of an ELF file as the words of flash, erased where there is nothing. */
export function flashOf(elf: Elf): Uint16Array {
  const bytes = new Uint8Array(FLASH_BYTES).fill(0xff);
  for (const segment of elf.segments)
    if (segment.loadAddress < FLASH_BYTES) bytes.set(segment.bytes, segment.loadAddress);
  return new Uint16Array(bytes.buffer);
}

/** What happens at a register: reads give what is stored, writes store, unless a hook says otherwise. */
export type ReadHook = () => number;
/** `mask`: the bits that the instruction means, all of them or the one of SBI and CBI. */
export type WriteHook = (value: number, mask: number) => void;

/** Why a run ended. */
export type Stop = "time" | "hook" | "break";

export class Chip {
  readonly cpu: CPU;
  readonly clock: Agenda;
  /** Told of each reset, so that peripherals start over. */
  readonly onReset: (() => void)[] = [];
  /** Hears of interrupts as they are entered. */
  onInterrupt: ((vector: number) => void) | undefined;
  /** Cycles slept since power-on. */
  sleptCycles = 0;
  private readonly marks: Uint8Array;
  private readonly hooks = new Map<number, () => void>();
  private readonly pending = new Uint8Array(VECTORS);
  private readonly acknowledge: ((() => void) | undefined)[] = new Array(VECTORS).fill(undefined);
  private nextVector = VECTORS;
  private isAsleep = false;
  private isStopped = false;
  /** Address whose hook was served and whose instruction comes next. */
  private passed = -1;

  constructor(flash: Uint16Array, hz = 16_000_000) {
    this.cpu = new CPU(flash, SRAM_END - SRAM_BASE);
    // avr8js grows them as it goes; arrays that hold every address are read faster
    Object.assign(this.cpu, { readHooks: new Array(SRAM_END), writeHooks: new Array(SRAM_END) });
    this.clock = new Agenda(hz, () => this.cpu.cycles);
    this.marks = Uint8Array.from(flash, markOf);
  }

  // ---- Registers ----

  get data(): Uint8Array {
    return this.cpu.data;
  }
  get memory(): ArrayBuffer {
    return this.data.buffer as ArrayBuffer;
  }
  /** Byte address of the next instruction. */
  get pc(): number {
    return 2 * this.cpu.pc;
  }
  get sp(): number {
    return this.cpu.SP;
  }
  set sp(value: number) {
    this.cpu.SP = value;
  }
  /** Whether interrupts are allowed. */
  get interrupts(): boolean {
    return (this.cpu.SREG & SREG_I) !== 0;
  }
  set interrupts(on: boolean) {
    const rest = this.cpu.SREG & ~SREG_I;
    this.data[SREG] = on ? rest | SREG_I : rest;
  }

  onRead(address: number, hook: ReadHook): void {
    this.cpu.readHooks[address] = hook;
  }
  onWrite(address: number, hook: WriteHook): void {
    this.cpu.writeHooks[address] = (value, _old, _address, mask) => {
      hook(value, mask);
      return true;
    };
  }

  // ---- Interrupts ----

  /** `call` clears the flag when the interrupt of a vector is entered; without it the request stays until it is lowered. */
  onAcknowledge(vector: number, call: () => void): void {
    this.acknowledge[vector] = call;
  }
  /** Requests an interrupt, or takes the request back. */
  request(vector: number, on: boolean): void {
    this.pending[vector] = on ? 1 : 0;
    if (on) {
      if (vector < this.nextVector) this.nextVector = vector;
    } else if (vector === this.nextVector) this.findNext();
  }
  private findNext(): void {
    const next = this.pending.indexOf(1);
    this.nextVector = next < 0 ? VECTORS : next;
  }

  private enter(): void {
    const vector = this.nextVector;
    const { cpu, data } = this;
    const { sp } = this;
    data[sp] = cpu.pc & 0xff;
    data[sp - 1] = cpu.pc >> 8;
    this.sp = sp - 2;
    this.interrupts = false;
    cpu.pc = 2 * vector;
    cpu.cycles += 4;
    const acknowledge = this.acknowledge[vector];
    if (acknowledge !== undefined) {
      this.request(vector, false);
      acknowledge();
    }
    this.onInterrupt?.(vector);
  }

  // ---- Reset ----

  /** Fills SRAM with what nobody should rely on, as when the power comes on. */
  scramble(seed: number): void {
    let state = seed | 1;
    for (let at = SRAM_BASE; at < SRAM_END; at++) {
      state = (Math.imul(state, 0x41c64e6d) + 12345) | 0;
      this.data[at] = state >>> 16;
    }
  }

  /** Starts over with the flags of `cause` in MCUSR. SRAM keeps its bytes, as silicon does while it has power. */
  reset(cause: number): void {
    const flags = cause === Reset.POWER_ON ? cause : (this.data[MCUSR] as number) | cause;
    this.data.fill(0, 0, SRAM_BASE);
    this.data[MCUSR] = flags;
    this.sp = SRAM_END - 1;
    this.cpu.pc = 0;
    this.pending.fill(0);
    this.nextVector = VECTORS;
    this.isAsleep = false;
    this.passed = -1;
    for (const call of this.onReset) call();
  }

  // ---- Running ----

  private mark(address: number, hook: number): void {
    const at = address >> 1;
    this.marks[at] = ((this.marks[at] as number) & ~Mark.HOOK) | hook;
  }
  /** Has `call` made whenever the instruction at a byte address of flash is to be executed, before it is. */
  hook(address: number, call: () => void): void {
    this.mark(address, Mark.HOOK);
    this.hooks.set(address >> 1, call);
  }
  unhook(address: number): void {
    this.mark(address, 0);
    this.hooks.delete(address >> 1);
  }
  /** Ends the run before the next instruction; for hooks. */
  stop(): void {
    this.isStopped = true;
  }
  /** The instruction at the pc is executed without asking its hook again. */
  passHook(): void {
    this.passed = this.cpu.pc;
  }

  /** Cycle at which it next does something: now, or what ends its sleep. */
  get due(): number {
    return this.isAsleep && this.nextVector === VECTORS ? this.clock.due : this.cpu.cycles;
  }

  /** Runs until the clock shows `end`, a hook stops it, or BREAK. */
  run(end: number): Stop {
    const { cpu, marks, clock, data } = this;
    this.isStopped = false;
    if (this.passed !== cpu.pc) this.passed = -1;
    while (cpu.cycles < end) {
      if (this.isAsleep) this.doze(end);
      else if (marks[cpu.pc] === 0) avrInstruction(cpu);
      else {
        const mark = marks[cpu.pc] as number;
        const ended = this.meet(mark);
        if (ended !== undefined) return ended;
        if (mark === Mark.DELAY) {
          if (cpu.cycles >= clock.due) clock.run();
          continue;
        }
      }
      if (cpu.cycles >= clock.due) clock.run();
      if (this.nextVector < VECTORS && ((data[SREG] as number) & SREG_I) !== 0) {
        if (this.isAsleep) this.wake();
        this.enter();
      }
    }
    return "time";
  }

  /** Executes an instruction that is marked, its hook first. */
  private meet(mark: number): Stop | undefined {
    const { cpu } = this;
    if ((mark & Mark.HOOK) !== 0 && this.passed !== cpu.pc) {
      const { pc } = cpu;
      this.passed = pc;
      this.hooks.get(pc)?.();
      if (this.isStopped) return "hook";
      if (cpu.pc !== pc) {
        this.passed = -1;
        return undefined;
      }
    }
    this.passed = -1;
    if ((mark & Mark.BREAK) !== 0) return "break";
    if ((mark & Mark.SPM) !== 0) throw new Error(`SPM at ${2 * cpu.pc}: not modelled`);
    avrInstruction(cpu);
    if ((mark & Mark.CBI) !== 0) cpu.cycles++;
    if ((mark & Mark.SLEEP) !== 0) this.fallAsleep();
    return undefined;
  }

  private fallAsleep(): void {
    const smcr = this.data[SMCR] as number;
    if ((smcr & SLEEP_ENABLED) === 0) return;
    if ((smcr & SLEEP_MODES) !== 0)
      throw new Error("a sleep mode that stops the clock: not modelled");
    this.isAsleep = true;
  }
  /** Sleeps until something happens. */
  private doze(end: number): void {
    const { cpu } = this;
    const until = Math.max(cpu.cycles, Math.min(end, this.clock.due));
    this.sleptCycles += until - cpu.cycles;
    cpu.cycles = until;
  }
  /** The four cycles of waking come on top of those of the interrupt (11.2). */
  private wake(): void {
    this.isAsleep = false;
    this.cpu.cycles += 4;
  }
}
