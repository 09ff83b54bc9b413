// The core on an AVR as an engine of a node: the binary runs on the chip, its HAL is the machine of the node in Node.

import { type Call, ChipFailure, connectCore } from "../debug-port.ts";
import { Chip, Reset } from "./chip.ts";
import { DebugPort } from "./debug-port.ts";
import type { Firmware } from "./firmware.ts";

/** Cycles from reset to main: a start-up that takes longer does not come. */
const START_MAX = 1_000_000;

const SEED = 0x2545f491;

/** Powers a chip up and runs its start-up code as far as main. */
function startChip(firmware: Firmware): Chip {
  const chip = new Chip(firmware.flash);
  chip.scramble(SEED);
  const main = firmware.addressOf("main");
  if (main === undefined) throw new ChipFailure("the firmware has no main");
  chip.hook(main, () => chip.stop());
  chip.reset(Reset.POWER_ON);
  if (chip.run(START_MAX) !== "hook") throw new ChipFailure("the firmware does not reach main");
  chip.unhook(main);
  return chip;
}

/** The exports of the core, and its memory, on a chip of their own. */
export function instantiateOnChip(
  firmware: Firmware,
  imports: Readonly<Record<string, (...args: never[]) => unknown>>,
): { memory: { buffer: ArrayBuffer }; exports: Record<string, Call>; chip: Chip } {
  const chip = startChip(firmware);
  const exports = connectCore(new DebugPort(chip, firmware), firmware, imports);
  return { memory: { buffer: chip.memory }, exports, chip };
}
