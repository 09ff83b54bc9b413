// The apps of the card's manifest: whose turn is next, whether those before it are well, and where its image comes from.

import { fileClose, fileData, fileNext, fileOpen, fileSize, fileTake } from "../card/file";
import { cardEnd, cardOwn } from "../card/volume";
import { CRC_START, crcSum, crcEnd } from "../crc";
import { emit } from "../events";
import { controlGet } from "../executive/control";
import { appName } from "../executive/name";
import { Task, taskAt, TaskFlag, taskSource } from "../executive/task";
import { f16IsNaN, f16Less } from "../f16";
import { isVerified, slotBytes, slotCrc } from "../image/slot";
import { storedCrc, storedLength } from "../image/stored";
import { APP_MAX, IO_BASE, TASK_MAX } from "../layout";
import { refuse } from "../refusal";
import { AppState, NodeWord, Source } from "../spec/boot";
import { Err } from "../spec/errors";
import * as M from "../spec/manifest";
import { EventType, TaskState } from "../spec/node";
import { storedName } from "./activate";
import { commitRecord, NO_APP, Provision, Step } from "./job";
import { manifestRecord } from "./manifest";
import { configWord } from "./node-config";
import {
  Plan,
  PlanFlag,
  planPassed,
  planStamp,
  PlanStep,
  recordByte,
  recordLong,
  recordWord,
} from "./plan";
import { activeOf, countedDown, recordAt, stateOf } from "./record";
import { sessionAbort, sessionCard, sessionData, sessionResult } from "./session";
import { sourceChoose } from "./source";

/** Bytes of an image that are loaded in one poll. */
const FEED_BYTES: u32 = 128;

// ---- The app of the record at hand ----

/** Where names are laid. */
const NAME: usize = IO_BASE + 64;

/** True when a name of `length` bytes at NAME is the one that the app of the record at hand has in its image. */
function isItsName(length: usize): bool {
  return crcEnd(crcSum(CRC_START, NAME, <u32>length)) == recordLong(M.MANIFEST_APP_HASH_OFF);
}
/** Bank of the task of the app in the record at hand; -1: there is none. */
function bankOf(): i32 {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    const isMoved =
      <u32>t.groupBase != recordByte(M.MANIFEST_APP_GROUP_BASE_OFF) ||
      <u32>t.keyBase != recordWord(M.MANIFEST_APP_KEY_BASE_OFF);
    if (t.pid == 0 || isMoved || !isVerified(t.slot)) continue;
    if (isItsName(appName(t.slot, NAME))) return <i32>i;
  }
  return -1;
}
/** The stored app of the record at hand; NO_APP: there is none. */
function storedOf(): u32 {
  for (let app: u32 = 0; app < APP_MAX; app++) {
    const record = recordAt(app);
    if (stateOf(record) != AppState.EMPTY && isItsName(storedName(activeOf(record), NAME)))
      return app;
  }
  return NO_APP;
}

// ---- Whose turn is next ----

function isWell(t: Task): bool {
  if (t.state == TaskState.FAULTED || t.state == TaskState.BACKING_OFF) return false;
  const kind = recordByte(M.MANIFEST_APP_HEALTH_OFF) & M.MANIFEST_HEALTH_MASK;
  if (kind == M.ManifestHealth.CONFIRMED) return (t.flags & TaskFlag.CONFIRMED) != 0;
  if (kind != M.ManifestHealth.VALUE) return true;
  const value = controlGet(recordWord(M.MANIFEST_APP_OID_OFF));
  if (value < 0 || f16IsNaN(value)) return false;
  const isLow = f16Less(value, recordWord(M.MANIFEST_APP_MIN_OFF));
  return !isLow && !f16Less(recordWord(M.MANIFEST_APP_MAX_OFF), value);
}

/** Looks whether an app whose turn has come is well. One whose time is over is told; one that does not run has none. */
function judge(l: Plan, group: u32): void {
  const bank = bankOf();
  if (bank >= 0 && isWell(taskAt(bank))) return;
  const limit = recordWord(M.MANIFEST_APP_LIMIT_OFF);
  if (bank < 0 || (limit != 0 && planPassed(l) >= limit)) {
    const pid: u32 = bank < 0 ? 0 : taskAt(bank).pid;
    if (group >= <u32>l.told)
      emit(EventType.UNWELL, pid, group, recordLong(M.MANIFEST_APP_CRC_OFF));
    if (group >= <u32>l.told) l.told = <u16>(group + 1);
    if ((recordByte(M.MANIFEST_APP_HEALTH_OFF) & M.MANIFEST_HEALTH_GO) != 0) return;
    l.flags |= <u8>PlanFlag.LATE;
  }
  if (l.unwell == 0 || group < <u32>l.unwell) l.unwell = <u16>(group + 1);
}

/** Looks at one app after the other; then the first of the lowest start group is next. NO_DATA: all had their turn. */
export function choose(l: Plan): i32 {
  if (l.app == 0) {
    l.best = 0xffff;
    l.next = l.count;
    l.unwell = 0;
    l.flags &= ~(<u8>PlanFlag.LATE);
  }
  if (l.app != l.count) {
    const err = manifestRecord(l, <u32>l.first + <u32>l.app);
    if (err < 0) return err;
    const group = recordByte(M.MANIFEST_APP_GROUP_OFF);
    if ((((<u32>l.done) >>> (<u32>l.app)) & 1) != 0) judge(l, group);
    else if (group < <u32>l.best) {
      l.best = <u16>group;
      l.next = l.app;
    }
    l.app += 1;
    return Err.OK;
  }
  l.app = 0;
  if (l.next == l.count) return Err.NO_DATA;
  if (isHeld(l)) return hold(l);
  turn(l);
  return Err.OK;
}

