// The core translated to C and compiled for this machine, behind the same HAL as the core in Node.

import { readFileSync } from "node:fs";
import { coreOptions } from "../../host/aot/core-options.ts";
import { translate } from "../../host/aot/translate.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import type { ProfileName } from "../../scripts/core.ts";
import { fromRoot } from "../../scripts/root.ts";
import { Addon } from "./c-addon.ts";

/** The translated core of a profile; compiled anew when the translation changed. */
export function hostCore(profile: ProfileName): Engine {
  const wasm = readFileSync(fromRoot(`build/core/${profile}.wasm`));
  const options = coreOptions(profile, "host");
  const addon = new Addon(
    translate(wasm, options),
    options.low,
    options.high,
    fromRoot("build/host-c"),
  );
  return {
    instantiate(imports) {
      const { memory, exports } = addon.instantiate(imports);
      return { ...exports, memory: { buffer: memory } } as unknown as CoreExports;
    },
  };
}
