// What is asked of stored images and their apps: stage, activate, confirm, roll back, and how apps boot. A refusal changes nothing.

import { appName } from "../executive/name";
import { taskAt, taskFind } from "../executive/task";
import { slotDrop, slotLiesIn, slotOpen } from "../image/slot";
import {
  storedAddress,
  storedCount,
  storedCrc,
  storedHasPart,
  storedLength,
  storedOrigin,
  storedSize,
} from "../image/stored";
import { nv_erase_size, nv_size } from "../hal";
import { APP_MAX, IO_BASE, TASK_MAX } from "../layout";
import { nodeAt } from "../node";
import { wordGroup } from "../persist/words";
import { shadowBegin, shadowIsSettled } from "../registry/shadow";
import { refusalName, refuse, refuseFull, refuseHeld } from "../refusal";
import {
  AppState,
  ATTEMPTS_MAX,
  CONFIG_APP,
  ConfirmAfter,
  NO_SLOT,
  NodeWord,
  STORED_HEADER_BYTES,
  STORED_MAX,
  STORED_UNIT,
  WORD_NONE,
  WordGroup,
} from "../spec/boot";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";
import {
  appPid,
  begin,
  commit,
  commitRecord,
  end,
  HELD,
  isFree,
  isHeld,
  isOnTrial,
  isProved,
  Job,
  NO_APP,
  Provision,
  provisionAt,
  Step,
  trialApp,
} from "./job";
import { declarerAt } from "./load";
import { configWord } from "./node-config";
import {
  activeOf,
  fallbackOf,
  moved,
  onTrial,
  recordAt,
  recordOf,
  rolledBack,
  stateOf,
  withoutFallback,
} from "./record";
import { sessionCommit, sessionStage } from "./session";

// ---- Names ----

/** Copies the name of the app in a stored slot out and returns its length, at most 32; 0: it cannot be read. It uses the I/O buffer. */
export function storedName(stored: u32, to: usize): usize {
  const bytes = storedLength(stored);
  const slot = bytes < 0 ? bytes : slotOpen(stored, bytes);
  if (slot < 0) return 0;
  const length = appName(slot, to);
  slotDrop(slot);
  return length;
}

/** A refusal that names an app. */
function refuseApp(err: i32, app: u32): i32 {
  const name = IO_BASE + 64;
  const length = storedName(activeOf(recordAt(app)), name);
  refuse(err, 0, app, 0);
  refusalName(name, length);
  return err;
}

/** Number of the app that `record` needs slot `stored` for; NO_APP: none. */
function holderOf(stored: u32): u32 {
  for (let app: u32 = 0; app < APP_MAX; app++) {
    const record = recordAt(app);
    if (stateOf(record) == AppState.EMPTY) continue;
    if (activeOf(record) == stored || fallbackOf(record) == stored) return app;
  }
  return NO_APP;
}

/** OK: there is such a slot, and no job. BUSY, NOT_FOUND. */
function checkSlot(stored: u32): i32 {
  const free = isFree();
  if (free < 0) return free;
  return stored < storedCount() ? <i32>Err.OK : refuse(Err.NOT_FOUND, 0, stored, storedCount());
}

/** SLOT_IN_USE: a task runs code that lies on the device between two addresses. */
export function checkUnused(from: u32, end: u32): i32 {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.pid == 0 || !slotLiesIn(t.slot, from, end)) continue;
    refuseHeld(Err.SLOT_IN_USE, 0, t.pid);
    const name = IO_BASE + 64;
    refusalName(name, appName(t.slot, name));
    return Err.SLOT_IN_USE;
  }
  return Err.OK;
}

// ---- Slots ----

/**
 * Begins to make `count` slots of `bytes` each behind the store, 0: none. STATE: apps have records. RANGE: more than STORED_MAX, or
 * bytes that are no multiple of STORED_UNIT and the erase unit. TOO_LARGE: the device has less room, see the refusal. BUSY.
 */
