// What a core is to the chip around it: registers and instructions. Exceptions by priority, hooks and time are in core.ts.

/** Widths of a bus access, in bytes. */
export type Width = 1 | 2 | 4;

/** What the core reaches by address. Both throw a Fault where there is nothing. */
export interface Bus {
  read(address: number, width: Width): number;
  write(address: number, value: number, width: Width): void;
}

/** What a Cortex-M answers with a fault exception: the run ends here, so that no test overlooks it. */
export class Fault extends Error {
  override readonly name = "Fault";
  constructor(
    readonly reason: string,
    readonly address: number,
  ) {
    super(`${reason} at 0x${(address >>> 0).toString(16).padStart(8, "0")}`);
  }
}

/** Registers and instructions. */
export interface Cpu {
  /** R0 to R15; the last is the address of the next instruction. */
  readonly registers: Uint32Array;
  cycles: number;
  /** It stands in WFI. */
  waiting: boolean;
  /** An exception may be possible that was not: enter() is asked before the next instruction. */
  interruptsUpdated: boolean;
  N: boolean;
  Z: boolean;
  C: boolean;
  V: boolean;
  /** PRIMASK. */
  PM: boolean;
  /** Exception that is handled; 0: none. */
  IPSR: number;
  VTOR: number;
  /** Returns false when its condition did not hold. */
  executeInstruction(): boolean;
  /** Stacks what an exception stacks and goes to its handler. */
  exceptionEntry(exception: number): void;
  /** All of it as after a reset but SP and PC. */
  reset(): void;
}

/** What a CPU tells those around it. */
export interface CpuEvents {
  /** A handler has returned. */
  left(): void;
  /** Whether an exception was entered. */
  enter(): boolean;
}

export type MakeCpu = (bus: Bus, events: CpuEvents) => Cpu;
