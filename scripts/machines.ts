// What a machine of the tests needs besides the core: the firmware of its chip, built anew when it is asked for.

import { buildAvr } from "./firmware/avr.ts";
import { fromRoot } from "./root.ts";

const FIRMWARE: Readonly<Record<string, () => Promise<unknown>>> = {
  avr: () => buildAvr(fromRoot("build/avr")),
};

/** Builds the firmware of a machine; of one that has none, or that builds its own, nothing. */
export async function buildMachine(name: string): Promise<void> {
  await FIRMWARE[name]?.();
}
