// Writes tests/golden/core-*.txt: what each built module imports, exports and takes.

import { existsSync, readFileSync } from "node:fs";
import { buildCore } from "./build-core.ts";
import { PROFILES } from "./core.ts";
import { describeCore, goldenFile } from "./describe-core.ts";
import { fromRoot } from "./root.ts";
import { replaceFile } from "./stamp.ts";

if (!(await buildCore())) process.exit(1);
for (const profile of PROFILES) {
  const file = goldenFile(profile);
  const text = await describeCore(profile);
  if (existsSync(fromRoot(file)) && readFileSync(fromRoot(file), "utf8") === text) continue;
  replaceFile(file, text);
  console.log(`gen: ${file}`);
}
