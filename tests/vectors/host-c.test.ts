// The core translated to C gives, line by line, what the same core gives as WASM.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { CoreSource } from "../../host/node/core.ts";
import { runVectors } from "../../scripts/conform/vectors.ts";
import type { ProfileName } from "../../scripts/core.ts";
import { fromRoot } from "../../scripts/root.ts";
import { hostCore } from "../drivers/host-c.ts";

const FOLDER = fromRoot("tests/vectors/recorded");

async function lines(core: CoreSource, profile: string): Promise<string[]> {
  const result: string[] = [];
  for await (const line of runVectors(FOLDER, core, profile)) result.push(JSON.stringify(line));
  return result;
}

it.each<ProfileName>(["small", "large", "desktop"])("on all recorded vectors: %s", async (profile) => {
  const wasm = readFileSync(fromRoot(`build/core/${profile}.wasm`));
  const wanted = await lines(await WebAssembly.compile(wasm), profile);
  expect(await lines(hostCore(profile), profile)).toEqual(wanted);
});
