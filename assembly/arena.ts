// The arena: one dense stack of blocks in the memory that core state leaves over. There is no fragmentation:
// a freed block leaves a hole that the blocks above it slide down to close before anything else runs.
//
// Each block is owned by one 16-bit field of core state (its `ref`); when a block moves, the field is
// rewritten. Whoever keeps an address derived from a ref must fetch it again after a block was freed.
//
// Closing is sliced: the lowest hole becomes a gap that climbs, block by block and a long block piece by piece, to the top,
// where it is zeroed. Meanwhile no poll does anything else; whoever asks for an address all the same has the gap closed first.
//
//  0  granules  u16  size with this header, in granules of 1 << ARENA_SHIFT bytes
//  2  owner     u16  address of the owning field; 0: a hole
//  4  payload, zeroed when allocated

import { ARENA_BASE, ARENA_SHIFT, ARENA_SIZE, ADDRESS_MASK, IS_DESKTOP } from "./layout";
import { Node, nodeAt } from "./node";

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
  if (nodeAt().gapLeft != 0) arenaSettle(); // a block is torn
  return (((<usize>ref) << ARENA_SHIFT) + ARENA_HEADER_SIZE) & ADDRESS_MASK;
}

/** Allocates a zeroed block and stores its ref in the 16-bit field at `owner`. False: no room. */
export function arenaAllocate(bytes: usize, owner: usize): bool {
  if (bytes > ARENA_SIZE) return false; // its cost could wrap
  const cost = arenaCost(bytes);
  if (cost > arenaFree()) arenaSettle();
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

/** Granules moved or zeroed in one step: on a chip 1 KiB, half a millisecond of a 16 MHz AVR. */
const STEP: u32 = IS_DESKTOP ? 0x4000 : 256;

/** True while a hole is open: then a poll is one arenaStep(). */
export function arenaHasHoles(): bool {
  return nodeAt().arenaHoles != 0;
}

/** The lowest hole becomes the gap. */
function openGap(node: Node): void {
  let hole = ARENA_BASE;
  while (load<u16>(hole + OWNER_OFF) != 0) hole += bytesAt(hole);
  node.gap = <u16>(hole >> ARENA_SHIFT);
  node.gapSize = <u16>granulesAt(hole);
}
/** The block above the gap begins to move; a hole there widens the gap. */
function takeBlock(node: Node, block: usize): void {
  const size = <u16>granulesAt(block);
  const owner: usize = load<u16>(block + OWNER_OFF);
  if (owner != 0) {
    store<u16>(owner, node.gap);
    node.gapLeft = size;
    node.arenaMoved = 1;
  } else {
    node.gapSize += size;
    node.arenaHoles -= 1;
  }
}
/** Zeroes the end of a gap that has reached the top. */
function lower(node: Node, most: u32): u32 {
  const part = most < node.gapSize ? most : <u32>node.gapSize;
  node.gapSize -= <u16>part;
  node.arenaGranules -= <u16>part;
  memory.fill(top(), 0, (<usize>part) << ARENA_SHIFT);
  if (node.gapSize == 0) node.arenaHoles -= 1;
  return part;
}
/** Moves a piece of the block above the gap down. */
function movePiece(node: Node, to: usize, from: usize, most: u32): u32 {
  const part = most < node.gapLeft ? most : <u32>node.gapLeft;
  memory.copy(to, from, (<usize>part) << ARENA_SHIFT);
  node.gapLeft -= <u16>part;
  node.gap += <u16>part;
  return part;
}

/** Closes a hole, or some of the way: afterwards all refs hold, and all addresses are to be fetched again. */
export function arenaStep(): void {
  const node = nodeAt();
  if (node.gapSize == 0) openGap(node);
  for (let left = STEP; left != 0 && node.gapSize != 0;) {
    const to = ((<usize>node.gap) << ARENA_SHIFT) & ADDRESS_MASK;
    const from = (to + ((<usize>node.gapSize) << ARENA_SHIFT)) & ADDRESS_MASK;
    if (node.gapLeft != 0) left -= movePiece(node, to, from, left);
    else if (from == top()) left -= lower(node, left);
    else takeBlock(node, from);
  }
}

/** Closes all holes. */
export function arenaSettle(): void {
  while (arenaHasHoles()) arenaStep();
}
