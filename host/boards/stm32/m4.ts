// A Cortex-M4 without FPU: the instructions of Thumb-2 that compilers make of C, their flags and their cycles. Sections are
// those of the ARMv7-M Architecture Reference Manual (ARM DDI 0403); cycles those of the Cortex-M4 TRM (ARM DDI 0439), table
// 3-1, with P = 2, no loads overlapped and 12 cycles for a division. An instruction that is not here ends the run with a Fault:
// SIMD and saturation, exclusive access, coprocessors, the process stack.

import { type Bus, type Cpu, type CpuEvents, Fault, type Width } from "./cpu.ts";

const SP = 13;
const LR = 14;
const PC = 15;
/** Cycles of a branch beyond its own, P of the table. */
const REFILL = 2;
const DIVISION = 12;
/** Above it lie peripherals, which take no unaligned access (A3.2.1). */
const NORMAL_END = 0x40000000;
const HINT_WFI = 3;
const SYSM_MSP = 8;
const SYSM_PRIMASK = 16;
/** Stacked by an exception, and taken back (B1.5.6): R0 to R3, R12, LR, PC, xPSR. */
const FRAME = [0, 1, 2, 3, 12, LR] as const;
const FRAME_PC = 24;
const FRAME_PSR = 28;
const FRAME_BYTES = 32;
const EXC_RETURN_HANDLER = 0xfffffff1;
const EXC_RETURN_THREAD = 0xfffffff9;

const Shift = { LSL: 0, LSR: 1, ASR: 2, ROR: 3 } as const;

function rotated(value: number, by: number): number {
  const n = by & 31;
  return n === 0 ? value : ((value >>> n) | (value << (32 - n))) >>> 0;
}
/** Ones from bit `low` to bit `high`. */
function ones(low: number, high: number): number {
  return ((0xffffffff >>> (31 - high)) & (0xffffffff << low)) >>> 0;
}
function signed16(value: number): number {
  return (value << 16) >> 16;
}
/** SXTAH, UXTAH, SXTB16, UXTB16, SXTAB, UXTAB by bits 4 to 6; the ones of two half-words are not modelled. */
function extended(value: number, kind: number): number | undefined {
  if (kind === 0) return signed16(value);
  if (kind === 1) return value & 0xffff;
  if (kind === 4) return (value << 24) >> 24;
  return kind === 5 ? value & 0xff : undefined;
}
function reversedBits(value: number): number {
  let result = 0;
  for (let bit = 0; bit < 32; bit++) result |= ((value >>> bit) & 1) << (31 - bit);
  return result >>> 0;
}
/** REV, REV16, RBIT, REVSH by bits 4 and 5 (A7.7.113). */
function reversed(value: number, kind: number): number {
  const pairs = (((value >>> 8) & 0x00ff00ff) | ((value << 8) & 0xff00ff00)) >>> 0;
  if (kind === 0) return rotated(pairs, 16);
  if (kind === 1) return pairs;
  return kind === 2 ? reversedBits(value) : signed16(pairs) >>> 0;
}

class M4 implements Cpu {
  readonly registers = new Uint32Array(16);
  cycles = 0;
  waiting = false;
  interruptsUpdated = false;
  N = false;
  Z = false;
  C = false;
  V = false;
  PM = false;
  IPSR = 0;
  VTOR = 0;
  /** Address of the instruction under way. */
  private here = 0;
  /** ITSTATE (A7.3.3). */
  private it = 0;
  /** Carry out of the last shift. */
  private shifted = false;

  constructor(
    private readonly bus: Bus,
    private readonly events: CpuEvents,
  ) {}

  reset(): void {
    this.N = false;
    this.Z = false;
    this.C = false;
    this.V = false;
    this.PM = false;
    this.IPSR = 0;
    this.it = 0;
    this.waiting = false;
    this.interruptsUpdated = false;
  }

  executeInstruction(): boolean {
    const pc = this.registers[PC] as number;
    const op = this.bus.read(pc, 2);
    const isWide = op >= 0xe800;
    const { it } = this;
    this.here = pc;
    this.registers[PC] = pc + (isWide ? 4 : 2);
    this.cycles++;
    const isExecuted = it === 0 || this.passes(it >> 4);
    if (isExecuted) {
      if (isWide) this.wide(op, this.bus.read(pc + 2, 2));
      else this.narrow(op);
    }
    if (it !== 0 && this.it === it) this.it = (it & 7) === 0 ? 0 : (it & 0xe0) | ((it << 1) & 0x1f);
    return isExecuted;
  }

