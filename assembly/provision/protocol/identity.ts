// Who the node is: its hash, the id it was given, what it says of itself. docs/protocol.md, "Who is there".

import { CRC_START, crcByte, crcSum, crcEnd } from "../../crc";
import { taskAt } from "../../executive/task";
import { filtersOpen } from "../../executive/filters";
import { can_open, node_firmware, node_uid, nv_size } from "../../hal";
import { slotCrc } from "../../image/slot";
import { IO_BASE, TASK_MAX } from "../../layout";
import { nodeAt } from "../../node";
import { storeState } from "../../persist/pool";
import { refuse } from "../../refusal";
import { BASE_ID_MASK, NodeWord } from "../../spec/boot";
import { StoreState } from "../../spec/cell";
import { Err } from "../../spec/errors";
import {
  ASSIGN_FLAGS_OFF,
  ASSIGN_HASH_OFF,
  ASSIGN_ID_OFF,
  ASSIGN_KEEP,
  CENSUS_SALT_OFF,
  FRAME_BASE_DEFAULT,
  FRAME_BASE_MAX,
  FRAME_BASE_UNIT,
  HELLO_APPS_OFF,
  HELLO_FIRMWARE_OFF,
  HELLO_STATE_OFF,
  HELLO_VERSION_SHIFT,
  HelloFlag,
  IDENTITY_BITS,
  IDENTITY_ID,
  NODE_ID_MAX,
  PROTOCOL_VERSION,
  Say,
  SAY_SHIFT,
  WHO_DEPTH_MAX,
  WHO_DEPTH_OFF,
  WHO_EVERY,
  WHO_FILTER_OFF,
  WHO_PREFIX_OFF,
  WHO_SALT_SHIFT,
} from "../../spec/frame";
import { TaskState } from "../../spec/node";
import { bootWaits } from "../boot";
import { planHolds } from "../card";
import { trialApp } from "../job";
import { loadAt, LoadFlag, Phase } from "../load";
import { configWord, layConfig, setConfig } from "../node-config";
import { mayChange } from "./level";
import { frameClear, say, send } from "./line";
import { paceAsk } from "./pace";
import { FRAME, Line, lineOf, protocolAt, ProtocolFlag } from "./state";

const SALT_MASK: u32 = 31;
/** Salt of the hash in the answer to ASSIGN, by which two nodes that take one id are told apart. */
const CHECK_SALT: u32 = 31;
const IDENTITY_DUE: u32 = 0x80;

/** CRC-32 over the salt and the bytes of the UID. */
export function uidHash(salt: u32): u32 {
  const length = node_uid(IO_BASE);
  return crcEnd(crcSum(crcByte(CRC_START, salt), IO_BASE, length < 0 ? 0 : length));
}
/** The hash of the firmware. */
export function firmwareHash(): u32 {
  node_firmware(IO_BASE);
  return load<u16>(IO_BASE);
}

// ---- The configured id and base ----

/** The base of the configuration, or the default in the place of one that cannot be. */
function configuredBase(): u32 {
  const base = configWord(NodeWord.BASE_ID) & BASE_ID_MASK;
  return base % FRAME_BASE_UNIT != 0 || base == 0 || base > FRAME_BASE_MAX
    ? FRAME_BASE_DEFAULT
    : base;
}

/** The configuration is known: opens the bus and says who is there. */
export function identityStart(): void {
  const p = protocolAt();
  const id = configWord(NodeWord.ID) & 0xff;
  p.id = <u8>(id > NODE_ID_MAX ? 0 : id);
  nodeAt().frameBase = <u16>configuredBase();
  can_open(configWord(NodeWord.BIT_RATE));
  filtersOpen();
  p.flags |= <u8>(ProtocolFlag.OPEN | ProtocolFlag.HELLO);
}

// ---- WHO and ASSIGN ----

/** True when a WHO with this filter means the node. */
function isMeant(filter: u32): bool {
  const p = protocolAt();
  const isUnsettled = p.id == 0 || (p.flags & ProtocolFlag.CONFLICT) != 0;
  if (filter == WHO_EVERY) return true;
  return filter == 0 ? isUnsettled : filter == p.id;
}

/** Answers with the six bits behind a prefix that the node's hash has. */
export function who(request: usize, head: u32): void {
  const depth: u32 = load<u8>(request, WHO_DEPTH_OFF) & ((1 << WHO_SALT_SHIFT) - 1);
  if (depth > WHO_DEPTH_MAX || !isMeant(load<u8>(request, WHO_FILTER_OFF))) return;
  const hash = uidHash((<u32>load<u8>(request, WHO_DEPTH_OFF)) >>> WHO_SALT_SHIFT);
  const known = IDENTITY_BITS * depth;
  if (depth != 0 && (hash ^ load<u32>(request, WHO_PREFIX_OFF)) >>> (32 - known) != 0) return;
  const bits = (hash << known) >>> (32 - IDENTITY_BITS);
  protocolAt().identity = <u8>(IDENTITY_DUE | (lineOf(head) << IDENTITY_BITS) | bits);
}