export function formatSlots(count: u32, bytes: u32): i32 {
  const free = isFree();
  if (free < 0) return free;
  for (let stored: u32 = 0; stored < storedCount(); stored++) {
    const app = holderOf(stored);
    if (app != NO_APP) return refuseApp(Err.SLOT_IN_USE, app);
  }
  const used = checkUnused(0, nv_size());
  if (used < 0) return used;
  const units = bytes / STORED_UNIT;
  const unit = nv_erase_size();
  const isOdd = bytes % STORED_UNIT != 0 || (unit != 0 && bytes % unit != 0);
  if (count > STORED_MAX || isOdd || units > 0xfff) return refuse(Err.RANGE, 0, bytes, STORED_UNIT);
  const origin = storedOrigin();
  const have = nv_size() > origin ? nv_size() - origin : 0;
  if (count * bytes > have) return refuse(Err.TOO_LARGE, 0, count * bytes, have);
  const p = begin(Job.OTHER, Step.END, NO_APP);
  p.proved = 0;
  commit(p, wordGroup(WordGroup.NODE) + 1, (count << 12) | units, Step.END);
  return Err.OK;
}

/**
 * Begins to stage a file of `total` bytes with this CRC-32 in a slot; `node`: the id of the node it is meant for, 0: any. A
 * fallback in the slot is given up first. BUSY, NOT_FOUND, SLOT_SMALL, WRONG_NODE; SLOT_IN_USE: an app runs from it, or is on
 * trial and may need it; HXE_TRUNCATED.
 */
export function stageImage(stored: u32, total: u32, crc: u32, node: u32): i32 {
  let err = checkSlot(stored);
  if (err < 0) return err;
  const room = storedSize() - STORED_HEADER_BYTES;
  if (total > room) return refuse(Err.SLOT_SMALL, 0, total, room);
  const id = configWord(NodeWord.ID) & 0xff;
  if (node != 0 && id != 0 && node != id) return refuse(Err.WRONG_NODE, 0, node, id);
  const app = holderOf(stored);
  const isFallback = app != NO_APP && !isOnTrial(app) && activeOf(recordAt(app)) != stored;
  if (app != NO_APP && !isFallback) return refuseApp(Err.SLOT_IN_USE, app);
  err = checkUnused(storedAddress(stored), storedAddress(stored + 1));
  if (err < 0) return err;
  err = sessionStage(stored, total, crc);
  if (err < 0) return err;
  const p = begin(Job.OTHER, Step.RELEASE, app);
  if (isFallback) commitRecord(p, withoutFallback(recordAt(app)), Step.RELEASE);
  return Err.OK;
}

/** The slot to stage a file in: one that holds parts of it, else one that no app needs, else one with a fallback. NOT_FOUND, SLOT_IN_USE. */
export function stagingSlot(total: u32, crc: u32): i32 {
  const count = storedCount();
  let best: i32 = count == 0 ? Err.NOT_FOUND : Err.SLOT_IN_USE;
  for (let stored = count; stored-- > 0;) {
    const app = holderOf(stored);
    if (app == NO_APP && storedHasPart(stored, total, crc)) return stored;
    const isFallback = app != NO_APP && !isOnTrial(app) && activeOf(recordAt(app)) != stored;
    if (app == NO_APP || (isFallback && best < 0)) best = stored;
  }
  return best < 0 ? refuse(<i8>best, 0, count, 0) : best;
}

/** The slot that holds this file, whole; -1: none. */
export function slotWith(total: u32, crc: u32): i32 {
  for (let stored: u32 = 0; stored < storedCount(); stored++) {
    if (storedLength(stored) == total && storedCrc() == crc) return stored;
  }
  return -1;
}
/** Pid of the app whose active image lies in this slot; 0: there is none, or it does not run. */
export function pidOfSlot(stored: u32): u32 {
  const app = holderOf(stored);
  if (app == NO_APP || activeOf(recordAt(app)) != stored) return 0;
  const pid = appPid(app);
  return pid > 0 && taskFind(pid) >= 0 ? pid : 0;
}

