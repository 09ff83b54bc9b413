// Time that passes on a bus while a command watches it.

import { Option } from "commander";
import type { BusMaster } from "../../client/bus/master.ts";
import { Exit } from "../exit.ts";
import { parseDuration } from "../numbers.ts";
import type { Context } from "../program.ts";

/** Time between looks at interrupts. */
const LOOK_MS = 100;

/** `--for` of commands that watch a bus; undefined without it. */
export function busForOption(does = "how long; without it until Ctrl-C"): Option {
  return new Option("--for <time>", does).argParser(parseDuration);
}

/** Lets frames come until `isDone`, for `ms`, or until Ctrl-C, which alone makes an exit code. */
export async function watchBus(
  context: Context,
  master: BusMaster,
  ms: number | undefined,
  isDone: () => boolean = () => false,
): Promise<void> {
  let isInterrupted = false;
  const release = context.out.terminal.onInterrupt(() => {
    isInterrupted = true;
  });
  const end_us = master.link.now_us + (ms ?? Number.POSITIVE_INFINITY) * 1000;
  try {
    while (!isInterrupted && !isDone() && master.link.now_us < end_us)
      await master.listen(Math.min(LOOK_MS, (end_us - master.link.now_us) / 1000), isDone);
  } finally {
    release();
  }
  if (isInterrupted) context.exit = Exit.INTERRUPTED;
}
