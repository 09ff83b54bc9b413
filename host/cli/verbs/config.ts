// config: settings of the node, and what it is made of.

import type { Command } from "commander";
import { AppState, Source } from "../../../assembly/spec/boot.ts";
import { Profile } from "../../../assembly/spec/limits.ts";
import { Config } from "../../../assembly/spec/node.ts";
import { suggest } from "../../formats/diagnostic.ts";
import type { NodeConfig } from "../../formats/node-words.ts";
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
import type { Session } from "../session.ts";
import type { VerbContext } from "../shell/context.ts";
import { levelName, memberText } from "../words.ts";

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
  if (key === Config.PROFILE) return memberText(Profile, value);
  if (key === Config.LEVEL) return levelName(value);
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

/** A setting and what it is to be. */
interface Pair {
  readonly name: string;
  readonly text: string;
}

function changeOf({ name, text }: Pair): Partial<NodeConfig> {
  const kept = KEPT_NUMBERS[name];
  if (kept === undefined) return { sources: parseSources(text) };
  return kept.put(parseInteger(text, name, 0, kept.max));
}

/** Changes what the node keeps, all at once or nothing. */
function setKept({ out, session }: VerbContext, pairs: readonly Pair[]): void {
  const { provision } = session.node;
  const change: Partial<NodeConfig> = Object.assign({}, ...pairs.map(changeOf));
  provision.setConfig(change);
  const isTrial = provision.configState().state === AppState.TRIAL;
  out.result("hsx.config.change/1", { changes: pairs, trial: isTrial }, () => {
    const config = { ...provision.config(), ...change };
    const trial = isTrial
      ? "; on trial for that start: then config confirm, or the old one comes back"
      : "";
    const texts = pairs.map(({ name }) => `${name} is ${keptText(name, config)}`);
    return `${texts.join(", ")} from the next start on${trial}`;
  });
}

// ---- Verbs ----

/** What comes back unless what the node keeps is confirmed; undefined: nothing is on trial. */
function configBefore({ node }: Session): NodeConfig | undefined {
  const { provision } = node;
  const isTrial = provision.configState().state === AppState.TRIAL;
  return isTrial ? provision.config("fallback") : undefined;
}

function get({ out, session }: VerbContext, name: string | undefined): void {
  const wanted = name?.toLowerCase();
  const config = session.node.provision.config();
  const names = (wanted === undefined ? [...KEYS.keys()] : [wanted]).filter((n) => !isKept(n));
  const rows = names.map((n) => ({ name: n, key: keyOf(n), value: session.node.config(keyOf(n)) }));
  const settings = Object.fromEntries(rows.map((r) => [r.name, r.value]));
  const before = configBefore(session);
  const data = {
    settings,
    node: configData(config),
    node_before: before === undefined ? null : configData(before),
  };
  out.result("hsx.config.get/1", data, () => {
    if (wanted !== undefined && isKept(wanted)) return keptText(wanted, config);
    if (wanted !== undefined) return rows.map((r) => words(r.key, r.value)).join("\n");
    const kept = [...Object.keys(KEPT_NUMBERS), SOURCES_SETTING].map((n) => [
      n,
      keptText(n, config),
      before === undefined || keptText(n, before) === keptText(n, config)
        ? ""
        : `on trial, was ${keptText(n, before)}`,
    ]);
    return [
      out.table(
        ["SETTING", "VALUE"],
        rows.map((r) => [r.name, words(r.key, r.value)]),
      ),
      "",
      out.table(["KEPT BY THE NODE", "VALUE", "STATE"], kept),
    ].join("\n");
  });
}

function setNow({ out, session }: VerbContext, { name, text }: Pair): void {
  const key = keyOf(name);
  const value = key === Config.LEVEL ? parseLevel(text) : parseInteger(text, name, 0, 2 ** 32 - 1);
  session.node.configure(key, value);
  out.result("hsx.config.set/1", { name, value }, () => `${name} is ${words(key, value)}`);
}

function set(context: VerbContext, texts: readonly string[]): void {
  const pairs = Array.from({ length: Math.ceil(texts.length / 2) }, (_, n) => {
    const [name = "", text] = texts.slice(2 * n);
    if (text === undefined)
      throw usage(`${name} is to be what?`, "write a number behind each setting");
    return { name: name.toLowerCase(), text };
  });
  const [first] = pairs;
  if (pairs.every(({ name }) => isKept(name))) return setKept(context, pairs);
  if (pairs.length === 1 && first !== undefined) return setNow(context, first);
  for (const { name } of pairs) if (!isKept(name)) keyOf(name);
  throw usage(
    "only settings that the node keeps are changed several at a time",
    `these are ${[...Object.keys(KEPT_NUMBERS), SOURCES_SETTING].join(", ")}`,
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
    "set <pairs...>",
    "change a setting, given with its new value: quantum, mode, level, descriptor_limit, handle_limit, now; those that the node keeps, from its next start on",
    [
      ["config set quantum 1", "turns of one instruction"],
      ["config set level admin", "authority of this session"],
      ["config set id 7", "on trial for one start: config confirm keeps it"],
      ["config set id 7 bit_rate 250 role 2", "all at once, or nothing"],
      ["config set sources sd,can", "where images come from, the first that has one wins"],
    ],
  ).action((texts: string[]) => set(context, texts));
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
