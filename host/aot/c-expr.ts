// Expressions in C: each operator at the width its result needs.

import {
  atom,
  type Code,
  cast,
  constant,
  fitted,
  inner,
  isSigned,
  type Names,
  operation,
} from "./c-text.ts";
import {
  type Binary,
  type Expr,
  type Func,
  type Load,
  operands,
  parts,
  type Select,
  Unsupported,
} from "./ir.ts";
import { canTrap } from "./order.ts";
import type { Place, Places } from "./places.ts";
import { BOOL, isWithin, type Range } from "./range.ts";
import { BITS, EXACT, unsignedType, type Widths } from "./widths.ts";

const SYMBOL: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  and: "&",
  or: "|",
  xor: "^",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};
const OPPOSITE: Readonly<Record<string, string>> = {
  eq: "ne",
  ne: "eq",
  lt: "ge",
  ge: "lt",
  le: "gt",
  gt: "le",
};

interface Operation {
  /** `i32`. */
  readonly type: string;
  /** `lt` */
  readonly verb: string;
  /** `u`, `s` or nothing. */
  readonly sign: string | undefined;
}

function parse(op: string): Operation {
  const [, type = "", verb = "", sign] = /^(\w+)\.(\w+?)(?:_([us]))?$/.exec(op) ?? [];
  return { type, verb, sign };
}

/** Of a choice between two constants of which one is 0: whether it is not 0 when its condition holds. */
function choiceOf({ a, b }: Select): boolean | undefined {
  if (a.kind !== "const" || b.kind !== "const") return undefined;
  const [isA, isB] = [Number(a.value) !== 0, Number(b.value) !== 0];
  return isA === isB ? undefined : isA;
}

export class Expressions {
  private readonly widths: Widths;
  private readonly places: Places;
  private readonly names: Names;
  private readonly isHot: (f: Func) => boolean;

  constructor(widths: Widths, places: Places, names: Names, isHot: (f: Func) => boolean) {
    this.widths = widths;
    this.places = places;
    this.names = names;
    this.isHot = isHot;
  }

  private range(f: Func, e: Expr): Range {
    return this.widths.ranges.of(f, e);
  }

  /** An expression right in its `demand` low bits, in the type widths.of() tells. */
  of(f: Func, e: Expr, demand: number = EXACT): Code {
    const type = this.widths.of(f, e, demand);
    switch (e.kind) {
      case "const":
        if (e.type === "i64") return atom(`${BigInt.asUintN(64, e.value)}ull`, "u64");
        return e.type === "i32" ? constant(e.value, type) : atom(floatText(e.value, e.type), type);
      case "local":
        return fitted(atom(this.local(f, e.index), this.widths.local(f, e.index)), type);
      case "global":
        return fitted(atom(this.global(e.name), this.widths.global(e.name)), type);
      case "pages":
        return atom("HSX_PAGES", type);
      case "load":
        return this.load(f, e, demand);
      case "call": {
        const result = this.widths.result(e.target) ?? type;
        return fitted(atom(this.call(f, e), result), type);
      }
      case "select":
        return this.select(f, e, demand);
      case "unary":
        return this.unary(f, e.op, e.a, e, demand);
      case "binary":
        return e.a.type === "i32" ? this.integer(f, e, demand) : this.wide(f, e);
    }
  }

  local(f: Func, index: number): string {
    return index < f.params.length ? `p${index}` : `v${index}`;
  }

  global(name: string): string {
    return this.names.of(name);
  }

  /** A call as a statement or as the value of its result's own type. */
  call(f: Func, e: Extract<Expr, { kind: "call" }>): string {
    const args = e.args.map((arg, n) => {
      const type = this.widths.param(e.target, n);
      const demand = BITS[type];
      return fitted(this.of(f, arg, demand), type).text;
    });
    return `${this.names.of(e.target)}(${args.join(", ")})`;
  }

  private select(f: Func, e: Select, demand: number): Code {
    const type = this.widths.of(f, e, demand);
    const [a, b] = [this.of(f, e.a, BITS[type]), this.of(f, e.b, BITS[type])];
    const arms = `${inner(fitted(a, type))} : ${inner(fitted(b, type))}`;
    return cast(operation(`${inner(this.conditionCode(f, e.condition))} ? ${arms}`, "u64"), type);
  }

