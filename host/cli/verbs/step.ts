// pause, resume, step: one task by hand.

import type { Command } from "commander";
import { hex, plural } from "../../formats/text.ts";
import { findTask } from "../names.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";
import { placeText, stateText } from "../symbols.ts";
import { taskData } from "./ps.ts";

/** Tells where a task is now. */
function tell(
  { out, session }: VerbContext,
  verb: "pause" | "resume" | "step",
  pid: number,
  retired = 0,
): void {
  const task = session.node.task(pid);
  if (task === undefined) throw new Error("a task is not there any more");
  const data = { retired, task: taskData(session, task) };
  out.result(`hsx.${verb}/1`, data, () => {
    const steps = verb === "step" ? `, ${plural(retired, "instruction")}` : "";
    return `task ${pid} (${task.name}) ${stateText(task)}${steps}, pc ${hex(task.pc, 4)}${placeText(session.placeOf(task))}`;
  });
}

export function addPause(parser: Command, context: VerbContext): void {
  addCommand(parser, "pause <task>", "stop a task where it is").action((text: string) => {
    const { pid } = findTask(context.session.node.tasks(), text);
    context.session.node.pause(pid);
    tell(context, "pause", pid);
  });
}

export function addResume(parser: Command, context: VerbContext): void {
  addCommand(parser, "resume <task>", "let a paused task go on, or wake a sleeping one").action(
    (text: string) => {
      const { pid } = findTask(context.session.node.tasks(), text);
      context.session.node.resume(pid);
      tell(context, "resume", pid);
    },
  );
}

export function addStep(parser: Command, context: VerbContext): void {
  addCommand(
    parser,
    "step <task> [n]",
    "run single instructions of a task; it is paused afterwards",
    [
      ["step blink", "one instruction"],
      ["step blink 10", "ten, fewer if it blocks or ends"],
    ],
  ).action((text: string, n = "1") => {
    const { pid } = findTask(context.session.node.tasks(), text);
    const wanted = parseInteger(n, "n", 1, 1_000_000);
    let retired = context.session.node.step(pid);
    while (
      retired < wanted &&
      stateText(context.session.node.task(pid) ?? { state: 0 }) === "paused"
    ) {
      const one = context.session.node.step(pid);
      if (one === 0) break;
      retired += one;
    }
    tell(context, "step", pid, retired);
  });
}
