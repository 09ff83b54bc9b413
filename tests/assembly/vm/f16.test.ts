// f16 of the core against the oracle, and the oracle against binary16's own definition (IEEE 754-2019, 3.4 and 4.3).

import { describe, expect, it } from "vitest";
import { f16Bits, f16Value } from "../../oracle/f16.ts";
import { proveF16 } from "../../oracle/prove-f16.ts";
import { compileProbe } from "../../probes/compile.ts";

/** The double next to a positive one. */
function neighbour(value: number, step: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + step);
  return view.getFloat64(0);
}

describe("the f16 oracle", () => {
  it("finds the bits of every number it has a value for", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const expected = (bits & 0x7fff) > 0x7c00 ? 0x7e00 : bits;
      if (f16Bits(f16Value(bits)) !== expected) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it("rounds at every midpoint to even, and on both sides of it to the nearer", () => {
    const wrong: number[] = [];
    for (let low = 0; low < 0x7bff; low++) {
      const middle = (f16Value(low) + f16Value(low + 1)) / 2;
      const isRight =
        f16Bits(neighbour(middle, -1n)) === low &&
        f16Bits(middle) === low + (low & 1) &&
        f16Bits(neighbour(middle, 1n)) === low + 1;
      if (!isRight) wrong.push(low);
    }
    expect(wrong).toEqual([]);
  });

  it("overflows from 65520 on", () => {
    expect(f16Bits(neighbour(65520, -1n))).toBe(0x7bff);
    expect(f16Bits(65520)).toBe(0x7c00);
    expect(f16Bits(-65520)).toBe(0xfc00);
  });
});

describe("f16 in the core", async () => {
  const probe = await compileProbe("vm", "small");

  it.each(proveF16(probe, 300_000, 1))(
    "$operation agrees with the oracle in $cases cases",
    (count) => {
      expect(count.first).toBeUndefined();
      expect(count.differences).toBe(0);
    },
  );

  it.each([
    ["x / 0 is an infinity with the sign of both", 3, 0x3c00, 0x8000, 0xfc00],
    ["0 / 0 is the NaN", 3, 0x0000, 0x0000, 0x7e00],
    ["infinity - infinity is the NaN", 1, 0x7c00, 0x7c00, 0x7e00],
    ["1 - 1 is +0", 1, 0x3c00, 0x3c00, 0x0000],
    ["-0 + -0 is -0", 0, 0x8000, 0x8000, 0x8000],
    ["a product that rounds up to 2^-14 is normal", 2, 0x03ff, 0x3c01, 0x0400],
    ["half of the smallest subnormal is 0", 2, 0x0001, 0x3800, 0x0000],
    ["NaN is less than nothing", 4, 0x7e00, 0x3c00, 0],
    ["-0 is not less than 0", 4, 0x8000, 0x0000, 0],
  ])("%s", (_name, operation, a, b, expected) => {
    const at = probe.arenaBase();
    const view = new DataView(probe.memory.buffer);
    view.setUint16(at, a, true);
    view.setUint16(at + 2, b, true);
    probe.f16Batch(operation, at, 1, at + 4);
    expect(view.getUint16(at + 4, true)).toBe(expected);
  });

  it.each([
    [0x7e00, 0],
    [0x7c00, 0x7fffffff],
    [0xfc00, -0x80000000],
    [0x7bff, 65504],
    [0xbfff, -1],
    [0x3bff, 0],
  ])("F2I turns %i into %i", (bits, expected) => {
    expect(probe.toInteger(bits)).toBe(expected);
  });
});