  // ---- Conditions ----

  /** True when the i32 is not 0; `isNegated`: when it is. */
  condition(f: Func, e: Expr, isNegated = false): string {
    return this.conditionCode(f, e, isNegated).text;
  }

  private conditionCode(f: Func, e: Expr, isNegated = false): Code {
    if (e.kind === "unary" && e.op === "i32.eqz") return this.conditionCode(f, e.a, !isNegated);
    const opposite = e.kind === "binary" ? OPPOSITE[parse(e.op).verb] : undefined;
    if (e.kind === "binary" && opposite !== undefined) {
      if (!isNegated) return this.of(f, e);
      const isFloat = e.a.type === "f32" || e.a.type === "f64";
      if (isFloat) return atom(`!(${this.of(f, e).text})`, "u8");
      const { type, sign } = parse(e.op);
      const op = `${type}.${opposite}${sign === undefined ? "" : `_${sign}`}`;
      return this.of(f, { ...e, op });
    }
    const chooses = e.kind === "select" ? choiceOf(e) : undefined;
    if (e.kind === "select" && chooses !== undefined)
      return this.conditionCode(f, e.condition, isNegated === chooses);
    const both = e.kind === "binary" ? this.shortCircuit(f, e, isNegated) : undefined;
    if (both !== undefined) return both;
    const code = this.of(f, e);
    return isNegated ? atom(`!${inner(code)}`, "u8") : code;
  }

  /** Two conditions that are both evaluated, as a jump after the first where the second does nothing but tell. */
  private shortCircuit(f: Func, e: Binary, isNegated: boolean): Code | undefined {
    if (e.op !== "i32.and" && e.op !== "i32.or") return undefined;
    const isBool = (x: Expr) => isWithin(this.range(f, x), BOOL);
    if (!isBool(e.a) || !isBool(e.b) || this.hasEffect(f, e.b)) return undefined;
    const [a, b] = [this.conditionCode(f, e.a, isNegated), this.conditionCode(f, e.b, isNegated)];
    const symbol = (e.op === "i32.and") !== isNegated ? "&&" : "||";
    return operation(`${inner(a)} ${symbol} ${inner(b)}`, "u8");
  }

  private hasEffect(f: Func, e: Expr): boolean {
    for (const part of parts(e))
      if (part.kind === "call" || canTrap(f, part, this.places, this.widths.ranges)) return true;
    return false;
  }

  // ---- Memory ----

  /** An address as its base and a constant, for the access macros. */
  address(f: Func, e: Expr, offset: number): { readonly base: string; readonly offset: number } {
    const split = this.places.split(f, e, offset);
    const { isShort } = this.places;
    const constant = isShort ? split.offset & 0xffff : split.offset;
    if (split.base === undefined) return { base: "", offset: constant };
    return { base: inner(this.of(f, split.base, isShort ? 16 : 32)), offset: constant };
  }

  /** An address proved to be inside memory, as one sum. */
  sum(f: Func, e: Expr, offset: number): string {
    const a = this.address(f, e, offset);
    if (a.base === "") return hex(a.offset);
    return a.offset === 0 ? a.base : `${a.base} + ${a.offset}u`;
  }

  /** The same as arguments of a checking macro. */
  pair(f: Func, e: Expr, offset: number): string {
    const a = this.address(f, e, offset);
    return a.base === "" ? `0, ${hex(a.offset)}` : `${a.base}, ${a.offset}u`;
  }

  private load(f: Func, e: Load, demand: number): Code {
    const type = this.widths.of(f, e, demand);
    const isInteger = e.type === "i32" || e.type === "i64";
    const place = this.places.of(f, e.address, e.offset, e.bytes);
    const isChecked = place === "check" || place === "low";
    const isCut = e.type === "i32" && (!isChecked || this.isHot(f)); // a called access reads all
    const bytes = isCut ? Math.min(e.bytes, BITS[unsignedType(demand)] / 8) : e.bytes;
    const cell = isInteger ? (`u${8 * bytes}` as Code["type"]) : type;
    const read = atom(this.access(f, e, place, cell), cell);
    if (!e.isSigned || bytes < e.bytes) return fitted(read, type);
    return e.type === "i64"
      ? cast(atom(`(s64)(s${8 * bytes})${read.text}`, "u64"), type)
      : cast(atom(`(s${8 * bytes})${read.text}`, `s${8 * bytes}` as Code["type"]), type);
  }

