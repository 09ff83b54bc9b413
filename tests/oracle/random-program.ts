// Random guests: most are loops with calls and memory traffic that run for ever, some of these are damaged, some are noise.

import { Op } from "../../assembly/spec/opcodes.ts";
import type { Guest } from "./minivm.ts";
import type { Random } from "./random.ts";

const DATA = 0x4000;
const STACK_TOP = 0xfffc;

// Registers of a structured program; R0 to R7 hold what the body computes.
const BASE = 8; // of the data segment
const FRAME = 9; // the lowest address of the stack
const TURNS = 10;
const ONE = 11;
const SCRATCH = 8; // registers below it

const VALID = Object.values(Op).filter((op): op is Op => typeof op === "number");
const ALU = [Op.ADD, Op.SUB, Op.MUL, Op.AND, Op.OR, Op.XOR, Op.ADC, Op.SBC, Op.LSL, Op.LSR, Op.ASR];
const FLOAT = [Op.FADD, Op.FSUB, Op.FMUL, Op.FDIV, Op.I2F, Op.F2I];
const LOADS = [Op.LD, Op.LDH, Op.LDB];
const STORES = [Op.ST, Op.STH, Op.STB];
const EDGES = [
  0, 1, 2, 31, 32, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x10001, 0x1ffff, 0x7fffffff,
  0x80000000, 0xffffffff,
];

function encode(op: number, rd = 0, rs1 = 0, rs2 = 0, imm = 0): number {
  return ((op << 24) | (rd << 20) | (rs1 << 16) | (rs2 << 12) | (imm & 0xfff)) >>> 0;
}

function toBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word);
  return bytes;
}

/** A word that is often at the edge of something. */
function randomWord(random: Random): number {
  return random.oneIn(3) ? random.pick(EDGES) : random.word() >>> random.below(32);
}

/** Writes a program that keeps to its memory, with a few exceptions. */
class Writer {
  readonly words: number[] = [];

  constructor(
    private readonly random: Random,
    private readonly dataBytes: number,
    private readonly stackBytes: number,
  ) {}

  private get here(): number {
    return 4 * this.words.length;
  }

  private put(op: number, rd = 0, rs1 = 0, rs2 = 0, imm = 0): void {
    this.words.push(encode(op, rd, rs1, rs2, imm));
  }

  private loadWord(rd: number, value: number): void {
    this.put(Op.LDI32, rd);
    this.words.push(value >>> 0);
  }

  private branch(short: Op, long: Op, target: number): void {
    if (this.random.oneIn(4)) {
      this.put(long);
      this.words.push(target);
    } else {
      this.put(short, 0, 0, 0, target);
    }
  }

  program(): number[] {
    const { random } = this;
    for (let n = 0; n < SCRATCH; n++) this.loadWord(n, randomWord(random));
    this.loadWord(BASE, DATA);
    this.loadWord(FRAME, STACK_TOP - this.stackBytes);
    this.put(Op.LDI, ONE, 0, 0, 1);
    const jump = this.words.length;
    this.words.push(0, 0); // over the functions, which come first so that calls know where they are
    const functions: number[] = [];
    for (let i = random.below(4); i > 0; i--) functions.push(this.function(functions));
    this.words[jump] = encode(Op.JMPL);
    this.words[jump + 1] = this.here;
    this.main(functions);
    return this.words;
  }

  private main(functions: readonly number[]): void {
    const { random } = this;
    const top = this.here;
    for (let blocks = 1 + random.below(3); blocks > 0; blocks--) {
      this.body(random.below(8));
      this.loop();
      if (functions.length > 0) this.call(random.pick(functions));
      if (random.oneIn(8))
        this.put(random.oneIn(4) ? Op.BRK : Op.SVC, 0, 0, 0, random.below(0x1000));
    }
    this.end(top);
  }

  /** Mostly a jump back to the start; else something that leaves the code in one of the ways there are. */
  private end(top: number): void {
    const { random } = this;
    switch (random.below(40)) {
      case 0:
      case 1:
        this.put(Op.RET);
        break;
      case 2: // around the last word
        this.put(Op.JMPL);
        this.words.push(this.here - 4 + random.below(10));
        break;
      case 3: // lacks its second word
        this.put(random.pick([Op.LDI32, Op.JMPL, Op.JZL, Op.JNZL]), random.below(SCRATCH));
        break;
      case 4: // up or down to the end of the stack
        this.put(random.pick([Op.PUSH, Op.POP, Op.CALL]), random.below(SCRATCH), 0, 0, 1);
        this.put(Op.JMP, 0, 0, 0, this.here - 4);
        break;
      default:
        this.branch(Op.JMP, Op.JMPL, top);
    }
  }

  private loop(): void {
    this.put(Op.LDI, TURNS, 0, 0, 1 + this.random.below(40));
    const top = this.here;
    this.body(1 + this.random.below(8));
    this.put(Op.SUB, TURNS, TURNS, ONE);
    this.branch(Op.JNZ, Op.JNZL, top);
  }

