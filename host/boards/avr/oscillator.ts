// The calibrated RC oscillator of an ATmega1284P, by which writing EEPROM is timed: each chip's own, and never twice quite the same.

import type { Random } from "../../bus/random.ts";

/** Factory calibration at 3 V and 25 °C (data sheet 42719, Table 28-10). */
const DEVIATION = 0.1;
/** Spread of a span of milliseconds, as a part of it. The data sheet does not tell; this is on the small side of such oscillators. */
const JITTER = 0.0002;

/** What each span takes, as a multiple of the typical time. */
export type Oscillator = () => number;

export function rcOscillator(random: Random, jitter = JITTER): Oscillator {
  const rate = 1 + random.between(-DEVIATION, DEVIATION);
  // three numbers from -1 to 1 sum up to a standard deviation of 1
  const noise = () => random.between(-1, 1) + random.between(-1, 1) + random.between(-1, 1);
  return () => rate * (1 + jitter * noise());
}
