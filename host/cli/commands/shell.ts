// hsx shell: a node in this process to look into and to change, at a prompt or by a script.

import { createInterface } from "node:readline";
import type { Command } from "commander";
import { EventType } from "../../../assembly/spec/node.ts";
import { plural } from "../../formats/text.ts";
import type { Exit } from "../exit.ts";
import { readText } from "../files.ts";
import {
  addNodeOptions,
  checkNodeOptions,
  type NodeOptionValues,
  sessionOptions,
} from "../node-options.ts";
import type { Output } from "../output.ts";
import { addCommand, type Context } from "../program.ts";
import { type Listener, Session } from "../session.ts";
import { Prompt } from "../shell/interactive.ts";
import { runScript } from "../shell/script.ts";
import { Shell } from "../shell/shell.ts";
import { faultText } from "../symbols.ts";

interface Options extends NodeOptionValues {
  readonly preload?: readonly string[];
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
    .option("--preload <images...>", "load these first")
    .option("-f, --file <script>", "run the lines of this file; # begins a comment")
    .option("--keep-going", "go on after a line that failed; the exit code is then 6")
    .option("-v, --verbose", "show each line of a script before it runs");
  addNodeOptions(command);
  command.action((options: Options) => {
    checkNodeOptions(command);
    return shell(context, options);
  });
}

/** How the shell shows what comes from the node while lines are typed or run. */
interface Speaker {
  app(stream: string, pid: number, bytes: Uint8Array): void;
  note(text: string): void;
}

/** For scripts: bytes of apps as they are, with --json each an object. */
function plainSpeaker(out: Output, session: Session): Speaker {
  return {
    app(stream, pid, bytes) {
      const text = new TextDecoder().decode(bytes);
      if (out.json)
        out.result("hsx.output/1", { at_ms: session.now_ms, stream, pid, text }, () => "");
      else if (stream === "err") out.terminal.stderr.write(bytes);
      else out.bytes(bytes);
    },
    note: (text) => out.note(text),
  };
}

function speakFor(session: Session, speaker: Speaker): void {
  session.listen({
    onUart: (bytes) => speaker.app("uart", 0, bytes),
    onStdio: (stream, pid, bytes) => speaker.app(stream, pid, bytes),
    onEvent(event) {
      const task = event.type === EventType.FAULTED ? session.node.task(event.pid) : undefined;
      if (task !== undefined) speaker.note(faultText(task, session.placeOf(task)));
    },
  });
}

async function shell(context: Context, options: Options): Promise<void> {
  const { out, install } = context;
  const isLive = options.file === undefined && out.terminal.stdin.isTTY === true && !out.json;
  const warn: Listener = { onWarning: (message, remedy) => out.warn(message, remedy) };
  const settings = { ...sessionOptions(options), acceptsBadStore: true };
  const session = await Session.open(install, settings, warn);
  try {
    for (const image of options.preload ?? []) session.load(image);
    const state = { session, isLive, isInterrupted: false, isOver: false, eventsSeen: 0 };
    const lines = new Shell(out, state);
    if (isLive) await converse(lines);
    else context.exit = await script(lines, options);
  } finally {
    session.close();
  }
}

async function converse(shell: Shell): Promise<void> {
  const { session } = shell.state;
  const prompt = new Prompt(shell);
  speakFor(session, {
    app: (_stream, _pid, bytes) => prompt.write(bytes),
    note: (text) => prompt.write(`${text}\n`),
  });
  const tasks = plural(session.node.tasks().length, "task");
  shell.out.note(`${session.options.profile} node with ${tasks}; help lists the verbs, exit ends`);
  await prompt.run();
}

async function script(shell: Shell, options: Options): Promise<Exit> {
  const { terminal } = shell.out;
  const { file } = options;
  speakFor(shell.state.session, plainSpeaker(shell.out, shell.state.session));
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