  private undefined(): never {
    const word = (this.bus.read(this.here, 2) << 16) | this.bus.read(this.here + 2, 2);
    const text = (word >>> 0).toString(16).padStart(8, "0");
    throw new Fault(`an instruction that is not modelled, ${text},`, this.here);
  }

  // ---- Registers and flags ----

  private get(n: number): number {
    return n === PC ? this.here + 4 : (this.registers[n] as number);
  }
  private set(n: number, value: number): void {
    if (n === PC) this.branch(value);
    else this.registers[n] = n === SP ? value & ~3 : value;
  }
  /** ConditionPassed() of A7.3.1. */
  private passes(condition: number): boolean {
    const { N, Z, C, V } = this;
    const holds = [Z, C, N, V, C && !Z, N === V, N === V && !Z, true][condition >> 1] as boolean;
    return (condition & 1) === 1 && condition !== 15 ? !holds : holds;
  }
  private setNZ(result: number): void {
    this.N = result >>> 31 === 1;
    this.Z = result >>> 0 === 0;
  }
  private get apsr(): number {
    const { N, Z, C, V } = this;
    return (Number(N) << 31) | (Number(Z) << 30) | (Number(C) << 29) | (Number(V) << 28);
  }
  private set apsr(value: number) {
    this.N = (value & 0x80000000) !== 0;
    this.Z = (value & 0x40000000) !== 0;
    this.C = (value & 0x20000000) !== 0;
    this.V = (value & 0x10000000) !== 0;
  }

  // ---- Arithmetic ----

  /** AddWithCarry() of A2.2.1. */
  private add(x: number, y: number, carry: number, sets: boolean): number {
    const sum = x + y + carry;
    const result = sum >>> 0;
    if (!sets) return result;
    this.setNZ(result);
    this.C = sum > 0xffffffff;
    this.V = ((x ^ result) & (y ^ result)) >>> 31 === 1;
    return result;
  }
  private subtract(x: number, y: number, sets: boolean): number {
    return this.add(x, ~y >>> 0, 1, sets);
  }
  private logic(result: number, sets: boolean): number {
    if (sets) {
      this.setNZ(result);
      this.C = this.shifted;
    }
    return result >>> 0;
  }

  /** Shift_C() of A7.4.2 by any number; the carry out is left in `shifted`. */
  private shift(value: number, type: number, n: number): number {
    this.shifted = this.C;
    if (n === 0) return value;
    switch (type) {
      case Shift.LSL:
        this.shifted = n <= 32 && ((value >>> (32 - n)) & 1) === 1;
        return n < 32 ? (value << n) >>> 0 : 0;
      case Shift.LSR:
        this.shifted = n <= 32 && ((value >>> (n - 1)) & 1) === 1;
        return n < 32 ? value >>> n : 0;
      case Shift.ASR:
        this.shifted = ((value >> Math.min(n - 1, 31)) & 1) === 1;
        return (value >> Math.min(n, 31)) >>> 0;
      default: {
        const result = rotated(value, n);
        this.shifted = result >>> 31 === 1;
        return result;
      }
    }
  }
  /** The same by an encoded number: 0 of LSR and ASR is 32, of ROR it is RRX (A7.4.1). */
  private shiftBy(value: number, type: number, n: number): number {
    if (n !== 0 || type === Shift.LSL) return this.shift(value, type, n);
    if (type !== Shift.ROR) return this.shift(value, type, 32);
    this.shifted = (value & 1) === 1;
    return ((value >>> 1) | (Number(this.C) << 31)) >>> 0;
  }
  /** ThumbExpandImm_C() of A5.3.2. */
  private expand(imm12: number): number {
    this.shifted = this.C;
    const byte = imm12 & 0xff;
    const kind = imm12 >> 8;
    if (kind === 0) return byte;
    if (kind === 1) return byte * 0x00010001;
    if (kind === 2) return byte * 0x01000100;
    if (kind === 3) return byte * 0x01010101;
    const value = rotated(0x80 | (imm12 & 0x7f), imm12 >> 7);
    this.shifted = value >>> 31 === 1;
    return value;
  }

  // ---- Memory ----