// ---- Apps ----

/**
 * Begins to make the image in a slot the active one of its app, and to start it. `attempts`: starts it has until it must be
 * confirmed, 1 to 7; 0: none is on trial. `after`: ConfirmAfter. The first image of an app is never on trial. The result is the
 * pid, or why the image cannot run; then the app that ran before runs on or again. BUSY, NOT_FOUND, RANGE; IN_TRIAL; STATE: it is active.
 */
export function activateSlot(stored: u32, attempts: u32, after: u32): i32 {
  return activation(stored, attempts, after, 0);
}
/** The same up to the change-over, ready for activateHeld(). */
export function prepareSlot(stored: u32, attempts: u32, after: u32): i32 {
  return activation(stored, attempts, after, HELD);
}
function activation(stored: u32, attempts: u32, after: u32, held: u32): i32 {
  const err = checkSlot(stored);
  if (err < 0) return err;
  if (attempts > ATTEMPTS_MAX) return refuse(Err.RANGE, 0, attempts, ATTEMPTS_MAX);
  if (after > <u32>ConfirmAfter.MINUTES_10)
    return refuse(Err.RANGE, 0, after, ConfirmAfter.MINUTES_10);
  const trial = trialApp();
  if (trial >= 0) return refuseApp(Err.IN_TRIAL, trial);
  if (!shadowIsSettled()) return refuse(Err.BUSY, 0, 0, 0);
  const holder = holderOf(stored);
  if (holder != NO_APP && activeOf(recordAt(holder)) == stored)
    return refuseApp(Err.SLOT_IN_USE, holder);
  const p = begin(Job.ACTIVATE, Step.VERIFY, NO_APP);
  p.next = <u8>Step.BIND;
  p.slot = <u8>stored;
  p.trial = <u8>(attempts | (after << 3) | held);
  return Err.OK;
}

/** The record of the app in slot `stored`, or the first free one; NO_APP: all are taken. */
function recordFor(stored: u32): u32 {
  const name = IO_BASE + 64;
  const other = IO_BASE + 128;
  const length = storedName(stored, name);
  let free: u32 = NO_APP;
  for (let app = APP_MAX; app-- > 0;) {
    const record = recordAt(app);
    if (stateOf(record) == AppState.EMPTY) free = app;
    else if (
      storedName(activeOf(record), other) == length &&
      memory.compare(name, other, length) == 0
    )
      return app;
  }
  return free;
}

/** The record of the app once the image of the activation is its active one, with the first attempt counted. */
function boundRecord(p: Provision): u32 {
  const old = recordAt(p.app);
  const attempts: u32 = p.trial & 7;
  const isFirst = stateOf(old) == AppState.EMPTY;
  const fallback = isFirst ? NO_SLOT : activeOf(old);
  if (isFirst || attempts == 0) return recordOf(p.slot, fallback, AppState.CONFIRMED);
  return onTrial(p.slot, fallback, attempts - 1, ((<u32>p.trial) >>> 3) & 3);
}

/** The image of an activation is sound: its record is written, unless that is held back. */
export function bindApp(p: Provision): void {
  const app = recordFor(p.slot);
  if (app == NO_APP) return end(p, refuseFull(Err.FULL, Resource.APPS, APP_MAX + 1, APP_MAX));
  p.app = <u8>app;
  if (isHeld(p)) p.step = <u8>Step.FETCH;
  else commitRecord(p, boundRecord(p), Step.FETCH);
}

/**
 * An activation that was prepared changes over at once; its record is written meanwhile, before the saver gets the store. A power
 * cut in between leaves the app before. STATE: none is prepared.
 */
