// cmd: commands that apps offer.

import type { Command } from "commander";
import { CommandStatus } from "../../../assembly/spec/svc.ts";
import { labelOf } from "../../client/records.ts";
import { oidText } from "../../client/refusal.ts";
import { hex } from "../../formats/text.ts";
import { Exit, Failure } from "../exit.ts";
import { findCommand } from "../names.ts";
import { parseDuration, parseF16, parseInteger } from "../numbers.ts";
import type { VerbContext } from "../shell/context.ts";
import { commandFlags, levelName } from "../words.ts";
import { addNodeVerb, type NodeContext, type NodeHost, ShellHost } from "./node-host.ts";

async function list({ out, node }: NodeContext): Promise<void> {
  const commands = await node.commands();
  const data = commands.map((k) => ({
    id: oidText(k.oid),
    name: labelOf(k),
    help: k.help,
    flags: commandFlags(k.flags),
    level: levelName(k.auth),
    owner: k.owner,
  }));
  out.result("hsx.cmd.list/1", { commands: data }, () => {
    if (commands.length === 0) return "no commands";
    const rows = data.map((k) => [k.id, k.name, String(k.owner), k.flags.join(", "), k.help]);
    return out.table(["ID", "NAME", "PID", "FLAGS", "HELP"], rows);
  });
}

/** An argument is a 32-bit word; a number with a point is passed as a binary16. */
function parseArgument(text: string): number {
  return text.includes(".")
    ? parseF16(text)
    : parseInteger(text, "argument", -(2 ** 31), 2 ** 32 - 1) >>> 0;
}

async function call(
  { out, node }: NodeContext,
  name: string,
  argument: string,
  timeout: string,
): Promise<void> {
  const command = findCommand(await node.commands(), name);
  const label = labelOf(command);
  const { status, result } = await node.callCommand(
    command.oid,
    parseArgument(argument),
    parseDuration(timeout),
  );
  const statusName = CommandStatus[status] ?? String(status);
  const data = { id: oidText(command.oid), name: label, status: statusName, result };
  if (status !== CommandStatus.OK) {
    const remedy = "look at the task that serves it: ps, events";
    throw new Failure(Exit.FAILED, `CMD_${statusName}`, `command ${label} answered ${statusName}`, {
      remedy,
      details: data,
    });
  }
  out.result("hsx.cmd.call/1", data, () => `${label} -> ${result | 0} (${hex(result, 8)})`);
}

/** The verbs that need nothing but a node. */
export function addCommandVerbs(cmd: Command, host: NodeHost): void {
  const verb = addNodeVerb.bind(undefined, cmd, host);
  verb("list", "list commands").action((options: object) => host.each(options, list));
  verb("call <command> [argument]", "call a command and wait for its answer", [
    ["cmd call motor:stop", "its handler gets 0"],
    ["cmd call motor:turn -90", "R3 of the handler is -90"],
    ["cmd call heater:limit 21.5", "a number with a point is passed as a binary16"],
  ])
    .option("--timeout <time>", "node time to wait", "1s")
    .action((name: string, argument: string | undefined, options: { timeout: string }) =>
      host.each(options, (context) => call(context, name, argument ?? "0", options.timeout)),
    );
}

export function addCmd(parser: Command, context: VerbContext): void {
  const cmd = parser.command("cmd").description("commands: list, call");
  addCommandVerbs(cmd, new ShellHost(context));
}
