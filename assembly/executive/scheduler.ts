// The scheduler: runs tasks turn by turn, and does what follows from how a run ended.

import { arenaHasHoles } from "../arena";
import { emit } from "../events";
import { slotFillLine } from "../image/slot";
import { ADDRESS_MASK, IS_WINDOW_FORCED } from "../layout";
import { nodeAt } from "../node";
import { Err } from "../spec/errors";
import { WORD_SIZE } from "../spec/opcodes";
import { MEM_FAULT } from "../spec/svc";
import { EventType, Stop, TaskState } from "../spec/node";
import { contextAt, reg, setReg } from "../vm/context";
import { vmRun } from "../vm/vm";
import { callReturn } from "./call";
import { Svc } from "./guest";
import { taskEnd, taskFault, tasksRebind, taskUnreadable } from "./lifecycle";
import { serveReceivers } from "./receive";
import { svcDispatch } from "./svc";
import { taskAt } from "./task";
import { hasRival, turnCharge, turnLeave, turnTake } from "./turn";

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
function readLine(index: usize): bool {
  const node = nodeAt();
  if (node.lines == 0) return false;
  const err = slotFillLine(taskAt(index).slot, contextAt(index).pc);
  if (err < 0 && err != Err.BUSY) taskUnreadable(index);
  if (err >= 0) node.lines -= 1;
  return err >= 0;
}

/** Runs one task for at most `budget` instructions and does what follows; returns how many retired. */
function run(index: usize, budget: u32): u32 {
  const c = contextAt(index);
  let retired = vmRun(c, budget);
  while (c.stop == Stop.LINE && readLine(index)) {
    retired = (retired + vmRun(c, (budget - retired) & RUN_MAX)) & RUN_MAX;
  }
  if (c.stop != Stop.BUDGET && c.stop != Stop.LINE && c.stop != Stop.CODE) {
    const after = c.steps;
    follow(index);
    tasksRebind();
    retired -= after - c.steps; // an SVC that faulted was not
  }
  nodeAt().steps += retired;
  return retired;
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
    const index = turnTake();
    if (index < 0) break;
    let slice = left < RUN_MAX ? left : RUN_MAX;
    if (slice > <u32>node.turnLeft && hasRival(index)) slice = node.turnLeft;
    const retired = run(index, slice) & RUN_MAX;
    left = (left - retired) & POLL_MAX;
    turnCharge(retired);
    if (contextAt(index).stop != Stop.LINE) continue;
    if (node.lines != 0) turnLeave(index); // the device is busy, others are not
    break;
  }
  return most - left;
}

/** Runs exactly one instruction of one READY task; 0: it was not retired. The turns of the others do not move. */
export function scheduleStep(index: usize): u32 {
  nodeAt().lines = 1;
  return run(index, 1);
}
