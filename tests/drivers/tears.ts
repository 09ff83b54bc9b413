// How a power cut leaves the byte in flight, and an act that is cut short.

import { type NvDevice, PowerCut, type Tear } from "../../host/node/nv.ts";
import type { Random } from "../oracle/random.ts";

export interface TornBy {
  readonly name: string;
  tear(random: Random): Tear;
  /** The rest of the burst is torn, too. */
  readonly hasTail?: boolean;
}

export const TEARS: readonly TornBy[] = [
  { name: "old", tear: () => (old) => old },
  { name: "random", tear: (random) => () => random.below(256) },
  {
    name: "mix",
    tear: (random) => (old, wanted) => {
      const mask = random.below(256);
      return (old & ~mask) | (wanted & mask);
    },
  },
  { name: "tail", tear: (random) => () => random.below(256), hasTail: true },
];

/** Where and how the power is cut. */
export interface Cut {
  /** Bytes and erases before it. */
  readonly after: number;
  readonly tear: TornBy;
  readonly random: Random;
}

/** Cuts the power of a device in an act. False: the act ended before. */
export function isCutIn(device: NvDevice, { after, tear, random }: Cut, act: () => void): boolean {
  const model = tear.tear(random);
  const isUnreadable = () => random.oneIn(3); // of what has granules only
  device.cut = { after, tear: model, ...(tear.hasTail && { tail: model }), isUnreadable };
  return isCutShort(device, act);
}

/** Lets an act go on until the power of the device is cut as it was told. False: the act ended before. */
export function isCutShort(device: NvDevice, act: () => void): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof PowerCut) return true;
    throw error;
  } finally {
    device.powerOn();
  }
}
