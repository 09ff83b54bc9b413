// The core translated to C and compiled for this machine, behind the same HAL as the core in Node.

import { readFileSync } from "node:fs";
import { type CoreProfile, coreOptions } from "../../host/aot/core-options.ts";
import { translate } from "../../host/aot/translate.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import { Addon, type Workshop } from "./c-addon.ts";
import type { Machine } from "./machine.ts";
import { startCore } from "./node.ts";

const fromRoot = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;

/** Where cores in C are compiled. */
export const WORKSHOP: Workshop = {
  include: fromRoot("targets/common"),
  folder: fromRoot("build/host-c"),
};

/** The core of a profile in C; compiled anew when the translation changed. */
export function hostCore(profile: CoreProfile): Engine {
  const wasm = readFileSync(fromRoot(`build/core/${profile}.wasm`));
  const options = coreOptions(profile, "host");
  const addon = new Addon(translate(wasm, options), options.low, options.high, WORKSHOP);
  return {
    instantiate(imports) {
      const { memory, exports } = addon.instantiate(imports);
      return { ...exports, memory: { buffer: memory } } as unknown as CoreExports;
    },
  };
}

const cores = new Map<CoreProfile, Engine>();

export const hostCMachine: Machine = {
  profiles: ["small", "large", "desktop"],
  start: async (profile, options) => {
    const core = cores.get(profile) ?? hostCore(profile);
    cores.set(profile, core);
    return startCore(core, options);
  },
};
