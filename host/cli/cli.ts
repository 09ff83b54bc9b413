// The `hsx` command: all its commands, its help, and how any outcome becomes an exit code.

import type { Command } from "commander";
import { addBuild } from "./commands/build.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDisasm } from "./commands/disasm.ts";
import { addInfo } from "./commands/info.ts";
import { addLoad } from "./commands/load.ts";
import { addManifest } from "./commands/manifest.ts";
import { addMaster } from "./commands/master.ts";
import { addMonitor } from "./commands/monitor.ts";
import { addNew } from "./commands/new.ts";
import { addNodeCommands } from "./commands/nodes.ts";
import { addPersist } from "./commands/persist.ts";
import { addRun, addSim } from "./commands/run.ts";
import { addScan } from "./commands/scan.ts";
import { addSd } from "./commands/sd.ts";
import { addShell } from "./commands/shell.ts";
import { addStartUp } from "./commands/start-up.ts";
import { addVersion, showVersion } from "./commands/version.ts";
import { EXIT_TEXT, Exit, usage } from "./exit.ts";
import type { Install } from "./install.ts";
import { Output } from "./output.ts";
import { type Context, commandOf, failureOfLine, makeParser, pathOf, showHelp } from "./program.ts";
import type { Terminal } from "./terminal.ts";

const COMMANDS = [
  addNew,
  addBuild,
  addInfo,
  addDisasm,
  addRun,
  addSim,
  addMonitor,
  addShell,
  addScan,
  addLoad,
  addMaster,
  addStartUp,
  addNodeCommands,
  addPersist,
  addManifest,
  addSd,
  addCompletion,
  addVersion,
];

function exitCodesText(): string {
  const rows = Object.entries(EXIT_TEXT).map(([code, text]) => `  ${code.padStart(3)}  ${text}`);
  return `\nExit codes:\n${rows.join("\n")}`;
}

/** The whole command tree. */
export function makeProgram(context: Context): Command {
  const program = makeParser("hsx", context.out);
  program
    .description("Build, inspect and run HXE images: apps for the nodes of a CAN bus.")
    .option("-V, --version", "show version, commit, Node, ABI and formats")
    .option("--json", "print JSON: data on stdout, errors on stderr")
    .addHelpText("after", exitCodesText());
  for (const add of COMMANDS) add(program, context);
  return program;
}

/** What a bare `hsx` gets: the help it did not ask for, on stderr. */
function showOverview(program: Command, context: Context): void {
  if (context.out.json) throw usage("a command is missing", "look at hsx --help");
  context.out.note(program.helpInformation() + exitCodesText());
  context.exit = Exit.USAGE;
}

const isVersion = (args: readonly string[]) =>
  args.some((a) => a === "--version" || a === "-V") && args.every((a) => a.startsWith("-"));

function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}

/** Runs one command line and returns the exit code. Nothing it throws gets out. */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  install: Install,
): Promise<number> {
  const out = new Output(terminal, wantsJson(args));
  const context: Context = { out, install, exit: Exit.OK };
  const program = makeProgram(context);
  const words = args.filter((a) => a !== "--json");
  try {
    if (words.length === 0) showOverview(program, context);
    else if (isVersion(args)) showVersion(context);
    else if (words[0] === "help") showHelp(program, words.slice(1));
    else await program.parseAsync([...args], { from: "user" });
    return context.exit;
  } catch (error) {
    const help = `${pathOf(commandOf(program, words), "hsx")} --help`;
    const failure = failureOfLine(error, help);
    if (failure === undefined) return Exit.OK;
    out.error(failure);
    out.stack(error);
    return failure.exit;
  }
}
