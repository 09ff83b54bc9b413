// LOAD: one image for any number of nodes at once. Frames are written in any order to where the image lies; what is missing is
// told by frames that overlay; the session checks, registers and starts it. docs/protocol.md, "Load".

import { arenaAllocate, arenaRelease } from "../../arena";
import { isAlive, taskAt } from "../../executive/task";
import { can_open } from "../../hal";
import { checkSummed } from "../../image/check";
import { slotBytes, slotCrc, slotSum, slotXor } from "../../image/slot";
import { CRC_START, crcEnd } from "../../crc";
import { storedHasWindow, storedNote } from "../../image/stored";
import { RECEPTION_BASE, RECEPTION_SIZE, REFUSAL_BASE, TASK_MAX } from "../../layout";
import { nodeAt } from "../../node";
import { refuse, refuseMemory } from "../../refusal";
import { NodeWord } from "../../spec/boot";
import { Err } from "../../spec/errors";
import * as F from "../../spec/frame";
import { NEVER, REFUSAL_OFFSET_OFF } from "../../spec/node";
import {
  activateHeld,
  activateSlot,
  pidOfSlot,
  prepareSlot,
  slotWith,
  stageImage,
  stagingSlot,
} from "../activate";
import { provisionResult } from "../boot";
import { Arrival, declarerAt, loadAt, NAMESAKE, Phase } from "../load";
import { configWord } from "../node-config";
import {
  sessionAbort,
  sessionAgain,
  sessionCommit,
  sessionExpect,
  sessionGrow,
  sessionIsClearing,
  sessionPut,
} from "../session";
import { mayChange } from "./level";
import { frameClear, maySpeak, say, sayLater, send } from "./line";
import { paceAsk } from "./pace";
import {
  bitmapBytes,
  bitmapField,
  bitOf,
  framesIn,
  framesOf,
  hasFrame,
  hasWindow,
  layMissing,
  onlyMissing,
  NACKS,
  NACKS_SIZE,
  NO_WINDOW,
  Part,
  Reception,
  receptionAt,
  runAt,
  setFrame,
  setWindow,
  Stage,
  WINDOW_SHIFT,
  windowCount,
} from "./reception";
import { sumAhead } from "./sum-ahead";
import {
  FRAME,
  Line,
  lineOf,
  masterOf,
  protocolAt,
  RECEIVED,
  RECEIVED_DATA,
  RECEIVED_LENGTH_OFF,
} from "./state";

/** What a DATA frame costs of the frames of a poll: one as it comes, one behind which was summed already, and with parity one that mends nothing, or something: that ends the poll. */
const COST_DATA: i32 = 1;
const COST_LATE: i32 = 5;
const COST_PARITY: i32 = 2;
const COST_REPAIR: i32 = 12;
/** Ms a slot may take to be cleared before it is told. */
const CLEARING_MS: u32 = 3;
/** Ms between two reports of progress, and how long an outcome is kept. */
const PROGRESS_MS: u32 = 100;
const KEPT_MS: u32 = 10000;
/** Windows the prefix grows by in one poll, and bytes of a CHECK that are summed. */
const WINDOWS_A_POLL: u32 = 8;
const CHECK_BYTES: u32 = 128;
/** NACKs in one poll: those that wait longer may be heard from others. */
const NACKS_A_POLL: u32 = 2;
/** Ms after a frame of the load in which apps have less of a poll. */
const STREAMING_MS: u32 = 10;
/** Windows a file may have. */
const WINDOWS_MAX: u32 = (NO_WINDOW + 1) / F.WINDOW_FRAMES;
/** What four bytes of DATA are XORed with. */
const WHITENING: u32 = F.DATA_WHITENING * 0x01010101;
/** Beside the phase that was told last: the image was found damaged. */
const SAID_DAMAGED: u32 = 0x80;

function now(): u32 {
  return nodeAt().lastMs;
}
function kindOf(r: Reception): u32 {
  return r.mode & F.BEGIN_KIND_MASK;
}
function isBusy(r: Reception): bool {
  return r.stage >= <u8>Stage.LOADING && r.stage < <u8>Stage.ENDED;
}

