// Writes and deletes one value: the new version is on the medium before the old one goes.

import { NO_CELL } from "../spec/cell";
import { Err } from "../spec/errors";
import { commitCell } from "./commit";
import { beginSweep } from "./find";
import { endMarker, Kind, kindOf, mark, readRecord, spoil } from "./medium";
import { cellGeneration, cellKey, cellMarker, cellValue } from "./record";
import { finish, freeCell, goToCell, Job, SEEN, Step, Store } from "./store";

/** Reads the version to be superseded. INVALID: it is another key's. 1: live; 0: damaged since it was found. */
function readOld(s: Store): i32 {
  if (s.old >= s.cells) return Err.INVALID;
  goToCell(s, Step.KILL, s.old);
  const err = readRecord(s);
  if (err < 0) return err;
  if (kindOf(s, s.old) != Kind.LIVE) return 0;
  return cellMarker(SEEN) == s.type && cellKey(SEEN) == s.key ? 1 : Err.INVALID;
}

/** Reads the version in cell `old`, if there is one, and numbers the one that follows. 1: it is live. INVALID, IO, ABSENT, BUSY. */
export function readVersion(s: Store): i32 {
  s.generation = 0;
  s.tries = 0;
  if (s.old == <u16>NO_CELL) return 0;
  const found = readOld(s);
  if (found > 0) s.generation = <u8>(cellGeneration(SEEN) + 1);
  return found;
}
/** Begins job WRITE: type, key, value and old are set. INVALID, FULL, IO, ABSENT, BUSY. */
export function beginWrite(s: Store): i32 {
  const found = readVersion(s);
  if (found < 0) return found;
  if (found == 0 || cellValue(SEEN) != s.value) return commitCell(s);
  finish(s, s.old); // W7
  return Err.OK;
}

/** The new version is on the medium. */
export function adoptWritten(s: Store): void {
  s.tries = 0;
  s.best = s.cell;
  if (s.old != <u16>NO_CELL) goToCell(s, Step.KILL, s.old);
  else if (s.damaged != 0)
    beginSweep(s); // a damaged cell of the key has had its day
  else finish(s, s.cell);
}

/** Begins job DELETE: type, key and old are set. INVALID, IO, ABSENT, BUSY. */
export function beginDelete(s: Store): i32 {
  const found = readOld(s);
  if (found < 0) return found;
  s.best = s.old;
  beginSweep(s);
  return Err.OK;
}

function isDelete(s: Store): bool {
  return s.job == Job.DELETE;
}
/** W6. Until the body is broken, too, the marker of a deleted value tells that more is to be done. */
export function kill(s: Store): i32 {
  s.step = <u8>Step.KILLED;
  return mark(s, endMarker(s, isDelete(s) ? 1 : 0));
}

/** After a kill: a deleted value also loses its body, so that its marker can never bring it back. IO: it lives on. */
export function checkKilled(s: Store): i32 {
  const kind = kindOf(s, s.old);
  if (kind == Kind.LIVE) return Err.IO;
  if (isDelete(s) && s.tries == 0 && (kind == Kind.NEARLY || kind == Kind.UNFINISHED)) {
    s.tries = 1;
    return spoil(s);
  }
  freeCell(s, s.old);
  s.live -= 1;
  finish(s, isDelete(s) ? Err.OK : <i32>s.cell);
  return Err.OK;
}
