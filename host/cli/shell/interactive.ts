// The shell on a terminal: prompt, history, completion, and a node that runs while one thinks.

import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { readTextIfAny, writeOutput } from "../files.ts";
import { complete } from "./completer.ts";
import type { Shell } from "./shell.ts";

const TICK_MS = 20;
/** A pause of the terminal, or of the machine, is not made up for. */
const LAG_MAX_MS = 250;
const HISTORY_MAX = 500;

function historyFile(env: Readonly<Record<string, string | undefined>>): string {
  const state = env.XDG_STATE_HOME || join(env.HOME ?? homedir(), ".local", "state");
  return join(state, "hsx", "history");
}

function readHistory(file: string): string[] {
  return (readTextIfAny(file) ?? "").split("\n").filter((line) => line !== "");
}

function writeHistory(file: string, history: readonly string[]): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeOutput(file, `${history.join("\n")}\n`);
  } catch {
    // a read-only home costs the history, not the shell
  }
}

/** Lines typed at a prompt, until `exit` or Ctrl-D. */
export class Prompt {
  private readonly rl: Interface;
  private isRunning = false;

  constructor(private readonly shell: Shell) {
    const { stdin } = shell.out.terminal;
    const file = historyFile(shell.out.terminal.env);
    this.rl = createInterface({
      input: stdin,
      output: process.stdout,
      terminal: shell.out.terminal.stdout.isTTY,
      prompt: shell.out.style("bold", "hsx> "),
      history: readHistory(file),
      historySize: HISTORY_MAX,
      removeHistoryDuplicates: true,
      completer: (line: string) => complete(shell.parser(), shell.state.session, line),
    });
    this.rl.on("history", (history: string[]) => writeHistory(file, history));
    this.rl.on("SIGINT", () => this.interrupt());
  }

  /** Writes what an app says, above the line that is being typed. */
  write(data: string | Uint8Array): void {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    const { stdout } = this.shell.out.terminal;
    if (this.isRunning || !stdout.isTTY) {
      stdout.write(text);
      return;
    }
    stdout.write(`\r\x1b[K${text}${text.endsWith("\n") ? "" : "\n"}`);
    this.rl.prompt(true);
  }

  private interrupt(): void {
    if (this.isRunning) {
      this.shell.state.isInterrupted = true;
      return;
    }
    this.shell.out.terminal.stdout.write("\n");
    this.rl.write(null, { ctrl: true, name: "u" });
    this.rl.prompt();
  }

  async run(): Promise<void> {
    const { state } = this.shell;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      if (state.isLive) state.session.advance(Math.min(now - last, LAG_MAX_MS));
      last = now;
    }, TICK_MS);
    this.rl.prompt();
    try {
      for await (const line of this.rl) {
        await this.runLine(line);
        if (state.isOver) break;
        this.rl.prompt();
      }
    } finally {
      clearInterval(timer);
      this.rl.close();
    }
    if (!state.isOver) this.shell.out.terminal.stdout.write("\n"); // Ctrl-D
  }

  private async runLine(line: string): Promise<void> {
    this.isRunning = true;
    const { failure } = await this.shell.run(line);
    if (failure !== undefined) this.shell.out.error(failure);
    this.isRunning = false;
  }
}