  private load(address: number, width: Width): number {
    const at = address >>> 0;
    this.cycles++;
    if ((at & (width - 1)) === 0) return this.bus.read(at, width);
    if (at >= NORMAL_END) throw new Fault("unaligned read", at);
    let value = 0;
    for (let n = 0; n < width; n++) value |= this.bus.read(at + n, 1) << (8 * n);
    this.cycles += width - 1;
    return value >>> 0;
  }
  private store(address: number, value: number, width: Width): void {
    const at = address >>> 0;
    this.cycles++;
    if ((at & (width - 1)) === 0) {
      this.bus.write(at, width === 4 ? value >>> 0 : value & (2 ** (8 * width) - 1), width);
      return;
    }
    if (at >= NORMAL_END) throw new Fault("unaligned write", at);
    for (let n = 0; n < width; n++) this.bus.write(at + n, (value >>> (8 * n)) & 0xff, 1);
    this.cycles += width - 1;
  }
  /** Words from an address on into the registers of a list; PC comes last and branches. */
  private loadMany(at: number, list: number): void {
    let from = at >>> 0;
    for (let n = 0; n <= PC; n++) {
      if (((list >> n) & 1) === 0) continue;
      this.cycles++;
      const value = this.bus.read(from, 4);
      from += 4;
      if (n === PC) this.exchange(value);
      else this.set(n, value);
    }
  }
  private storeMany(at: number, list: number): void {
    let to = at >>> 0;
    for (let n = 0; n < PC; n++) {
      if (((list >> n) & 1) === 0) continue;
      this.cycles++;
      this.bus.write(to, this.registers[n] as number, 4);
      to += 4;
    }
  }
  private count(list: number): number {
    let bytes = 0;
    for (let rest = list; rest !== 0; rest &= rest - 1) bytes += 4;
    return bytes;
  }

  // ---- Branches and exceptions ----

  private branch(address: number): void {
    this.registers[PC] = address & ~1;
    this.cycles += REFILL;
  }
  /** BXWritePC() of A2.3.1: the lowest bit must be one, and a handler returns by EXC_RETURN. */
  private exchange(address: number): void {
    if (this.IPSR !== 0 && address >>> 28 === 15) this.exceptionReturn(address);
    else if ((address & 1) === 0) throw new Fault("ARM state asked of Thumb", address);
    else this.branch(address);
  }

  exceptionEntry(exception: number): void {
    const r = this.registers;
    const sp = r[SP] as number;
    const align = sp & 4;
    const frame = (sp - FRAME_BYTES) & ~4;
    FRAME.forEach((n, at) => {
      this.bus.write(frame + 4 * at, r[n] as number, 4);
    });
    const it = ((this.it & 3) << 25) | ((this.it >> 2) << 10);
    const psr = this.apsr | it | (1 << 24) | (align << 7) | this.IPSR;
    this.bus.write(frame + FRAME_PC, r[PC] as number, 4);
    this.bus.write(frame + FRAME_PSR, psr >>> 0, 4);
    r[SP] = frame;
    r[LR] = this.IPSR === 0 ? EXC_RETURN_THREAD : EXC_RETURN_HANDLER;
    this.IPSR = exception;
    this.it = 0;
    const handler = this.bus.read(this.VTOR + 4 * exception, 4);
    if ((handler & 1) === 0) throw new Fault("ARM state asked of Thumb by a vector", handler);
    r[PC] = handler & ~1;
  }
  private exceptionReturn(how: number): void {
    if (how !== EXC_RETURN_THREAD && how !== EXC_RETURN_HANDLER) this.undefined();
    const r = this.registers;
    const frame = r[SP] as number;
    FRAME.forEach((n, at) => {
      r[n] = this.bus.read(frame + 4 * at, 4);
    });
    r[PC] = this.bus.read(frame + FRAME_PC, 4) & ~1;
    const psr = this.bus.read(frame + FRAME_PSR, 4);
    r[SP] = (frame + FRAME_BYTES) | ((psr >> 7) & 4);
    this.apsr = psr;
    this.it = ((psr >> 25) & 3) | ((psr >> 8) & 0xfc);
    this.IPSR = psr & 0x1ff;
    this.cycles += 10; // DDI 0439, 3.9.1: ten cycles
    this.events.left();
  }

  // ---- 16 bits (A5.2) ----

