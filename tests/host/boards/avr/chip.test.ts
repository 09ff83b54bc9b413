// The CPU where it differs from avr8js: times and orders from the data sheet of the ATmega1284P (Atmel-42719).

import { describe, expect, it } from "vitest";
import { Chip, Reset } from "../../../../host/boards/avr/chip.ts";

const NOP = 0x0000;
const SEI = 0x9478;
const RETI = 0x9518;
const SLEEP = 0x9588;
const BREAK = 0x9598;
const SPM = 0x95e8;
const CBI_PORTA_0 = 0x9810;
const SBI_PORTA_0 = 0x9a10;
const RJMP_SELF = 0xcfff;
const INC_R16 = 0x9503;
const INT2 = 3;

/** A chip with a program at 0x100 and RETI at the vector of INT2 (0x0006). */
function chipWith(...program: number[]): Chip {
  const flash = new Uint16Array(0x10000).fill(0xffff);
  flash[6] = RETI;
  flash.set(program, 0x80);
  const chip = new Chip(flash);
  chip.reset(Reset.POWER_ON);
  chip.cpu.pc = 0x80;
  return chip;
}

describe("time of instructions", () => {
  it.each([
    ["NOP", NOP, 1],
    ["SBI", SBI_PORTA_0, 2],
    ["CBI", CBI_PORTA_0, 2],
    ["RJMP", RJMP_SELF, 2],
  ])("%s", (_, opcode, cycles) => {
    const chip = chipWith(opcode, BREAK);
    chip.run(1);
    expect(chip.clock.now).toBe(cycles);
  });
});

describe("interrupts", () => {
  it("are entered in four cycles, with the return address on the stack and I cleared (7.7.1)", () => {
    const chip = chipWith(NOP, NOP, BREAK);
    chip.interrupts = true;
    chip.request(INT2, true);
    chip.run(1);
    expect(chip.clock.now).toBe(1 + 4);
    expect(chip.cpu.pc).toBe(6);
    expect(chip.interrupts).toBe(false);
    expect([...chip.data.subarray(0x40fe, 0x4100)]).toEqual([0x00, 0x81]);
    expect(chip.sp).toBe(0x40fd);
  });

  it("wait for the instruction behind SEI (7.7)", () => {
    const chip = chipWith(SEI, INC_R16, BREAK);
    chip.request(INT2, true);
    chip.run(2);
    expect(chip.data[16]).toBe(1);
    expect(chip.cpu.pc).toBe(6);
  });

  it("let one instruction of the main program run between two of them (7.7)", () => {
    const chip = chipWith(INC_R16, INC_R16, INC_R16, INC_R16, BREAK);
    chip.interrupts = true;
    chip.request(INT2, true);
    let entries = 0;
    chip.onInterrupt = () => entries++;
    chip.run(30);
    expect(chip.data[16]).toBe(entries);
    expect(entries).toBeGreaterThan(2);
  });

  it("of the lower number go first (14.1)", () => {
    const chip = chipWith(NOP, NOP, NOP);
    const entered: number[] = [];
    chip.onInterrupt = (vector) => entered.push(vector);
    chip.interrupts = true;
    for (const vector of [20, 3, 9]) {
      chip.onAcknowledge(vector, () => {});
      chip.request(vector, true);
    }
    chip.run(12); // RETI, a NOP, and the next one
    expect(entered).toEqual([3, 9]);
  });

  it("that are taken back do not happen", () => {
    const chip = chipWith(NOP, NOP, BREAK);
    chip.interrupts = true;
    chip.request(INT2, true);
    chip.request(9, true);
    chip.request(INT2, false);
    chip.request(9, false);
    expect(chip.run(100)).toBe("break");
    expect(chip.clock.now).toBe(2);
  });
});

describe("sleep", () => {
  const SMCR = 0x53;

  it("lasts until an interrupt, whose entry takes four cycles more (11.2)", () => {
    const chip = chipWith(SLEEP, BREAK);
    chip.data[SMCR] = 1;
    chip.interrupts = true;
    chip.onAcknowledge(INT2, () => {});
    chip.clock.after(1000, () => chip.request(INT2, true));
    chip.run(1001);
    expect(chip.cpu.pc).toBe(6);
    expect(chip.clock.now).toBe(1000 + 4 + 4);
    expect(chip.sleptCycles).toBe(999);
  });

  it("is passed over when SE is not set (11.12.1)", () => {
    const chip = chipWith(SLEEP, BREAK);
    expect(chip.run(1000)).toBe("break");
    expect(chip.clock.now).toBe(1);
  });

  it("goes on over the end of a run", () => {
    const chip = chipWith(SLEEP, INC_R16, BREAK);
    chip.data[SMCR] = 1;
    expect(chip.run(500)).toBe("time");
    expect(chip.run(900)).toBe("time");
    expect(chip.clock.now).toBe(900);
    expect(chip.data[16]).toBe(0);
  });

  it("in a mode that stops the clock is refused, as is SPM", () => {
    const chip = chipWith(SLEEP);
    chip.data[SMCR] = 0x05;
    expect(() => chip.run(10)).toThrow("not modelled");
    expect(() => chipWith(SPM).run(10)).toThrow("SPM at 256: not modelled");
  });
});

describe("reset", () => {
  it("adds its flag to MCUSR; power-on clears the others (12.5.1)", () => {
    const chip = chipWith();
    expect(chip.data[0x54]).toBe(1);
    chip.reset(Reset.WATCHDOG);
    expect(chip.data[0x54]).toBe(9);
    chip.reset(Reset.POWER_ON);
    expect(chip.data[0x54]).toBe(1);
  });

  it("puts registers to zero and keeps SRAM", () => {
    const chip = chipWith();
    chip.data[0x22] = 5;
    chip.data[0x123] = 7;
    chip.reset(Reset.EXTERNAL);
    expect([chip.data[0x22], chip.data[0x123], chip.sp, chip.cpu.pc]).toEqual([0, 7, 0x40ff, 0]);
  });
});

describe("hooks", () => {
  it("stop before their instruction, which is executed when the run goes on", () => {
    const chip = chipWith(NOP, INC_R16, INC_R16, BREAK);
    chip.hook(0x102, () => chip.stop());
    expect(chip.run(100)).toBe("hook");
    expect([chip.cpu.pc, chip.data[16]]).toEqual([0x81, 0]);
    expect(chip.run(100)).toBe("break");
    expect(chip.data[16]).toBe(2);
  });

  it("are met again when the program comes by again", () => {
    const chip = chipWith(INC_R16, 0xcffe); // RJMP .-2
    let visits = 0;
    chip.hook(0x100, () => visits++);
    chip.run(30);
    expect(visits).toBe(10);
  });

  it("may lead elsewhere", () => {
    const chip = chipWith(NOP, INC_R16, BREAK);
    chip.hook(0x102, () => {
      chip.cpu.pc = 0x82;
    });
    expect(chip.run(100)).toBe("break");
    expect(chip.data[16]).toBe(0);
  });
});
