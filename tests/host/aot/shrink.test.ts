// Making assembly text smaller: registers saved by shared routines, calls brought within reach, what is not used left alone.

import { describe, expect, it } from "vitest";
import { arrange } from "../../../host/aot/arrange.ts";
import { shareSaves } from "../../../host/aot/saves.ts";
import { shrink } from "../../../host/aot/shrink.ts";

/** What the compiler's text begins with. */
const HEAD = "__zero_reg__ = 1\n";

function functionText(name: string, body: readonly string[]): string {
  return [`\t.section\t.text.${name},"ax",@progbits`, `${name}:`, ...body, ""].join("\n");
}

/** Lines of a function. */
function bodyOf(text: string, name: string): string[] {
  const lines = text.split("\n");
  const start = lines.indexOf(`${name}:`);
  const end = lines.findIndex((line, n) => n > start && /^\t\.(section|size)/.test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).filter((line) => line !== "");
}

function saving(registers: readonly number[], body: readonly string[], last = "\tret"): string[] {
  const pushes = registers.map((n) => `\tpush r${n}`);
  return [...pushes, ...body, ...registers.toReversed().map((n) => `\tpop r${n}`), last];
}

const NONE: ReadonlySet<string> = new Set();

describe("registers that functions save", () => {
  it("saves and restores them from the lowest on by routines", () => {
    const text = shareSaves(
      HEAD + functionText("a", saving([14, 15, 28, 29], ["\tinc r24"])),
      NONE,
    );
    expect(bodyOf(text, "a")).toEqual(["\tcall save_r14", "\tinc r24", "\tjmp restore_r14"]);
    // the return address, its high byte on top, is where the routine goes on
    expect(bodyOf(text, "save_r14")).toEqual([
      ...["\tpop r31", "\tpop r30"],
      ...["\tpush r29", "\tpush r28", "\tpush r17", "\tpush r16", "\tpush r15", "\tpush r14"],
      "\tijmp",
    ]);
    expect(bodyOf(text, "restore_r14")).toEqual([
      ...["\tpop r14", "\tpop r15", "\tpop r16", "\tpop r17", "\tpop r28", "\tpop r29"],
      "\tret",
    ]);
  });

  it("enters one restoring routine at the lowest register of each function", () => {
    const a = functionText("a", saving([16, 17, 28, 29], []));
    const b = functionText("b", saving([28, 29], []));
    const text = shareSaves(HEAD + a + b, NONE);
    expect(bodyOf(text, "b")).toEqual(["\tpush r29", "\tpush r28", "\tjmp restore_r28"]);
    expect(bodyOf(text, "restore_r16")).toContain("restore_r28:");
  });

  it("calls what a function ended in, and counts the registers it saves besides", () => {
    const body = [".L__stack_usage = 3", "\tinc r24"];
    const text = shareSaves(HEAD + functionText("a", saving([15, 16, 28], body, "\tjmp b")), NONE);
    expect(bodyOf(text, "a").slice(1)).toEqual([
      ...[".L__stack_usage = 5", "\tinc r24"],
      ...["\tcall b", "\tjmp restore_r15"],
    ]);
  });

  it("leaves alone what is hot, what saves one register, and what ends otherwise than it began", () => {
    const hot = functionText("hot", saving([16, 17, 28, 29], []));
    const one = functionText("one", saving([28], []));
    const odd = functionText("odd", [...saving([16, 17, 28, 29], []), "\tpop r28", "\tret"]);
    const text = HEAD + hot + one + odd;
    expect(shareSaves(text, new Set(["hot"]))).toBe(text);
  });
});

/** A function of so many bytes. */
function long(name: string, bytes: number, more: readonly string[] = []): string {
  return functionText(name, [...more, ...new Array<string>(bytes / 2).fill("\tnop"), "\tret"]);
}

function order(text: string): string[] {
  return [...text.matchAll(/^([a-z][\w.]*):/gm)].map(([, name = ""]) => name);
}

describe("the order of functions", () => {
  it("brings together what calls each other", () => {
    const text = arrange(
      HEAD + long("a", 3000, ["\tcall d"]) + long("b", 3000) + long("c", 3000) + long("d", 3000),
    );
    const names = order(text);
    expect(Math.abs(names.indexOf("a") - names.indexOf("d"))).toBe(1);
  });

  it("copies a short routine to where it is out of reach", () => {
    const calls = ["\tcall short", "\tcall short", "\tcall short", "\tcall short"];
    const text = arrange(
      HEAD +
        long("a", 8000, calls) +
        functionText("short", ["\tret"]) +
        long("between", 8000) +
        long("b", 8000, calls),
    );
    expect(text).toMatch(/^\t\.section\t\.text\.short\.copy\d+,"ax"/m);
    expect(text).toMatch(/^\tcall short\.copy\d+$/m);
    expect(text).toMatch(/^\tcall short$/m);
  });

  it("goes by one jump from where several call what is far away", () => {
    const calls = ["\tcall far", "\tcall far", "\tcall far"];
    const text = arrange(
      HEAD + long("a", 8000, calls) + long("far", 8000) + long("b", 8000, calls),
    );
    const [, near = ""] = /^(far\.near\d+):$/m.exec(text) ?? [];
    expect(bodyOf(text, near)).toEqual(["\tjmp far"]);
    expect(text.match(new RegExp(`^\tcall ${near.replace(".", "\\.")}$`, "gm"))).toHaveLength(3);
  });

  it("loses and doubles no line that is not copied", () => {
    const text = arrange(HEAD + long("a", 10, ["\tcall b"]) + long("b", 10) + long("c", 10));
    expect(order(text).sort()).toEqual(["a", "b", "c"]);
  });
});

describe("making a program smaller", () => {
  it("leaves what the roots do not reach as the compiler wrote it, at the end", () => {
    const saved = saving([14, 15, 16, 17, 28, 29], []);
    const unused = functionText("unused", saved);
    const text =
      HEAD + unused + functionText("main", ["\tcall used", "\tret"]) + functionText("used", saved);
    const result = shrink(text, { keep: NONE, stacked: NONE, roots: new Set(["main"]) });
    expect(bodyOf(result, "used")).toEqual(["\tcall save_r14", "\tjmp restore_r14"]);
    expect(result.endsWith(unused)).toBe(true);
  });

  it("lets functions with arguments on the stack save their registers themselves", () => {
    const text = HEAD + functionText("many", saving([14, 15, 16, 17, 28, 29], []));
    const many = new Set(["many"]);
    expect(shrink(text, { keep: NONE, stacked: many, roots: many })).toContain("\tpush r14");
  });
});
