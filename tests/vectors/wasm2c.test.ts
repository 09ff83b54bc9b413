// The core translated to C by wasm2c does what the same core does as WASM: a fault of our translator, or of what it is tested
// with, shows as a difference. The other profiles: HSX_MACHINE=wasm2c.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CoreSource } from "../../host/node/core.ts";
import { runVectors } from "../../scripts/conform/vectors.ts";
import { fromRoot } from "../../scripts/root.ts";
import { profilesOf, readVectors, runVector } from "../drivers/steps.ts";
import { wasm2cCore, wasm2cMachine } from "../drivers/wasm2c.ts";

const RECORDED = fromRoot("tests/vectors/recorded");
const BEHAVIOUR = fromRoot("tests/vectors/behaviour");

async function lines(core: CoreSource): Promise<string[]> {
  const result: string[] = [];
  for await (const line of runVectors(RECORDED, core, "desktop")) result.push(JSON.stringify(line));
  return result;
}

it("on all recorded vectors: desktop", async () => {
  const wasm = readFileSync(fromRoot("build/core/desktop.wasm"));
  const wanted = await lines(await WebAssembly.compile(wasm));
  expect(await lines(wasm2cCore("desktop"))).toEqual(wanted);
}, 300_000); // most of it is the compiler's

describe("on all behaviour vectors: small", () => {
  for (const file of readdirSync(BEHAVIOUR).filter((name) => name.endsWith(".txt"))) {
    const vectors = readVectors(readFileSync(`${BEHAVIOUR}/${file}`, "utf8"));
    const small = vectors.filter((v) => profilesOf(v, wasm2cMachine).includes("small"));
    if (small.length > 0)
      it.each(small)(`${file}: $title`, (v) => runVector(v, wasm2cMachine, "small"));
  }
});