  private access(f: Func, e: Load, place: Place, cell: string): string {
    if (place === "ram" || place === "table")
      return `${place}_${cell}(${this.sum(f, e.address, e.offset)})`;
    const address = this.pair(f, e.address, e.offset);
    if (this.isHot(f)) {
      return place === "low"
        ? `low_${cell}_here(${address})`
        : `check_${cell}_here(${address}, ${e.bytes})`;
    }
    const verb = this.places.mayBeTable(f, e.address, e.offset) ? "any" : "check";
    return `${verb}_${cell}(${address})`;
  }

  // ---- Operators on i32 ----

  private unary(f: Func, op: string, a: Expr, e: Expr, demand: number): Code {
    const type = this.widths.of(f, e, demand);
    const [wanted = EXACT] = this.widths.operandDemands(f, e, demand);
    const value = () => this.of(f, a, wanted);
    switch (op) {
      case "i32.eqz":
        return operation(`${inner(value())} == 0`, "u8");
      case "i64.eqz":
        return operation(`${inner(value())} == 0`, "u8");
      case "i32.extend8_s":
        return fitted(cast(cast(value(), "u8"), "s8"), type);
      case "i32.extend16_s":
        return fitted(
          cast(BITS[type] === 8 ? cast(value(), "u8") : cast(cast(value(), "u16"), "s16"), type),
          type,
        );
      case "i32.wrap_i64":
        return cast(cast(value(), "u32"), type);
      case "i64.extend_i32_u":
        return cast(cast(value(), "u32"), "u64");
      case "i64.extend_i32_s":
        return atom(`(u64)(s64)(s32)${inner(value())}`, "u64");
      case "f32.neg":
      case "f64.neg":
        return operation(`-${inner(value())}`, type);
      case "f64.promote_f32":
      case "f32.demote_f64":
        return cast(value(), type);
      case "f32.convert_i32_s":
      case "f64.convert_i32_s":
        return atom(`(${type})(s32)${inner(value())}`, type);
      case "f32.convert_i32_u":
      case "f64.convert_i32_u":
        return atom(`(${type})(u32)${inner(value())}`, type);
      default: {
        const result = e.type === "i32" ? (/clz|ctz|popcnt/.test(op) ? "u8" : "u32") : type;
        const argument = a.type === "i32" ? cast(value(), "u32") : value();
        return fitted(atom(`hsx_${op.replace(".", "_")}(${argument.text})`, result), type);
      }
    }
  }

  private integer(f: Func, e: Binary, demand: number): Code {
    const { verb } = parse(e.op);
    if (SYMBOL[verb] !== undefined && OPPOSITE[verb] !== undefined) return this.comparison(f, e);
    switch (verb) {
      case "shl":
      case "shr":
        return e.b.kind === "const"
          ? this.constantShift(f, e, (e.b.value as number) & 31, demand)
          : this.shift(f, e, demand);
      case "rotl":
      case "rotr": {
        const [a, by] = [this.of(f, e.a), this.of(f, e.b, 8)];
        const rotated = atom(
          `hsx_i32_${verb}(${cast(a, "u32").text}, ${fitted(by, "u8").text})`,
          "u32",
        );
        return cast(rotated, this.widths.of(f, e, demand));
      }
      case "div":
      case "rem":
        return this.division(f, e, demand);
      default:
        return this.arithmetic(f, e, verb, demand);
    }
  }

  private arithmetic(f: Func, e: Binary, verb: string, demand: number): Code {
    const type = this.widths.of(f, e, demand);
    const [da = EXACT, db = EXACT] = this.widths.operandDemands(f, e, demand);
    let [a, b] = [this.of(f, e.a, da), this.of(f, e.b, db)];
    if (verb === "and" && b.constant === 2 ** BITS[a.type] - 1 && !isSigned(a.type))
      return fitted(a, type); // already cut to the mask
    const isSum = verb === "add" || verb === "sub";
    const needs: "u32" | "u16" | "unsigned" | undefined =
      BITS[type] === 32
        ? a.type === "u32" || b.type === "u32"
          ? undefined
          : "u32"
        : verb === "mul"
          ? "unsigned"
          : isSum && BITS[type] === 16 && ![a.type, b.type].includes("u16")
            ? "u16"
            : undefined;
    if (needs !== undefined && a.constant === undefined) a = cast(a, needs);
    else if (needs !== undefined) b = cast(b, needs);
    let symbol = SYMBOL[verb] as string;
    if (isSum && b.constant !== undefined && b.constant < 0) {
      symbol = symbol === "+" ? "-" : "+";
      b = { ...b, text: `${-b.constant}`, isAtom: true };
    }
    const result = operation(`${inner(a)} ${symbol} ${inner(b)}`, "u64");
    return type === "u32" ? { ...result, type } : cast(result, type);
  }

