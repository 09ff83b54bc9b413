// PACE: a node that cannot take frames as fast as its bus brings them says so, once for all that are as slow. docs/protocol.md, "Load".

import { can_open, can_pace } from "../../hal";
import { NodeWord } from "../../spec/boot";
import { Err } from "../../spec/errors";
import { DATA_BITS_MIN, PACE_ID, PACE_MAX, PACE_SHIFT } from "../../spec/frame";
import { configWord } from "../node-config";
import { send } from "./line";
import { receptionAt } from "./reception";
import { FRAME, Line } from "./state";

/** PACE is due, of frames that are to be `stored`, or not; if there is anything to tell. */
export function paceAsk(line: u32, stored: u32): void {
  const us = can_pace(stored);
  const isSlow = us * can_open(configWord(NodeWord.BIT_RATE)) > DATA_BITS_MIN * 1000;
  if (line != Line.CAN || !isSlow) return;
  const n = (us + (1 << PACE_SHIFT) - 1) >>> PACE_SHIFT;
  receptionAt().pace = <u8>(n < PACE_MAX ? n : PACE_MAX);
}

/** Another node told number `n`. */
export function paceHeard(n: u32): void {
  const r = receptionAt();
  if (n >= <u32>r.pace) r.pace = 0;
}

/** Sends the PACE that is due. False: it waits. */
export function sendPace(): bool {
  const r = receptionAt();
  if (r.pace != 0 && send(Line.CAN, PACE_ID + r.pace, FRAME, 0) == Err.BUSY) return false;
  r.pace = 0;
  return true;
}
