// Requests: who is meant, what a verb does, and the answer. docs/protocol.md, "Requests".

import { callFetch } from "../../executive/call";
import {
  controlCall,
  controlGet,
  controlKill,
  controlPause,
  controlPersist,
  controlResume,
  controlSave,
  controlSet,
} from "../../executive/control";
import { node_reset } from "../../hal";
import { IO_BASE } from "../../layout";
import { nodeAt } from "../../node";
import { refuse } from "../../refusal";
import { CONFIG_WORDS, STORED_UNIT } from "../../spec/boot";
import { Err } from "../../spec/errors";
import * as F from "../../spec/frame";
import { Level } from "../../spec/svc";
import { activateSlot, confirmApp, formatSlots, revertApp, setBoot } from "../activate";
import { bootHold, provisionResult } from "../boot";
import { formatStore, resetStore } from "../forget";
import { layConfig, setConfig } from "../node-config";
import { sessionRestart } from "../session";
import { takeLoad } from "./broadcast";
import { assign, census, who } from "./identity";
import { infoBegin } from "./info";
import { levelOf, mayChange, setLevel } from "./level";
import { frameClear, sayLater } from "./line";
import { publish } from "./publish";
import {
  FRAME,
  headBits,
  headOf,
  LAST,
  LAST_ANSWER,
  Last,
  Line,
  lineOf,
  protocolAt,
  ProtocolFlag,
  STAGED_CONFIG,
} from "./state";

/** In the place of a status: no answer now. */
const SILENT: i32 = 1;
const RESULT: usize = FRAME + F.ANSWER_RESULT_OFF;

// ---- Answers ----

/** Completes the ANSWER whose result is laid in the frame. `status`: 0 to 255. */
function answer(head: u32, status: u32): void {
  store<u8>(FRAME, <u8>((F.Say.ANSWER << F.SAY_SHIFT) | headBits(head)));
  store<u8>(FRAME, <u8>status, F.ANSWER_STATUS_OFF);
  const p = protocolAt();
  if (p.lastState == Last.PENDING && p.lastHead == <u8>head) {
    memory.copy(LAST_ANSWER, FRAME, F.REQUEST_BYTES);
    p.lastState = <u8>Last.ANSWERED;
  }
  sayLater(head);
}

// ---- Values and commands ----

function layValue(oid: u32): i32 {
  const value = controlGet(oid);
  if (value < 0) return value;
  store<u16>(RESULT, <u16>oid);
  store<u16>(RESULT, <u16>value, 2);
  return Err.OK;
}

function call(request: usize, oid: u32): i32 {
  const p = protocolAt();
  if (p.call != 0) return refuse(Err.BUSY, 0, oid, 0);
  const begun = controlCall(oid, load<u32>(request, F.CALL_ARGUMENT_OFF));
  if (begun < 0) return begun;
  p.call = <u8>(begun + 1);
  return SILENT;
}

/** Answers a CALL whose handler has returned. */
export function callPoll(): void {
  const p = protocolAt();
  if (p.call == 0) return;
  const status = callFetch(p.call - 1, IO_BASE);
  if (status == Err.BUSY) return;
  p.call = 0;
  if (p.lastState != Last.PENDING) return; // its master has gone on
  frameClear();
  store<u16>(RESULT, load<u16>(LAST, F.CALL_OID_OFF));
  if (status >= 0) store<u32>(RESULT, load<u32>(IO_BASE), 2);
  answer(p.lastHead, status < 0 ? -status : F.CALL_STATUS + status);
}

/** GET, SET, CALL and PERSIST, with the level of the node's session set to the master's. */
function useValue(verb: u32, request: usize): i32 {
  const oid: u32 = load<u16>(request, F.GET_OID_OFF);
  switch (verb) {
    case F.Verb.GET:
      return layValue(oid);
    case F.Verb.SET: {
      const err = controlSet(oid, load<u16>(request, F.SET_VALUE_OFF));
      return err < 0 ? err : layValue(oid);
    }
    case F.Verb.CALL:
      return call(request, oid);
    default: {
      const mode: u32 = load<u8>(request, F.PERSIST_MODE_OFF);
      return mode == F.PERSIST_SAVE ? controlSave(oid) : controlPersist(oid, mode);
    }
  }
}
function asMaster(verb: u32, request: usize, head: u32): i32 {
  const node = nodeAt();
  const own = node.level;
  node.level = <u8>levelOf(head);
  const status = useValue(verb, request);
  node.level = own;
  return status;
}

// ---- Management ----

