// Tasks, values, commands and mailboxes by the names people give them; a wrong one is answered with the nearest.

import {
  type CommandInfo,
  labelOf,
  type MailboxInfo,
  type TaskInfo,
  type ValueInfo,
} from "../client/records.ts";
import { oidText } from "../client/refusal.ts";
import { suggest } from "../formats/diagnostic.ts";
import { Exit, Failure, usage } from "./exit.ts";
import type { Session } from "./session.ts";

type Item = { readonly oid: number; readonly name: string; readonly groupName: string };

/** `shown`: what is listed when nothing of `known` is near. */
function missing(
  what: string,
  text: string,
  known: readonly string[],
  shown: readonly string[] = known,
): Failure {
  const none =
    what === "task" ? "no app runs: load one" : `no app here has a ${what}: load one that does`;
  const verb = shown.length === 1 ? "is" : "are";
  const otherwise = shown.length === 0 ? none : `there ${verb} ${few(shown)}`;
  return new Failure(Exit.NOT_FOUND, "NOT_FOUND", `there is no ${what} "${text}"`, {
    remedy: suggest(text, known, otherwise),
  });
}

function few(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(", ")}, …` : names.join(", ");
}

/** `1.2` or 0x0102 as an oid. */
function oidOf(text: string): number | undefined {
  const [, group, id] = /^(\d+)[.:](\d+)$/.exec(text) ?? [];
  if (group !== undefined)
    return Number(group) < 256 && Number(id) < 256 ? Number(group) * 256 + Number(id) : -1;
  return /^0x[\da-f]{1,4}$/i.test(text) ? Number(text) : undefined;
}

function isNamed(item: Item, text: string): boolean {
  if (!text.includes(":")) return item.name === text;
  return labelOf(item) === text || `${item.oid >> 8}:${item.name}` === text;
}

/** `group:name`, a name that only one has, or numbers. */
function findItem<T extends Item>(items: readonly T[], text: string, what: string): T {
  const oid = oidOf(text);
  const found = items.filter((item) =>
    oid === undefined ? isNamed(item, text) : item.oid === oid,
  );
  const [first, second] = found;
  if (first === undefined) {
    if (oid !== undefined) {
      const numbers = items.map((item) => oidText(item.oid));
      throw missing(what, text, numbers);
    }
    const labels = items.map(labelOf);
    const names = text.includes(":") ? [] : items.map((item) => item.name);
    throw missing(what, text, [...names, ...labels], labels);
  }
  if (second === undefined) return first;
  const all = found.map((item) => `${labelOf(item)} (${oidText(item.oid)})`);
  throw usage(
    `"${text}" is ambiguous: ${few(all)}`,
    `write the numbers, for example ${oidText(first.oid)}`,
  );
}

/** A value by name or numbers. Throws a Failure that names the nearest. */
export function findValue(values: readonly ValueInfo[], text: string): ValueInfo {
  return findItem(values, text, "value");
}
/** A command, likewise. */
export function findCommand(commands: readonly CommandInfo[], text: string): CommandInfo {
  return findItem(commands, text, "command");
}

/** A task by pid or by the name of its app. */
export function findTask(tasks: readonly TaskInfo[], text: string): TaskInfo {
  const found = tasks.find((t) => (/^\d+$/.test(text) ? t.pid === Number(text) : t.name === text));
  if (found !== undefined) return found;
  const names = /^\d+$/.test(text)
    ? tasks.map((t) => `${t.pid} (${t.name})`)
    : tasks.map((t) => t.name);
  throw missing("task", text, names);
}

/** An existing mailbox by its name or id. */
export function findMailbox({ node }: Session, text: string): MailboxInfo {
  const mailboxes = node.mailboxes();
  const found = mailboxes.find((m) => m.name === text || String(m.id) === text);
  if (found !== undefined) return found;
  const names = mailboxes.map((m) => m.name);
  throw missing("mailbox", text, names);
}
