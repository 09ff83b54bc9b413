// Starting the apps of stored images: the change of a record is on the device before its image runs, unless a group changes over
// together; and an image that cannot run makes way for its fallback.

import { emit } from "../events";
import { controlKill } from "../executive/control";
import { taskFind } from "../executive/task";
import { APP_MAX } from "../layout";
import { nodeAt } from "../node";
import { wordsPoll } from "../persist/words";
import { AppState, NO_SLOT } from "../spec/boot";
import { Err } from "../spec/errors";
import { EventType } from "../spec/node";
import {
  appPid,
  commitRecord,
  end,
  isHeld,
  isOnTrial,
  Job,
  Provision,
  setPid,
  setProved,
  Step,
} from "./job";
import { saverAt, SaverFlag } from "../registry/saver-state";
import { shadowBegin, shadowDrop, shadowIsSettled } from "../registry/shadow";
import {
  activeOf,
  bootWordAt,
  fallbackOf,
  moved,
  recordAt,
  recordOf,
  rolledBack,
  stateOf,
} from "./record";
import { Arrival, loadAt, LoadFlag } from "./load";
import { sessionFetch, sessionRefuse, sessionResult } from "./session";

/** What follows when an app is done with. */
function done(p: Provision): Step {
  return p.job == Job.BOOT ? Step.NEXT : Step.END;
}

// ---- A word ----

/** The store could not take a word. A boot then starts what needs none: in the place of a trial, which was not counted, its fallback. */
function uncommitted(p: Provision, err: i32): void {
  if (p.next == Step.FETCHING) {
    p.result = err; // it has changed over, and runs until the node starts anew
    p.step = p.next;
    return;
  }
  if (p.job != Job.BOOT) {
    sessionRefuse(err);
    return end(p, err);
  }
  p.begun = <u16>((<u32>p.begun) | (1 << (<u32>p.app)));
  if (<u32>p.app >= APP_MAX) {
    p.step = <u8>Step.NEXT;
    return;
  }
  const record = recordAt(p.app);
  p.slot = <u8>(isOnTrial(p.app) ? fallbackOf(record) : activeOf(record));
  p.step = <u8>Step.FETCH;
}

/** Waits until the word is written. */
export function awaitWord(p: Provision): void {
  const result = wordsPoll();
  if (result == Err.BUSY) return;
  if (result < 0) return uncommitted(p, result);
  if (<u32>p.app <= APP_MAX) emit(EventType.ACTIVATION, 0, p.app, recordAt(p.app));
  p.step = p.next;
}

// ---- The way back ----

/** The fallback comes back; what a trial saved is dropped before, so that a power cut in between leaves none of it. */
export function revert(p: Provision): void {
  const record = recordAt(p.app);
  const isTrial = isOnTrial(p.app);
  if (!isTrial) emit(EventType.ROLLED_BACK, 0, p.app, 0);
  commitRecord(p, isTrial ? moved(record, AppState.DROPPING) : rolledBack(record), Step.DISCARD);
}

/** The image that was rolled back goes; then the active one is started. */
export function discard(p: Provision): void {
  const keeps = p.slot == NO_SLOT;
  const pid = appPid(p.app);
  if (!keeps && isAlive(pid) && controlKill(pid) == Err.BUSY) return; // it is being restarted
  if (isOnTrial(p.app)) {
    shadowDrop();
    p.step = <u8>Step.DROPPING;
    return;
  }
  if (!keeps) p.slot = <u8>activeOf(recordAt(p.app));
  p.step = <u8>done(p);
  if (p.job == Job.BOOT) p.begun = <u16>((<u32>p.begun) & ~(1 << (<u32>p.app)));
  else p.step = <u8>Step.FETCH;
}

/** Waits until what was saved on trial is gone. Where that fails, the fallback runs all the same, and the next boot goes on. */
export function awaitDrop(p: Provision): void {
  if (shadowIsSettled()) return commitRecord(p, rolledBack(recordAt(p.app)), Step.DISCARD);
  if ((saverAt().flags & SaverFlag.SEARCH) != 0) return;
  p.slot = <u8>fallbackOf(recordAt(p.app));
  p.step = <u8>Step.FETCH;
}
// ---- The image ----

export function isAlive(pid: u32): bool {
  return taskFind(pid) >= 0;
}

/** True for a refusal that is the image's own fault, and will not pass. */
function isDamage(err: i32): bool {
  return err <= Err.SLOT_EMPTY || (err <= Err.HXE_MAGIC && err > Err.APP_EXISTS);
}

/** The image was not started. Where old and new do not fit side by side, the old one goes first. */
function refused(p: Provision, err: i32): void {
  const isSmall = err == Err.NO_MEMORY && p.next == Step.FETCH;
  if (isHeld(p) && !isSmall) return end(p, err);
  const record = recordAt(p.app);
  const pid = appPid(p.app);
  const runs = isAlive(pid);
  p.step = <u8>done(p);
  if (runs && !isHeld(p) && (err == Err.NO_MEMORY || err == Err.FULL)) {
    controlKill(pid);
    p.step = <u8>Step.FETCH;
    return;
  }
  if (isSmall) {
    p.step = <u8>Step.WINDOW; // slower, but it runs
    return;
  }
  if (!runs) setPid(p.app, err);
  if (p.result >= 0) p.result = err;
  const isFinal = stateOf(record) == AppState.TRIAL || p.job == Job.ACTIVATE || isDamage(err);
  if (!isFinal) return;
  if (p.before != 0) {
    setProved(p.slot, false);
    p.slot = <u8>activeOf(p.before);
    commitRecord(p, p.before, Step.FETCH);
    p.before = 0;
  } else if (fallbackOf(record) != NO_SLOT) {
    p.slot = <u8>(runs ? NO_SLOT : fallbackOf(record));
    p.step = <u8>Step.REVERT;
  } else if (p.job == Job.ACTIVATE)
    commitRecord(p, recordOf(NO_SLOT, NO_SLOT, AppState.EMPTY), Step.END);
}

/** Begins to start the image in `slot`. */
export function fetch(p: Provision): void {
  if (p.slot == NO_SLOT) {
    p.step = <u8>done(p);
    return;
  }
  const pid = appPid(p.app);
  const how = p.step == Step.WINDOW ? LoadFlag.WINDOW : LoadFlag.FETCH;
  const err = sessionFetch(p.slot, isAlive(pid) ? pid : 0, bootWordAt(p.app), how);
  if (err == Err.BUSY) return;
  p.next = p.step;
  if (err < 0) return refused(p, err);
  p.step = <u8>Step.FETCHING;
  if (isHeld(p)) loadAt().arrival |= <u8>Arrival.HOLD;
  const record = recordAt(p.app);
  if (stateOf(record) != AppState.TRIAL || activeOf(record) != p.slot) return;
  shadowBegin(nodeAt().nextPid); // before its values are declared
  p.since = nodeAt().lastMs;
}

/** Waits until it runs. */
export function awaitStart(p: Provision): void {
  const result = sessionResult();
  if (result == Err.BUSY) return;
  if (result < 0) return refused(p, result);
  setPid(p.app, result);
  if (p.job == Job.BOOT) p.step = <u8>Step.NEXT;
  else end(p, result);
}
