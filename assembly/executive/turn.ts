// Turns: whose it is, for how many instructions, and who comes next. A turn is a quantum, exact; the order is that of loading.

import { TASK_BANK_SIZE } from "../layout";
import { nodeAt } from "../node";
import { TaskState } from "../spec/node";
import {
  NO_TASK,
  Task,
  TASK_END,
  TASK_FIRST,
  TASK_QUANTUM_SHIFT,
  taskAt,
  taskFrom,
  taskIndex,
} from "./task";

// Loops step from bank to bank by address: they run at every change of task, and a multiplication an index is long.

/** READY task with the lowest pid above `pid`, else with the lowest of all, or NO_TASK. That is load order. */
function readyAfter(pid: u32): Task {
  const first = pid + 1;
  let next = TASK_END;
  let best: u32 = 0xff;
  for (let at = TASK_FIRST; at < TASK_END; at += TASK_BANK_SIZE) {
    const t = taskFrom(at);
    if (t.state != TaskState.READY) continue;
    const distance = (t.pid - first) & 0xff;
    if (distance <= best) {
      best = distance;
      next = at;
    }
  }
  return taskFrom(next);
}

/** The task that is READY next after a READY one: itself when it has no rival. */
export function turnRival(t: Task): Task {
  return readyAfter(t.pid);
}

/** Instructions of a turn of a task. */
function quantumOf(t: Task): u32 {
  const code: u32 = (<u32>t.flags) >>> TASK_QUANTUM_SHIFT;
  return code == 0 ? <u32>nodeAt().quantum : (1 << code) >>> 1;
}

/** A task begins a whole turn. */
export function turnBegin(t: Task): void {
  const node = nodeAt();
  node.turn = <u8>taskIndex(t);
  node.turnLeft = <u16>quantumOf(t);
}

/** The task whose turn it is, or begins; or NO_TASK. */
export function turnTake(): Task {
  const node = nodeAt();
  let t = taskAt(node.turn);
  const goesOn = t.state == TaskState.READY;
  if (goesOn && node.turnLeft != 0) return t;
  if (!goesOn) t = readyAfter(0);
  if (t != NO_TASK) turnBegin(t);
  return t;
}

/** What is left of the turn in which `more` instructions beyond an earlier one end. */
function leftAfter(more: u32, quantum: u32): u16 {
  return <u16>(more == 0 ? quantum : quantum - ((more & 0xffff) % quantum)); // mostly none: a division is long
}

/** Takes `retired` instructions off the turn; a turn that is over, or whose task cannot go on, passes to the next. */
export function turnCharge(retired: u32): void {
  const node = nodeAt();
  const t = taskAt(node.turn);
  const quantum = quantumOf(t);
  if (retired < node.turnLeft) node.turnLeft -= <u16>retired;
  else node.turnLeft = leftAfter(retired - node.turnLeft, quantum);
  const isOver = retired != 0 && node.turnLeft == <u16>quantum;
  if (!isOver && t.state == TaskState.READY) return;
  const next = readyAfter(t.pid);
  if (next != NO_TASK) turnBegin(next);
  else node.turnLeft = 0; // who wakes first begins a whole turn
}

/** A task goes: a turn of its own passes to the one behind it. */
export function turnLeave(t: Task): void {
  const node = nodeAt();
  if (node.turn != taskIndex(t)) return;
  const next = readyAfter(t.pid);
  if (next != NO_TASK && next != t) return turnBegin(next);
  node.turn = 0;
  node.turnLeft = 0;
}
