// What happens to apps, as the provisioning events others hear of: the node's events are read in order and told as STATUS, to
// the mailbox svc:provision and, where no load by broadcast tells them anyway, on the bus.

import { eventPeek } from "../../events";
import { provisionPost } from "../../executive/feed";
import { nodeAt } from "../../node";
import { AppState } from "../../spec/boot";
import { LoadEvent, LoadPhase } from "../../spec/frame";
import {
  EVENT_A_OFF,
  EVENT_B_OFF,
  EVENT_PID_OFF,
  EVENT_TYPE_OFF,
  EventType,
  NEVER,
} from "../../spec/node";
import { stateOf } from "../record";
import { isReceiving, layProgress, layStatus } from "./broadcast";
import { sayLater } from "./line";
import { FRAME, headOf, Line, protocolAt, ProtocolFlag } from "./state";

/** Events told in one poll. */
const EVENTS_A_POLL: u32 = 4;
/** Ms until a reader without room is tried again. */
const FULL_MS: u32 = 20;

/** The LoadEvent of an event of the node. */
function loadEventOf(type: u32, b: u32): u32 {
  switch (type) {
    case EventType.LOAD_PROGRESS:
      return LoadEvent.PROGRESS;
    case EventType.LOADED:
      return LoadEvent.COMPLETE;
    case EventType.REFUSED:
      return LoadEvent.ERROR;
    case EventType.LOAD_ABORTED:
      return LoadEvent.ABORTED;
    case EventType.ACTIVATION:
      return stateOf(b) == AppState.DROPPING ? LoadEvent.ROLLBACK : LoadEvent.PERSISTED;
    case EventType.ROLLED_BACK:
      return LoadEvent.ROLLBACK;
    default:
      return LoadEvent.NONE;
  }
}

/** Makes the STATUS of an event. */
function lay(at: usize, event: u32): void {
  const a: u32 = load<u16>(at, EVENT_A_OFF);
  const b = load<u32>(at, EVENT_B_OFF);
  const isError = event == LoadEvent.ERROR;
  const phase: u32 = event == LoadEvent.PROGRESS ? LoadPhase.RECEIVING : LoadPhase.IDLE;
  layStatus(0, 0, event, phase, isError ? a : 0);
  const bytes = event == LoadEvent.PROGRESS ? a << 6 : isError ? b : 0;
  layProgress(load<u8>(at, EVENT_PID_OFF), bytes);
}

/** Tells an event. False: a reader has no room for what must not be lost. */
function tell(at: usize): bool {
  const event = loadEventOf(load<u8>(at, EVENT_TYPE_OFF), load<u32>(at, EVENT_B_OFF));
  if (event == LoadEvent.NONE) return true;
  lay(at, event);
  const isTold = provisionPost(FRAME, 8) || event == LoadEvent.PROGRESS;
  if (isTold && event != LoadEvent.PROGRESS && !isReceiving()) sayLater(headOf(Line.CAN, 0, 0));
  return isTold;
}

/** Tells what has happened since, some events a poll. */
export function tellerPoll(): void {
  const p = protocolAt();
  for (let n: u32 = 0; n < EVENTS_A_POLL && p.told != nodeAt().eventNext; n++) {
    const at = eventPeek(p.told);
    if (at != 0 && !tell(at)) {
      p.flags |= <u8>ProtocolFlag.UNTOLD;
      return;
    }
    p.flags &= ~(<u8>ProtocolFlag.UNTOLD);
    p.told += 1;
  }
}
/** Ms until there is something to tell. */
export function tellerRest(): u32 {
  const p = protocolAt();
  if (p.told == nodeAt().eventNext) return NEVER;
  return (p.flags & ProtocolFlag.UNTOLD) != 0 ? FULL_MS : 0;
}
