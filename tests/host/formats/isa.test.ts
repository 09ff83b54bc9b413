// The instruction table and its encoding.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Op } from "../../../assembly/spec/opcodes.ts";
import {
  decodeInsn,
  encodeInsn,
  ISA,
  type Mnemonic,
  SHAPES,
  SLOTS,
  slotsOf,
  wordCount,
} from "../../../host/formats/isa.ts";

const mnemonics = Object.keys(ISA) as Mnemonic[];

describe("the instruction table", () => {
  it("has a row for every opcode and no other", () => {
    const names = Object.keys(Op).filter((key) => Number.isNaN(Number(key)));
    expect([...mnemonics].sort()).toEqual(names.sort());
  });

  it("gives each operand bits of its own", () => {
    for (const shape of Object.values(SHAPES)) {
      const masks = shape.map((name) => SLOTS[name].mask as number);
      const sum = masks.reduce((a, b) => a + b, 0);
      expect(sum).toBe(masks.reduce((a, b) => a | b, 0));
    }
  });

  it("names flags in the order Z C N V", () => {
    for (const { flags } of Object.values(ISA)) expect(["", "ZCNV"]).toContain(flags);
  });

  it("takes two words for LDI32 and the long branches only", () => {
    expect(mnemonics.filter((m) => wordCount(m) === 2)).toEqual(["JMPL", "JZL", "JNZL", "LDI32"]);
  });
});

describe("encodeInsn and decodeInsn", () => {
  const insn = fc.constantFrom(...mnemonics).chain((mnemonic) => {
    const operands = slotsOf(mnemonic).map((slot) => {
      const takesReg = ["register", "memory", "call"].includes(slot.form);
      const min = slot.second ? 0 : slot.min;
      return fc.record({
        reg: takesReg ? fc.integer({ min: 0, max: 15 }) : fc.constant(0),
        imm: slot.form === "register" ? fc.constant(0) : fc.integer({ min, max: slot.max }),
      });
    });
    return fc.record({ mnemonic: fc.constant(mnemonic), operands: fc.tuple(...operands) });
  });

  it("are each other's inverse", () => {
    fc.assert(
      fc.property(insn, ({ mnemonic, operands }) => {
        const [word = 0, next] = encodeInsn(mnemonic, operands);
        const words = wordCount(mnemonic);
        expect(decodeInsn(word, next)).toEqual({ mnemonic, operands, words });
      }),
    );
  });

  it("decode a word only if encoding gives it back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(), (word, next) => {
        const decoded = decodeInsn(word, next);
        if (decoded === undefined) return;
        const [again, second] = encodeInsn(decoded.mnemonic, decoded.operands);
        expect(again).toBe(word);
        if (decoded.words === 2) expect(second).toBe(next);
      }),
      { numRuns: 2000 },
    );
  });

  it("refuse unknown opcodes, bits nothing reads and a missing second word", () => {
    expect(decodeInsn(0x05123456, 0)).toBeUndefined();
    expect(decodeInsn(0x25000001, 0)).toBeUndefined();
    expect(decodeInsn(0x60100000, undefined)).toBeUndefined();
  });
});
