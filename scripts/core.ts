// The profiles of the core, as asconfig.json lists them, and where their modules are built.

import { readFileSync } from "node:fs";
import { fromRoot } from "./root.ts";

/** `small-flash` is `small` with a store that can also lie on flash pages. */
export type ProfileName = "small" | "small-flash" | "large" | "desktop";

interface Target {
  readonly outFile: string;
  readonly textFile: string;
  readonly memoryBase: number;
  readonly maximumMemory: number;
  readonly use: readonly string[];
}

export interface Profile extends Target {
  readonly name: ProfileName;
}

const config: { targets: Record<ProfileName, Target> } = JSON.parse(
  readFileSync(fromRoot("asconfig.json"), "utf8"),
);

export const PROFILES: readonly Profile[] = Object.entries(config.targets).map(([name, target]) => {
  return { name: name as ProfileName, ...target };
});
