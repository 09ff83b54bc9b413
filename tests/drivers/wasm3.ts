// The core as WASM under wasm3, compiled for this machine from the C in react-native-webassembly, which holds wasm3 unchanged.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import type { Machine } from "./machine.ts";
import { startCore } from "./node.ts";

type Handle = { readonly engine: unique symbol };
type Import = (...args: number[]) => number | undefined;

interface Addon {
  create(wasm: Uint8Array, imports: readonly Import[], isLazy?: number): Handle;
  memory(engine: Handle): ArrayBuffer;
  words(engine: Handle): number;
  call(engine: Handle, name: string, ...args: number[]): number;
}

const root = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;
const require = createRequire(import.meta.url);

/** wasm3's own files in the package: not its WASI, its tracer or the React Native module. */
export function wasm3Sources(): string[] {
  const folder = join(dirname(require.resolve("react-native-webassembly/package.json")), "cpp");
  const names = readdirSync(folder).filter((name) => /^m3_(?!api_)\w+\.c$/.test(name));
  return names.sort().map((name) => join(folder, name));
}

/** As small as wasm3 gets with floats; of its own words none are left out. */
const CHIP = [
  "-Dd_m3CascadedOpcodes=0",
  "-Dd_m3CodePageAlignSize=1024",
  "-Dd_m3MaxFunctionStackHeight=128",
];
let addon: Addon | undefined;

/** Compiles the addon unless that was done before. */
function load(): Addon {
  const sources = [root("tests/drivers/wasm3.c"), ...wasm3Sources()];
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  hash.update(CHIP.join());
  const folder = root("build/wasm3");
  const file = join(folder, `wasm3-${hash.digest("hex").slice(0, 16)}.node`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const made = `${file}.${process.pid}`;
    const include = dirname(sources[1] as string);
    const flags = ["-std=gnu11", "-O2", "-w", "-shared", "-fPIC", ...CHIP];
    execFileSync("cc", [...flags, `-I${include}`, ...sources, "-lm", "-o", made]);
    renameSync(made, file); // a second run at the same time sees a whole file
  }
  return require(file);
}

/** A module of the core under wasm3 as the engine of nodes. `tell`: functions are compiled when first called, and it hears how many words that has made so far. */
export function wasm3Core(
  wasm: Uint8Array<ArrayBuffer>,
  tell?: (words: () => number) => void,
): Engine {
  const module = new WebAssembly.Module(wasm);
  const wanted = WebAssembly.Module.imports(module).map(({ name }) => name);
  const offered = WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function");
  return {
    instantiate(imports) {
      addon ??= load();
      const unit = addon;
      const hal = imports as unknown as Readonly<Record<string, Import>>;
      const engine = unit.create(
        wasm,
        wanted.map((name) => hal[name] as Import),
        tell === undefined ? 0 : 1,
      );
      tell?.(() => unit.words(engine));
      const exports = offered.map(({ name }) => [
        name,
        (...args: number[]) => unit.call(engine, name, ...args),
      ]);
      const memory = { buffer: unit.memory(engine) };
      return { ...Object.fromEntries(exports), memory } as unknown as CoreExports;
    },
  };
}

/** Words of code that wasm3 makes of a module: on a chip, four bytes of RAM each. */
export function wasm3Words(wasm: Uint8Array<ArrayBuffer>): number {
  addon ??= load();
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm)).map(() => () => 0);
  return addon.words(addon.create(wasm, imports));
}

const engines = new Map<string, Engine>();

export const wasm3Machine: Machine = {
  profiles: ["small", "large", "desktop"],
  start(profile, options) {
    const known = engines.get(profile);
    const engine =
      known ?? wasm3Core(Uint8Array.from(readFileSync(root(`build/core/${profile}.wasm`))));
    engines.set(profile, engine);
    return startCore(engine, options);
  },
};
