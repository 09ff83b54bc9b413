// The release binary of the STM32F405 board, Thumb-2, on Unicorn's Cortex-M4.

import { connectCore } from "../../host/boards/debug-port.ts";
import type { Firmware } from "../../host/boards/stm32/firmware.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import type { Machine } from "./machine.ts";
import { startCore } from "./node.ts";
import { readFirmware } from "./stm32.ts";
import { ThumbChip } from "./unicorn.ts";

const root = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;
const ADDON = root("build/unicorn");
/** Address of linear memory's byte 0; the linker script puts it there. */
const MEMORY = 0x20000000;

/** A firmware as the engine of nodes; `onChip` sees each chip. */
export function thumbCore(
  firmware: Firmware,
  onChip: (chip: ThumbChip) => void = () => {},
): Engine {
  return {
    instantiate(imports) {
      const chip = new ThumbChip(firmware, ADDON);
      onChip(chip);
      const exports = connectCore(chip, firmware, { ...imports });
      const memory = { buffer: chip.view(MEMORY) };
      return { ...exports, memory } as unknown as CoreExports;
    },
  };
}

let engine: Engine | undefined;

export const stm32f405Machine: Machine = {
  profiles: ["large"],
  start(_profile, options) {
    const folder = process.env.HSX_STM32F405 ?? root("build/stm32/stm32f405");
    engine ??= thumbCore(readFirmware(folder));
    return startCore(engine, options);
  },
};
