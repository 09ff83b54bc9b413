// hsx persist: the bytes of a node's non-volatile memory, made, looked into and mended offline.

import type { Command } from "commander";
import { addPersistBuild } from "../persist/build.ts";
import { addCut } from "../persist/cut.ts";
import { addDiff } from "../persist/diff.ts";
import { addExport } from "../persist/export.ts";
import { addInspect } from "../persist/inspect.ts";
import { addRepair } from "../persist/repair.ts";
import { addVerify } from "../persist/verify.ts";
import type { Context } from "../program.ts";

const SUBCOMMANDS = [addPersistBuild, addInspect, addVerify, addDiff, addExport, addRepair, addCut];

export function addPersist(program: Command, context: Context): void {
  const persist = program
    .command("persist")
    .description(
      "make, inspect and mend persistence images: build, inspect, verify, diff, export, repair, cut",
    );
  for (const add of SUBCOMMANDS) add(persist, context);
}
