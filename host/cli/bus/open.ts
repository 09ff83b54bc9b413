// Buses by their names: what --bus says as a transport.

import { parseBusUrl } from "../../bus/bus-url.ts";
import { makeTransport } from "../../bus/open-bus.ts";
import type { CanTransport } from "../../bus/transport.ts";
import { usage } from "../exit.ts";
import type { Install } from "../install.ts";
import { openBench } from "./bench.ts";
import { connectSerial } from "./serial-line.ts";

/** Virtual time a bench has been on when a command comes to it: the firmware of a board needs some of it to start. */
const UP_US = 1_000_000;

/** A bench in this process, which ends with the command. */
async function simulated(
  name: string,
  file: string,
  install: Install,
  up_us: number,
): Promise<CanTransport> {
  const { BenchClients } = await import("../../client/bench/sim-transport.ts");
  const bench = await openBench(file, install);
  bench.run_us(up_us);
  return new BenchClients(bench).client(name);
}

/** A transport that is not open yet. `now_us`: a clock that never goes back. `up_us`: how long a bench has been on. */
export async function transportOf(
  text: string,
  install: Install,
  now_us: () => number,
  up_us = UP_US,
): Promise<CanTransport> {
  const parsed = parseBusUrl(text);
  if ("message" in parsed) throw usage(`--bus: ${parsed.message}`, parsed.remedy);
  const { url } = parsed;
  return url.scheme === "sim"
    ? simulated(text, url.file, install, up_us)
    : makeTransport(url, { now_us, openSerial: connectSerial });
}
