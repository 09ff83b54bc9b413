// Turns: whose it is, for how many instructions, and who comes next. A turn is a quantum, exact; the order is that of loading.

import { TASK_BANK_SIZE } from "../layout";
import { nodeAt } from "../node";
import { TaskState } from "../spec/node";
import { TASK_END, TASK_FIRST, TASK_QUANTUM_SHIFT, taskAt, taskFrom } from "./task";

export function isReady(index: usize): bool {
  return taskAt(index).state == TaskState.READY;
}

// Loops step from bank to bank by address: they run at every change of task, and a multiplication an index is long.

/** True when another task is READY beside this one. */
export function hasRival(index: usize): bool {
  let ready: u32 = 0;
  for (let at = TASK_FIRST; at < TASK_END; at += TASK_BANK_SIZE) {
    if (taskFrom(at).state == TaskState.READY) ready++;
  }
  return ready > <u32>isReady(index);
}

/** READY task with the lowest pid above `pid`, else with the lowest of all; -1: none. That is load order. */
function readyAfter(pid: u32): i32 {
  let next: i32 = -1;
  let best: u32 = 0xff;
  let index: u8 = 0;
  for (let at = TASK_FIRST; at < TASK_END; at += TASK_BANK_SIZE, index++) {
    const t = taskFrom(at);
    if (t.state != TaskState.READY) continue;
    const distance = (t.pid - pid - 1) & 0xff;
    if (distance <= best) {
      best = distance;
      next = index;
    }
  }
  return next;
}

/** Instructions of a turn of bank `index`. */
function quantumOf(index: usize): u32 {
  const code: u32 = (<u32>taskAt(index).flags) >>> TASK_QUANTUM_SHIFT;
  return code == 0 ? <u32>nodeAt().quantum : (1 << code) >>> 1;
}

function turnBegin(index: usize): void {
  const node = nodeAt();
  node.turn = <u8>index;
  node.turnLeft = <u16>quantumOf(index);
}

/** The task whose turn it is, or begins; -1: none is READY. */
export function turnTake(): i32 {
  const node = nodeAt();
  const goesOn = isReady(node.turn);
  if (goesOn && node.turnLeft != 0) return node.turn;
  const next = goesOn ? <i32>node.turn : readyAfter(0);
  if (next >= 0) turnBegin(next);
  return next;
}

/** What is left of the turn in which `more` instructions beyond an earlier one end. */
function leftAfter(more: u32, quantum: u32): u16 {
  return <u16>(more == 0 ? quantum : quantum - ((more & 0xffff) % quantum)); // mostly none: a division is long
}

/** Takes `retired` instructions off the turn; a turn that is over, or whose task cannot go on, passes to the next. */
export function turnCharge(retired: u32): void {
  const node = nodeAt();
  const quantum = quantumOf(node.turn);
  if (retired < node.turnLeft) node.turnLeft -= <u16>retired;
  else node.turnLeft = leftAfter(retired - node.turnLeft, quantum);
  const isOver = retired != 0 && node.turnLeft == <u16>quantum;
  if (!isOver && isReady(node.turn)) return;
  const next = readyAfter(taskAt(node.turn).pid);
  if (next >= 0) turnBegin(next);
  else node.turnLeft = 0; // who wakes first begins a whole turn
}

/** A task goes: a turn of its own passes to the one behind it. */
export function turnLeave(index: usize): void {
  const node = nodeAt();
  if (node.turn != index) return;
  const next = readyAfter(taskAt(index).pid);
  if (next >= 0 && <usize>next != index) return turnBegin(next);
  node.turn = 0;
  node.turnLeft = 0;
}
