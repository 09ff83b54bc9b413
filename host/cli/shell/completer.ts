// Completion in the shell: verbs from the parser, arguments by their names from the node.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { labelOf } from "../../client/records.ts";
import type { Session } from "../session.ts";
import { SETTINGS } from "../verbs/config.ts";

function files(start: string): string[] {
  const folder = start.endsWith("/") ? start : dirname(start);
  try {
    return readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = start.startsWith("./") || folder !== "." ? join(folder, entry.name) : entry.name;
      return entry.isDirectory() ? `${path}/` : path;
    });
  } catch {
    return [];
  }
}

/** What an argument of this name may be. */
const CANDIDATES: Record<string, (session: Session, start: string) => string[]> = {
  task: ({ node }) => node.tasks().map((t) => t.name),
  value: ({ node }) => node.values().map(labelOf),
  values: ({ node }) => node.values().map(labelOf),
  pattern: ({ node }) => node.values().map(labelOf),
  command: ({ node }) => node.commands().map(labelOf),
  mailbox: ({ node }) => node.mailboxes().map((m) => m.name),
  file: (_, start) => files(start),
  setting: () => SETTINGS,
  mode: () => ["save", "load", "off", "now"],
  pace: () => ["live", "manual"],
  level: () => ["low", "high"],
  pin: ({ node }) => node.machine.pins.map((_, pin) => String(pin)),
};

function candidatesAfter(
  parser: Command,
  words: readonly string[],
  session: Session,
  start: string,
): string[] {
  const [first, ...rest] = words;
  const names = parser.commands.map((c) => c.name());
  if (first === undefined && names.length > 0)
    return [...names, ...(parser.parent === null ? ["help"] : [])];
  if (first === "help" && parser.parent === null) return rest.length === 0 ? names : [];
  const sub = parser.commands.find((c) => c.name() === first || c.aliases().includes(first ?? ""));
  if (sub !== undefined) return candidatesAfter(sub, rest, session, start);
  if (start.startsWith("-")) return parser.options.map((o) => o.long ?? "");
  const given = words.filter((word) => !word.startsWith("-")).length;
  const last = parser.registeredArguments.at(-1);
  const argument = parser.registeredArguments[given] ?? (last?.variadic ? last : undefined);
  return argument === undefined ? [] : (CANDIDATES[argument.name()]?.(session, start) ?? []);
}

/** For node:readline: the completions of the last word, and that word. */
export function complete(parser: Command, session: Session, line: string): [string[], string] {
  const words = line.split(/\s+/);
  const start = words.pop() ?? "";
  const all = candidatesAfter(
    parser,
    words.filter((w) => w !== ""),
    session,
    start,
  );
  const fitting = all.filter((name) => name.startsWith(start)).sort();
  return [fitting.map((name) => (name.endsWith("/") ? name : `${name} `)), start];
}
