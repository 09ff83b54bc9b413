// The node protocol, poll by poll: frames in, what follows from them, frames out, the most urgent first.

import { can_receive } from "../../hal";
import { canPost } from "../../executive/feed";
import { nodeAt } from "../../node";
import { Err } from "../../spec/errors";
import * as F from "../../spec/frame";
import { configIsKnown } from "../boot";
import {
  broadcastPoll,
  broadcastRest,
  dropNack,
  sendNacks,
  sendStatus,
  takeData,
} from "./broadcast";
import { identityStart, sendHello, sendIdentity } from "./identity";
import { sendInfo } from "./info";
import { drainQueue } from "./line";
import { publishRest, sendPub } from "./publish";
import { callPoll, serve } from "./request";
import {
  Line,
  protocolAt,
  ProtocolFlag,
  RECEIVED,
  RECEIVED_DATA,
  RECEIVED_LENGTH_OFF,
} from "./state";

/** Frames taken in one poll. */
const FRAMES_A_POLL: u32 = 8;

/** Takes a frame of the block, which lies at RECEIVED. */
function take(line: u32, offset: u32): void {
  const length: u32 = load<u8>(RECEIVED, RECEIVED_LENGTH_OFF);
  if (offset < F.MASTER_ID + F.MASTER_MAX) {
    if (length == F.REQUEST_BYTES) serve(line, offset - F.MASTER_ID, RECEIVED_DATA);
  } else if (offset >= F.DATA_ID) {
    if (length == F.DATA_BYTES) takeData(offset - F.DATA_ID, RECEIVED_DATA);
  } else if (offset >= F.NACK_ID && offset < F.PUB_ID && length == 0) dropNack(offset - F.NACK_ID);
}

/** Takes the next frame of the bus; those outside the block are the apps'. False: there was none. */
function receive(): bool {
  if (can_receive(RECEIVED) < 0) return false;
  const offset = <u32>load<u16>(RECEIVED) - <u32>nodeAt().frameBase;
  const isOpen = (protocolAt().flags & ProtocolFlag.OPEN) != 0;
  if (isOpen && offset < F.FRAME_BLOCK) take(Line.CAN, offset);
  else canPost(RECEIVED);
  return true;
}

function transmit(): void {
  if (!drainQueue() || !sendIdentity() || !sendNacks() || !sendStatus() || !sendHello()) return;
  if (sendInfo()) sendPub();
}

/** Frames in and out. */
export function protocolPoll(): void {
  if (nodeAt().frameBase == 0 && configIsKnown()) identityStart();
  for (let n: u32 = 0; n < FRAMES_A_POLL; n++) {
    if (!receive()) break;
  }
  callPoll();
  broadcastPoll();
  transmit();
}

/** Ms the node may rest as far as the protocol goes. */
export function protocolRest(): u32 {
  const p = protocolAt();
  const isDue = (p.flags & (ProtocolFlag.HELLO | ProtocolFlag.HELLO_SERIAL)) != 0;
  const waits = p.queued != 0 || p.identity != 0 || p.infoLeft != 0 || isDue;
  return waits || (nodeAt().frameBase == 0 && configIsKnown())
    ? 0
    : min(publishRest(), broadcastRest());
}