  private narrow(op: number): void {
    const sets = this.it === 0;
    switch (op >> 11) {
      case 0:
      case 1:
      case 2: {
        const value = this.shiftBy(this.get((op >> 3) & 7), op >> 11, (op >> 6) & 31);
        this.registers[op & 7] = this.logic(value, sets);
        return;
      }
      case 3: {
        const other = (op >> 6) & 7;
        const y = (op & 0x400) !== 0 ? other : this.get(other);
        const x = this.get((op >> 3) & 7);
        this.registers[op & 7] =
          (op & 0x200) !== 0 ? this.subtract(x, y, sets) : this.add(x, y, 0, sets);
        return;
      }
      case 4:
        this.registers[(op >> 8) & 7] = op & 0xff;
        if (sets) this.setNZ(op & 0xff);
        return;
      case 5:
        this.subtract(this.get((op >> 8) & 7), op & 0xff, true);
        return;
      case 6:
      case 7: {
        const d = (op >> 8) & 7;
        const x = this.get(d);
        const y = op & 0xff;
        this.registers[d] = op >> 11 === 6 ? this.add(x, y, 0, sets) : this.subtract(x, y, sets);
        return;
      }
      case 8:
        if ((op & 0x400) === 0) this.processing(op, sets);
        else this.special(op);
        return;
      case 9:
        this.registers[(op >> 8) & 7] = this.load(((this.here + 4) & ~3) + 4 * (op & 0xff), 4);
        return;
      case 10:
      case 11:
        return this.byRegister(op);
      case 20: // ADR
        this.registers[(op >> 8) & 7] = ((this.here + 4) & ~3) + 4 * (op & 0xff);
        return;
      case 21:
        this.registers[(op >> 8) & 7] = this.get(SP) + 4 * (op & 0xff);
        return;
      case 22:
      case 23:
        return this.miscellaneous(op);
      case 24:
      case 25:
        return this.multiple(op);
      case 26:
      case 27:
        return this.conditional(op);
      case 28:
        return this.branch(this.here + 4 + ((op << 21) >> 20));
      default:
        return this.byOffset(op);
    }
  }

  /** Data processing of two low registers (A5.2.2). */
  private processing(op: number, sets: boolean): void {
    const d = op & 7;
    const x = this.get(d);
    const y = this.get((op >> 3) & 7);
    const r = this.registers;
    this.shifted = this.C;
    switch ((op >> 6) & 15) {
      case 0:
        r[d] = this.logic(x & y, sets);
        return;
      case 1:
        r[d] = this.logic(x ^ y, sets);
        return;
      case 2:
      case 3:
      case 4:
        r[d] = this.logic(this.shift(x, ((op >> 6) & 15) - 2, y & 0xff), sets);
        return;
      case 5:
        r[d] = this.add(x, y, Number(this.C), sets);
        return;
      case 6:
        r[d] = this.add(x, ~y >>> 0, Number(this.C), sets);
        return;
      case 7:
        r[d] = this.logic(this.shift(x, Shift.ROR, y & 0xff), sets);
        return;
      case 8:
        this.logic(x & y, true);
        return;
      case 9:
        r[d] = this.subtract(0, y, sets);
        return;
      case 10:
        this.subtract(x, y, true);
        return;
      case 11:
        this.add(x, y, 0, true);
        return;
      case 12:
        r[d] = this.logic(x | y, sets);
        return;
      case 13:
        r[d] = Math.imul(x, y);
        if (sets) this.setNZ(r[d] as number);
        return;
      case 14:
        r[d] = this.logic(x & ~y, sets);
        return;
      default:
        r[d] = this.logic(~y, sets);
    }
  }
  /** ADD, CMP, MOV of any register, BX and BLX (A5.2.3). */
  private special(op: number): void {
    const d = ((op >> 4) & 8) | (op & 7);
    const m = (op >> 3) & 15;
    switch ((op >> 8) & 3) {
      case 0:
        return this.set(d, this.get(d) + this.get(m));
      case 1:
        this.subtract(this.get(d), this.get(m), true);
        return;
      case 2:
        return this.set(d, this.get(m));
      default: {
        const to = this.get(m);
        if ((op & 0x80) !== 0) this.registers[LR] = (this.here + 2) | 1;
        this.exchange(to);
      }
    }
  }

