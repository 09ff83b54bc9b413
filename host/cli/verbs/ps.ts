// ps: the tasks of the node.

import type { Command } from "commander";
import { Stop, TaskState } from "../../../assembly/spec/node.ts";
import type { TaskInfo } from "../../client/records.ts";
import { count, hex } from "../../formats/text.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";
import type { VerbContext } from "../shell/context.ts";
import { hasEnded, placeText, stateText } from "../symbols.ts";

/** A task for programs. */
export function taskData(session: Session, t: TaskInfo) {
  return {
    pid: t.pid,
    name: t.name,
    state: stateText(t),
    pc: t.pc,
    sp: t.sp,
    steps: t.steps,
    wakes_in_ms: t.timer_ms ?? null,
    r0: t.regs[0] ?? 0,
    fault: t.state === TaskState.FAULTED ? (Stop[t.stop] ?? String(t.stop)) : null,
    place: session.placeOf(t),
    restarts_left: t.restartsLeft,
    confirmed: t.confirmed,
    runs_from_slot: t.runsFromSlot,
    code: t.codeBytes,
    data: t.dataBytes,
    stack: t.stackBytes,
    image_crc: t.imageCrc,
    image_bytes: t.imageBytes,
  };
}

function remark(session: Session, t: TaskInfo): string {
  if (t.state === TaskState.FAULTED) return `${Stop[t.stop]}${placeText(session.placeOf(t))}`;
  if (hasEnded(t)) return `R0 ${(t.regs[0] ?? 0) | 0}`;
  if (t.timer_ms !== undefined) return `for ${count(t.timer_ms)} ms`;
  return placeText(session.placeOf(t)).trim();
}

export function addPs(parser: Command, { out, session }: VerbContext): void {
  addCommand(parser, "ps", "list the tasks").action(() => {
    const tasks = session.node.tasks();
    const data = { at_ms: session.now_ms, tasks: tasks.map((t) => taskData(session, t)) };
    out.result("hsx.ps/1", data, () => {
      if (tasks.length === 0) return "no tasks";
      const rows = tasks.map((t) => [
        String(t.pid),
        t.name,
        stateText(t),
        hex(t.pc, 4),
        count(t.steps),
        count(t.codeBytes + t.dataBytes + t.stackBytes),
        remark(session, t),
      ]);
      return out.table(["PID", "NAME", "STATE", "PC", "STEPS", "MEMORY", ""], rows);
    });
  });
}
