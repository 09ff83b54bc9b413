// How commands are declared: options, help with examples, and errors that become Failures.

import { Command, CommanderError, type Option } from "commander";
import { suggest } from "../formats/diagnostic.ts";
import { Exit, Failure, failureOf, usage } from "./exit.ts";
import type { Install } from "./install.ts";
import type { Output } from "./output.ts";

/** What every command works with. */
export interface Context {
  readonly out: Output;
  readonly install: Install;
  /** Exit code of a command that did its work and still has something to report. */
  exit: number;
}

/** A parser without commands. Its help goes to stdout, its errors are thrown. */
export function makeParser(name: string, out: Output): Command {
  const parser = new Command(name);
  parser.exitOverride();
  parser.helpCommand("help [command]", "explain a command");
  parser.showSuggestionAfterError(true);
  parser.configureHelp({
    subcommandTerm: termOf,
    optionDescription: optionText,
    helpWidth: Math.min(100, Math.max(60, out.terminal.stdout.columns)),
  });
  parser.configureOutput({
    writeOut: (text) => out.result("hsx.help/1", { text }, () => text),
    writeErr: () => {}, // the error itself is thrown and told once
  });
  return parser;
}

/** `build <files...>`: every command has options, so help need not say it. */
export function termOf(command: Command): string {
  const words = command.registeredArguments.map((a) => {
    const name = `${a.name()}${a.variadic ? "..." : ""}`;
    return a.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(" ");
}

/** What an option is for, what it takes and what it is without. */
export function optionText({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices ? `; ${argChoices.join(", ")}` : "";
  const preset = typeof defaultValue === "string" ? `; default ${defaultValue}` : "";
  return description + choices + preset;
}

/** The command that words begin with, as far as they name one: `val set` of `val set x 5`. */
export function commandOf(parser: Command, words: readonly string[]): Command {
  const [first, ...rest] = words;
  const known = parser.commands.find((c) => c.name() === first);
  return known === undefined ? parser : commandOf(known, rest);
}

/** Its name behind `root` and those between: `help val set`. */
export function pathOf(command: Command, root: string): string {
  return command.parent === null ? root : `${pathOf(command.parent, root)} ${command.name()}`;
}

/** Shows the help of the command that the words name, to any depth. */
export function showHelp(parser: Command, words: readonly string[]): void {
  const [first, ...rest] = words;
  const command = parser.commands.find((c) => c.name() === first);
  if (command !== undefined) return showHelp(command, rest);
  if (first !== undefined && parser.commands.length > 0) {
    const names = parser.commands.map((c) => c.name());
    throw usage(`unknown command '${first}'`, suggest(first, names, "look at help"));
  }
  parser.outputHelp();
}

type Example = readonly [line: string, does: string];

/** Examples of commands, for the page that is made of them. */
export const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** Adds a command: `usage` is its name and arguments, each example a command line and what it does. */
export function addCommand(
  parent: Command,
  usage: string,
  description: string,
  examples: readonly Example[] = [],
): Command {
  const command = parent.command(usage).description(description);
  command.option("--json", "print JSON: data on stdout, errors on stderr");
  EXAMPLES.set(command, examples);
  if (examples.length > 0) {
    const width = Math.max(...examples.map(([line]) => line.length));
    const lines = examples.map(([line, does]) => `  ${line.padEnd(width)}  ${does}`.trimEnd());
    command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  }
  return command;
}

/** Gathers what an option says that may be given again. */
export function collect(item: string, items: readonly string[] = []): string[] {
  return [...items, item];
}

/**
 * Refuses options that were typed and would do nothing. `names` as properties: `dryRun`; `why` goes on
 * behind the option: `belongs to --together`.
 */
export function refuseOptions(
  command: Command,
  names: readonly string[],
  why: string,
  remedy: string,
): void {
  const idle = command.options.find((option) => {
    const name = option.attributeName();
    return names.includes(name) && command.getOptionValueSource(name) === "cli";
  });
  if (idle !== undefined) throw usage(`${idle.long} ${why}`, remedy);
}
/** The options of a command but those named, and but --json. */
export function optionsBut(command: Command, kept: readonly string[]): string[] {
  const names = command.options.map((option) => option.attributeName());
  return names.filter((name) => name !== "json" && !kept.includes(name));
}

/** Why a command line failed; undefined: it asked for help and got it. `help`: what to type for more. */
export function failureOfLine(error: unknown, help: string): Failure | undefined {
  return error instanceof CommanderError ? usageFailure(error, help) : failureOf(error);
}

function usageFailure(error: CommanderError, help: string): Failure | undefined {
  if (error.exitCode === 0) return undefined;
  const [first = "", ...rest] = error.message.split("\n");
  const message = first.replace(/^error: /, "");
  const suggestion = rest.join(" ").replace(/^\((.*)\)$/, "$1");
  const isNoCommand = error.code === "commander.help";
  return new Failure(Exit.USAGE, "usage", isNoCommand ? "a command is missing" : message, {
    remedy: suggestion.replace(/^D/, "d") || `look at ${help}`,
  });
}