  /** Loads and stores at a register plus a register (A5.2.4). */
  private byRegister(op: number): void {
    const at = this.get((op >> 3) & 7) + this.get((op >> 6) & 7);
    const t = op & 7;
    const r = this.registers;
    switch ((op >> 9) & 7) {
      case 0:
        return this.store(at, this.get(t), 4);
      case 1:
        return this.store(at, this.get(t), 2);
      case 2:
        return this.store(at, this.get(t), 1);
      case 3:
        r[t] = (this.load(at, 1) << 24) >> 24;
        return;
      case 4:
        r[t] = this.load(at, 4);
        return;
      case 5:
        r[t] = this.load(at, 2);
        return;
      case 6:
        r[t] = this.load(at, 1);
        return;
      default:
        r[t] = signed16(this.load(at, 2));
    }
  }
  /** Loads and stores at a register plus five bits, or at SP plus eight (A5.2.4). */
  private byOffset(op: number): void {
    const isLoad = (op & 0x800) !== 0;
    if (op >> 12 === 9) return this.move(isLoad, (op >> 8) & 7, this.get(SP) + 4 * (op & 0xff), 4);
    const width = ([4, 1, 2] as const)[(op >> 12) - 6] as Width;
    this.move(isLoad, op & 7, this.get((op >> 3) & 7) + width * ((op >> 6) & 31), width);
  }
  private move(isLoad: boolean, t: number, at: number, width: Width): void {
    if (isLoad) this.registers[t] = this.load(at, width);
    else this.store(at, this.get(t), width);
  }

  /** STMIA and LDMIA; a base that is loaded is not written back (A7.7.41). */
  private multiple(op: number): void {
    const n = (op >> 8) & 7;
    const list = op & 0xff;
    const at = this.get(n);
    const isLoad = (op & 0x800) !== 0;
    if (isLoad) this.loadMany(at, list);
    else this.storeMany(at, list);
    if (!isLoad || ((list >> n) & 1) === 0) this.registers[n] = at + this.count(list);
  }

  /** A5.2.5. */
  private miscellaneous(op: number): void {
    if ((op & 0x500) === 0x100) return this.compareAndBranch(op);
    const r = this.registers;
    switch ((op >> 8) & 15) {
      case 0: {
        const by = 4 * (op & 0x7f);
        r[SP] = this.get(SP) + ((op & 0x80) !== 0 ? -by : by);
        return;
      }
      case 2: {
        const value = extended(this.get((op >> 3) & 7), [0, 4, 1, 5][(op >> 6) & 3] as number);
        r[op & 7] = value as number;
        return;
      }
      case 4:
      case 5: {
        const list = (op & 0xff) | ((op & 0x100) << 6);
        r[SP] = this.get(SP) - this.count(list);
        return this.storeMany(this.get(SP), list);
      }
      case 6:
        if ((op & 0xe2) !== 0x62) return this.undefined();
        this.PM = (op & 0x10) !== 0;
        this.interruptsUpdated = true;
        return;
      case 10: {
        const kind = (op >> 6) & 3;
        if (kind === 2) return this.undefined();
        r[op & 7] = reversed(this.get((op >> 3) & 7), kind);
        return;
      }
      case 12:
      case 13: {
        const list = (op & 0xff) | ((op & 0x100) << 7);
        const at = this.get(SP);
        r[SP] = at + this.count(list);
        return this.loadMany(at, list);
      }
      case 15:
        if ((op & 15) !== 0) this.it = op & 0xff;
        else this.hint((op >> 4) & 15);
        return;
      default:
        return this.undefined(); // BKPT among them
    }
  }
  private compareAndBranch(op: number): void {
    const offset = ((op >> 3) & 0x40) | ((op >> 2) & 0x3e);
    if ((this.get(op & 7) === 0) === ((op & 0x800) === 0)) this.branch(this.here + 4 + offset);
  }
  private hint(n: number): void {
    if (n === HINT_WFI) this.waiting = true;
    else if (n !== 0) this.undefined();
  }
  private conditional(op: number): void {
    const condition = (op >> 8) & 15;
    if (condition >= 14) this.undefined(); // UDF, SVC
    if (this.passes(condition)) this.branch(this.here + 4 + ((op << 24) >> 23));
  }

  // ---- 32 bits (A5.3) ----

