// The card's file system, for its tests.

import { arenaSettle } from "../../assembly/arena";
import { IO_BASE } from "../../assembly/layout";
import { nodeAt } from "../../assembly/node";

export { cardEnd, cardIsOpen } from "../../assembly/card/volume";
export { fileData, fileNext, fileOpen, fileSeek, fileSize, fileTake } from "../../assembly/card/file";

/** Where a name is laid. */
export function io(): usize {
  return IO_BASE;
}
/** Closes the hole that the buffer left. */
export function settle(): void {
  arenaSettle();
}
/** Granules of the arena in use. */
export function granules(): u32 {
  return nodeAt().arenaGranules;
}
