// Buses by their names: what --bus says as a transport.

import type { CanTransport } from "../../bus/transport.ts";
import { suggest } from "../../formats/diagnostic.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { readBytes, readText } from "../files.ts";
import type { Install } from "../install.ts";

const KINDS = ["sim", "tcp", "slcan", "serial", "socketcan"];

/** A bench in this process, which begins when the command does and ends with it. */
async function simulated(name: string, file: string, install: Install): Promise<CanTransport> {
  const { readBench } = await import("../../formats/bench.ts");
  const { Bench } = await import("../../client/bench/bench.ts");
  const { BenchClients } = await import("../../client/bench/sim-transport.ts");
  const { bench: spec, diagnostics } = readBench(readText(file), file);
  if (spec === undefined || diagnostics.length > 0)
    throw new Failure(Exit.USAGE, "bad-bench", "", { diagnostics });
  const bench = await Bench.create(spec, {
    core: (profile) => install.core(profile),
    firmware: (board) => install.firmware(board),
    read: readBytes,
  });
  return new BenchClients(bench).client(name);
}

/** A transport that is not open yet. */
export async function transportOf(url: string, install: Install): Promise<CanTransport> {
  const colon = url.indexOf(":");
  const kind = url.slice(0, Math.max(0, colon));
  const rest = url.slice(colon + 1);
  if (kind === "sim") return simulated(url, rest, install);
  const remedy = suggest(kind, KINDS, `there are ${KINDS.join(", ")}`);
  throw usage(`--bus: "${url}" names no bus`, remedy);
}