  private wide(op: number, low: number): void {
    switch ((op >> 9) & 15) {
      case 4:
        return (op & 0x40) === 0 ? this.wideMultiple(op, low) : this.pair(op, low);
      case 5: {
        const n = ((low >> 10) & 0x1c) | ((low >> 6) & 3);
        const value = this.shiftBy(this.get(low & 15), (low >> 4) & 3, n);
        return this.wideProcessing(op, (low >> 8) & 15, value);
      }
      case 8:
      case 9:
      case 10:
      case 11:
        if ((low & 0x8000) !== 0) return this.control(op, low);
        if ((op & 0x200) !== 0) return this.plain(op, low);
        return this.wideProcessing(op, (low >> 8) & 15, this.expand(this.imm12(op, low)));
      case 12:
        return this.single(op, low);
      case 13:
        if ((op & 0x180) === 0x100) return this.multiply(op, low);
        return (op & 0x180) === 0x180 ? this.long(op, low) : this.registerOnly(op, low);
      default:
        return this.undefined();
    }
  }
  /** i:imm3:imm8. */
  private imm12(op: number, low: number): number {
    return ((op & 0x400) << 1) | ((low >> 4) & 0x700) | (low & 0xff);
  }

  /** Data processing of a register and a modified constant or a shifted register (A5.3.1, A5.3.11). */
  private wideProcessing(op: number, d: number, y: number): void {
    const n = op & 15;
    const sets = (op & 0x10) !== 0;
    const x = this.get(n);
    const discards = d === PC && sets; // TST, TEQ, CMN, CMP
    const keep = (result: number) => {
      if (!discards) this.set(d, result);
    };
    switch ((op >> 5) & 15) {
      case 0:
        return keep(this.logic(x & y, sets));
      case 1:
        return keep(this.logic(x & ~y, sets));
      case 2:
        return keep(this.logic(n === PC ? y : x | y, sets));
      case 3:
        return keep(this.logic(n === PC ? ~y : x | ~y, sets));
      case 4:
        return keep(this.logic(x ^ y, sets));
      case 8:
        return keep(this.add(x, y, 0, sets));
      case 10:
        return keep(this.add(x, y, Number(this.C), sets));
      case 11:
        return keep(this.add(x, ~y >>> 0, Number(this.C), sets));
      case 13:
        return keep(this.subtract(x, y, sets));
      case 14:
        return keep(this.subtract(y, x, sets));
      default:
        return this.undefined(); // PKHBT, PKHTB among them
    }
  }

  /** Plain constants and bit fields (A5.3.3). */
  private plain(op: number, low: number): void {
    const n = op & 15;
    const d = (low >> 8) & 15;
    const from = ((low >> 10) & 0x1c) | ((low >> 6) & 3);
    const to = low & 31;
    const base = n === PC ? (this.here + 4) & ~3 : this.get(n);
    switch ((op >> 4) & 31) {
      case 0:
        return this.set(d, base + this.imm12(op, low));
      case 10:
        return this.set(d, base - this.imm12(op, low));
      case 4:
        return this.set(d, (n << 12) | this.imm12(op, low));
      case 12:
        return this.set(
          d,
          (((n << 12) | this.imm12(op, low)) << 16) | ((this.get(d) & 0xffff) >>> 0),
        );
      case 20: // SBFX
        return this.set(d, (this.get(n) << (31 - to - from)) >> (31 - to));
      case 22: {
        const mask = ones(from, to);
        const value = n === PC ? 0 : this.get(n) << from;
        return this.set(d, (this.get(d) & ~mask) | (value & mask));
      }
      case 28: // UBFX
        return this.set(d, (this.get(n) << (31 - to - from)) >>> (31 - to));
      default:
        return this.undefined();
    }
  }

