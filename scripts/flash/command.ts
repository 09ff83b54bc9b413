// Runs the tools that write firmware into chips, or shows what would be run.

import { spawnSync } from "node:child_process";

export type Command = readonly [string, ...string[]];

/** A command as a shell takes it. */
export function shellText(command: Command): string {
  return command
    .map((word) => (/^[\w./:=+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** Ends the process with a message. */
export function fail(script: string, message: string, status = 1): never {
  process.stderr.write(`${script}: ${message}\n`);
  process.exit(status);
}

/** Runs a tool, its progress on stderr, and returns what it printed on stdout. Ends the process when it fails. */
export function runTool(script: string, command: Command, input: "show" | "read"): string {
  const [tool, ...args] = command;
  const stdout = input === "read" ? "pipe" : 2;
  const {
    error,
    status,
    stdout: text,
  } = spawnSync(tool, args, {
    encoding: "utf8",
    stdio: ["ignore", stdout, 2],
  });
  if (error !== undefined) fail(script, `${tool} cannot be started: apt-get install ${tool}`);
  if (status !== 0) fail(script, `${tool} ended with status ${status}: ${shellText(command)}`);
  return text ?? "";
}
