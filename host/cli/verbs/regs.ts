// regs: registers of a task.

import type { Command } from "commander";
import { RegIndex } from "../../../assembly/spec/node.ts";
import type { TaskInfo } from "../../client/records.ts";
import { hex } from "../../formats/text.ts";
import { usage } from "../exit.ts";
import { findTask } from "../names.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";
import { placeText, stateText } from "../symbols.ts";

/** PSW bits 0 to 3. */
const FLAGS = ["Z", "C", "N", "V"];
const flagText = (psw: number) =>
  FLAGS.map((name, bit) => ((psw >> bit) & 1 ? name : "-")).join("");

function assignment(text: string): [register: number, value: number] {
  const [, name = "", value = ""] = /^(\w+)=(.+)$/.exec(text) ?? [];
  const n = /^r(\d+)$/i.exec(name)?.[1];
  const index =
    name.toLowerCase() === "pc"
      ? RegIndex.PC
      : name.toLowerCase() === "psw"
        ? RegIndex.PSW
        : Number(n ?? Number.NaN);
  if (Number.isNaN(index) || (index > 15 && n !== undefined)) {
    throw usage(`"${text}" sets no register`, "write R0=5 to R15=…, PC=0x10 or PSW=1");
  }
  return [index, parseInteger(value, name, -(2 ** 31), 2 ** 32 - 1) >>> 0];
}

function registersText({ regs, pc, sp, psw }: TaskInfo, place: string): string {
  const cell = (n: number) =>
    `R${n}`.padEnd(4) + hex(regs[n] ?? 0, 8) + String((regs[n] ?? 0) | 0).padStart(12);
  const rows = Array.from({ length: 8 }, (_, n) => `${cell(n)}   ${cell(n + 8)}`);
  return [...rows, `PC  ${hex(pc, 4)}${place}   SP  ${hex(sp, 4)}   PSW ${flagText(psw)}`].join(
    "\n",
  );
}

export function addRegs(parser: Command, { out, session }: VerbContext): void {
  addCommand(parser, "regs <task> [assignments...]", "show or set the registers of a task", [
    ["regs blink", ""],
    ["regs blink R1=-5 PC=0x10", "set two, then show all"],
  ]).action((text: string, assignments: string[]) => {
    const { pid } = findTask(session.node.tasks(), text);
    for (const [register, value] of assignments.map(assignment))
      session.node.setReg(pid, register, value);
    const task = session.node.task(pid) as TaskInfo;
    const { regs, pc, sp, psw, name } = task;
    const data = {
      pid,
      name,
      state: stateText(task),
      regs,
      pc,
      sp,
      psw,
      flags: flagText(psw),
      place: session.placeOf(task),
    };
    out.result("hsx.regs/1", data, () => registersText(task, placeText(session.placeOf(task))));
  });
}
