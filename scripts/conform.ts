// Runs a folder of recorded vectors on a machine and writes one result line per case and harness:
//   npm run -s conform -- --vectors DIR --machine node|host-c|wasm2c|avr|stm32f072|stm32f405|wasm3 [--profile P] --out results.jsonl

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CoreSource } from "../host/node/core.ts";
import { avrCore, readFirmware } from "../tests/drivers/avr.ts";
import { hostCore } from "../tests/drivers/host-c.ts";
import { readFirmware as readStm32, stm32Core } from "../tests/drivers/stm32.ts";
import { wasm2cCore } from "../tests/drivers/wasm2c.ts";
import { wasm3Core } from "../tests/drivers/wasm3.ts";
import type { Line } from "./conform/results.ts";
import { runVectors } from "./conform/vectors.ts";
import { PROFILES, type Profile } from "./core.ts";
import { buildMachine } from "./machines.ts";
import { fromRoot } from "./root.ts";

const USAGE =
  "usage: npm run -s conform -- --vectors DIR --machine node|host-c|wasm2c|avr|stm32f072|stm32f405|wasm3 [--profile small|large|desktop] --out FILE";

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
        profile: { type: "string" },
        out: { type: "string" },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const args = readArguments();
const { vectors = fail("--vectors is missing"), out = fail("--out is missing") } = args;
/** Cores by machine; the firmware of a chip has one profile. */
const MACHINES: Record<string, { only?: string; core(profile: Profile): Promise<CoreSource> }> = {
  node: { core: (p) => WebAssembly.compile(readFileSync(fromRoot(p.outFile))) },
  "host-c": { core: async (p) => hostCore(p.name) },
  wasm2c: { core: async (p) => wasm2cCore(p.name) },
  wasm3: { core: async (p) => wasm3Core(Uint8Array.from(readFileSync(fromRoot(p.outFile)))) },
  stm32f072: {
    only: "small",
    core: async () => stm32Core("stm32f072", readStm32(fromRoot("build/stm32/stm32f072"))),
  },
  stm32f405: {
    only: "large",
    core: async () => stm32Core("stm32f405", readStm32(fromRoot("build/stm32/stm32f405"))),
  },
  avr: { only: "small", core: async () => avrCore(readFirmware(fromRoot("build/avr"))) },
};
const machine = MACHINES[args.machine] ?? fail(`--machine ${args.machine}: unknown`);
const wanted = args.profile ?? machine.only ?? "desktop";
const profile = PROFILES.find((p) => p.name === wanted) ?? fail(`--profile ${wanted}: unknown`);
if (machine.only !== undefined && machine.only !== wanted)
  fail(`--machine ${args.machine} has the profile ${machine.only} and no other`);
if (!existsSync(join(vectors, "index.json"))) fail(`${vectors}: no index.json in this folder`);

await buildMachine(args.machine);
const core = await machine.core(profile);
const lines: Line[] = [];
for await (const line of runVectors(vectors, core, profile.name)) lines.push(line);
writeFileSync(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
const skipped = lines.filter((line) => "skipped" in line).length;
process.stdout.write(`${lines.length - skipped} results, ${skipped} skipped: ${out}\n`);
