// Folding of assembly text: what repeats becomes a routine, with its branches; what depends on its place stays.

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

  it("keeps what a skip may pass over with it", () => {
    const skipped = ["\tsbrc r18,7", ...STORE, "\tinc r24"];
    const text = fold({ a: ["\tclr r1", ...skipped], b: ["\tclr r2", ...skipped], c: STORE });
    expect(bodyOf(text, "a")).toEqual(["\tclr r1", "\tjmp outlined_0"]);
    expect(bodyOf(text, "outlined_0")).toEqual([...skipped, "\tret"]);
    const apart = fold({ a: skipped, b: ["\tsbrs r18,7", ...skipped.slice(1)], c: ["\tret"] });
    expect(bodyOf(apart, "a").slice(0, 2)).toEqual(["\tsbrc r18,7", STORE[0]]);
  });

  it("keeps what a branch without a label passes over with it", () => {
    const hopped = ["\tbrlo .+6", ...STORE, "\tinc r24"]; // into the second store: two lines are passed over
    const other = ["\tbrsh .+6", ...STORE, "\tinc r24"];
    const text = fold({ a: hopped, b: other });
    expect(bodyOf(text, "a").slice(0, 3)).toEqual(["\tbrlo .+6", STORE[0], STORE[1]]);
    expect(bodyOf(text, "a")[3]).toBe("\tjmp outlined_0");
  });

  const chosen = (label: string) => {
    return [`\tbreq ${label}`, ...STORE, `${label}:`, "\tinc r24", "\tdec r25"];
  };

  it("takes a branch along with its label, whatever the label is called", () => {
    const text = fold({ a: chosen(".L1"), b: ["\tclr r1", ...chosen(".L2")] });
    expect(bodyOf(text, "a")).toEqual(["\tjmp outlined_0"]);
    expect(bodyOf(text, "b")).toEqual(["\tclr r1", "\tjmp outlined_0"]);
    expect(bodyOf(text, "outlined_0")).toEqual([...chosen(".L1"), "\tret"]);
  });

  it("takes a loop along whose label is a number", () => {
    const shift = ["1:", "\tlsr r25", "\tror r24", "\tdec r18", "\tbrne 1b"];
    const a = ["\tldi r18,4", ...shift, "\tinc r24"];
    const text = fold({ a, b: [...shift, "\tinc r25"], c: [...shift, "\tinc r26"] });
    expect(bodyOf(text, "a")).toEqual(["\tldi r18,4", "\tcall outlined_0", "\tinc r24", "\tret"]);
    expect(bodyOf(text, "outlined_0")).toEqual([...shift, "\tret"]);
  });

  it("leaves a label where something else branches to it", () => {
    const text = fold({ a: ["\tbrne .L1", ...chosen(".L1")], b: chosen(".L2"), c: chosen(".L3") });
    expect(bodyOf(text, "a")).toContain(".L1:");
    expect(bodyOf(text, "a")).toContain("\tbreq .L1");
  });

  it("leaves a label whose address is taken", () => {
    const a = [...chosen(".L1"), "\tldi r30,lo8(.L1)"];
    const text = fold({ a, b: chosen(".L2"), c: chosen(".L3") });
    expect(bodyOf(text, "a")).toContain(".L1:");
  });

  it("takes a long jump along like a short one", () => {
    const jump = ["\tsbrc r24,7", "\tjmp .L1", ...STORE, ".L1:", "\tinc r24"];
    const text = fold({ a: jump, b: jump.map((line) => line.replace(".L1", ".L2")) });
    expect(bodyOf(text, "a")).toEqual(["\tjmp outlined_0"]);
    const far = fold({ a: ["\tjmp .L1", ...jump.slice(2)], b: jump.slice(2), c: jump.slice(2) });
    expect(bodyOf(far, "a")).toContain(".L1:");
  });

  it("returns behind a call that a skip may pass over", () => {
    const last = [...STORE, "\tsbrc r24,7", "\tcall other"];
    const text = fold({ a: [...last, "\tinc r24"], b: [...last, "\tinc r25"] });
    expect(bodyOf(text, "outlined_0")).toEqual([...last, "\tret"]);
  });

  it("calls nothing that moves the stack pointer or has arguments on the stack", () => {
    const body = ["\tpush r16", "\tcall many", "\tpop r16", "\tcall many"];
    const text = fold({ a: [...body, "\tinc r24"], b: [...body, "\tinc r25"] });
    expect(bodyOf(text, "a").slice(0, 4)).toEqual(body);
  });

  it("jumps to an end that takes registers off the stack", () => {
    const end = ["\tpop r17", "\tpop r16", "\tpop r15"];
    const text = fold({ a: ["\tinc r24", ...end], b: ["\tinc r25", ...end] });
    expect(bodyOf(text, "a")).toEqual(["\tinc r24", "\tjmp outlined_0"]);
    expect(bodyOf(text, "outlined_0")).toEqual([...end, "\tret"]);
  });

  it("does not take a return for an end that a skip may pass over", () => {
    const body = ["\tinc r24", "\tinc r25", "\tsbrc r24,7", "\tret", "\tinc r26"];
    const text = fold({ a: body, b: [...body.slice(0, 4), "\tinc r27"] });
    expect(bodyOf(text, "a").slice(0, 4)).toEqual(body.slice(0, 4));
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
