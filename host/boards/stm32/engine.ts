// The core on an STM32 as an engine of a node: the binary runs on the chip, its HAL is the machine of the node in Node.

import { Chip, type ChipMap, SRAM_BASE, STM32F072, STM32F405 } from "./chip.ts";
import { ChipFailure, DebugPort, type Served } from "./debug-port.ts";
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
): {
  memory: { buffer: ArrayBuffer };
  exports: Record<string, (...args: number[]) => number>;
  port: DebugPort;
} {
  const chip = startChip(CHIPS[name], firmware);
  const port = new DebugPort(chip, firmware.addressOf);
  for (const prototype of firmware.imports) {
    const served = imports[prototype.symbol];
    if (served !== undefined) port.serve(prototype, served as unknown as Served);
  }
  port.serve({ symbol: "hsx_trap", params: ["u8"] }, (code) => {
    throw new ChipFailure(`the core trapped: ${code}`);
  });
  port.function({ symbol: "hsx_core_reset", params: [] })?.();
  const exports = firmware.exports.map((prototype) => {
    const absent = () => {
      throw new ChipFailure(`the firmware has no ${prototype.symbol}`);
    };
    return [prototype.symbol, port.function(prototype) ?? absent];
  });
  return { memory: memoryOf(chip, firmware), exports: Object.fromEntries(exports), port };
}

/** Linear memory: SRAM at its own addresses, so that nothing is copied. */
function memoryOf(chip: Chip, firmware: Firmware): { buffer: ArrayBuffer } {
  const low = firmware.addressOf("hsx_memory");
  if (low !== SRAM_BASE + 0x100) throw new ChipFailure("linear memory is not where SRAM begins");
  return { buffer: chip.sram.bytes.buffer };
}
