// The built modules of the core: what they import, export and take, and how the MiniVM dispatches.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Op } from "../../assembly/spec/opcodes.ts";
import { PROFILES } from "../../scripts/core.ts";
import { describeCore, goldenFile, readCore } from "../../scripts/describe-core.ts";
import { fromRoot } from "../../scripts/root.ts";
import { read } from "./sources.ts";

/** How many targets each br_table of a module in text form has, besides its default. */
function tableLengths(wat: string): number[] {
  return Array.from(wat.matchAll(/\bbr_table([^\n()]+)/g), ([, targets = ""]) => {
    return targets.trim().split(/\s+/).length - 1;
  });
}

/** LDI32 and BRK lie apart: they are the default of the switch. */
function denseOpcodes(): number {
  const opcodes = Object.values(Op).filter((op) => typeof op === "number");
  const dense = opcodes.filter((op) => op < Op.LDI32);
  return Math.max(...dense) - Math.min(...dense) + 1;
}

describe.each(PROFILES)("the $name core", (profile) => {
  it("is as tests/golden says (after an intended change: npm run gen)", async () => {
    expect(await describeCore(profile)).toBe(read(goldenFile(profile)));
  });

  it("imports the HAL and nothing else", () => {
    const declared = read("assembly/hal.d.ts").matchAll(/^export declare function (\w+)/gm);
    const names = Array.from(declared, ([, name]) => `hal.${name}`);
    const imported = readCore(profile).imports.map((item) => item.split(" ")[0]);
    expect(imported.filter((name) => !names.includes(name ?? ""))).toEqual([]);
  });

  it("exports functions called hsx_ and its memory, no globals", () => {
    const others = readCore(profile).exports.filter((item) => !/^hsx_\w+ \(/.test(item));
    expect(others).toEqual(["memory: memory 0"]);
  });

  it("dispatches opcodes through one table", () => {
    const wat = readFileSync(fromRoot(profile.textFile), "utf8");
    const dispatch = tableLengths(wat).filter((length) => length >= denseOpcodes());
    expect(dispatch).toHaveLength(1);
  });
});

describe("reading br_table", () => {
  it("counts the targets and leaves out the default", () => {
    expect(tableLengths("local.get $0\nbr_table $a|1 $b $a\nunreachable")).toEqual([2]);
    expect(tableLengths("local.get $0\ni32.const 3\ni32.eq\nbr_if $a")).toEqual([]);
  });
});
