// Runs a folder of recorded vectors on a machine and writes one result line per case and harness:
//   npm run -s conform -- --vectors DIR --machine node|host-c [--profile P] --out results.jsonl

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hostCore } from "../tests/drivers/host-c.ts";
import type { Line } from "./conform/results.ts";
import { runVectors } from "./conform/vectors.ts";
import { PROFILES } from "./core.ts";
import { fromRoot } from "./root.ts";

const USAGE =
  "usage: npm run -s conform -- --vectors DIR --machine node|host-c [--profile small|large|desktop] --out FILE";

function fail(message: string): never {
  process.stderr.write(`${message}\n${USAGE}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        vectors: { type: "string" },
        machine: { type: "string", default: "node" },
        profile: { type: "string", default: "desktop" },
        out: { type: "string" },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const args = readArguments();
const { vectors = fail("--vectors is missing"), out = fail("--out is missing") } = args;
if (args.machine !== "node" && args.machine !== "host-c")
  fail(`--machine ${args.machine}: unknown`);
const profile =
  PROFILES.find((p) => p.name === args.profile) ?? fail(`--profile ${args.profile}: unknown`);
if (!existsSync(join(vectors, "index.json"))) fail(`${vectors}: no index.json in this folder`);

const wasm = readFileSync(fromRoot(profile.outFile));
const workshop = { include: fromRoot("targets/common"), folder: fromRoot("build/host-c") };
const core =
  args.machine === "host-c"
    ? hostCore(wasm, profile.name, workshop)
    : await WebAssembly.compile(wasm);
const lines: Line[] = [];
for await (const line of runVectors(vectors, core, profile.name)) lines.push(line);
writeFileSync(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
const skipped = lines.filter((line) => "skipped" in line).length;
process.stdout.write(`${lines.length - skipped} results, ${skipped} skipped: ${out}\n`);
