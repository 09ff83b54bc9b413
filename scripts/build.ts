// Builds what is out of date: `npm run build`, or one part with `-- core` or `-- cli`.

import { buildCli } from "./build-cli.ts";
import { buildCore } from "./build-core.ts";

const PARTS = { core: buildCore, cli: buildCli };

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in PARTS));
if (unknown !== undefined) {
  console.error(`build: no part is called ${unknown}; there are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}
for (const [name, build] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (!(await build())) process.exit(1);
}
