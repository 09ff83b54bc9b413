// The executive: power-on, and the poll that everything happens in. What a poll does is bounded, whatever tasks do.

import { arenaHasHoles, arenaStep } from "../arena";
import { emit } from "../events";
import { clock_ms, node_reset_cause } from "../hal";
import {
  DESCRIPTOR_MAX,
  HANDLE_MAX,
  RAM_END,
  STATIC_BASE,
  TASK_BANK_SIZE,
  TASK_MAX,
} from "../layout";
import { nodeAt } from "../node";
import { storeAt, storeMount, storePoll, storeRest, storeState } from "../persist/pool";
import { rateSweep } from "../registry/filter";
import { abandonStore, isRestoring, saverPoll, saverRest, saverRush } from "../registry/saver";
import { StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import { QUANTUM_DEFAULT } from "../spec/limits";
import { EventType, NEVER, TaskState } from "../spec/node";
import { Level } from "../spec/svc";
import { clockRest, clockTick } from "./clock";
import { Svc } from "./guest";
import { tasksRebind } from "./lifecycle";
import { pinsPoll } from "./pins";
import { receiveExpire, serveReceivers } from "./receive";
import { schedule, svcFault } from "./scheduler";
import { writeOn } from "./svc";
import { hasTask, TASK_END, TASK_FIRST, taskAt, taskFrom } from "./task";

/** Edges taken in one poll. */
const EDGES_A_POLL: u32 = 4;
/** Rate limits are swept whenever the clock passes a multiple of this, in ms; far less than half its wrap. */
const SWEEP_MS: u32 = 0x100000;

/** Empties the node's memory and starts it: nothing is loaded, the store begins to mount. */
export function executiveStart(): void {
  memory.fill(STATIC_BASE, 0, RAM_END - STATIC_BASE);
  const node = nodeAt();
  node.nextPid = 1;
  node.quantum = <u16>QUANTUM_DEFAULT;
  node.level = <u8>Level.FACTORY;
  node.descriptorLimit = <u16>DESCRIPTOR_MAX;
  node.handleLimit = <u16>HANDLE_MAX;
  node.lastMs = clock_ms();
  emit(EventType.STARTED, 0, node_reset_cause(), 0);
  storeMount();
}

// ---- Time ----

/** Wakes the tasks whose timer has run out. BACKING_OFF ones are restarted by provision. */
function wake(): void {
  let index: u8 = 0;
  for (let at = TASK_FIRST; at < TASK_END; at += TASK_BANK_SIZE, index++) {
    const t = taskFrom(at);
    if (t.timer != 0) continue;
    if (t.state == TaskState.RECEIVING) receiveExpire(index);
    if (t.state != TaskState.SLEEPING) continue;
    t.state = <u8>TaskState.READY;
    t.timer = NEVER;
  }
}

/** Goes on with the store, `elapsed` ms after it last did, and tells when its state changes. */
export function executiveKeep(elapsed: u32): void {
  const before = storeState();
  storePoll();
  if (storeState() != before) {
    emit(EventType.STORE, 0, storeState(), storeAt().damaged);
    if (storeState() != StoreState.READY) abandonStore();
  }
  saverPoll(elapsed);
  if (!hasTask(TaskState.RESTORING)) return;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.state == TaskState.RESTORING && !isRestoring(t.pid)) t.state = <u8>TaskState.READY;
  }
}

/** Takes over the time that passed, and returns it in ms. Whoever acts in a poll afterwards finds the time as it is, however long the node rested. */
export function executiveTime(): u32 {
  tasksRebind();
  const before = nodeAt().lastMs;
  const elapsed = clockTick();
  wake();
  if ((before ^ nodeAt().lastMs) >= SWEEP_MS) rateSweep();
  return elapsed;
}

// ---- Input ----

function goOnWriting(): void {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (taskAt(i).state == TaskState.WRITING && writeOn(i) == Svc.FAULT) svcFault(i);
  }
}

function takeInput(): void {
  for (let n: u32 = 0; n < EDGES_A_POLL; n++) {
    if (!pinsPoll()) break;
  }
  if (hasTask(TaskState.WRITING)) goOnWriting();
  serveReceivers();
}

/** Input, then tasks for at most `budget` instructions, or one step of the arena. Returns how many instructions they retired. */
export function executivePoll(budget: u32): u32 {
  if (arenaHasHoles()) {
    arenaStep();
    return 0;
  }
  tasksRebind();
  takeInput();
  return schedule(budget);
}

/** Power is failing: a step of saving what is not saved yet. BUSY: call again at once. OK: nothing is left that can be saved. */
export function executivePowerFail(): i32 {
  const left = saverRush();
  if (left == Err.BUSY) executiveKeep(0);
  return left;
}

/** Ms the node may rest before the next poll; 0: there is work; NEVER: until something comes from outside. */
export function executiveRest(): u32 {
  if (hasTask(TaskState.READY)) return 0;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.state == TaskState.WRITING) return 0;
    if (t.state == TaskState.RESTORING && !isRestoring(t.pid)) return 0; // a handler outlasted the store
  }
  const timers = clockRest();
  const saves = saverRest();
  const rest = timers < saves ? timers : saves;
  return storeRest() < rest ? storeRest() : rest;
}
