// Compiles a probe: an AssemblyScript file here that exports the insides of one room of assembly/ to a test.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("../../", import.meta.url));

export type ProfileName = "small" | "small-flash" | "large" | "desktop";
/** The exports of a probe; a test knows their types. */
// biome-ignore lint/suspicious/noExplicitAny: each probe has its own exports
export type Probe = Record<string, any> & { memory: WebAssembly.Memory };

/** A design fault planted into a copy of assembly/ before it is compiled. */
export interface Fault {
  readonly name: string;
  readonly edits: readonly Edit[];
}
interface Edit {
  /** Below assembly/. */
  readonly file: string;
  /** Occurs once. */
  readonly from: string;
  readonly to: string;
}

function optionArguments(profile: ProfileName): string[] {
  const config = JSON.parse(readFileSync(`${root}asconfig.json`, "utf8"));
  const { outFile: _, textFile: __, ...target } = config.targets[profile];
  return Object.entries({ ...config.options, ...target }).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, [value].flat().join(",")],
  );
}

function sourceHash(fault?: Fault): string {
  const hash = createHash("sha256").update(readFileSync(`${root}asconfig.json`));
  hash.update(JSON.stringify(fault?.edits ?? []));
  for (const folder of ["assembly", "tests/probes"]) {
    const files = readdirSync(root + folder, { recursive: true, encoding: "utf8" });
    for (const file of files.filter((f) => f.endsWith(".ts")).sort()) {
      hash.update(file).update(readFileSync(`${root}${folder}/${file}`));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** A copy of the sources with the fault in it; where it lies, below the root. */
function plant({ name, edits }: Fault): string {
  const copy = `build/faults/${name}/`;
  for (const folder of ["assembly", "tests/probes"]) {
    cpSync(root + folder, root + copy + folder, { recursive: true });
  }
  for (const { file, from, to } of edits) {
    const path = `${root}${copy}assembly/${file}`;
    const parts = readFileSync(path, "utf8").split(from);
    if (parts.length !== 2) throw new Error(`fault ${name}: ${file} does not have one ${from}`);
    writeFileSync(path, parts.join(to));
  }
  return copy;
}

/** The module of `tests/probes/<name>.ts` for a profile; with a window forced, all code runs through code windows. */
export async function compileModule(
  name: string,
  profile: ProfileName,
  fault?: Fault,
  isWindowForced = false,
): Promise<WebAssembly.Module> {
  const variant = fault ? `.${fault.name}` : isWindowForced ? ".window" : "";
  const wasm = `build/probes/${name}.${profile}${variant}.${sourceHash(fault)}.wasm`;
  if (!existsSync(root + wasm)) {
    mkdirSync(`${root}build/probes`, { recursive: true });
    const base = fault ? plant(fault) : "";
    const source = `tests/probes/${name}.ts`;
    const options = optionArguments(profile)
      .map((word) => (word.startsWith("assembly/") ? base + word : word))
      .map((word) => (name === "persist" ? word.replace("BLOBS=0", "BLOBS=1") : word))
      .map((word) => (isWindowForced ? word.replace("FORCE_WINDOW=0", "FORCE_WINDOW=1") : word));
    const whole = `${wasm}.${process.pid}`; // another process may compile the same
    const args = [base + source, "--config", "none", "--baseDir", root, "-o", whole, ...options];
    const { error, stderr } = await asc.main(args);
    if (error) throw new Error(`${source} does not compile for ${profile}:\n${stderr}`);
    renameSync(root + whole, root + wasm);
  }
  return WebAssembly.compile(readFileSync(root + wasm));
}

/** Instantiates `tests/probes/<name>.ts` for a profile, with `hal` behind its HAL imports. */
export async function compileProbe(
  name: string,
  profile: ProfileName,
  hal: Record<string, (...args: number[]) => number> = {},
  fault?: Fault,
): Promise<Probe> {
  const module = await compileModule(name, profile, fault);
  const instance = await WebAssembly.instantiate(module, { hal });
  return instance.exports as Probe;
}