  /** Branches, barriers, special registers (A5.3.4). */
  private control(op: number, low: number): void {
    const sign = (op >> 10) & 1;
    const [j1, j2] = [(low >> 13) & 1, (low >> 11) & 1];
    if ((low & 0x1000) !== 0) {
      const high = (sign << 24) | ((j1 ^ sign ^ 1) << 23) | ((j2 ^ sign ^ 1) << 22);
      const offset = ((high | ((op & 0x3ff) << 12) | ((low & 0x7ff) << 1)) << 7) >> 7;
      if ((low & 0x4000) !== 0) this.registers[LR] = (this.here + 4) | 1;
      return this.branch(this.here + 4 + offset);
    }
    if ((low & 0x4000) !== 0) return this.undefined();
    const condition = (op >> 6) & 15;
    if (condition >= 14) return this.system(op, low);
    const high = (sign << 20) | (j2 << 19) | (j1 << 18);
    const offset = ((high | ((op & 0x3f) << 12) | ((low & 0x7ff) << 1)) << 11) >> 11;
    if (this.passes(condition)) this.branch(this.here + 4 + offset);
  }
  private system(op: number, low: number): void {
    const which = low & 0xff;
    this.cycles++;
    if (op === 0xf3af) return this.hint(which);
    if (op === 0xf3bf && ((low >> 4) & 15) >= 4) return; // DSB, DMB, ISB
    if ((op & 0xfff0) === 0xf380) return this.writeSpecial(which, this.get(op & 15));
    if (op !== 0xf3ef) return this.undefined();
    this.set((low >> 8) & 15, this.readSpecial(which));
  }
  private readSpecial(which: number): number {
    if (which === SYSM_PRIMASK) return Number(this.PM);
    if (which === SYSM_MSP) return this.get(SP);
    if (which > 7) this.undefined();
    return ((which & 1) !== 0 ? this.IPSR : 0) | ((which & 4) === 0 ? this.apsr : 0);
  }
  private writeSpecial(which: number, value: number): void {
    if (which === SYSM_PRIMASK) {
      this.PM = (value & 1) === 1;
      this.interruptsUpdated = true;
    } else if (which === SYSM_MSP) this.set(SP, value);
    else if (which < 4) this.apsr = value;
    else this.undefined();
  }

  /** LDM and STM, upwards or downwards (A5.3.5). */
  private wideMultiple(op: number, low: number): void {
    const n = op & 15;
    const bytes = this.count(low);
    const isDown = (op & 0x100) !== 0;
    if (isDown === ((op & 0x80) !== 0)) return this.undefined();
    const base = this.get(n);
    const at = isDown ? base - bytes : base;
    if ((op & 0x20) !== 0) this.set(n, isDown ? at : base + bytes);
    if ((op & 0x10) !== 0) this.loadMany(at, low);
    else this.storeMany(at, low);
  }
  /** LDRD, STRD and the table branches (A5.3.6). */
  private pair(op: number, low: number): void {
    if ((op & 0xfff0) === 0xe8d0 && (low & 0xffe0) === 0xf000) return this.tableBranch(op, low);
    const isPre = (op & 0x100) !== 0;
    const isBack = (op & 0x20) !== 0;
    if (!isPre && !isBack) return this.undefined(); // exclusive access
    const n = op & 15;
    const base = n === PC ? (this.here + 4) & ~3 : this.get(n);
    const offset = 4 * (low & 0xff);
    const moved = (op & 0x80) !== 0 ? base + offset : base - offset;
    const at = (isPre ? moved : base) >>> 0;
    const [t, t2] = [low >> 12, (low >> 8) & 15];
    if ((op & 0x10) !== 0) {
      const [first, second] = [this.bus.read(at, 4), this.bus.read(at + 4, 4)];
      this.set(t, first);
      this.set(t2, second);
    } else {
      this.bus.write(at, this.get(t), 4);
      this.bus.write(at + 4, this.get(t2), 4);
    }
    this.cycles += 2;
    if (isBack) this.set(n, moved);
  }
  private tableBranch(op: number, low: number): void {
    const index = this.get(low & 15);
    const base = this.get(op & 15);
    const halves = (low & 0x10) !== 0 ? this.load(base + 2 * index, 2) : this.load(base + index, 1);
    this.branch(this.here + 4 + 2 * halves);
  }

  /** Loads and stores of one register (A5.3.7 to A5.3.10). */
  private single(op: number, low: number): void {
    const isLoad = (op & 0x10) !== 0;
    const isSigned = (op & 0x100) !== 0;
    const width = ([1, 2, 4] as const)[(op >> 5) & 3];
    const t = low >> 12;
    if (width === undefined || (isSigned && (!isLoad || width === 4))) return this.undefined();
    const at = this.addressOf(op, low);
    if (!isLoad) return this.store(at, this.get(t), width);
    if (t === PC && width < 4) return; // PLD, PLI
    const value = this.load(at, width);
    if (t === PC) this.exchange(value);
    else this.set(t, isSigned ? (width === 1 ? (value << 24) >> 24 : signed16(value)) : value);
  }
  /** Twelve bits up, a register shifted, or eight bits with the base written back. */
  private addressOf(op: number, low: number): number {
    const n = op & 15;
    if (n === PC) {
      const base = (this.here + 4) & ~3;
      return (op & 0x80) !== 0 ? base + (low & 0xfff) : base - (low & 0xfff);
    }
    const base = this.get(n);
    if ((op & 0x80) !== 0) return base + (low & 0xfff);
    if ((low & 0x800) === 0) return base + (this.get(low & 15) << ((low >> 4) & 3));
    const offset = low & 0xff;
    const moved = (low & 0x200) !== 0 ? base + offset : base - offset;
    if ((low & 0x100) !== 0) this.set(n, moved);
    return (low & 0x400) !== 0 ? moved : base;
  }

