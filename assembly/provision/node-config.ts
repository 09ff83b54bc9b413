// The configuration of the node: six words, in two copies. A new one is written to the copy that is not in use and becomes
// active by one record, like an image; one that could cut the node off is on trial for one start.

import { APP_MAX, IO_BASE } from "../layout";
import { wordAt, wordGroup, wordPut } from "../persist/words";
import { refuse } from "../refusal";
import { AppState, CONFIG_WORDS, NO_SLOT, NodeWord, WORD_NONE, WordGroup } from "../spec/boot";
import { Err } from "../spec/errors";
import { begin, commit, commitRecord, isFree, Job, NO_APP, Provision, Step } from "./job";
import {
  activeOf,
  fallbackOf,
  onTrial,
  recordAt,
  recordOf,
  stateOf,
  withoutFallback,
} from "./record";

/** Index of word `n` of a copy. */
function indexOf(copy: u32, n: u32): u32 {
  return wordGroup(WordGroup.CONFIG) + copy * CONFIG_WORDS + n;
}
/** Word `n` of copy 0 or 1, NO_SLOT: the board's default. */
function wordOf(copy: u32, n: u32): u32 {
  const word = copy == NO_SLOT ? 0 : wordAt(indexOf(copy, n));
  return word == WORD_NONE ? 0 : word;
}
/** NodeWord `n` of the configuration the next start finds, or this one found; 0: the board's default. */
export function configWord(n: u32): u32 {
  return wordOf(activeOf(recordAt(APP_MAX)), n);
}

/** Lays the active configuration out, `fallback` 1: the one that comes back: six words. Returns the bytes. */
export function layConfig(fallback: u32): i32 {
  const record = recordAt(APP_MAX);
  const copy = fallback != 0 ? fallbackOf(record) : activeOf(record);
  for (let n: u32 = 0; n < CONFIG_WORDS; n++)
    store<u16>(IO_BASE + <usize>n * 2, <u16>wordOf(copy, n));
  return 2 * CONFIG_WORDS;
}

/** True when who speaks with the node would not reach it any more. */
function cutsOff(n: u32, word: u32): bool {
  const change = word ^ configWord(n);
  return n == NodeWord.ID ? (change & 0xff) != 0 : n <= <u32>NodeWord.BASE_ID && change != 0;
}

/**
 * Begins to make the six words in the buffer the configuration from the next start on. With another id, bit rate or base id it
 * must be confirmed after that start, or the one after brings the present one back. BUSY; RANGE: a word of 0xFFFF; IN_TRIAL: confirm or roll back first.
 */
export function setConfig(): i32 {
  const free = isFree();
  if (free < 0) return free;
  const record = recordAt(APP_MAX);
  if (stateOf(record) == AppState.TRIAL) return refuse(Err.IN_TRIAL, 0, APP_MAX, 0);
  let isOnTrial: u32 = 0;
  for (let n: u32 = 0; n < CONFIG_WORDS; n++) {
    const word: u32 = load<u16>(IO_BASE + <usize>n * 2);
    if (word == WORD_NONE) return refuse(Err.RANGE, 0, word, WORD_NONE - 1);
    if (cutsOff(n, word)) isOnTrial = 1;
  }
  copyFrom(begin(Job.OTHER, Step.COPY, NO_APP), IO_BASE, isOnTrial << 1);
  return Err.OK;
}

/** Lays six words into the copy that is not active, and begins to write them. `trial` 2: they must be confirmed. */
function copyFrom(p: Provision, from: usize, trial: u32): void {
  const record = recordAt(APP_MAX);
  const copy: u32 = activeOf(record) == 0 ? 1 : 0;
  for (let n: u32 = 0; n < CONFIG_WORDS; n++)
    wordPut(indexOf(copy, n), load<u16>(from + <usize>n * 2));
  p.slot = <u8>(copy | trial);
  p.trial = 0;
  p.step = <u8>Step.COPY;
  if (fallbackOf(record) != NO_SLOT) commit(p, APP_MAX, withoutFallback(record), Step.COPY);
}

/** True when the six words at `from` are the configuration. */
export function isConfig(from: usize): bool {
  for (let n: u32 = 0; n < CONFIG_WORDS; n++) {
    if (configWord(n) != <u32>load<u16>(from + <usize>n * 2)) return false;
  }
  return true;
}
/** Begins, within a boot, to make the six words at `from` the configuration: who put the card in stands beside the node. False: another one is on trial. */
export function adoptConfig(p: Provision, from: usize): bool {
  if (stateOf(recordAt(APP_MAX)) == AppState.TRIAL) return false;
  copyFrom(p, from, 0);
  return true;
}

/** Writes the next word of the copy; after the last, the record that makes it active. */
export function copyConfig(p: Provision): void {
  const n: u32 = p.trial;
  const copy: u32 = p.slot & 1;
  p.trial += 1;
  if (n < CONFIG_WORDS) return commit(p, indexOf(copy, n), wordAt(indexOf(copy, n)), Step.COPY);
  const active = activeOf(recordAt(APP_MAX));
  p.app = <u8>APP_MAX;
  commitRecord(
    p,
    (p.slot & 2) != 0 ? onTrial(copy, active, 1, 0) : recordOf(copy, active, AppState.CONFIRMED),
    p.job == Job.BOOT ? Step.CARD : Step.END,
  );
}
