// Writes docs/cli.md from the command trees of the bundle.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { buildCli } from "./build-cli.ts";
import { fromRoot } from "./root.ts";
import { replaceFile } from "./stamp.ts";

const PAGE = "docs/cli.md";

if (!(await buildCli())) process.exit(1);
const bundle = fromRoot("build/cli/hsx.mjs");
const text = execFileSync(process.execPath, [bundle, "docs"], { encoding: "utf8" });
if (!existsSync(fromRoot(PAGE)) || readFileSync(fromRoot(PAGE), "utf8") !== text) {
  replaceFile(PAGE, text);
  console.log(`gen: ${PAGE}`);
}
