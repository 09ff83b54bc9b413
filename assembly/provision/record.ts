// Activation records as words: which slot runs, which may come back, and how sure that is. docs/persistence.md.

import { wordAt, wordGroup } from "../persist/words";
import {
  ACTIVATION_AFTER_SHIFT,
  ACTIVATION_ATTEMPTS_SHIFT,
  ACTIVATION_FALLBACK_SHIFT,
  ACTIVATION_STATE_SHIFT,
  AppState,
  NO_SLOT,
  WORD_NONE,
  WordGroup,
} from "../spec/boot";

export function activeOf(record: u32): u32 {
  return record & 15;
}
export function fallbackOf(record: u32): u32 {
  return (record >>> ACTIVATION_FALLBACK_SHIFT) & 15;
}
/** AppState. */
export function stateOf(record: u32): u32 {
  return (record >>> ACTIVATION_STATE_SHIFT) & 7;
}
export function attemptsOf(record: u32): u32 {
  return (record >>> ACTIVATION_ATTEMPTS_SHIFT) & 7;
}
/** ConfirmAfter. */
export function afterOf(record: u32): u32 {
  return record >>> ACTIVATION_AFTER_SHIFT;
}

/** A record in an AppState, with no attempts. */
export function recordOf(active: u32, fallback: u32, state: u32): u32 {
  return active | (fallback << ACTIVATION_FALLBACK_SHIFT) | (state << ACTIVATION_STATE_SHIFT);
}
/** The record of a trial. */
export function onTrial(active: u32, fallback: u32, attempts: u32, after: u32): u32 {
  const counts = (attempts << ACTIVATION_ATTEMPTS_SHIFT) | (after << ACTIVATION_AFTER_SHIFT);
  return recordOf(active, fallback, AppState.TRIAL) | counts;
}
/** One attempt less, of one or more. */
export function countedDown(record: u32): u32 {
  return record - (1 << ACTIVATION_ATTEMPTS_SHIFT);
}
/** The same slots, in an AppState, with no attempts. */
export function moved(record: u32, state: u32): u32 {
  return recordOf(activeOf(record), fallbackOf(record), state);
}
/** The fallback takes the place of the active image, which is worth nothing any more. */
export function rolledBack(record: u32): u32 {
  return recordOf(fallbackOf(record), NO_SLOT, AppState.CONFIRMED);
}
export function withoutFallback(record: u32): u32 {
  return record | (NO_SLOT << ACTIVATION_FALLBACK_SHIFT);
}

/** Activation record of app `app`; APP_MAX: of the configuration. */
export function recordAt(app: u32): u32 {
  return wordAt(app);
}
/** Boot word of an app; 0: nobody said anything. */
export function bootWordAt(app: u32): u32 {
  const word = wordAt(wordGroup(WordGroup.BOOT) + app);
  return word == WORD_NONE ? 0 : word;
}
