// Node time: how the clock moves timers. Only differences are used, so the wrap at 2^32 ms passes unseen.

import { clock_ms } from "../hal";
import { TASK_MAX } from "../layout";
import { nodeAt } from "../node";
import { NEVER, TaskState } from "../spec/node";
import { Task, taskAt } from "./task";

/** Ms that passed since the last tick. */
function lag(): u32 {
  return clock_ms() - nodeAt().lastMs;
}

/** What to put in a timer, so that it ends `ms` from now although ticks count from the last one. */
export function timerOf(ms: u32): u32 {
  const due = ms + lag();
  return due < ms || due == NEVER ? NEVER - 1 : due;
}

/** True for a task whose timer runs. */
export function isTimed(t: Task): bool {
  const state = t.state;
  const waits =
    state == TaskState.SLEEPING || state == TaskState.RECEIVING || state == TaskState.BACKING_OFF;
  return waits && t.timer != NEVER;
}

/** Takes over the clock, counts the timers down and returns the ms that passed. A timer at 0 has run out. */
export function clockTick(): u32 {
  const elapsed = lag();
  if (elapsed == 0) return 0;
  nodeAt().lastMs += elapsed;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (isTimed(t)) t.timer = t.timer > elapsed ? t.timer - elapsed : 0;
  }
  return elapsed;
}

/** Ms until the first timer of a task runs out; NEVER: none runs. */
export function clockRest(): u32 {
  let rest: u32 = NEVER;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (isTimed(t) && t.timer < rest) rest = t.timer;
  }
  if (rest == NEVER) return NEVER;
  const late = lag();
  return rest > late ? rest - late : 0;
}