/** Nothing is known of any load. */
function forget(): void {
  memory.fill(RECEPTION_BASE, 0, RECEPTION_SIZE);
}

/** True while a load by broadcast tells its events itself. */
export function isReceiving(): bool {
  return isBusy(receptionAt());
}

// ---- STATUS ----

/** LoadPhase of what goes on. */
function phaseOf(r: Reception): u32 {
  if (r.stage == Stage.STAGED || r.stage == Stage.ACTIVATING) {
    if ((r.mode & F.BeginMode.HOLD) == 0) return F.LoadPhase.STARTING;
    return loadAt().phase == Phase.PREPARED ? F.LoadPhase.PREPARED : F.LoadPhase.CHECKING;
  }
  if (r.stage != Stage.LOADING) return F.LoadPhase.IDLE;
  if (sessionIsClearing()) return F.LoadPhase.CLEARING;
  switch (<u32>loadAt().phase) {
    case Phase.RECEIVING:
      return r.missing != 0 ? F.LoadPhase.RECEIVING : F.LoadPhase.CHECKING;
    case Phase.SUMMING:
    case Phase.DAMAGED:
      return F.LoadPhase.CHECKING;
    case Phase.PREPARED:
      return F.LoadPhase.PREPARED;
    case Phase.SEALING:
      return F.LoadPhase.STORING;
    default:
      return F.LoadPhase.STARTING;
  }
}

/** Bytes that came; of an error, the place in the file. */
function progressOf(r: Reception): u32 {
  if (r.event == F.LoadEvent.ERROR) return r.place;
  if (r.stage != Stage.LOADING) return r.event == F.LoadEvent.COMPLETE ? r.place : 0;
  const bytes = (<u32>r.frames - r.missing) * F.DATA_BYTES;
  return bytes < r.total ? bytes : r.total;
}

/** Makes a STATUS frame for a master. */
export function layStatus(master: u32, session: u32, event: u32, phase: u32, code: u32): void {
  frameClear();
  store<u8>(FRAME, <u8>((F.Say.STATUS << F.SAY_SHIFT) | (master << F.SAY_MASTER_SHIFT)));
  store<u8>(FRAME, <u8>session, F.STATUS_SESSION_OFF);
  store<u8>(FRAME, <u8>(event | (phase << F.STATUS_PHASE_SHIFT)), F.STATUS_EVENT_OFF);
  store<u8>(FRAME, <u8>code, F.STATUS_CODE_OFF);
}
/** Completes a STATUS frame: pid or stored slot, and 24 bits of bytes, or a place in the file. */
export function layProgress(task: u32, bytes: u32): void {
  store<u8>(FRAME, <u8>task, F.STATUS_TASK_OFF);
  store<u16>(FRAME, <u16>bytes, F.STATUS_BYTES_OFF);
  store<u8>(FRAME, <u8>(bytes >>> 16), F.STATUS_BYTES_OFF + 2);
}
function layOwnStatus(r: Reception): void {
  const phase = phaseOf(r);
  const isDamaged = r.stage == Stage.LOADING && loadAt().phase == Phase.DAMAGED;
  const code: u32 = isDamaged ? -Err.HXE_CRC : r.code;
  layStatus(masterOf(r.head), r.session, r.event, phase, code);
  layProgress(r.task, progressOf(r));
}

/** Sends the STATUS that is due. False: it waits. */
export function sendStatus(): bool {
  const r = receptionAt();
  if (r.due == 0) return true;
  layOwnStatus(r);
  if (say(lineOf(r.head)) == Err.BUSY) return false;
  r.due = 0;
  return true;
}

/** Tells another master that a load goes on. */
function refuseOther(session: u32, head: u32): void {
  layStatus(masterOf(head), session, F.LoadEvent.ERROR, F.LoadPhase.IDLE, -Err.BUSY);
  sayLater(head);
}

// ---- End ----

/** The load has come to its end; the outcome is kept for those who ask. */
function finish(r: Reception, event: F.LoadEvent, code: i32, task: u32, place: u32): void {
  arenaRelease(bitmapField());
  memory.fill(NACKS, 0, NACKS_SIZE);
  r.stage = <u8>Stage.ENDED;
  r.event = <u8>event;
  r.code = <u8>-code;
  r.task = <u8>task;
  r.place = place;
  r.window = <u16>NO_WINDOW;
  r.since = now();
  r.due = 1;
}
function refused(r: Reception, err: i32): void {
  finish(r, F.LoadEvent.ERROR, err, 0, load<u32>(REFUSAL_BASE + REFUSAL_OFFSET_OFF));
}

