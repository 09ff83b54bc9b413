// Scripts: lines one after another, each with a status, until one fails.

import { Exit } from "../exit.ts";
import type { Output } from "../output.ts";
import type { Shell } from "./shell.ts";

export interface ScriptOptions {
  /** What messages call the script. */
  readonly name: string;
  readonly keepsGoing: boolean;
  /** Tell of each line that it went well, too. */
  readonly isVerbose: boolean;
}

function tellStatus(out: Output, place: { line: number; verb: string }, exit: Exit): void {
  if (out.json) out.result("hsx.status/1", { ...place, ok: exit === Exit.OK, exit }, () => "");
}

/** Runs the lines and returns the exit code: of the line that failed, or PARTIAL when others went well. */
export async function runScript(
  shell: Shell,
  lines: AsyncIterable<string> | Iterable<string>,
  options: ScriptOptions,
): Promise<Exit> {
  const { out, state } = shell;
  let [number, good] = [0, 0];
  let worst: Exit = Exit.OK;
  for await (const line of lines) {
    number++;
    if (/^\s*(#|$)/.test(line)) continue;
    if (options.isVerbose) out.note(`${options.name}:${number}: ${line.trim()}`);
    const { exit, failure } = await shell.run(line);
    tellStatus(out, { line: number, verb: line.trim() }, exit);
    if (failure !== undefined) out.error(failure, `${options.name}:${number}`);
    if (exit === Exit.OK) good++;
    else if (worst === Exit.OK) worst = exit;
    if (state.isOver || (exit !== Exit.OK && !options.keepsGoing) || exit === Exit.INTERRUPTED)
      break;
  }
  return worst !== Exit.OK && options.keepsGoing && good > 0 ? Exit.PARTIAL : worst;
}
