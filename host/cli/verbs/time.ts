// run, clock, reboot, exit: node time, power, and the end of the shell.

import type { Command } from "commander";
import { plural } from "../../formats/text.ts";
import { usage } from "../exit.ts";
import { parseDuration, secondsText } from "../numbers.ts";
import { addCommand } from "../program.ts";
import type { VerbContext } from "../shell/context.ts";
import { hasEnded } from "../symbols.ts";

export function addRunTime(parser: Command, { out, session }: VerbContext): void {
  addCommand(
    parser,
    "run [time]",
    "let node time pass at once; without a time, until all apps have ended",
    [
      ["run 5s", "five seconds of node time"],
      ["run", "at most a day"],
    ],
  ).action((text?: string) => {
    const start = session.now_ms;
    const isOver = () => text === undefined && session.node.tasks().every(hasEnded);
    session.advance(text === undefined ? parseDuration("1d") : parseDuration(text), isOver);
    const data = { ran_ms: session.now_ms - start, at_ms: session.now_ms };
    out.result("hsx.run.time/1", data, () => `node time ${secondsText(session.now_ms)}`);
  });
}

export function addClock(parser: Command, { out, session, state }: VerbContext): void {
  addCommand(
    parser,
    "clock [pace]",
    "show node time; live: it passes with the wall clock, manual: with run alone",
    [["clock manual", "nothing happens between lines"]],
  ).action((pace?: string) => {
    if (pace !== undefined && pace !== "live" && pace !== "manual") {
      throw usage(`"${pace}" is no pace`, "there are live and manual");
    }
    if (pace !== undefined) state.isLive = pace === "live";
    const data = { at_ms: session.now_ms, pace: state.isLive ? "live" : "manual" };
    out.result("hsx.clock/1", data, () => `node time ${secondsText(session.now_ms)}, ${data.pace}`);
  });
}

export function addReboot(parser: Command, { out, session, state }: VerbContext): void {
  addCommand(
    parser,
    "reboot",
    "switch the node off and on: apps are loaded anew, the store keeps its values",
  ).action(async () => {
    await session.powerCycle();
    state.eventsSeen = 0;
    const apps = session.node.tasks().map((t) => ({ pid: t.pid, name: t.name }));
    out.result(
      "hsx.reboot/1",
      { apps },
      () => `the node runs again, with ${plural(apps.length, "app")}`,
    );
  });
}

export function addExit(parser: Command, { state }: VerbContext): void {
  addCommand(parser, "exit", "leave the shell")
    .alias("quit")
    .action(() => {
      state.isOver = true;
    });
}
