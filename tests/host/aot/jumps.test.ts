// Jumps within functions: ends are spread before sequences are looked for, jumps as short as they can be afterwards.

import { describe, expect, it } from "vitest";
import { shortenJumps, spreadEnds } from "../../../host/aot/jumps.ts";

function section(body: readonly string[]): string {
  return ["__zero_reg__ = 1", `\t.section\t.text.a,"ax",@progbits`, "a:", ...body, ""].join("\n");
}

const NONE: ReadonlySet<string> = new Set();
const END = [".L9:", "/* epilogue start */", "\tjmp restore_r16"];
const FAR = new Array<string>(70).fill("\tnop");

describe("ends", () => {
  it("puts the end of a function where it is jumped to", () => {
    const text = spreadEnds(section(["\tldi r24,1", "\trjmp .L9", "\tinc r24", ...END]), NONE);
    const ends = ["\tldi r24,1", "\tjmp restore_r16", "\tinc r24", ...END];
    expect(text).toBe(section(ends));
  });

  it("leaves a jump that a skip or branch passes over, for its length", () => {
    const body = ["\tsbrc r24,7", "\trjmp .L9", "\tbreq .+2", "\trjmp .L9", ...END];
    expect(spreadEnds(section(body), NONE)).toBe(section(body));
  });

  it("leaves functions alone whose time matters", () => {
    const text = section(["\trjmp .L9", "\tinc r24", ...END]);
    expect(spreadEnds(text, new Set(["a"]))).toBe(text);
  });

  it("jumps to the end again where nothing came of it", () => {
    const body = ["\tjmp restore_r16", "\tinc r24", ".L9:", "\tjmp restore_r16"];
    const jumps = ["\trjmp .L9", "\tinc r24", ".L9:", "\tjmp restore_r16"];
    expect(shortenJumps(section(body))).toBe(section(jumps));
  });
});

describe("branches", () => {
  it("branches where it branched over a jump, if that is near", () => {
    const body = ["\tbreq .+2", "\trjmp .L1", "\tinc r24", ".L1:", "\tret"];
    const near = ["\tbrne .L1", "\tinc r24", ".L1:", "\tret"];
    expect(shortenJumps(section(body))).toBe(section(near));
  });

  it("jumps what a branch does not reach, 63 instructions on", () => {
    const body = ["\tbreq .+2", "\trjmp .L1", ...FAR, ".L1:", "\tret"];
    expect(shortenJumps(section(body))).toBe(section(body));
  });

  it("leaves a branch that a skip may pass over", () => {
    const body = ["\tsbrc r24,7", "\tbreq .+2", "\trjmp .L1", ".L1:", "\tret"];
    expect(shortenJumps(section(body))).toBe(section(body));
  });
});
