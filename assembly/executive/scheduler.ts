// The scheduler: runs tasks turn by turn, and does what follows from how a run ended.

import { arenaHasHoles } from "../arena";
import { emit } from "../events";
import { imageHeaderSize } from "../image/metadata";
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
/** Instructions that take as long as a line of code from the device: 1,900 cycles of an AVR. Memory gives it at once. */
const LINE_COST: u32 = IS_WINDOW_FORCED ? 0 : 16;
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
    case Stop.LINE:
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

/** Runs one task for at most `budget` instructions and does what follows; returns how many retired. */
function run(index: usize, budget: u32): u32 {
  const c = contextAt(index);
  let retired = vmRun(c, budget);
  if (c.stop != Stop.BUDGET) {
    const after = c.steps;
    follow(index);
    tasksRebind();
    retired -= after - c.steps; // an SVC that faulted was not
  }
  nodeAt().steps += retired;
  return retired;
}

/**
 * Has the device give the line of code a task waits for. Returns how many instructions the poll may still run of `left`; 0: the line
 * comes with the next poll, when the device can be read, or when so much time is left.
 */
function fillLine(index: usize, left: u32, isFirst: bool): u32 {
  if (left <= LINE_COST && !isFirst) return 0;
  const slot = taskAt(index).slot;
  const err = slotFillLine(slot, imageHeaderSize(slot), contextAt(index).pc);
  if (err == Err.BUSY) {
    turnLeave(index);
    return 0;
  }
  if (err < 0) taskUnreadable(index);
  return left > LINE_COST ? left - LINE_COST : 1;
}

/** Runs READY tasks for at most `budget` instructions, less when arena blocks must move, and returns how many they retired. */
export function schedule(budget: u32): u32 {
  const most = budget < POLL_MAX ? budget : POLL_MAX;
  let left = most;
  let steps: u32 = 0;
  const node = nodeAt();
  while (left != 0 && !arenaHasHoles()) {
    const index = turnTake();
    if (index < 0) break;
    let slice = left < RUN_MAX ? left : RUN_MAX;
    if (slice > <u32>node.turnLeft && hasRival(index)) slice = node.turnLeft;
    const retired = run(index, slice) & RUN_MAX;
    left = (left - retired) & POLL_MAX;
    steps += retired;
    turnCharge(retired);
    if (contextAt(index).stop == Stop.LINE) left = fillLine(index, left, left == most);
  }
  return steps;
}

/** Runs exactly one instruction of one READY task; 0: it was not retired. The turns of the others do not move. */
export function scheduleStep(index: usize): u32 {
  const retired = run(index, 1);
  if (contextAt(index).stop != Stop.LINE || fillLine(index, 1, true) == 0) return retired;
  return run(index, 1);
}
