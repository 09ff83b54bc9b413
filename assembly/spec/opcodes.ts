// The instruction set by number: opcodes and the fields of an instruction word.
// What each one means is told once, in host/formats/isa.ts (printed as docs/isa.md).

/** Opcode, bits 31..24 of the first word of an instruction. */
export enum Op {
  LDI = 0x01,
  LD = 0x02,
  ST = 0x03,
  MOV = 0x04,
  LDB = 0x06,
  LDH = 0x07,
  STB = 0x08,
  STH = 0x09,
  ADD = 0x10,
  SUB = 0x11,
  MUL = 0x12,
  DIV = 0x13,
  AND = 0x14,
  OR = 0x15,
  XOR = 0x16,
  NOT = 0x17,
  CMP = 0x20,
  JMP = 0x21,
  JZ = 0x22,
  JNZ = 0x23,
  CALL = 0x24,
  RET = 0x25,
  JMPL = 0x26,
  JZL = 0x27,
  JNZL = 0x28,
  SVC = 0x30,
  LSL = 0x31,
  LSR = 0x32,
  ASR = 0x33,
  ADC = 0x34,
  SBC = 0x35,
  PUSH = 0x40,
  POP = 0x41,
  FADD = 0x50,
  FSUB = 0x51,
  FMUL = 0x52,
  FDIV = 0x53,
  I2F = 0x54,
  F2I = 0x55,
  LDI32 = 0x60,
  BRK = 0x7f,
}

/** Bits of the program status word. */
export enum Psw {
  Z = 1,
  C = 2,
  N = 4,
  V = 8,
}

/** Bytes of an instruction word; LDI32, JMPL, JZL and JNZL take two words. */
export const WORD_SIZE: u32 = 4;

/** Fields of the big-endian word `op[31:24] rd[23:20] rs1[19:16] rs2[15:12] imm[11:0]`. */
export function opcode(word: u32): u32 {
  return word >>> 24;
}
export function rd(word: u32): u32 {
  return (word >>> 20) & 15;
}
export function rs1(word: u32): u32 {
  return (word >>> 16) & 15;
}
export function rs2(word: u32): u32 {
  return (word >>> 12) & 15;
}
export function imm12(word: u32): u32 {
  return word & 0xfff;
}
