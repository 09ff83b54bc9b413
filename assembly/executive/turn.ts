// Turns: whose it is, for how many instructions, and who comes next. A turn is a quantum, exact; the order is that of loading.

import { TASK_MAX } from "../layout";
import { nodeAt } from "../node";
import { TaskState } from "../spec/node";
import { taskAt } from "./task";

export function isReady(index: usize): bool {
  return taskAt(index).state == TaskState.READY;
}

/** True when any task is READY. */
export function hasReady(): bool {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (isReady(i)) return true;
  }
  return false;
}

/** True when another task is READY beside this one. */
export function hasRival(index: usize): bool {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (i != index && isReady(i)) return true;
  }
  return false;
}

/** READY task with the lowest pid above `pid`, else with the lowest of all; -1: none. That is load order. */
function readyAfter(pid: u32): i32 {
  let next: i32 = -1;
  let best: u32 = 0xffff;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (!isReady(i)) continue;
    const other: u32 = taskAt(i).pid;
    const distance = other > pid ? other - pid : other - pid + 256;
    if (distance < best) {
      best = distance;
      next = <i32>i;
    }
  }
  return next;
}

function turnBegin(index: usize): void {
  const node = nodeAt();
  node.turn = <u8>index;
  node.turnLeft = node.quantum;
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

/** Takes `retired` instructions off the turn; a turn that is over, or whose task cannot go on, passes to the next. */
export function turnCharge(retired: u32): void {
  const node = nodeAt();
  if (retired < node.turnLeft) node.turnLeft -= <u16>retired;
  else node.turnLeft = <u16>(node.quantum - ((retired - node.turnLeft) % node.quantum));
  const isOver = retired != 0 && node.turnLeft == node.quantum;
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
