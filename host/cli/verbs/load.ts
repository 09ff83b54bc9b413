// load, restart, kill: apps come and go.

import type { Command } from "commander";
import { hex, plural } from "../../formats/text.ts";
import { addInstanceOptions, type InstanceValues, instanceOf } from "../app-options.ts";
import { findTask } from "../names.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";
import { taskData } from "./ps.ts";

interface LoadValues extends InstanceValues {
  readonly replace?: string;
}
const RESTARTS_MAX = 255;

export function addLoad(parser: Command, { out, session }: VerbContext): void {
  const command = addCommand(parser, "load <file>", "load an image and start it", [
    ["load blink.hxe", "a new task"],
    ["load blink.hxe --replace blink", "in place of the old one; its values keep what is stored"],
    [
      "load blink.hxe --group-base 8 --key-base 256",
      "a further instance with ids and keys of its own",
    ],
  ]).option("--replace <task>", "take the place of this task");
  addInstanceOptions(command, RESTARTS_MAX).action((file: string, options: LoadValues) => {
    const pid = session.load(file, {
      replaces:
        options.replace === undefined ? 0 : findTask(session.node.tasks(), options.replace).pid,
      ...instanceOf(options, RESTARTS_MAX),
    });
    const task = session.node.task(pid);
    if (task === undefined) throw new Error("a loaded task is not there");
    const { name, imageBytes, imageCrc } = task;
    out.result(
      "hsx.load/1",
      { file, task: taskData(session, task) },
      () => `task ${pid}: ${name}, ${plural(imageBytes, "byte")}, image ${hex(imageCrc, 8)}`,
    );
  });
}

export function addRestart(parser: Command, { out, session }: VerbContext): void {
  addCommand(parser, "restart <task>", "start a task over from its image").action(
    (text: string) => {
      const { pid, name } = findTask(session.node.tasks(), text);
      session.restart(pid);
      out.result("hsx.restart/1", { pid, name }, () => `task ${pid} (${name}) restarted`);
    },
  );
}

export function addKill(parser: Command, { out, session }: VerbContext): void {
  addCommand(parser, "kill <task>", "remove a task and all it has").action((text: string) => {
    const { pid, name } = findTask(session.node.tasks(), text);
    session.kill(pid);
    out.result("hsx.kill/1", { pid, name }, () => `task ${pid} (${name}) removed`);
  });
}
