// An installation whose buses are models of nodes.

import type { CanTransport } from "../../../host/bus/transport.ts";
import { Install } from "../../../host/cli/install.ts";
import { ROOT } from "../../../scripts/root.ts";
import type { ModelBus } from "../../drivers/model-bus.ts";
import { WireTransport } from "../../drivers/wire-transport.ts";
import { hsx, type Outside, type Result } from "./harness.ts";

export class ModelInstall extends Install {
  constructor(private readonly bus: ModelBus) {
    super(ROOT);
  }
  override async transport(): Promise<CanTransport> {
    return new WireTransport(this.bus.timeline, this.bus.wire);
  }
}

/** Runs a command line on a bus of models. */
export function onModels(
  bus: ModelBus,
  args: readonly string[],
  outside: Outside = {},
): Promise<Result> {
  return hsx([...args, "--bus", "model:"], { ...outside, install: new ModelInstall(bus) });
}