function task(request: usize): i32 {
  const pid: u32 = load<u8>(request, F.TASK_PID_ARG_OFF);
  store<u8>(RESULT, <u8>pid);
  switch (<u32>load<u8>(request, F.TASK_WHAT_OFF)) {
    case F.TaskWhat.RESTART:
      return sessionRestart(pid);
    case F.TaskWhat.STOP:
      return controlPause(pid);
    case F.TaskWhat.START:
      return controlResume(pid);
    case F.TaskWhat.KILL:
      return controlKill(pid);
    default:
      return Err.INVALID;
  }
}

function provision(request: usize): i32 {
  const index: u32 = load<u8>(request, F.PROVISION_INDEX_OFF);
  const word: u32 = load<u16>(request, F.PROVISION_A_OFF);
  switch (<u32>load<u8>(request, F.PROVISION_WHAT_OFF)) {
    case F.ProvisionWhat.RESULT: {
      const result = provisionResult();
      if (result >= 0) store<u16>(RESULT, <u16>result);
      return result < 0 ? result : <i32>Err.OK;
    }
    case F.ProvisionWhat.ACTIVATE:
      return activateSlot(index, word & 7, word >>> F.BEGIN_AFTER_SHIFT);
    case F.ProvisionWhat.CONFIRM:
      return confirmApp(index);
    case F.ProvisionWhat.ROLLBACK:
      return revertApp(index);
    case F.ProvisionWhat.BOOT_WORD:
      return setBoot(index, word);
    case F.ProvisionWhat.FORMAT:
      return formatSlots(index, word * STORED_UNIT);
    default:
      return Err.INVALID;
  }
}

/** Lays a word over the configuration that is kept aside. */
function putWord(n: u32, word: u32): void {
  if (n < CONFIG_WORDS) store<u16>(STAGED_CONFIG + <usize>n * 2, <u16>word);
}
/** Takes a part of a change; the last has all of it written. STATE: those before it did not come, or are another master's. */
function configure(request: usize, head: u32): i32 {
  const p = protocolAt();
  const first: u32 = load<u8>(request, F.CONFIG_FIRST_OFF);
  const number = first & ((1 << F.CONFIG_PART_SHIFT) - 1);
  const part = (first & ~F.CONFIG_MORE) >>> F.CONFIG_PART_SHIFT;
  const second: u32 = load<u8>(request, F.CONFIG_SECOND_OFF);
  if (number >= CONFIG_WORDS || (second >= CONFIG_WORDS && second != F.CONFIG_NONE))
    return refuse(Err.INVALID, 0, number, CONFIG_WORDS);
  const whose = head & ~F.SEQUENCE_MASK;
  // a part that came already is one whose answer was lost
  const follows = <u32>p.configParts - part <= 1 && <u32>p.configHead == whose;
  if (part != 0 && !follows) return refuse(Err.STATE, 0, part, p.configParts);
  if (part == 0) memory.copy(STAGED_CONFIG, IO_BASE, layConfig(0));
  p.configHead = <u8>whose;
  p.configParts = <u8>(part + 1);
  putWord(number, load<u16>(request, F.CONFIG_FIRST_OFF + 1));
  putWord(second, load<u16>(request, F.CONFIG_SECOND_OFF + 1));
  if ((first & F.CONFIG_MORE) != 0) return Err.OK;
  memory.copy(IO_BASE, STAGED_CONFIG, 2 * <usize>CONFIG_WORDS);
  return setConfig();
}

function changeStore(request: usize): i32 {
  const a: u32 = load<u16>(request, F.STORE_A_OFF);
  const what: u32 = load<u8>(request, F.STORE_WHAT_OFF);
  if (what == F.StoreWhat.FORMAT) return formatStore(a, 0, load<u16>(request, F.STORE_B_OFF));
  return what == F.StoreWhat.RESET ? resetStore(a) : <i32>Err.INVALID;
}

function reset(request: usize): i32 {
  if (load<u32>(request, F.RESET_KEY_OFF) != F.RESET_KEY) return Err.INVALID;
  node_reset(load<u8>(request, F.RESET_WHAT_OFF) & 1);
  return SILENT;
}

// ---- Dispatch ----

/** The level without which a master may not ask for this at all, besides the configured one; below 0: anybody may. */
function leastLevel(verb: u32, request: usize): i32 {
  switch (verb) {
    case F.Verb.CONFIG:
    case F.Verb.STORE:
      return Level.ADMIN;
    case F.Verb.PROVISION:
      return load<u8>(request, F.PROVISION_WHAT_OFF) == <u8>F.ProvisionWhat.RESULT ? -1 : 0;
    case F.Verb.TASK:
    case F.Verb.BOOT:
    case F.Verb.RESET:
      return 0;
    default:
      return -1;
  }
}

