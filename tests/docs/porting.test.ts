// The way to another board begins with commands that work.

import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { ROOT } from "../../scripts/root.ts";
import { blocksOf, pageText } from "./pages.ts";

const PAGE = "docs/porting.md";
/** The blocks that build a board of nothing; later ones run all vectors. */
const [host, chip] = blocksOf(PAGE, "sh");

function run(commands: string): void {
  execFileSync("sh", ["-e", "-c", commands], { cwd: ROOT, stdio: "pipe" });
}

it.each([
  ["this machine", host],
  ["a Cortex-M0", chip],
])("builds a board of nothing for %s", (_name, block) => {
  run(block?.text ?? "false");
});

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
