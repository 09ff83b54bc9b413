// binary16 on the host: every pattern, the ties, the edges.
import { describe, expect, it } from "vitest";
import { f16FromNumber, f16Shortest, f16ToNumber } from "../../../host/formats/f16.ts";

describe("f16FromNumber", () => {
  // IEEE 754-2019, table 3.5: precision 11, emax 15
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [12.5, 0x4a40],
    [8000, 0x6fd0],
    [0.1, 0x2e66],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-1e9, 0xfc00],
    [2 ** -14, 0x0400],
    [2 ** -14 - 2 ** -25, 0x0400], // the tie goes to the even neighbour, the smallest normal
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2047.5, 0x6800],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NaN, 0x7e00],
  ])("rounds %d to the nearest, ties to even", (x, bits) => {
    expect(f16FromNumber(x)).toBe(bits);
  });

  it("gives back every pattern but the NaNs", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const x = f16ToNumber(bits);
      if (!Number.isNaN(x) && f16FromNumber(x) !== bits) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it("gives the nearer of two neighbours everywhere between them", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [f16ToNumber(bits), f16ToNumber(bits + 1)];
      const even = bits % 2 === 0 ? bits : bits + 1;
      if (f16FromNumber((low + high) / 2) !== even) wrong.push(bits);
      if (f16FromNumber(low + (high - low) * 0.499) !== bits) wrong.push(bits);
      if (f16FromNumber(low + (high - low) * 0.501) !== bits + 1) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });
});

describe("f16Shortest", () => {
  it("gives few digits that convert back", () => {
    expect(f16Shortest(0x2e66)).toBe(0.1);
    expect(f16Shortest(0x6fd0)).toBe(8000);
    expect(f16Shortest(0x7bff)).toBe(65500);
    for (let bits = 0; bits < 0x7c00; bits += 7) {
      expect(f16FromNumber(f16Shortest(bits) ?? Number.NaN)).toBe(bits);
    }
  });

  it("has no digits for infinities, NaN and minus zero", () => {
    for (const bits of [0x7c00, 0xfc00, 0x7e00, 0x8000]) expect(f16Shortest(bits)).toBeUndefined();
  });
});
