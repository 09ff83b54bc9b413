// A peripheral alone: a clock that moves when told, a bus clock, the level of its interrupt.

import type { Surroundings } from "../../../../host/boards/stm32/peripheral.ts";
import { ManualClock } from "../../../../host/bus/clock.ts";

export const HZ = 48_000_000;

export class Rig implements Surroundings {
  readonly clock = new ManualClock(HZ);
  level = false;
  readonly hz = () => HZ;
  readonly interrupt = (isHigh: boolean) => {
    this.level = isHigh;
  };
  advance_us(us: number): void {
    this.clock.advance(us * 48);
  }
}
