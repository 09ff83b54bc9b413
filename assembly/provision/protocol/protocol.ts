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

/** Frames taken in one poll, and how many of them may be foreign: to post one takes as long as eight of the block, 0.2 ms of a 16 MHz AVR. */
const FRAMES_A_POLL: u32 = 32;
const FOREIGN_A_POLL: u32 = 3;

/** Takes a frame of the block, which lies at RECEIVED. */
function take(line: u32, offset: u32): void {
  const length: u32 = load<u8>(RECEIVED, RECEIVED_LENGTH_OFF);
  if (offset < F.MASTER_ID + F.MASTER_MAX) {
    if (length == F.REQUEST_BYTES) serve(line, offset - F.MASTER_ID, RECEIVED_DATA);
  } else if (offset >= F.DATA_ID) {
    if (length == F.DATA_BYTES) takeData(offset - F.DATA_ID);
  } else if (offset < F.IDENTITY_ID) paceHeard(offset - F.PACE_ID);
  else if (offset >= F.NACK_ID && offset < F.PUB_ID && length == 0) dropNack(offset - F.NACK_ID);
}

/** Takes what came over the bus; frames outside the block are the apps'. */
function receive(): void {
  const isOpen = (protocolAt().flags & ProtocolFlag.OPEN) != 0;
  let foreign: u32 = 0;
  protocolAt().flags &= ~(<u8>ProtocolFlag.POSTED);
  for (let n: u32 = 0; n < FRAMES_A_POLL && foreign < FOREIGN_A_POLL; n++) {
    if (can_receive(RECEIVED) < 0) return;
    const offset = <u32>load<u16>(RECEIVED) - <u32>nodeAt().frameBase;
    if (isOpen && offset < F.FRAME_BLOCK) {
      take(Line.CAN, offset);
      continue;
    }
    canPost(RECEIVED);
    protocolAt().flags |= <u8>ProtocolFlag.POSTED;
    foreign++;
  }
}

/** Instructions of apps in a poll of `budget`: fewer while bytes or a commit are to come, which will not wait, or when frames were posted. */
export function protocolBudget(budget: u32): u32 {
  if (isStreaming()) return (budget >>> 3) + 1;
  return (protocolAt().flags & ProtocolFlag.POSTED) != 0 ? (budget >>> 1) + 1 : budget;
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

/** Frames in and out. */
export function protocolPoll(): void {
  if (isUnopened()) identityStart();
  receive();
  readConsole();
  callPoll();
  tellerPoll();
  broadcastPoll();
  transmit();
}

/** Ms the node may rest as far as the protocol goes. */
export function protocolRest(): u32 {
  const p = protocolAt();
  const isDue = (p.flags & (ProtocolFlag.HELLO | ProtocolFlag.HELLO_SERIAL)) != 0;
  const waits = p.queued != 0 || p.identity != 0 || p.infoLeft != 0 || isDue;
  return waits || isUnopened() ? 0 : min(tellerRest(), min(publishRest(), broadcastRest()));
}
