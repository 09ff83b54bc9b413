// CAN filters: the block of the node protocol, and what apps asked for, so that a filter goes with its app.
// Filter, 6 bytes: u8 pid (0: free), u8 0, u16 match, u16 mask.

import { can_filter, can_filter_clear } from "../hal";
import { FILTER_MAX, FILTER_SIZE, FILTERS_BASE } from "../layout";
import { nodeAt } from "../node";
import { refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import { FRAME_BLOCK } from "../spec/frame";
import { Resource } from "../spec/node";

const MATCH_OFF: usize = 2;
const MASK_OFF: usize = 4;

function filterAt(n: usize): usize {
  return FILTERS_BASE + n * FILTER_SIZE;
}
function holderOf(n: usize): u32 {
  return load<u8>(filterAt(n));
}
function isFilter(n: usize, pid: u32, match: u32, mask: u32): bool {
  const f = filterAt(n);
  return holderOf(n) == pid && load<u16>(f + MATCH_OFF) == match && load<u16>(f + MASK_OFF) == mask;
}

/** Lets frames with `(id & mask) == (match & mask)` reach the apps until task `pid` is removed. FULL, and what the HAL says. */
export function filterAdd(pid: u32, match: u32, mask: u32): i32 {
  let free: i32 = -1;
  for (let n: usize = 0; n < FILTER_MAX; n++) {
    if (isFilter(n, pid, match, mask)) return Err.OK;
    if (holderOf(n) == 0 && free < 0) free = <i32>n;
  }
  if (free < 0) return refuseFull(Err.FULL, Resource.FILTERS, <u32>FILTER_MAX + 1, <u32>FILTER_MAX);
  const err = can_filter(match, mask);
  if (err < 0) return err;
  const f = filterAt(free);
  store<u8>(f, <u8>pid);
  store<u16>(f + MATCH_OFF, <u16>match);
  store<u16>(f + MASK_OFF, <u16>mask);
  return Err.OK;
}

/** Lets the block of the node protocol and what apps asked for reach the node, and nothing else. */
export function filtersOpen(): void {
  can_filter_clear();
  const base: u32 = nodeAt().frameBase;
  if (base != 0) {
    // in steps of 0x100, and of 0x80 where it begins or ends in the middle of one
    for (let id = base; id < base + FRAME_BLOCK;) {
      const mask: u32 = (id & 0xff) != 0 || base + FRAME_BLOCK - id < 0x100 ? 0x780 : 0x700;
      can_filter(id, mask);
      id += 0x800 - mask;
    }
  }
  for (let n: usize = 0; n < FILTER_MAX; n++) {
    const f = filterAt(n);
    if (holderOf(n) != 0) can_filter(load<u16>(f + MATCH_OFF), load<u16>(f + MASK_OFF));
  }
}

/** Takes the filters of a task away; those of the others hold on. */
export function filtersRelease(pid: u32): void {
  let had = false;
  for (let n: usize = 0; n < FILTER_MAX; n++) {
    if (holderOf(n) != pid) continue;
    memory.fill(filterAt(n), 0, FILTER_SIZE);
    had = true;
  }
  if (had) filtersOpen();
}
