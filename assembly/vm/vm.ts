// The MiniVM: runs the instructions of one task, up to an exact budget.
// The small functions here are for the optimizer to inline; a test sees to it that the desktop's loop calls none.

import {
  ADDRESS_MASK,
  IS_DESKTOP,
  IS_WIDE,
  LINE_BYTES,
  LINE_SIZE,
  linePlace,
  lineTag,
  RAM_LIMIT,
  STATIC_BASE,
  WINDOW_LINES_OFF,
  WINDOW_TAGS_OFF,
} from "../layout";
import { DATA_ORIGIN, STACK_TOP } from "../spec/hxe";
import { Stop } from "../spec/node";
import { Op } from "../spec/opcodes";
import {
  DIV_ZERO,
  ILLEGAL_OPCODE,
  MEM_FAULT,
  PC_FAULT,
  STACK_OVERFLOW,
  STACK_UNDERFLOW,
} from "../spec/svc";
import { Context, isFlat, isWindowed, REGS_OFF, setReg, stackAt } from "./context";
import { f16Add, f16Div, f16FromInteger, f16Mul, f16Sub, f16ToInteger } from "../f16";
import {
  carry,
  flagsLoad,
  flagsSave,
  isZero,
  setProduct,
  setResult,
  setShifted,
  setSum,
} from "./flags";
import { FLAT_SIZE } from "./memory";

/** A chip's linear addresses, pc and sp fit 16 bits. Where a register holds a word, cutting them would be the longer way. */
const WIDTH: u32 = IS_WIDE ? 0xffffffff : ADDRESS_MASK;
/** Code is counted from here, so that no fetch can lie below memory: p, and what it is compared with, is an address less this. */
const FETCH_OFF: usize = STATIC_BASE;
/** Where branches lead that count from no resident line: beyond all memory, so that the next fetch looks for the line. */
const AFAR: usize = WIDTH & 0xffffe800;
/** Where p stands when `target` is to be looked for. */
const SEEK: usize = WIDTH & 0xfffffffc;
/** Where p never stands: between memory and AFAR. */
const NOWHERE: usize = AFAR - LINE_BYTES;
if (RAM_LIMIT > NOWHERE) ERROR("vm: no addresses beyond memory");
/** Offsets that an immediate cannot reach begin here. */
const FAR_OFFSET: u32 = 0x1000;
/** Of the instructions that are resident, the last begins here at most, so that all fetches are seen to lie in memory. */
const FETCH_LIMIT: usize = RAM_LIMIT - FETCH_OFF - 4;
/** The same of a line. */
const LINE_LIMIT: usize = RAM_LIMIT - FETCH_OFF - LINE_SIZE;
/** CALLs are counted up to here, so that a program that drops return addresses for ever still returns by RET. */
const DEPTH_MAX: u16 = 0xffff;

// ---- Operands of the instruction `word`: taken from one of its bytes where a register holds no more ----

/** Address of Rd. Register files are 64-byte aligned: to set bits is cheaper than to add where an address has two bytes. */
function rdAt(regs: usize, word: u32): usize {
  return IS_WIDE ? regs + (((word >>> 12) & 15) << 2) : regs | ((word >>> 10) & 0x3c);
}
function rs1(regs: usize, word: u32): u32 {
  const n = (word >>> 8) & 15;
  return load<u32>(IS_WIDE ? regs + (n << 2) : regs | (n << 2));
}
function rs2(regs: usize, word: u32): u32 {
  return load<u32>(IS_WIDE ? regs + (((word >>> 20) & 15) << 2) : regs | ((word >>> 18) & 0x3c));
}
function r15At(regs: usize): usize {
  return regs | 60;
}
/** Whether the word names no Rs1. */
function hasNoBase(word: u32): bool {
  return (word & 0xf00) == 0;
}
/** The immediate, sign-extended; byte by byte where the machine has no wide shifts. */
function simm(word: u32): u32 {
  if (IS_WIDE) return ((<u32>((<i32>(word << 12)) >> 28)) << 8) | (word >>> 24);
  const high = <i8>((((word >>> 16) & 15) ^ 8) - 8);
  return ((<u32>high) << 8) | (word >>> 24);
}
function imm(word: u32): u32 {
  return (((word >>> 16) & 15) << 8) | (word >>> 24);
}
/** The big-endian word at `p`. */
function wordAt(p: usize): u32 {
  return (
    ((<u32>load<u8>(p, FETCH_OFF)) << 24) |
    ((<u32>load<u8>(p, FETCH_OFF + 1)) << 16) |
    ((<u32>load<u8>(p, FETCH_OFF + 2)) << 8) |
    load<u8>(p, FETCH_OFF + 3)
  );
}
/** Linear address of `size` bytes at an offset into a segment; 0 when they do not lie in it. */
function within(offset: u32, size: u32, segment: usize, bytes: u32): usize {
  return bytes >= size && offset <= bytes - size ? (segment + offset) & WIDTH : 0;
}

