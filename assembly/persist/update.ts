// Writes and deletes one value: the new version is on the medium before the old one goes.

import { NO_CELL } from "../spec/cell";
import { Err } from "../spec/errors";
import { commitCell } from "./commit";
import { beginSweep } from "./find";
import { killCell, readCell, spoilCell } from "./medium";
import { cellGeneration, cellKey, cellMarker, cellValue, isLive, typeOf } from "./record";
import { finish, freeCell, goTo, Job, SEEN, Step, Store } from "./store";

/** Reads the version to be superseded. INVALID: it is another key's. 1: live; 0: damaged since it was found. */
function readOld(s: Store): i32 {
  if (s.old >= s.cells) return Err.INVALID;
  const err = readCell(s.old);
  if (err < 0) return err;
  if (!isLive(SEEN, s.old, s.epoch)) return 0;
  return cellMarker(SEEN) == s.type && cellKey(SEEN) == s.key ? 1 : Err.INVALID;
}

/** Begins job WRITE: type, key, value and old are set. INVALID, FULL, IO, ABSENT, BUSY. */
export function beginWrite(s: Store): i32 {
  s.generation = 0;
  s.tries = 0;
  if (s.old != <u16>NO_CELL) {
    const found = readOld(s);
    if (found < 0) return found;
    if (found > 0 && cellValue(SEEN) == s.value) {
      finish(s, s.old); // W7
      return Err.OK;
    }
    if (found > 0) s.generation = <u8>(cellGeneration(SEEN) + 1);
  }
  return commitCell(s) == NO_CELL ? Err.FULL : Err.OK;
}

/** The new version is on the medium. */
export function adoptWritten(s: Store): void {
  if (s.old == <u16>NO_CELL) finish(s, s.cell);
  else goTo(s, Step.KILL);
}

/** Begins job DELETE: type, key and old are set. Earlier bodies of the key go first, then the live one. INVALID, IO, ABSENT, BUSY. */
export function beginDelete(s: Store): i32 {
  const found = readOld(s);
  if (found < 0) return found;
  s.best = s.old;
  beginSweep(s);
  return Err.OK;
}

/** W6 */
export function kill(s: Store): i32 {
  goTo(s, Step.KILLED);
  return killCell(s, s.old);
}

/** After a kill: a deleted value also loses its body, so that its marker can never bring it back. IO: it lives on. */
export function checkKilled(s: Store): i32 {
  const err = readCell(s.old);
  if (err < 0) return err;
  if (isLive(SEEN, s.old, s.epoch)) return Err.IO;
  const isDelete = s.job == Job.DELETE;
  if (isDelete && s.tries == 0 && typeOf(SEEN, s.old, s.epoch) == s.type) {
    s.tries = 1;
    return spoilCell(s, s.old);
  }
  freeCell(s, s.old);
  s.live -= 1;
  finish(s, isDelete ? Err.OK : <i32>s.cell);
  return Err.OK;
}
