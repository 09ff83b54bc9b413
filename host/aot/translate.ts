// WASM in, C out: the whole of the translator in the order of its steps.

import { ModuleWriter, type Prototype } from "./c-module.ts";
import { flatten } from "./front.ts";
import type { Location } from "./ir.ts";
import type { TranslateOptions } from "./options.ts";
import { fixOrder } from "./order.ts";
import { Places } from "./places.ts";
import { prune } from "./prune.ts";
import { Ranges } from "./ranges.ts";
import { readModule } from "./read.ts";
import { splitWebs } from "./webs.ts";

export interface Translation {
  readonly code: string;
  readonly header: string;
  /** Functions of C that the code needs and offers, with their types. */
  readonly imports: readonly Prototype[];
  readonly exports: readonly Prototype[];
  /** All functions of the code, exports among them. */
  readonly functions: readonly Prototype[];
  /** Where each function of C comes from: `assembly/vm/vm/vmRun`, if the module has names. */
  readonly sources: ReadonlyMap<string, string>;
}

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly (string | null)[];
}

/** Source lines that a source map carries. */
function sourceLines(text: string | undefined): (at: Location) => string | undefined {
  if (text === undefined) return () => undefined;
  const map: SourceMap = JSON.parse(text);
  const files = new Map<string, string[]>();
  for (const [n, name] of map.sources.entries()) {
    const content = map.sourcesContent?.[n];
    if (content != null) files.set(name, content.split("\n"));
  }
  return ({ file, line }) => files.get(file)?.[line - 1];
}

/** Translates the text of a flat module, as flatten() or the tool makes it. Throws Unsupported. */
export function translateText(text: string, options: TranslateOptions): Translation {
  const module = prune(readModule(text), options.exports);
  splitWebs(module);
  const ranges = new Ranges(module, options.imports, options.exportParams);
  fixOrder(module, new Places(module, ranges, options), ranges);
  const writer = new ModuleWriter(module, ranges, options, sourceLines(options.sourceMap));
  const { imports, exports, functions, sources } = writer;
  return { code: writer.code(), header: writer.header(), imports, exports, functions, sources };
}

/** Translates a module. The same input gives the same text, byte for byte. Throws Unsupported. */
export function translate(wasm: Uint8Array, options: TranslateOptions): Translation {
  return translateText(flatten(wasm), options);
}
