// What the manifest of the card sets once for each content: the configuration of the node and the values of its apps. Then the content
// is noted, in an order in which a power cut has it set again rather than not at all.

import { fileData } from "../card/file";
import { cardOwn } from "../card/volume";
import { storeState } from "../persist/pool";
import { wordAt, wordGroup, wordsPoll, wordWrite } from "../persist/words";
import { refuse } from "../refusal";
import { saverOutcome, saverPut } from "../registry/saver";
import { NodeWord, PLANT_WORDS, PlantWord, WORD_NONE, WordGroup } from "../spec/boot";
import { StoreState } from "../spec/cell";
import { Err } from "../spec/errors";
import * as M from "../spec/manifest";
import { Provision } from "./job";
import { manifestRecord, manifestValue } from "./manifest";
import { adoptConfig, configWord, isConfig } from "./node-config";
import { Plan, PlanStep, recordByte, recordWord } from "./plan";

/** Word of the plant that was noted; WORD_NONE: none. */
function noted(n: u32): u32 {
  return wordAt(wordGroup(WordGroup.PLANT) + n);
}
/** What is to be noted as word `n`: of the content of the node record at hand, of plant and version what the check has kept. */
function toNote(l: Plan, n: u32): u32 {
  if (n == PlantWord.PLANT) return l.plant;
  if (n == PlantWord.VERSION) return l.version;
  return recordWord(M.MANIFEST_NODE_CONTENT_OFF + ((n - PlantWord.CONTENT_LOW) << 1));
}

/** MANIFEST_PLANT, MANIFEST_OLD: the node belongs to another plant, or has seen a newer manifest. */
function checkPlant(l: Plan): i32 {
  const plant = noted(PlantWord.PLANT);
  if (plant == WORD_NONE) return Err.OK;
  if (plant != <u32>l.plant) return refuse(Err.MANIFEST_PLANT, 0, l.plant, plant);
  const version = noted(PlantWord.VERSION);
  const isOld = version != WORD_NONE && <u32>l.version < version;
  return isOld ? refuse(Err.MANIFEST_OLD, 0, l.version, version) : <i32>Err.OK;
}

function isApplied(l: Plan): bool {
  const low = noted(PlantWord.CONTENT_LOW) == toNote(l, PlantWord.CONTENT_LOW);
  return low && noted(PlantWord.CONTENT_HIGH) == toNote(l, PlantWord.CONTENT_HIGH);
}

/** The record of the node: whether it counts, and whether something of it is to be set. */
export function readNode(l: Plan): i32 {
  let err = manifestRecord(l, l.node);
  if (err >= 0) err = checkPlant(l);
  if (err < 0) return err;
  const first = <u32>l.nodes + 1 + recordWord(M.MANIFEST_NODE_FIRST_OFF);
  l.count = <u8>recordByte(M.MANIFEST_NODE_COUNT_OFF);
  if (<u32>l.count > 14 || first + <u32>l.count > <u32>l.values)
    return refuse(Err.MANIFEST_DAMAGED, (<u32>l.node) << M.MANIFEST_RECORD_LOG2, first, l.values);
  l.first = <u16>first;
  l.value = 0;
  const canSet = storeState() == StoreState.READY;
  l.step = <u8>(!canSet ? PlanStep.CHOOSE : isApplied(l) ? PlanStep.NOTE : PlanStep.CONFIG);
  return Err.OK;
}

/** An id or role of 0 in the record at hand means the node's own: many nodes of one role share a record. */
function keepNumbers(words: usize): void {
  const own = configWord(NodeWord.ID);
  const id: u32 = load<u8>(words);
  const role: u32 = load<u8>(words, 1);
  if (id == 0) store<u8>(words, <u8>own);
  if (role == 0) store<u8>(words, <u8>(own >>> 8), 1);
}

/** Has the configuration written, if the record brings one; then come the values. */
export function setConfig(l: Plan, p: Provision): i32 {
  const err = manifestRecord(l, l.node);
  if (err < 0) return err;
  const words = cardOwn() + M.MANIFEST_NODE_CONFIG_OFF;
  const isNone = (recordByte(M.MANIFEST_NODE_FLAGS_OFF) & M.ManifestNodeFlag.CONFIG) == 0;
  const tried: u32 = l.value;
  keepNumbers(words);
  l.value = 0;
  l.app = 0;
  l.step = <u8>PlanStep.VALUES;
  if (isNone || isConfig(words)) return Err.OK;
  // on trial, or refused by the store: nothing is set, and the next start tries again
  if (tried != 0 || !adoptConfig(p, words)) l.step = <u8>PlanStep.CHOOSE;
  else {
    l.value = 1;
    l.step = <u8>PlanStep.CONFIG;
  }
  return Err.OK;
}

/** Begins to set the next value of the next app. */
export function setValue(l: Plan): i32 {
  if (l.app == l.count) {
    l.step = <u8>PlanStep.NOTE;
    l.value = 0;
    return Err.OK;
  }
  let err = manifestRecord(l, <u32>l.first + <u32>l.app);
  if (err < 0) return err;
  if (<u32>l.value >= recordByte(M.MANIFEST_APP_VALUES_OFF)) {
    l.app += 1;
    l.value = 0;
    return Err.OK;
  }
  err = manifestValue(l, recordWord(M.MANIFEST_APP_FIRST_OFF) + <u32>l.value);
  if (err < 0) return err;
  const at = fileData();
  err = saverPut(
    load<u16>(at, M.MANIFEST_VALUE_KEY_OFF),
    load<u16>(at, M.MANIFEST_VALUE_BITS_OFF),
    load<u16>(at, M.MANIFEST_VALUE_MEANING_OFF),
  );
  if (err < 0) return err;
  l.value += 1;
  l.step = <u8>PlanStep.SAVING;
  return Err.OK;
}
export function awaitValue(l: Plan): i32 {
  const err = saverOutcome();
  if (err >= 0) l.step = <u8>PlanStep.VALUES;
  return err;
}

/** Words in the order in which they are noted: the content before plant and version. */
function wordOrder(n: u32): u32 {
  return (n + PlantWord.CONTENT_LOW) & 3;
}
if (PLANT_WORDS != 4) ERROR("card: words of the plant");

/** Notes what was applied, word by word; then the manifest is taken. */
export function note(l: Plan): i32 {
  const err = manifestRecord(l, l.node);
  if (err < 0) return err;
  if (l.value == <u8>PLANT_WORDS) {
    l.step = <u8>PlanStep.CHOOSE;
    return Err.OK;
  }
  const n = wordOrder(l.value);
  l.value += 1;
  if (noted(n) == toNote(l, n)) return Err.OK;
  wordWrite(wordGroup(WordGroup.PLANT) + n, toNote(l, n));
  l.step = <u8>PlanStep.NOTING;
  return Err.OK;
}
export function awaitNote(l: Plan): i32 {
  const err = wordsPoll();
  if (err >= 0) l.step = <u8>PlanStep.NOTE;
  return err;
}
