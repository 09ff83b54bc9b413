// The boot: what a power cut left is brought to its end, trials are counted down, then each app is started in its order.
// Afterwards: who confirms a trial, and who is rolled back because its app failed. provisionPoll() does it all, step by step.

import { appName } from "../executive/name";
import { TaskFlag, taskAt, taskFind, taskSource } from "../executive/task";
import { nv_busy } from "../hal";
import { isVerified } from "../image/slot";
import { APP_MAX, IO_BASE, TASK_MAX } from "../layout";
import { nodeAt } from "../node";
import { wordsPoll, wordsRead } from "../persist/words";
import { refuse } from "../refusal";
import {
  AppState,
  BOOT_FALLBACK,
  BOOT_ORDER_MASK,
  ConfirmAfter,
  NO_SLOT,
  NodeWord,
  Source,
} from "../spec/boot";
import { Err } from "../spec/errors";
import { NEVER, TaskState } from "../spec/node";
import { bindApp, confirmApp, revertApp, storedName } from "./activate";
import {
  appPid,
  begin,
  commitRecord,
  end,
  isOnTrial,
  Job,
  NO_APP,
  Provision,
  provisionAt,
  setPid,
  Step,
  trialApp,
} from "./job";
import {
  planBegin,
  planGo,
  planHasBegun,
  planHolds,
  planIsOn,
  planKnowsConfig,
  planPoll,
  planRest,
} from "./card";
import { loadAt, Phase } from "./load";
import { configWord, copyConfig } from "./node-config";
import {
  activeOf,
  afterOf,
  attemptsOf,
  bootWordAt,
  countedDown,
  fallbackOf,
  recordAt,
  rolledBack,
  stateOf,
} from "./record";
import { shadowMerge } from "../registry/shadow";
import { sourceChoose } from "./source";
import { sessionRelease, sessionRefuse, sessionResult, sessionVerify } from "./session";
import { awaitDrop, awaitStart, awaitWord, discard, fetch, revert } from "./start";

/** Power-on: reads the node's words once the store is mounted, then starts what they name. */
export function provisionStart(): void {
  wordsRead();
  begin(Job.BOOT, Step.READ, NO_APP);
}
/** The store was emptied: its words are read again, nothing is started. */
export function provisionForget(): void {
  wordsRead();
  begin(Job.OTHER, Step.READ, NO_APP);
}

/** True once the node's words are read, or cannot be: the configuration holds. */
export function configIsKnown(): bool {
  const p = provisionAt();
  return p.job == Job.NONE || (p.step != Step.READ && planKnowsConfig());
}

// ---- What the boot does next ----

function isBegun(p: Provision, app: u32): bool {
  return (((<u32>p.begun) >>> app) & 1) != 0;
}

/** Settles what is left of the trials of apps from `first` on; of the configuration, too, whose trial is one boot. False: there is nothing. */
function settleTrial(p: Provision, first: u32): bool {
  for (let app = first; app <= APP_MAX; app++) {
    const record = recordAt(app);
    if (!isOnTrial(app) || isBegun(p, app)) continue;
    const isOver = attemptsOf(record) == 0; // also of one that is being dropped
    if (!isOver && app < APP_MAX) continue;
    p.app = <u8>app;
    p.slot = <u8>fallbackOf(record);
    p.begun = <u16>((<u32>p.begun) | (1 << app));
    if (app == APP_MAX)
      commitRecord(p, isOver ? rolledBack(record) : countedDown(record), Step.NEXT);
    else p.step = <u8>Step.REVERT;
    return true;
  }
  return false;
}

/** The app that is next in order; -1: all were begun. */
function nextApp(p: Provision): i32 {
  let next: i32 = -1;
  let best: u32 = BOOT_ORDER_MASK + 1;
  for (let app: u32 = 0; app < APP_MAX; app++) {
    const state = stateOf(recordAt(app));
    const order = bootWordAt(app) & BOOT_ORDER_MASK;
    if (state == AppState.EMPTY || isBegun(p, app) || order >= best) continue;
    best = order;
    next = app;
  }
  return next;
}

