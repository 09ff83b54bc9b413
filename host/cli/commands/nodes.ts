// val, cmd, provision and others at the nodes of a bus: the verbs of the shell, for many nodes at once.

import type { Command } from "commander";
import { BusHost } from "../bus/bus-host.ts";
import type { Context } from "../program.ts";
import { addCommandVerbs } from "../verbs/cmd.ts";
import { addProvisionVerbs, addTrialVerbs } from "../verbs/provision.ts";
import { addTaskVerb } from "../verbs/tasks.ts";
import { addValueVerbs } from "../verbs/val.ts";
import { addProvisionStatus } from "./provision-status.ts";
import { addGroupStart } from "./start-up.ts";
import { addWatchValues } from "./val-watch.ts";

export function addNodeCommands(program: Command, context: Context): void {
  const host = new BusHost(context);
  addTaskVerb(program, host, "restart");
  addTaskVerb(program, host, "stop");
  addGroupStart(program, context, host);
  addTrialVerbs(program, host);
  const val = program
    .command("val")
    .description("values of the nodes of a bus: list, get, set, persist, export, import, watch");
  addValueVerbs(val, host);
  addWatchValues(val, context);
  const cmd = program.command("cmd").description("commands of the nodes of a bus: list, call");
  addCommandVerbs(cmd, host);
  const provision = program
    .command("provision")
    .description(
      "stored images of the nodes of a bus: status, format, activate, confirm, rollback, boot",
    );
  addProvisionStatus(provision, context);
  addProvisionVerbs(provision, host);
}
