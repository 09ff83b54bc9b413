// Activation records, boot list and configuration in words, the same for a node and for an image of its memory.

import { AppState, ConfirmAfter, Source } from "../../assembly/spec/boot.ts";
import type { ActivationInfo } from "../client/records.ts";
import { suggest } from "../formats/diagnostic.ts";
import type { BootPolicy, NodeConfig } from "../formats/node-words.ts";
import { plural } from "../formats/text.ts";
import { usage } from "./exit.ts";
import { memberText } from "./words.ts";

// ---- Records ----

/** `confirmed`, `trial`. */
export function appStateText(state: AppState): string {
  return memberText(AppState, state);
}

const AFTER: Record<string, ConfirmAfter> = {
  never: ConfirmAfter.NEVER,
  "10s": ConfirmAfter.SECONDS_10,
  "1m": ConfirmAfter.MINUTE,
  "10m": ConfirmAfter.MINUTES_10,
};
export const CONFIRM_AFTER = Object.keys(AFTER);
/** One of CONFIRM_AFTER as a number. */
export function parseAfter(text: string): ConfirmAfter {
  return AFTER[text] ?? ConfirmAfter.NEVER;
}

export const SOURCES = Object.keys(Source)
  .filter((name) => !/^\d/.test(name))
  .map((name) => name.toLowerCase());
/** `can` */
export function sourceText(source: Source): string {
  return memberText(Source, source);
}
/** A Source by name. Throws a usage Failure. */
export function parseSource(text: string): Source {
  const index = SOURCES.indexOf(text.toLowerCase());
  if (index >= 0) return index;
  const remedy = suggest(text, SOURCES, `there are ${SOURCES.join(", ")}`);
  throw usage(`"${text}" is no source of images`, remedy);
}

/** An app's records for programs. */
export function appRecordData(
  app: ActivationInfo & { readonly app: number; readonly name: string; readonly boot: BootPolicy },
) {
  const { boot } = app;
  return {
    app: app.app,
    name: app.name,
    state: appStateText(app.state),
    active: app.active ?? null,
    fallback: app.fallback ?? null,
    attempts_left: app.attemptsLeft,
    confirm_after: CONFIRM_AFTER.find((name) => AFTER[name] === app.confirmAfter) ?? "never",
    boot: {
      order: boot.order,
      restarts: boot.restarts,
      fallback_on_fault: boot.fallbackOnFault,
      source: sourceText(boot.source),
      quantum: boot.quantum,
    },
  };
}

/** `order 1, 3 restarts, fallback on fault` */
export function bootText(boot: ReturnType<typeof appRecordData>["boot"]): string {
  const parts = [`order ${boot.order}`];
  if (boot.restarts > 0) parts.push(plural(boot.restarts, "restart"));
  if (boot.fallback_on_fault) parts.push("fallback on fault");
  if (boot.source !== "stored") parts.push(`from ${boot.source}`);
  if (boot.quantum > 0) parts.push(`quantum ${boot.quantum}`);
  return parts.join(", ");
}

// ---- Configuration ----

/** A number that a node keeps, has from its next start on, and that is the board's while it is 0. */
export interface KeptSetting {
  readonly max: number;
  readonly unit: string;
  get(config: NodeConfig): number;
  put(value: number): Partial<NodeConfig>;
}
/** By the names of calibration files. */
export const KEPT_NUMBERS: Readonly<Record<string, KeptSetting>> = {
  id: { max: 255, unit: "", get: (c) => c.id, put: (id) => ({ id }) },
  role: { max: 255, unit: "", get: (c) => c.role, put: (role) => ({ role }) },
  bit_rate: { max: 0xffff, unit: "kbit/s", get: (c) => c.bitRate, put: (bitRate) => ({ bitRate }) },
  base_id: { max: 0x7ff, unit: "", get: (c) => c.baseId, put: (baseId) => ({ baseId }) },
  change_level: {
    max: 3,
    unit: "",
    get: (c) => c.changeLevel,
    put: (changeLevel) => ({ changeLevel }),
  },
  master_wait: {
    max: 0xffff,
    unit: "ms",
    get: (c) => c.masterWait_ms,
    put: (masterWait_ms) => ({ masterWait_ms }),
  },
  card_wait: {
    max: 0xffff,
    unit: "ms",
    get: (c) => c.cardWait_ms,
    put: (cardWait_ms) => ({ cardWait_ms }),
  },
};

/** A configuration for programs. */
export function configData(config: NodeConfig) {
  const numbers = Object.entries(KEPT_NUMBERS).map(([name, { get }]) => [name, get(config)]);
  return { ...Object.fromEntries(numbers), sources: config.sources.map(sourceText) };
}

/** The [node] table of a calibration file. */
export function nodeTable(config: NodeConfig): string {
  const numbers = Object.entries(KEPT_NUMBERS)
    .filter(([, { get }]) => get(config) !== 0)
    .map(([name, { get, unit }]) => `${name} = ${get(config)}${unit === "" ? "" : `  # ${unit}`}`);
  const names = config.sources.map((source) => `"${sourceText(source)}"`).join(", ");
  return ["[node]", ...numbers, ...(names === "" ? [] : [`sources = [${names}]`])].join("\n");
}
