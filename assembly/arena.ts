// The arena: one dense stack of blocks in the memory that core state leaves over. There is no fragmentation:
// a freed block leaves a hole that the blocks above it slide down to close before anything else runs.
//
// Each block is owned by one 16-bit field of core state (its `ref`); when a block moves, the field is
// rewritten. Whoever keeps an address derived from a ref must fetch it again after a block was freed.
//
//  0  granules  u16  size with this header, in granules of 1 << ARENA_SHIFT bytes
//  2  owner     u16  address of the owning field; 0: a hole
//  4  payload, zeroed when allocated

import { ARENA_BASE, ARENA_SHIFT, ARENA_SIZE, ADDRESS_MASK } from "./layout";
import { nodeAt } from "./node";

export const ARENA_HEADER_SIZE: usize = 4;
const OWNER_OFF: usize = 2;

function granulesAt(block: usize): usize {
  return load<u16>(block);
}
function bytesAt(block: usize): usize {
  return (granulesAt(block) << ARENA_SHIFT) & ADDRESS_MASK;
}
function top(): usize {
  return (ARENA_BASE + ((<usize>nodeAt().arenaGranules) << ARENA_SHIFT)) & ADDRESS_MASK;
}

/** Bytes a payload of `bytes` takes in the arena. */
export function arenaCost(bytes: usize): usize {
  const granule: usize = 1 << ARENA_SHIFT;
  return (bytes + ARENA_HEADER_SIZE + granule - 1) & ~(granule - 1);
}

/** Bytes no block holds. All of it can be had in one block of arenaFree() - ARENA_HEADER_SIZE. */
export function arenaFree(): usize {
  return (ARENA_BASE + ARENA_SIZE - top()) & ADDRESS_MASK;
}

/** Address of the payload of a block. */
export function arenaAddress(ref: u32): usize {
  return (((<usize>ref) << ARENA_SHIFT) + ARENA_HEADER_SIZE) & ADDRESS_MASK;
}

/** Allocates a zeroed block and stores its ref in the 16-bit field at `owner`. False: no room. */
export function arenaAllocate(bytes: usize, owner: usize): bool {
  if (bytes > ARENA_SIZE) return false; // its cost could wrap
  arenaSettle();
  const cost = arenaCost(bytes);
  if (cost > arenaFree()) return false;
  const block = top();
  store<u16>(block, <u16>(cost >> ARENA_SHIFT));
  store<u16>(block + OWNER_OFF, <u16>owner);
  store<u16>(owner, <u16>(block >> ARENA_SHIFT));
  nodeAt().arenaGranules += <u16>(cost >> ARENA_SHIFT);
  return true;
}

/** Frees the block owned by the field at `owner` and clears the field. No block: nothing. */
export function arenaRelease(owner: usize): void {
  const ref: u32 = load<u16>(owner);
  if (ref == 0) return;
  const block = (<usize>ref) << ARENA_SHIFT;
  store<u16>(owner, 0);
  store<u16>(block + OWNER_OFF, 0);
  nodeAt().arenaHoles += 1;
}

/** Hands the block of the field at `from` to the field at `to`, which must own none. */
export function arenaMove(from: usize, to: usize): void {
  store<u16>(to, load<u16>(from));
  store<u16>(from, 0);
  arenaAdopt(to);
}

/** Tells a block that the field which owns it now lies at `owner`. */
export function arenaAdopt(owner: usize): void {
  store<u16>(((<usize>load<u16>(owner)) << ARENA_SHIFT) + OWNER_OFF, <u16>owner);
}

// ---- Closing holes ----

/** True while a hole is open: call arenaStep() before any address is used. */
export function arenaHasHoles(): bool {
  return nodeAt().arenaHoles != 0;
}

/** Closes one hole by sliding the blocks above it down by its size. */
export function arenaStep(): void {
  let hole = ARENA_BASE;
  while (load<u16>(hole + OWNER_OFF) != 0) hole += bytesAt(hole);
  const gap = bytesAt(hole);
  const end = top();
  for (let block = hole + gap; block < end; block += bytesAt(block)) {
    const owner: usize = load<u16>(block + OWNER_OFF);
    if (owner != 0) store<u16>(owner, <u16>((block - gap) >> ARENA_SHIFT));
  }
  memory.copy(hole, hole + gap, end - hole - gap);
  memory.fill(end - gap, 0, gap);
  const node = nodeAt();
  node.arenaGranules -= <u16>(gap >> ARENA_SHIFT);
  node.arenaHoles -= 1;
  node.arenaMoved = 1;
}

/** Closes all holes. */
export function arenaSettle(): void {
  while (arenaHasHoles()) arenaStep();
}
