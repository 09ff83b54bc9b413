// Benches from files: the nodes they name, made of what this installation has.

import type { Bench, CoreKind } from "../../client/bench/bench.ts";
import { type Bench as BenchSpec, readBench } from "../../formats/bench.ts";
import { plural } from "../../formats/text.ts";
import { mistakes, usage } from "../exit.ts";
import { pathBeside, readBytes, readText } from "../files.ts";
import type { Install } from "../install.ts";

/** What a command adds to a bench file. */
export interface BenchChange {
  /** SD cards by number of node. */
  readonly cards?: ReadonlyMap<number, Uint8Array>;
  /** All nodes have power from the start. */
  readonly isAllOn?: boolean;
}

/** Whatever its file says, every node of the bench has power from the start. */
function allOn(spec: BenchSpec): BenchSpec {
  return { ...spec, nodes: spec.nodes.map((node) => ({ ...node, on_ms: 0 })) };
}

/** Reads a bench file and makes its nodes. Files it names lie beside it. */
export async function openBench(
  file: string,
  install: Install,
  { cards, isAllOn = false }: BenchChange = {},
): Promise<Bench> {
  const { bench: spec, diagnostics } = readBench(readText(file), file);
  if (spec === undefined) throw mistakes(diagnostics);
  // the models of the boards are brought in when a bench is wanted: no other command waits for them
  const { Bench } = await import("../../client/bench/bench.ts");
  for (const number of cards?.keys() ?? []) {
    if (number > spec.nodes.length)
      throw usage(
        `--card ${number}=…: ${file} has ${plural(spec.nodes.length, "node")}`,
        `write a number from 1 to ${spec.nodes.length}, as they stand in the file`,
      );
  }
  const sources = {
    core: (profile: CoreKind) => install.core(profile),
    coreHash: (profile: CoreKind) => install.coreHash(profile),
    firmware: (board: "avr" | "stm32f072") => install.firmware(board),
    read: (name: string) => readBytes(pathBeside(file, name)),
  };
  return Bench.create(isAllOn ? allOn(spec) : spec, sources, cards);
}
