// Calls of compiled functions, and functions that are carried out here.

import { describe, expect, it } from "vitest";
import { placesOf } from "../../../../host/boards/avr/abi.ts";
import { Chip, Reset } from "../../../../host/boards/avr/chip.ts";
import { DebugPort } from "../../../../host/boards/avr/debug-port.ts";
import { ChipFailure } from "../../../../host/boards/debug-port.ts";

/**
 * avr-gcc 5.4 -Os -mmcu=atmega1284p of
 *
 *   uint32_t served(uint8_t a, uint32_t b, uint16_t c) { return 0; }
 *   uint32_t five(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e) { return a - b + (c ^ d) + e; }
 *   int8_t narrow(uint8_t a, int16_t b, uint8_t c) { return (int8_t)(a + b - c); }
 *   uint32_t outer(uint8_t a, uint16_t c) { return served(a, 0x12345678, c) + 1; }
 */
const CODE = Buffer.from(
  [
    "60e070e0cb0108954f925f926f927f928f929f92af92bf92cf92df92ef92ff920f931f93cf93df93cdb7deb7",
    "370148016a247b248c249d24740163014b885c886d887e88c40cd51ce61cf71cdc01cb018c0d9d1dae1dbf1d",
    "bc01cd01621b730b840b950bdf91cf911f910f91ff90ef90df90cf90bf90af909f908f907f906f905f904f90",
    "0895841b860f08959b0148e756e564e372e10e9400006f5f7f4f8f4f9f4f0895",
  ].join(""),
  "hex",
);
const ADDRESSES: Record<string, number> = { served: 0, five: 0x08, narrow: 0x86, outer: 0x8c };

const SERVED = { symbol: "served", params: ["u8", "u32", "u16"], result: "u32" } as const;
const FIVE = {
  symbol: "five",
  params: ["u32", "u32", "u32", "u32", "u32"],
  result: "u32",
} as const;
const NARROW = { symbol: "narrow", params: ["u8", "s16", "u8"], result: "s8" } as const;
const OUTER = { symbol: "outer", params: ["u8", "u16"], result: "u32" } as const;

function portOf(code: Uint8Array = CODE, stackFloor = 0x3e00): { chip: Chip; port: DebugPort } {
  const flash = new Uint16Array(0x10000).fill(0xffff);
  new Uint8Array(flash.buffer).set(code);
  const chip = new Chip(flash);
  chip.reset(Reset.POWER_ON);
  return { chip, port: new DebugPort(chip, { addressOf: (s) => ADDRESSES[s], stackFloor }) };
}

describe("places of arguments (GCC wiki, avr-gcc, Calling Convention)", () => {
  it("are registers from R25 downwards, each from an even one on", () => {
    expect(placesOf(["u8", "u32", "u16"])).toEqual([
      { where: "register", at: 24, bytes: 1 },
      { where: "register", at: 20, bytes: 4 },
      { where: "register", at: 18, bytes: 2 },
    ]);
  });

  it("are the stack from the first that does not fit on", () => {
    expect(placesOf(["u32", "u32", "u32", "u32", "u32", "u8"]).slice(3)).toEqual([
      { where: "register", at: 10, bytes: 4 },
      { where: "stack", at: 0, bytes: 4 },
      { where: "stack", at: 4, bytes: 1 },
    ]);
  });
});

describe("a call", () => {
  it("hands over five words, the last on the stack", () => {
    const { chip, port } = portOf();
    const five = port.function(FIVE);
    // 100 - 7 + (0xF0 ^ 0x0F) + 70000 = 70348
    expect(five?.(100, 7, 0xf0, 0x0f, 70_000)).toBe(70_348);
    expect(five?.(-1, 0, 0, 0, 0)).toBe(-1);
    expect(chip.sp).toBe(0x40ff);
  });

  it("gives a narrow result its sign", () => {
    const { port } = portOf();
    expect(port.function(NARROW)?.(3, -10, 1)).toBe(-8);
    expect(port.function(NARROW)?.(3, 10, 1)).toBe(12);
  });

  it("leaves registers, flags and pc as they were, and counts its cycles", () => {
    const { chip, port } = portOf();
    for (let n = 0; n < 32; n++) chip.data[n] = 100 + n;
    chip.data[0x5f] = 0x43;
    chip.cpu.pc = 0x1234;
    port.function(NARROW)?.(1, 2, 3);
    expect([...chip.data.subarray(0, 32)]).toEqual(Array.from({ length: 32 }, (_, n) => 100 + n));
    expect([chip.data[0x5f], chip.cpu.pc, chip.sp]).toEqual([0x43, 0x1234, 0x40ff]);
    expect(port.lastCycles).toBe(1 + 1 + 4); // SUB, ADD, RET
  });

  it("of a function that the program does not have is not offered", () => {
    expect(portOf().port.function({ symbol: "other", params: [] })).toBeUndefined();
  });

  it("that ends at a BREAK is a failure of the chip", () => {
    const { port } = portOf(Buffer.from("98959895", "hex"));
    expect(() => port.function(SERVED)?.()).toThrow(ChipFailure);
  });

  it("needs stack for its arguments", () => {
    const { port } = portOf(CODE, 0x40fe);
    expect(() => port.function(FIVE)?.(1, 2, 3, 4, 5)).toThrow("no stack left");
  });
});

describe("a function that is carried out here", () => {
  it("gets its arguments and gives its result to the caller on the chip", () => {
    const { port } = portOf();
    const seen: number[][] = [];
    port.serve(SERVED, (...args) => {
      seen.push(args);
      return -3;
    });
    expect(port.function(OUTER)?.(0xfe, 0xbeef)).toBe(-2);
    expect(seen).toEqual([[0xfe, 0x12345678, 0xbeef]]);
  });

  it("may throw, and the port is ready for the next call", () => {
    const { chip, port } = portOf();
    let throws = true;
    port.serve(SERVED, () => {
      if (throws) throw new RangeError("power");
      return 7;
    });
    expect(() => port.function(OUTER)?.(1, 2)).toThrow("power");
    expect(chip.sp).toBe(0x40ff);
    throws = false;
    expect(port.function(OUTER)?.(1, 2)).toBe(8);
  });

  it("may not call the chip", () => {
    const { port } = portOf();
    const narrow = port.function(NARROW);
    port.serve(SERVED, () => narrow?.(1, 2, 3));
    expect(() => port.function(OUTER)?.(1, 2)).toThrow("called inside a call");
  });
});
