// The node record: who a node is.

import * as F from "../../../assembly/spec/frame.ts";
import type { Profile } from "../../../assembly/spec/limits.ts";
import type { ResetCause } from "../../../assembly/spec/node.ts";

export interface NodeRecord {
  readonly version: number;
  readonly profile: Profile;
  /** 0: none. */
  readonly id: number;
  readonly role: number;
  /** Hash of its firmware, as in HELLO. */
  readonly firmware: number;
  readonly base: number;
  /** kbit/s; 0: not known. */
  readonly bitRate: number;
  /** HelloFlag bits. */
  readonly flags: number;
  readonly resetCause: ResetCause;
  readonly arenaBytes: number;
  readonly freeBytes: number;
  readonly clock_ms: number;
  readonly uid: Uint8Array;
  readonly board: string;
}

function counted(view: DataView, at: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at + 1, view.getUint8(at)).slice();
}

export function readNodeRecord(view: DataView): NodeRecord {
  return {
    version: view.getUint8(F.NODE_RECORD_VERSION_OFF),
    profile: view.getUint8(F.NODE_RECORD_PROFILE_OFF),
    id: view.getUint8(F.NODE_RECORD_ID_OFF),
    role: view.getUint8(F.NODE_RECORD_ROLE_OFF),
    firmware: view.getUint16(F.NODE_RECORD_FIRMWARE_OFF, true),
    base: view.getUint16(F.NODE_RECORD_BASE_OFF, true),
    bitRate: view.getUint16(F.NODE_RECORD_RATE_OFF, true),
    flags: view.getUint8(F.NODE_RECORD_STATE_OFF) & ((1 << F.HELLO_VERSION_SHIFT) - 1),
    resetCause: view.getUint8(F.NODE_RECORD_RESET_OFF),
    arenaBytes: view.getUint32(F.NODE_RECORD_ARENA_OFF, true),
    freeBytes: view.getUint32(F.NODE_RECORD_FREE_OFF, true),
    clock_ms: view.getUint32(F.NODE_RECORD_MS_OFF, true),
    uid: counted(view, F.NODE_RECORD_UID_OFF),
    board: new TextDecoder().decode(counted(view, F.NODE_RECORD_BOARD_OFF)),
  };
}
