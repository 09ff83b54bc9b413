// Reset and clock control of the STM32F0x2 (RM0091, chapter 6) and STM32F405 (RM0090, chapter 7): oscillators that take
// their time to be ready, the switch of the system clock, clock gates, and the flags that tell of the last reset.

import type { Appointment, Clock } from "../../bus/clock.ts";
import { cyclesOf } from "../../bus/clock.ts";
import type { Peripheral } from "./peripheral.ts";

/** A bit that switches an oscillator on, the next one that says it is ready, and how long that takes. */
interface Oscillator {
  readonly register: number;
  readonly bit: number;
  readonly ready_us: number;
}

/** Bits 31..25 of RCC_CSR, the same in both families (RM0091 6.4.10, RM0090 7.3.21). */
export const ResetFlag = {
  BROWN_OUT: 2 ** 25, // F405; option bytes on F0x2
  PIN: 2 ** 26,
  POWER: 2 ** 27,
  SOFTWARE: 2 ** 28,
  WATCHDOG: 2 ** 29,
} as const;
const REMOVE_FLAGS = 2 ** 24;
const ALL_FLAGS = 0xfe000000;

/** What differs between the families. */
export interface RccMap {
  readonly csr: number;
  readonly oscillators: Readonly<
    Record<"hsi" | "hse" | "pll" | "lsi" | "hsi48", Oscillator | undefined>
  >;
  readonly resetValues: Readonly<Record<number, number>>;
  readonly hsiHz: number;
  /** Gates of peripherals by name: register and bit. */
  readonly gates: Readonly<Record<string, readonly [number, number]>>;
  /** Register that may only be written while the PLL is off, and the bits that this concerns. */
  readonly pllLocked: readonly [number, number];
  /** Hertz of the PLL's output, of the registers and the crystal's hertz. */
  pllHz(read: (offset: number) => number, hseHz: number): number;
  /** Hertz of the bus a peripheral hangs on. */
  busHz(name: string, read: (offset: number) => number, hclk: number): number;
}

const CR = 0x00;

// ---- STM32F0x2 ----

const F0_CFGR = 0x04;
const F0_CFGR2 = 0x2c;
const F0_HSI = 8_000_000;
const F0_HSI48 = 48_000_000;

export const RCC_F0: RccMap = {
  csr: 0x24,
  // data sheet DS9826: HSE 6.3.7 2 ms, PLL 6.3.9 at most 200 us, HSI48 6 us, HSI 2 us, LSI 85 us
  oscillators: {
    hsi: { register: CR, bit: 0, ready_us: 2 },
    hse: { register: CR, bit: 16, ready_us: 2000 },
    pll: { register: CR, bit: 24, ready_us: 200 },
    lsi: { register: 0x24, bit: 0, ready_us: 85 },
    hsi48: { register: 0x34, bit: 16, ready_us: 6 },
  },
  resetValues: { [CR]: 0x83, 20: 0x14 },
  hsiHz: F0_HSI,
  gates: {
    gpioa: [0x14, 17],
    gpiob: [0x14, 18],
    gpioc: [0x14, 19],
    syscfg: [0x18, 0],
    spi1: [0x18, 12],
    usart1: [0x18, 14],
    can1: [0x1c, 25],
  },
  pllLocked: [F0_CFGR, 0x3d8000],
  pllHz(read, hseHz) {
    const cfgr = read(F0_CFGR);
    const factor = Math.min(16, ((cfgr >>> 18) & 15) + 2);
    const divider = (read(F0_CFGR2) & 15) + 1;
    const source = (cfgr >>> 15) & 3;
    if (source === 0) return (F0_HSI / 2) * factor;
    return ((source === 1 ? F0_HSI : source === 2 ? hseHz : F0_HSI48) / divider) * factor;
  },
  busHz: (_name, read, hclk) => apbHz(hclk, (read(F0_CFGR) >>> 8) & 7),
};

// ---- STM32F405 ----

const F4_PLLCFGR = 0x04;
const F4_CFGR = 0x08;
const F4_HSI = 16_000_000;
const APB1 = ["can1"];

export const RCC_F4: RccMap = {
  csr: 0x74,
  // data sheet DS8626: HSE 5.3.8 2 ms, PLL 5.3.10 at most 300 us, HSI 4 us, LSI 40 us
  oscillators: {
    hsi: { register: CR, bit: 0, ready_us: 4 },
    hse: { register: CR, bit: 16, ready_us: 2000 },
    pll: { register: CR, bit: 24, ready_us: 300 },
    lsi: { register: 0x74, bit: 0, ready_us: 40 },
    hsi48: undefined,
  },
  resetValues: { [CR]: 0x83, [F4_PLLCFGR]: 0x24003010, 48: 0x00100000 },
  hsiHz: F4_HSI,
  gates: {
    gpioa: [0x30, 0],
    gpiob: [0x30, 1],
    gpioc: [0x30, 2],
    pwr: [0x40, 28],
    can1: [0x40, 25],
    usart1: [0x44, 4],
    spi1: [0x44, 12],
    syscfg: [0x44, 14],
  },
  pllLocked: [F4_PLLCFGR, 0xffffffff],
  pllHz(read, hseHz) {
    const r = read(F4_PLLCFGR);
    const source = (r >>> 22) & 1 ? hseHz : F4_HSI;
    return ((source / (r & 63)) * ((r >>> 6) & 511)) / (2 * ((r >>> 16) & 3) + 2);
  },
  busHz: (name, read, hclk) => apbHz(hclk, (read(F4_CFGR) >>> (APB1.includes(name) ? 10 : 13)) & 7),
};

