// The watchdog of an ATmega1284P (data sheet 42719, 12.4 and 12.5.2): its own 128 kHz oscillator, the timed change, interrupt
// and reset.

import type { Appointment } from "../../bus/clock.ts";
import { type Chip, Reset } from "./chip.ts";

const WDTCSR = 0x60;
const MCUSR = 0x54;
const VECTOR = 8;
const WDIF = 0x80;
const WDIE = 0x40;
const WDCE = 0x10;
const WDE = 0x08;
const PRESCALER = 0x27;
const CHANGE_CYCLES = 4;
const OSCILLATOR_HZ = 128_000;

export class Watchdog {
  /** Resets so far. */
  bites = 0;
  private changeUntil = -1;
  private deadline = Number.POSITIVE_INFINITY;
  private appointment: Appointment | undefined;

  constructor(private readonly chip: Chip) {
    chip.onWrite(WDTCSR, (value) => this.write(value));
    chip.cpu.onWatchdogReset = () => this.restart();
    chip.onAcknowledge(VECTOR, () => {
      chip.data[WDTCSR] = this.control & ~WDIF;
    });
    chip.onReset.push(() => this.reset());
  }

  private get control(): number {
    return this.chip.data[WDTCSR] as number;
  }
  /** 12.5.1: WDRF forces WDE, with the shortest time. */
  private reset(): void {
    const isForced = ((this.chip.data[MCUSR] as number) & Reset.WATCHDOG) !== 0;
    this.chip.data[WDTCSR] = isForced ? WDE : 0;
    this.changeUntil = -1;
    this.restart();
    this.watch();
  }

  private get isOn(): boolean {
    return (this.control & (WDE | WDIE)) !== 0;
  }
  private get cycles(): number {
    const exponent = ((this.control & 0x20) >> 2) | (this.control & 7);
    return ((2048 << exponent) * this.chip.clock.hz) / OSCILLATOR_HZ;
  }
  /** WDR. */
  private restart(): void {
    this.deadline = this.isOn ? this.chip.clock.now + this.cycles : Number.POSITIVE_INFINITY;
  }
  /** One appointment, moved when it is reached too early. */
  private watch(): void {
    const { clock } = this.chip;
    clock.cancel(this.appointment);
    this.appointment = undefined;
    if (this.deadline === Number.POSITIVE_INFINITY) return;
    this.appointment = clock.after(this.deadline - clock.now, () => {
      this.appointment = undefined;
      if (clock.now >= this.deadline) this.expire();
      this.watch();
    });
  }

  /** 12.4: WDE and the time change only within four cycles behind WDCE and WDE together; setting WDIE is always allowed. */
  private write(value: number): void {
    const { chip } = this;
    const old = this.control;
    const isOpen = chip.clock.now <= this.changeUntil;
    const keepsOn = ((chip.data[MCUSR] as number) & Reset.WATCHDOG) !== 0 ? WDE : 0;
    let next = (old & (WDE | PRESCALER | WDIF)) | (value & WDIE);
    if ((value & WDIF) !== 0) next &= ~WDIF;
    if ((value & (WDCE | WDE)) === (WDCE | WDE)) {
      this.changeUntil = chip.clock.now + CHANGE_CYCLES;
      next |= WDE;
    } else if (isOpen) {
      next = (next & ~(WDE | PRESCALER)) | (value & (WDE | PRESCALER)) | keepsOn;
      this.changeUntil = -1;
    } else next |= value & WDE; // setting WDE needs no sequence
    chip.data[WDTCSR] = next;
    this.restart();
    this.watch();
    chip.request(VECTOR, (next & (WDIF | WDIE)) === (WDIF | WDIE));
  }

  private expire(): void {
    const { chip } = this;
    if ((this.control & WDIE) !== 0) {
      const isAlone = (this.control & WDE) === 0;
      chip.data[WDTCSR] = (this.control | WDIF) & (isAlone ? 0xff : ~WDIE);
      chip.request(VECTOR, true);
      this.restart();
      return;
    }
    this.bites++;
    chip.reset(Reset.WATCHDOG);
  }
}
