// Names of the node's own words: which system key is an activation record, a place in the boot list, a setting.

import {
  APPS_MAX,
  CONFIG_WORDS,
  NodeWord,
  PlantWord,
  WORD_GROUP_LOG2,
  WORD_KEY,
  WordGroup,
} from "../../assembly/spec/boot.ts";
import { WEAR_KEY } from "../../assembly/spec/cell.ts";

const NAMES: Record<WordGroup, (n: number) => string | undefined> = {
  [WordGroup.APPS]: (n) => (n < APPS_MAX ? `app ${n}: activation` : undefined),
  [WordGroup.NODE]: (n) => ["configuration: activation", "slots", "uses of the medium / 256"][n],
  [WordGroup.BOOT]: (n) => (n < APPS_MAX ? `app ${n}: boot` : undefined),
  [WordGroup.CONFIG]: (n) => configName(n),
  [WordGroup.PLANT]: (n) =>
    n in PlantWord ? `plant: ${PlantWord[n]?.toLowerCase().replace("_", " ")}` : undefined,
};

function configName(n: number): string | undefined {
  const word = NodeWord[n % CONFIG_WORDS]?.toLowerCase().replace("_", " ");
  return n < 2 * CONFIG_WORDS
    ? `configuration ${Math.floor(n / CONFIG_WORDS)}: ${word}`
    : undefined;
}

/** True for a word that a node reads when it starts, and mends if it has lost one bit. */
export function isNodeWord(key: number): boolean {
  return wordName(key) !== undefined && key !== WEAR_KEY;
}

/** What the word under a system key is; undefined: nothing that this version knows. */
export function wordName(key: number): string | undefined {
  const index = key - WORD_KEY;
  const group = index >> WORD_GROUP_LOG2;
  const name = NAMES[group as WordGroup];
  return index < 0 ? undefined : name?.(index & ((1 << WORD_GROUP_LOG2) - 1));
}
