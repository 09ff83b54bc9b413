// Every recorded program, scenario and image runs on the whole core as the reference recorded it.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { Line } from "../../scripts/conform/results.ts";
import { runVectors } from "../../scripts/conform/vectors.ts";
import { fromRoot } from "../../scripts/root.ts";

const FOLDER = fromRoot("tests/vectors/recorded");

async function results(profile: string): Promise<Line[]> {
  const module = await WebAssembly.compile(readFileSync(fromRoot(`build/core/${profile}.wasm`)));
  const lines: Line[] = [];
  for await (const line of runVectors(FOLDER, module, profile)) lines.push(line);
  return lines;
}

function compare(lines: readonly Line[], name: string): string {
  mkdirSync(fromRoot("build/test"), { recursive: true });
  const file = fromRoot(`build/test/${name}.jsonl`);
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return spawnSync(process.execPath, [`${FOLDER}/compare.mjs`, file], { encoding: "utf8" }).stdout;
}

it("does on a desktop node with the reference's memory what the reference did", async () => {
  const lines = await results("desktop");
  expect(compare(lines, "recorded-desktop")).toBe(`${lines.length} passed, 0 failed, 0 skipped\n`);
});

it.each(["small", "large"])(
  "does the same on a %s node where nothing of that machine is needed, and judges every image alike",
  async (profile) => {
    const lines = await results(profile);
    // 52 images and 37 programs; the other 87 runs are on the reference's machine
    expect(compare(lines, `recorded-${profile}`)).toContain("89 passed, 0 failed, 87 skipped\n");
  },
);
