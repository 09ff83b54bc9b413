// The release binary of the STM32F072 board on a simulated chip.

import type { Engine } from "../../host/node/core.ts";
import type { Machine } from "./machine.ts";
import { startCore } from "./node.ts";
import { readFirmware, stm32Core } from "./stm32.ts";

let engine: Engine | undefined;

export const stm32f072Machine: Machine = {
  profiles: ["small"],
  start(_profile, options) {
    const folder =
      process.env.HSX_STM32F072 ?? new URL("../../build/stm32/stm32f072", import.meta.url).pathname;
    engine ??= stm32Core("stm32f072", readFirmware(folder));
    return startCore(engine, options);
  },
};
