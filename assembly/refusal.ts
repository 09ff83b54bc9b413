// The refusal: why the last call failed, for a person. One record of REFUSAL_BYTES at REFUSAL_BASE (spec/node.ts).

import { arenaCost, arenaFree } from "./arena";
import { REFUSAL_BASE, REFUSAL_SIZE } from "./layout";
import { Err } from "./spec/errors";
import {
  REFUSAL_BYTES,
  REFUSAL_CODE_OFF,
  REFUSAL_HAVE_OFF,
  REFUSAL_NAME_OFF,
  REFUSAL_NEED_OFF,
  REFUSAL_OFFSET_OFF,
  REFUSAL_OID_OFF,
  REFUSAL_PID_OFF,
  REFUSAL_RESOURCE_OFF,
  Resource,
} from "./spec/node";

/** Most bytes of text a refusal carries. */
const NAME_MAX: usize = 32;
if (<usize>REFUSAL_BYTES != REFUSAL_SIZE) ERROR("refusal: size");

/** Records `code` with its place in a file, what was needed or found, and what there is or was expected. Returns `code`. */
export function refuse(code: i32, offset: u32, need: u32, have: u32): i32 {
  memory.fill(REFUSAL_BASE, 0, REFUSAL_SIZE);
  store<i32>(REFUSAL_BASE + REFUSAL_CODE_OFF, <i8>code); // an Err, in eight bits for who calls
  store<u32>(REFUSAL_BASE + REFUSAL_OFFSET_OFF, offset);
  store<u32>(REFUSAL_BASE + REFUSAL_NEED_OFF, need);
  store<u32>(REFUSAL_BASE + REFUSAL_HAVE_OFF, have);
  return code;
}

/** Records that a Resource ran out: how much was needed and how much there is. Returns `code`. */
export function refuseFull(code: i32, resource: u32, need: u32, have: u32): i32 {
  refuse(code, 0, need, have);
  store<u8>(REFUSAL_BASE + REFUSAL_RESOURCE_OFF, <u8>resource);
  return code;
}

/** Records that the arena has no room for a block of `bytes`. Returns NO_MEMORY. */
export function refuseMemory(bytes: usize): i32 {
  const cost = arenaCost(bytes);
  return refuseFull(
    Err.NO_MEMORY,
    Resource.MEMORY,
    <u32>(cost < bytes ? bytes : cost),
    <u32>arenaFree(),
  );
}

/** Records that task `pid` holds the id or key `oid`. Returns `code`. */
export function refuseHeld(code: i32, oid: u32, pid: u32): i32 {
  refuse(code, 0, 0, 0);
  store<u8>(REFUSAL_BASE + REFUSAL_PID_OFF, <u8>pid);
  store<u16>(REFUSAL_BASE + REFUSAL_OID_OFF, <u16>oid);
  return code;
}

/** Adds a name, cut to 32 bytes, to the refusal just recorded. */
export function refusalName(text: usize, length: usize): void {
  const bytes = length < NAME_MAX ? length : NAME_MAX;
  store<u8>(REFUSAL_BASE + REFUSAL_NAME_OFF, <u8>bytes);
  memory.copy(REFUSAL_BASE + REFUSAL_NAME_OFF + 1, text, bytes);
}
