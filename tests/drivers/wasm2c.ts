// The core translated to C by wabt's wasm2c, another translator than ours, and compiled for this machine behind the same HAL.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Prototype } from "../../host/aot/c-module.ts";
import type { CoreExports, Engine } from "../../host/node/core.ts";
import { Addon } from "./c-addon.ts";
import { WORKSHOP } from "./host-c.ts";
import type { Machine, ProfileName } from "./machine.ts";
import { startCore } from "./node.ts";

const fromRoot = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;
const WASM2C = fromRoot("node_modules/wabt/bin/wasm2c");
const PAGE = 65536;

/** C and header of a module, its functions called after `core`. */
function translated(wasm: string): { code: string; header: string } {
  const folder = mkdtempSync(join(tmpdir(), "hsx-wasm2c-"));
  try {
    const file = join(folder, "module.c");
    execFileSync(process.execPath, [WASM2C, wasm, "-n", "core", "-o", file]);
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    return { code: read("module.c"), header: read("module.h") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Functions the header declares behind `import:` or `export:`, as the module types them; all their numbers are u32. */
function declared(header: string, kind: string, symbolOf: RegExp): Prototype[] {
  const lines = header.matchAll(
    new RegExp(`/\\* ${kind}: .*\\*/\\n(u32|void) (\\w+)\\(([^)]*)\\);`, "g"),
  );
  return Array.from(lines, ([, result, name = "", list = ""]) => {
    const params = list.split(", ").slice(1);
    if (params.some((type) => type !== "u32")) throw new Error(`wasm2c: ${name} takes ${list}`);
    const symbol = name.replace(symbolOf, "");
    return {
      symbol,
      params: params.map(() => "u32"),
      result: result === "u32" ? "u32" : undefined,
    };
  });
}

const args = ({ params }: Prototype) => params.map((_, n) => `p${n}`);
const typed = (f: Prototype) => args(f).map((name) => `u32 ${name}`);
const declaration = (f: Prototype) =>
  `${f.result ?? "void"} ${f.symbol}(${typed(f).join(", ") || "void"})`;

/** Passes calls on between the names the addon knows and those of wasm2c. */
function glue(imports: readonly Prototype[], exports: readonly Prototype[]): string {
  const give = (f: Prototype) => (f.result === undefined ? "" : "return ");
  const out = imports.map((f) => {
    const list = ["struct w2c_hal *hal", ...typed(f)].join(", ");
    const body = `(void)hal; ${give(f)}${f.symbol}(${args(f).join(", ")});`;
    return `${f.result ?? "void"} w2c_hal_${f.symbol}(${list}) { ${body} }`;
  });
  const into = exports.map((f) => {
    const call = `w2c_core_${f.symbol}(${["&core", ...args(f)].join(", ")})`;
    return `${declaration(f)} { core.w2c_memory.data = hsx_memory; ${give(f)}${call}; }`;
  });
  const reset = "void hsx_core_reset(void) { wasm2c_core_instantiate(&core, NULL); }";
  return ["static w2c_core core;", ...out, ...into, reset].join("\n");
}

/** The core of a profile by way of wasm2c; compiled anew when it changed. */
export function wasm2cCore(profile: ProfileName | "small-flash"): Engine {
  const { code, header } = translated(fromRoot(`build/core/${profile}.wasm`));
  const pages = Number(/allocate_memory\(&instance->w2c_memory, (\d+)/.exec(code)?.[1]);
  const imports = declared(header, "import", /^w2c_hal_/);
  const exports = declared(header, "export", /^w2c_core_/);
  const known = [...imports, ...exports].map((f) => `${declaration(f)};`);
  const own = ['#include "hsx_types.h"', "void hsx_core_reset(void);", ...known].join("\n");
  const text = `#include "core.h"\n${code.replace('#include "module.h"', header)}\n${glue(imports, exports)}\n`;
  const translation = { code: text, header: `#pragma once\n${own}\n`, imports, exports };
  const more = [fromRoot("tests/drivers/wasm2c")];
  const workshop = { ...WORKSHOP, more, warnings: ["-w"] };
  const addon = new Addon(translation, 0, pages * PAGE, workshop);
  return {
    instantiate(given) {
      const { memory, exports: functions } = addon.instantiate(given);
      return { ...functions, memory: { buffer: memory } } as unknown as CoreExports;
    },
  };
}

const cores = new Map<string, Engine>();

export const wasm2cMachine: Machine = {
  profiles: ["small", "large", "desktop"],
  start: async (profile, options) => {
    const core = cores.get(profile) ?? wasm2cCore(profile);
    cores.set(profile, core);
    return startCore(core, options);
  },
};