/** True while the group that is next has to wait for one before it. */
function isHeld(l: Plan): bool {
  return l.unwell != 0 && l.unwell <= l.best && (l.flags & PlanFlag.GO) == 0;
}
/** UNWELL: an app had its time. BUSY: it has time left. */
function hold(l: Plan): i32 {
  l.flags |= <u8>PlanFlag.HOLDING;
  return (l.flags & PlanFlag.LATE) != 0 ? refuse(Err.UNWELL, 0, 0, 0) : <i32>Err.BUSY;
}
/** The turn of the app that is next has come. */
function turn(l: Plan): void {
  l.flags &= ~(<u8>(PlanFlag.HOLDING | PlanFlag.GO));
  l.group = <u8>l.best;
  l.step = <u8>PlanStep.DELAY;
  planStamp(l);
}

// ---- Where its image comes from ----

/** Waits as long as the record says, then decides where the image comes from. */
export function decide(l: Plan, p: Provision): i32 {
  const err = manifestRecord(l, <u32>l.first + <u32>l.next);
  if (err < 0) return err;
  if (planPassed(l) < recordWord(M.MANIFEST_APP_DELAY_OFF)) return Err.BUSY;
  l.done = <u16>((<u32>l.done) | (1 << (<u32>l.next)));
  planStamp(l);
  l.step = <u8>PlanStep.CHOOSE;
  const app = storedOf();
  p.app = <u8>app;
  if (isSettled(app == NO_APP ? 0 : 1)) settle(p);
  else if (app != NO_APP && isStored(app)) startStored(p);
  else {
    fileClose();
    l.step = <u8>PlanStep.OPEN;
  }
  return Err.OK;
}
/** True when a task has the image of the record at hand, or one from a source that comes before the card. `offers`: bit 0: one is stored. */
function isSettled(offers: u32): bool {
  const bank = bankOf();
  if (bank < 0) return false;
  const t = taskAt(bank);
  const length = recordLong(M.MANIFEST_APP_LENGTH_OFF);
  if (slotCrc(t.slot) == recordLong(M.MANIFEST_APP_CRC_OFF) && slotBytes(t.slot) == length)
    return true;
  offers |= (1 << Source.SD) | (1 << taskSource(t));
  return sourceChoose(configWord(NodeWord.SOURCES), offers) != Source.SD;
}
/** The app runs: nothing of its name is started from a slot any more. */
function settle(p: Provision): void {
  if (<u32>p.app < APP_MAX) p.begun = <u16>((<u32>p.begun) | (1 << (<u32>p.app)));
}

/** True when the active image of a stored app is the one of the record at hand. */
function isStored(app: u32): bool {
  const length = storedLength(activeOf(recordAt(app)));
  return (
    length == <i32>recordLong(M.MANIFEST_APP_LENGTH_OFF) &&
    storedCrc() == recordLong(M.MANIFEST_APP_CRC_OFF)
  );
}
/** The stored image of the app is started, and its trial goes on. */
export function startStored(p: Provision): void {
  const record = recordAt(p.app);
  settle(p);
  cardEnd();
  p.slot = <u8>activeOf(record);
  p.step = <u8>Step.FETCH;
  if (stateOf(record) == AppState.TRIAL) commitRecord(p, countedDown(record), Step.FETCH);
}

// ---- Its image on the card ----

/** Opens the file of the app, and begins to load it. */
export function open(l: Plan): i32 {
  const err = fileOpen(cardOwn() + M.MANIFEST_APP_FILE_OFF);
  if (err < 0) return err;
  const length = recordLong(M.MANIFEST_APP_LENGTH_OFF);
  if (fileSize() != length) return refuse(Err.CARD_IMAGE, 0, fileSize(), length);
  const bank = bankOf();
  const bases =
    (recordByte(M.MANIFEST_APP_GROUP_BASE_OFF) << 16) | recordWord(M.MANIFEST_APP_KEY_BASE_OFF);
  const pid: u32 = bank < 0 ? 0 : taskAt(bank).pid;
  l.step = <u8>PlanStep.FEED;
  return sessionCard(
    length,
    recordLong(M.MANIFEST_APP_CRC_OFF),
    pid,
    bases,
    recordWord(M.MANIFEST_APP_BOOT_OFF),
  );
}

/** Loads the next bytes; behind the last the card's memory is given back, as the app may need it. */
export function feed(l: Plan): i32 {
  const there = fileNext();
  if (there < 0) {
    if (there != Err.BUSY) sessionAbort();
    return there;
  }
  const bytes = <u32>there < FEED_BYTES ? <u32>there : FEED_BYTES;
  if (bytes != 0) {
    const err = sessionData(fileData(), bytes);
    fileTake(bytes);
    return err;
  }
  cardEnd();
  l.step = <u8>PlanStep.START;
  return Err.OK;
}

export function awaitStart(l: Plan, p: Provision): i32 {
  const result = sessionResult();
  if (result == Err.BUSY) return Err.BUSY;
  planStamp(l);
  if (result < 0) return result;
  l.step = <u8>PlanStep.CHOOSE;
  settle(p);
  return Err.OK;
}
