// restart, stop, start of apps at any node.

import type { Command } from "commander";
import type { NodeClient } from "../../client/node-client.ts";
import type { TaskInfo } from "../../client/records.ts";
import { findTask } from "../names.ts";
import { addNodeVerb, type NodeContext, type NodeHost } from "./node-host.ts";

interface TaskVerb {
  readonly name: "restart" | "stop" | "start";
  readonly does: string;
  readonly done: string;
  call(node: NodeClient, pid: number): unknown;
}

const TASK_VERBS: readonly TaskVerb[] = [
  {
    name: "restart",
    does: "start apps over from their images",
    done: "restarted",
    call: (node, pid) => node.restart(pid),
  },
  {
    name: "stop",
    does: "let apps run no more, until start",
    done: "stopped",
    call: (node, pid) => node.pause(pid),
  },
  {
    name: "start",
    does: "let stopped apps go on",
    done: "started",
    call: (node, pid) => node.resume(pid),
  },
];

async function perform(
  { out, node }: NodeContext,
  verb: TaskVerb,
  text: string | undefined,
): Promise<void> {
  const all = await node.tasks();
  const tasks: readonly TaskInfo[] = text === undefined ? all : [findTask(all, text)];
  for (const { pid } of tasks) await verb.call(node, pid);
  const data = { tasks: tasks.map(({ pid, name }) => ({ pid, name })) };
  out.result(`hsx.tasks.${verb.name}/1`, data, () =>
    tasks.length === 0
      ? "no tasks"
      : tasks.map(({ pid, name }) => `task ${pid} (${name}) ${verb.done}`).join("\n"),
  );
}

/** One of the verbs, for others to add options to, and what it does without those. */
export function addTaskVerb(
  parser: Command,
  host: NodeHost,
  name: TaskVerb["name"],
): { command: Command; act: (task: string | undefined, options: object) => Promise<void> } {
  const verb = TASK_VERBS.find((v) => v.name === name) as TaskVerb;
  const examples = [
    [`${verb.name} pump`, "by the name of the app, or its pid"],
    [verb.name, "all apps"],
  ] as const;
  const act = (task: string | undefined, options: object) =>
    host.each(options, (context) => perform(context, verb, task));
  const command = addNodeVerb(parser, host, `${verb.name} [task]`, verb.does, examples);
  command.action(act);
  return { command, act };
}
