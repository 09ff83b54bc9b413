// What a machine of the tests needs besides the core: the firmware of its chip, built anew when it is asked for.

import { buildAvr } from "./firmware/avr.ts";
import { fromRoot } from "./root.ts";
import { BOARDS, buildBoard } from "./stm32-build.ts";

const FIRMWARE: Readonly<Record<string, () => unknown>> = {
  avr: () => buildAvr(fromRoot("build/avr")),
  stm32f072: () => buildBoard(BOARDS.stm32f072),
  stm32f405: () => buildBoard(BOARDS.stm32f405),
};

/** Builds the firmware of a machine; of one that has none, nothing. */
export async function buildMachine(name: string): Promise<void> {
  await FIRMWARE[name]?.();
}
