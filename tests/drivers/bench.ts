// Benches for tests: the cores and firmware that were built, and files by name.

import { readFileSync } from "node:fs";
import { Bench, type BenchSources } from "../../host/client/bench/bench.ts";
import { readBench } from "../../host/formats/bench.ts";
import { formatDiagnostic } from "../../host/formats/diagnostic.ts";

const root = new URL("../../", import.meta.url).pathname;
const modules = new Map<string, Promise<WebAssembly.Module>>();

function moduleOf(profile: string): Promise<WebAssembly.Module> {
  const known = modules.get(profile);
  if (known !== undefined) return known;
  const folder = process.env.HSX_CORE ?? `${root}build/core`;
  const compiled = WebAssembly.compile(readFileSync(`${folder}/${profile}.wasm`));
  modules.set(profile, compiled);
  return compiled;
}

function firmwareOf(board: "avr" | "stm32f072") {
  const folder = `${root}build/${board === "avr" ? "avr" : `stm32/${board}`}`;
  const core = JSON.parse(readFileSync(`${folder}/core.json`, "utf8"));
  return { elf: readFileSync(`${folder}/hsx.elf`), core };
}

/** `files`: what the bench names, in memory. */
export function sourcesOf(files: Readonly<Record<string, Uint8Array>> = {}): BenchSources {
  return {
    core: moduleOf,
    firmware: firmwareOf,
    read: (name) => {
      const bytes = files[name];
      if (bytes === undefined) throw new Error(`there is no file ${name}`);
      return bytes;
    },
  };
}

/** A bench of the text of a bench.toml. */
export async function benchOf(
  text: string,
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<Bench> {
  const { bench, diagnostics } = readBench(text, "bench.toml");
  if (bench === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  return Bench.create(bench, sourcesOf(files));
}
