// The node protocol, poll by poll: frames in, what follows from them, frames out, the most urgent first.

import { can_receive } from "../../hal";
import { canPost, uartPost } from "../../executive/feed";
import { isReference, nodeAt } from "../../node";
import { Err } from "../../spec/errors";
import * as F from "../../spec/frame";
import { configIsKnown } from "../boot";
import {
  broadcastPoll,
  broadcastRest,
  dropNack,
  isReceiving,
  isStreaming,
  sendNacks,
  sendStatus,
  takeData,
} from "./broadcast";
import { identityStart, sendHello, sendIdentity } from "./identity";
import { sendInfo } from "./info";
import { drainQueue } from "./line";
import { paceHeard, sendPace } from "./pace";
import { publishRest, sendPub } from "./publish";
import { receptionAt } from "./reception";
import { callPoll, serve } from "./request";
import { serialChunk, serialFlush, serialRead, serialTake } from "./serial";
import { tellerRest, tellerPoll } from "./teller";
import {
  Line,
  protocolAt,
  ProtocolFlag,
  RECEIVED,
  RECEIVED_DATA,
  RECEIVED_LENGTH_OFF,
} from "./state";

/** What the frames of one poll may cost, where one without a request costs 1: on a 16 MHz AVR some 0.06 ms. */
const COST_A_POLL: i32 = 12;
const COST_REQUEST: i32 = 2;
/** What a frame costs that is posted to apps. */
const COST_FOREIGN: i32 = 6;

/** Takes a frame of the block, which lies at RECEIVED. */
function take(line: u32, offset: u32): void {
  const length: u32 = load<u8>(RECEIVED, RECEIVED_LENGTH_OFF);
  if (offset < F.MASTER_ID + F.MASTER_MAX) {
    if (length == F.REQUEST_BYTES) serve(line, offset - F.MASTER_ID, RECEIVED_DATA);
  } else if (offset >= F.DATA_ID) takeData(offset - F.DATA_ID);
  else if (offset < F.IDENTITY_ID) paceHeard(offset - F.PACE_ID);
  else if (offset >= F.NACK_ID && offset < F.PUB_ID && length == 0) dropNack(offset - F.NACK_ID);
}

/** Takes a frame that came over the bus, and returns what that costs; frames outside the block are the apps'. */
function takeFrame(): i32 {
  const p = protocolAt();
  const offset = <u32>load<u16>(RECEIVED) - <u32>nodeAt().frameBase;
  p.flags |= <u8>ProtocolFlag.TOOK;
  if ((p.flags & ProtocolFlag.OPEN) == 0 || offset >= F.FRAME_BLOCK) {
    canPost(RECEIVED);
    p.flags |= <u8>ProtocolFlag.POSTED;
    return COST_FOREIGN;
  }
  if (offset >= F.DATA_ID) return takeData(offset - F.DATA_ID);
  take(Line.CAN, offset);
  return offset < F.MASTER_ID + F.MASTER_MAX ? COST_REQUEST : 1;
}

/**
 * Takes what came over the bus. False: nothing, or the poll before took some. So on a full bus every other poll has no frames,
 * and time for work; what comes meanwhile waits in the driver. Of a load two polls in a row take frames if the first left some:
 * those that mend what was lost take longer than they do on the bus.
 */
export function protocolReceive(): bool {
  const p = protocolAt();
  const r = receptionAt();
  const hasTaken = (p.flags & ProtocolFlag.TOOK) != 0;
  let left: i32 = hasTaken && r.isBehind == 0 ? 0 : COST_A_POLL;
  p.flags &= ~(<u8>(ProtocolFlag.TOOK | ProtocolFlag.POSTED));
  while (left > 0 && can_receive(RECEIVED) >= 0) left -= takeFrame();
  const hasLeft = (p.flags & ProtocolFlag.TOOK) != 0 && left <= 0;
  r.isBehind = <u8>(hasLeft && !hasTaken && isReceiving());
  return (p.flags & ProtocolFlag.TOOK) != 0;
}

/** Instructions of apps in a poll of `budget`: fewer while bytes or a commit are to come, which will not wait, or when frames were posted. */
export function protocolBudget(budget: u32): u32 {
  if (isStreaming()) return (budget >>> 3) + 1;
  return (protocolAt().flags & ProtocolFlag.POSTED) != 0 ? (budget + 3) >>> 2 : budget;
}

/** Takes what the console has: frames are carried out, the rest is text for apps. */
function readConsole(): void {
  const length = serialRead();
  const chunk = serialChunk();
  let text: u32 = 0;
  for (let i: i32 = 0; i < length; i++) {
    const byte: u32 = load<u8>(chunk + i);
    const kind = isReference() ? -1 : serialTake(byte);
    if (kind < 0) store<u8>(chunk + text++, <u8>byte);
    else if (kind > 0) take(Line.SERIAL, load<u16>(RECEIVED));
  }
  if (text != 0) uartPost(chunk, text);
}

function transmit(): void {
  serialFlush();
  if (
    !drainQueue() ||
    !sendIdentity() ||
    !sendPace() ||
    !sendNacks() ||
    !sendStatus() ||
    !sendHello()
  )
    return;
  if (sendInfo()) sendPub();
}

/** True once the configuration is known and the bus is not open yet. The recorded reference has no protocol. */
function isUnopened(): bool {
  return nodeAt().frameBase == 0 && configIsKnown() && !isReference();
}

/** What follows from frames that came, and frames out. */
export function protocolPoll(): void {
  if (isUnopened()) identityStart();
  readConsole();
  callPoll();
  transmit();
}

/** A step of the load that is under way. What is to be told of it is told before the step that may end it. */
export function protocolWork(): void {
  tellerPoll();
  broadcastPoll();
}

/** True when the last poll took frames: more may wait. */
export function protocolTook(): bool {
  return (protocolAt().flags & ProtocolFlag.TOOK) != 0;
}

/** Ms the node may rest as far as the protocol goes. */
export function protocolRest(): u32 {
  const p = protocolAt();
  const isDue = (p.flags & (ProtocolFlag.HELLO | ProtocolFlag.HELLO_SERIAL)) != 0;
  const waits = p.queued != 0 || p.identity != 0 || p.infoLeft != 0 || isDue;
  return waits || isUnopened() ? 0 : min(tellerRest(), min(publishRest(), broadcastRest()));
}