/** PPRE: 0xx not divided, 100 to 111 by 2 to 16. */
function apbHz(hclk: number, ppre: number): number {
  return ppre < 4 ? hclk : hclk / 2 ** (ppre - 3);
}

const SW_HSI = 0;
const SW_HSE = 1;
const SW_PLL = 2;
const SW_HSI48 = 3;

export class Rcc implements Peripheral {
  private readonly registers = new Map<number, number>();
  private readonly starting = new Map<string, Appointment>();
  private flags = 0;
  private readonly cfgr: number;

  /** `hseHz`: of the crystal, 0 without one. `onClock` hears of a new system clock. */
  constructor(
    private readonly map: RccMap,
    private readonly clock: Clock,
    private readonly hseHz: number,
    private readonly onClock: (hz: number) => void,
  ) {
    this.cfgr = map === RCC_F0 ? F0_CFGR : F4_CFGR;
  }

  /** Notes why the chip starts over. Every internal reset pulls the reset pin, too (RM0091 6.1.1). */
  noteReset(flag: number): void {
    if (flag === ResetFlag.POWER) this.flags = 0;
    this.flags = (this.flags | flag | ResetFlag.PIN) >>> 0;
  }

  reset(): void {
    for (const waiting of this.starting.values()) this.clock.cancel(waiting);
    this.starting.clear();
    this.registers.clear();
    for (const [offset, value] of Object.entries(this.map.resetValues))
      this.registers.set(Number(offset), value);
    this.onClock(this.map.hsiHz);
  }

  /** Whether the clock of a peripheral runs; those without a gate always do. */
  isOn(name: string): boolean {
    const gate = this.map.gates[name];
    return gate === undefined || (this.get(gate[0]) & (1 << gate[1])) !== 0;
  }
  /** Hertz of the system clock. */
  get hclk(): number {
    return this.sourceHz((this.get(this.cfgr) >>> 2) & 3);
  }
  busHz(name: string): number {
    return this.map.busHz(name, (offset) => this.get(offset), this.hclk);
  }

  private get(offset: number): number {
    return this.registers.get(offset) ?? 0;
  }
  private sourceHz(source: number): number {
    if (source === SW_HSE) return this.hseHz;
    if (source === SW_PLL) return this.map.pllHz((offset) => this.get(offset), this.hseHz);
    return source === SW_HSI48 ? F0_HSI48 : this.map.hsiHz;
  }

  read(offset: number): number {
    const value = this.get(offset);
    return (offset === this.map.csr ? value | this.flags : value) >>> 0;
  }

  write(offset: number, value: number): void {
    if (offset === this.map.csr && (value & REMOVE_FLAGS) !== 0) this.flags = 0;
    const old = this.get(offset);
    let next = offset === this.map.csr ? value & ~ALL_FLAGS & ~REMOVE_FLAGS : value;
    const [locked, bits] = this.map.pllLocked;
    if (offset === locked && this.isPllOn()) next = (next & ~bits) | (old & bits);
    for (const [name, o] of Object.entries(this.map.oscillators))
      if (o?.register === offset) next = this.operate(name, o, old, next);
    if (offset === this.cfgr) next = (next & ~12) | (old & 12);
    this.registers.set(offset, next >>> 0);
    if (offset === this.cfgr) this.switchClock(next & 3);
  }

  private isPllOn(): boolean {
    return (this.get(CR) & (1 << 24)) !== 0;
  }

  /** Starts or stops an oscillator; returns the register with its ready bit, which software cannot write. */
  private operate(name: string, o: Oscillator, old: number, next: number): number {
    const [on, ready] = [1 << o.bit, 1 << (o.bit + 1)];
    if ((next & on) === 0) {
      this.clock.cancel(this.starting.get(name));
      this.starting.delete(name);
      return next & ~ready;
    }
    const isThere = name !== "hse" || this.hseHz !== 0;
    if ((old & ready) === 0 && isThere && !this.starting.has(name)) {
      const start = () => {
        this.starting.delete(name);
        this.registers.set(o.register, (this.get(o.register) | ready) >>> 0);
      };
      this.starting.set(name, this.clock.after(cyclesOf(this.clock, o.ready_us), start));
    }
    return (next & ~ready) | (old & ready);
  }

  /** A source that is not ready is not taken (RM0091 6.2.6). */
  private switchClock(source: number): void {
    const names = {
      [SW_HSI]: "hsi",
      [SW_HSE]: "hse",
      [SW_PLL]: "pll",
      [SW_HSI48]: "hsi48",
    } as const;
    const o = this.map.oscillators[names[source as 0 | 1 | 2 | 3]];
    if (o === undefined || (this.get(o.register) & (1 << (o.bit + 1))) === 0) return;
    this.registers.set(this.cfgr, ((this.get(this.cfgr) & ~12) | (source << 2)) >>> 0);
    this.onClock(this.sourceHz(source));
  }
}
