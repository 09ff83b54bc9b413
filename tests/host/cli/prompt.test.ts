// The prompt on a terminal, which script(1) of util-linux provides: live time, completion, history, Ctrl-C, Ctrl-D.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../../../scripts/root.ts";
import { example, inFolder } from "./harness.ts";

let blink = "";
beforeAll(async () => {
  blink = await example("blink");
});

/** A command on a terminal of its own. */
class Typist {
  private readonly child: ChildProcess;
  private seen = "";
  private from = 0;

  constructor(args: readonly string[]) {
    const line = [process.execPath, fromRoot("build/cli/hsx.mjs"), ...args].join(" ");
    const env = { ...process.env, TERM: "xterm", NO_COLOR: "1", XDG_STATE_HOME: inFolder("state") };
    this.child = spawn("script", ["-qec", line, "/dev/null"], { env });
    this.child.stdout?.on("data", (data: Buffer) => {
      this.seen += data.toString();
    });
  }
  /** Waits until a text has come since the last one that was waited for. */
  async see(text: string): Promise<void> {
    const start = Date.now();
    while (this.seen.indexOf(text, this.from) < 0) {
      if (Date.now() - start > 10_000) throw new Error(`no "${text}" in:\n${this.seen}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.from = this.seen.indexOf(text, this.from) + text.length;
  }
  type(text: string): void {
    this.child.stdin?.write(text);
  }
  ended(): Promise<number | null> {
    return new Promise((resolve) => this.child.on("exit", resolve));
  }
}

describe.runIf(process.platform === "linux")("the prompt", () => {
  it("lets node time pass, completes, stops at Ctrl-C, and remembers", async () => {
    const terminal = new Typist(["shell", "--preload", blink]);
    const ended = terminal.ended();
    await terminal.see("help lists the verbs");
    await terminal.see("hsx> ");
    terminal.type("val get bl");
    await terminal.see("val get bl");
    terminal.type("\t");
    await terminal.see("ink:period ");
    terminal.type("\r");
    await terminal.see("500 ms");
    terminal.type("val get nothing\r");
    await terminal.see('error: there is no value "nothing"');
    terminal.type("gpio watch\r");
    await terminal.see("pin 0 ");
    await terminal.see("pin 0 "); // a quarter of a second later
    terminal.type("\x03");
    await terminal.see("hsx> ");
    terminal.type("clock\r");
    await terminal.see(", live");
    terminal.type("\x04");
    expect(await ended).toBe(0);
    const history = readFileSync(inFolder("state/hsx/history"), "utf8").trim().split("\n");
    expect(history).toEqual(["clock", "gpio watch", "val get nothing", "val get blink:period"]);
  });
});
