// A port of pins (RM0091 chapter 8, RM0090 chapter 8): modes, alternate functions, pull-ups, levels from outside.

import type { Peripheral } from "./peripheral.ts";

const MODER = 0x00;
const PUPDR = 0x0c;
const IDR = 0x10;
const ODR = 0x14;
const BSRR = 0x18;
const AFRL = 0x20;
const AFRH = 0x24;
const BRR = 0x28;

const OUTPUT = 1;
const ALTERNATE = 2;
const PULL_UP = 1;

export class Gpio implements Peripheral {
  private readonly registers = new Map<number, number>();
  private odr = 0;
  /** Levels applied from outside; undefined: nothing is connected. */
  private readonly applied: (0 | 1 | undefined)[] = new Array(16).fill(undefined);
  private readonly listeners: ((pin: number, level: number | undefined) => void)[] = [];
  private readonly seen: (number | undefined)[] = new Array(16).fill(undefined);

  /** `resetModes`: MODER of this port after reset: PA13 and PA14 belong to the debugger. `hasBrr`: F0 only. */
  constructor(
    private readonly resetModes = 0,
    private readonly hasBrr = true,
  ) {}

  reset(): void {
    this.registers.clear();
    this.registers.set(MODER, this.resetModes);
    this.odr = 0;
    this.tell();
  }

  private field(offset: number, pin: number, bits: number): number {
    return ((this.registers.get(offset) ?? 0) >>> (pin * bits)) & ((1 << bits) - 1);
  }
  mode(pin: number): number {
    return this.field(MODER, pin, 2);
  }
  /** The alternate function a pin has at present; undefined: none. */
  alternate(pin: number): number | undefined {
    if (this.mode(pin) !== ALTERNATE) return undefined;
    return this.field(pin < 8 ? AFRL : AFRH, pin % 8, 4);
  }
  /** What the chip drives; undefined: nothing. */
  driven(pin: number): number | undefined {
    return this.mode(pin) === OUTPUT ? (this.odr >>> pin) & 1 : undefined;
  }
  /** The level at a pin: driven, applied, or pulled. A floating pin reads 0. */
  level(pin: number): number {
    const pulled = this.field(PUPDR, pin, 2) === PULL_UP ? 1 : 0;
    return this.driven(pin) ?? this.applied[pin] ?? pulled;
  }
  apply(pin: number, level: 0 | 1 | undefined): void {
    this.applied[pin] = level;
  }
  /** Hears of what the chip drives, when it changes. */
  onDrive(call: (pin: number, level: number | undefined) => void): void {
    this.listeners.push(call);
  }
  private tell(): void {
    for (let pin = 0; pin < 16; pin++) {
      const level = this.driven(pin);
      if (level === this.seen[pin]) continue;
      this.seen[pin] = level;
      for (const call of this.listeners) call(pin, level);
    }
  }

  read(offset: number): number {
    if (offset === ODR) return this.odr;
    if (offset !== IDR) return this.registers.get(offset) ?? 0;
    let levels = 0;
    for (let pin = 0; pin < 16; pin++) levels |= this.level(pin) << pin;
    return levels;
  }
  write(offset: number, value: number): void {
    if (offset === ODR) this.odr = value & 0xffff;
    else if (offset === BSRR)
      this.odr = (this.odr & ~(value >>> 16)) | (value & 0xffff); // set wins (8.4.7)
    else if (offset === BRR && this.hasBrr) this.odr &= ~value;
    else if (offset !== IDR) this.registers.set(offset, value >>> 0);
    this.tell();
  }
}
