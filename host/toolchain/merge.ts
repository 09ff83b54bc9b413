// Declarations of the linked objects, merged: sorted, without duplicates, handlers resolved.
import type { CommandEntry, MailboxEntry, ValueEntry } from "../formats/declarations.ts";
import { type Position, wholeFile } from "../formats/diagnostic.ts";
import { type HxeMetadata, type MailboxForm, significantName } from "../formats/hxe-metadata.ts";
import type { Declared, HxoObject } from "../formats/hxo.ts";
import type { Report } from "./expressions.ts";
import { addressOf, type Lookup, type Module, totalSizes } from "./placement.ts";

interface Owned<T> {
  entry: T;
  module: Module;
  at: Position;
}

/** All values, commands and mailboxes of the modules; what collides is reported. */
export function mergeDeclarations(
  modules: readonly Module[],
  lookup: Lookup,
  form: MailboxForm | undefined,
  report: Report,
): HxeMetadata {
  const values = collect(modules, (o) => o.metadata.values);
  const commands = collect(modules, (o) => o.metadata.commands);
  const mailboxes = collect(modules, (o) => o.metadata.mailboxes);
  refuseTwice(values, (v) => `value (${v.group},${v.id})`, report);
  refuseTwice(values, (v) => v.persistKey !== 0 && `persist key ${v.persistKey}`, report);
  refuseTwice(commands, (c) => `command (${c.group},${c.id})`, report);
  refuseTwice(mailboxes, (m) => `mailbox "${significantName(m.target)}"`, report);
  const codeSize = totalSizes(modules).text;
  return {
    values: values.map((o) => plainValue(o.entry)).sort(byGroupAndId),
    commands: commands.map((o) => resolveHandler(o, lookup, codeSize, report)).sort(byGroupAndId),
    mailboxes: mailboxes.map((o) => o.entry).sort(byTarget),
    mailboxForm: chooseForm(modules, mailboxes, form, report),
  };
}

function collect<T>(
  modules: readonly Module[],
  entriesOf: (object: HxoObject) => Declared<T>[],
): Owned<T>[] {
  return modules.flatMap((module) =>
    entriesOf(module.object).map((entry) => ({
      entry,
      module,
      at: entry.place ?? wholeFile(module.object.file),
    })),
  );
}

function refuseTwice<T>(
  owned: readonly Owned<T>[],
  nameOf: (entry: T) => string | false,
  report: Report,
): void {
  const seen = new Map<string, Position>();
  for (const { entry, at } of owned) {
    const name = nameOf(entry);
    if (name === false) continue;
    const other = seen.get(name);
    if (other === undefined) seen.set(name, at);
    else report(at, "duplicate-declaration", `${name} is already declared ${placeText(other)}`);
  }
}

function placeText(at: Position): string {
  return at.line > 0 ? `at ${at.file}:${at.line}` : `in ${at.file}`;
}

function plainValue({ place: _, ...entry }: Declared<ValueEntry>): ValueEntry {
  return entry;
}

function resolveHandler(
  { entry, module, at }: Owned<HxoObject["metadata"]["commands"][number]>,
  lookup: Lookup,
  codeSize: number,
  report: Report,
): CommandEntry {
  const { handlerSymbol, place: _, ...command } = entry;
  if (handlerSymbol === undefined) {
    checkHandler(command.handler, codeSize, at, report);
    return command;
  }
  const target = lookup(module, handlerSymbol);
  if (target === undefined) {
    report(at, "undefined-symbol", `handler "${handlerSymbol}" is not defined in any linked file`);
    return command;
  }
  if (target.section !== "text") {
    report(at, "not-code", `handler "${handlerSymbol}" is not a label in .text`);
  }
  return { ...command, handler: addressOf(target) };
}

/** A command without a handler is answered at code offset 0. */
function checkHandler(handler: number, codeSize: number, at: Position, report: Report): void {
  if (handler % 4 === 0 && handler < Math.max(codeSize, 4)) return;
  const message = `handler ${handler} is not a multiple of 4 inside ${codeSize} bytes of code`;
  report(at, "out-of-range", message);
}

function chooseForm(
  modules: readonly Module[],
  mailboxes: readonly Owned<MailboxEntry>[],
  option: MailboxForm | undefined,
  report: Report,
): MailboxForm {
  const needing = mailboxes.find((o) => o.entry.needsJson);
  const declared = modules.map((m) => m.object.metadata.mailboxForm).find((f) => f !== undefined);
  const form = option ?? declared ?? (needing === undefined ? "binary" : "json");
  if (form === "binary" && needing !== undefined) {
    const message = `mailbox "${needing.entry.target}" has an owner, bindings or reserved bytes`;
    report(needing.at, "bad-declaration", message, "those need .mailbox_form json");
  }
  return form;
}

function byGroupAndId(a: { group: number; id: number }, b: { group: number; id: number }): number {
  return a.group - b.group || a.id - b.id;
}

function byTarget(a: MailboxEntry, b: MailboxEntry): number {
  return Buffer.compare(Buffer.from(a.target), Buffer.from(b.target));
}
