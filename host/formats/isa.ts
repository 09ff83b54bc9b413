// The instruction set in words: what each opcode takes and does. Syntax, encoding and printing once per operand slot.
import { imm12, Op, opcode, rd, rs1, rs2 } from "../../assembly/spec/opcodes.ts";
import { hex } from "./text.ts";

export type Mnemonic = keyof typeof Op;

/** What an operand may look like in source. */
export type OperandForm = "register" | "number" | "memory" | "service" | "call";

/** The value of one operand: a register, an immediate, or both. */
export interface OperandValue {
  reg: number;
  imm: number;
}

/** One place for an operand: its bounds, and how it goes into the word and comes out. */
export interface Slot {
  form: OperandForm;
  /** How the operand is written, for documents and messages. */
  syntax: string;
  min: number;
  max: number;
  /** Bits of the first word this slot owns. */
  mask: number;
  /** The operand fills the second word. */
  second?: boolean;
  /** May be left out and is then 0. */
  optional?: boolean;
  encode(value: OperandValue): number;
  decode(word: number, next: number): OperandValue;
}

const REGISTER = { form: "register", min: 0, max: 15 } as const;
const SIGNED = { min: -2048, max: 2047 } as const;
const WORD = { min: -0x8000_0000, max: 0xffff_ffff, mask: 0, second: true } as const;

/** Every kind of operand. */
export const SLOTS = {
  rd: {
    ...REGISTER,
    syntax: "Rd",
    mask: 0xf00000,
    encode: (v) => v.reg << 20,
    decode: (w) => ({ reg: rd(w), imm: 0 }),
  },
  rs1: {
    ...REGISTER,
    syntax: "Rs1",
    mask: 0x0f0000,
    encode: (v) => v.reg << 16,
    decode: (w) => ({ reg: rs1(w), imm: 0 }),
  },
  rs2: {
    ...REGISTER,
    syntax: "Rs2",
    mask: 0x00f000,
    encode: (v) => v.reg << 12,
    decode: (w) => ({ reg: rs2(w), imm: 0 }),
  },
  imm12: {
    ...SIGNED,
    form: "number",
    syntax: "imm",
    mask: 0xfff,
    encode: (v) => v.imm & 0xfff,
    decode: (w) => ({ reg: 0, imm: signed12(w) }),
  },
  "[rs1+imm12]": {
    ...SIGNED,
    form: "memory",
    syntax: "[Rs1+imm]",
    mask: 0x0f0fff,
    encode: (v) => (v.reg << 16) | (v.imm & 0xfff),
    decode: (w) => ({ reg: rs1(w), imm: signed12(w) }),
  },
  target12: {
    form: "number",
    syntax: "label",
    min: 0,
    max: 0xfff,
    mask: 0xfff,
    encode: (v) => v.imm & 0xfff,
    decode: (w) => ({ reg: 0, imm: imm12(w) }),
  },
  // A register of 0 stands for the pc: CALL through R0 does not exist.
  call: {
    ...SIGNED,
    form: "call",
    syntax: "label",
    mask: 0x0f0fff,
    encode: (v) => (v.reg << 16) | (v.imm & 0xfff),
    decode: (w) => ({ reg: rs1(w), imm: signed12(w) }),
  },
  service: {
    form: "service",
    syntax: "module, function",
    min: 0,
    max: 0xfff,
    mask: 0xfff,
    encode: (v) => v.imm,
    decode: (w) => ({ reg: 0, imm: imm12(w) }),
  },
  code8: {
    form: "number",
    syntax: "code",
    min: 0,
    max: 0xff,
    mask: 0xff,
    optional: true,
    encode: (v) => v.imm,
    decode: (w) => ({ reg: 0, imm: w & 0xff }),
  },
  imm32: {
    ...WORD,
    form: "number",
    syntax: "imm32",
    encode: (v) => v.imm >>> 0,
    decode: (_, next) => ({ reg: 0, imm: next }),
  },
  target32: {
    ...WORD,
    form: "number",
    syntax: "label",
    min: 0,
    encode: (v) => v.imm >>> 0,
    decode: (_, next) => ({ reg: 0, imm: next }),
  },
} satisfies Record<string, Slot>;

export type SlotName = keyof typeof SLOTS;

/** The shapes of instructions: their operands in the order they are written. */
export const SHAPES = {
  none: [],
  rd: ["rd"],
  rs1: ["rs1"],
  "rd,rs1": ["rd", "rs1"],
  "rs1,rs2": ["rs1", "rs2"],
  "rd,rs1,rs2": ["rd", "rs1", "rs2"],
  "rd,imm12": ["rd", "imm12"],
  "rd,imm32": ["rd", "imm32"],
  "rd,[rs1+imm12]": ["rd", "[rs1+imm12]"],
  "[rs1+imm12],rs2": ["[rs1+imm12]", "rs2"],
  target12: ["target12"],
  target32: ["target32"],
  call: ["call"],
  service: ["service"],
  code8: ["code8"],
} as const satisfies Record<string, readonly SlotName[]>;

