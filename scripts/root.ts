// Where the project is, from a source file and from a bundle in build/ alike.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(folder: string): string {
  if (existsSync(join(folder, "asconfig.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error("asconfig.json is in no folder above this script");
  return findRoot(parent);
}

export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

/** Absolute path of a file of the project. */
export function fromRoot(...parts: string[]): string {
  return resolve(ROOT, ...parts);
}
