// WASM to flat text: Binaryen reads the module, gives every value a local of its own and takes nesting out of expressions.

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

/** The text of a flat module. Source lines it has not: only Binaryen's tool reads a source map, the library does not. */
export function flatten(wasm: Uint8Array): string {
  const module = binaryen.readBinaryWithFeatures(wasm, binaryen.Features.All);
  try {
    binaryen.setOptimizeLevel(2);
    binaryen.setShrinkLevel(0);
    module.runPasses([...PASSES]);
    return module.emitText();
  } finally {
    module.dispose();
  }
}

/** What Binaryen's tool `wasm-opt` must be told for the same text, with source lines if it is given a source map. */
export const TOOL_ARGUMENTS: readonly string[] = [
  ...FEATURES.map((feature) => `--enable-${feature}`),
  ...PASSES.map((pass) => `--${pass}`),
  "-g",
  "-S",
];
