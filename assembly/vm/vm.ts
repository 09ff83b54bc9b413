// The MiniVM: runs the instructions of one task, up to an exact budget.

import { IS_DESKTOP } from "../layout";
import { DATA_ORIGIN, STACK_TOP } from "../spec/hxe";
import { Stop } from "../spec/node";
import { Op, Psw } from "../spec/opcodes";
import {
  DIV_ZERO,
  ILLEGAL_OPCODE,
  MEM_FAULT,
  PC_FAULT,
  STACK_OVERFLOW,
  STACK_UNDERFLOW,
} from "../spec/svc";
import { Context, REGS_OFF, setReg } from "./context";
import { f16Add, f16Div, f16FromInteger, f16Mul, f16Sub, f16ToInteger } from "./f16";
import { FLAT_SIZE, isFlat } from "./memory";

/** Linear addresses and pcs fit 16 bits on a chip. */
const ADDRESS_MASK: u32 = IS_DESKTOP ? 0xffffffff : 0xffff;
const SP_MASK: u32 = IS_DESKTOP ? 0xffffffff : 0xffff;
/** A jump left the code: pc is set, and the next fetch faults. */
const FAR: u32 = 0xff;
const R15: usize = 60;

// ---- Flags ----
// They are lazy: `result` tells Z and N. C is the carry out, V the signed overflow of a sum `a + b + carry in = sum`,
// where a subtraction adds the complement of its second operand. C = V = 0 is the sum 0 + 0 = 0.

function carryOf(a: u32, b: u32, sum: u32): u32 {
  return ((a & b) | ((a | b) & ~sum)) >>> 31;
}

function overflowOf(a: u32, b: u32, sum: u32): u32 {
  return (~(a ^ b) & (a ^ sum)) >>> 31;
}

function pswOf(result: u32, a: u32, b: u32, sum: u32): u32 {
  let psw: u32 = result == 0 ? Psw.Z : 0;
  if (<i32>result < 0) psw |= Psw.N;
  if (carryOf(a, b, sum)) psw |= Psw.C;
  if (overflowOf(a, b, sum)) psw |= Psw.V;
  return psw;
}

/** True when the product of two words needs more than 32 bits. */
function productOverflows(a: u32, b: u32): bool {
  const aHigh = a >>> 16;
  const bHigh = b >>> 16;
  if (aHigh == 0 && bHigh == 0) return false;
  if (aHigh != 0 && bHigh != 0) return true;
  const low = (a & 0xffff) * (b & 0xffff);
  const middle = aHigh != 0 ? aHigh * (b & 0xffff) : bHigh * (a & 0xffff);
  return middle + (low >>> 16) > 0xffff;
}

/** The big-endian word at a linear address. */
function wordAt(p: u32): u32 {
  return (
    ((<u32>load<u8>(p)) << 24) |
    ((<u32>load<u8>(p, 1)) << 16) |
    ((<u32>load<u8>(p, 2)) << 8) |
    (<u32>load<u8>(p, 3))
  );
}

// ---- Ends of a run ----

function faultCode(stop: u32): u32 {
  switch (stop) {
    case Stop.MEMORY:
      return MEM_FAULT;
    case Stop.DIV_ZERO:
      return DIV_ZERO;
    case Stop.STACK_OVERFLOW:
      return STACK_OVERFLOW;
    case Stop.STACK_UNDERFLOW:
      return STACK_UNDERFLOW;
    case Stop.ILLEGAL:
      return ILLEGAL_OPCODE;
    default:
      return PC_FAULT;
  }
}

/** Records why the run ended. A fault leaves its code in R0; the reference's machine has none for ILLEGAL and PC. */
function end(c: Context, stop: u32): void {
  c.stop = <u8>stop;
  if (stop < <u32>Stop.MEMORY) return;
  if (isFlat(c) && stop >= <u32>Stop.ILLEGAL) return;
  setReg(c, 0, faultCode(stop));
}

/**
 * Runs at most `budget` instructions, 0 to 65,535, and returns how many retired; the context tells why it ended.
 * SVC and BRK are retired. RET with no CALL outstanding and faults are not: pc stays, nothing is written but R0.
 */
