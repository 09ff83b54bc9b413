// Timers 0 to 3 of an ATmega1284P in the modes Normal and CTC (data sheet 42719, 19 to 21): the count is computed when
// somebody looks, and the clock is asked for the next match alone. Another mode, or an external clock, ends with an error.

import type { Appointment } from "../../bus/clock.ts";
import type { Chip } from "./chip.ts";

interface TimerPlace {
  readonly isWide: boolean;
  /** TCCRnA; TCCRnB behind it. */
  readonly control: number;
  readonly count: number;
  readonly capture?: number;
  readonly compare: readonly [number, number];
  readonly flags: number;
  readonly mask: number;
  /** Vectors of overflow, compare A and compare B: the bits of the flags in order. */
  readonly vectors: readonly [number, number, number];
  readonly dividers: readonly number[];
}

const COMMON = [0, 1, 8, 64, 256, 1024, -1, -1] as const;

export const TIMERS: readonly TimerPlace[] = [
  {
    isWide: false,
    control: 0x44,
    count: 0x46,
    compare: [0x47, 0x48],
    flags: 0x35,
    mask: 0x6e,
    vectors: [18, 16, 17],
    dividers: COMMON,
  },
  {
    isWide: true,
    control: 0x80,
    count: 0x84,
    capture: 0x86,
    compare: [0x88, 0x8a],
    flags: 0x36,
    mask: 0x6f,
    vectors: [15, 13, 14],
    dividers: COMMON,
  },
  {
    isWide: false,
    control: 0xb0,
    count: 0xb2,
    compare: [0xb3, 0xb4],
    flags: 0x37,
    mask: 0x70,
    vectors: [11, 9, 10],
    dividers: [0, 1, 8, 32, 64, 128, 256, 1024],
  },
  {
    isWide: true,
    control: 0x90,
    count: 0x94,
    capture: 0x96,
    compare: [0x98, 0x9a],
    flags: 0x38,
    mask: 0x71,
    vectors: [34, 32, 33],
    dividers: COMMON,
  },
];

const TOV = 1;

export class Timer {
  /** Count at tick `since`; a tick is `divider` cycles of the prescaler, which runs from reset on. */
  private base = 0;
  private since = 0;
  /** Tick up to which matches have been noted. */
  private noted = 0;
  private divider = 0;
  private top = 0xffff;
  /** TEMP, the other byte of a 16-bit access (20.3). */
  private temp = 0;
  private readonly compare = [0, 0];
  private capture = 0;
  private appointment: Appointment | undefined;

  constructor(
    private readonly chip: Chip,
    private readonly place: TimerPlace,
  ) {
    const { control, count, compare, capture, flags, mask, vectors } = place;
    for (const register of [control, control + 1])
      chip.onWrite(register, (value) => {
        this.note();
        chip.data[register] = value;
        this.configure();
      });
    this.register(
      count,
      () => this.now(),
      (value) => this.setCount(value),
    );
    for (const n of [0, 1] as const)
      this.register(
        compare[n],
        () => this.compare[n] as number,
        (value) => this.setCompare(n, value),
      );
    if (capture !== undefined)
      this.register(
        capture,
        () => this.capture,
        (value) => this.setCapture(value),
      );
    chip.onRead(flags, () => {
      this.note();
      return chip.data[flags] as number;
    });
    chip.onWrite(flags, (value) => {
      this.note();
      chip.data[flags] = (chip.data[flags] as number) & ~value; // a one clears
      this.judge();
    });
    chip.onWrite(mask, (value) => {
      this.note();
      chip.data[mask] = value;
      this.judge();
      this.appoint();
    });
    for (const [bit, vector] of vectors.entries())
      chip.onAcknowledge(vector, () => {
        chip.data[flags] = (chip.data[flags] as number) & ~(1 << bit);
      });
    chip.onReset.push(() => this.reset());
    this.reset();
  }

  private reset(): void {
    this.base = 0;
    this.since = 0;
    this.noted = 0;
    this.divider = 0;
    this.temp = 0;
    this.compare.fill(0);
    this.capture = 0;
    this.top = this.max;
    this.appoint();
  }
  private get max(): number {
    return this.place.isWide ? 0xffff : 0xff;
  }

  /** A register of eight bits, or of sixteen through TEMP: read low byte first, written high byte first. */
  private register(address: number, read: () => number, write: (value: number) => void): void {
    const { chip } = this;
    if (!this.place.isWide) {
      chip.onRead(address, read);
      chip.onWrite(address, write);
      return;
    }
    chip.onRead(address, () => {
      const value = read();
      this.temp = value >> 8;
      return value & 0xff;
    });
    chip.onRead(address + 1, () => this.temp);
    chip.onWrite(address + 1, (value) => {
      this.temp = value;
    });
    chip.onWrite(address, (value) => write((this.temp << 8) | value));
  }