  private constantShift(f: Func, e: Binary, by: number, demand: number): Code {
    const type = this.widths.of(f, e, demand);
    const width = BITS[type];
    const [da = EXACT] = this.widths.operandDemands(f, e, demand);
    const a = this.of(f, e.a, da);
    if (by === 0) return fitted(a, type);
    if (e.op === "i32.shl") {
      if (by >= width) return nothing(a, type);
      const wide = width === 32 ? cast(a, "u32") : cast(a, "unsigned");
      return cast(operation(`${inner(wide)} << ${by}`, width === 32 ? "u32" : "u64"), type);
    }
    if (e.op === "i32.shr_u") {
      const bits = unsignedType(da);
      const plain = isSigned(a.type) ? cast(a, bits) : a;
      if (by >= BITS[plain.type]) return nothing(a, type);
      const bytes = by & ~7;
      const wanted = by - bytes + Math.min(demand, width);
      if (width < 32 && plain.type === "u32" && bytes > 0 && by > bytes && wanted <= 16) {
        // pick bytes first: a chip of 8 bits has no wide shifts
        const picked = cast(operation(`${inner(plain)} >> ${bytes}`, "u32"), unsignedType(wanted));
        return cast(operation(`${inner(picked)} >> ${by - bytes}`, "u64"), type);
      }
      return cast(
        operation(`${inner(plain)} >> ${by}`, plain.type === "u32" ? "u32" : "u64"),
        type,
      );
    }
    if (a.type === "u32") return cast(operation(`${inner(cast(a, "s32"))} >> ${by}`, "u64"), type);
    if (!isSigned(a.type) && by >= BITS[a.type]) return nothing(a, type);
    return cast(operation(`${inner(a)} >> ${Math.min(by, BITS[a.type] - 1)}`, "u64"), type);
  }

  private shift(f: Func, e: Binary, demand: number): Code {
    const type = this.widths.of(f, e, demand);
    const [da = EXACT] = this.widths.operandDemands(f, e, demand);
    const [a, by] = [this.of(f, e.a, da), this.of(f, e.b, 8)];
    const range = this.range(f, e.b);
    const isPlain = isWithin(range, { lo: 0, hi: 31 });
    const isShort = isWithin(range, { lo: 0, hi: 15 });
    const count = isPlain ? inner(by) : `(${inner(by)} & 31)`;
    const written = (value: Code, symbol: string) =>
      cast(operation(`${inner(value)} ${symbol} ${count}`, "u64"), type);
    if (e.op === "i32.shl")
      return written(cast(a, isShort && BITS[type] < 32 ? "unsigned" : "u32"), "<<");
    const isNegative = this.range(f, e.a).lo < 0;
    if (e.op === "i32.shr_u" || !isNegative)
      return written(
        cast(a, isShort && !isNegative && a.type !== "u32" ? "unsigned" : "u32"),
        ">>",
      );
    return written(isShort && isSigned(a.type) ? a : cast(a, "s32"), ">>");
  }

  private division(f: Func, e: Binary, demand: number): Code {
    const type = this.widths.of(f, e, demand);
    const { verb, sign } = parse(e.op);
    const [ra, rb] = [this.range(f, e.a), this.range(f, e.b)];
    const [a, b] = [this.of(f, e.a), this.of(f, e.b)];
    const isPositive = ra.lo >= 0 && rb.lo >= 0;
    const isShort = isPositive && BITS[a.type] <= 16 && BITS[b.type] <= 16;
    if ((isPositive || sign === "u") && rb.lo > 0) {
      const left = cast(a, isShort ? "unsigned" : "u32");
      return cast(
        operation(`${inner(left)} ${verb === "div" ? "/" : "%"} ${inner(b)}`, "u64"),
        type,
      );
    }
    const bits = isShort ? 16 : 32;
    const kind = isPositive ? "u" : sign;
    const name = `hsx_${verb}_${kind}${bits}`;
    const [x, y] = [a, b].map((code) => fitted(code, isShort ? "u16" : "u32").text);
    return fitted(atom(`${name}(${x}, ${y})`, isShort ? "u16" : "u32"), type);
  }

