// Benches from files: the nodes they name, made of what this installation has.

import { dirname, isAbsolute, join } from "node:path";
import type { Bench } from "../../client/bench/bench.ts";
import { readBench } from "../../formats/bench.ts";
import { plural } from "../../formats/text.ts";
import { Exit, Failure } from "../exit.ts";
import { readBytes, readText } from "../files.ts";
import type { Install } from "../install.ts";

/** Reads a bench file and makes its nodes. Files it names lie beside it. */
export async function openBench(file: string, install: Install): Promise<Bench> {
  const { bench: spec, diagnostics } = readBench(readText(file), file);
  if (spec === undefined) {
    const message = plural(diagnostics.length, "error");
    throw new Failure(Exit.FAILED, diagnostics[0]?.code ?? "bench", message, { diagnostics });
  }
  // the models of the boards are brought in when a bench is wanted: no other command waits for them
  const { Bench } = await import("../../client/bench/bench.ts");
  return Bench.create(spec, {
    core: (profile) => install.core(profile),
    coreHash: (profile) => install.coreHash(profile),
    firmware: (board) => install.firmware(board),
    read: (name) => readBytes(isAbsolute(name) ? name : join(dirname(file), name)),
  });
}
