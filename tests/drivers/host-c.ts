// The core translated to C and compiled for this machine, behind the same HAL as the core in Node.

import { type CoreProfile, coreOptions } from "../../host/aot/core-options.ts";
import { translate } from "../../host/aot/translate.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import { Addon, type Workshop } from "./c-addon.ts";

/** The core of a profile in C; compiled anew when the translation changed. */
export function hostCore(wasm: Uint8Array, profile: CoreProfile, workshop: Workshop): Engine {
  const options = coreOptions(profile, "host");
  const addon = new Addon(translate(wasm, options), options.low, options.high, workshop);
  return {
    instantiate(imports) {
      const { memory, exports } = addon.instantiate(imports);
      return { ...exports, memory: { buffer: memory } } as unknown as CoreExports;
    },
  };
}