  /** Shifts by a register, extensions, reversals, CLZ (A5.3.12). */
  private registerOnly(op: number, low: number): void {
    const n = op & 15;
    const d = (low >> 8) & 15;
    const m = this.get(low & 15);
    const kind = (op >> 4) & 15;
    const sub = (low >> 4) & 15;
    if (kind < 8 && sub === 0) {
      const value = this.shift(this.get(n), kind >> 1, m & 0xff);
      return this.set(d, this.logic(value, (kind & 1) === 1));
    }
    if (kind < 6 && sub >= 8) {
      const value = extended(rotated(m, 8 * (sub & 3)), kind);
      if (value === undefined) return this.undefined();
      return this.set(d, (n === PC ? 0 : this.get(n)) + value);
    }
    if (kind === 9 && sub >= 8 && sub < 12) return this.set(d, reversed(m, sub & 3));
    if (kind === 11 && sub === 8) return this.set(d, Math.clz32(m));
    return this.undefined();
  }

  /** MUL, MLA, MLS, SMLA of half-words, SMLAW, SMMLA (A5.3.16). */
  private multiply(op: number, low: number): void {
    const a = low >> 12;
    const [n, m] = [this.get(op & 15), this.get(low & 15)];
    const sum = a === PC ? 0 : this.get(a);
    const d = (low >> 8) & 15;
    const sub = (low >> 4) & 3;
    const half = (value: number, isTop: number) => (isTop !== 0 ? value >> 16 : signed16(value));
    if (a !== PC) this.cycles++;
    switch ((op >> 4) & 7) {
      case 0:
        return this.set(d, sub === 0 ? Math.imul(n, m) + sum : sum - Math.imul(n, m));
      case 1:
        return this.set(d, Math.imul(half(n, sub & 2), half(m, sub & 1)) + sum);
      case 3: {
        const product = (BigInt(n | 0) * BigInt(half(m, sub & 1))) >> 16n;
        return this.set(d, Number(BigInt.asIntN(32, product)) + sum);
      }
      case 5: {
        const high = BigInt(n | 0) * BigInt(m | 0) + (BigInt(sum) << 32n);
        const rounded = (sub & 1) !== 0 ? high + 0x80000000n : high;
        return this.set(d, Number(BigInt.asUintN(32, rounded >> 32n)));
      }
      default:
        return this.undefined();
    }
  }
  /** Products of 64 bits, and divisions (A5.3.17). */
  private long(op: number, low: number): void {
    const [n, m] = [this.get(op & 15), this.get(low & 15)];
    const [lowTo, highTo] = [low >> 12, (low >> 8) & 15];
    const sub = (low >> 4) & 15;
    const kind = (op >> 4) & 7;
    const sum = (BigInt(this.get(highTo)) << 32n) | BigInt(this.get(lowTo));
    const keep = (value: bigint) => {
      this.set(lowTo, Number(BigInt.asUintN(32, value)));
      this.set(highTo, Number(BigInt.asUintN(32, value >> 32n)));
    };
    if (kind === 0) return keep(BigInt(n | 0) * BigInt(m | 0));
    if (kind === 2) return keep(BigInt(n) * BigInt(m));
    if (kind === 4 && sub === 0) return keep(BigInt(n | 0) * BigInt(m | 0) + sum);
    if (kind === 6 && sub === 0) return keep(BigInt(n) * BigInt(m) + sum);
    if (kind === 6 && sub === 6)
      return keep(BigInt(n) * BigInt(m) + BigInt(this.get(lowTo)) + BigInt(this.get(highTo)));
    if ((kind !== 1 && kind !== 3) || sub !== 15) return this.undefined();
    this.cycles += DIVISION - 1;
    if (m === 0) return this.set(highTo, 0); // DIV_0_TRP is clear (B3.2.8)
    return this.set(highTo, kind === 1 ? Math.trunc((n | 0) / (m | 0)) : Math.floor(n / m));
  }
}

export function makeM4(bus: Bus, events: CpuEvents): Cpu {
  return new M4(bus, events);
}