/** Takes back what a load has taken so far, if it still can be. */
function abort(r: Reception, err: i32): void {
  if (r.stage == Stage.ACTIVATING && (r.mode & F.BeginMode.HOLD) == 0) return;
  if (r.stage != Stage.STAGED && sessionAbort() < 0) return;
  finish(r, F.LoadEvent.ABORTED, err, 0, 0);
}

// ---- The offer ----

/** Pid of a task that runs this very image as this very instance; 0: none does. */
function runningPid(r: Reception): u32 {
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.pid == 0 || !isAlive(t)) continue;
    const isSame = slotBytes(t.slot) == r.total && slotCrc(t.slot) == r.crc;
    if (isSame && t.groupBase == r.group && t.keyBase == r.key) return t.pid;
  }
  return 0;
}

/** True when nothing must be sent: the image runs, or lies in a slot, from which it may have to be started. */
function hasAlready(r: Reception): bool {
  const kind = kindOf(r);
  if (kind == F.BeginMode.RUN) {
    const pid = runningPid(r);
    if (pid != 0) finish(r, F.LoadEvent.COMPLETE, Err.OK, pid, 0);
    return pid != 0;
  }
  const stored = slotWith(r.total, r.crc);
  if (stored < 0) return false;
  r.slot = <u8>stored;
  const pid = pidOfSlot(stored);
  if (kind == F.BeginMode.STAGE) finish(r, F.LoadEvent.COMPLETE, Err.OK, F.TASK_STORED | stored, 0);
  else if (pid != 0) finish(r, F.LoadEvent.COMPLETE, Err.OK, pid, 0);
  else staged(r);
  return true;
}

/** Begins to take the image where it is to lie. */
function expect(r: Reception): i32 {
  if (kindOf(r) == F.BeginMode.RUN) {
    const replaced = (r.mode & F.BeginMode.REPLACE) != 0 ? NAMESAKE : 0;
    const err = sessionExpect(r.total, r.crc, replaced);
    if (err < 0) return err;
    if ((r.mode & F.BeginMode.HOLD) != 0) loadAt().arrival |= <u8>Arrival.HOLD;
    if (lineOf(r.head) == Line.SERIAL) loadAt().arrival |= <u8>Arrival.SERIAL;
    declarerAt().groupBase = r.group;
    declarerAt().keyBase = r.key;
    loadAt().restarts = <u8>((<u32>r.counts) >>> F.BEGIN_RESTARTS_SHIFT);
    return Err.OK;
  }
  const stored = r.slot == <u8>F.SLOT_ANY ? stagingSlot(r.total, r.crc) : r.slot;
  if (stored < 0) return stored;
  r.slot = <u8>stored;
  const err = stageImage(stored, r.total, r.crc, 0);
  if (err >= 0) loadAt().arrival |= <u8>Arrival.BUS;
  return err;
}

/** Ms from one DATA frame of a stream to another. */
function streamMs(line: u32): u32 {
  const kbits = line == Line.CAN ? can_open(configWord(NodeWord.BIT_RATE)) : 0;
  return kbits == 0 ? F.STREAM_LEAST_MS : F.STREAM_BITS / kbits;
}

/** Everything that was offered is known. */
function begin(r: Reception): void {
  const may = mayChange(r.head, 0);
  if (may < 0) return refused(r, may);
  if (hasAlready(r)) return;
  if (framesIn(r.total) >= NO_WINDOW)
    return refused(r, refuse(Err.TOO_LARGE, 0, r.total, NO_WINDOW * F.DATA_BYTES));
  const err = expect(r);
  if (err < 0) return refused(r, err);
  r.stage = <u8>Stage.LOADING;
  r.frames = <u16>framesIn(r.total);
  r.missing = r.frames;
  r.began = now();
  r.streamMs = <u16>streamMs(lineOf(r.head));
  if (arenaAllocate(bitmapBytes(r), bitmapField())) return;
  const full = refuseMemory(bitmapBytes(r));
  sessionAbort();
  refused(r, full);
}

