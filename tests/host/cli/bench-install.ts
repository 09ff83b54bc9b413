// An installation whose bus is one bench in this process, which outlives its commands.

import type { CanTransport } from "../../../host/bus/transport.ts";
import { Install } from "../../../host/cli/install.ts";
import type { Bench } from "../../../host/client/bench/bench.ts";
import { BenchClients } from "../../../host/client/bench/sim-transport.ts";
import { ROOT } from "../../../scripts/root.ts";
import { benchOf } from "../../drivers/bench.ts";
import { hsx, type Outside, type Result } from "./harness.ts";

/** Nodes have mounted their stores and started their apps by then. */
const UP_US = 500_000;

export class BenchInstall extends Install {
  readonly clients: BenchClients;
  constructor(readonly bench: Bench) {
    super(ROOT);
    this.clients = new BenchClients(bench);
  }
  /** A bench of the text of a bench.toml whose nodes are up. */
  static async of(
    text: string,
    files: Readonly<Record<string, Uint8Array>> = {},
  ): Promise<BenchInstall> {
    const install = new BenchInstall(await benchOf(text, files));
    install.bench.run_us(UP_US);
    return install;
  }
  override async transport(): Promise<CanTransport> {
    return this.clients.client("bench");
  }
  /** Runs a command line on the bench. */
  run(args: readonly string[], outside: Outside = {}): Promise<Result> {
    return hsx([...args, "--bus", "sim:bench"], { ...outside, install: this });
  }
}
