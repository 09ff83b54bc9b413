// Generated files: written when they change, and told then.

import { existsSync, readFileSync } from "node:fs";
import { fromRoot } from "./root.ts";
import { replaceFile } from "./stamp.ts";

export function writeGenerated(file: string, text: string): void {
  if (existsSync(fromRoot(file)) && readFileSync(fromRoot(file), "utf8") === text) return;
  replaceFile(file, text);
  console.log(`gen: ${file}`);
}
