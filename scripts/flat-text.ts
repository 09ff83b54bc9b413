// The text of a flat module with the lines of its source: what Binaryen's tool makes of a module and its source map.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { TOOL_ARGUMENTS } from "../host/aot/front.ts";

/** Passes for a chip whose flash is scarce: functions that are called in one place are copied there if they are not long. */
export const FOR_FLASH: readonly string[] = [
  "--one-caller-inline-max-function-size=200",
  "--inlining-optimizing",
];

/** Of a module and its source map, both files; `passes` come first. */
export function flatTextWithLines(
  wasm: string,
  sourceMap: string,
  passes: readonly string[] = [],
): string {
  const tool = join(dirname(createRequire(import.meta.url).resolve("binaryen")), "bin/wasm-opt");
  const folder = mkdtempSync(join(tmpdir(), "hsx-aot-"));
  const output = join(folder, "core.wat");
  const args = [tool, wasm, "-ism", sourceMap, ...passes, ...TOOL_ARGUMENTS, "-o", output];
  try {
    execFileSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    return readFileSync(output, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