export function vmRun(c: Context, budget: u32): u32 {
  const flat = isFlat(c);
  const regs = changetype<usize>(c) + REGS_OFF; // 64-byte aligned: a register is at regs | 4 * n
  const code: u32 = c.code;
  const last: u32 = code + c.codeLast;
  const origin: u32 = flat ? 0 : DATA_ORIGIN;
  const codeLast: u32 = c.codeLast;
  const dataBytes: u32 = flat ? FLAT_SIZE : <u32>c.dataBytes;
  const data: u32 = c.data;
  const top: u32 = flat ? FLAT_SIZE : STACK_TOP;
  const stackOrigin: u32 = c.stackOrigin;
  const stack: u32 = c.stack;
  const stackBytes: u32 = flat ? 0 : STACK_TOP - stackOrigin;
  const stackOffset: u32 = (stackOrigin - origin) & 0xffff; // of the lowest byte, counted from `origin`
  const stackBase: u32 = flat ? data : stack - stackOrigin; // of data address 0, were it there

  let sp: u32 = c.sp;
  let n: u32 = budget & 0xffff;
  if (n == 0) {
    end(c, Stop.BUDGET);
    return 0;
  }
  if (c.pc > <u32>c.codeLast) {
    end(c, Stop.PC);
    return 0;
  }
  if (sp > top || sp < stackOrigin) {
    end(c, Stop.STACK_UNDERFLOW);
    return 0;
  }

  const psw: u32 = c.psw;
  let result: u32 = psw & Psw.Z ? 0 : psw & Psw.N ? 0x80000000 : 1;
  let a: u32 = psw & Psw.C ? 0xffffffff : 0;
  let b: u32 = a;
  let sum: u32 = psw & Psw.V ? ~a : a;

  let p: u32 = code + c.pc;
  let stop: u32 = Stop.BUDGET;
  for (; n != 0; p = (p + 4) & ADDRESS_MASK) {
    n = (n - 1) & 0xffff;
    if (p > last) {
      stop = Stop.PC;
      break;
    }
    const op: u32 = load<u8>(p);
    const b1: u32 = load<u8>(p, 1);
    switch (op) {
      case Op.LDI: {
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        store<u32>(regs | ((b1 >>> 2) & 0x3c), imm);
        continue;
      }
      case Op.LD: {
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        const offset = (load<u32>(regs | ((b1 & 15) << 2)) + imm - origin) & 0xffff;
        let at = data + offset;
        if (offset + 4 > dataBytes) {
          const below = (offset - stackOffset) & 0xffff;
          if (below + 4 > stackBytes) {
            stop = Stop.MEMORY;
            break;
          }
          at = stack + below;
        }
        store<u32>(regs | ((b1 >>> 2) & 0x3c), load<u32>(at));
        continue;
      }
      case Op.ST: {
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        const offset = (load<u32>(regs | ((b1 & 15) << 2)) + imm - origin) & 0xffff;
        let at = data + offset;
        if (offset + 4 > dataBytes) {
          const below = (offset - stackOffset) & 0xffff;
          if (below + 4 > stackBytes) {
            stop = Stop.MEMORY;
            break;
          }
          at = stack + below;
        }
        store<u32>(at, load<u32>(regs | ((b2 >>> 2) & 0x3c)));
        continue;
      }
      case Op.MOV:
        store<u32>(regs | ((b1 >>> 2) & 0x3c), load<u32>(regs | ((b1 & 15) << 2)));
        continue;
      case Op.LDB: {
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        const offset = (load<u32>(regs | ((b1 & 15) << 2)) + imm - origin) & 0xffff;
        let at = data + offset;
        if (offset + 1 > dataBytes) {
          const below = (offset - stackOffset) & 0xffff;
          if (below + 1 > stackBytes) {
            stop = Stop.MEMORY;
            break;
          }
          at = stack + below;
        }
        store<u32>(regs | ((b1 >>> 2) & 0x3c), load<u8>(at));
        continue;
      }
      case Op.LDH: {
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        const offset = (load<u32>(regs | ((b1 & 15) << 2)) + imm - origin) & 0xffff;
        let at = data + offset;
        if (offset + 2 > dataBytes) {
          const below = (offset - stackOffset) & 0xffff;
          if (below + 2 > stackBytes) {
            stop = Stop.MEMORY;
            break;
          }
          at = stack + below;
        }
        store<u32>(regs | ((b1 >>> 2) & 0x3c), load<u16>(at));
        continue;
      }
      case Op.STB: {
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        const offset = (load<u32>(regs | ((b1 & 15) << 2)) + imm - origin) & 0xffff;
        let at = data + offset;
        if (offset + 1 > dataBytes) {
          const below = (offset - stackOffset) & 0xffff;
          if (below + 1 > stackBytes) {
            stop = Stop.MEMORY;
            break;
          }
          at = stack + below;
        }
        store<u8>(at, load<u8>(regs | ((b2 >>> 2) & 0x3c)));
        continue;
      }
      case Op.STH: {
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        const offset = (load<u32>(regs | ((b1 & 15) << 2)) + imm - origin) & 0xffff;
        let at = data + offset;
        if (offset + 2 > dataBytes) {
          const below = (offset - stackOffset) & 0xffff;
          if (below + 2 > stackBytes) {
            stop = Stop.MEMORY;
            break;
          }
          at = stack + below;
        }
        store<u16>(at, load<u16>(regs | ((b2 >>> 2) & 0x3c)));
        continue;
      }
      case Op.ADD: {
        a = load<u32>(regs | ((b1 & 15) << 2));
        b = load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        sum = a + b;
        result = sum;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), sum);
        continue;
      }
      case Op.SUB: {
        a = load<u32>(regs | ((b1 & 15) << 2));
        b = ~load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        sum = a + b + 1;
        result = sum;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), sum);
        continue;
      }
      case Op.MUL: {
        const x = load<u32>(regs | ((b1 & 15) << 2));
        const y = load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        result = x * y;
        a = productOverflows(x, y) ? 0xffffffff : 0;
        b = a;
        sum = 0;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      }
      case Op.DIV: {
        const x = load<i32>(regs | ((b1 & 15) << 2));
        const y = load<i32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        if (y == 0) {
          stop = Stop.DIV_ZERO;
          break;
        }
        result = y == -1 ? 0 - x : x / y;
        a = b = sum = 0;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      }
      case Op.AND:
        result =
          load<u32>(regs | ((b1 & 15) << 2)) &
          load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        a = b = sum = 0;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      case Op.OR:
        result =
          load<u32>(regs | ((b1 & 15) << 2)) |
          load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        a = b = sum = 0;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      case Op.XOR:
        result =
          load<u32>(regs | ((b1 & 15) << 2)) ^
          load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        a = b = sum = 0;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      case Op.NOT:
        result = ~load<u32>(regs | ((b1 & 15) << 2));
        a = b = sum = 0;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      case Op.CMP: {
        a = load<u32>(regs | ((b1 & 15) << 2));
        b = ~load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        sum = a + b + 1;
        result = sum;
        continue;
      }
      case Op.JZ:
        if (result != 0) continue;
        p =
          (code + ((((<u32>load<u8>(p, 2)) & 15) << 8) | (<u32>load<u8>(p, 3))) - 4) & ADDRESS_MASK;
        continue;
      case Op.JNZ:
        if (result == 0) continue;
      case Op.JMP:
        p =
          (code + ((((<u32>load<u8>(p, 2)) & 15) << 8) | (<u32>load<u8>(p, 3))) - 4) & ADDRESS_MASK;
        continue;
      case Op.CALL: {
        if (((sp - stackOrigin) & SP_MASK) < 4) {
          stop = Stop.STACK_OVERFLOW;
          break;
        }
        const b2: u32 = load<u8>(p, 2);
        const imm = ((<u32>(<i32>(<i8>(((b2 & 15) ^ 8) - 8)))) << 8) | (<u32>load<u8>(p, 3));
        const pc = p - code;
        const base = b1 & 15 ? load<u32>(regs | ((b1 & 15) << 2)) : pc;
        sp = (sp - 4) & SP_MASK;
        store<u32>(stackBase + sp, pc + 4);
        store<u32>(regs | R15, sp);
        const depth = c.depth;
        if (depth != 0xffff) c.depth = depth + 1;
        const target = (base + (imm << 2)) & 0xffff;
        if (target > codeLast) {
          c.pc = target;
          stop = FAR;
          break;
        }
        p = (code + target - 4) & ADDRESS_MASK;
        continue;
      }
      case Op.RET: {
        const depth = c.depth;
        if (depth == 0) {
          stop = Stop.RETURN;
          break;
        }
        if (sp > top - 4) {
          stop = Stop.STACK_UNDERFLOW;
          break;
        }
        c.depth = depth - 1;
        const target = load<u32>(stackBase + sp);
        sp = (sp + 4) & SP_MASK;
        store<u32>(regs | R15, sp);
        if (target > codeLast) {
          c.pc = target;
          stop = FAR;
          break;
        }
        p = (code + target - 4) & ADDRESS_MASK;
        continue;
      }
      case Op.JZL:
      case Op.JNZL:
      case Op.JMPL: {
        if (last - p < 4) {
          stop = Stop.PC;
          break;
        }
        p = (p + 4) & ADDRESS_MASK;
        if (op != Op.JMPL && (result == 0) != (op == Op.JZL)) continue;
        const target = wordAt(p);
        if (target > codeLast) {
          c.pc = target;
          stop = FAR;
          break;
        }
        p = (code + target - 4) & ADDRESS_MASK;
        continue;
      }
      case Op.SVC:
        c.svc = <u16>((((<u32>load<u8>(p, 2)) & 15) << 8) | (<u32>load<u8>(p, 3)));
        p = (p + 4) & ADDRESS_MASK;
        stop = Stop.SVC;
        break;
      case Op.LSL: {
        const amount: u32 = (<u32>load<u8>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c))) & 31;
        result = load<u32>(regs | ((b1 & 15) << 2));
        if (amount != 0) {
          result = result << (amount - 1);
          a = result;
          result = result << 1;
        } else a = 0 - carryOf(a, b, sum);
        b = a;
        sum = a;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      }
      case Op.LSR: {
        const amount: u32 = (<u32>load<u8>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c))) & 31;
        result = load<u32>(regs | ((b1 & 15) << 2));
        if (amount != 0) {
          result = result >>> (amount - 1);
          a = result << 31;
          result = result >>> 1;
        } else a = 0 - carryOf(a, b, sum);
        b = a;
        sum = a;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      }
      case Op.ASR: {
        const amount: u32 = (<u32>load<u8>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c))) & 31;
        result = load<u32>(regs | ((b1 & 15) << 2));
        if (amount != 0) {
          result = <u32>((<i32>result) >> (amount - 1));
          a = result << 31;
          result = <u32>((<i32>result) >> 1);
        } else a = 0 - carryOf(a, b, sum);
        b = a;
        sum = a;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), result);
        continue;
      }
      case Op.ADC: {
        const carry = carryOf(a, b, sum);
        a = load<u32>(regs | ((b1 & 15) << 2));
        b = load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        sum = a + b + carry;
        result = sum;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), sum);
        continue;
      }
      case Op.SBC: {
        const carry = carryOf(a, b, sum);
        a = load<u32>(regs | ((b1 & 15) << 2));
        b = ~load<u32>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c));
        sum = a + b + carry;
        result = sum;
        store<u32>(regs | ((b1 >>> 2) & 0x3c), sum);
        continue;
      }
      case Op.PUSH:
        if (((sp - stackOrigin) & SP_MASK) < 4) {
          stop = Stop.STACK_OVERFLOW;
          break;
        }
        sp = (sp - 4) & SP_MASK;
        store<u32>(stackBase + sp, load<u32>(regs | ((b1 & 15) << 2)));
        store<u32>(regs | R15, sp);
        continue;
      case Op.POP: {
        if (sp > top - 4) {
          stop = Stop.STACK_UNDERFLOW;
          break;
        }
        const value = load<u32>(stackBase + sp);
        sp = (sp + 4) & SP_MASK;
        store<u32>(regs | R15, sp);
        store<u32>(regs | ((b1 >>> 2) & 0x3c), value);
        continue;
      }
      case Op.FADD:
        store<u16>(
          regs | ((b1 >>> 2) & 0x3c),
          <u16>(
            f16Add(
              load<u16>(regs | ((b1 & 15) << 2)),
              load<u16>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c)),
            )
          ),
        );
        continue;
      case Op.FSUB:
        store<u16>(
          regs | ((b1 >>> 2) & 0x3c),
          <u16>(
            f16Sub(
              load<u16>(regs | ((b1 & 15) << 2)),
              load<u16>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c)),
            )
          ),
        );
        continue;
      case Op.FMUL:
        store<u16>(
          regs | ((b1 >>> 2) & 0x3c),
          <u16>(
            f16Mul(
              load<u16>(regs | ((b1 & 15) << 2)),
              load<u16>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c)),
            )
          ),
        );
        continue;
      case Op.FDIV:
        store<u16>(
          regs | ((b1 >>> 2) & 0x3c),
          <u16>(
            f16Div(
              load<u16>(regs | ((b1 & 15) << 2)),
              load<u16>(regs | (((<u32>load<u8>(p, 2)) >>> 2) & 0x3c)),
            )
          ),
        );
        continue;
      case Op.I2F:
        store<u16>(
          regs | ((b1 >>> 2) & 0x3c),
          <u16>f16FromInteger(load<i32>(regs | ((b1 & 15) << 2))),
        );
        continue;
      case Op.F2I:
        store<i32>(regs | ((b1 >>> 2) & 0x3c), f16ToInteger(load<u16>(regs | ((b1 & 15) << 2))));
        continue;
      default:
        if (op == Op.LDI32) {
          if (last - p < 4) {
            stop = Stop.PC;
            break;
          }
          p = (p + 4) & ADDRESS_MASK;
          store<u32>(regs | ((b1 >>> 2) & 0x3c), wordAt(p));
          continue;
        }
        if (op == Op.BRK) {
          c.svc = load<u8>(p, 3);
          p = (p + 4) & ADDRESS_MASK;
          stop = Stop.BRK;
          break;
        }
        stop = Stop.ILLEGAL;
    }
    break;
  }
  if (stop == FAR) stop = n != 0 ? Stop.PC : Stop.BUDGET;
  else {
    c.pc = (p - code) & ADDRESS_MASK;
    if (stop >= <u32>Stop.RETURN) n++;
  }
  c.sp = sp;
  c.psw = <u8>pswOf(result, a, b, sum);
  const retired = budget - n;
  c.steps += retired;
  end(c, stop);
  return retired;
}
