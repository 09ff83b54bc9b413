// The way to another board begins with commands that work.

import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { ROOT } from "../../scripts/root.ts";
import { blocksOf, pageText } from "./pages.ts";

const PAGE = "docs/porting.md";
/** Builds a board of nothing here. The block behind it does the same for a chip, the last ones run all vectors. */
const [host] = blocksOf(PAGE, "sh");
/** Limit for the commands of a block, compilation of the core included. */
const COMMANDS_MS = 300_000;

function run(commands: string): void {
  execFileSync("sh", ["-e", "-c", commands], { cwd: ROOT, stdio: "pipe" });
}

it(
  "builds a board of nothing",
  () => {
    expect(host?.text).toContain("board_blank.c");
    run(host?.text ?? "false");
  },
  COMMANDS_MS,
);

it("names every function of the HAL in its order of work", () => {
  const header = pageText("targets/common/hsx_hal.h");
  const names = Array.from(header.matchAll(/^\w+ (\w+)\(.*\);$/gm), ([, name = ""]) => name);
  expect(names).toContain("clock_ms");
  const page = pageText(PAGE);
  const groups = Array.from(page.matchAll(/`([a-z]+)_\*`/g), ([, group]) => `${group}_`);
  const missing = names.filter((name) => {
    return !page.includes(`\`${name}\``) && !groups.some((group) => name.startsWith(group));
  });
  expect(missing).toEqual([]);
});