/** What a stored slot notes of an earlier try counts, before it is written. */
function resume(r: Reception): void {
  const count = windowCount(r);
  for (let w: u32 = 0; w < count; w++) {
    if (storedHasWindow(r.slot, w)) setWindow(r, w, true);
  }
}

/** A frame of an offer came. */
function offer(r: Reception, part: Part, bases: u32): void {
  r.parts |= <u8>part;
  const needed: u32 = Part.SIZE | Part.CRC | bases;
  if (((<u32>r.parts) & needed) == needed) begin(r);
}
function onOffer(verb: u32, request: usize): void {
  const r = receptionAt();
  const isStored = (load<u8>(request, F.BEGIN_MODE_OFF) & (<u8>F.BEGIN_KIND_MASK)) != 0;
  if (verb == F.Verb.BEGIN) paceAsk(lineOf(r.head), isStored ? 1 : 0);
  if (r.stage != Stage.CHOSEN) return;
  if (verb == F.Verb.BEGIN) {
    r.mode = load<u8>(request, F.BEGIN_MODE_OFF);
    r.total = load<u32>(request, F.BEGIN_TOTAL_OFF) & 0xffffff;
    r.counts = load<u8>(request, F.BEGIN_COUNTS_OFF);
  } else if (verb == F.Verb.BEGIN_CRC) {
    r.slot = load<u8>(request, F.BEGIN_SLOT_OFF);
    r.crc = load<u32>(request, F.BEGIN_CRC_OFF);
  } else {
    r.group = load<u8>(request, F.BEGIN_GROUP_OFF);
    r.key = load<u16>(request, F.BEGIN_KEY_OFF);
  }
  const part = verb == F.Verb.BEGIN ? Part.SIZE : verb == F.Verb.BEGIN_CRC ? Part.CRC : Part.BASES;
  offer(r, part, (r.mode & F.BeginMode.BASES) != 0 ? Part.BASES : 0);
}

/** True when a SELECT means this node. */
function isChosen(request: usize): bool {
  const kind: u32 = load<u8>(request, F.SELECT_KIND_OFF);
  const bits = load<u32>(request, F.SELECT_BITS_OFF);
  const id: u32 = protocolAt().id;
  if (kind == F.Select.ALL) return true;
  if (kind == F.Select.ROLE) return (bits & 0xff) == configWord(NodeWord.ID) >>> 8;
  return kind - F.Select.BLOCK == id >>> 5 && ((bits >>> (id & 31)) & 1) != 0;
}

/** SELECT: an old outcome makes way for a new session. */
function onSelect(request: usize, head: u32): void {
  const r = receptionAt();
  const session: u32 = load<u8>(request, F.SESSION_OFF);
  const isSame = r.session == <u8>session && sameMaster(r, head) && r.stage != Stage.IDLE;
  if (isSame || !isChosen(request)) {
    const isLeft = isSame && r.stage == Stage.CHOSEN && isOfBlock(request) && !isChosen(request);
    if (isLeft) forget();
    return;
  }
  r.other = <u8>session;
  if (isBusy(r)) return;
  forget();
  r.session = <u8>session;
  r.other = <u8>session;
  r.head = <u8>head;
  r.stage = <u8>Stage.CHOSEN;
  r.window = <u16>NO_WINDOW;
  r.checked = <u16>NO_WINDOW;
  r.polled = <u16>NO_WINDOW;
  r.since = now();
}
/** True when a SELECT speaks of this node at all. */
function isOfBlock(request: usize): bool {
  const kind: u32 = load<u8>(request, F.SELECT_KIND_OFF);
  return kind == F.Select.ROLE || kind - F.Select.BLOCK == (<u32>protocolAt().id) >>> 5;
}
function sameMaster(r: Reception, head: u32): bool {
  return masterOf(r.head) == masterOf(head) && lineOf(r.head) == lineOf(head);
}

// ---- DATA ----

