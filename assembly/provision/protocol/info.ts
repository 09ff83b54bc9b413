// INFO: the records the host may look at, sent piece by piece. docs/protocol.md, "What a node says".

import { arenaFree } from "../../arena";
import {
  inspectCommand,
  inspectMailbox,
  inspectSlot,
  inspectStore,
  inspectTask,
  inspectValue,
} from "../../executive/inspect";
import { can_open, node_firmware, node_reset_cause, node_uid } from "../../hal";
import { ARENA_SIZE, IO_BASE, REFUSAL_BASE } from "../../layout";
import { nodeAt } from "../../node";
import { refuse } from "../../refusal";
import { NodeWord } from "../../spec/boot";
import { Err } from "../../spec/errors";
import {
  ANSWER_RESULT_OFF,
  Info,
  INFO_COUNT_OFF,
  INFO_FIRST_OFF,
  INFO_INDEX_OFF,
  INFO_KIND_OFF,
  NODE_RECORD_ARENA_OFF,
  NODE_RECORD_BASE_OFF,
  NODE_RECORD_BOARD_OFF,
  NODE_RECORD_BYTES,
  NODE_RECORD_FIRMWARE_OFF,
  NODE_RECORD_FREE_OFF,
  NODE_RECORD_ID_OFF,
  NODE_RECORD_MS_OFF,
  NODE_RECORD_PROFILE_OFF,
  NODE_RECORD_RATE_OFF,
  NODE_RECORD_RESET_OFF,
  NODE_RECORD_ROLE_OFF,
  NODE_RECORD_STATE_OFF,
  NODE_RECORD_UID_OFF,
  NODE_RECORD_VERSION_OFF,
  PROTOCOL_VERSION,
  RECORD_DATA_OFF,
  RECORD_PIECE_BYTES,
  RECORD_PIECE_OFF,
  Say,
  SAY_SHIFT,
} from "../../spec/frame";
import { REFUSAL_BYTES } from "../../spec/node";
import { configWord, layConfig } from "../node-config";
import { inspectApp, inspectStart, inspectStored } from "../status";
import { helloState } from "./identity";
import { frameClear, say } from "./line";
import { FRAME, headBits, lineOf, protocolAt } from "./state";

/** Most bytes of a board's name. */
const BOARD_MAX: i32 = 22;
/** Where the firmware's hash and the board's name are laid, behind the record. */
const FIRMWARE: usize = IO_BASE + 128;

/** Lays out what the node is. */
function inspectNode(): i32 {
  const p = protocolAt();
  const state = helloState();
  const board = node_firmware(FIRMWARE) - 2;
  memory.fill(IO_BASE, 0, NODE_RECORD_BYTES);
  const uid = node_uid(IO_BASE + NODE_RECORD_UID_OFF + 1);
  store<u8>(IO_BASE, <u8>uid, NODE_RECORD_UID_OFF);
  store<u8>(IO_BASE, PROTOCOL_VERSION, NODE_RECORD_VERSION_OFF);
  store<u8>(IO_BASE, PROFILE, NODE_RECORD_PROFILE_OFF);
  store<u8>(IO_BASE, p.id, NODE_RECORD_ID_OFF);
  store<u8>(IO_BASE, <u8>(configWord(NodeWord.ID) >>> 8), NODE_RECORD_ROLE_OFF);
  store<u16>(IO_BASE, load<u16>(FIRMWARE), NODE_RECORD_FIRMWARE_OFF);
  store<u16>(IO_BASE, nodeAt().frameBase, NODE_RECORD_BASE_OFF);
  store<u16>(IO_BASE, <u16>can_open(configWord(NodeWord.BIT_RATE)), NODE_RECORD_RATE_OFF);
  store<u8>(IO_BASE, <u8>state, NODE_RECORD_STATE_OFF);
  store<u8>(IO_BASE, <u8>node_reset_cause(), NODE_RECORD_RESET_OFF);
  store<u32>(IO_BASE, <u32>ARENA_SIZE, NODE_RECORD_ARENA_OFF);
  store<u32>(IO_BASE, <u32>arenaFree(), NODE_RECORD_FREE_OFF);
  store<u32>(IO_BASE, nodeAt().lastMs, NODE_RECORD_MS_OFF);
  const length = board > BOARD_MAX ? BOARD_MAX : board;
  store<u8>(IO_BASE, <u8>length, NODE_RECORD_BOARD_OFF);
  memory.copy(IO_BASE + NODE_RECORD_BOARD_OFF + 1, FIRMWARE + 2, length);
  return NODE_RECORD_BYTES;
}

