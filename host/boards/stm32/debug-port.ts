// The debug port of a Cortex-M. Arguments as in the Procedure Call Standard for the Arm Architecture (IHI 0042), 6.5: R0 to
// R3, then the stack; each of the core's takes a register or a word.

import {
  type Call,
  ChipFailure,
  type DebugPort as Port,
  type Prototype,
  type Served,
} from "../debug-port.ts";
import type { Chip } from "./chip.ts";

/** Where calls return to: an address in the alias of flash that no program uses. */
const RETURN_ADDRESS = 0x1fffe;
/** Seconds of a call that is taken to be endless. */
const CALL_MAX_S = 100;
const SP = 13;
const LR = 14;
const PC = 15;
const IN_REGISTERS = 4;

export class DebugPort implements Port {
  /** Cycles and instructions of the last call. */
  lastCycles = 0;
  lastInstructions = 0;
  private isCalling = false;

  constructor(
    readonly chip: Chip,
    private readonly addressOf: (symbol: string) => number | undefined,
  ) {
    chip.core.hook(RETURN_ADDRESS, () => chip.core.stop());
  }

  // ---- Calls ----

  function({ symbol, result }: Prototype): Call | undefined {
    const address = this.addressOf(symbol);
    if (address === undefined) return undefined;
    return (...args) => {
      if (this.isCalling) throw new ChipFailure(`${symbol}: called inside a call`);
      const saved = this.chip.core.registers.slice();
      this.isCalling = true;
      try {
        const value = this.call(symbol, address, args);
        return result === undefined ? 0 : value;
      } finally {
        this.isCalling = false;
        this.chip.core.registers.set(saved);
      }
    };
  }

  private call(symbol: string, address: number, args: readonly number[]): number {
    const { core } = this.chip;
    const r = core.registers;
    const onStack = args.slice(IN_REGISTERS);
    r[SP] = ((r[SP] as number) - 4 * onStack.length) & ~7; // the stack is aligned to 8 at a call (6.2.1.2)
    onStack.forEach((value, n) => {
      this.chip.write((r[SP] as number) + 4 * n, value >>> 0, 4);
    });
    args.slice(0, IN_REGISTERS).forEach((value, n) => {
      r[n] = value;
    });
    r[LR] = RETURN_ADDRESS | 1;
    r[PC] = address;
    const [cycles, instructions] = [core.cpu.cycles, core.instructions];
    const ended = this.chip.run(core.now + CALL_MAX_S * core.clock.hz);
    this.lastCycles = core.cpu.cycles - cycles;
    this.lastInstructions = core.instructions - instructions;
    if (ended !== "hook" || core.pc !== RETURN_ADDRESS)
      throw new ChipFailure(`${symbol}: ended by ${ended} at 0x${core.pc.toString(16)}`);
    return (r[0] as number) | 0;
  }

  // ---- Functions carried out here ----

  serve({ symbol, params, result }: Prototype, call: Served): boolean {
    const address = this.addressOf(symbol);
    if (address === undefined) return false;
    const { core } = this.chip;
    core.hook(address, () => {
      const r = core.registers;
      const args = params.map((_, n) =>
        n < IN_REGISTERS
          ? (r[n] as number) | 0
          : this.chip.read((r[SP] as number) + 4 * (n - IN_REGISTERS), 4) | 0,
      );
      const value = call(...args);
      if (result !== undefined) r[0] = value ?? 0;
      this.leave();
    });
    return true;
  }

  leave(): void {
    const r = this.chip.core.registers;
    r[PC] = (r[LR] as number) & ~1;
  }
}