/** Takes the bytes of a frame of the file that has not come, as they lie where frames are received. */
function put(frame: u32): void {
  const r = receptionAt(); // known to the translator, unlike an argument: this is where time counts
  const at = frame * F.DATA_BYTES;
  const rest = r.total - at;
  if (sessionPut(at, RECEIVED_DATA, rest < F.DATA_BYTES ? rest : F.DATA_BYTES) < 0) return;
  setFrame(frame);
  if (frame >>> WINDOW_SHIFT == <u32>r.polled) dropNack(frame & (F.WINDOW_FRAMES - 1));
}

/** Takes the whitening off the eight bytes that were received. */
function unwhiten(): void {
  store<u32>(RECEIVED_DATA, load<u32>(RECEIVED_DATA) ^ WHITENING);
  store<u32>(RECEIVED_DATA, load<u32>(RECEIVED_DATA, 4) ^ WHITENING, 4);
}

/** Makes the one frame that a group lacks from its XOR, which was received, and the others. */
function repair(r: Reception, group: u32, step: u32): void {
  if (group >= step || hasWindow(r, r.window)) return;
  const bits: u32 = (step == F.WINDOW_FRAMES / 16 ? 0x01010101 : 0x11111111) << group; // those of the group in a word of the bitmap
  const lacks = onlyMissing(r, r.window, bits);
  if (lacks == NO_WINDOW) return;
  const slot = loadAt().slot;
  const first = <u32>r.window * F.WINDOW_FRAMES;
  const frame = first + lacks;
  if (slotXor(slot, first + group, first + framesOf(r, r.window), step, RECEIVED_DATA) < 0) return;
  if (slotXor(slot, frame, frame + 1, 1, RECEIVED_DATA) < 0) return; // what lay there had no part in it
  put(frame);
}

/** The first frame of the window a DATA frame of this parity belongs to; NO_WINDOW: it fits nowhere. */
function firstFor(r: Reception, parity: u32): u32 {
  let window: u32 = r.window;
  const isStream = (r.windowFlags & F.WindowFlag.STREAM) != 0;
  if (isStream && ((now() - r.dataSince) & 0xffff) >= <u32>r.streamMs) return NO_WINDOW;
  if ((window & 1) != parity) {
    if (!isStream) return NO_WINDOW;
    window++;
  }
  if (window >= WINDOWS_MAX) return NO_WINDOW;
  r.window = <u16>window;
  const first = window * F.WINDOW_FRAMES;
  return first < <u32>r.frames ? first : NO_WINDOW;
}

/** Takes the DATA frame that was received, if it is one. `offset`: behind DATA_ID. Returns what that cost. */
export function takeData(offset: u32): i32 {
  const r = receptionAt();
  if (load<u8>(RECEIVED, RECEIVED_LENGTH_OFF) != F.DATA_BYTES) return COST_DATA;
  if (r.stage != Stage.LOADING || r.window == <u16>NO_WINDOW) return COST_DATA;
  const first = firstFor(r, (offset >>> 7) & 1);
  const flags: u32 = r.windowFlags;
  if (first == NO_WINDOW) {
    // in a stream a frame that fits nowhere means that the place is not known any more
    if ((flags & F.WindowFlag.STREAM) != 0) r.window = <u16>NO_WINDOW;
    return COST_DATA;
  }
  r.dataSince = <u16>now();
  r.since = now();
  const n = offset & (F.WINDOW_FRAMES - 1);
  const isParity = (flags & (F.WindowFlag.PARITY_16 | F.WindowFlag.PARITY_32)) != 0;
  const frame = first + n;
  if (!isParity && (frame >= <u32>r.frames || hasFrame(frame))) return COST_DATA;
  const missing = r.missing;
  unwhiten();
  if (!isParity) put(frame);
  else
    repair(
      r,
      n,
      (flags & F.WindowFlag.PARITY_16) != 0 ? F.WINDOW_FRAMES / 16 : F.WINDOW_FRAMES / 32,
    );
  if (isParity) return r.missing == missing ? COST_PARITY : COST_REPAIR;
  return frame * F.DATA_BYTES < checkSummed() ? COST_LATE : COST_DATA;
}

// ---- What is missing ----

/** Another node said so, or this one has: nobody need say it again. */
export function dropNack(n: u32): void {
  store<u8>(NACKS + (n >>> 3), load<u8>(NACKS + (n >>> 3)) & ~bitOf(n));
}

