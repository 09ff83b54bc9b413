// config: settings of the node, and what it is made of.

import type { Command } from "commander";
import { Profile } from "../../../assembly/spec/limits.ts";
import { Config } from "../../../assembly/spec/node.ts";
import { Level } from "../../../assembly/spec/svc.ts";
import { suggest } from "../../formats/diagnostic.ts";
import { count } from "../../formats/text.ts";
import { Exit, Failure } from "../exit.ts";
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
export const SETTINGS = [...KEYS.keys()];

function keyOf(name: string): Config {
  const key = KEYS.get(name.toLowerCase());
  if (key !== undefined) return key;
  const remedy = suggest(name, KEYS.keys(), "look at config get");
  throw new Failure(Exit.NOT_FOUND, "NOT_FOUND", `there is no setting "${name}"`, { remedy });
}

function words(key: Config, value: number): string {
  if (key === Config.PROFILE) return (Profile[value] ?? String(value)).toLowerCase();
  if (key === Config.LEVEL) return (Level[value] ?? String(value)).toLowerCase();
  return count(value);
}

function get({ out, session }: VerbContext, name: string | undefined): void {
  const names = name === undefined ? SETTINGS : [name.toLowerCase()];
  const rows = names.map((n) => ({ name: n, key: keyOf(n), value: session.node.config(keyOf(n)) }));
  const settings = Object.fromEntries(rows.map((r) => [r.name, r.value]));
  out.result("hsx.config.get/1", { settings }, () =>
    name === undefined
      ? out.table(
          ["SETTING", "VALUE"],
          rows.map((r) => [r.name, words(r.key, r.value)]),
        )
      : rows.map((r) => words(r.key, r.value)).join("\n"),
  );
}

function set({ out, session }: VerbContext, name: string, text: string): void {
  const key = keyOf(name);
  const value = key === Config.LEVEL ? parseLevel(text) : parseInteger(text, name, 0, 2 ** 32 - 1);
  session.node.configure(key, value);
  out.result(
    "hsx.config.set/1",
    { name: name.toLowerCase(), value },
    () => `${name.toLowerCase()} is ${words(key, value)}`,
  );
}

export function addConfig(parser: Command, context: VerbContext): void {
  const config = parser.command("config").description("settings of the node: get, set");
  addCommand(config, "get [setting]", "show settings, limits and counters").action(
    (name?: string) => get(context, name),
  );
  addCommand(
    config,
    "set <setting> <number>",
    "change a setting: quantum, mode, level, descriptor_limit, handle_limit",
    [
      ["config set quantum 1", "turns of one instruction"],
      ["config set level admin", "authority of this session"],
    ],
  ).action((name: string, text: string) => set(context, name, text));
}
