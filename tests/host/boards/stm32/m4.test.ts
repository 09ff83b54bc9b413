// The Cortex-M4 of the models: words of machine code with results by the ARMv7-M Architecture Reference Manual (ARM DDI 0403),
// and Unicorn as a second opinion on every kind of instruction it has.

import { describe, expect, it } from "vitest";
import { Core } from "../../../../host/boards/stm32/core.ts";
import type { Bus, Width } from "../../../../host/boards/stm32/cpu.ts";
import { makeM4 } from "../../../../host/boards/stm32/m4.ts";
import { fromRoot } from "../../../../scripts/root.ts";
import { loadUnicorn } from "../../../drivers/unicorn.ts";
import { Random } from "../../../oracle/random.ts";

const CODE = 0x08000000;
const CODE_BYTES = 0x10000;
const DATA = 0x20000000;
const DATA_BYTES = 0x1000;
const STACK = DATA + DATA_BYTES;
const [SP, LR, PC] = [13, 14, 15];
const NOP = 0xbf00;
const B_SELF = 0xe7fe;

/** Flash and SRAM, aligned accesses only, as the chip's bus has them. */
class Memory implements Bus {
  readonly code = new DataView(new ArrayBuffer(CODE_BYTES));
  readonly data = new DataView(new ArrayBuffer(DATA_BYTES));