/** Puts the id into the configuration; it holds from the next start on. */
function keepId(id: u32): i32 {
  layConfig(0);
  store<u8>(IO_BASE + 2 * NodeWord.ID, <u8>id);
  return setConfig();
}

/** True for an id that is more than what a node without one, or in conflict, is given. */
function isChange(id: u32, flags: u32): bool {
  const p = protocolAt();
  if (p.id == 0 || (p.flags & ProtocolFlag.CONFLICT) != 0) return false;
  return p.id != <u8>id || (flags & ASSIGN_KEEP) != 0;
}

/** Takes an id, if the hash is the node's. Returns 1: it is another's. RANGE, NO_ACCESS, and what setConfig() says. */
export function assign(request: usize, head: u32): i32 {
  const flags: u32 = load<u8>(request, ASSIGN_FLAGS_OFF);
  const id: u32 = load<u8>(request, ASSIGN_ID_OFF);
  if (uidHash(flags & SALT_MASK) != load<u32>(request, ASSIGN_HASH_OFF)) return 1;
  if (id > NODE_ID_MAX) return refuse(Err.RANGE, 0, id, NODE_ID_MAX);
  let err: i32 = isChange(id, flags) ? mayChange(head, 0) : <i32>Err.OK;
  if (err >= 0 && (flags & ASSIGN_KEEP) != 0) err = keepId(id);
  if (err < 0) return err;
  const p = protocolAt();
  p.id = <u8>id;
  p.flags &= ~(<u8>ProtocolFlag.CONFLICT);
  const check = uidHash(CHECK_SALT);
  store<u32>(FRAME, check, 2);
  store<u8>(FRAME, <u8>id, 6);
  return Err.OK;
}

/** Sends the identity answer that is due. False: it waits. */
export function sendIdentity(): bool {
  const p = protocolAt();
  const due: u32 = p.identity;
  if (due == 0) return true;
  const bits = due & ((1 << IDENTITY_BITS) - 1);
  if (send((due >>> IDENTITY_BITS) & 1, IDENTITY_ID + bits, FRAME, 0) == Err.BUSY) return false;
  p.identity = 0;
  return true;
}

// ---- HELLO ----

/** HelloFlag bits. */
export function helloState(): u32 {
  let state: u32 = bootWaits() || planHolds() ? HelloFlag.WAITING : 0;
  const l = loadAt();
  if (l.phase == Phase.PREPARED) state |= HelloFlag.PREPARED;
  if (l.phase != Phase.IDLE && (l.flags & LoadFlag.RESTART) == 0) state |= HelloFlag.LOADING;
  if (trialApp() >= 0) state |= HelloFlag.TRIAL;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (taskAt(i).state == TaskState.FAULTED) state |= HelloFlag.FAULTED;
  }
  if (nv_size() != 0 && storeState() != StoreState.READY) state |= HelloFlag.STORE;
  return state;
}

/** Sum of the CRC-32 of every task's image. */
function appsSum(): u32 {
  let sum: u32 = 0;
  for (let i: usize = 0; i < TASK_MAX; i++) {
    const t = taskAt(i);
    if (t.pid != 0) sum += slotCrc(t.slot);
  }
  return sum;
}

/** HELLO is due on a line. */
export function census(request: usize, head: u32): void {
  const p = protocolAt();
  p.salt = load<u8>(request, CENSUS_SALT_OFF) & (<u8>SALT_MASK);
  p.flags |= <u8>((<u32>ProtocolFlag.HELLO) << lineOf(head));
  paceAsk(lineOf(head), 0);
}

function sayHello(line: u32): i32 {
  const p = protocolAt();
  frameClear();
  const check = uidHash(p.salt) >>> (32 - IDENTITY_BITS);
  store<u8>(FRAME, <u8>((Say.HELLO << SAY_SHIFT) | check));
  store<u16>(FRAME, <u16>firmwareHash(), HELLO_FIRMWARE_OFF);
  store<u32>(FRAME, appsSum(), HELLO_APPS_OFF);
  const state = helloState() | (PROTOCOL_VERSION << HELLO_VERSION_SHIFT);
  store<u8>(FRAME, <u8>state, HELLO_STATE_OFF);
  return say(line);
}

/** Sends every HELLO that is due. False: one waits. */
export function sendHello(): bool {
  const p = protocolAt();
  for (let line: u32 = Line.CAN; line <= <u32>Line.SERIAL; line++) {
    const due: u32 = (<u32>ProtocolFlag.HELLO) << line;
    if ((p.flags & due) == 0) continue;
    if (sayHello(line) == Err.BUSY) return false;
    p.flags &= ~(<u8>due);
  }
  return true;
}
