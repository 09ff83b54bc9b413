// The core on an STM32 as an engine of a node: the binary runs on the chip, its HAL is the machine of the node in Node.

import { type Call, ChipFailure, connectCore } from "../debug-port.ts";
import { Chip, type ChipMap, memoryOf, STM32F072, STM32F405 } from "./chip.ts";
import { DebugPort } from "./debug-port.ts";
import type { Firmware } from "./firmware.ts";

export const CHIPS: Readonly<Record<ChipMap["name"], ChipMap>> = {
  stm32f072: STM32F072,
  stm32f405: STM32F405,
};
/** Seconds from reset to main: a start-up that takes longer does not come. */
const START_MAX_S = 1;

/** A chip with nothing connected, stopped at main. */
function startChip(map: ChipMap, firmware: Firmware): Chip {
  const connections = {
    hseHz: 0,
    uid: new Uint8Array(12),
    console: () => {},
    spi: () => 0xff,
  };
  const chip = new Chip(map, connections, () => ({ tx: [], rx: [], spi: [], can: [] }));
  chip.load(firmware.elf.segments);
  const main = firmware.addressOf("main");
  if (main === undefined) throw new ChipFailure("the firmware has no main");
  chip.core.hook(main, () => chip.core.stop());
  chip.powerOn();
  if (chip.run(chip.core.now + START_MAX_S * map.hz) !== "hook")
    throw new ChipFailure("the firmware does not reach main");
  chip.core.unhook(main);
  return chip;
}

/** The exports of the core, and its memory, on a chip of their own. */
export function instantiateOnChip(
  name: ChipMap["name"],
  firmware: Firmware,
  imports: Readonly<Record<string, (...args: never[]) => unknown>>,
): { memory: { buffer: ArrayBuffer }; exports: Record<string, Call>; chip: Chip } {
  const chip = startChip(CHIPS[name], firmware);
  const exports = connectCore(new DebugPort(chip, firmware.addressOf), firmware, imports);
  return { memory: { buffer: memoryOf(chip, firmware) }, exports, chip };
}
