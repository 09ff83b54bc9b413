// Runs every generator, scripts/gen-*.ts. CI runs it and expects no file to change.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fromRoot, ROOT } from "./root.ts";

const generators = readdirSync(fromRoot("scripts")).filter((name) => /^gen-.*\.ts$/.test(name));
for (const name of generators.sort()) {
  const { status } = spawnSync(process.execPath, ["scripts/run.mjs", `scripts/${name}`], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) process.exit(1);
}
