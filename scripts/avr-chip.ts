// Runs a bare program on a simulated ATmega1284P and counts its cycles. The program talks through the general purpose
// registers (scripts/bench/avr/node.c); the chip has no peripherals, or those of the board.

import { createRequire } from "node:module";
import type { CPU as Chip } from "avr8js";
import type { AvrBoard } from "../host/boards/avr/board.ts";
import type { Program } from "./avr-build.ts";

const { CPU, avrInstruction } = createRequire(import.meta.url)("avr8js") as typeof import("avr8js");

const RAM_BYTES = 16384;
const GPIOR0 = 0x3e;
const GPIOR1 = 0x4a;
const GPIOR2 = 0x4b;
const SP = 0x5d;
/** Lines of scripts/bench/avr/node.c, in its order. */
const CALL_BEGINS = 1;
const CALL_ENDS = 2;
const TELL_BYTE = 3;
const ASK_BYTE = 4;
const TRAP = 5;

/** What the program is told when it asks for a byte, and what hears the bytes it tells. */
export interface Outside {
  answer(): number;
  hear(byte: number): void;
}

export class BareChip {
  readonly cpu: Chip;
  /** Cycles of the call of the core that ended last, and of the longest so far. */
  cycles = 0;
  longest = 0;
  /** What the program said it was. */
  longestCall = 0;
  /** Calls that have ended. */
  calls = 0;
  lowestSp = 0xffff;
  private begun = 0;

  /** `board`: the one the program runs on, if it needs any of its devices. */
  constructor(
    { flash }: Pick<Program, "flash">,
    outside: Outside,
    private readonly board?: AvrBoard,
  ) {
    this.cpu = board?.chip.cpu ?? new CPU(flash, RAM_BYTES);
    const { cpu } = this;
    cpu.writeHooks[GPIOR0] = (value) => {
      if (value === CALL_BEGINS) this.begun = cpu.cycles;
      else if (value === CALL_ENDS) this.end();
      else if (value === TELL_BYTE) outside.hear(cpu.data[GPIOR1] ?? 0);
      else if (value === ASK_BYTE) cpu.data[GPIOR2] = outside.answer();
      else if (value === TRAP) throw new Error(`the core stopped with trap ${cpu.data[GPIOR1]}`);
      return true;
    };
  }

  private end(): void {
    this.cycles = this.cpu.cycles - this.begun;
    this.calls++;
    if (this.cycles <= this.longest) return;
    this.longest = this.cycles;
    this.longestCall = this.cpu.data[GPIOR1] ?? 0;
  }

  /** Runs until `isDone`, `limit` cycles at most. */
  run(isDone: () => boolean, limit: number): void {
    const { cpu } = this;
    const end = cpu.cycles + limit;
    while (!isDone()) {
      if (this.board === undefined) avrInstruction(cpu);
      else this.board.run(1);
      const sp = cpu.dataView.getUint16(SP, true);
      if (sp < this.lowestSp && sp !== 0) this.lowestSp = sp;
      if (cpu.cycles > end) throw new Error(`no end after ${limit} cycles`);
    }
  }

  bytes(address: number, length: number): Uint8Array {
    return this.cpu.data.slice(address, address + length);
  }
  lay(address: number, bytes: Uint8Array): void {
    this.cpu.data.set(bytes, address);
  }
}
