// WASM to flat text: Binaryen reads the module, gives every value a local of its own and takes nesting out of expressions.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import binaryen from "binaryen";

/** Locals split where one is set anew, so that each has one width; then expressions without sets or control flow. */
const PASSES = [
  "ssa-nomerge",
  "flatten",
  "simplify-locals-notee-nostructure",
  "remove-unused-names",
  "merge-blocks",
  "vacuum",
];
const FEATURES = [
  "bulk-memory",
  "bulk-memory-opt",
  "sign-ext",
  "mutable-globals",
  "nontrapping-float-to-int",
];

/** Text without source lines, in this process. */
function textOf(wasm: Uint8Array): string {
  const module = binaryen.readBinaryWithFeatures(wasm, binaryen.Features.All);
  try {
    binaryen.setOptimizeLevel(2);
    binaryen.setShrinkLevel(0);
    module.runPasses(PASSES);
    return module.emitText();
  } finally {
    module.dispose();
  }
}

/** Text with source lines: only the tool reads a source map, the library does not. */
function textWithLines(wasm: Uint8Array, sourceMap: string): string {
  const tool = join(dirname(createRequire(import.meta.url).resolve("binaryen")), "bin/wasm-opt");
  const folder = mkdtempSync(join(tmpdir(), "hsx-aot-"));
  try {
    const [input, map, output] = ["core.wasm", "core.map", "core.wat"].map((n) => join(folder, n));
    writeFileSync(input as string, wasm);
    writeFileSync(map as string, sourceMap);
    const args = [tool, input, "-ism", map, ...FEATURES.map((f) => `--enable-${f}`)];
    args.push(...PASSES.map((pass) => `--${pass}`), "-g", "-S", "-o", output);
    execFileSync(process.execPath, args as string[], { stdio: ["ignore", "ignore", "pipe"] });
    return readFileSync(output as string, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The text of a module, with source lines where its source map is given. */
export function flatten(wasm: Uint8Array, sourceMap: string | undefined): string {
  return sourceMap === undefined ? textOf(wasm) : textWithLines(wasm, sourceMap);
}
