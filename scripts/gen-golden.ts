// Writes tests/golden/core-*.txt: what each built module imports, exports and takes.

import { buildCore } from "./build-core.ts";
import { PROFILES } from "./core.ts";
import { describeCore, goldenFile } from "./describe-core.ts";
import { writeGenerated } from "./generated.ts";

if (!(await buildCore())) process.exit(1);
for (const profile of PROFILES) writeGenerated(goldenFile(profile), await describeCore(profile));