  /** Half-words from CODE + `at` on. */
  lay(at: number, ...halves: number[]): this {
    halves.forEach((half, n) => {
      this.code.setUint16(at + 2 * n, half, true);
    });
    return this;
  }
  private find(address: number): [DataView, number] {
    if (address >= DATA) return [this.data, address - DATA];
    return [this.code, address < CODE ? address : address - CODE];
  }
  read(address: number, width: Width): number {
    const [view, at] = this.find(address);
    if (width === 4) return view.getUint32(at, true);
    return width === 2 ? view.getUint16(at, true) : view.getUint8(at);
  }
  write(address: number, value: number, width: Width): void {
    const [view, at] = this.find(address);
    if (width === 4) view.setUint32(at, value, true);
    else if (width === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
  }
}

/** Where programs begin; below lies the vector table. */
const START = 0x200;

function coreOn(...program: number[]): { core: Core; memory: Memory } {
  const memory = new Memory().lay(START, ...program);
  memory.code.setUint32(0, STACK, true);
  memory.code.setUint32(4, (CODE + START) | 1, true);
  const core = new Core(memory, 1_000_000, makeM4);
  core.reset(0);
  return { core, memory };
}
/** Runs so many instructions. */
function step(core: Core, count: number): void {
  for (let n = 0; n < count; n++) core.cpu.executeInstruction();
}

describe("Cortex-M4", () => {
  it("skips what an IT block's condition excludes, and sets no flags in it (A7.7.38)", () => {
    // CMP R0, R0; ITTE EQ; ADD R1, #1; ADD R1, #2; ADD R1, #4; ADDS R2, #1
    const { core } = coreOn(0x4280, 0xbf06, 0x3101, 0x3102, 0x3104, 0x3201);
    core.registers[1] = 0xffffffff;
    step(core, 4);
    expect([core.registers[1], core.cpu.Z, core.cpu.C]).toEqual([2, true, true]);
    step(core, 2);
    expect([core.registers[1], core.registers[2], core.cpu.Z]).toEqual([2, 1, false]);
  });
  it("branches by a table of bytes (TBB, A7.7.185)", () => {
    const { core } = coreOn(0xe8df, 0xf000, 0x0604, NOP, NOP); // TBB [PC, R0]; table 4, 6
    core.registers[0] = 1;
    step(core, 1);
    expect(core.pc).toBe(CODE + START + 4 + 12);
  });
  it("calls 16 MiB away and comes back (BL T1: S:I1:I2, A7.7.18)", () => {
    const { core } = coreOn(0xf7ff, 0xfffe); // BL .
    step(core, 1);
    expect([core.pc, core.registers[LR]]).toEqual([CODE + START, (CODE + START + 4) | 1]);
  });
  it("reads words at any address (A3.2.1), but not at those of peripherals", () => {
    const { core, memory } = coreOn(0x6808, 0x6808); // LDR R0, [R1]
    memory.data.setUint32(1, 0x12345678, true);
    core.registers[1] = DATA + 1;
    step(core, 1);
    expect(core.registers[0]).toBe(0x12345678);
    core.registers[1] = 0x40011001;
    expect(() => step(core, 1)).toThrow("unaligned read at 0x40011001");
  });
  it.each([
    // UDIV R0, R1, R2 and SDIV R0, R1, R2: by zero 0, the least number by -1 itself (A7.7.194, A7.7.127)
    [0xfbb1, 7, 0, 0],
    [0xfbb1, 0xfffffffe, 3, 0x55555554],
    [0xfb91, 0xfffffff9, 2, 0xfffffffd],
    [0xfb91, 0x80000000, 0xffffffff, 0x80000000],
  ])("divides: %i %i %i", (op, x, y, quotient) => {
    const { core } = coreOn(op, 0xf0f2);
    core.registers[1] = x;
    core.registers[2] = y;
    step(core, 1);
    expect(core.registers[0]).toBe(quotient);
  });
  it("stops at what is not modelled, with the words and the address", () => {
    const { core } = coreOn(0xfa81, 0xf002); // SADD8 R0, R1, R2
    expect(() => step(core, 1)).toThrow(
      "an instruction that is not modelled, fa81f002, at 0x08000200",
    );
  });
  it("does not go to an even address by BX (A2.3.1)", () => {
    const { core } = coreOn(0x4700); // BX R0
    core.registers[0] = CODE;
    expect(() => step(core, 1)).toThrow("ARM state asked of Thumb");
  });

  it("takes an interrupt within an IT block, and goes on where it was (B1.5.6, B1.5.8)", () => {
    // CMP R0, R0; ITT EQ; ADD R1, #1; ADD R1, #2; B .
    const { core, memory } = coreOn(0x4280, 0xbf04, 0x3101, 0x3102, B_SELF);
    memory.lay(0x300, 0x2000, 0x2005, 0x4770); // MOVS R0, #0; MOVS R0, #5; BX LR
    memory.code.setUint32(4 * 16, (CODE + 0x300) | 1, true);
    core.cpu.registers[SP] = STACK - 4; // aligned to 4 only: the frame is not
    core.registers[0] = 77;
    core.enable(16, true);
    core.hook(CODE + START + 4, () => core.setLine(0, true)); // comes behind the first ADD
    core.hook(CODE + 0x304, () => core.setLine(0, false));
    core.hook(CODE + START + 8, () => core.stop());
    core.onException = () => {
      expect(core.registers[1]).toBe(1);
    };
    expect(core.run(core.now + 1000)).toBe("hook");
    expect([core.registers[0], core.registers[1], core.registers[SP]]).toEqual([77, 3, STACK - 4]);
    expect([core.cpu.Z, core.cpu.IPSR]).toEqual([true, 0]);
    // the frame: SP aligned to 8, bit 9 of xPSR says so; ITSTATE 0b00001000 in bits 15 to 10 and 26 to 25
    expect(memory.data.getUint32(DATA_BYTES - 8 - 4, true) & 0x0700fe00).toBe(0x01000a00);
  });
});

// ---- Against Unicorn ----

/** Kinds of instructions: words in which each letter is a register or a field of any value, a dash any bit. */
const KINDS: Readonly<Record<string, string>> = {
  "shift by constant": "000ssiiiiimmmddd",
  "add, subtract": "000110onnnmmmddd",
  "add, subtract constant": "000111oiiinnnddd",
  "constant of eight bits": "001oodddiiiiiiii",
  processing: "010000oooommmddd",
  "add of any": "01000100dmmmmddd",
  "compare of any": "01000101dmmmmddd",
  "move of any": "01000110dmmmmddd",
  "load by register": "0101ooommmnnnttt",
  "load word": "011o0iiiiinnnttt",
  "load byte": "0111oiiiiinnnttt",
  "load half-word": "1000oiiiiinnnttt",
  "address of SP": "10101dddiiiiiiii",
  extend: "10110010oommmddd",
  reverse: "1011101000mmmddd",
  "reverse halves": "1011101001mmmddd",
  "reverse signed": "1011101011mmmddd",
  "store many": "11000nnnllllllll",
  "and of constant": "11110i00000snnnn0iiiddddiiiiiiii",
  "bic of constant": "11110i00001snnnn0iiiddddiiiiiiii",
  "orr of constant": "11110i00010snnnn0iiiddddiiiiiiii",
  "orn of constant": "11110i00011snnnn0iiiddddiiiiiiii",
  "eor of constant": "11110i00100snnnn0iiiddddiiiiiiii",
  "add of constant": "11110i01000snnnn0iiiddddiiiiiiii",
  "adc of constant": "11110i01010snnnn0iiiddddiiiiiiii",
  "sbc of constant": "11110i01011snnnn0iiiddddiiiiiiii",
  "sub of constant": "11110i01101snnnn0iiiddddiiiiiiii",
  "rsb of constant": "11110i01110snnnn0iiiddddiiiiiiii",
  "move of constant": "11110i00010s11110iiiddddiiiiiiii",
  "move not of constant": "11110i00011s11110iiiddddiiiiiiii",
  "test constant": "11110i000001nnnn0iii1111iiiiiiii",
  "test equal constant": "11110i001001nnnn0iii1111iiiiiiii",
  "compare constant": "11110i011011nnnn0iii1111iiiiiiii",
  "compare negative": "11110i010001nnnn0iii1111iiiiiiii",
  "add twelve bits": "11110i100000nnnn0iiiddddiiiiiiii",
  "subtract twelve bits": "11110i101010nnnn0iiiddddiiiiiiii",
  "move sixteen bits": "11110i100100iiii0iiiddddiiiiiiii",
  "move to top": "11110i101100iiii0iiiddddiiiiiiii",
  "and shifted": "11101010000snnnn0iiiddddiissmmmm",
  "bic shifted": "11101010001snnnn0iiiddddiissmmmm",
  "orr shifted": "11101010010snnnn0iiiddddiissmmmm",
  "orn shifted": "11101010011snnnn0iiiddddiissmmmm",
  "eor shifted": "11101010100snnnn0iiiddddiissmmmm",
  "add shifted": "11101011000snnnn0iiiddddiissmmmm",
  "adc shifted": "11101011010snnnn0iiiddddiissmmmm",
  "sbc shifted": "11101011011snnnn0iiiddddiissmmmm",
  "sub shifted": "11101011101snnnn0iiiddddiissmmmm",
  "rsb shifted": "11101011110snnnn0iiiddddiissmmmm",
  "move shifted": "11101010010s11110iiiddddiissmmmm",
  "compare shifted": "111010111011nnnn0iii1111iissmmmm",
  "shift by register": "11111010000snnnn1111dddd0000mmmm",
  "shift right by register": "11111010001snnnn1111dddd0000mmmm",
  "shift signed by register": "11111010010snnnn1111dddd0000mmmm",
  "rotate by register": "11111010011snnnn1111dddd0000mmmm",
  "extend halves, add": "111110100000nnnn1111dddd10iimmmm",
  "extend halves unsigned, add": "111110100001nnnn1111dddd10iimmmm",
  "extend bytes, add": "111110100100nnnn1111dddd10iimmmm",
  "extend bytes unsigned": "11111010010111111111dddd10iimmmm",
  "multiply and add": "111110110000nnnnaaaadddd0000mmmm",
  "multiply and subtract": "111110110000nnnnaaaadddd0001mmmm",
  multiply: "111110110000nnnn1111dddd0000mmmm",
  "multiply halves": "111110110001nnnn1111dddd00iimmmm",
  "multiply halves, add": "111110110001nnnnaaaadddd00iimmmm",
  "multiply word by half": "111110110011nnnn1111dddd000immmm",
  "multiply, top": "111110110101nnnn1111dddd000immmm",
  "multiply, top, add": "111110110101nnnnaaaadddd000immmm",
  "divide signed": "111110111001nnnn1111dddd1111mmmm",
  divide: "111110111011nnnn1111dddd1111mmmm",
  "multiply long signed": "111110111000nnnnaaaadddd0000mmmm",
  "multiply long": "111110111010nnnnaaaadddd0000mmmm",
  "multiply long signed, add": "111110111100nnnnaaaadddd0000mmmm",
  "multiply long, add": "111110111110nnnnaaaadddd0000mmmm",
  "multiply long, add both": "111110111110nnnnaaaadddd0110mmmm",
};
/** Loads and stores of 32 bits, whose base lies in the middle of memory. */
const ACCESSES: Readonly<Record<string, string>> = {
  "byte, twelve bits": "11111000100onnnntttt00iiiiiiiiii",
  "byte signed, twelve bits": "111110011001nnnntttt00iiiiiiiiii",
  "half-word, twelve bits": "11111000101onnnntttt00iiiiiiiiii",
  "half-word signed, twelve bits": "111110011011nnnntttt00iiiiiiiiii",
  "word, twelve bits": "11111000110onnnntttt00iiiiiiiiii",
  "byte, before": "11111000000onnnntttt11uwiiiiiiii",
  "byte signed, before": "111110010001nnnntttt11u1iiiiiiii",
  "half-word, behind": "11111000001onnnntttt10u1iiiiiiii",
  "half-word signed, behind": "111110010011nnnntttt10u1iiiiiiii",
  "word, before": "11111000010onnnntttt11u1iiiiiiii",
  "word, behind": "11111000010onnnntttt10u1iiiiiiii",
  "byte, register": "11111000000onnnntttt000000iimmmm",
  "half-word, register": "11111000001onnnntttt000000iimmmm",
  "half-word signed, register": "111110010011nnnntttt000000iimmmm",
  "word, register": "11111000010onnnntttt000000iimmmm",
  "pair, offset": "11101001u10onnnnttttddddiiiiiiii",
  "pair, before": "11101001u11onnnnttttddddiiiiiiii",
  "pair, behind": "11101000u11onnnnttttddddiiiiiiii",
  "many, up": "1110100010wonnnn000lllllllllllll",
  "many, down": "1110100100wonnnn000lllllllllllll",
};

/** Numbers at which carries and signs change. */
const EDGES = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x8000, 0xffff8000, 31, 32, 33];