function onPoll(r: Reception, request: usize): void {
  const first: u32 = load<u16>(request, F.POLL_WINDOW_OFF);
  r.window = <u16>NO_WINDOW;
  r.polled = <u16>NO_WINDOW;
  memory.fill(NACKS, 0, NACKS_SIZE);
  if (r.missing == 0 || first >= windowCount(r)) return;
  if (load<u8>(request, F.POLL_KIND_OFF) == <u8>F.Poll.FRAMES) {
    r.polled = <u16>first;
    return layMissing(r, first, NACKS);
  }
  const left = windowCount(r) - first;
  const count = left < F.WINDOW_FRAMES ? left : F.WINDOW_FRAMES;
  for (let n: u32 = 0; n < count; n++) {
    const at = NACKS + (n >>> 3);
    if (!hasWindow(r, first + n)) store<u8>(at, load<u8>(at) | bitOf(n));
  }
}

/** Sends NACKs that are due. False: some wait. */
export function sendNacks(): bool {
  const r = receptionAt();
  if (r.stage != Stage.LOADING || !maySpeak(lineOf(r.head))) return true;
  let sent: u32 = 0;
  for (let at: u32 = 0; at < <u32>NACKS_SIZE; at++) {
    for (let n = at << 3; load<u8>(NACKS + at) != 0; n++) {
      if ((load<u8>(NACKS + at) & bitOf(n)) == 0) continue;
      if (sent == NACKS_A_POLL || send(lineOf(r.head), F.NACK_ID + n, FRAME, 0) == Err.BUSY)
        return false;
      dropNack(n);
      sent++;
    }
  }
  return true;
}

/** CHECK: the sum over a window tells whether its bytes came to the right place. */
function onCheck(r: Reception, request: usize): void {
  const window: u32 = load<u16>(request, F.CHECK_WINDOW_OFF);
  if (loadAt().phase != Phase.DAMAGED && loadAt().phase != Phase.RECEIVING) return;
  if (window >= windowCount(r) || !hasWindow(r, window)) return;
  r.checked = <u16>window;
  r.checkAt = 0;
  r.checkSum = CRC_START;
  r.checkWanted = load<u32>(request, F.CHECK_SUM_OFF - 1) >>> 8;
}

/** Sums the window under CHECK on; a wrong one must come again. */
function checkOn(r: Reception): void {
  if (r.checked == <u16>NO_WINDOW) return;
  const window: u32 = r.checked;
  const first = window * F.WINDOW_BYTES;
  const rest = r.total - first;
  const bytes = rest < F.WINDOW_BYTES ? rest : F.WINDOW_BYTES;
  const at: u32 = r.checkAt;
  const end = bytes - at < CHECK_BYTES ? bytes : at + CHECK_BYTES;
  r.checkSum = slotSum(loadAt().slot, r.checkSum, first + at, first + end);
  r.checkAt = <u16>end;
  if (end < bytes) return;
  r.checked = <u16>NO_WINDOW;
  if ((crcEnd(r.checkSum) & 0xffffff) == r.checkWanted) return;
  setWindow(r, window, false);
  storedNoteAgain(r, window);
  r.prefix = 0;
  sessionAgain();
}
/** A window that was noted as whole is not. */
function storedNoteAgain(r: Reception, window: u32): void {
  if (kindOf(r) == F.BeginMode.RUN) return;
  storedNote(r.slot, window, false);
  r.noted = 0;
}

// ---- END ----

/** The image lies whole in its slot. */
function staged(r: Reception): void {
  r.stage = <u8>Stage.STAGED;
  r.since = now();
  activate(r);
}
/** Begins to start the image in the slot, or all of it but the change-over. What stands in the way for a moment is tried again. */
function activate(r: Reception): void {
  const attempts: u32 = r.counts & 7;
  const after = ((<u32>r.counts) >>> F.BEGIN_AFTER_SHIFT) & 3;
  const holds = (r.mode & F.BeginMode.HOLD) != 0;
  const err = holds ? prepareSlot(r.slot, attempts, after) : activateSlot(r.slot, attempts, after);
  if (err == Err.BUSY) return;
  if (err < 0) return refused(r, err);
  r.stage = <u8>Stage.ACTIVATING;
}

