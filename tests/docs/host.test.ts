// docs/host.md tells of every export, and its example runs.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TaskState } from "../../assembly/spec/node.ts";
import { Machine } from "../../host/node/hal.ts";
import { PROFILES } from "../../scripts/core.ts";
import { fromRoot } from "../../scripts/root.ts";
import { guestOf } from "../drivers/guest.ts";
import { blocksOf, pageText, tableRows } from "./pages.ts";

const PAGE = "docs/host.md";
const index = readFileSync(fromRoot("assembly/index.ts"), "utf8");

/** Exports with their number of parameters. */
function exportsOf(): Map<string, number> {
  const found = index.matchAll(/^export function (hsx_\w+)\(([^)]*)\)/gm);
  return new Map(
    Array.from(found, ([, name = "", list = ""]) => [name, list.split(":").length - 1]),
  );
}

describe("docs/host.md", () => {
  it("tells of every export and of no other, with all its arguments", () => {
    const rows = tableRows(pageText(PAGE)).filter(([name]) => name?.startsWith("`hsx_"));
    const told = rows.map(([name = "", given = ""]): [string, number] => {
      const isNone = given === "";
      const list = given.replace(/, from [01]$/, "").split(/[,;]/);
      return [name.replaceAll("`", ""), isNone ? 0 : list.length];
    });
    expect(new Map(told.sort())).toEqual(new Map([...exportsOf()].sort()));
  });

  it.each(PROFILES)("has an example that runs on the $name core", async (profile) => {
    const [example] = blocksOf(PAGE, "js");
    const { image } = guestOf(`LDI R0, 42\nSVC 0x100\n.data\n.zero 200\n`);
    const machine = new Machine({ pins: 0 });
    const module = await WebAssembly.compile(readFileSync(fromRoot(profile.outFile)));
    const hal = machine.imports() as unknown as WebAssembly.ModuleImports;
    const instance = await WebAssembly.instantiate(module, { hal });
    machine.attach(() => new Uint8Array((instance.exports.memory as WebAssembly.Memory).buffer));
    const run = new Function("instance", "image", example?.text ?? "");
    expect(run(instance, image)).toEqual({ pid: 1, state: TaskState.EXITED, r0: 42 });
    expect(run(instance, image.subarray(0, 20))).toEqual({ error: -41 });
  });
});