class Comparison {
  private readonly random = new Random(11);
  private readonly unit = loadUnicorn(fromRoot("build/unicorn"));
  private readonly chip = this.unit.create();
  private readonly core = coreOn(NOP);
  private readonly code: DataView;
  private readonly data: Uint8Array;
  private at = START;

  constructor() {
    this.unit.map(this.chip, CODE, CODE_BYTES);
    this.unit.map(this.chip, DATA, DATA_BYTES);
    this.code = new DataView(this.unit.view(this.chip, CODE));
    this.data = new Uint8Array(this.unit.view(this.chip, DATA));
  }

  /** A word of a kind. No register is SP, PC or twice there: that would be unpredictable in many kinds. */
  private encode(pattern: string): number[] {
    const registers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const fields = new Map<string, number>();
    for (const letter of "nmdtal") {
      const bits = pattern.split(letter).length - 1;
      const few = registers.filter((n) => bits > 3 || n < 8);
      const n = this.random.pick(few);
      registers.splice(registers.indexOf(n), 1);
      // at least two of a list, none of them the base
      fields.set(letter, letter === "l" ? 0x0060 | this.random.word() : n);
    }
    let bits = "";
    for (const [at, letter] of [...pattern].entries()) {
      const field = fields.get(letter);
      const left = pattern.slice(at + 1).split(letter).length - 1;
      if (letter === "0" || letter === "1") bits += letter;
      else bits += field === undefined ? this.random.below(2) : (field >>> left) & 1;
    }
    return (bits.match(/.{16}/g) ?? []).map((half) => Number.parseInt(half, 2));
  }

