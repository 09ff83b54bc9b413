// hsx shell: a node in this process to look into and to change, at a prompt or by a script.

import { createInterface } from "node:readline";
import type { Command } from "commander";
import type { Exit } from "../exit.ts";
import { readText } from "../files.ts";
import { addNodeOptions, type NodeOptionValues, sessionOptions } from "../node-options.ts";
import { plural } from "../numbers.ts";
import type { Output } from "../output.ts";
import { addCommand, type Context } from "../program.ts";
import { type Listener, Session } from "../session.ts";
import type { ShellState } from "../shell/context.ts";
import { Prompt } from "../shell/interactive.ts";
import { runScript } from "../shell/script.ts";
import { Shell } from "../shell/shell.ts";

interface Options extends NodeOptionValues {
  readonly preload: readonly string[];
  readonly file?: string;
  readonly keepGoing?: true;
  readonly verbose?: true;
}

export function addShell(program: Command, context: Context): void {
  const command = addCommand(
    program,
    "shell",
    "look into a node and change it, at a prompt or by a script",
    [
      ["hsx shell --preload blink.hxe --nv node.fram", "a prompt; help lists the verbs"],
      [
        "hsx shell --preload blink.hxe -f check.hsx",
        "a script; it stops at the first line that fails",
      ],
      ["echo 'val list' | hsx shell --preload blink.hxe", "a script from stdin"],
    ],
  )
    .option("--preload <images...>", "load these first", [])
    .option("-f, --file <script>", "run the lines of this file; # begins a comment")
    .option("--keep-going", "go on after a line that failed; the exit code is then 6")
    .option("-v, --verbose", "show each line of a script before it runs");
  addNodeOptions(command);
  command.action((options: Options) => shell(context, options));
}

/** What apps say while the shell runs. */
function appListener(
  out: Output,
  write: (stream: string, pid: number, bytes: Uint8Array) => void,
): Listener {
  return {
    onUart: (bytes) => write("uart", 0, bytes),
    onStdio: (stream, pid, bytes) => write(stream, pid, bytes),
    onWarning: (message, remedy) => out.warn(message, remedy),
  };
}

function plainWriter(out: Output, session: () => Session | undefined) {
  return (stream: string, pid: number, bytes: Uint8Array) => {
    const text = new TextDecoder().decode(bytes);
    if (stream === "err" && !out.json) out.terminal.stderr.write(bytes);
    else
      out.result("hsx.output/1", { at_ms: session()?.now_ms ?? 0, stream, pid, text }, () => text);
  };
}

async function shell(context: Context, options: Options): Promise<void> {
  const { out, install } = context;
  const isPrompt = options.file === undefined && out.terminal.stdin.isTTY === true && !out.json;
  let write: (stream: string, pid: number, bytes: Uint8Array) => void = () => {};
  const settings = { ...sessionOptions(options), acceptsBadStore: true };
  const listener = appListener(out, (stream, pid, bytes) => write(stream, pid, bytes));
  const session = await Session.open(install, settings, listener);
  const state: ShellState = {
    session,
    isLive: isPrompt,
    isInterrupted: false,
    isOver: false,
    eventsSeen: 0,
  };
  const node = new Shell(out, state);
  try {
    write = plainWriter(out, () => session);
    for (const image of options.preload) session.load(image);
    if (isPrompt) {
      const prompt = new Prompt(node);
      write = (_, __, bytes) => prompt.write(bytes);
      greet(out, session);
      await prompt.run();
    } else context.exit = await script(node, options);
  } finally {
    session.close();
  }
}

function greet(out: Output, session: Session): void {
  const tasks = session.node.tasks();
  out.note(
    `${session.options.profile} node with ${plural(tasks.length, "task")}; help lists the verbs, exit ends`,
  );
}

async function script(shell: Shell, options: Options): Promise<Exit> {
  const { terminal } = shell.out;
  const { file } = options;
  const lines =
    file === undefined
      ? createInterface({ input: terminal.stdin, crlfDelay: Infinity })
      : readText(file).split(/\r?\n/);
  const stop = terminal.onInterrupt(() => {
    shell.state.isInterrupted = true;
    shell.state.isOver = true;
  });
  try {
    return await runScript(shell, lines, {
      name: file ?? "stdin",
      keepsGoing: options.keepGoing === true,
      isVerbose: options.verbose === true,
    });
  } finally {
    stop();
    terminal.stdin.destroy();
  }
}
