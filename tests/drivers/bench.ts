// Benches of tests from the text of a bench.toml, with files in memory.

import { Bench } from "../../host/client/bench/bench.ts";
import { readBench } from "../../host/formats/bench.ts";
import { formatDiagnostic } from "../../host/formats/diagnostic.ts";
import { SOURCES } from "./bus-bench.ts";

/** A bench of the text of a bench.toml; `files`: what it names. */
export async function benchOf(
  text: string,
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<Bench> {
  const { bench, diagnostics } = readBench(text, "bench.toml");
  if (bench === undefined) throw new Error(diagnostics.map(formatDiagnostic).join("\n"));
  const read = (name: string) => {
    const bytes = files[name];
    if (bytes === undefined) throw new Error(`there is no file ${name}`);
    return bytes;
  };
  return Bench.create(bench, { ...SOURCES, read });
}
