// What becomes of many nodes as it happens: a line for each on a terminal, one line a change elsewhere.

import type { Output } from "../output.ts";

/** Lines that are written over. On anything but a terminal each change is a line of its own. */
export class LiveLines {
  private readonly lines = new Map<string, string>();
  private drawn = 0;
  private readonly isLive: boolean;

  /** `rows`: lines that may be written over; with more, changes are told one by one. */
  constructor(
    private readonly out: Output,
    count: number,
    rows = 40,
  ) {
    const { stderr, env } = out.terminal;
    this.isLive = !out.json && stderr.isTTY && env.TERM !== "dumb" && !env.CI && count <= rows;
  }

  /** Says how something stands. `isNews`: worth a line where lines cannot be written over. */
  set(key: string, text: string, isNews = true): void {
    if (this.lines.get(key) === text) return;
    this.lines.set(key, text);
    if (this.isLive) this.draw();
    else if (isNews) this.out.note(text);
  }
  private draw(): void {
    const { stderr } = this.out.terminal;
    const up = this.drawn > 0 ? `\x1b[${this.drawn}A` : "";
    const lines = [...this.lines.values()].map(
      (line) => `\x1b[2K${line.slice(0, stderr.columns - 1)}\n`,
    );
    stderr.write(up + lines.join(""));
    this.drawn = lines.length;
  }
}
