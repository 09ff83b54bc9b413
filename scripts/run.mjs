// Runs one TypeScript script: `node scripts/run.mjs scripts/size.ts --json`.
// Node 20 reads no TypeScript and the code uses enums, so esbuild bundles the script first.

import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...args] = process.argv.slice(2);

if (script === undefined || !existsSync(script)) {
  console.error(
    script === undefined
      ? "usage: node scripts/run.mjs <script.ts> [arguments]"
      : `${script}: no such script`,
  );
  process.exit(2);
}

const esbuild = await import("esbuild").catch(() => {
  console.error("The packages are not installed. Run: npm run setup");
  process.exit(1);
});

const result = await esbuild
  .build({
    absWorkingDir: root,
    entryPoints: [resolve(script)],
    bundle: true,
    packages: "external",
    platform: "node",
    target: "node20",
    format: "esm",
    sourcemap: "inline",
    write: false,
    outfile: resolve(root, "build/scripts", `${basename(script, ".ts")}.mjs`),
  })
  .catch(() => process.exit(1)); // esbuild has printed its messages

for (const { path, contents } of result.outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path); // a second run at the same time sees a whole file
  process.setSourceMapsEnabled(true);
  process.argv = [process.argv[0], path, ...args];
  await import(pathToFileURL(path).href);
}