  private word(): number {
    return this.random.oneIn(2) ? this.random.pick(EDGES) : this.random.word();
  }

  /** Executes an instruction on both, from the same state; what differs. */
  differ(pattern: string, isAccess: boolean): string[] {
    const halves = this.encode(pattern);
    if (isAccess && pattern.includes("l")) {
      const base = (halves[0] as number) & 15; // a base in its list is unpredictable with write-back
      halves[1] = (halves[1] as number) & ~(1 << base);
    }
    const { core, memory } = this.core;
    memory.lay(this.at, ...halves);
    for (const [n, half] of halves.entries()) this.code.setUint16(this.at + 2 * n, half, true);
    const flags = this.random.word() & 0xf0000000;
    const [first = 0, second = 0] = halves;
    const index = halves.length === 1 ? (first >> 6) & 7 : second & 15;
    const offset = pattern.includes("m") ? index : -1;
    const inSram = () => DATA + 0x800 + 4 * this.random.below(32);
    for (let n = 0; n < 13; n++) {
      const value = isAccess ? (n === offset ? 4 : inSram()) : this.word();
      core.registers[n] = value;
      this.unit.set(this.chip, n, value);
    }
    core.registers[SP] = STACK - 64;
    core.registers[LR] = 0x5555;
    core.registers[PC] = CODE + this.at;
    this.unit.set(this.chip, SP, STACK - 64);
    this.unit.set(this.chip, LR, 0x5555);
    this.unit.set(this.chip, 16, (flags | 0x01000000) >>> 0);
    Object.assign(core.cpu, { N: flags < 0, Z: (flags & 0x40000000) !== 0 });
    Object.assign(core.cpu, { C: (flags & 0x20000000) !== 0, V: (flags & 0x10000000) !== 0 });
    const address = CODE + this.at;
    this.at += 4; // Unicorn keeps what it has translated, and looks into the next KiB
    if (this.at % 1024 === 0) this.at += 4;
    this.unit.step(this.chip, address);
    core.cpu.executeInstruction();
    return this.compare(halves);
  }
  private compare(halves: number[]): string[] {
    const { core, memory } = this.core;
    const { N, Z, C, V } = core.cpu;
    const differences: string[] = [];
    for (let n = 0; n < 16; n++) {
      const other = this.unit.get(this.chip, n) >>> 0;
      if (core.registers[n] !== other) differences.push(`R${n} ${core.registers[n]}, not ${other}`);
    }
    const flags = (this.unit.get(this.chip, 16) >>> 28).toString(2).padStart(4, "0");
    const own = [N, Z, C, V].map(Number).join("");
    if (own !== flags) differences.push(`NZCV ${own}, not ${flags}`);
    const bytes = new Uint8Array(memory.data.buffer);
    if (!Buffer.from(bytes).equals(this.data)) differences.push("memory");
    bytes.set(this.data);
    return differences.length === 0
      ? []
      : [`${halves.map((half) => half.toString(16)).join(" ")}: ${differences.join("; ")}`];
  }
}

describe("Cortex-M4 and Unicorn agree on", () => {
  const comparison = new Comparison();
  const cases = [
    ...Object.entries(KINDS).map(([name, pattern]) => ({ name, pattern, isAccess: false })),
    ...Object.entries(ACCESSES).map(([name, pattern]) => ({ name, pattern, isAccess: true })),
  ];
  it.each(cases)("$name", ({ pattern, isAccess }) => {
    const access = isAccess || /^(0101|011|1000|1100)/.test(pattern);
    const differences = Array.from({ length: 40 }, () => comparison.differ(pattern, access));
    expect(differences.flat()).toEqual([]);
  });
});