/** One instruction. `does` is register-transfer text, `flags` the PSW bits it sets. */
export interface Insn {
  shape: keyof typeof SHAPES;
  does: string;
  flags: string;
}

// ---- The table ----
// In `does`: imm is sign-extended unless said otherwise; M1, M2, M4 are 1, 2, 4 little-endian bytes of data memory,
// addresses modulo 65536; next is the second word; u(x) and s(x) read x as unsigned or signed; [31:16] of Rd stay in f16.

export const ISA: Record<Mnemonic, Insn> = {
  LDI: { shape: "rd,imm12", does: "Rd := imm", flags: "" },
  LD: { shape: "rd,[rs1+imm12]", does: "Rd := M4[Rs1 + imm]", flags: "" },
  ST: { shape: "[rs1+imm12],rs2", does: "M4[Rs1 + imm] := Rs2", flags: "" },
  MOV: { shape: "rd,rs1", does: "Rd := Rs1", flags: "" },
  LDB: { shape: "rd,[rs1+imm12]", does: "Rd := u(M1[Rs1 + imm])", flags: "" },
  LDH: { shape: "rd,[rs1+imm12]", does: "Rd := u(M2[Rs1 + imm])", flags: "" },
  STB: { shape: "[rs1+imm12],rs2", does: "M1[Rs1 + imm] := Rs2[7:0]", flags: "" },
  STH: { shape: "[rs1+imm12],rs2", does: "M2[Rs1 + imm] := Rs2[15:0]", flags: "" },
  ADD: { shape: "rd,rs1,rs2", does: "Rd := Rs1 + Rs2; C := carry out", flags: "ZCNV" },
  SUB: { shape: "rd,rs1,rs2", does: "Rd := Rs1 - Rs2; C := u(Rs1) >= u(Rs2)", flags: "ZCNV" },
  MUL: {
    shape: "rd,rs1,rs2",
    does: "Rd := (u(Rs1) * u(Rs2))[31:0]; C, V := product[63:32] != 0",
    flags: "ZCNV",
  },
  DIV: {
    shape: "rd,rs1,rs2",
    does: "Rd := s(Rs1) / s(Rs2), truncated; C, V := 0; Rs2 = 0 faults",
    flags: "ZCNV",
  },
  AND: { shape: "rd,rs1,rs2", does: "Rd := Rs1 & Rs2; C, V := 0", flags: "ZCNV" },
  OR: { shape: "rd,rs1,rs2", does: "Rd := Rs1 | Rs2; C, V := 0", flags: "ZCNV" },
  XOR: { shape: "rd,rs1,rs2", does: "Rd := Rs1 ^ Rs2; C, V := 0", flags: "ZCNV" },
  NOT: { shape: "rd,rs1", does: "Rd := ~Rs1; C, V := 0", flags: "ZCNV" },
  CMP: { shape: "rs1,rs2", does: "flags of Rs1 - Rs2", flags: "ZCNV" },
  JMP: { shape: "target12", does: "pc := u(imm)", flags: "" },
  JZ: { shape: "target12", does: "if Z: pc := u(imm)", flags: "" },
  JNZ: { shape: "target12", does: "if not Z: pc := u(imm)", flags: "" },
  CALL: {
    shape: "call",
    does: "SP := SP - 4; M4[SP] := pc + 4; R15 := SP; pc := ((Rs1 field ? Rs1 : pc) + imm * 4)[15:0]",
    flags: "",
  },
  RET: {
    shape: "none",
    does: "no CALL outstanding: the task ends; else pc := M4[SP]; SP := SP + 4; R15 := SP",
    flags: "",
  },
  JMPL: { shape: "target32", does: "pc := next", flags: "" },
  JZL: { shape: "target32", does: "if Z: pc := next", flags: "" },
  JNZL: { shape: "target32", does: "if not Z: pc := next", flags: "" },
  SVC: { shape: "service", does: "call function imm[7:0] of module imm[11:8]", flags: "" },
  LSL: { shape: "rd,rs1,rs2", does: "Rd := Rs1 << Rs2[4:0]; C := last bit out", flags: "ZCNV" },
  LSR: { shape: "rd,rs1,rs2", does: "Rd := u(Rs1) >> Rs2[4:0]; C := last bit out", flags: "ZCNV" },
  ASR: { shape: "rd,rs1,rs2", does: "Rd := s(Rs1) >> Rs2[4:0]; C := last bit out", flags: "ZCNV" },
  ADC: { shape: "rd,rs1,rs2", does: "Rd := Rs1 + Rs2 + C; C := carry out", flags: "ZCNV" },
  SBC: { shape: "rd,rs1,rs2", does: "Rd := Rs1 - Rs2 - (1 - C); C := no borrow", flags: "ZCNV" },
  PUSH: { shape: "rs1", does: "SP := SP - 4; M4[SP] := Rs1; R15 := SP", flags: "" },
  POP: { shape: "rd", does: "x := M4[SP]; SP := SP + 4; R15 := SP; Rd := x", flags: "" },
  FADD: { shape: "rd,rs1,rs2", does: "Rd[15:0] := f16(Rs1 + Rs2)", flags: "" },
  FSUB: { shape: "rd,rs1,rs2", does: "Rd[15:0] := f16(Rs1 - Rs2)", flags: "" },
  FMUL: { shape: "rd,rs1,rs2", does: "Rd[15:0] := f16(Rs1 * Rs2)", flags: "" },
  FDIV: { shape: "rd,rs1,rs2", does: "Rd[15:0] := f16(Rs1 / Rs2)", flags: "" },
  I2F: { shape: "rd,rs1", does: "Rd[15:0] := f16(s(Rs1))", flags: "" },
  F2I: { shape: "rd,rs1", does: "Rd := s32(Rs1[15:0]), truncated; NaN 0; saturates", flags: "" },
  LDI32: { shape: "rd,imm32", does: "Rd := next", flags: "" },
  BRK: { shape: "code8", does: "stop with code imm[7:0]", flags: "" },
};

