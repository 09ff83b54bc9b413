// Frames out: what goes to the bus and to the serial line, and the answers that wait for room.

import { can_send } from "../../hal";
import { nodeAt } from "../../node";
import { Err } from "../../spec/errors";
import { ANSWER_ID, REQUEST_BYTES } from "../../spec/frame";
import { serialSend } from "./serial";
import {
  FRAME,
  Line,
  lineOf,
  protocolAt,
  ProtocolFlag,
  QUEUE,
  QUEUE_ENTRY_SIZE,
  QUEUE_MAX,
} from "./state";

const QUEUE_LINE_OFF: usize = 2;
const QUEUE_DATA_OFF: usize = 4;

/** True when the node may send what others could not overlay. */
export function maySpeak(line: u32): bool {
  const p = protocolAt();
  if (line != Line.CAN) return true;
  return p.id != 0 && (p.flags & ProtocolFlag.CONFLICT) == 0;
}

/** Sends a frame. BUSY: no room now. Everything else is done with it: nobody hears a node that may not speak, or is off the bus. */
export function send(line: u32, offset: u32, data: usize, length: u32): i32 {
  const p = protocolAt();
  if (line != Line.CAN) return serialSend(offset, data, length);
  const isHeard = length == 0 || maySpeak(line);
  if ((p.flags & ProtocolFlag.OPEN) == 0 || !isHeard) return Err.OK;
  const err = can_send(<u32>nodeAt().frameBase + offset, data, length);
  if (err == Err.STATE) p.flags |= <u8>ProtocolFlag.CONFLICT;
  return err == Err.BUSY ? err : <i32>Err.OK;
}

/** Empties the frame that is being made. */
export function frameClear(): void {
  memory.fill(FRAME, 0, REQUEST_BYTES);
}
/** Sends the frame that was made as the node's own, eight bytes. BUSY. */
export function say(line: u32): i32 {
  return send(line, ANSWER_ID + protocolAt().id, FRAME, REQUEST_BYTES);
}

/** Queues the frame that was made as the node's own. Without room it is lost, and asked for again. */
export function sayLater(head: u32): void {
  const p = protocolAt();
  if (<u32>p.queued >= QUEUE_MAX) return;
  const entry = QUEUE + <usize>p.queued * QUEUE_ENTRY_SIZE;
  store<u8>(entry, <u8>lineOf(head), QUEUE_LINE_OFF);
  store<u16>(entry, <u16>(ANSWER_ID + p.id));
  memory.copy(entry + QUEUE_DATA_OFF, FRAME, REQUEST_BYTES);
  p.queued += 1;
}

/** Sends queued answers in their order. False: some still wait. */
export function drainQueue(): bool {
  const p = protocolAt();
  while (p.queued != 0) {
    const line: u32 = load<u8>(QUEUE, QUEUE_LINE_OFF);
    if (send(line, load<u16>(QUEUE), QUEUE + QUEUE_DATA_OFF, REQUEST_BYTES) == Err.BUSY)
      return false;
    p.queued -= 1;
    memory.copy(QUEUE, QUEUE + QUEUE_ENTRY_SIZE, QUEUE_ENTRY_SIZE);
  }
  return true;
}