/** Bank of a task that has the name of stored app `app`, from another source; -1: there is none. */
function rivalOf(app: u32): i32 {
  const own = IO_BASE + 64;
  const other = IO_BASE + 128;
  const length = storedName(activeOf(recordAt(app)), own);
  if (length == 0) return -1;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    const isFirst = t.instance == 0 && t.groupBase == 0 && t.keyBase == 0; // the others are meant besides it
    if (t.pid == 0 || !isFirst || !isVerified(t.slot)) continue;
    if (appName(t.slot, other) == length && memory.compare(own, other, length) == 0) return <i32>i;
  }
  return -1;
}

/** True when a task of the app's name, from a source that counts, runs in its place. One whose source does not count makes way. */
function isOutdone(app: u32): bool {
  const bank = rivalOf(app);
  if (bank < 0) return false;
  const t = taskAt(bank);
  const offers = 1 | (1 << taskSource(t));
  if (sourceChoose(configWord(NodeWord.SOURCES), offers) != Source.STORED) return true;
  setPid(app, t.pid); // whose place it takes
  return false;
}

function bootOn(p: Provision): void {
  if (settleTrial(p, APP_MAX)) return; // it is in use from now on
  if (!planHasBegun()) return planBegin(p);
  if (settleTrial(p, 0)) return;
  if (planIsOn()) {
    p.step = <u8>Step.CARD;
    return;
  }
  const app = nextApp(p);
  if (app < 0) return end(p, Err.OK);
  if (loadAt().phase != Phase.IDLE) return; // it may bring the same app
  const record = recordAt(app);
  p.app = <u8>app;
  p.begun = <u16>((<u32>p.begun) | (1 << app));
  p.slot = <u8>activeOf(record);
  if (isOutdone(app)) return;
  p.step = <u8>Step.FETCH;
  if (stateOf(record) == AppState.TRIAL) commitRecord(p, countedDown(record), Step.FETCH);
}

// ---- Afterwards ----

/** Ms after which a trial is confirmed by time alone; NEVER: it is not. */
function confirmTime(record: u32): u32 {
  const after = afterOf(record);
  if (after == ConfirmAfter.NEVER) return NEVER;
  return after == ConfirmAfter.SECONDS_10 ? 10000 : after == ConfirmAfter.MINUTE ? 60000 : 600000;
}

/** Ms until an app on trial is confirmed, or one that failed is rolled back; NEVER: nothing is to come. */
function timeLeft(app: u32): u32 {
  const bank = taskFind(appPid(app));
  if (bank < 0) return NEVER;
  const t = taskAt(bank);
  const record = recordAt(app);
  const isTrial = stateOf(record) == AppState.TRIAL;
  if (t.state == TaskState.FAULTED) {
    const comesBack = isTrial || (bootWordAt(app) & BOOT_FALLBACK) != 0;
    return comesBack && fallbackOf(record) != NO_SLOT ? 0 : NEVER;
  }
  if (!isTrial) return NEVER;
  if ((t.flags & TaskFlag.CONFIRMED) != 0) return 0;
  const time = confirmTime(record);
  const ran = nodeAt().lastMs - provisionAt().since;
  return time == NEVER ? NEVER : ran < time ? time - ran : 0;
}

function watch(): void {
  for (let app: u32 = 0; app < APP_MAX; app++) {
    if (appPid(app) == 0 || timeLeft(app) != 0) continue; // mostly there is none, and every poll asks
    const isFaulted = taskAt(taskFind(appPid(app))).state == TaskState.FAULTED;
    if (isFaulted) revertApp(app);
    else confirmApp(app);
    return;
  }
}

/** Ms until the boot waits no longer. */
function waitRest(): u32 {
  const p = provisionAt();
  const time = configWord(NodeWord.MASTER_WAIT);
  const passed = nodeAt().lastMs - p.since;
  return p.next == Step.WAIT ? NEVER : passed < time ? time - passed : 0;
}