/** Where the line that holds the code at offset `pc` begins, as p counts; 0: it is not in the window. */
function lineAt(window: usize, pc: u32): usize {
  const line = linePlace(pc);
  if (load<u8>(window + line, WINDOW_TAGS_OFF) != lineTag(pc)) return 0;
  return (window - FETCH_OFF + WINDOW_LINES_OFF + line * LINE_SIZE) & WIDTH;
}

// ---- Arithmetic ----

/** True when the product of two words needs more than 32 bits. */
function isProductLong(a: u32, b: u32): bool {
  const aHigh = a >>> 16;
  const bHigh = b >>> 16;
  if (aHigh == 0 && bHigh == 0) return false;
  if (aHigh != 0 && bHigh != 0) return true;
  const low = (a & 0xffff) * (b & 0xffff);
  const middle = aHigh != 0 ? aHigh * (b & 0xffff) : bHigh * (a & 0xffff);
  return middle + (low >>> 16) > 0xffff;
}

function multiply(rd: usize, a: u32, b: u32): void {
  const product = a * b;
  store<u32>(rd, product);
  setProduct(product, isProductLong(a, b));
}

function divide(rd: usize, a: i32, b: i32): void {
  const quotient: u32 = b == -1 ? 0 - a : a / b; // WASM traps on the smallest integer / -1
  store<u32>(rd, quotient);
  setResult(quotient);
}

// A shift goes `amount - 1` places and then one: between the two, the bit that falls out last is at the edge.

function shiftLeft(rd: usize, value: u32, amount: u32): void {
  const edge = value << (amount - 1);
  const result = amount == 0 ? value : edge << 1;
  store<u32>(rd, result);
  setShifted(result, amount == 0 ? carry() << 31 : edge);
}

function shiftRight(rd: usize, value: u32, amount: u32): void {
  const edge = value >>> (amount - 1);
  const result = amount == 0 ? value : edge >>> 1;
  store<u32>(rd, result);
  setShifted(result, (amount == 0 ? carry() : edge) << 31);
}

function shiftSigned(rd: usize, value: i32, amount: u32): void {
  const edge = value >> (amount - 1);
  const result = amount == 0 ? value : edge >> 1;
  store<u32>(rd, result);
  setShifted(result, (amount == 0 ? carry() : edge) << 31);
}

/** Whether no code begins at an offset; in two steps where a register does not hold it. */
function isBeyond(target: u32, codeLast: u32): bool {
  if (IS_WIDE) return target > codeLast;
  return target > 0xffff || (target & 0xffff) > codeLast;
}

/** Offset of the instruction at p. Only of code that is read through a window does p stand beyond memory. */
function offsetOf(p: usize, here: usize, target: u32): u32 {
  if (p == SEEK) return target;
  return (<u32>(p >= AFAR ? p - AFAR : p - here)) & WIDTH;
}

// ---- How a run ends ----

function faultCode(stop: u32): u32 {
  if (stop == Stop.MEMORY) return MEM_FAULT;
  if (stop == Stop.DIV_ZERO) return DIV_ZERO;
  if (stop == Stop.STACK_OVERFLOW) return STACK_OVERFLOW;
  if (stop == Stop.STACK_UNDERFLOW) return STACK_UNDERFLOW;
  return stop == Stop.ILLEGAL ? ILLEGAL_OPCODE : PC_FAULT;
}

/** A fault leaves its code in R0; the reference's machine has none for ILLEGAL and PC. */
function leaveCode(c: Context, stop: u32): void {
  if (isFlat(c) && stop >= <u32>Stop.ILLEGAL) return;
  setReg(c, 0, faultCode(stop));
}

/** Records a fault without a run. */
function refuseRun(c: Context, stop: u32): u32 {
  c.stop = <u8>stop;
  leaveCode(c, stop);
  return 0;
}

/**
 * Runs at most `budget` instructions, 0 to 65,535, and returns how many retired. The context tells why it ended.
 * SVC and BRK retire. RET with no CALL outstanding and faults do not: pc stays, and nothing is written but R0.
 * In a code window, LINE asks for the line of pc.
 */
