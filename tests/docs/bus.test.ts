// docs/bus.md: its bench file is one, for the reader and for the schema, and its log is one.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readBench } from "../../host/formats/bench.ts";
import { readCandump } from "../../host/formats/candump.ts";
import { parseToml, type TomlNode } from "../../host/formats/toml.ts";
import { BENCH } from "../../scripts/bench-schema.ts";
import { fromRoot } from "../../scripts/root.ts";

const page = readFileSync(fromRoot("docs/bus.md"), "utf8");
const example = /```toml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";

/** What a TOML parser without places would give. */
function plain(node: TomlNode): unknown {
  if (node.kind === "table")
    return Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)]));
  if (node.kind === "array") return node.items.map(plain);
  return "value" in node ? node.value : undefined;
}
const isForm = (text: string) =>
  BENCH.safeParse(plain(parseToml(text, "b.toml").root as TomlNode)).success;
const isRead = (text: string) => readBench(text, "b.toml").diagnostics.length === 0;

describe("docs/bus.md", () => {
  it("has a bench of 21 nodes", () => {
    const { bench, diagnostics } = readBench(example, "b.toml");
    expect(diagnostics).toEqual([]);
    expect(bench?.nodes).toHaveLength(21);
    expect(bench?.faults.map(({ kind }) => kind)).toEqual(["loss", "power"]);
  });

  it("has a log", () => {
    const log = page.split("\n").filter((line) => /^ {4}\(\d/.test(line));
    const { frames, diagnostics } = readCandump(log.map((line) => line.trim()).join("\n"), "l");
    expect([frames.length, diagnostics]).toEqual([3, []]);
  });

  it.each([
    [example, true],
    ['[[nodes]]\nkind = "small"', true],
    ["[[nodes]]", true],
    ["seed = 1", false],
    ['[[nodes]]\nkind = "smal"', false],
    ['bit_rate = 300\n[[nodes]]\nkind = "small"', false],
    ['[[nodes]]\nkind = "small"\nfram = 9000', false],
    ['[[nodes]]\nkind = "small"\ncrystall = 3', false],
    ['[[nodes]]\nkind = "small"\n[[faults]]\nnodes = "1"', false],
    ['[[nodes]]\nkind = "small"\n[[faults]]\nkind = "loss"\nprobability = 2', false],
  ])("reader and schema agree on %j", (text, isRight) => {
    expect([isRead(text), isForm(text)]).toEqual([isRight, isRight]);
  });
});
