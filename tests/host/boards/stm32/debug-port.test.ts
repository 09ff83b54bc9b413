// Calls into a standing chip and out of it, by IHI 0042: a program of a few words on an STM32F072.

import { describe, expect, it } from "vitest";
import { Chip, FLASH_BASE, SRAM_BASE, STM32F072 } from "../../../../host/boards/stm32/chip.ts";
import { DebugPort } from "../../../../host/boards/stm32/debug-port.ts";

const CODE = 0x100;
const STACK = SRAM_BASE + 0x1000;
const SYMBOLS: Readonly<Record<string, number>> = {
  five: FLASH_BASE + CODE,
  outer: FLASH_BASE + CODE + 0x10,
  inner: FLASH_BASE + CODE + 0x40,
};

function start(): { chip: Chip; port: DebugPort } {
  const connections = { hseHz: 0, uid: new Uint8Array(12), console: () => {}, spi: () => 0xff };
  const chip = new Chip(STM32F072, connections, () => ({ tx: [], rx: [], spi: [], can: [] }));
  const program = new DataView(new ArrayBuffer(0x200));
  program.setUint32(0, STACK, true);
  program.setUint32(4, (FLASH_BASE + CODE) | 1, true);
  const lay = (at: number, ...halves: number[]) => {
    halves.forEach((half, n) => {
      program.setUint16(CODE + at + 2 * n, half, true);
    });
  };
  lay(0, 0x1840, 0x1880, 0x18c0, 0x9900, 0x1840, 0x4770); // R0 += R1 + R2 + R3 + [SP]; BX LR
  lay(0x10, 0xb510, 0xf000, 0xf815, 0x1c40, 0xbd10); // PUSH {R4, LR}; BL inner; R0 += 1; POP {R4, PC}
  chip.load([{ loadAddress: FLASH_BASE, bytes: new Uint8Array(program.buffer) }]);
  chip.powerOn();
  return { chip, port: new DebugPort(chip, (symbol) => SYMBOLS[symbol]) };
}

const u32 = ["u32", "u32", "u32", "u32", "u32"];

describe("debug port of an STM32", () => {
  it("hands over four arguments in registers and the fifth on the stack", () => {
    const { port } = start();
    const five = port.function({ symbol: "five", params: u32, result: "u32" });
    expect(five?.(1, 20, 300, 4000, 50_000)).toBe(54_321);
  });
  it("leaves the registers as they were", () => {
    const { chip, port } = start();
    const before = [...chip.core.registers];
    port.function({ symbol: "five", params: u32, result: "u32" })?.(1, 2, 3, 4, 5);
    expect([...chip.core.registers]).toEqual(before);
  });
  it("carries out a function of the chip here", () => {
    const { port } = start();
    const heard: number[] = [];
    port.serve({ symbol: "inner", params: ["u32", "u32"], result: "u32" }, (a = 0, b = 0) => {
      heard.push(a, b);
      return -8;
    });
    const outer = port.function({ symbol: "outer", params: ["u32", "u32"], result: "u32" });
    expect([outer?.(7, -9), ...heard]).toEqual([-7, 7, -9]);
  });
  it("knows what the program does not have", () => {
    const { port } = start();
    expect(port.function({ symbol: "nothing", params: [] })).toBeUndefined();
    expect(port.serve({ symbol: "nothing", params: [] }, () => 0)).toBe(false);
  });
  it("counts instructions and cycles of a call", () => {
    const { port } = start();
    port.function({ symbol: "five", params: u32, result: "u32" })?.(1, 2, 3, 4, 5);
    expect(port.lastInstructions).toBe(6);
  });
});
