// The one job of provisioning that is under way: what it is about, and which step is next.
//
// Provision, 20 bytes, and behind it the pid of each app, i16, 0: it was not started from a slot, below 0: Err, why it could not be
//  0  job     u8   Job
//  1  step    u8   Step
//  2  next    u8   Step after the word that is being written, or the image that is being checked; of a start, FETCH or WINDOW
//  3  app     u8   record the job is about; NO_APP: none
//  4  slot    u8   stored slot it is about; of a configuration, the copy
//  5  trial   u8   attempts that were asked for, ConfirmAfter in bits 3 and 4, HELD; of a configuration, the next word
//  6  begun   u16  bit n: app n was begun in this boot
//  8  result  i32  of the last job
// 12  since   u32  clock when the trial began to run
// 16  proved  u16  bit n: the file in stored slot n has passed every check since power-on, and nothing was written there since
// 18  before  u16  record that comes back if the fallback of an app that is rolled back proves damaged; 0: none

import { APP_MAX, PROVISION_BASE, PROVISION_SIZE } from "../layout";
import { wordWrite } from "../persist/words";
import { refuse } from "../refusal";
import { AppState } from "../spec/boot";
import { Err } from "../spec/errors";
import { recordAt, stateOf } from "./record";

export enum Job {
  NONE = 0,
  BOOT = 1,
  ACTIVATE = 2,
  /** all others: their steps tell them apart */
  OTHER = 3,
}

export enum Step {
  END = 0,
  /** all words are read */
  READ = 1,
  /** chooses what the boot does next */
  NEXT = 2,
  /** a word is written */
  COMMIT = 3,
  /** confirmed: what was saved on trial becomes the values */
  MERGE = 4,
  /** the image in `slot` is to be started; NO_SLOT: nothing is */
  FETCH = 5,
  FETCHING = 6,
  /** the image in `slot` is to be checked */
  VERIFY = 7,
  VERIFYING = 8,
  /** finds the record of the app in `slot` */
  BIND = 9,
  /** the fallback comes back */
  REVERT = 10,
  /** the image that was rolled back goes, with its task unless `slot` is NO_SLOT, and what it saved on trial */
  DISCARD = 11,
  DROPPING = 12,
  /** nobody needs the slot of a staging any more */
  RELEASE = 13,
  /** the words of a configuration are written */
  COPY = 14,
  /** like FETCH, but its code stays in the slot */
  WINDOW = 15,
  /** a master may begin, hold or start */
  WAIT = 16,
  /** the card says what is next */
  CARD = 17,
}


@unmanaged
export class Provision {
  job: u8 = 0;
  step: u8 = 0;
  next: u8 = 0;
  app: u8 = 0;
  slot: u8 = 0;
  trial: u8 = 0;
  begun: u16 = 0;
  result: i32 = 0;
  since: u32 = 0;
  proved: u16 = 0;
  before: u16 = 0;
}
const PIDS_OFF: usize = 20;
if (offsetof<Provision>("result") != 8 || offsetof<Provision>("proved") != 16) ERROR("Provision");
if (PIDS_OFF + 2 * <usize>APP_MAX > PROVISION_SIZE) ERROR("Provision: pids");
/** In `trial`: everything up to the change-over, which activateHeld() makes. */
export const HELD: u32 = 0x20;
/** In `app`: the job is about no record. */
export const NO_APP: u32 = 255;

/** The one Provision. */
export function provisionAt(): Provision {
  return changetype<Provision>(PROVISION_BASE);
}
/** Pid of an app's task, which may have ended and gone; 0: it was not started from a slot; below 0: Err, why it could not be. */
export function appPid(app: u32): i32 {
  return load<i16>(PROVISION_BASE + PIDS_OFF + ((<usize>app) << 1));
}
export function setPid(app: u32, pid: i32): void {
  store<i16>(PROVISION_BASE + PIDS_OFF + ((<usize>app) << 1), <i16>pid);
}

/** True for a stored slot whose file has passed every check since power-on, and was not written to since. */
export function isProved(stored: u32): bool {
  return (((<u32>provisionAt().proved) >>> stored) & 1) != 0;
}
export function setProved(stored: u32, is: bool): void {
  const p = provisionAt();
  const bit: u32 = 1 << stored;
  p.proved = <u16>(is ? (<u32>p.proved) | bit : (<u32>p.proved) & ~bit);
}

/** OK, or BUSY: a job is under way. */
export function isFree(): i32 {
  return provisionAt().job == Job.NONE ? <i32>Err.OK : refuse(Err.BUSY, 0, 0, 0);
}
/** Begins a job about a record, or NO_APP. */
export function begin(job: Job, step: Step, app: u32): Provision {
  const p = provisionAt();
  p.job = <u8>job;
  p.step = <u8>step;
  p.app = <u8>app;
  p.result = 0;
  p.before = 0;
  return p;
}
/** Ends the job. What was refused before counts more than what came of it. */
export function end(p: Provision, result: i32): void {
  if (p.result >= 0) p.result = result;
  p.job = <u8>Job.NONE;
}

/** Has a word written, and then goes on with `next`. */
export function commit(p: Provision, index: u32, value: u32, next: Step): void {
  wordWrite(index, value);
  p.step = <u8>Step.COMMIT;
  p.next = <u8>next;
}
/** Has the record the job is about written. */
export function commitRecord(p: Provision, record: u32, next: Step): void {
  commit(p, p.app, record, next);
}

/** True for a job that stops before the change-over. */
export function isHeld(p: Provision): bool {
  return p.job == Job.ACTIVATE && (p.trial & (<u8>HELD)) != 0;
}

/** True for an app whose trial is not settled. */
export function isOnTrial(app: u32): bool {
  const state = stateOf(recordAt(app));
  return state == AppState.TRIAL || state == AppState.DROPPING;
}
/** The app on trial; -1: none. */
export function trialApp(): i32 {
  for (let app: u32 = 0; app < APP_MAX; app++) {
    if (isOnTrial(app)) return app;
  }
  return -1;
}
