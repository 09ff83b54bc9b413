// What empties the store: a format and a factory reset. Nobody holds to what it held.

import { storeFormat, storeReset, storeState } from "../persist/pool";
import { saverForget } from "../registry/saver";
import { StoreState } from "../spec/cell";
import { NEVER } from "../spec/node";
import { checkUnused } from "./activate";
import { provisionForget } from "./boot";

/** A job that empties the store has begun, or was refused. What waits for a store that was not ready is still to be saved. */
function forget(begun: i32, wasReady: bool): i32 {
  if (begun < 0) return begun;
  provisionForget();
  if (wasReady) saverForget();
  return begun;
}
/** Begins to format the device, whatever it holds, for so many cells and, behind them, extents of 64 bytes for blobs. SLOT_IN_USE: code runs from it. */
export function formatStore(cells: u32, schema: u32, extents: u32): i32 {
  const used = checkUnused(0, NEVER);
  if (used < 0) return used;
  const wasReady = storeState() == StoreState.READY;
  return forget(storeFormat(cells, schema, extents), wasReady);
}
/** Begins a factory reset. `keepsFactory` 1: factory cells stay. */
export function resetStore(keepsFactory: u32): i32 {
  return forget(storeReset(keepsFactory != 0), true);
}
