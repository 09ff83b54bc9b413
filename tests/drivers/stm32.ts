// The core in the binary of an STM32 firmware, on a simulated chip, with the machine of the node in Node for its HAL.

import { readFileSync } from "node:fs";
import type { Chip, ChipMap } from "../../host/boards/stm32/chip.ts";
import { instantiateOnChip } from "../../host/boards/stm32/engine.ts";
import { Firmware } from "../../host/boards/stm32/firmware.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import type { ProfileName } from "../probes/compile.ts";
import type { Machine } from "./machine.ts";
import { startCore } from "./node.ts";

/** The firmware that `npm run build:stm32` leaves in a folder. */
export function readFirmware(folder: string): Firmware {
  const core = JSON.parse(readFileSync(`${folder}/core.json`, "utf8"));
  return new Firmware(readFileSync(`${folder}/hsx.elf`), core);
}

/** A firmware as the engine of nodes; `onChip` sees each chip. */
export function stm32Core(
  name: ChipMap["name"],
  firmware: Firmware,
  onChip: (chip: Chip) => void = () => {},
): Engine {
  return {
    instantiate(imports) {
      const { memory, exports, chip } = instantiateOnChip(name, firmware, { ...imports });
      onChip(chip);
      return { ...exports, memory } as unknown as CoreExports;
    },
  };
}

const engines = new Map<string, Engine>();

function machineOf(chip: ChipMap["name"], profile: ProfileName): Machine {
  return {
    profiles: [profile],
    start(_profile, options) {
      const folder = new URL(`../../build/stm32/${chip}`, import.meta.url).pathname;
      const engine = engines.get(chip) ?? stm32Core(chip, readFirmware(folder));
      engines.set(chip, engine);
      return startCore(engine, options);
    },
  };
}

export const stm32f072Machine = machineOf("stm32f072", "small");
export const stm32f405Machine = machineOf("stm32f405", "large");
