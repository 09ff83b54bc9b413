// The independent watchdog (RM0091 chapter 24, RM0090 chapter 21): keys, prescaler, reload value, reset.

import { type Appointment, type Clock, cyclesOf } from "../../bus/clock.ts";
import type { Peripheral } from "./peripheral.ts";

const KR = 0x00;
const PR = 0x04;
const RLR = 0x08;
const SR = 0x0c;

const KEY_UNLOCK = 0x5555;
const KEY_RELOAD = 0xaaaa;
const KEY_START = 0xcccc;
const PVU = 1;
const RVU = 2;
/** Cycles of LSI that a new prescaler or reload value takes to arrive (24.4.4: up to five). */
const UPDATE_CYCLES = 5;

export class Iwdg implements Peripheral {
  private pr = 0;
  private rlr = 0xfff;
  private updating = 0;
  private readonly updates = new Set<Appointment>();
  private isUnlocked = false;
  private bite: Appointment | undefined;
  private isStarted = false;

  constructor(
    private readonly clock: Clock,
    private readonly lsiHz: number,
    private readonly onBite: () => void,
  ) {}

  reset(): void {
    this.clock.cancel(this.bite);
    this.bite = undefined;
    for (const update of this.updates) this.clock.cancel(update);
    this.updates.clear();
    this.isStarted = false;
    this.pr = 0;
    this.rlr = 0xfff;
    this.updating = 0;
    this.isUnlocked = false;
  }

  /** Microseconds from a reload to the reset: 4 * 2^PR cycles of LSI for each count. */
  get timeout_us(): number {
    return ((this.rlr + 1) * 4 * 2 ** Math.min(this.pr, 6) * 1e6) / this.lsiHz;
  }

  read(offset: number): number {
    if (offset === PR) return this.pr;
    if (offset === RLR) return this.rlr;
    return offset === SR ? this.updating : 0;
  }
  write(offset: number, value: number): void {
    if (offset === KR) this.key(value);
    else if (offset === PR && this.isUnlocked) this.update(PVU, () => (this.pr = value & 7));
    else if (offset === RLR && this.isUnlocked) this.update(RVU, () => (this.rlr = value & 0xfff));
  }

  /** Any other key locks the registers again (24.3.3). */
  private key(value: number): void {
    this.isUnlocked = value === KEY_UNLOCK;
    if (value === KEY_START) this.isStarted = true;
    if ((value === KEY_START || value === KEY_RELOAD) && this.isStarted) this.reload();
  }
  private reload(): void {
    this.clock.cancel(this.bite);
    this.bite = this.clock.after(cyclesOf(this.clock, this.timeout_us), this.onBite);
  }
  private update(flag: number, change: () => void): void {
    if ((this.updating & flag) !== 0) return; // only once it has arrived (24.4.2)
    this.updating |= flag;
    const us = (UPDATE_CYCLES * 1e6) / this.lsiHz;
    const update = this.clock.after(cyclesOf(this.clock, us), () => {
      this.updates.delete(update);
      this.updating &= ~flag;
      change();
    });
    this.updates.add(update);
  }
}
