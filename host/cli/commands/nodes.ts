// val, cmd and others at the nodes of a bus: the verbs of the shell, for many nodes at once.

import type { Command } from "commander";
import { BusHost } from "../bus/bus-host.ts";
import type { Context } from "../program.ts";
import { addCommandVerbs } from "../verbs/cmd.ts";
import { addValueVerbs } from "../verbs/val.ts";

export function addNodeCommands(program: Command, context: Context): void {
  const host = new BusHost(context);
  const val = program.command("val").description("values of the nodes of a bus");
  addValueVerbs(val, host, "hsx ");
  const cmd = program.command("cmd").description("commands of the nodes of a bus");
  addCommandVerbs(cmd, host, "hsx ");
}