  private function(others: readonly number[]): number {
    const start = this.here;
    this.body(1 + this.random.below(6));
    if (others.length > 0 && this.random.oneIn(2)) this.call(this.random.pick(others));
    this.put(Op.RET);
    return start;
  }

  private call(target: number): void {
    this.put(Op.CALL, 0, 0, 0, (target - this.here) >> 2);
  }

  private body(length: number): void {
    for (let i = 0; i < length; i++) this.instruction();
  }

  private instruction(): void {
    const { random } = this;
    const rd = random.below(SCRATCH);
    const x = random.below(16);
    const y = random.below(16);
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        this.put(random.pick(ALU), rd, x, y, random.below(0x1000));
        break;
      case 3:
        this.put(random.pick([Op.MOV, Op.NOT, Op.CMP, Op.LDI]), rd, x, y, random.below(0x1000));
        break;
      case 4:
        this.put(Op.DIV, rd, x, random.oneIn(400) ? y : random.pick([BASE, FRAME, ONE]));
        break;
      case 5:
        this.put(random.pick(FLOAT), rd, x, y);
        break;
      case 6:
        this.loadWord(rd, randomWord(random));
        break;
      case 7:
        this.skip(rd, x, random.oneIn(2) ? x : y);
        break;
      case 8:
        this.put(Op.PUSH, 0, x);
        this.put(random.pick(ALU), rd, x, y);
        this.put(Op.POP, random.oneIn(8) ? 15 : random.below(SCRATCH));
        break;
      default:
        this.access(rd, y);
        break;
    }
  }

  /** A branch over up to three instructions. */
  private skip(rd: number, x: number, y: number): void {
    this.put(Op.CMP, 0, x, y);
    const isZero = this.random.oneIn(2);
    const length = this.random.below(4);
    if (this.random.oneIn(2)) {
      this.put(isZero ? Op.JZL : Op.JNZL);
      this.words.push(this.here + 4 + 4 * length);
    } else {
      this.put(isZero ? Op.JZ : Op.JNZ, 0, 0, 0, this.here + 4 + 4 * length);
    }
    for (let i = 0; i < length; i++) this.put(this.random.pick(ALU), rd, x, y);
  }

  private access(rd: number, rs2: number): void {
    const { random } = this;
    const isStack = random.oneIn(2);
    const size = random.pick([4, 2, 1]);
    const isAtEdge = random.oneIn(80);
    const bytes = isStack ? this.stackBytes : this.dataBytes;
    const room = isStack && !isAtEdge ? bytes - 64 : bytes; // return addresses lie at the top of the stack
    if (room < size) return;
    const edge = random.pick([0, room - size]) + random.below(5) - 2;
    const imm = isAtEdge ? edge : random.below(room - size + 1);
    const kind = size === 4 ? 0 : size === 2 ? 1 : 2;
    const base = isStack ? FRAME : BASE;
    if (random.oneIn(2)) this.put(LOADS[kind] ?? Op.LD, rd, base, 0, imm);
    else this.put(STORES[kind] ?? Op.ST, 0, base, rs2, imm);
  }
}

/** Words without sense: mostly valid opcodes, with targets that are often code. */
function noise(random: Random): number[] {
  const length = 1 + random.below(120);
  return Array.from({ length }, () => {
    if (random.oneIn(20)) return random.word();
    const imm = random.oneIn(2) ? 4 * random.below(length) : random.word();
    return encode(random.pick(VALID), random.below(16), random.below(16), random.below(16), imm);
  });
}

function damage(random: Random, words: number[]): void {
  for (let n = 1 + random.below(3); n > 0; n--) {
    const at = random.below(words.length);
    const bits = random.oneIn(2) ? 1 << random.below(32) : random.word();
    words[at] = ((words[at] ?? 0) ^ bits) >>> 0;
  }
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A guest with code, memory and entry; `isFlat` allows the reference's machine, too. */
export function randomGuest(random: Random, isFlatAllowed: boolean): Guest {
  const isFlat = isFlatAllowed && random.oneIn(6);
  const dataBytes = random.oneIn(8) ? random.below(6) : random.below(600);
  const stackBytes = random.oneIn(8) ? random.below(96) : 96 + random.below(240);
  const kind = random.below(20);
  const words = kind < 3 ? noise(random) : new Writer(random, dataBytes, stackBytes).program();
  if (kind >= 17) damage(random, words);
  return {
    code: toBytes(words),
    entry: random.oneIn(30) ? random.below(4 * words.length + 8) : 0,
    data: randomBytes(random, random.below(dataBytes + 1)),
    dataBytes,
    stackOrigin: STACK_TOP - stackBytes,
    sp: isFlat && random.oneIn(4) ? 0x10000 : STACK_TOP,
    isFlat,
  };
}
