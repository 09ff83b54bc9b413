// How worn the store's memory is, in words: for the verbs that tell of a store.

import type { StoreInfo } from "../client/records.ts";
import { count } from "../formats/text.ts";

/** The estimate as data; null: the medium bears all, or the store is not ready. */
export interface WearData {
  readonly medium: "fram" | "eeprom" | "flash";
  /** Commits since the medium was new; on flash, page turns. */
  readonly wear: number;
  /** What it bears of them. */
  readonly wear_max: number | null;
  readonly wear_percent: number | null;
  readonly updates_left: number | null;
}

export function wearData(s: StoreInfo): WearData {
  const { wear, wearMax, updatesLeft } = s;
  const percent = wearMax === undefined ? null : Math.min(100, (100 * wear) / wearMax);
  return {
    medium: (["fram", "eeprom", "flash"] as const)[s.medium] ?? "fram",
    wear,
    wear_max: wearMax ?? null,
    wear_percent: percent === null ? null : Math.round(percent * 10) / 10,
    updates_left: updatesLeft ?? null,
  };
}

const TEN_YEARS_S = 315_360_000;

/** The time between updates with which so many last ten years. */
function paceText(updates: number): string {
  const seconds = Math.ceil(TEN_YEARS_S / updates);
  return seconds < 120 ? `${seconds} s` : `${count(Math.ceil(seconds / 60))} min`;
}

const USES = { fram: "updates", eeprom: "updates", flash: "page turns" };

export function wearText(s: WearData): string {
  if (s.wear_max === null || s.updates_left === null)
    return s.medium === "fram"
      ? "wear: none to speak of, FRAM bears 10^12 changes and more"
      : "wear: not known, the store is not ready";
  const used = `${count(s.wear)} of ${count(s.wear_max)} ${USES[s.medium]}`;
  return s.updates_left === 0
    ? `wear: 100 %, ${used}; nothing is saved any more`
    : `wear: ${s.wear_percent} %, ${used}; some ${count(s.updates_left)} updates left, ten years at one in ${paceText(s.updates_left)}`;
}
