// Options of commands that bring an app to a node: its ids and keys, its restarts, its trial.

import { type Command, Option } from "commander";
import { CONFIRM_AFTER, parseAfter } from "./boot-text.ts";
import { parseInteger } from "./numbers.ts";

// ---- Instance ----

export interface InstanceValues {
  readonly restarts: string;
  readonly groupBase: string;
  readonly keyBase: string;
}

/** `restartsMax`: restarts that can be asked for there. */
export function addInstanceOptions(command: Command, restartsMax: number): Command {
  return command
    .option("--restarts <n>", `how often a fault restarts the app, 0 to ${restartsMax}`, "0")
    .option("--group-base <n>", "add to the group of every value and command", "0")
    .option("--key-base <n>", "add to every persist key", "0");
}
export function instanceOf(values: InstanceValues, restartsMax: number) {
  return {
    restarts: parseInteger(values.restarts, "--restarts", 0, restartsMax),
    groupBase: parseInteger(values.groupBase, "--group-base", 0, 255),
    keyBase: parseInteger(values.keyBase, "--key-base", 0, 0xffff),
  };
}

// ---- Trial ----

export interface TrialValues {
  readonly attempts: string;
  readonly confirmAfter: string;
}

/** `when` stands before what each option means. */
export function addTrialOptions(command: Command, when = ""): Command {
  return command
    .option("--attempts <n>", `${when}starts until it must be confirmed, 0 to 7; 0: no trial`, "3")
    .addOption(
      new Option("--confirm-after <time>", `${when}confirmed by time alone`)
        .choices(CONFIRM_AFTER)
        .default("never"),
    );
}
export function trialOf({ attempts, confirmAfter }: TrialValues) {
  return {
    attempts: parseInteger(attempts, "--attempts", 0, 7),
    confirmAfter: parseAfter(confirmAfter),
  };
}
