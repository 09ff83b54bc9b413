// The memory map of a profile, asked of the source itself: asc evaluates the constants of layout.ts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";
import type { Profile } from "./core.ts";
import { fromRoot, ROOT } from "./root.ts";

export interface Region {
  /** `tasks` for TASKS_BASE. */
  readonly name: string;
  readonly base: number;
  readonly size: number;
}

export interface MemoryMap {
  /** Every exported constant of layout.ts. */
  readonly constants: ReadonlyMap<string, number>;
  /** In address order, without gap, from STATIC_BASE to RAM_END. */
  readonly regions: readonly Region[];
}

const ENTRY = "layout-constants.ts";

function constantNames(): string[] {
  const source = readFileSync(fromRoot("assembly/layout.ts"), "utf8");
  return Array.from(source.matchAll(/^export const (\w+)/gm), ([, name]) => name ?? "");
}

async function compile(profile: Profile, entry: string): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const defines = profile.use.flatMap((use) => ["--use", use]);
  const { error } = await asc.main(
    [ENTRY, "--runtime", "assembly/rt/none", "--outFile", "layout.wasm", ...defines],
    {
      stderr,
      readFile: (name: string, folder: string) => {
        if (name === ENTRY) return entry;
        return name === "asconfig.json" ? null : readOrNull(join(ROOT, folder, name));
      },
      writeFile: (_name: string, contents: Uint8Array | string) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`layout.ts (${profile.name}):\n${stderr.toString()}`);
  return binary;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // asc tries several names
  }
}

export async function readMemoryMap(profile: Profile): Promise<MemoryMap> {
  const names = constantNames();
  const entry = `export { ${names.join(", ")} } from "./assembly/layout";\n`;
  const binary = new Uint8Array(await compile(profile, entry));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary));

  const constants = new Map<string, number>();
  for (const name of names) {
    const exported = exports[name];
    if (exported instanceof WebAssembly.Global) constants.set(name, Number(exported.value) >>> 0);
  }
  return { constants, regions: findRegions(constants) };
}

function findRegions(constants: ReadonlyMap<string, number>): Region[] {
  const bases = Array.from(constants)
    .filter(([name]) => name.endsWith("_BASE") && name !== "STATIC_BASE")
    .map(([name, base]) => ({ name: name.slice(0, -"_BASE".length).toLowerCase(), base }))
    .sort((a, b) => a.base - b.base);
  const end = constants.get("RAM_END") ?? 0;
  return bases.map(({ name, base }, index) => {
    return { name, base, size: (bases[index + 1]?.base ?? end) - base };
  });
}

/** A constant that layout.ts must export. */
export function constant(map: MemoryMap, name: string): number {
  const value = map.constants.get(name);
  if (value === undefined) throw new Error(`assembly/layout.ts does not export ${name}`);
  return value;
}
