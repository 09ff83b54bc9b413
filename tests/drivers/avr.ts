// The core in the binary of the AVR firmware, on a simulated chip, with the machine of the node in Node for its HAL.

import { readFileSync } from "node:fs";
import { instantiateOnChip } from "../../host/boards/avr/engine.ts";
import { Firmware } from "../../host/boards/avr/firmware.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import type { Machine } from "./machine.ts";
import { startCore } from "./node.ts";

/** The firmware that `npm run build:avr` leaves in a folder, linked with every export of the core. */
export function readFirmware(folder: string): Firmware {
  const core = JSON.parse(readFileSync(`${folder}/core.json`, "utf8"));
  return new Firmware(readFileSync(`${folder}/hsx-test.elf`), core);
}

/** A firmware as the engine of nodes. */
export function avrCore(firmware: Firmware): Engine {
  return {
    instantiate(imports) {
      const { memory, exports } = instantiateOnChip(firmware, { ...imports });
      return { ...exports, memory } as unknown as CoreExports;
    },
  };
}

let engine: Engine | undefined;

export const avrMachine: Machine = {
  profiles: ["small"],
  start(_profile, options) {
    const folder = new URL("../../build/avr", import.meta.url).pathname;
    engine ??= avrCore(readFirmware(folder));
    return startCore(engine, options);
  },
};