export function vmRun(c: Context, budget: u32): u32 {
  let target: u32 = c.pc; // of a jump that may leave the code
  const codeLast: u32 = c.codeLast;
  if (isBeyond(target, codeLast)) return refuseRun(c, Stop.PC);
  const flat = isFlat(c);
  const regs = changetype<usize>(c) + REGS_OFF;
  const windowed = isWindowed(c);
  const codeFrom: usize = (<usize>c.code - FETCH_OFF) & WIDTH;
  const code: usize = windowed ? AFAR : codeFrom; // what branches count from
  let here = codeFrom; // where offset 0 is, as the resident line has it
  let last = min((codeFrom + codeLast) & WIDTH, FETCH_LIMIT); // of the instructions that are resident
  let lastWord = last; // and of their second words
  let first: usize = 0; // of the resident line
  let count: usize = 0; // of offsets in it at which instructions may begin
  let door: usize = 0; // where branches into the resident line lead
  const origin: u32 = flat ? 0 : DATA_ORIGIN;
  const data: usize = c.data & WIDTH;
  const dataBytes: u32 = flat ? FLAT_SIZE : <u32>c.dataBytes;
  const stackOrigin: u32 = c.stackOrigin;
  const top: u32 = flat ? FLAT_SIZE : STACK_TOP;
  const stack: usize = stackAt(c) & WIDTH;
  const stackBytes: u32 = (top - stackOrigin) & WIDTH;
  const gap = (stackOrigin - origin) & WIDTH; // from data address `origin` to the stack

  let p: usize = windowed ? SEEK : (code + target) & WIDTH;
  let below: u32 = (c.sp - stackOrigin) & WIDTH; // bytes of stack below sp
  if (below > stackBytes) return refuseRun(c, Stop.STACK_UNDERFLOW);
  let left = budget;
  let stop: u32 = Stop.BUDGET;
  let isOut = false;
  flagsLoad(c);

  for (; left != 0; left = (left - 1) & WIDTH) {
    if (p > last) {
      const ahead = (p - door) & WIDTH;
      if (ahead < count) p = first + ahead;
      else {
        target = offsetOf(p, here, target);
        if (!windowed || isBeyond(target, codeLast)) {
          stop = Stop.PC;
          isOut = true;
          break;
        }
        const line = lineAt(c.code & WIDTH, target);
        if (line == 0) {
          stop = Stop.LINE;
          isOut = true;
          break;
        }
        const start = target & ~(LINE_BYTES - 1);
        const rest = (codeLast - start) & 0xffff;
        first = line < LINE_LIMIT ? line : LINE_LIMIT;
        last = first + min(rest, LINE_BYTES - 1);
        count = min(rest + 1, LINE_BYTES);
        lastWord = first + min(rest, LINE_BYTES + 3);
        here = (first - start) & WIDTH;
        door = start < FAR_OFFSET ? AFAR + start : NOWHERE;
        p = first + (target & (LINE_BYTES - 1));
      }
    }
    const word = load<u32>(p, FETCH_OFF);
    p = (p + 4) & WIDTH;
    const op = word & 0xff;
    switch (op) {
      case Op.LDI:
        store<u32>(rdAt(regs, word), simm(word));
        continue;
      case Op.LD: {
        const offset = (rs1(regs, word) + simm(word) - origin) & 0xffff;
        let at = within(offset, 4, data, dataBytes);
        if (at == 0) at = within((offset - gap) & 0xffff, 4, stack, stackBytes);
        if (at == 0) {
          stop = Stop.MEMORY;
          break;
        }
        store<u32>(rdAt(regs, word), load<u32>(at));
        continue;
      }
      case Op.ST: {
        const offset = (rs1(regs, word) + simm(word) - origin) & 0xffff;
        let at = within(offset, 4, data, dataBytes);
        if (at == 0) at = within((offset - gap) & 0xffff, 4, stack, stackBytes);
        if (at == 0) {
          stop = Stop.MEMORY;
          break;
        }
        store<u32>(at, rs2(regs, word));
        continue;
      }
      case Op.MOV:
        store<u32>(rdAt(regs, word), rs1(regs, word));
        continue;
      case Op.LDB: {
        const offset = (rs1(regs, word) + simm(word) - origin) & 0xffff;
        let at = within(offset, 1, data, dataBytes);
        if (at == 0) at = within((offset - gap) & 0xffff, 1, stack, stackBytes);
        if (at == 0) {
          stop = Stop.MEMORY;
          break;
        }
        store<u32>(rdAt(regs, word), load<u8>(at));
        continue;
      }
      case Op.LDH: {
        const offset = (rs1(regs, word) + simm(word) - origin) & 0xffff;
        let at = within(offset, 2, data, dataBytes);
        if (at == 0) at = within((offset - gap) & 0xffff, 2, stack, stackBytes);
        if (at == 0) {
          stop = Stop.MEMORY;
          break;
        }
        store<u32>(rdAt(regs, word), load<u16>(at));
        continue;
      }
      case Op.STB: {
        const offset = (rs1(regs, word) + simm(word) - origin) & 0xffff;
        let at = within(offset, 1, data, dataBytes);
        if (at == 0) at = within((offset - gap) & 0xffff, 1, stack, stackBytes);
        if (at == 0) {
          stop = Stop.MEMORY;
          break;
        }
        store<u8>(at, <u8>rs2(regs, word));
        continue;
      }
      case Op.STH: {
        const offset = (rs1(regs, word) + simm(word) - origin) & 0xffff;
        let at = within(offset, 2, data, dataBytes);
        if (at == 0) at = within((offset - gap) & 0xffff, 2, stack, stackBytes);
        if (at == 0) {
          stop = Stop.MEMORY;
          break;
        }
        store<u16>(at, <u16>rs2(regs, word));
        continue;
      }
      case Op.ADD: {
        const a = rs1(regs, word);
        const b = rs2(regs, word);
        store<u32>(rdAt(regs, word), a + b);
        setSum(a, b, a + b);
        continue;
      }
      case Op.SUB: {
        const a = rs1(regs, word);
        const b = rs2(regs, word);
        store<u32>(rdAt(regs, word), a - b);
        setSum(a, ~b, a - b);
        continue;
      }
      case Op.MUL:
        multiply(rdAt(regs, word), rs1(regs, word), rs2(regs, word));
        continue;
      case Op.DIV: {
        const b = rs2(regs, word);
        if (b == 0) {
          stop = Stop.DIV_ZERO;
          break;
        }
        divide(rdAt(regs, word), rs1(regs, word), b);
        continue;
      }
      case Op.AND: {
        const result = rs1(regs, word) & rs2(regs, word);
        store<u32>(rdAt(regs, word), result);
        setResult(result);
        continue;
      }
      case Op.OR: {
        const result = rs1(regs, word) | rs2(regs, word);
        store<u32>(rdAt(regs, word), result);
        setResult(result);
        continue;
      }
      case Op.XOR: {
        const result = rs1(regs, word) ^ rs2(regs, word);
        store<u32>(rdAt(regs, word), result);
        setResult(result);
        continue;
      }
      case Op.NOT: {
        const result = ~rs1(regs, word);
        store<u32>(rdAt(regs, word), result);
        setResult(result);
        continue;
      }
      case Op.CMP: {
        const a = rs1(regs, word);
        const b = rs2(regs, word);
        setSum(a, ~b, a - b);
        continue;
      }
      case Op.JMP:
        p = (code + imm(word)) & WIDTH;
        continue;
      case Op.JZ:
        if (isZero()) p = (code + imm(word)) & WIDTH;
        continue;
      case Op.JNZ:
        if (!isZero()) p = (code + imm(word)) & WIDTH;
        continue;
      case Op.CALL: {
        if (below < 4) {
          stop = Stop.STACK_OVERFLOW;
          break;
        }
        const pc = (<u32>(p - here)) & WIDTH;
        target = ((hasNoBase(word) ? pc - 4 : rs1(regs, word)) + (simm(word) << 2)) & 0xffff;
        below = (below - 4) & WIDTH;
        store<u32>(stack + below, pc);
        store<u32>(r15At(regs), stackOrigin + below);
        if (c.depth != DEPTH_MAX) c.depth++;
        break;
      }
      case Op.RET:
        if (c.depth == 0) {
          stop = Stop.RETURN;
          break;
        }
        if (below + 4 > stackBytes) {
          stop = Stop.STACK_UNDERFLOW;
          break;
        }
        target = load<u32>(stack + below);
        below = (below + 4) & WIDTH;
        store<u32>(r15At(regs), stackOrigin + below);
        c.depth--;
        break;
      case Op.JMPL:
        if (p > lastWord) {
          stop = Stop.PC;
          break;
        }
        target = wordAt(p);
        break;
      case Op.JZL:
        if (p > lastWord) {
          stop = Stop.PC;
          break;
        }
        target = wordAt(p);
        if (isZero()) break;
        p = (p + 4) & WIDTH;
        continue;
      case Op.JNZL:
        if (p > lastWord) {
          stop = Stop.PC;
          break;
        }
        target = wordAt(p);
        if (!isZero()) break;
        p = (p + 4) & WIDTH;
        continue;
      case Op.SVC:
        c.svc = <u16>imm(word);
        stop = Stop.SVC;
        break;
      case Op.LSL:
        shiftLeft(rdAt(regs, word), rs1(regs, word), rs2(regs, word) & 31);
        continue;
      case Op.LSR:
        shiftRight(rdAt(regs, word), rs1(regs, word), rs2(regs, word) & 31);
        continue;
      case Op.ASR:
        shiftSigned(rdAt(regs, word), rs1(regs, word), rs2(regs, word) & 31);
        continue;
      case Op.ADC: {
        const a = rs1(regs, word);
        const b = rs2(regs, word);
        const sum = a + b + carry();
        store<u32>(rdAt(regs, word), sum);
        setSum(a, b, sum);
        continue;
      }
      case Op.SBC: {
        const a = rs1(regs, word);
        const b = ~rs2(regs, word);
        const sum = a + b + carry();
        store<u32>(rdAt(regs, word), sum);
        setSum(a, b, sum);
        continue;
      }
      case Op.PUSH:
        if (below < 4) {
          stop = Stop.STACK_OVERFLOW;
          break;
        }
        below = (below - 4) & WIDTH;
        store<u32>(stack + below, rs1(regs, word));
        store<u32>(r15At(regs), stackOrigin + below);
        continue;
      case Op.POP: {
        if (below + 4 > stackBytes) {
          stop = Stop.STACK_UNDERFLOW;
          break;
        }
        const value = load<u32>(stack + below);
        below = (below + 4) & WIDTH;
        store<u32>(r15At(regs), stackOrigin + below);
        store<u32>(rdAt(regs, word), value);
        continue;
      }
      case Op.FADD:
        store<u16>(rdAt(regs, word), <u16>f16Add(<u16>rs1(regs, word), <u16>rs2(regs, word)));
        continue;
      case Op.FSUB:
        store<u16>(rdAt(regs, word), <u16>f16Sub(<u16>rs1(regs, word), <u16>rs2(regs, word)));
        continue;
      case Op.FMUL:
        store<u16>(rdAt(regs, word), <u16>f16Mul(<u16>rs1(regs, word), <u16>rs2(regs, word)));
        continue;
      case Op.FDIV:
        store<u16>(rdAt(regs, word), <u16>f16Div(<u16>rs1(regs, word), <u16>rs2(regs, word)));
        continue;
      case Op.I2F:
        store<u16>(rdAt(regs, word), <u16>f16FromInteger(rs1(regs, word)));
        continue;
      case Op.F2I:
        store<u32>(rdAt(regs, word), f16ToInteger(<u16>rs1(regs, word)));
        continue;
      default: // the opcodes far above would make the table too sparse to be one
        if (op == Op.LDI32) {
          if (p > lastWord) {
            stop = Stop.PC;
            break;
          }
          store<u32>(rdAt(regs, word), wordAt(p));
          p = (p + 4) & WIDTH;
          continue;
        }
        if (op == Op.BRK) {
          c.svc = <u16>(word >>> 24);
          stop = Stop.BRK;
          break;
        }
        stop = Stop.ILLEGAL;
    }
    if (stop != <u32>Stop.BUDGET) break;
    if (isBeyond(target, codeLast)) {
      isOut = true;
      break;
    }
    p = windowed ? SEEK : (code + target) & WIDTH;
  }

  if (isOut) {
    c.pc = target;
    if (stop == <u32>Stop.BUDGET) {
      left = (left - 1) & WIDTH; // the jump retired
      if (left != 0) stop = Stop.PC; // the fetch that comes next
    }
  } else {
    let pc = offsetOf(p, here, target);
    if (stop >= <u32>Stop.RETURN)
      pc -= 4; // what stopped here is not done
    else if (stop != <u32>Stop.BUDGET) left = (left - 1) & WIDTH;
    c.pc = pc & WIDTH;
  }
  c.sp = (stackOrigin + below) & WIDTH;
  flagsSave(c);
  const retired = (budget - left) & WIDTH;
  c.steps += retired;
  c.stop = <u8>stop;
  if (stop >= <u32>Stop.MEMORY && stop != <u32>Stop.LINE) leaveCode(c, stop);
  return retired;
}
