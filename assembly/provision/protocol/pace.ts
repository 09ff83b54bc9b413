// PACE: a node that cannot take frames as fast as its bus brings them says so, once for all that are as slow. docs/protocol.md, "Load".

import { can_open, can_pace } from "../../hal";
import { NodeWord } from "../../spec/boot";
import { Err } from "../../spec/errors";
import { DATA_BITS_MIN, PACE_ID, PACE_MAX, PACE_SHIFT } from "../../spec/frame";
import { configWord } from "../node-config";
import { send } from "./line";
import { FRAME, Line, protocolAt, ProtocolFlag } from "./state";

/** PACE is due, if there is anything to tell. */
export function paceAsk(): void {
  const us = can_pace();
  if (us * can_open(configWord(NodeWord.BIT_RATE)) <= DATA_BITS_MIN * 1000) return;
  protocolAt().flags |= <u8>ProtocolFlag.PACE;
}

/** Another node told number `n`. */
export function paceHeard(n: u32): void {
  if (n >= ownPace()) protocolAt().flags &= ~(<u8>ProtocolFlag.PACE);
}
function ownPace(): u32 {
  const n = (can_pace() + (1 << PACE_SHIFT) - 1) >>> PACE_SHIFT;
  return n < PACE_MAX ? n : PACE_MAX;
}

/** Sends the PACE that is due. False: it waits. */
export function sendPace(): bool {
  const p = protocolAt();
  if ((p.flags & ProtocolFlag.PACE) == 0) return true;
  if (send(Line.CAN, PACE_ID + ownPace(), FRAME, 0) == Err.BUSY) return false;
  p.flags &= ~(<u8>ProtocolFlag.PACE);
  return true;
}
