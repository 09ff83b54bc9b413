// Demanded bits, downwards: how many low bits of every local, parameter, result and global anyone asks for.
// With the ranges they give each its C type.

import { type Expr, type Func, type Module, operands, type Statement, statements } from "./ir.ts";
import type { CType, ImportShape, Machine } from "./options.ts";
import { bitsOf, isWithin, type Range, signed, unsigned } from "./range.ts";
import type { Ranges } from "./ranges.ts";

export const BITS: Readonly<Record<CType, number>> = {
  u8: 8,
  s8: 8,
  u16: 16,
  s16: 16,
  u32: 32,
  u64: 64,
  f32: 32,
  f64: 64,
};
const FLAT_TYPE = { i64: "u64", f32: "f32", f64: "f64" } as const;

/** The smallest type that holds every value of a range as it is. */
function exactType(r: Range): CType {
  if (isWithin(r, unsigned(8))) return "u8";
  if (isWithin(r, signed(8))) return "s8";
  if (isWithin(r, unsigned(16))) return "u16";
  return isWithin(r, signed(16)) ? "s16" : "u32";
}

/** The smallest unsigned type of at least so many bits. */
export function unsignedType(bits: number): CType {
  return bits <= 8 ? "u8" : bits <= 16 ? "u16" : "u32";
}

/** The type for values of a range of which only `demand` low bits matter. */
function typeFor(r: Range, demand: number): CType {
  const exact = exactType(r);
  const cut = unsignedType(demand);
  return BITS[exact] <= BITS[cut] ? exact : cut;
}

/** All bits: the value itself. */
export const EXACT = 32;

const SAME = new Set(["i32.add", "i32.sub", "i32.mul", "i32.or", "i32.xor"]);

interface Demands {
  readonly locals: number[];
  result: number;
}

export class Widths {
  readonly ranges: Ranges;
  private readonly module: Module;
  private readonly shapes: Readonly<Record<string, ImportShape>>;
  private readonly addressBits: number;
  /** Every i32 is a u32. */
  readonly isWhole: boolean;
  private readonly functions = new Map<string, Demands>();
  private readonly globals = new Map<string, number>();
  private hasGrown = false;

  constructor(
    module: Module,
    ranges: Ranges,
    machine: Pick<Machine, "addressBits" | "isWhole">,
    shapes: Readonly<Record<string, ImportShape>> = {},
  ) {
    this.module = module;
    this.ranges = ranges;
    this.addressBits = machine.addressBits;
    this.isWhole = machine.isWhole;
    this.shapes = shapes;
    for (const f of module.functions.values()) {
      const isExported = f.exports.length > 0;
      const locals = f.locals.map((_, n) => (isExported && n < f.params.length ? EXACT : 0));
      this.functions.set(f.name, { locals, result: isExported ? EXACT : 0 });
    }
    do {
      this.hasGrown = false;
      for (const f of module.functions.values())
        for (const s of statements(f.body)) this.askStatement(f, s);
    } while (this.hasGrown);
  }

  // ---- Types ----

  private typeFor(r: Range, demand: number): CType {
    return this.isWhole ? "u32" : typeFor(r, demand);
  }

  local(f: Func, index: number): CType {
    const type = f.locals[index] ?? "i32";
    if (type !== "i32") return FLAT_TYPE[type];
    if (f.exports.length > 0 && index < f.params.length) return this.ranges.exportParam(f, index);
    return this.typeFor(this.ranges.local(f, index), this.demandOf(f, index));
  }
  /** Whether anything reads a local. */
  isRead(f: Func, index: number): boolean {
    return this.demandOf(f, index) > 0;
  }
  global(name: string): CType {
    const type = this.module.globals.get(name)?.type ?? "i32";
    if (type !== "i32") return FLAT_TYPE[type];
    return this.typeFor(this.ranges.global(name), this.globals.get(name) ?? 0);
  }
  param(target: string, index: number): CType {
    const imported = this.module.imports.get(target);
    if (imported === undefined) return this.local(this.functionOf(target), index);
    const type = imported.params[index] ?? "i32";
    if (type !== "i32") return FLAT_TYPE[type];
    return this.shapes[imported.path]?.params[index] ?? "u32";
  }
  /** Undefined: it returns nothing. */
  result(target: string): CType | undefined {
    const imported = this.module.imports.get(target);
    const type = (imported ?? this.functionOf(target)).result;
    if (type === undefined || type !== "i32") return type && FLAT_TYPE[type];
    if (imported !== undefined) return this.shapes[imported.path]?.result ?? "u32";
    if (this.functionOf(target).exports.length > 0) return "u32";
    const range = this.ranges.resultRange(target) ?? { lo: 0, hi: 0 };
    return this.typeFor(range, this.demandsOf(target).result);
  }
  /** The type an expression is written in when `demand` low bits of it matter. */
  of(f: Func, e: Expr, demand: number): CType {
    if (e.type === undefined) throw new Error("a value of no type");
    return e.type === "i32" ? this.typeFor(this.ranges.of(f, e), demand) : FLAT_TYPE[e.type];
  }

