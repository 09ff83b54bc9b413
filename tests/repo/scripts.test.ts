// The chores' own logic: limits of figures, reading a WASM module.

import { describe, expect, it } from "vitest";
import { meets } from "../../scripts/figures.ts";
import { readModule } from "../../scripts/wasm-module.ts";

describe("a limit of a figure", () => {
  it.each([
    [5632, "<= 5632", true],
    [5633, "<= 5632", false],
    [9472, ">= 9472", true],
    [9471, ">= 9472", false],
    [0, "== 0", true],
    [1, "== 0", false],
  ] as const)("%d %s: %s", (value, limit, expected) => {
    expect(meets(value, limit)).toBe(expected);
  });
});

describe("reading a WASM module", () => {
  // WebAssembly core specification, "Binary Format": one function imported and exported again
  const sections = [
    [1, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f], // type (i32, i32) -> i32
    [2, 1, 3, 0x68, 0x61, 0x6c, 1, 0x66, 0, 0], // import hal.f, type 0
    [5, 1, 0, 1], // one memory page
    [7, 2, 1, 0x67, 0, 0, 1, 0x6d, 2, 0], // export g = function 0, m = memory 0
    [11, 1, 0, 0x41, 0x80, 0x80, 0x02, 0x0b, 3, 1, 2, 3], // three bytes at 32768
  ];
  const body = sections.flatMap(([id = 0, ...bytes]) => [id, bytes.length, ...bytes]);
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...body]);

  it("finds signatures and data segments", () => {
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(readModule(bytes)).toEqual({
      size: bytes.length,
      imports: ["hal.f (i32, i32) -> i32"],
      exports: ["g (i32, i32) -> i32", "m: memory 0"],
      data: [{ base: 32768, size: 3 }],
      code: [],
    });
  });

  it("refuses a module that ends early", () => {
    expect(() => readModule(bytes.subarray(0, bytes.length - 4))).toThrow();
  });
});