/** The long form of each branch, which takes its target from the next word. */
export const LONG_BRANCH = { JMP: Op.JMPL, JZ: Op.JZL, JNZ: Op.JNZL } as const;

/** Whether a word's opcode is JMPL, JZL or JNZL. */
export function isLongBranch(word: number): boolean {
  return opcode(word) >= Op.JMPL && opcode(word) <= Op.JNZL;
}

/** The mnemonic an assembler word names, in any case; undefined if there is none. */
export function mnemonicOf(name: string): Mnemonic | undefined {
  const upper = name.toUpperCase();
  return Object.hasOwn(ISA, upper) ? (upper as Mnemonic) : undefined;
}

/** Slots of an instruction's operands, in source order. */
export function slotsOf(mnemonic: Mnemonic): readonly Slot[] {
  return SHAPES[ISA[mnemonic].shape].map((name) => SLOTS[name]);
}

/** 1, or 2 when an operand fills a second word. */
export function wordCount(mnemonic: Mnemonic): number {
  return slotsOf(mnemonic).some((slot) => slot.second) ? 2 : 1;
}

/** The words of an instruction; the caller has checked the operands against their slots. */
export function encodeInsn(mnemonic: Mnemonic, operands: readonly OperandValue[]): number[] {
  const words = [Op[mnemonic] << 24];
  slotsOf(mnemonic).forEach((slot, i) => {
    const bits = slot.encode(operands[i] ?? { reg: 0, imm: 0 });
    if (slot.second) words.push(bits);
    else words[0] = (words[0] as number) | bits;
  });
  return words.map((w) => w >>> 0);
}

/** An instruction taken from code. */
export interface DecodedInsn {
  mnemonic: Mnemonic;
  operands: OperandValue[];
  words: number;
}

/** Decodes one instruction. Undefined: no such opcode, bits set that nothing reads, or the second word is missing. */
export function decodeInsn(word: number, next: number | undefined): DecodedInsn | undefined {
  const mnemonic = Op[opcode(word)] as Mnemonic | undefined;
  if (mnemonic === undefined) return undefined;
  const slots = slotsOf(mnemonic);
  const words = wordCount(mnemonic);
  if (words === 2 && next === undefined) return undefined;
  const used = slots.reduce((mask, slot) => mask | slot.mask, 0);
  if (word & 0xffffff & ~used) return undefined;
  return { mnemonic, words, operands: slots.map((slot) => slot.decode(word, next ?? 0)) };
}

/** One operand as source. `name` may give a label for an immediate. */
export function printOperand(slot: Slot, value: OperandValue, name?: string): string {
  const imm = name ?? String(value.imm);
  switch (slot.form) {
    case "register":
      return `R${value.reg}`;
    case "memory":
      return `[R${value.reg}${name === undefined && value.imm < 0 ? "" : "+"}${imm}]`;
    case "call":
      return value.reg === 0 ? imm : printCallThrough(value);
    case "service":
      return hex(value.imm, 3);
    case "number":
      return name ?? (slot.second ? hex(value.imm, 8) : imm);
  }
}

function printCallThrough(value: OperandValue): string {
  if (value.imm === 0) return `R${value.reg}`;
  return `[R${value.reg}${value.imm < 0 ? "" : "+"}${value.imm * 4}]`;
}

function signed12(word: number): number {
  return (word << 20) >> 20;
}