function commit(r: Reception): void {
  if (r.stage != Stage.ACTIVATING) sessionCommit();
  else if (activateHeld() >= 0) r.mode &= ~(<u8>F.BeginMode.HOLD);
}

function onEnd(r: Reception, request: usize): void {
  const what: u32 = load<u8>(request, F.END_WHAT_OFF);
  if (what == F.End.COMMIT) commit(r);
  else if (what == F.End.ABORT) {
    if (isBusy(r)) abort(r, Err.OK);
    else if (r.stage == Stage.CHOSEN) forget();
  } else r.due = 1;
}

// ---- Dispatch ----

/** Takes a request about a load. Whom it means was looked at before. */
export function takeLoad(verb: u32, request: usize, head: u32): void {
  const r = receptionAt();
  if (verb == F.Verb.SELECT) return onSelect(request, head);
  const session: u32 = load<u8>(request, F.SESSION_OFF);
  if (r.session != <u8>session || !sameMaster(r, head) || r.stage == Stage.IDLE) {
    const isOffer = verb == F.Verb.BEGIN_CRC && isBusy(r) && r.other == <u8>session;
    if (isOffer) return refuseOther(session, head);
    if (verb != F.Verb.END || load<u8>(request) == <u8>F.TARGET_ALL) return;
    layStatus(masterOf(head), session, F.LoadEvent.NONE, F.LoadPhase.IDLE, -Err.STATE);
    return sayLater(head);
  }
  r.since = now();
  if (verb <= <u32>F.Verb.BEGIN_BASES) return onOffer(verb, request);
  if (verb == F.Verb.END) return onEnd(r, request);
  if (r.stage != Stage.LOADING) return;
  if (verb == F.Verb.POLL) return onPoll(r, request);
  if (verb == F.Verb.CHECK) return onCheck(r, request);
  r.window = load<u16>(request, F.WINDOW_NUMBER_OFF);
  r.windowFlags = load<u8>(request, F.WINDOW_FLAGS_OFF);
  r.dataSince = <u16>now();
}

// ---- Poll by poll ----

/** Takes what is there of the window that the prefix has reached. True: all of it. */
function growInWindow(r: Reception): bool {
  const window = <u32>r.prefix / F.WINDOW_FRAMES;
  if (r.prefix == r.frames) return false;
  if (hasWindow(r, window)) {
    r.prefix = <u16>(window * F.WINDOW_FRAMES + framesOf(r, window));
    return true;
  }
  for (let run = runAt(r.prefix); run != 0; run = runAt(r.prefix)) r.prefix += <u16>run;
  return false;
}
/** The first bytes that are there without a gap are the session's to check. */
function grow(r: Reception): void {
  for (let n: u32 = 0; n < WINDOWS_A_POLL && growInWindow(r); n++);
  const bytes = <u32>r.prefix * F.DATA_BYTES;
  sessionGrow(bytes < r.total ? bytes : r.total);
}

/** Notes in the slot which windows are whole, one a poll. */
function note(r: Reception): void {
  if (kindOf(r) == F.BeginMode.RUN || <u32>r.noted >= windowCount(r)) return;
  if (!hasWindow(r, r.noted)) {
    if (r.window != r.noted) r.noted += 1; // it will be looked at again when all have been
  } else if (storedHasWindow(r.slot, r.noted) || storedNote(r.slot, r.noted, true) >= 0)
    r.noted += 1;
  if (<u32>r.noted == windowCount(r) && r.missing != 0) r.noted = 0;
}

/** True when a load waits for its master. */
function waits(r: Reception): bool {
  if (r.stage != Stage.LOADING) return (r.mode & F.BeginMode.HOLD) != 0;
  const phase: u32 = loadAt().phase;
  const isOpen = phase == Phase.RECEIVING || phase == Phase.SUMMING;
  return phase == Phase.PREPARED || phase == Phase.DAMAGED || (isOpen && r.missing != 0);
}

