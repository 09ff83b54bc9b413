// Compiles a probe: an AssemblyScript file here that exports the insides of one room of assembly/ to a test.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("../../", import.meta.url));

export type ProfileName = "small" | "large" | "desktop";
/** The exports of a probe; a test knows their types. */
// biome-ignore lint/suspicious/noExplicitAny: each probe has its own exports
export type Probe = Record<string, any> & { memory: WebAssembly.Memory };

function optionArguments(profile: ProfileName): string[] {
  const config = JSON.parse(readFileSync(`${root}asconfig.json`, "utf8"));
  const { outFile: _, textFile: __, ...target } = config.targets[profile];
  return Object.entries({ ...config.options, ...target }).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, [value].flat().join(",")],
  );
}

function sourceHash(): string {
  const hash = createHash("sha256").update(readFileSync(`${root}asconfig.json`));
  for (const folder of ["assembly", "tests/probes"]) {
    const files = readdirSync(root + folder, { recursive: true, encoding: "utf8" });
    for (const file of files.filter((f) => f.endsWith(".ts")).sort()) {
      hash.update(file).update(readFileSync(`${root}${folder}/${file}`));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** Instantiates `tests/probes/<name>.ts` for a profile, with `hal` behind its HAL imports. */
export async function compileProbe(
  name: string,
  profile: ProfileName,
  hal: Record<string, (...args: number[]) => number> = {},
): Promise<Probe> {
  const wasm = `build/probes/${name}.${profile}.${sourceHash()}.wasm`;
  if (!existsSync(root + wasm)) {
    mkdirSync(`${root}build/probes`, { recursive: true });
    const source = `tests/probes/${name}.ts`;
    const args = [source, "--config", "none", "--baseDir", root, "-o", wasm, ...optionArguments(profile)];
    const { error, stderr } = await asc.main(args);
    if (error) throw new Error(`${source} does not compile for ${profile}:\n${stderr}`);
  }
  const module = await WebAssembly.compile(readFileSync(root + wasm));
  const instance = await WebAssembly.instantiate(module, { hal });
  return instance.exports as Probe;
}