/** Carries a request out; its result is laid in the frame. SILENT: nothing is answered now. */
function carryOut(verb: u32, request: usize, head: u32): i32 {
  const least = leastLevel(verb, request);
  if (least >= 0) {
    const may = mayChange(head, least);
    if (may < 0) return may;
  }
  switch (verb) {
    case F.Verb.CENSUS:
      census(request, head);
      return SILENT;
    case F.Verb.WHO:
      who(request, head);
      return SILENT;
    case F.Verb.ASSIGN:
      return assign(request, head);
    case F.Verb.SELECT:
    case F.Verb.BEGIN:
    case F.Verb.BEGIN_CRC:
    case F.Verb.BEGIN_BASES:
    case F.Verb.WINDOW:
    case F.Verb.POLL:
    case F.Verb.CHECK:
    case F.Verb.END:
      takeLoad(verb, request, head);
      return SILENT;
    case F.Verb.GET:
    case F.Verb.SET:
    case F.Verb.CALL:
    case F.Verb.PERSIST:
      return asMaster(verb, request, head);
    case F.Verb.PUBLISH:
      return publish(request);
    case F.Verb.INFO:
      return infoBegin(request, head);
    case F.Verb.TASK:
      return task(request);
    case F.Verb.PROVISION:
      return provision(request);
    case F.Verb.CONFIG:
      return configure(request, head);
    case F.Verb.STORE:
      return changeStore(request);
    case F.Verb.BOOT: {
      const what: u32 = load<u8>(request, F.BOOT_WHAT_OFF);
      const isKnown = what == F.BootWhat.HOLD || what == F.BootWhat.START;
      return isKnown ? bootHold(what == F.BootWhat.HOLD) : <i32>Err.INVALID;
    }
    case F.Verb.RESET:
      return reset(request);
    case F.Verb.LEVEL:
      store<u8>(RESULT, <u8>setLevel(head, load<u8>(request, F.LEVEL_OFF)));
      return Err.OK;
    case F.Verb.PRESENT:
      return SILENT;
    default:
      return Err.UNSUPPORTED;
  }
}

/** True for verbs that must not be carried out twice. */
function isOnce(verb: u32): bool {
  return verb == F.Verb.CALL || verb == F.Verb.TASK || verb == F.Verb.PROVISION;
}

/** True for the last request of this kind, repeated: its answer is sent again once there is one. Another one of its master makes it forgotten. */
function isRepeated(request: usize, head: u32): bool {
  const p = protocolAt();
  if (p.lastState == Last.NONE || (((<u32>p.lastHead) ^ head) & ~F.SEQUENCE_MASK) != 0)
    return false;
  if (p.lastHead != head || memory.compare(LAST, request, F.REQUEST_BYTES) != 0) {
    p.lastState = <u8>Last.NONE;
    return false;
  }
  if (p.lastState != Last.ANSWERED) return true;
  memory.copy(FRAME, LAST_ANSWER, F.REQUEST_BYTES);
  sayLater(head);
  return true;
}

/** True when this node is to carry a request out. Without an id it hears only what gives it one. */
function isTarget(verb: u32, target: u32, line: u32): bool {
  if (target != F.TARGET_ALL && target != protocolAt().id) return false;
  const isNaming = verb == F.Verb.WHO || verb == F.Verb.ASSIGN;
  return isNaming || protocolAt().id != 0 || line != Line.CAN;
}

/** Takes a request of `master`: eight bytes at `request`. */
export function serve(line: u32, master: u32, request: usize): void {
  const second: u32 = load<u8>(request, F.REQUEST_VERB_OFF);
  const verb = second & F.VERB_MASK;
  const head = headOf(line, master, second >>> F.SEQUENCE_SHIFT);
  const repeated = isRepeated(request, head);
  if (repeated || !isTarget(verb, load<u8>(request), line)) return;
  const p = protocolAt();
  if (line != Line.CAN) p.flags |= <u8>ProtocolFlag.SERIAL_MASTER;
  if (isOnce(verb)) {
    memory.copy(LAST, request, F.REQUEST_BYTES);
    p.lastHead = <u8>head;
    p.lastState = <u8>Last.PENDING;
  }
  frameClear();
  const status = carryOut(verb, request, head);
  if (status == SILENT) return;
  if (status < 0) frameClear();
  answer(head, status < 0 ? -status : 0);
}
