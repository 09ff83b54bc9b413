// Buses by their names: what --bus says as a transport.

import { parseBusUrl } from "../../bus/bus-url.ts";
import { makeTransport } from "../../bus/open-bus.ts";
import type { CanTransport } from "../../bus/transport.ts";
import { usage } from "../exit.ts";
import type { Install } from "../install.ts";
import { openBench } from "./bench.ts";
import { connectSerial } from "./serial-line.ts";

/** A bench in this process, which begins when the command does and ends with it. */
async function simulated(name: string, file: string, install: Install): Promise<CanTransport> {
  const { BenchClients } = await import("../../client/bench/sim-transport.ts");
  return new BenchClients(await openBench(file, install)).client(name);
}

/** A transport that is not open yet. `now_us`: a clock that never goes back. */
export async function transportOf(
  text: string,
  install: Install,
  now_us: () => number,
): Promise<CanTransport> {
  const parsed = parseBusUrl(text);
  if ("message" in parsed) throw usage(`--bus: ${parsed.message}`, parsed.remedy);
  const { url } = parsed;
  return url.scheme === "sim"
    ? simulated(text, url.file, install)
    : makeTransport(url, { now_us, openSerial: connectSerial });
}
