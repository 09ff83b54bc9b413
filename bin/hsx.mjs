#!/usr/bin/env node
// The `hsx` command of a clone: builds what is missing or out of date, then hands over.

import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

/** Compares times and sizes only: reading every source would cost more than a short command. */
function isCurrent(stampFile) {
  try {
    const { inputs } = JSON.parse(readFileSync(new URL(stampFile, root), "utf8"));
    return Object.entries(inputs).every(([file, [mtimeMs, size]]) => {
      const now = statSync(new URL(file, root));
      return now.mtimeMs === mtimeMs && now.size === size;
    });
  } catch {
    return false; // never built, or a file went away
  }
}

/** Runs a chore with its output on stderr: stdout belongs to the command. */
function run(...args) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: fileURLToPath(root),
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) process.exit(1);
}

if (!isCurrent("build/core/stamp.json") || !isCurrent("build/cli/stamp.json")) {
  run("scripts/setup.mjs");
  run("scripts/run.mjs", "scripts/build.ts");
}
await import(new URL("build/cli/hsx.mjs", root));
