// val, cmd, provision and others at the nodes of a bus: the verbs of the shell, for many nodes at once.

import type { Command } from "commander";
import { BusHost } from "../bus/bus-host.ts";
import { addProvisionStatus } from "../bus/provision-status.ts";
import { addWatchValues } from "../bus/watch-values.ts";
import type { Context } from "../program.ts";
import { addCommandVerbs } from "../verbs/cmd.ts";
import { addProvisionVerbs, addTrialVerbs } from "../verbs/provision.ts";
import { addTaskVerb } from "../verbs/tasks.ts";
import { addValueVerbs } from "../verbs/val.ts";
import { addGroupStart } from "./start-up.ts";

export function addNodeCommands(program: Command, context: Context): void {
  const host = new BusHost(context);
  addTaskVerb(program, host, "restart", "hsx ");
  addTaskVerb(program, host, "stop", "hsx ");
  addGroupStart(program, context, host);
  addTrialVerbs(program, host);
  const val = program
    .command("val")
    .description("values of the nodes of a bus: list, get, set, persist, export, import, watch");
  addValueVerbs(val, host, "hsx ");
  addWatchValues(val, context);
  const cmd = program.command("cmd").description("commands of the nodes of a bus: list, call");
  addCommandVerbs(cmd, host, "hsx ");
  const provision = program
    .command("provision")
    .description(
      "stored images of the nodes of a bus: status, format, activate, confirm, rollback, boot",
    );
  addProvisionStatus(provision, context);
  addProvisionVerbs(provision, host, "hsx ");
}