  private comparison(f: Func, e: Binary): Code {
    const { verb, sign } = parse(e.op);
    const [ra, rb] = [this.range(f, e.a), this.range(f, e.b)];
    let [a, b] = [this.of(f, e.a), this.of(f, e.b)];
    const isPositive = ra.lo >= 0 && rb.lo >= 0;
    const isLong = [a.type, b.type].includes("u32");
    if (!isPositive && sign === "u") [a, b] = [fitted(a, "u32"), fitted(b, "u32")];
    else if (!isPositive && sign === "s" && isLong) [a, b] = [signedLong(a), signedLong(b)];
    else if (!isPositive && sign === undefined && isLong)
      [a, b] = [fitted(a, "u32"), fitted(b, "u32")];
    else if (!isPositive && [a.type, b.type].includes("u16"))
      [a, b] = [signedLong(a), signedLong(b)];
    return operation(`${inner(a)} ${SYMBOL[verb]} ${inner(b)}`, "u8");
  }

  // ---- Operators on i64 and floats ----

  private wide(f: Func, e: Binary): Code {
    const { type, verb, sign } = parse(e.op);
    const [a, b] = [this.of(f, e.a), this.of(f, e.b)];
    const symbol = SYMBOL[verb];
    const isFloat = type !== "i64";
    const result = e.type === "i32" ? "u8" : a.type;
    if (symbol !== undefined && (isFloat || sign !== "s") && !(type === "i64" && verb === "div"))
      return operation(`${inner(a)} ${symbol} ${inner(b)}`, result);
    if (symbol !== undefined && OPPOSITE[verb] !== undefined)
      return operation(`${inner(cast(a, "s64"))} ${symbol} ${inner(cast(b, "s64"))}`, "u8");
    if (verb === "shl") return operation(`${inner(a)} << (${inner(b)} & 63)`, "u64");
    if (verb === "shr" && sign === "u")
      return operation(`${inner(a)} >> (${inner(b)} & 63)`, "u64");
    if (verb === "shr") return atom(`(u64)(${inner(cast(a, "s64"))} >> (${inner(b)} & 63))`, "u64");
    return atom(
      `hsx_${type}_${verb}${sign === undefined ? "" : `_${sign}`}(${a.text}, ${b.text})`,
      result,
    );
  }

  /** Refuses what the machine has no number type for. */
  refuse(f: Func, e: Expr, hasDouble: boolean): void {
    const isDouble = e.type === "f64" || (e.kind === "unary" && e.a.type === "f64");
    if (isDouble && !hasDouble) throw new Unsupported(`${f.name}: f64 on a machine without double`);
    for (const operand of operands(e)) this.refuse(f, operand, hasDouble);
  }
}

/** 0, after evaluating what it is computed from. */
function nothing(code: Code, type: Code["type"]): Code {
  return atom(`((void)${inner(code)}, (${type})0)`, type);
}

function signedLong(code: Code): Code {
  if (code.constant === undefined) return cast(code, "s32");
  return { ...code, text: `${code.constant | 0}`, isAtom: (code.constant | 0) >= 0 };
}

function hex(address: number): string {
  return `0x${address.toString(16)}u`;
}

/** A float so that C reads exactly the same number. */
function floatText(value: number, type: "f32" | "f64"): string {
  const suffix = type === "f32" ? "f" : "";
  if (!Number.isFinite(value)) return value > 0 ? `(${type})HUGE_VAL` : `(-(${type})HUGE_VAL)`;
  if (Object.is(value, -0)) return `(-0.0${suffix})`;
  const text = /[.e]/.test(`${value}`) ? `${value}` : `${value}.0`;
  return value < 0 ? `(${text}${suffix})` : `${text}${suffix}`;
}
