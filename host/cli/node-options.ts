// Options of every command that makes a node.

import { type Command, Option } from "commander";
import { Level } from "../../assembly/spec/svc.ts";
import { usage } from "./exit.ts";
import { PROFILES, type ProfileName } from "./install.ts";
import { parseInteger } from "./numbers.ts";
import { parseNv } from "./nv-file.ts";
import type { SessionOptions } from "./session.ts";

export interface NodeOptionValues {
  readonly profile: ProfileName;
  readonly nv?: string;
  readonly reference?: true;
  readonly quantum?: string;
  readonly level?: string;
}

const LEVELS = ["public", "user", "admin", "factory"] as const;

export function addNodeOptions(command: Command): void {
  command
    .addOption(
      new Option("--profile <name>", "size of the node").choices([...PROFILES]).default("desktop"),
    )
    .option(
      "--nv <file>",
      "keep values in this file, made when missing; FILE:fram:8192 or FILE:eeprom:4096 sets kind and bytes",
    )
    .addOption(
      new Option("--level <name>", "authority of the host").choices([...LEVELS]).default("factory"),
    )
    .option("--quantum <n>", "instructions of a turn, 1 to 65535")
    .option("--reference", "memory layout and mailbox limits of the reference; desktop only");
}

/** A level by name or number. */
export function parseLevel(text: string): number {
  const index = LEVELS.indexOf(text.toLowerCase() as (typeof LEVELS)[number]);
  if (index >= 0) return index;
  if (/^\d+$/.test(text)) return parseInteger(text, "level", Level.PUBLIC, 255);
  throw usage(`"${text}" is not a level`, `there are ${LEVELS.join(", ")}`);
}

export function sessionOptions(values: NodeOptionValues): SessionOptions {
  const { profile, nv, reference, quantum, level } = values;
  if (reference && profile !== "desktop") {
    throw usage("--reference needs the desktop profile", "leave out --profile");
  }
  return {
    profile,
    reference: reference === true,
    nv: nv === undefined ? undefined : parseNv(nv),
    quantum: quantum === undefined ? undefined : parseInteger(quantum, "--quantum", 1, 0xffff),
    level: level === undefined ? undefined : parseLevel(level),
  };
}