export function activateHeld(): i32 {
  const p = provisionAt();
  const pid: u32 = declarerAt().pid;
  const err = isHeld(p) ? sessionCommit() : refuse(Err.STATE, 0, 0, 0);
  if (err < 0) return err;
  const record = boundRecord(p);
  p.trial &= <u8>~HELD;
  p.since = nodeAt().lastMs;
  if (stateOf(record) == AppState.TRIAL) shadowBegin(pid);
  commitRecord(p, record, Step.FETCHING);
  return Err.OK;
}

/** Record `app` stands for; NO_APP: there is none. */
function recordNumber(app: u32): u32 {
  return app == CONFIG_APP ? APP_MAX : app < APP_MAX ? app : NO_APP;
}

/** Begins to confirm the app, or the configuration (CONFIG_APP), that is on trial. BUSY, NOT_FOUND, NO_TRIAL. */
export function confirmApp(app: u32): i32 {
  const free = isFree();
  if (free < 0) return free;
  const n = recordNumber(app);
  if (n == NO_APP) return refuse(Err.NOT_FOUND, 0, app, APP_MAX);
  const record = recordAt(n);
  if (stateOf(record) != AppState.TRIAL) return refuse(Err.NO_TRIAL, 0, app, 0);
  const next = n == APP_MAX ? Step.END : Step.MERGE;
  commitRecord(begin(Job.OTHER, Step.END, n), moved(record, AppState.CONFIRMED), next);
  return Err.OK;
}

/**
 * Begins to bring the fallback of an app back, once it proves sound, and starts it; the result is its pid. One that was proved since
 * power-on is summed as it starts; if it is damaged by now, the image before starts anew, with the record it had. That of the
 * configuration (CONFIG_APP) that is on trial holds from the next start on. BUSY, NOT_FOUND, NO_FALLBACK.
 */
export function revertApp(app: u32): i32 {
  const free = isFree();
  if (free < 0) return free;
  const n = recordNumber(app);
  if (n == NO_APP) return refuse(Err.NOT_FOUND, 0, app, APP_MAX);
  const record = recordAt(n);
  const isConfig = n == APP_MAX;
  const hasFallback = isConfig ? isOnTrial(n) : fallbackOf(record) != NO_SLOT;
  if (stateOf(record) == AppState.EMPTY || !hasFallback) return refuse(Err.NO_FALLBACK, 0, app, 0);
  const slot = fallbackOf(record);
  const p = begin(Job.OTHER, isProved(slot) ? Step.REVERT : Step.VERIFY, n);
  p.next = <u8>Step.REVERT;
  p.slot = <u8>slot;
  p.before = <u16>record;
  if (isConfig) commitRecord(p, rolledBack(record), Step.END);
  return Err.OK;
}

/** Begins to forget an app: its record names no slot any more. A task of it runs on. BUSY, NOT_FOUND, IN_TRIAL. */
export function removeApp(app: u32): i32 {
  const free = isFree();
  if (free < 0) return free;
  if (app >= APP_MAX) return refuse(Err.NOT_FOUND, 0, app, APP_MAX);
  if (isOnTrial(app)) return refuseApp(Err.IN_TRIAL, app);
  const none = recordOf(NO_SLOT, NO_SLOT, AppState.EMPTY);
  commitRecord(begin(Job.OTHER, Step.END, app), none, Step.END);
  return Err.OK;
}

/** Begins to say how an app boots (boot word), whether or not it has an image. BUSY, NOT_FOUND; RANGE: 0xFFFF. */
export function setBoot(app: u32, word: u32): i32 {
  const free = isFree();
  if (free < 0) return free;
  if (app >= APP_MAX) return refuse(Err.NOT_FOUND, 0, app, APP_MAX);
  if (word >= WORD_NONE) return refuse(Err.RANGE, 0, word, WORD_NONE - 1);
  commit(begin(Job.OTHER, Step.END, NO_APP), wordGroup(WordGroup.BOOT) + app, word, Step.END);
  return Err.OK;
}
