// Notes beside a build what it was made from. bin/hsx.mjs compares the files' times and sizes.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fromRoot } from "./root.ts";

interface Stamp {
  /** SHA-256 over the names and contents of the inputs. */
  readonly hash: string;
  /** Input, relative to the project: [modification time in ms, bytes]. */
  readonly inputs: Record<string, readonly [number, number]>;
}

export function hashInputs(inputs: readonly string[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(`${input}\0`).update(readFileSync(fromRoot(input)));
  return hash.digest("hex");
}

/** Whether the build was made from inputs of this content. */
export function isStamped(file: string, hash: string): boolean {
  try {
    return (JSON.parse(readFileSync(fromRoot(file), "utf8")) as Stamp).hash === hash;
  } catch {
    return false; // never built, or interrupted
  }
}

export function writeStamp(file: string, inputs: readonly string[], hash: string): void {
  const entries = inputs.map((input) => {
    const { mtimeMs, size } = statSync(fromRoot(input));
    return [input, [mtimeMs, size]] as const;
  });
  const stamp: Stamp = { hash, inputs: Object.fromEntries(entries) };
  replaceFile(file, JSON.stringify(stamp));
}

/** Writes a file that a second process may be reading. */
export function replaceFile(file: string, contents: string | Uint8Array): void {
  const path = fromRoot(file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}
