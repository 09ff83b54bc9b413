// A second MiniVM, deliberately simple: no speed, no sharing, each instruction as the manual tells it.

import { Stop } from "../../assembly/spec/node.ts";
import { Op } from "../../assembly/spec/opcodes.ts";
import { f16 } from "./f16.ts";

const WORD = 2 ** 32;
const DATA = 0x4000;
const STACK_TOP = 0xfffc;

/** R0 after a fault; docs/abi.md, "Faults". */
const FAULT_CODES: Partial<Record<Stop, number>> = {
  [Stop.STACK_UNDERFLOW]: 0xffffff02,
  [Stop.STACK_OVERFLOW]: 0xffffff03,
  [Stop.MEMORY]: 0xffffff04,
  [Stop.DIV_ZERO]: 0xffffff05,
  [Stop.ILLEGAL]: 0xffffff06,
  [Stop.PC]: 0xffffff07,
};

export interface Guest {
  readonly code: Uint8Array;
  readonly entry?: number;
  /** What lies at 0x4000 at the start. */
  readonly data?: Uint8Array;
  /** Bytes of the data segment; not used on the flat machine. */
  readonly dataBytes?: number;
  /** Data address of the lowest byte of the stack. */
  readonly stackOrigin: number;
  readonly sp: number;
  /** The reference's machine: 64 KiB of flat memory. */
  readonly isFlat?: boolean;
}

class Fault {
  constructor(readonly stop: Stop) {}
}

function signed(word: number): number {
  return word >= WORD / 2 ? word - WORD : word;
}
function wrap(value: number): number {
  return ((value % WORD) + WORD) % WORD;
}

export class MiniVm {
  /** All 64 KiB; only the task's segments can be reached. */
  readonly memory = new Uint8Array(0x10000);
  readonly regs: number[] = new Array(16).fill(0);
  pc: number;
  sp: number;
  depth = 0;
  steps = 0;
  svc = 0;
  z = false;
  c = false;
  n = false;
  v = false;
  private readonly code: Uint8Array;

  constructor(private readonly guest: Guest) {
    this.code = guest.code;
    this.pc = guest.entry ?? 0;
    this.sp = guest.sp;
    const room = guest.isFlat ? 0x10000 - DATA : (guest.dataBytes ?? 0);
    this.memory.set((guest.data ?? new Uint8Array(0)).subarray(0, room), DATA);
  }

  get psw(): number {
    return (this.z ? 1 : 0) + (this.c ? 2 : 0) + (this.n ? 4 : 0) + (this.v ? 8 : 0);
  }

  /** Runs at most `budget` instructions; `steps` counts those that retired. */
  run(budget: number): Stop {
    for (let left = budget; left > 0; left--) {
      const stop = this.step();
      if (stop !== Stop.BUDGET) return stop;
    }
    return Stop.BUDGET;
  }

  /** Runs one instruction. BUDGET: it retired and nothing else happened. */
  step(): Stop {
    try {
      const stop = this.execute();
      if (stop !== Stop.RETURN) this.steps++;
      return stop;
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      const hasCode = !this.guest.isFlat || (fault.stop !== Stop.ILLEGAL && fault.stop !== Stop.PC);
      if (hasCode) this.regs[0] = FAULT_CODES[fault.stop] ?? 0;
      return fault.stop;
    }
  }

  // ---- Memory ----

  private word(pc: number): number {
    if (pc + 4 > this.code.length) throw new Fault(Stop.PC);
    let word = 0;
    for (let i = 0; i < 4; i++) word = word * 256 + (this.code[pc + i] ?? 0);
    return word;
  }

  private check(address: number, size: number): void {
    const end = address + size;
    const { isFlat, dataBytes = 0, stackOrigin } = this.guest;
    if (isFlat ? end <= 0x10000 : address >= DATA && end <= DATA + dataBytes) return;
    if (!isFlat && address >= stackOrigin && end <= STACK_TOP) return;
    throw new Fault(Stop.MEMORY);
  }

  private load(address: number, size: number): number {
    this.check(address, size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.memory[address + i] ?? 0);
    return value;
  }

  private store(address: number, size: number, value: number): void {
    this.check(address, size);
    for (let i = 0; i < size; i++) this.memory[address + i] = Math.floor(value / 256 ** i) % 256;
  }

  private push(value: number): void {
    if (this.sp - 4 < this.guest.stackOrigin) throw new Fault(Stop.STACK_OVERFLOW);
    this.store(this.sp - 4, 4, value);
    this.sp -= 4;
    this.regs[15] = this.sp;
  }

  private pop(): number {
    const top = this.guest.isFlat ? 0x10000 : STACK_TOP;
    if (this.sp >= top) throw new Fault(Stop.STACK_UNDERFLOW);
    const value = this.load(this.sp, 4);
    this.sp += 4;
    this.regs[15] = this.sp;
    return value;
  }

  // ---- Flags ----

  private setFlags(result: number, c: boolean, v: boolean): number {
    this.z = result === 0;
    this.n = result >= WORD / 2;
    this.c = c;
    this.v = v;
    return result;
  }

  private sum(a: number, b: number, carry: number): number {
    const total = signed(a) + signed(b) + carry;
    const isOverflow = total < -WORD / 2 || total >= WORD / 2;
    return this.setFlags(wrap(total), a + b + carry >= WORD, isOverflow);
  }

  private difference(a: number, b: number, borrow: number): number {
    const total = signed(a) - signed(b) - borrow;
    const isOverflow = total < -WORD / 2 || total >= WORD / 2;
    return this.setFlags(wrap(total), a >= b + borrow, isOverflow);
  }