/** What came of the session: the pid, the slot, or a refusal. */
function conclude(r: Reception): void {
  const result = nodeAt().loadResult;
  if (result < 0) return refused(r, result);
  if (kindOf(r) == F.BeginMode.RUN) return finish(r, F.LoadEvent.COMPLETE, Err.OK, result, r.total);
  arenaRelease(bitmapField());
  if (kindOf(r) == F.BeginMode.ACTIVATE) return staged(r);
  finish(r, F.LoadEvent.COMPLETE, Err.OK, F.TASK_STORED | result, r.total);
}

function loadOn(r: Reception): void {
  const l = loadAt();
  if (l.phase == Phase.IDLE || (l.arrival & Arrival.BUS) == 0) return conclude(r);
  if (kindOf(r) != F.BeginMode.RUN && !sessionIsClearing()) {
    if (r.parts != 0) {
      r.parts = 0;
      resume(r);
    }
    note(r);
  }
  grow(r);
  checkOn(r);
  if (nodeAt().hasWorked == 0) sumAhead(r);
}

/** Tells phases that a master must hear of, and progress if it asked for it. */
function report(r: Reception): void {
  const phase = phaseOf(r);
  const isQuick = phase == F.LoadPhase.CLEARING && now() - r.began < CLEARING_MS;
  const isDamaged = loadAt().phase == Phase.DAMAGED;
  const mark = phase | (isDamaged ? SAID_DAMAGED : 0);
  if (isQuick || mark == <u32>r.said) {
    const isTime = ((now() - r.told) & 0xffff) >= PROGRESS_MS;
    if (!isTime || (r.mode & F.BeginMode.REPORT) == 0 || phase != F.LoadPhase.RECEIVING) return;
  } else {
    const wasClearing = r.said == <u8>F.LoadPhase.CLEARING;
    r.said = <u8>mark;
    const isNews = phase == F.LoadPhase.CLEARING || phase == F.LoadPhase.PREPARED || isDamaged;
    if (!isNews && !wasClearing && (r.mode & F.BeginMode.REPORT) == 0) return;
  }
  r.told = <u16>now();
  r.due = 1;
}

/** Makes a step of the load by broadcast that goes on. */
export function broadcastPoll(): void {
  const r = receptionAt();
  if (r.stage == Stage.IDLE) return;
  if (r.stage == Stage.ENDED || r.stage == Stage.CHOSEN) {
    if (now() - r.since >= KEPT_MS && r.due == 0) forget();
    return;
  }
  if (waits(r) && (now() - r.since >= F.LOAD_SILENCE_MS || now() - r.began >= F.LOAD_TOTAL_MS))
    return abort(r, Err.TIMEOUT);
  if (r.stage == Stage.LOADING) loadOn(r);
  else if (r.stage == Stage.STAGED) activate(r);
  else if (r.stage == Stage.ACTIVATING) {
    const result = provisionResult();
    if (result < 0 && result != Err.BUSY) return refused(r, result);
    if (result >= 0) return finish(r, F.LoadEvent.COMPLETE, Err.OK, result, r.total);
  }
  if (isBusy(r)) report(r);
}

/** True while a NACK waits, of which each poll sends a few, or a window is being summed. */
function hasWork(r: Reception): bool {
  if ((r.due | r.pace) != 0) return true;
  if (r.stage != Stage.LOADING) return false;
  for (let at: usize = 0; at < NACKS_SIZE; at++) {
    if (load<u8>(NACKS + at) != 0) return true;
  }
  return r.checked != <u16>NO_WINDOW;
}

/** True while bytes stream in, or a commit is to come: neither waits. */
export function isStreaming(): bool {
  const r = receptionAt();
  if (loadAt().phase == Phase.PREPARED) return true;
  return r.stage == Stage.LOADING && now() - r.since < STREAMING_MS && r.missing != 0;
}

/** Ms the node may rest as far as a load by broadcast goes. */
export function broadcastRest(): u32 {
  const r = receptionAt();
  if (hasWork(r)) return 0;
  if (r.stage == Stage.IDLE) return NEVER;
  if (isBusy(r) && !waits(r)) return 0;
  const passed = now() - r.since;
  const most: u32 = isBusy(r) ? F.LOAD_SILENCE_MS : KEPT_MS;
  return passed < most ? most - passed : 0;
}
