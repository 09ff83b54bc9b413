// The scheduler: runs tasks turn by turn, and does what follows from how a run ended.

import { arenaHasHoles } from "../arena";
import { emit } from "../events";
import { windowFill } from "../image/window";
import { ADDRESS_MASK, IS_WINDOW_FORCED } from "../layout";
import { nodeAt } from "../node";
import { Err } from "../spec/errors";
import { WORD_SIZE } from "../spec/opcodes";
import { MEM_FAULT } from "../spec/svc";
import { EventType, Stop, TaskState } from "../spec/node";
import { Context, contextAt, contextIndex, reg, setReg } from "../vm/context";
import { vmRun } from "../vm/vm";
import { callReturn } from "./call";
import { Svc } from "./guest";
import { taskEnd, taskFault, tasksRebind, taskUnreadable } from "./lifecycle";
import { serveReceivers } from "./receive";
import { svcDispatch } from "./svc";
import { contextOf, NO_TASK, taskAt } from "./task";
import { turnBegin, turnCharge, turnLeave, turnRival, turnTake } from "./turn";

/** Most instructions the MiniVM takes at once. */
const RUN_MAX: u32 = 0xffff;
/** A line of code from the device takes as long as so many instructions, and more. */
const LINE_COST: u32 = 16;
/** Most instructions of a poll. On a chip they are counted in 16 bits. */
const POLL_MAX: u32 = ADDRESS_MASK;

/** A pointer of an SVC left its segments: a memory fault on the SVC, which was then not retired. */
export function svcFault(index: usize): void {
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

/** Has the device give the line of code that is next. False: not now, as the poll has read its lines or the device is busy, or never. */
function readLine(c: Context): bool {
  const node = nodeAt();
  if (node.lines == 0) return false;
  const err = windowFill(c.code, c.pc);
  if (err < 0 && err != Err.BUSY) taskUnreadable(contextIndex(c));
  if (err >= 0) node.lines -= 1;
  return err >= 0;
}

/** Goes on with a run that stopped before its budget, of which `retired` instructions are done; returns how many retired in the end. */
function runOn(c: Context, budget: u32, retired: u32): u32 {
  while (c.stop == Stop.LINE && readLine(c)) {
    retired = (retired + vmRun(c, (budget - retired) & RUN_MAX)) & RUN_MAX;
  }
  if (c.stop == Stop.BUDGET || c.stop == Stop.LINE || c.stop == Stop.CODE) return retired;
  const after = c.steps;
  follow(contextIndex(c));
  tasksRebind();
  return retired - (after - c.steps); // an SVC that faulted was not
}

/** Lines of code that a poll of `budget` instructions may read from the device; from memory as many as it likes. */
function linesOf(budget: u32): u32 {
  return IS_WINDOW_FORCED ? 0xffff : 1 + (budget & 0xffff) / LINE_COST;
}

/** Runs READY tasks for at most `budget` instructions, less when arena blocks must move, and returns how many they retired. */
export function schedule(budget: u32): u32 {
  const most = budget < POLL_MAX ? budget : POLL_MAX;
  let left = most;
  const node = nodeAt();
  node.lines = <u16>linesOf(most);
  while (left != 0 && !arenaHasHoles()) {
    const t = turnTake();
    if (t == NO_TASK) break;
    const c = contextOf(t);
    let slice = left < RUN_MAX ? left : RUN_MAX;
    const next = slice < <u32>node.turnLeft ? t : turnRival(t);
    if (next != t) slice = node.turnLeft;
    let retired = vmRun(c, slice);
    if (c.stop == Stop.BUDGET && slice == <u32>node.turnLeft) turnBegin(next);
    else {
      if (c.stop != Stop.BUDGET) retired = runOn(c, slice, retired) & RUN_MAX;
      turnCharge(retired);
    }
    left = (left - retired) & POLL_MAX;
    if (c.stop != Stop.LINE) continue;
    if (node.lines != 0) turnLeave(t); // the device is busy, others are not
    break;
  }
  const retired = most - left;
  node.steps += retired;
  return retired;
}

/** Runs exactly one instruction of one READY task; 0: it was not retired. The turns of the others do not move. */
export function scheduleStep(index: usize): u32 {
  const node = nodeAt();
  const c = contextAt(index);
  node.lines = 1;
  const retired = runOn(c, 1, vmRun(c, 1));
  node.steps += retired;
  return retired;
}