  private product(a: number, b: number): number {
    const isLong = a * b >= WORD; // rounding to a double cannot cross 2^32
    return this.setFlags(Math.imul(a, b) >>> 0, isLong, isLong);
  }

  private quotient(a: number, b: number): number {
    if (b === 0) throw new Fault(Stop.DIV_ZERO);
    return this.setFlags(wrap(Math.trunc(signed(a) / signed(b))), false, false);
  }

  private shift(op: number, value: number, amount: number): number {
    let word = value;
    let carry = this.c;
    for (let i = 0; i < amount; i++) {
      carry = op === Op.LSL ? word >= WORD / 2 : word % 2 === 1;
      if (op === Op.LSL) word = (word * 2) % WORD;
      if (op === Op.LSR) word = Math.floor(word / 2);
      if (op === Op.ASR) word = wrap(Math.floor(signed(word) / 2));
    }
    return this.setFlags(word, carry, false);
  }

  // ---- Instructions ----

  /** BUDGET, SVC, BRK or RETURN; a fault is thrown before anything is written. */
  private execute(): Stop {
    const word = this.word(this.pc);
    const op = word >>> 24;
    const rd = (word >>> 20) & 15;
    const imm = word & 0xfff;
    const simm = imm >= 0x800 ? imm - 0x1000 : imm;
    const x = this.regs[(word >>> 16) & 15] ?? 0;
    const y = this.regs[(word >>> 12) & 15] ?? 0;
    const address = wrap(x + simm) % 0x10000;
    const old = this.regs[rd] ?? 0;
    const half = (bits: number) => old - (old % 0x10000) + bits;
    const put = (value: number) => {
      this.regs[rd] = value;
    };
    let next = this.pc + 4;
    let stop = Stop.BUDGET;

    switch (op) {
      case Op.LDI:
        put(wrap(simm));
        break;
      case Op.LDI32:
        put(this.word(this.pc + 4));
        next = this.pc + 8;
        break;
      case Op.LD:
        put(this.load(address, 4));
        break;
      case Op.LDH:
        put(this.load(address, 2));
        break;
      case Op.LDB:
        put(this.load(address, 1));
        break;
      case Op.ST:
        this.store(address, 4, y);
        break;
      case Op.STH:
        this.store(address, 2, y);
        break;
      case Op.STB:
        this.store(address, 1, y);
        break;
      case Op.MOV:
        put(x);
        break;
      case Op.ADD:
        put(this.sum(x, y, 0));
        break;
      case Op.ADC:
        put(this.sum(x, y, this.c ? 1 : 0));
        break;
      case Op.SUB:
        put(this.difference(x, y, 0));
        break;
      case Op.SBC:
        put(this.difference(x, y, this.c ? 0 : 1));
        break;
      case Op.CMP:
        this.difference(x, y, 0);
        break;
      case Op.MUL:
        put(this.product(x, y));
        break;
      case Op.DIV:
        put(this.quotient(x, y));
        break;
      case Op.AND:
        put(this.setFlags((x & y) >>> 0, false, false));
        break;
      case Op.OR:
        put(this.setFlags((x | y) >>> 0, false, false));
        break;
      case Op.XOR:
        put(this.setFlags((x ^ y) >>> 0, false, false));
        break;
      case Op.NOT:
        put(this.setFlags(~x >>> 0, false, false));
        break;
      case Op.LSL:
      case Op.LSR:
      case Op.ASR:
        put(this.shift(op, x, y % 32));
        break;
      case Op.JMP:
        next = imm;
        break;
      case Op.JZ:
        if (this.z) next = imm;
        break;
      case Op.JNZ:
        if (!this.z) next = imm;
        break;
      case Op.JMPL:
      case Op.JZL:
      case Op.JNZL: {
        const target = this.word(this.pc + 4);
        const isTaken = op === Op.JMPL || this.z === (op === Op.JZL);
        next = isTaken ? target : this.pc + 8;
        break;
      }
      case Op.CALL: {
        const base = (word >>> 16) & 15 ? x : this.pc;
        this.push(this.pc + 4);
        this.depth = Math.min(this.depth + 1, 0xffff);
        next = wrap(base + simm * 4) % 0x10000;
        break;
      }
      case Op.RET:
        if (this.depth === 0) return Stop.RETURN;
        next = this.pop();
        this.depth--;
        break;
      case Op.SVC:
        this.svc = imm;
        stop = Stop.SVC;
        break;
      case Op.BRK:
        this.svc = imm & 0xff;
        stop = Stop.BRK;
        break;
      case Op.PUSH:
        this.push(x);
        break;
      case Op.POP:
        put(this.pop());
        break;
      case Op.FADD:
        put(half(f16.add(x & 0xffff, y & 0xffff)));
        break;
      case Op.FSUB:
        put(half(f16.sub(x & 0xffff, y & 0xffff)));
        break;
      case Op.FMUL:
        put(half(f16.mul(x & 0xffff, y & 0xffff)));
        break;
      case Op.FDIV:
        put(half(f16.div(x & 0xffff, y & 0xffff)));
        break;
      case Op.I2F:
        put(half(f16.fromInteger(x)));
        break;
      case Op.F2I:
        put(wrap(f16.toInteger(x & 0xffff)));
        break;
      default:
        throw new Fault(Stop.ILLEGAL);
    }
    this.pc = next;
    return stop;
  }
}