/** Lays a record into the I/O buffer and returns its bytes. INVALID: no such kind, and what the inspecting functions say. */
function lay(kind: u32, index: u32): i32 {
  switch (kind) {
    case Info.NODE:
      return inspectNode();
    case Info.TASK:
      return inspectTask(index);
    case Info.VALUE:
      return inspectValue(index);
    case Info.COMMAND:
      return inspectCommand(index);
    case Info.MAILBOX:
      return inspectMailbox(index);
    case Info.SLOT:
      return inspectSlot(index);
    case Info.STORE:
      return inspectStore();
    case Info.APP:
      return inspectApp(index);
    case Info.STORED:
      return inspectStored(index);
    case Info.CONFIG:
      return layConfig(index);
    case Info.REFUSAL:
      memory.copy(IO_BASE, REFUSAL_BASE, REFUSAL_BYTES);
      return REFUSAL_BYTES;
    case Info.START:
      return inspectStart();
    default:
      return Err.INVALID;
  }
}

/** Begins to send a record; its length is the answer. BUSY: another is being sent. */
export function infoBegin(request: usize, head: u32): i32 {
  const p = protocolAt();
  if (p.infoLeft != 0) return refuse(Err.BUSY, 0, 0, 0);
  const kind: u32 = load<u8>(request, INFO_KIND_OFF);
  const index: u32 = load<u16>(request, INFO_INDEX_OFF);
  const bytes = lay(kind, index);
  if (bytes < 0) return bytes;
  const pieces = (<u32>bytes + RECORD_PIECE_BYTES - 1) / RECORD_PIECE_BYTES;
  const first: u32 = load<u8>(request, INFO_FIRST_OFF);
  const most: u32 = load<u8>(request, INFO_COUNT_OFF);
  const left = first < pieces ? pieces - first : 0;
  p.infoHead = <u8>head;
  p.infoKind = <u8>kind;
  p.infoIndex = <u16>index;
  p.infoPiece = <u8>first;
  p.infoLeft = <u8>(most == 0 || left < most ? left : most);
  const result = FRAME + ANSWER_RESULT_OFF;
  store<u8>(result, <u8>kind);
  store<u16>(result, <u16>bytes, 1);
  store<u16>(result, <u16>index, 3);
  return Err.OK;
}

/** Makes the RECORD of the next piece; a record that became shorter ends in zeros. */
function makePiece(bytes: i32): void {
  const p = protocolAt();
  const at = <u32>p.infoPiece * RECORD_PIECE_BYTES;
  const rest = bytes > <i32>at ? <u32>bytes - at : 0;
  frameClear();
  store<u8>(FRAME, <u8>((Say.RECORD << SAY_SHIFT) | headBits(p.infoHead)));
  store<u8>(FRAME, p.infoPiece, RECORD_PIECE_OFF);
  memory.copy(
    FRAME + RECORD_DATA_OFF,
    IO_BASE + at,
    rest < RECORD_PIECE_BYTES ? rest : RECORD_PIECE_BYTES,
  );
}

/** Sends as many pieces as there is room for. False: some wait. */
export function sendInfo(): bool {
  const p = protocolAt();
  if (p.infoLeft == 0) return true;
  const bytes = lay(p.infoKind, p.infoIndex);
  while (p.infoLeft != 0) {
    makePiece(bytes);
    if (say(lineOf(p.infoHead)) == Err.BUSY) return false;
    p.infoPiece += 1;
    p.infoLeft -= 1;
  }
  return true;
}
