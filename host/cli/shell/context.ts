// What verbs of the shell work with, and how node time passes for them.

import { Option } from "commander";
import { usage } from "../exit.ts";
import { parseDuration, parseInteger } from "../numbers.ts";
import type { Output } from "../output.ts";
import type { Session } from "../session.ts";

/** What lines share. */
export interface ShellState {
  readonly session: Session;
  /** Node time passes with the wall clock between lines and within them; otherwise only where a verb says so. */
  isLive: boolean;
  /** Ctrl-C was pressed during the present line. */
  isInterrupted: boolean;
  /** The shell was asked to end. */
  isOver: boolean;
  /** Newest event that was shown. */
  eventsSeen: number;
}

export interface VerbContext {
  readonly out: Output;
  readonly session: Session;
  readonly state: ShellState;
}

/** `--for` of verbs that watch; undefined without it. */
export function forOption(): Option {
  return new Option("--for <time>", "how long; a live shell goes on until Ctrl-C").argParser(
    parseDuration,
  );
}

/** `--count` of verbs that watch. */
export function countOption(what: string): Option {
  const parse = (text: string) => parseInteger(text, "--count", 1, 1_000_000);
  return new Option("--count <n>", `stop after so many ${what}`).argParser(parse);
}

const TICK_MS = 20;

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}

/**
 * Lets node time pass until `isDone` or for `ms`; undefined: until Ctrl-C, which a live shell alone can wait for.
 * Live, it passes with the wall clock; otherwise at once.
 */
export async function passTime(
  { session, state }: VerbContext,
  ms: number | undefined,
  isDone: () => boolean = () => false,
): Promise<void> {
  if (!state.isLive) {
    if (ms === undefined) throw usage("how long?", "say it with --for 10s");
    session.advance(ms, isDone);
    return;
  }
  const end = session.now_ms + (ms ?? Number.POSITIVE_INFINITY);
  while (session.now_ms < end && !isDone() && !state.isInterrupted) await tick();
}
