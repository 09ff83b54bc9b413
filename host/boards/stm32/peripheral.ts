// What peripherals of the STM32 models have in common: registers at offsets, an interrupt line, a clock that RCC gates.

import type { Clock } from "../../bus/clock.ts";
import type { Width } from "./cpu.ts";

/** Registers in a block of the address map. Offsets are those of the reference manual; what is not there reads 0. */
export interface Peripheral {
  read(offset: number, width: Width): number;
  write(offset: number, value: number, width: Width): void;
  /** Registers as after a reset of the chip. */
  reset(): void;
}

/** What a peripheral sees of its chip. */
export interface Surroundings {
  readonly clock: Clock;
  /** Hertz of the peripheral's clock at present. */
  readonly hz: () => number;
  /** Sets the level of its interrupt request. */
  readonly interrupt: (isHigh: boolean) => void;
}

/** Cycles of the virtual clock that `ticks` of a peripheral's clock take. */
export function ticksOf({ clock, hz }: Surroundings, ticks: number): number {
  return (ticks * clock.hz) / hz();
}