  private functionOf(name: string): Func {
    return this.module.functions.get(name) as Func;
  }
  private demandsOf(name: string): Demands {
    return this.functions.get(name) as Demands;
  }
  private demandOf(f: Func, index: number): number {
    return this.demandsOf(f.name).locals[index] ?? 0;
  }

  // ---- Demands ----

  /** Bits each operand must be right in, for the result to be right in `demand` bits. */
  operandDemands(f: Func, e: Expr, demand: number): number[] {
    if (e.kind === "load") return [this.addressBits];
    if (e.kind === "call") return e.args.map((_, n) => BITS[this.param(e.target, n)]);
    if (e.type !== "i32") return operands(e).map(() => EXACT);
    const width = BITS[this.of(f, e, demand)];
    if (e.kind === "select") return [width, width, EXACT];
    if (e.kind === "unary") return [this.unaryDemand(e.op, width)];
    return e.kind === "binary" ? this.binaryDemands(f, e, width) : [];
  }

  private unaryDemand(op: string, width: number): number {
    if (op === "i32.extend8_s") return 8;
    return op === "i32.extend16_s" ? Math.min(16, width) : EXACT;
  }

  private binaryDemands(f: Func, e: Extract<Expr, { kind: "binary" }>, width: number): number[] {
    if (e.a.type !== "i32") return [EXACT, EXACT];
    if (SAME.has(e.op)) return [width, width];
    const by = e.b.kind === "const" ? (e.b.value as number) & 31 : undefined;
    switch (e.op) {
      case "i32.and": {
        const [a, b] = [this.ranges.of(f, e.a), this.ranges.of(f, e.b)];
        return [Math.min(width, Math.max(1, bitsOf(b))), Math.min(width, Math.max(1, bitsOf(a)))];
      }
      case "i32.shl":
        return by === undefined ? [width, 8] : [Math.max(1, width - by), 8];
      case "i32.shr_u":
      case "i32.shr_s":
        return by === undefined ? [EXACT, 8] : [Math.min(EXACT, width + by), 8];
      case "i32.rotl":
      case "i32.rotr":
        return [EXACT, 8];
      default:
        return [EXACT, EXACT];
    }
  }

  private askStatement(f: Func, s: Statement): void {
    switch (s.kind) {
      case "set":
        return this.ask(f, s.value, BITS[this.local(f, s.index)]);
      case "setGlobal":
        return this.ask(f, s.value, BITS[this.global(s.name)]);
      case "store":
        this.ask(f, s.address, this.addressBits);
        return this.ask(f, s.value, 8 * s.bytes);
      case "fill":
      case "copy":
        this.ask(f, s.to, this.addressBits);
        this.ask(f, s.from, s.kind === "fill" ? 8 : this.addressBits);
        return this.ask(f, s.size, this.addressBits);
      case "run":
        return this.ask(f, s.value, 1);
      case "return": {
        const type = this.result(f.name);
        return s.value && type && this.ask(f, s.value, BITS[type]);
      }
      case "if":
      case "switch":
        return this.ask(f, s.kind === "if" ? s.condition : s.value, EXACT);
      case "branch":
        return s.condition && this.ask(f, s.condition, EXACT);
    }
  }

  private ask(f: Func, e: Expr, wish: number): void {
    const demand = e.type === "i32" ? Math.min(wish, BITS[this.of(f, e, wish)]) : wish;
    if (e.kind === "local") {
      const { locals } = this.demandsOf(f.name);
      this.raise(locals[e.index] ?? 0, demand, (to) => (locals[e.index] = to));
    } else if (e.kind === "global") {
      this.raise(this.globals.get(e.name) ?? 0, demand, (to) => this.globals.set(e.name, to));
    } else if (e.kind === "call" && this.module.functions.has(e.target)) {
      const demands = this.demandsOf(e.target);
      this.raise(demands.result, demand, (to) => (demands.result = to));
    }
    const wanted = this.operandDemands(f, e, demand);
    for (const [n, operand] of operands(e).entries()) this.ask(f, operand, wanted[n] ?? EXACT);
  }

  private raise(from: number, to: number, set: (to: number) => void): void {
    if (to <= from) return;
    set(to);
    this.hasGrown = true;
  }
}
