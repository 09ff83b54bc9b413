// Bundles the `hsx` command with its dependencies into build/cli/hsx.mjs.

import { existsSync } from "node:fs";
import * as esbuild from "esbuild";
import { fromRoot, ROOT } from "./root.ts";
import { hashInputs, isStamped, replaceFile, writeStamp } from "./stamp.ts";

const ENTRY = "host/cli/main.ts";
const OUTPUT = "build/cli/hsx.mjs";
const STAMP = "build/cli/stamp.json";
/** What the build is made with, besides the files of the bundle. */
const SETTINGS = ["package-lock.json", "scripts/build-cli.ts"];

/** CommonJS packages of the bundle ask for Node's built-ins through `require`. */
const BANNER = `import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);`;

/** Returns whether the bundle is there and current. */
export async function buildCli(): Promise<boolean> {
  const result = await esbuild
    .build({
      absWorkingDir: ROOT,
      entryPoints: [ENTRY],
      bundle: true,
      external: ["assemblyscript", "binaryen", "esbuild", "wabt"], // large, and of no use to the command
      platform: "node",
      target: "node20",
      format: "esm",
      banner: { js: BANNER },
      outfile: OUTPUT,
      metafile: true,
      write: false,
    })
    .catch(() => undefined); // esbuild has printed its messages
  if (result === undefined) return false;

  const files = [...SETTINGS, ...Object.keys(result.metafile.inputs).sort()];
  const hash = hashInputs(files);
  if (!existsSync(fromRoot(OUTPUT)) || !isStamped(STAMP, hash)) {
    for (const { contents } of result.outputFiles) replaceFile(OUTPUT, contents);
    console.error("build: hsx command");
  }
  writeStamp(STAMP, files, hash);
  return true;
}
