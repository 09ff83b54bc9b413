// The core in the binary of an STM32 firmware, on a simulated chip, with the machine of the node in Node for its HAL.

import { readFileSync } from "node:fs";
import type { ChipMap } from "../../host/boards/stm32/chip.ts";
import { instantiateOnChip } from "../../host/boards/stm32/engine.ts";
import { Firmware } from "../../host/boards/stm32/firmware.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";

/** The firmware that `npm run build:stm32` leaves in a folder. */
export function readFirmware(folder: string): Firmware {
  const core = JSON.parse(readFileSync(`${folder}/core.json`, "utf8"));
  return new Firmware(readFileSync(`${folder}/hsx.elf`), core);
}

/** A firmware as the engine of nodes. */
export function stm32Core(chip: ChipMap["name"], firmware: Firmware): Engine {
  return {
    instantiate(imports) {
      const { memory, exports } = instantiateOnChip(chip, firmware, { ...imports });
      return { ...exports, memory } as unknown as CoreExports;
    },
  };
}
