// The scheduler: whose turn it is, for exactly how many instructions, and what follows from how a run ended.

import { arenaHasHoles } from "../arena";
import { emit } from "../events";
import { TASK_MAX } from "../layout";
import { nodeAt } from "../node";
import { WORD_SIZE } from "../spec/opcodes";
import { MEM_FAULT } from "../spec/svc";
import { EventType, Stop, TaskState } from "../spec/node";
import { contextAt, reg, setReg } from "../vm/context";
import { vmRun } from "../vm/vm";
import { callReturn } from "./call";
import { Svc } from "./guest";
import { taskEnd, taskFault, tasksRebind } from "./lifecycle";
import { serveReceivers } from "./receive";
import { svcDispatch } from "./svc";
import { taskAt } from "./task";

/** Most instructions the MiniVM takes at once. */
const RUN_MAX: u32 = 0xffff;

function isReady(index: usize): bool {
  return taskAt(index).state == TaskState.READY;
}

/** True when any task is READY. */
export function hasReady(): bool {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (isReady(i)) return true;
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

/** The task whose turn it is, or begins; -1: none is READY. */
function turn(): i32 {
  const node = nodeAt();
  if (node.turnLeft != 0 && isReady(node.turn)) return node.turn;
  const next = isReady(node.turn) ? <i32>node.turn : readyAfter(0);
  if (next < 0) return -1;
  node.turn = <u8>next;
  node.turnLeft = node.quantum;
  return next;
}

/** Takes `retired` instructions off the turn; a turn that is over, or whose task cannot go on, passes to the next. */
function charge(retired: u32): void {
  const node = nodeAt();
  node.steps += retired;
  if (retired < node.turnLeft) node.turnLeft -= <u16>retired;
  else node.turnLeft = <u16>(node.quantum - ((retired - node.turnLeft) % node.quantum));
  const isOver = retired != 0 && node.turnLeft == node.quantum;
  if (!isOver && isReady(node.turn)) return;
  const next = readyAfter(taskAt(node.turn).pid);
  if (next < 0) return;
  node.turn = <u8>next;
  node.turnLeft = node.quantum;
}

/** A pointer of an SVC left its segments: a memory fault on the SVC, which was then not retired. */
function svcFault(index: usize): void {
  const c = contextAt(index);
  c.pc -= WORD_SIZE;
  c.steps -= 1;
  c.stop = <u8>Stop.MEMORY;
  setReg(c, 0, MEM_FAULT);
  taskFault(index);
}

/** Does what the end of a run asks for. */
function follow(index: usize): void {
  const t = taskAt(index);
  const c = contextAt(index);
  switch (<u32>c.stop) {
    case Stop.BUDGET:
      return;
    case Stop.SVC:
      if (svcDispatch(index) == Svc.FAULT) svcFault(index);
      break;
    case Stop.BRK:
      t.state = <u8>TaskState.PAUSED;
      t.resume = <u8>TaskState.READY;
      emit(EventType.BREAK, t.pid, c.svc, c.pc);
      return;
    case Stop.RETURN:
      if (t.call != 0) callReturn(index, reg(c, 0));
      else taskEnd(index, TaskState.RETURNED);
      break;
    default:
      taskFault(index);
  }
  serveReceivers();
}

/** True when another task is READY beside this one. */
function hasRival(index: usize): bool {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (i != index && isReady(i)) return true;
  }
  return false;
}

/** Runs READY tasks for at most `budget` instructions, less when arena blocks must move, and returns how many they retired. */
export function schedule(budget: u32): u32 {
  let done: u32 = 0;
  const node = nodeAt();
  while (done < budget && !arenaHasHoles()) {
    const index = turn();
    if (index < 0) break;
    let slice = budget - done < RUN_MAX ? budget - done : RUN_MAX;
    if (slice > <u32>node.turnLeft && hasRival(index)) slice = node.turnLeft;
    const retired = vmRun(contextAt(index), slice);
    done += retired;
    follow(index);
    tasksRebind();
    charge(retired);
  }
  return done;
}

/** Runs exactly one instruction of one READY task; 0: it was not retired. The turns of the others do not move. */
export function scheduleStep(index: usize): u32 {
  const retired = vmRun(contextAt(index), 1);
  nodeAt().steps += retired;
  follow(index);
  tasksRebind();
  return retired;
}
