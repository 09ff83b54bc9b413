// The node's own words: activation records, boot list, configuration, each a SYSTEM cell. A mount brings
// them all and they are kept here; who changes one has the store write it first. One job at a time, which wordsPoll() carries on.
//
// Words, 8 bytes, and behind it every word, u16, by its index
//  0  step    u8   Step
//  1  index   u8   word that is read or written
//  2  value   u16  what is to be written; WORD_NONE: nothing, words are read
//  4  isAmiss u8   1: words must be searched for one by one
//  5  (3 spare)

import { emit } from "../events";
import { APP_MAX, WORD_MAX, WORDS_BASE, WORDS_SIZE } from "../layout";
import {
  CONFIG_WORDS,
  PLANT_WORDS,
  WORD_GROUP_LOG2,
  WORD_KEY,
  WORD_NONE,
  WordGroup,
} from "../spec/boot";
import { CellType, NO_CELL } from "../spec/cell";
import { Err } from "../spec/errors";
import { EventType } from "../spec/node";
import {
  storeFind,
  storeIsAmiss,
  storeIsLog,
  storeRead,
  storeRefusal,
  storeResult,
  storeWrite,
} from "./pool";

enum Step {
  IDLE = 0,
  MOUNT = 1,
  SEEK = 2,
  FOUND = 3,
  WRITTEN = 4,
}


@unmanaged
class Words {
  step: u8 = 0;
  index: u8 = 0;
  value: u16 = 0;
  isAmiss: u8 = 0;
}
const TABLE: usize = WORDS_BASE + 8;
if (offsetof<Words>() > 8) ERROR("Words: size");
if (TABLE + <usize>WORD_MAX * 2 > WORDS_BASE + WORDS_SIZE) ERROR("Words: table");

function wordsAt(): Words {
  return changetype<Words>(WORDS_BASE);
}

// ---- The table: groups one behind the other ----

const PLANT: u32 = 2 * APP_MAX + 2 + 2 * CONFIG_WORDS;
if (WORD_MAX != PLANT + PLANT_WORDS) ERROR("WORD_MAX");

/** Index of the first word of a WordGroup. */
export function wordGroup(group: u32): u32 {
  if (group <= <u32>WordGroup.NODE) return group == WordGroup.APPS ? 0 : APP_MAX;
  return group == WordGroup.BOOT
    ? APP_MAX + 2
    : group == WordGroup.CONFIG
      ? 2 * APP_MAX + 2
      : group == WordGroup.PLANT
        ? PLANT
        : WORD_MAX;
}
function keyOf(index: u32): u32 {
  let group: u32 = WordGroup.PLANT;
  while (index < wordGroup(group)) group--;
  return WORD_KEY + (group << WORD_GROUP_LOG2) + index - wordGroup(group);
}
/** Index of the word of a key; WORD_MAX: it has none. */
function indexOf(key: u32): u32 {
  const group = (key - WORD_KEY) >>> WORD_GROUP_LOG2;
  if (group > <u32>WordGroup.PLANT) return WORD_MAX;
  const index = wordGroup(group) + (key & ((1 << WORD_GROUP_LOG2) - 1));
  return index < wordGroup(group + 1) ? index : WORD_MAX;
}

/** Word `index`, as the store holds it. WORD_NONE: it does not. */
export function wordAt(index: u32): u32 {
  return load<u16>(TABLE + ((<usize>index) << 1));
}
/** Lays a word here that is to be written; until then nothing may depend on it. */
export function wordPut(index: u32, value: u32): void {
  store<u16>(TABLE + ((<usize>index) << 1), <u16>value);
}

// ---- Jobs ----

/** True while the result of the store's job is for the words, and nobody else may take it. */
export function wordsHoldStore(): bool {
  return wordsAt().step >= <u8>Step.FOUND;
}

/** Forgets all words; a mount, reset or format that has just begun brings those there are. */
export function wordsRead(): void {
  memory.fill(WORDS_BASE, 0, 8);
  memory.fill(TABLE, 0xff, <usize>WORD_MAX * 2);
  const w = wordsAt();
  w.value = <u16>WORD_NONE;
  w.step = <u8>Step.MOUNT;
}

/** Begins to write word `index`. */
export function wordWrite(index: u32, value: u32): void {
  const w = wordsAt();
  w.index = <u8>index;
  w.value = <u16>value;
  w.step = <u8>Step.SEEK;
}

function end(w: Words, result: i32): i32 {
  w.step = <u8>Step.IDLE;
  return result;
}

/** The mount met a live SYSTEM cell: its word, unless it is met twice, which a cut leaves. */
export function wordMet(key: u32, value: u32): void {
  const index = indexOf(key);
  if (index == WORD_MAX) return;
  if (wordAt(index) != WORD_NONE) wordsAt().isAmiss = 1;
  wordPut(index, value);
}

/** The scan of a log met a SYSTEM cell: its word, in the place of what was met before, whatever a search will find. */
export function wordLogged(key: u32, value: u32): void {
  const index = indexOf(key);
  if (index != WORD_MAX) wordPut(index, value);
}

/** Waits for the mount. Where anything is amiss, each word is searched for, which puts right what a cut left. */
function awaitMount(w: Words): i32 {
  const state = storeRefusal();
  if (state < 0) return state == Err.BUSY ? state : end(w, state);
  if (w.isAmiss == 0 && !storeIsAmiss()) return end(w, Err.OK);
  w.step = <u8>Step.SEEK;
  return Err.BUSY;
}

/** A job of the store was asked for: it goes on to `next`, or cannot. */
function begun(w: Words, err: i32, next: Step): i32 {
  if (err == Err.BUSY) return err;
  if (err < 0) return end(w, err);
  w.step = <u8>next;
  return Err.BUSY;
}

/** The next word is searched for, if there is one. */
function next(w: Words): i32 {
  w.index += 1;
  if (<u32>w.index == WORD_MAX) return end(w, Err.OK);
  w.step = <u8>Step.SEEK;
  return Err.BUSY;
}

/** The cell of the word is known, or that it has none: the word is taken over, or written. What the mount has mended is written anew. */
function found(w: Words, cell: i32): i32 {
  if (cell < 0 && cell != Err.NOT_FOUND && cell != Err.CORRUPT) return end(w, cell);
  const index: u32 = w.index;
  let value: u32 = w.value;
  if (value == WORD_NONE) {
    if (cell >= 0 && !storeIsLog()) wordPut(index, storeRead(cell));
    value = wordAt(index);
    if (value == WORD_NONE) {
      if (cell == Err.CORRUPT && !storeIsLog()) emit(EventType.WORD_LOST, 0, keyOf(index), 0);
      return next(w);
    }
  }
  const old = cell < 0 ? NO_CELL : cell;
  return begun(w, storeWrite(CellType.SYSTEM, keyOf(index), value, old), Step.WRITTEN);
}

/** Carries the job on. BUSY: poll again. OK: done. Others: the store cannot, and what is known of it stays. */
export function wordsPoll(): i32 {
  const w = wordsAt();
  if (w.step == Step.MOUNT) return awaitMount(w);
  if (w.step == Step.SEEK) return begun(w, storeFind(CellType.SYSTEM, keyOf(w.index)), Step.FOUND);
  if (w.step == Step.IDLE) return Err.OK;
  const result = storeResult();
  if (result == Err.BUSY) return result;
  if (w.step == Step.FOUND) return found(w, result);
  if (w.value == <u16>WORD_NONE) return next(w);
  if (result >= 0) wordPut(w.index, w.value);
  return end(w, result < 0 ? result : Err.OK);
}
