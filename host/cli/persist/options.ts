// Options that the subcommands of hsx persist share, and how they write an image.

import { existsSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { checkFree, writeOutput } from "../files.ts";
import { KeyNames } from "../key-names.ts";
import { lockNv } from "../nv-file.ts";
import { collect, refuseOptions } from "../program.ts";

/** Values of these options. */
export interface ImageOptions {
  readonly image?: readonly string[];
  readonly media?: string;
}

export function addImageOption(command: Command): Command {
  return command.option(
    "--image <app.hxe>",
    "names, units and limits of the values this app keeps; may be given again",
    collect,
  );
}
export function addMediaOption(command: Command): Command {
  return command.option("--media <kind>", "kind of device, and its bytes: fram:8192; default fram");
}

export function readNames({ image = [] }: ImageOptions): KeyNames {
  return KeyNames.read(image);
}

/** Refuses --force where no output is named. */
export function refuseForce(command: Command): void {
  refuseOptions(command, ["force"], "belongs to -o", "name an output, or leave it out");
}

/** Writes an image. What is there already may be the only copy of a calibration, so it goes only if that is said. */
export function writeImage(path: string, bytes: Uint8Array, mayReplace: boolean): void {
  checkFree(path, mayReplace);
  writeLocked(path, bytes);
}

/** Writes over an image that no node has open meanwhile. */
export function writeLocked(path: string, bytes: Uint8Array): void {
  const lock = existsSync(path) ? lockNv(path) : undefined;
  try {
    writeOutput(path, bytes);
  } finally {
    if (lock !== undefined) rmSync(lock, { force: true });
  }
}
