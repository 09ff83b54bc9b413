// The Cortex-M0 of the models, by words of machine code. Sections are those of ARM DDI 0419.

import { describe, expect, it } from "vitest";
import { Core } from "../../../../host/boards/stm32/core.ts";
import type { Bus, Width } from "../../../../host/boards/stm32/cpu.ts";

const CODE = 0x180;
const STACK = 0x400;

/** 1 KiB of memory at 0 with a vector table, and code at 0x180. */
class Memory implements Bus {
  readonly view = new DataView(new ArrayBuffer(STACK));
  constructor(...code: number[]) {
    this.view.setUint32(0, STACK, true);
    this.view.setUint32(4, CODE | 1, true);
    code.forEach((half, n) => {
      this.view.setUint16(CODE + 2 * n, half, true);
    });
  }
  read(address: number, width: Width): number {
    if (width === 4) return this.view.getUint32(address, true);
    return width === 2 ? this.view.getUint16(address, true) : this.view.getUint8(address);
  }
  write(address: number, value: number, width: Width): void {
    if (width === 4) this.view.setUint32(address, value, true);
    else if (width === 2) this.view.setUint16(address, value, true);
    else this.view.setUint8(address, value);
  }
  vector(exception: number, address: number): this {
    this.view.setUint32(4 * exception, address | 1, true);
    return this;
  }
}

function coreOn(memory: Memory): Core {
  const core = new Core(memory, 1_000_000);
  core.reset(0);
  return core;
}

/** Runs to the hook at `end`. */
function runTo(core: Core, end: number): void {
  core.hook(end, () => core.stop());
  expect(core.run(core.now + 10_000)).toBe("hook");
}

const NOP = 0xbf00;
const WFI = 0xbf30;
const BX_LR = 0x4770;
const B_SELF = 0xe7fe;

describe("Cortex-M0", () => {
  it("starts with SP and PC from the vector table (B1.5.5)", () => {
    const core = coreOn(new Memory(NOP));
    expect(core.registers[13]).toBe(STACK);
    expect(core.pc).toBe(CODE);
  });

  it.each([
    // x, y, carry in -> sum, carry out, overflow: AddWithCarry() of A2.2.1
    [0x7fffffff, 0, true, 0x80000000, false, true],
    [0xffffffff, 0xffffffff, true, 0xffffffff, true, false],
    [0, 0x7fffffff, true, 0x80000000, false, true],
    [0x80000000, 0x80000000, false, 0, true, true],
    [1, 2, true, 4, false, false],
  ])("adds %i, %i and carry %s", (x, y, carry, sum, carryOut, overflow) => {
    const core = coreOn(new Memory(0x4148)); // ADCS R0, R1
    core.registers[0] = x;
    core.registers[1] = y;
    core.cpu.C = carry;
    runTo(core, CODE + 2);
    expect([core.registers[0], core.cpu.C, core.cpu.V]).toEqual([sum, carryOut, overflow]);
  });

  it.each([
    [5, 3, true, 2, true, false],
    [5, 3, false, 1, true, false],
    [0, 0x7fffffff, false, 0x80000000, false, false],
    [0x80000000, 0, false, 0x7fffffff, true, true],
    [0, 0xffffffff, false, 0, false, false],
  ])("subtracts from %i %i with carry %s", (x, y, carry, result, carryOut, overflow) => {
    const core = coreOn(new Memory(0x4188)); // SBCS R0, R1
    core.registers[0] = x;
    core.registers[1] = y;
    core.cpu.C = carry;
    runTo(core, CODE + 2);
    expect([core.registers[0], core.cpu.C, core.cpu.V]).toEqual([result, carryOut, overflow]);
  });

  it("stacks eight registers for an interrupt and returns to the next instruction (B1.5.6)", () => {
    const handler = 0x200;
    const memory = new Memory(NOP, NOP, B_SELF).vector(16 + 5, handler);
    memory.view.setUint16(handler, 0x2007, true); // MOVS R0, #7
    memory.view.setUint16(handler + 2, BX_LR, true);
    const core = coreOn(memory);
    core.registers[0] = 0x11111111;
    core.registers[12] = 0x22222222;
    core.enable(16 + 5, true);
    core.pend(16 + 5);
    runTo(core, handler + 2);
    expect([core.registers[13], core.registers[14]]).toEqual([STACK - 32, 0xfffffff9]);
    expect(memory.read(STACK - 32, 4)).toBe(0x11111111);
    expect(memory.read(STACK - 16, 4)).toBe(0x22222222); // R12 is the fifth
    expect(memory.read(STACK - 8, 4)).toBe(CODE); // the return address the seventh
    runTo(core, CODE + 4);
    expect([core.registers[0], core.registers[13]]).toEqual([0x11111111, STACK]);
  });

  it("takes an interrupt again as long as its line is high, whatever its number (B3.4.1)", () => {
    const handler = 0x200;
    const memory = new Memory(B_SELF).vector(16 + 40, handler);
    memory.view.setUint16(handler, BX_LR, true);
    const core = coreOn(memory);
    let entries = 0;
    core.onException = () => {
      if (++entries === 3) core.setLine(40, false);
    };
    core.enable(16 + 40, true);
    core.setLine(40, true);
    core.run(core.now + 500);
    expect(entries).toBe(3);
  });

  it("lets a more urgent interrupt into a handler, and none of the same priority (B1.5.4)", () => {
    const [low, high] = [0x200, 0x210];
    const memory = new Memory(B_SELF).vector(16, low).vector(17, high);
    for (const at of [low, high]) {
      memory.view.setUint16(at, NOP, true);
      memory.view.setUint16(at + 2, BX_LR, true);
    }
    const core = coreOn(memory);
    const entered: number[] = [];
    core.onException = (n) => entered.push(n);
    core.enable(16, true);
    core.enable(17, true);
    core.setPriority(16, 0x80);
    core.setPriority(17, 0x40);
    core.pend(16);
    core.hook(low + 2, () => {
      core.unhook(low + 2);
      core.pend(17);
    });
    core.run(core.now + 100);
    expect(entered).toEqual([16, 17]);
    core.setPriority(17, 0x80);
    core.hook(low + 2, () => {
      if (entered.length === 3) core.pend(17);
    });
    const nested: number[] = [];
    core.hook(high, () => nested.push(core.registers[14] as number));
    core.pend(16);
    core.run(core.now + 200);
    expect(entered).toEqual([16, 17, 16, 17]);
    expect(nested).toEqual([0xfffffff9]); // it came from thread mode
  });

  it("sleeps at WFI until something is pending, even while PRIMASK holds it off (B1.5.17)", () => {
    const core = coreOn(new Memory(WFI, NOP, B_SELF));
    core.cpu.PM = true;
    core.enable(16, true);
    core.clock.after(700, () => core.pend(16));
    core.hook(CODE + 2, () => core.stop());
    expect(core.run(10_000)).toBe("hook");
    expect(core.now).toBeGreaterThanOrEqual(700);
    expect(core.now).toBeLessThan(710);
  });

  it("stops at an instruction that is none, with its address", () => {
    const core = coreOn(new Memory(0xde00)); // UDF #0
    expect(() => core.run(100)).toThrow("BKPT or UDF at 0x00000180");
  });

  it("counts time by the CPU's clock", () => {
    const core = coreOn(new Memory(NOP, NOP, NOP, NOP));
    core.runAt(250_000); // a quarter of the virtual clock
    runTo(core, CODE + 4);
    expect(core.now).toBe(8);
  });
});
