// The walk of docs/calibration.md: its commands run, one after the other, and print what the page shows.

import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wordsOf } from "../../host/cli/shell/line.ts";
import { parseToml, type TomlNode } from "../../host/formats/toml.ts";
import { CALIBRATION } from "../../scripts/calibration-schema.ts";
import { fromRoot } from "../../scripts/root.ts";
import { hsx } from "../host/cli/harness.ts";
import { blocksOf, pageText, tableRows } from "./pages.ts";

const PAGE = "docs/calibration.md";
const EXAMPLE = fromRoot("examples/thermostat");
const back = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "hsx-walk-"));
beforeAll(async () => {
  for (const name of ["thermostat.mvasm", "thermostat.json", "calib.toml"]) {
    copyFileSync(join(EXAMPLE, name), join(folder, name));
  }
  process.chdir(folder);
  expect((await hsx(["build", "thermostat.mvasm", "-o", "thermostat.hxe"])).exit).toBe(0);
});
afterAll(() => {
  process.chdir(back);
  rmSync(folder, { recursive: true });
});

/** Runs a line as it stands behind the prompt; `echo TEXT |` before it is its input. */
async function run(line: string): Promise<string> {
  const [, input = "", command = ""] = /^(?:echo '([^']*)' \| )?hsx (.*)$/.exec(line) ?? [];
  const { out, err } = await hsx(wordsOf(command), input === "" ? {} : { stdin: `${input}\n` });
  return out + err;
}

const CONSOLES = blocksOf(PAGE, "console").map((block) => {
  const steps = block.text.split(/^\$ /m).slice(1);
  return { place: block.place, steps: steps.map((step) => step.split(/\n(.*)/s)) };
});

describe("the walk through calibration", () => {
  it.each(CONSOLES)("prints what $place shows", async ({ steps }) => {
    for (const [line = "", shown = ""] of steps)
      expect(`$ ${line}\n${await run(line)}`).toBe(`$ ${line}\n${shown}`);
  });
});

describe("the page of calibration files", () => {
  it("shows the example as it is", () => {
    const [shown] = blocksOf(PAGE, "toml");
    expect(shown?.text).toBe(readFileSync(join(EXAMPLE, "calib.toml"), "utf8"));
  });

  it("lists every key that a file may have", () => {
    const listed = tableRows(pageText(PAGE)).map(([key = ""]) => key.replace(/[`[\]]/g, ""));
    const known = Object.keys(CALIBRATION.shape);
    expect(listed.filter((key) => known.includes(key)).sort()).toEqual(known.sort());
  });
});

/** A file as an editor with the schema sees it. */
function plain(node: TomlNode): unknown {
  if (node.kind === "table")
    return Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)]));
  if (node.kind === "array") return node.items.map(plain);
  return node.kind === "date" ? new Date() : node.value;
}
const fits = (text: string) =>
  CALIBRATION.safeParse(plain(parseToml(text, "c.toml").root as TomlNode)).success;

describe("the schema of calibration files", () => {
  it("takes the example, and all that a file may say", () => {
    expect(fits(readFileSync(join(EXAMPLE, "calib.toml"), "utf8"))).toBe(true);
    const all = `schema = 1
media = "fram:512"
cells = 60
[values]
1 = 2.5
on = true
x = { bits = 0x7E01 }
[values.group]
y = -1
[node]
id = 7
sources = ["sd"]
[slots]
count = 2
bytes = 2048
[[apps]]
image = "a.hxe"
source = "can"
`;
    expect(fits(all)).toBe(true);
  });

  it.each([
    "schema = 256",
    "[valus]\n1 = 1",
    "[values]\n1 = 'x'",
    "[[apps]]\norder = 1",
    "cells = 0",
  ])("refuses %j", (text) => {
    expect(fits(text)).toBe(false);
  });
});
