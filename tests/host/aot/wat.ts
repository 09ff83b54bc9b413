// Modules for the translator's tests: assembled from the text format, and the C of one function cut out.

import binaryen from "binaryen";
import type { TranslateOptions } from "../../../host/aot/options.ts";
import { translate } from "../../../host/aot/translate.ts";

/** Throws when the text is no valid module. */
export function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  if (module.validate() !== 1) throw new Error("the module is not valid");
  binaryen.setDebugInfo(true); // keeps the names
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}

const AVR: TranslateOptions = { target: "avr", low: 0x100, high: 0x3c00 };

/** The whole C file for a module with these fields; one page of memory is declared. */
export function codeOf(fields: string, options: Partial<TranslateOptions> = {}): string {
  const wasm = assemble(`(module ${fields} (memory 1 1))`);
  return translate(wasm, { ...AVR, ...options }).code;
}

/** The C of one function, without its indentation. */
export function functionOf(
  name: string,
  fields: string,
  options: Partial<TranslateOptions> = {},
): string {
  const lines = codeOf(fields, options).split("\n");
  const first = lines.findIndex((line) => line.includes(` ${name}(`) && line.endsWith("{"));
  const end = lines.indexOf("}", first);
  return lines
    .slice(first, end + 1)
    .map((line) => line.trim())
    .join("\n");
}
