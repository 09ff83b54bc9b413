// The command lines that pages, README files and messages of help show: every command and option of them exists.

import { readdirSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { makeProgram } from "../../host/cli/cli.ts";
import { Install } from "../../host/cli/install.ts";
import { Output } from "../../host/cli/output.ts";
import { commandOf } from "../../host/cli/program.ts";
import { processTerminal } from "../../host/cli/terminal.ts";
import { fromRoot, ROOT } from "../../scripts/root.ts";
import { PAGES, pageText } from "./pages.ts";

const out = new Output(processTerminal(), false);
const program = makeProgram({ out, install: new Install(ROOT), exit: 0 });
const READMES = readdirSync(fromRoot("examples"))
  .map((name) => `examples/${name}/README.md`)
  .filter((path) => !path.includes("bench/"));

/** Lines of code that begin with `hsx`, and such words between backticks; without what follows # or a pipe. */
function commandLines(text: string): string[] {
  const lines = text.matchAll(/^(?: {4})?(?:npx )?(hsx [a-z].*)$/gm);
  const words = text.matchAll(/`(hsx [a-z][^`\n]*)`/g);
  return [...lines, ...words].map(([, line = ""]) => line.replace(/ *[#|>].*$/, ""));
}

/** What is wrong with a line; empty: nothing. */
function mistakeOf(line: string): string {
  const words = line.split(/\s+/).slice(1);
  const command: Command = commandOf(program, words);
  if (command === program && words[0] !== "help" && !words[0]?.startsWith("-"))
    return `there is no command ${words[0]}`;
  const known = [...command.options.flatMap((o) => [o.long, o.short]), "--help", "-h"];
  const unknown = words.find((word) => /^--?[a-z]/i.test(word) && !known.includes(word));
  return unknown === undefined ? "" : `there is no option ${unknown}`;
}

describe("the command lines", () => {
  it.each(["README.md", ...READMES, ...PAGES])(
    "of %s are of commands and options that exist",
    (page) => {
      const lines = commandLines(pageText(page));
      const wrong = lines.map((line) => [line, mistakeOf(line)]).filter(([, text]) => text !== "");
      expect(wrong).toEqual([]);
    },
  );

  it("are found in README and on pages", () => {
    expect(commandLines(pageText("README.md"))).toContain("hsx build blink.mvasm -o blink.hxe");
    expect(commandLines(pageText("docs/bus.md"))).toContain(
      "hsx monitor --bus sim:bench.toml --for 2s",
    );
    expect(mistakeOf("hsx bild x.mvasm")).toBe("there is no command bild");
    expect(mistakeOf("hsx persist verify x --cell")).toBe("there is no option --cell");
  });
});