  // ---- The count ----

  private get ticks(): number {
    return this.divider === 0 ? this.since : Math.floor(this.chip.clock.now / this.divider);
  }
  private now(): number {
    return this.countAt(this.ticks);
  }
  /** Beyond TOP the count goes on to MAX before it starts over. */
  private countAt(tick: number): number {
    const passed = tick - this.since;
    if (this.base <= this.top) return (this.base + passed) % (this.top + 1);
    const toZero = this.max + 1 - this.base;
    return passed < toZero ? this.base + passed : (passed - toZero) % (this.top + 1);
  }
  private restart(count: number): void {
    this.base = count;
    this.since = this.ticks;
    this.noted = this.since;
    this.appoint();
  }
  private setCount(value: number): void {
    this.note();
    this.restart(value);
  }
  private setCompare(n: number, value: number): void {
    this.note();
    const count = this.now();
    this.compare[n] = value;
    this.configure(count);
  }
  private setCapture(value: number): void {
    this.note();
    this.capture = value;
    this.configure();
  }

  /** TOP of a mode; undefined: not modelled. */
  private topOf(wgm: number): number | undefined {
    if (wgm === 0) return this.max;
    if (wgm === (this.place.isWide ? 4 : 2)) return this.compare[0];
    return this.place.isWide && wgm === 12 ? this.capture : undefined;
  }

  /** Reads mode and clock from the control registers (Tables 19-8, 20-6, 20-7, 21-8). */
  private configure(count = this.now()): void {
    const { chip, place } = this;
    const a = chip.data[place.control] as number;
    const b = chip.data[place.control + 1] as number;
    const divider = place.dividers[b & 7] as number;
    const wgm = place.isWide ? (a & 3) | ((b >> 1) & 0x0c) : (a & 3) | ((b >> 1) & 4);
    const top = this.topOf(wgm);
    if (divider !== 0 && (divider < 0 || top === undefined))
      throw new Error(`a timer in mode ${wgm} with clock ${b & 7}: not modelled`);
    this.top = top ?? this.max;
    this.divider = divider;
    this.restart(count);
  }

  // ---- Matches ----

  /** Ticks from `tick` until the count has just left `value`; infinite: it never comes there. */
  private ticksTo(value: number, tick: number): number {
    const count = this.countAt(tick);
    const isBeyond = count > this.top;
    if (value > this.top && !(isBeyond && value >= count)) return Number.POSITIVE_INFINITY;
    if (value >= count) return value - count + 1;
    return (isBeyond ? this.max + 1 : this.top + 1) - count + value + 1;
  }
  /** The values whose leaving sets the flags: MAX for overflow, the compare registers (19.7, 20.9). */
  private get marks(): readonly number[] {
    return [this.max, this.compare[0] as number, this.compare[1] as number];
  }

  /** Sets the flags of what was passed since the last look. */
  private note(): void {
    const { chip, place } = this;
    if (this.divider === 0) return;
    const { ticks } = this;
    let flags = 0;
    for (const [bit, value] of this.marks.entries())
      if (this.noted + this.ticksTo(value, this.noted) <= ticks) flags |= TOV << bit;
    this.noted = ticks;
    if (flags === 0) return;
    chip.data[place.flags] = (chip.data[place.flags] as number) | flags;
    this.judge();
  }
  private judge(): void {
    const { chip, place } = this;
    const asks = (chip.data[place.flags] as number) & (chip.data[place.mask] as number);
    for (const [bit, vector] of place.vectors.entries())
      chip.request(vector, ((asks >> bit) & 1) === 1);
  }
  /** Makes the appointment for the next match that interrupts. */
  private appoint(): void {
    const { chip, place } = this;
    chip.clock.cancel(this.appointment);
    this.appointment = undefined;
    const mask = chip.data[place.mask] as number;
    if (this.divider === 0 || (mask & 7) === 0) return;
    let next = Number.POSITIVE_INFINITY;
    for (const [bit, value] of this.marks.entries())
      if ((mask >> bit) & 1) next = Math.min(next, this.noted + this.ticksTo(value, this.noted));
    if (next === Number.POSITIVE_INFINITY) return;
    this.appointment = chip.clock.after(next * this.divider - chip.clock.now, () => {
      this.note();
      this.appoint();
    });
  }
}
