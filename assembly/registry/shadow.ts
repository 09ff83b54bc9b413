// The app in trial: its changes are kept apart as shadows, which become values when its image is confirmed and are dropped
// when it is rolled back. One app at a time. Which of the two it is lies with whoever keeps the activation records:
//
//   at power-on   no app is in trial: shadowMerge(), before anything is loaded. One is: shadowBegin() when it is loaded
//   confirm       commit it, then shadowMerge()
//   roll back     so commit first that the app does not run again; shadowDrop(); when shadowIsSettled(), commit the roll-back
//
// A power cut anywhere in between changes nothing: what was begun is begun again.

import { Err } from "../spec/errors";
import { forgetCells, isTried, JobNote, saverAt, SaverFlag, TrialMode } from "./saver-state";
import { isStoreAlive, ValueBit, valueAt, valueCount, valueRemove, valueServed } from "./value";

/** True when no shadow waits to be merged or dropped. */
export function shadowIsSettled(): bool {
  return saverAt().mode <= <u8>TrialMode.ON;
}

/** The app of task `pid` is in trial from now on; before its values are declared. BUSY: earlier shadows are not settled. */
export function shadowBegin(pid: u32): i32 {
  const s = saverAt();
  if (!shadowIsSettled()) return Err.BUSY;
  s.trial = <u8>pid;
  s.mode = <u8>TrialMode.ON;
  return Err.OK;
}

function search(mode: u32): void {
  const s = saverAt();
  s.mode = <u8>(isStoreAlive() ? mode : TrialMode.NONE);
  s.notes &= ~(<u8>(JobNote.STUCK | JobNote.MERGED));
  s.flags |= <u8>SaverFlag.SEARCH;
  s.cursor = 0;
  forgetCells();
}

/** No app is in trial: all shadows become values. What the app changes from now on is saved as such. */
export function shadowMerge(): void {
  saverAt().trial = 0;
  search(TrialMode.MERGING);
}

/** The app in trial is rolled back: all shadows are killed, and nothing it changed or will change is saved. */
export function shadowDrop(): void {
  let isAlive = false;
  for (let i = valueCount(); i > 0; i--) {
    const v = valueAt(i - 1);
    if (!isTried(v)) continue;
    valueServed(v, ValueBit.DIRTY);
    if ((v.bits & ValueBit.GHOST) != 0) valueRemove(i - 1);
    else isAlive = true;
  }
  if (!isAlive) saverAt().trial = 0;
  search(TrialMode.DROPPING);
}
