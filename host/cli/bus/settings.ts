// Which bus, and which of its nodes: the options of every command that speaks on a bus, HSX_BUS and hsx.toml.

import { existsSync } from "node:fs";
import { type Command, Option } from "commander";
import {
  FRAME_BASE_DEFAULT,
  FRAME_BASE_MAX,
  FRAME_BASE_UNIT,
  NODE_ID_MAX,
} from "../../../assembly/spec/frame.ts";
import { parseNumberSet } from "../../formats/number-set.ts";
import { parseToml, type TomlTable } from "../../formats/toml.ts";
import { TomlReader } from "../../formats/toml-reader.ts";
import { Exit, type Failure, mistakes, usage } from "../exit.ts";
import { readText } from "../files.ts";
import { parseLevel } from "../node-options.ts";
import { parseInteger } from "../numbers.ts";
import type { Terminal } from "../terminal.ts";

/** What the options of a command say. */
export interface BusOptionValues {
  readonly bus?: string;
  readonly base?: string;
  readonly level?: string;
  readonly nodes?: string;
}

/** A bus to open. */
export interface BusSettings {
  /** `sim:bench.toml`, `tcp:127.0.0.1:29536`, … */
  readonly url: string;
  /** First identifier of the block. */
  readonly base: number;
}

const FILE = "hsx.toml";
const KEYS = ["bus", "base"] as const;
const URLS =
  "sim:bench.toml, tcp:HOST:PORT, slcan:/dev/ttyACM0@500000, serial:/dev/ttyUSB0@115200 or socketcan:can0";

export function addBusOptions(command: Command): Command {
  return command
    .option("--bus <bus>", `where the nodes are: ${URLS}; else HSX_BUS or bus in ${FILE}`)
    .option(
      "--base <n>",
      "first CAN identifier of the protocol, a multiple of 0x80; default 0x400",
    );
}
export function addNodesOption(command: Command): Command {
  return command.option("--nodes <set>", "ids such as 1-20,!7; default: all that are there");
}
export function addLevelOption(command: Command): Command {
  return command.addOption(
    new Option("--level <name>", "authority to ask nodes for").default("admin"),
  );
}

export function levelOf({ level = "admin" }: BusOptionValues): number {
  return parseLevel(level);
}

/** The ids that --nodes names; undefined: all that are there. */
export function nodesOf({ nodes }: BusOptionValues): ReadonlySet<number> | undefined {
  if (nodes === undefined || nodes === "all") return undefined;
  const parsed = parseNumberSet(nodes, 1, NODE_ID_MAX);
  if ("message" in parsed)
    throw usage(`--nodes: ${parsed.message}`, "write ids such as 1-20,!7 or all");
  if (parsed.numbers.size === 0)
    throw usage(`--nodes: ${nodes} leaves no node`, "write ids such as 1-20,!7 or all");
  return parsed.numbers;
}
/** True: the set says who is left out, so that whoever else is there is meant. */
export function isExclusion({ nodes = "" }: BusOptionValues): boolean {
  return nodes.split(",").every((part) => part.trim().startsWith("!"));
}

// ---- hsx.toml ----

class SettingsReader extends TomlReader {
  read(root: TomlTable): { bus?: string; base?: number } {
    const found: { bus?: string; base?: number } = {};
    for (const member of root.members) {
      if (member.key === "bus") {
        const text = this.text(member)?.text;
        if (text !== undefined) found.bus = text;
      } else if (member.key === "base")
        found.base = this.integer(member, FRAME_BASE_UNIT, FRAME_BASE_MAX);
      else this.unknown(member, KEYS);
    }
    return found;
  }
}

function readSettings(): { bus?: string; base?: number } {
  if (!existsSync(FILE)) return {};
  const { root, diagnostics } = parseToml(readText(FILE), FILE);
  if (root === undefined) throw mistakes(diagnostics, Exit.USAGE);
  const reader = new SettingsReader();
  const found = reader.read(root);
  if (reader.diagnostics.length > 0) throw mistakes(reader.diagnostics, Exit.USAGE);
  return found;
}

/** The option goes before HSX_BUS, and that before hsx.toml in the present folder. */
export function busSettings(values: BusOptionValues, env: Terminal["env"]): BusSettings {
  const file = values.bus === undefined || values.base === undefined ? readSettings() : {};
  const url = values.bus ?? env.HSX_BUS ?? file.bus;
  if (url === undefined || url === "")
    throw usage("which bus?", `say it with --bus, HSX_BUS or bus in ${FILE}: ${URLS}`);
  const base =
    values.base === undefined
      ? (file.base ?? FRAME_BASE_DEFAULT)
      : parseInteger(values.base, "--base", FRAME_BASE_UNIT, FRAME_BASE_MAX);
  if (base % FRAME_BASE_UNIT !== 0)
    throw usage(
      `base ${base} is no multiple of ${FRAME_BASE_UNIT}`,
      "write 0x400, or what the nodes have",
    );
  if (!isLine(url)) return { url, base };
  if (values.base !== undefined) throw noBus(url, "--base", "leave it out");
  return { url, base: FRAME_BASE_DEFAULT };
}

/** True: a serial line to one node, over which offsets go in the place of identifiers. */
function isLine(url: string): boolean {
  return url.startsWith("serial:");
}
function noBus(url: string, what: string, remedy: string): Failure {
  return usage(`${what}: ${url} is a line to one node, not a bus`, remedy);
}
/** Refuses what means nothing over a line to one node. `what`: as it was asked for. */
export function needBus({ url }: BusSettings, what: string, remedy: string): void {
  if (isLine(url)) throw noBus(url, what, remedy);
}
