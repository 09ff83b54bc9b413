// Compiles the core, each profile in a process of its own, when its source changed since.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { PROFILES, type Profile } from "./core.ts";
import { fromRoot, ROOT } from "./root.ts";
import { hashInputs, isStamped, writeStamp } from "./stamp.ts";

const STAMP = "build/core/stamp.json";
const ASC = "node_modules/assemblyscript/bin/asc.js";

/** Whatever a module of the core is made from. */
export function coreInputs(): string[] {
  const sources = readdirSync(fromRoot("assembly"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `assembly/${name.replaceAll("\\", "/")}`);
  return ["asconfig.json", "package-lock.json", ...sources.sort()];
}

/** Returns what asc complains about, nothing when the module is built. */
function compile(profile: Profile): Promise<string> {
  const temporary = (file: string) => `${file}.${process.pid}`;
  const { name, outFile, textFile } = profile;
  const args = ["--target", name, "--outFile", temporary(outFile)];
  args.push("--textFile", temporary(textFile));
  // asc starts a second Node unless source maps are on
  const child = spawn(process.execPath, ["--enable-source-maps", ASC, ...args], {
    cwd: ROOT,
    stdio: ["ignore", 2, "pipe"],
  });
  let complaints = "";
  child.stderr?.on("data", (chunk) => {
    complaints += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status !== 0) return resolve(complaints || `asc ended with status ${status}\n`);
      for (const file of [outFile, textFile]) renameSync(fromRoot(temporary(file)), fromRoot(file));
      resolve("");
    });
  });
}

/** Returns whether all modules are there and current. */
export async function buildCore(): Promise<boolean> {
  const files = coreInputs();
  const hash = hashInputs(files);
  const isBuilt = PROFILES.every(({ outFile, textFile }) => {
    return existsSync(fromRoot(outFile)) && existsSync(fromRoot(textFile));
  });
  if (isBuilt && isStamped(STAMP, hash)) {
    writeStamp(STAMP, files, hash); // times may have changed where contents did not
    return true;
  }
  mkdirSync(dirname(fromRoot(STAMP)), { recursive: true });
  const start = performance.now();
  const complaints = new Set(await Promise.all(PROFILES.map(compile))); // mostly the same each time
  complaints.delete("");
  for (const complaint of complaints) process.stderr.write(complaint);
  if (complaints.size > 0) return false;
  writeStamp(STAMP, files, hash);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.error(`build: core for ${PROFILES.map(({ name }) => name).join(", ")} in ${seconds} s`);
  return true;
}
