// config: settings of the node, and what it is made of.

import type { Command } from "commander";
import { AppState, Source } from "../../../assembly/spec/boot.ts";
import { Profile } from "../../../assembly/spec/limits.ts";
import { Config } from "../../../assembly/spec/node.ts";
import { Level } from "../../../assembly/spec/svc.ts";
import type { NodeConfig } from "../../client/records.ts";
import { suggest } from "../../formats/diagnostic.ts";
import { count } from "../../formats/text.ts";
import {
  appStateText,
  configData,
  KEPT_NUMBERS,
  type KeptSetting,
  nodeTable,
  parseSource,
  sourceText,
} from "../boot-text.ts";
import { Exit, Failure, usage } from "../exit.ts";
import { parseLevel } from "../node-options.ts";
import { parseInteger } from "../numbers.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";

/** Settings by name: `quantum`, `task_max`, … */
const KEYS = new Map(
  Object.entries(Config)
    .filter(([, key]) => typeof key === "number")
    .map(([name, key]) => [name.toLowerCase(), key as Config]),
);

const SOURCES_SETTING = "sources";
export const SETTINGS = [...KEYS.keys(), ...Object.keys(KEPT_NUMBERS), SOURCES_SETTING];

function keyOf(name: string): Config {
  const key = KEYS.get(name.toLowerCase());
  if (key !== undefined) return key;
  const remedy = suggest(name, SETTINGS, "look at config get");
  throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", `there is no setting "${name}"`, { remedy });
}

function words(key: Config, value: number): string {
  if (key === Config.PROFILE) return (Profile[value] ?? String(value)).toLowerCase();
  if (key === Config.LEVEL) return (Level[value] ?? String(value)).toLowerCase();
  return count(value);
}

// ---- What the node keeps ----

function keptText(name: string, config: NodeConfig): string {
  if (name === SOURCES_SETTING) return config.sources.map(sourceText).join(", ") || "the board's";
  const { get, unit } = KEPT_NUMBERS[name] as KeptSetting;
  const value = get(config);
  return value === 0 ? "the board's" : `${value}${unit === "" ? "" : ` ${unit}`}`;
}
const isKept = (name: string) => name in KEPT_NUMBERS || name === SOURCES_SETTING;

/** Sources in their order: `host,can`; `default` is the board's. */
function parseSources(text: string): Source[] {
  if (text === "default") return [];
  const sources = text.split(",").map((name) => parseSource(name.trim()));
  if (sources.length <= 4 && !sources.includes(Source.STORED)) return sources;
  throw usage(`${text}: at most four sources, and none of them is "stored"`, "write host,sd,can");
}

function setKept({ out, session }: VerbContext, name: string, text: string): void {
  const { provision } = session.node;
  const kept = KEPT_NUMBERS[name];
  const change =
    kept === undefined
      ? { sources: parseSources(text) }
      : kept.put(parseInteger(text, name, 0, kept.max));
  provision.setConfig(change);
  const isTrial = provision.configState().state === AppState.TRIAL;
  const data = { name, text, trial: isTrial };
  out.result("hsx.config.change/1", data, () => {
    const trial = isTrial
      ? "; on trial for that start: then config confirm, or the old one comes back"
      : "";
    return `${name} is ${keptText(name, { ...provision.config(), ...change })} from the next start on${trial}`;
  });
}

// ---- Verbs ----

function get({ out, session }: VerbContext, name: string | undefined): void {
  const wanted = name?.toLowerCase();
  const config = session.node.provision.config();
  const names = (wanted === undefined ? [...KEYS.keys()] : [wanted]).filter((n) => !isKept(n));
  const rows = names.map((n) => ({ name: n, key: keyOf(n), value: session.node.config(keyOf(n)) }));
  const settings = Object.fromEntries(rows.map((r) => [r.name, r.value]));
  const data = { settings, node: configData(config) };
  out.result("hsx.config.get/1", data, () => {
    if (wanted !== undefined && isKept(wanted)) return keptText(wanted, config);
    if (wanted !== undefined) return rows.map((r) => words(r.key, r.value)).join("\n");
    const kept = [...Object.keys(KEPT_NUMBERS), SOURCES_SETTING].map((n) => [
      n,
      keptText(n, config),
    ]);
    return [
      out.table(
        ["SETTING", "VALUE"],
        rows.map((r) => [r.name, words(r.key, r.value)]),
      ),
      "",
      out.table(["KEPT BY THE NODE", "VALUE"], kept),
    ].join("\n");
  });
}

function set(context: VerbContext, name: string, text: string): void {
  const { out, session } = context;
  if (isKept(name.toLowerCase())) return setKept(context, name.toLowerCase(), text);
  const key = keyOf(name);
  const value = key === Config.LEVEL ? parseLevel(text) : parseInteger(text, name, 0, 2 ** 32 - 1);
  session.node.configure(key, value);
  out.result(
    "hsx.config.set/1",
    { name: name.toLowerCase(), value },
    () => `${name.toLowerCase()} is ${words(key, value)}`,
  );
}

function exportConfig({ out, session }: VerbContext): void {
  const config = session.node.provision.config();
  const text = nodeTable(config);
  out.result("hsx.config.export/1", { node: configData(config), text }, () => text);
}

/** Keeps the configuration that is on trial, or brings the one before it back. */
function settle({ out, session }: VerbContext, isKeeping: boolean): void {
  const { provision } = session.node;
  if (isKeeping) provision.confirmConfig();
  else provision.rollbackConfig();
  const state = appStateText(provision.configState().state);
  out.result("hsx.config.settle/1", { state }, () =>
    isKeeping
      ? "the configuration is confirmed"
      : "the old configuration holds from the next start on",
  );
}

export function addConfig(parser: Command, context: VerbContext): void {
  const config = parser
    .command("config")
    .description("settings of the node: get, set, export, confirm, rollback");
  addCommand(config, "get [setting]", "show settings, limits and counters").action(
    (name?: string) => get(context, name),
  );
  addCommand(
    config,
    "set <setting> <value>",
    "change a setting: quantum, mode, level, descriptor_limit, handle_limit, now; those that the node keeps, from its next start on",
    [
      ["config set quantum 1", "turns of one instruction"],
      ["config set level admin", "authority of this session"],
      ["config set id 7", "on trial for one start: config confirm keeps it"],
      ["config set sources sd,can", "where images come from, the first that has one wins"],
    ],
  ).action((name: string, text: string) => set(context, name, text));
  addCommand(config, "export", "the [node] table of a calibration file").action(() =>
    exportConfig(context),
  );
  addCommand(config, "confirm", "keep the configuration that is on trial").action(() =>
    settle(context, true),
  );
  addCommand(config, "rollback", "bring the configuration before the one on trial back").action(
    () => settle(context, false),
  );
}
