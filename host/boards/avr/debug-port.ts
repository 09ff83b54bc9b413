// The debug port of an AVR. Linear memory of the core is data memory at the same addresses (see the linker script), so
// nothing is copied.

import {
  type Call,
  ChipFailure,
  type DebugPort as Port,
  type Prototype,
  type Served,
} from "../debug-port.ts";
import {
  bytesOf,
  fitted,
  load,
  type Place,
  placesOf,
  resultRegister,
  store,
  typed,
} from "./abi.ts";
import { type Chip, FLASH_BYTES, SRAM_END } from "./chip.ts";

/** Where calls return to: the last word of flash, which no program uses. */
const RETURN_ADDRESS = FLASH_BYTES - 2;
/** Cycles of a call that is taken to be endless: 125 s. */
const CYCLES_MAX = 2e9;
const REGISTERS = 32;
const SREG = 0x5f;
const RETURN_BYTES = 2;

export interface DebugOptions {
  /** Byte address of a function. Undefined: the program does not have it. */
  readonly addressOf: (symbol: string) => number | undefined;
  /** Lowest address the stack may reach. */
  readonly stackFloor: number;
}

export class DebugPort implements Port {
  /** Cycles spent in the last call, and in all calls so far. */
  lastCycles = 0;
  spentCycles = 0;

  constructor(
    readonly chip: Chip,
    private readonly options: DebugOptions,
  ) {
    chip.hook(RETURN_ADDRESS, () => chip.stop());
  }

  // ---- Calls ----

  function(prototype: Prototype): Call | undefined {
    const address = this.options.addressOf(prototype.symbol);
    if (address === undefined) return undefined;
    const { params, result, symbol } = typed(prototype);
    const places = placesOf(params);
    return (...args) => {
      if (this.isCalling) throw new ChipFailure(`${symbol}: called inside a call`);
      this.save();
      try {
        const passed = params.map((type, n) => fitted(args[n] ?? 0, type));
        this.call(symbol, address, places, passed);
        return result === undefined ? 0 : load(this.chip.data, resultRegister(result), result);
      } finally {
        this.restore();
      }
    };
  }

  private readonly saved = { registers: new Uint8Array(REGISTERS), sreg: 0, sp: 0, pc: 0 };
  private isCalling = false;

  private save(): void {
    const { chip, saved } = this;
    saved.registers.set(chip.data.subarray(0, REGISTERS));
    saved.sreg = chip.data[SREG] as number;
    saved.sp = chip.sp;
    saved.pc = chip.cpu.pc;
    this.isCalling = true;
  }

  private call(symbol: string, address: number, places: readonly Place[], args: number[]): void {
    const { chip } = this;
    chip.data[1] = 0; // R1 is zero between instructions of C
    this.hand(places, args);
    this.pushReturn();
    chip.cpu.pc = address >> 1;
    const started = chip.clock.now;
    const ended = chip.run(started + CYCLES_MAX);
    this.lastCycles = chip.clock.now - started;
    this.spentCycles += this.lastCycles;
    if (ended !== "hook" || chip.cpu.pc !== RETURN_ADDRESS >> 1)
      throw new ChipFailure(`${symbol}: ended by ${ended} at ${(2 * chip.cpu.pc).toString(16)}`);
  }

  /** Lays the arguments where the function looks for them. */
  private hand(places: readonly Place[], args: number[]): void {
    const { chip } = this;
    const onStack = places.filter(({ where }) => where === "stack");
    chip.sp -= onStack.reduce((sum, { bytes }) => sum + bytes, 0);
    if (chip.sp < this.options.stackFloor) throw new ChipFailure("no stack left for a call");
    for (const [n, { where, at, bytes }] of places.entries()) {
      const address = where === "register" ? at : chip.sp + 1 + at;
      store(chip.data, address, args[n] as number, bytes);
    }
  }

  private pushReturn(): void {
    const { chip } = this;
    const { sp } = chip;
    chip.data[sp] = (RETURN_ADDRESS >> 1) & 0xff;
    chip.data[sp - 1] = RETURN_ADDRESS >> 9;
    chip.sp = sp - RETURN_BYTES;
  }

  private restore(): void {
    const { chip, saved } = this;
    this.isCalling = false;
    chip.data.set(saved.registers);
    chip.data[SREG] = saved.sreg;
    chip.sp = saved.sp;
    chip.cpu.pc = saved.pc;
    chip.passHook();
  }

  // ---- Functions carried out here ----

  serve(prototype: Prototype, call: Served): boolean {
    const { symbol, params, result } = typed(prototype);
    const address = this.options.addressOf(symbol);
    if (address === undefined) return false;
    const { chip } = this;
    const places = placesOf(params);
    chip.hook(address, () => {
      const args = places.map(({ where, at }, n) => {
        const from = where === "register" ? at : chip.sp + 1 + RETURN_BYTES + at;
        return load(chip.data, from, params[n] as (typeof params)[number]);
      });
      const value = call(...args) ?? 0;
      if (result !== undefined) store(chip.data, resultRegister(result), value, bytesOf(result));
      this.leave();
    });
    return true;
  }

  /** What RET does, in its four cycles. */
  leave(): void {
    const { chip } = this;
    const { sp } = chip;
    if (sp + RETURN_BYTES >= SRAM_END) throw new ChipFailure("a return without a call");
    chip.cpu.pc = ((chip.data[sp + 1] as number) << 8) | (chip.data[sp + 2] as number);
    chip.sp = sp + RETURN_BYTES;
    chip.cpu.cycles += 4;
  }
}