/** Ms the node may rest as far as provisioning goes. */
export function provisionRest(): u32 {
  if (bootWaits()) return waitRest();
  if (provisionAt().step == Step.CARD && provisionAt().job != Job.NONE) return planRest();
  if (provisionAt().job != Job.NONE) return loadAt().phase == Phase.PREPARED ? NEVER : 0;
  let rest: u32 = NEVER;
  for (let app: u32 = 0; app < APP_MAX; app++) {
    const left = timeLeft(app);
    if (left < rest) rest = left;
  }
  return rest;
}

// ---- Step by step ----

function awaitRead(p: Provision): void {
  const result = wordsPoll();
  if (result == Err.BUSY) return;
  if (p.job != Job.BOOT) return end(p, Err.OK);
  if (result < 0)
    p.begun = 0xffff; // nothing is started from a store that cannot be read
  else if (trialApp() < 0) shadowMerge(); // what a power cut left of a confirmation
  p.since = nodeAt().lastMs;
  p.step = <u8>Step.NEXT;
}

/** Waits for a master as long as the configuration says; `next` WAIT: until it says START. */
function awaitMaster(p: Provision): void {
  const passed = nodeAt().lastMs - p.since;
  if (p.next != Step.WAIT && passed >= configWord(NodeWord.MASTER_WAIT)) p.step = <u8>Step.NEXT;
}
/** True while the boot waits for a master. */
export function bootWaits(): bool {
  const p = provisionAt();
  return p.job == Job.BOOT && p.step == Step.WAIT;
}
/** A master holds the boot, or lets it go on. STATE: it does not wait. */
export function bootHold(holds: bool): i32 {
  const p = provisionAt();
  if (!holds && planHolds()) {
    planGo();
    return Err.OK;
  }
  if (!bootWaits()) return refuse(Err.STATE, 0, 0, 0);
  p.next = <u8>(holds ? Step.WAIT : Step.NEXT);
  if (!holds) p.step = <u8>Step.NEXT;
  return Err.OK;
}

/** An app that failed is not watched any more when its fallback has failed, too. */
function giveUp(p: Provision, err: i32): void {
  if (p.next == Step.REVERT) setPid(p.app, 0);
  end(p, err);
}
function verify(p: Provision): void {
  const err = sessionVerify(p.slot);
  if (err == Err.BUSY) return;
  if (err < 0) giveUp(p, err);
  else p.step = <u8>Step.VERIFYING;
}
function awaitVerdict(p: Provision): void {
  const result = sessionResult();
  if (result == Err.BUSY) return;
  if (result < 0) giveUp(p, result);
  else p.step = p.next;
}

function release(p: Provision): void {
  const err = sessionRelease();
  if (err == Err.BUSY) return;
  if (err < 0) sessionRefuse(err);
  end(p, err);
}

/** Carries the job on by a step, or sees whether one is due. */
export function provisionPoll(): void {
  const p = provisionAt();
  if (p.job == Job.NONE) return watch();
  if (provisionRest() == 0) nodeAt().hasWorked = 1;
  switch (<u32>p.step) {
    case Step.READ:
      return awaitRead(p);
    case Step.NEXT:
      return bootOn(p);
    case Step.COMMIT:
      return awaitWord(p);
    case Step.FETCH:
    case Step.WINDOW:
      return fetch(p);
    case Step.WAIT:
      return awaitMaster(p);
    case Step.CARD:
      return planPoll(p);
    case Step.FETCHING:
      return awaitStart(p);
    case Step.VERIFY:
      return verify(p);
    case Step.VERIFYING:
      return awaitVerdict(p);
    case Step.BIND:
      if (nv_busy() == 0) bindApp(p);
      return;
    case Step.REVERT:
      return revert(p);
    case Step.DISCARD:
      return discard(p);
    case Step.DROPPING:
      return awaitDrop(p);
    case Step.RELEASE:
      return release(p);
    case Step.MERGE:
      shadowMerge();
      return end(p, Err.OK);
    case Step.COPY:
      return copyConfig(p);
    default:
      end(p, Err.OK);
  }
}

/** BUSY: poll on. Else the pid or OK the last job came to, or why it was refused. */
export function provisionResult(): i32 {
  const p = provisionAt();
  return p.job != Job.NONE ? <i32>Err.BUSY : <i16>p.result; // a pid, OK or an Err
}
