// Translates a module of the core to C, with a header, and a list of its functions for the debug port of simulated boards:
//   npm run -s aot -- build/core/small.wasm --target avr -o build/avr/core.c

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
import { coreOptions } from "../host/aot/core-options.ts";
import { Unsupported } from "../host/aot/ir.ts";
import { MACHINES, type Target } from "../host/aot/options.ts";
import { translate, translateText } from "../host/aot/translate.ts";
import { PROFILES } from "./core.ts";
import { flatTextWithLines } from "./flat-text.ts";

const USAGE =
  "usage: npm run -s aot -- MODULE.wasm [--target host|avr|arm-m0|arm-m4] [--sourceMap FILE] [--export NAME …] -o FILE.c";

function fail(message: string): never {
  process.stderr.write(`${message}\n${USAGE}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        target: { type: "string", default: "host" },
        sourceMap: { type: "string" },
        export: { type: "string", multiple: true },
        output: { type: "string", short: "o" },
      },
    });
  } catch (error) {
    return fail((error as Error).message);
  }
}

const { values, positionals } = readArguments();
const [input = fail("no module is named")] = positionals;
const output = values.output ?? fail("-o is missing");
if (!output.endsWith(".c")) fail(`-o ${output}: a name that ends in .c`);
if (!(values.target in MACHINES)) fail(`--target ${values.target}: unknown`);
for (const file of [input, values.sourceMap])
  if (file !== undefined && !existsSync(file)) fail(`${file}: no such file`);
const profile =
  PROFILES.find(({ name }) => basename(input).startsWith(name)) ??
  fail(`${input}: not named after a profile, whose memory map it would have`);
const header = `${basename(output, ".c")}.h`;
try {
  const options = {
    ...coreOptions(profile.name, values.target as Target),
    header,
    ...(values.export === undefined ? {} : { exports: values.export }),
  };
  const map = values.sourceMap;
  const {
    code,
    header: text,
    imports,
    exports,
  } = map === undefined
    ? translate(readFileSync(input), options)
    : translateText(flatTextWithLines(input, map), {
        ...options,
        sourceMap: readFileSync(map, "utf8"),
      });
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, code);
  writeFileSync(output.replace(/\.c$/, ".h"), text);
  writeFileSync(output.replace(/\.c$/, ".json"), `${JSON.stringify({ imports, exports })}\n`);
} catch (error) {
  if (!(error instanceof Unsupported)) throw error;
  process.stderr.write(`${input}: not translated: ${error.message}\n`);
  process.exit(1);
}
