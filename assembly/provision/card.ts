// What the card has the node do, step by step: its manifest is taken, configuration and values are set once, and its apps are started
// in their order. Before another uses the bus for a load, and while an app is started, the card's memory is given back.

import { fileClose, fileData, fileNext, fileOpen, fileSize, fileTake } from "../card/file";
import { cardEnd, cardHasAnswered, cardIsOpen, cardOwn } from "../card/volume";
import { CRC_START, crcByte, crcEnd } from "../crc";
import { emit } from "../events";
import { controlGet } from "../executive/control";
import { appName } from "../executive/name";
import { Task, taskAt, TaskFlag, taskSource } from "../executive/task";
import { f16IsNaN, f16Less } from "../f16";
import { isVerified, slotBytes, slotCrc } from "../image/slot";
import { storedCrc, storedLength } from "../image/stored";
import { APP_MAX, IO_BASE, REFUSAL_BASE, TASK_MAX } from "../layout";
import { nodeAt } from "../node";
import { storeState } from "../persist/pool";
import { wordAt, wordGroup, wordsPoll, wordWrite } from "../persist/words";
import { refuse } from "../refusal";
import { saverOutcome, saverPut } from "../registry/saver";
import {
  AppState,
  NodeWord,
  PLANT_WORDS,
  PlantWord,
  Source,
  WORD_NONE,
  WordGroup,
} from "../spec/boot";
import { StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import * as M from "../spec/manifest";
import { EventType, REFUSAL_OFFSET_OFF, TaskState } from "../spec/node";
import { storedName } from "./activate";
import { commitRecord, NO_APP, Provision, Step } from "./job";
import { loadAt, Phase } from "./load";
import { manifestBegin, manifestCheck, manifestRecord, manifestValue } from "./manifest";
import { adoptConfig, configWord, isConfig } from "./node-config";
import {
  Plan,
  planAt,
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

/** Ms a card has to say its first block where the configuration says nothing: it may take a second to start. */
const CARD_WAIT_MS: u32 = 1500;
/** Bytes of an image that are loaded in one poll. */
const FEED_BYTES: u32 = 128;
/** Ms between two looks at an app that is to become well. */
const LOOK_MS: u32 = 10;

// ---- The end ----

/** True while the boot is to ask here for what is next. */
export function planIsOn(): bool {
  const step: u32 = planAt().step;
  return step != PlanStep.NONE && step != PlanStep.DONE;
}
/** True once the configuration is as this start will have it. */
export function planKnowsConfig(): bool {
  return (planAt().flags & PlanFlag.KNOWN) != 0;
}
/** True once the boot has asked for a card, or need not. */
export function planHasBegun(): bool {
  return planIsOn() || planKnowsConfig();
}

/** The boot goes on: first a master has its time, later what is stored is started. */
function goOn(l: Plan, p: Provision): void {
  l.flags |= <u8>PlanFlag.KNOWN;
  const waits = (l.flags & PlanFlag.WAITED) == 0 && configWord(NodeWord.MASTER_WAIT) != 0;
  l.flags |= <u8>PlanFlag.WAITED;
  p.step = <u8>(waits ? Step.WAIT : Step.NEXT);
}

/** What went wrong is told, and counts less than what went wrong before. */
function tell(l: Plan, err: i32): void {
  if (l.err == 0) l.err = <u8>-err;
  emit(EventType.CARD, 0, -err, load<u32>(REFUSAL_BASE + REFUSAL_OFFSET_OFF));
}

/** Nothing more comes from the card; what is stored starts, unless it is to wait for an app that is not well. */
function finish(l: Plan, p: Provision, err: i32): void {
  cardEnd();
  l.step = <u8>PlanStep.DONE;
  if (err == Err.UNWELL) p.begun = 0xffff;
  if (err < 0) tell(l, err);
  goOn(l, p);
}

/** Begins with the card, if it is among the sources. */
export function planBegin(p: Provision): void {
  const l = planAt();
  if (sourceChoose(configWord(NodeWord.SOURCES), 1 << Source.SD) != Source.SD) return goOn(l, p);
  manifestBegin(l);
  planStamp(l);
  p.step = <u8>Step.CARD;
}

// ---- The manifest ----

function check(l: Plan, p: Provision): i32 {
  const err = manifestCheck(l);
  if (err == Err.OK) {
    l.step = <u8>((l.flags & PlanFlag.TAKEN) != 0 ? PlanStep.CHOOSE : PlanStep.NODE);
    l.app = 0;
    return err;
  }
  if (err == Err.ABSENT && !cardHasAnswered() && (l.flags & PlanFlag.TAKEN) == 0) {
    l.step = <u8>PlanStep.DONE; // no card: nothing to tell
    cardEnd();
    goOn(l, p);
    return Err.OK;
  }
  const asked = configWord(NodeWord.CARD_WAIT);
  const limit = asked == 0 ? CARD_WAIT_MS : asked;
  if (err != Err.BUSY || cardHasAnswered() || planPassed(l) < limit) return err;
  return refuse(Err.TIMEOUT, 0, limit, 0);
}

/** Word of the plant that was noted; WORD_NONE: none. */
function noted(n: u32): u32 {
  return wordAt(wordGroup(WordGroup.PLANT) + n);
}
/** What is to be noted as word `n`: of the content of the node record at hand, of plant and version what the check has kept. */
function toNote(l: Plan, n: u32): u32 {
  if (n == PlantWord.PLANT) return l.plant;
  if (n == PlantWord.VERSION) return l.version;
  return recordWord(M.MANIFEST_NODE_CONTENT_OFF + ((n - PlantWord.CONTENT_LOW) << 1));
}

/** MANIFEST_PLANT, MANIFEST_OLD: the node belongs to another plant, or has seen a newer manifest. */
function checkPlant(l: Plan): i32 {
  const plant = noted(PlantWord.PLANT);
  if (plant == WORD_NONE) return Err.OK;
  if (plant != <u32>l.plant) return refuse(Err.MANIFEST_PLANT, 0, l.plant, plant);
  const version = noted(PlantWord.VERSION);
  const isOld = version != WORD_NONE && <u32>l.version < version;
  return isOld ? refuse(Err.MANIFEST_OLD, 0, l.version, version) : <i32>Err.OK;
}

function isApplied(l: Plan): bool {
  const low = noted(PlantWord.CONTENT_LOW) == toNote(l, PlantWord.CONTENT_LOW);
  return low && noted(PlantWord.CONTENT_HIGH) == toNote(l, PlantWord.CONTENT_HIGH);
}

/** The record of the node: whether it counts, and whether something of it is to be set. */
function readNode(l: Plan): i32 {
  let err = manifestRecord(l, l.node);
  if (err >= 0) err = checkPlant(l);
  if (err < 0) return err;
  const first = <u32>l.nodes + 1 + recordWord(M.MANIFEST_NODE_FIRST_OFF);
  l.count = <u8>recordByte(M.MANIFEST_NODE_COUNT_OFF);
  if (<u32>l.count > 14 || first + <u32>l.count > <u32>l.values)
    return refuse(Err.MANIFEST_DAMAGED, (<u32>l.node) << M.MANIFEST_RECORD_LOG2, first, l.values);
  l.first = <u16>first;
  l.value = 0;
  const canSet = storeState() == StoreState.READY;
  l.step = <u8>(!canSet ? PlanStep.CHOOSE : isApplied(l) ? PlanStep.NOTE : PlanStep.CONFIG);
  return Err.OK;
}

/** Has the configuration written, if the record brings one; then come the values. */
function setConfig(l: Plan, p: Provision): i32 {
  const err = manifestRecord(l, l.node);
  if (err < 0) return err;
  const words = cardOwn() + M.MANIFEST_NODE_CONFIG_OFF;
  const isNone = (recordByte(M.MANIFEST_NODE_FLAGS_OFF) & M.ManifestNodeFlag.CONFIG) == 0;
  const tried: u32 = l.value;
  l.value = 0;
  l.app = 0;
  l.step = <u8>PlanStep.VALUES;
  if (isNone || isConfig(words)) return Err.OK;
  // on trial, or refused by the store: nothing is set, and the next start tries again
  if (tried != 0 || !adoptConfig(p, words)) l.step = <u8>PlanStep.CHOOSE;
  else {
    l.value = 1;
    l.step = <u8>PlanStep.CONFIG;
  }
  return Err.OK;
}

/** Begins to set the next value of the next app. */
function setValue(l: Plan): i32 {
  if (l.app == l.count) {
    l.step = <u8>PlanStep.NOTE;
    l.value = 0;
    return Err.OK;
  }
  let err = manifestRecord(l, <u32>l.first + <u32>l.app);
  if (err < 0) return err;
  if (<u32>l.value >= recordByte(M.MANIFEST_APP_VALUES_OFF)) {
    l.app += 1;
    l.value = 0;
    return Err.OK;
  }
  err = manifestValue(l, recordWord(M.MANIFEST_APP_FIRST_OFF) + <u32>l.value);
  if (err < 0) return err;
  const at = fileData();
  err = saverPut(
    load<u16>(at, M.MANIFEST_VALUE_KEY_OFF),
    load<u16>(at, M.MANIFEST_VALUE_BITS_OFF),
    load<u16>(at, M.MANIFEST_VALUE_MEANING_OFF),
  );
  if (err < 0) return err;
  l.value += 1;
  l.step = <u8>PlanStep.SAVING;
  return Err.OK;
}
function awaitValue(l: Plan): i32 {
  const err = saverOutcome();
  if (err >= 0) l.step = <u8>PlanStep.VALUES;
  return err;
}

/** Words in the order in which they are noted: the content before plant and version. */
function wordOrder(n: u32): u32 {
  return (n + PlantWord.CONTENT_LOW) & 3;
}
if (PLANT_WORDS != 4) ERROR("card: words of the plant");

/** Notes what was applied, word by word; then the manifest is taken. */
function note(l: Plan): i32 {
  const err = manifestRecord(l, l.node);
  if (err < 0) return err;
  if (l.value == <u8>PLANT_WORDS) {
    l.step = <u8>PlanStep.CHOOSE;
    return Err.OK;
  }
  const n = wordOrder(l.value);
  l.value += 1;
  if (noted(n) == toNote(l, n)) return Err.OK;
  wordWrite(wordGroup(WordGroup.PLANT) + n, toNote(l, n));
  l.step = <u8>PlanStep.NOTING;
  return Err.OK;
}
function awaitNote(l: Plan): i32 {
  const err = wordsPoll();
  if (err >= 0) l.step = <u8>PlanStep.NOTE;
  return err;
}

// ---- The app that is next ----

/** Where names are laid. */
const NAME: usize = IO_BASE + 64;

/** True when a name of `length` bytes at NAME is the one that the app of the record at hand has in its image. */
function isItsName(length: usize): bool {
  let crc = CRC_START;
  for (let i: usize = 0; i < length; i++) crc = crcByte(crc, load<u8>(NAME + i));
  return crcEnd(crc) == recordLong(M.MANIFEST_APP_HASH_OFF);
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

/** Looks at one app after the other; then the first of the lowest start group is next. */
function choose(l: Plan, p: Provision): i32 {
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
  if (l.next == l.count) finish(l, p, Err.OK);
  else if (isHeld(l)) return hold(l);
  else turn(l);
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

/** Waits as long as the record says, then decides where the image comes from. */
function decide(l: Plan, p: Provision): i32 {
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
function startStored(p: Provision): void {
  const record = recordAt(p.app);
  settle(p);
  cardEnd();
  p.slot = <u8>activeOf(record);
  p.step = <u8>Step.FETCH;
  if (stateOf(record) == AppState.TRIAL) commitRecord(p, countedDown(record), Step.FETCH);
}

// ---- Its image ----

/** Opens the file of the app, and begins to load it. */
function open(l: Plan): i32 {
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
function feed(l: Plan): i32 {
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

function awaitStart(l: Plan, p: Provision): i32 {
  const result = sessionResult();
  if (result == Err.BUSY) return Err.BUSY;
  planStamp(l);
  if (result < 0) return result;
  l.step = <u8>PlanStep.CHOOSE;
  settle(p);
  return Err.OK;
}

/** The image of an app was refused: what is stored of it runs, and the next one's turn comes. */
function skip(l: Plan, p: Provision, err: i32): void {
  tell(l, err);
  cardEnd();
  l.step = <u8>PlanStep.CHOOSE;
  if (<u32>p.app < APP_MAX) startStored(p);
}

// ---- Step by step ----

function step(l: Plan, p: Provision): i32 {
  switch (<u32>l.step) {
    case PlanStep.CHECK:
      return check(l, p);
    case PlanStep.NODE:
      return readNode(l);
    case PlanStep.CONFIG:
      return setConfig(l, p);
    case PlanStep.VALUES:
      return setValue(l);
    case PlanStep.SAVING:
      return awaitValue(l);
    case PlanStep.NOTE:
      return note(l);
    case PlanStep.NOTING:
      return awaitNote(l);
    case PlanStep.CHOOSE:
      return choose(l, p);
    case PlanStep.DELAY:
      return decide(l, p);
    case PlanStep.OPEN:
      return open(l);
    case PlanStep.FEED:
      return feed(l);
    default:
      return awaitStart(l, p);
  }
}

/** A step was refused by the card, the node or the store: what is left to do is done. */
function refused(l: Plan, p: Provision, err: i32): void {
  const before: u32 = l.step;
  if (before >= <u32>PlanStep.OPEN && err != Err.ABSENT) return skip(l, p, err);
  if (before < <u32>PlanStep.CONFIG || before > <u32>PlanStep.NOTING) return finish(l, p, err);
  tell(l, err); // not all is set: the next start tries again
  l.step = <u8>PlanStep.CHOOSE;
}

/** The manifest is taken: who waits for it goes on. */
function taken(l: Plan, p: Provision): void {
  l.flags |= <u8>PlanFlag.TAKEN;
  l.app = 0;
  emit(EventType.CARD, 0, 0, (<u32>l.plant) | ((<u32>l.version) << 16));
  goOn(l, p);
}

/** Makes a step of what the card says. */
export function planPoll(p: Provision): void {
  const l = planAt();
  const isChoosing = l.step >= <u8>PlanStep.CHOOSE && l.step <= <u8>PlanStep.OPEN;
  if (isChoosing && !makeWay(l)) return;
  const err = step(l, p);
  if (err < 0 && err != Err.BUSY) refused(l, p, err);
  if (l.step == <u8>PlanStep.CHOOSE && (l.flags & PlanFlag.TAKEN) == 0) taken(l, p);
}

/** While another loads, the card's memory is not held; then the manifest is opened again. False: nothing can be done now. */
function makeWay(l: Plan): bool {
  if (loadAt().phase != Phase.IDLE) {
    cardEnd();
    if (l.step == <u8>PlanStep.OPEN) l.done = <u16>((<u32>l.done) & ~(1 << (<u32>l.next)));
    l.step = <u8>PlanStep.CHOOSE;
    return false;
  }
  if (cardIsOpen() || (l.flags & PlanFlag.TAKEN) == 0) return true;
  manifestBegin(l);
  return false;
}

/** True while an app is waited for that is not well. */
export function planHolds(): bool {
  return planIsOn() && (planAt().flags & PlanFlag.HOLDING) != 0;
}
/** What waits for an app that is not well goes on. */
export function planGo(): void {
  planAt().flags |= <u8>PlanFlag.GO;
}
/** Ms the node may rest as far as the card goes. */
export function planRest(): u32 {
  return planHolds() && planAt().app == 0 ? LOOK_MS : 0;
}
