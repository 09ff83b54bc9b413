// Folding of assembly text: what repeats becomes a routine, what depends on its place stays.

import { describe, expect, it } from "vitest";
import { outline, stackedOf } from "../../../host/aot/outline.ts";

const STORE = ["\tsts 784,r24", "\tsts 785,r25", "\tsts 786,r26"];

function functionText(name: string, body: readonly string[]): string {
  return [`\t.section\t.text.${name},"ax",@progbits`, `${name}:`, ...body, "\tret"].join("\n");
}

function fold(
  bodies: Readonly<Record<string, readonly string[]>>,
  keep: readonly string[] = [],
): string {
  const text = Object.entries(bodies).map(([name, body]) => functionText(name, body));
  return outline(text.join("\n"), { keep: new Set(keep), stacked: new Set(["many"]) });
}

/** Lines of a function in the result. */
function bodyOf(text: string, name: string): string[] {
  const lines = text.split("\n");
  const start = lines.indexOf(`${name}:`);
  const end = lines.findIndex((line, n) => n > start && /^\t\.(section|size)/.test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end);
}

describe("folding assembly", () => {
  it("jumps to the common end of three functions", () => {
    const text = fold({ a: STORE, b: STORE, c: ["\tclr r24", ...STORE] });
    expect(bodyOf(text, "a")).toEqual(["\tjmp outlined_0"]);
    expect(bodyOf(text, "c")).toEqual(["\tclr r24", "\tjmp outlined_0"]);
    expect(bodyOf(text, "outlined_0")).toEqual([...STORE, "\tret"]);
  });

  it("calls what repeats in the middle", () => {
    const text = fold({
      a: [...STORE, "\tinc r24"],
      b: [...STORE, "\tinc r25"],
      c: [...STORE, "\tinc r26"],
    });
    expect(bodyOf(text, "a")).toEqual(["\tcall outlined_0", "\tinc r24", "\tret"]);
    expect(bodyOf(text, "outlined_0")).toEqual([...STORE, "\tret"]);
  });

  it("leaves functions whose time matters as they are", () => {
    const text = fold({ a: STORE, b: STORE, c: STORE, hot: STORE }, ["hot"]);
    expect(bodyOf(text, "hot")).toEqual([...STORE, "\tret"]);
  });

  it("takes nothing along that a skip may pass over", () => {
    const skipped = ["\tsbrc r18,7", ...STORE, "\tinc r24"];
    const text = fold({ a: skipped, b: skipped, c: skipped });
    expect(bodyOf(text, "a").slice(0, 2)).toEqual(["\tsbrc r18,7", STORE[0]]);
  });

  it("takes nothing along that a branch without a label passes over", () => {
    const hopped = ["\tbrlo .+4", ...STORE, "\tinc r24"];
    const text = fold({ a: hopped, b: hopped, c: hopped });
    expect(bodyOf(text, "a").slice(0, 2)).toEqual(["\tbrlo .+4", STORE[0]]);
  });

  it("moves neither the stack pointer nor calls with arguments on the stack", () => {
    const body = ["\tpush r16", "\tcall many", "\tpop r16", "\tcall many"];
    const text = fold({ a: body, b: body, c: body });
    expect(bodyOf(text, "a").filter((line) => /push|pop|many/.test(line))).toEqual(body);
  });

  it("gives the same text twice", () => {
    const bodies = { a: STORE, b: STORE, c: STORE };
    expect(fold(bodies)).toBe(fold(bodies));
  });

  it("knows which functions take arguments on the stack", () => {
    // avr-gcc: R25 to R8 hold arguments, each from an even register on
    const words = (n: number) => new Array<"u32">(n).fill("u32");
    const shape = (symbol: string, params: ("u32" | "u8")[]) => {
      return { symbol, params, result: undefined };
    };
    const functions = [shape("four", words(4)), shape("full", [...words(4), "u8"])];
    expect([...stackedOf([...functions, shape("many", words(5))])]).toEqual(["many"]);
  });
});
