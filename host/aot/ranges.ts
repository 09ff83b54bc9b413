// Known values, upwards: the range of every local, parameter, result and global, found over all calls.

import { readEarly } from "./assigned.ts";
import { type Expr, type Func, type Module, parts, statements, values } from "./ir.ts";
import type { CType, ImportShape } from "./options.ts";
import {
  ANY,
  binaryRange,
  exactly,
  type Range,
  signed,
  unaryRange,
  union,
  unsigned,
  widen,
} from "./range.ts";

/** Rounds in which a range may grow freely before it grows in leaps. */
const PATIENCE = 6;

export const TYPE_RANGE: Readonly<Record<CType, Range>> = {
  u8: unsigned(8),
  s8: signed(8),
  u16: unsigned(16),
  s16: signed(16),
  u32: ANY,
  u64: ANY,
  f32: ANY,
  f64: ANY,
};

/** A range that only grows; undefined: nothing reaches it. */
class Growing {
  range: Range | undefined;
  private steps = 0;

  /** Returns whether it grew. */
  add(range: Range | undefined): boolean {
    if (range === undefined) return false;
    const from = this.range;
    if (from === undefined) this.range = range;
    else if (range.lo < from.lo || range.hi > from.hi) {
      const to = union(from, range);
      this.range = this.steps++ < PATIENCE ? to : widen(from, to);
    } else return false;
    return true;
  }
}

interface FuncRanges {
  readonly locals: Growing[];
  readonly result: Growing;
}

export class Ranges {
  private readonly module: Module;
  private readonly shapes: Readonly<Record<string, ImportShape>>;
  private readonly functions = new Map<string, FuncRanges>();
  private readonly globals = new Map<string, Growing>();

  constructor(module: Module, shapes: Readonly<Record<string, ImportShape>> = {}) {
    this.module = module;
    this.shapes = shapes;
    for (const f of module.functions.values()) this.enter(f);
    for (const { name, init } of module.globals.values()) {
      const growing = new Growing();
      if (init.kind === "const" && init.type === "i32") growing.add(exactly(init.value));
      this.globals.set(name, growing);
    }
    while (this.round());
  }

  private enter(f: Func): void {
    const locals = f.locals.map(() => new Growing());
    for (const index of readEarly(f)) locals[index]?.add(exactly(0));
    if (f.exports.length > 0) for (const index of f.params.keys()) locals[index]?.add(ANY);
    this.functions.set(f.name, { locals, result: new Growing() });
  }

  private round(): boolean {
    let hasGrown = false;
    for (const f of this.module.functions.values()) {
      for (const s of statements(f.body)) {
        for (const value of values(s)) if (this.passArguments(f, value)) hasGrown = true;
        if (s.kind === "set")
          hasGrown = this.grow(f, this.localOf(f, s.index), s.value) || hasGrown;
        else if (s.kind === "setGlobal") {
          const global = this.globals.get(s.name);
          if (global !== undefined) hasGrown = this.grow(f, global, s.value) || hasGrown;
        } else if (s.kind === "return" && s.value !== undefined)
          hasGrown = this.grow(f, this.functionOf(f.name).result, s.value) || hasGrown;
      }
    }
    return hasGrown;
  }

  private grow(f: Func, what: Growing, value: Expr): boolean {
    return value.type === "i32" && what.add(this.maybe(f, value));
  }

  private passArguments(f: Func, value: Expr): boolean {
    let hasGrown = false;
    for (const part of parts(value)) {
      if (part.kind !== "call" || !this.module.functions.has(part.target)) continue;
      const { locals } = this.functionOf(part.target);
      for (const [n, arg] of part.args.entries())
        if (this.grow(f, locals[n] as Growing, arg)) hasGrown = true;
    }
    return hasGrown;
  }

  private functionOf(name: string): FuncRanges {
    return this.functions.get(name) as FuncRanges;
  }
  private localOf(f: Func, index: number): Growing {
    return this.functionOf(f.name).locals[index] as Growing;
  }

  /** Undefined: it is never evaluated. */
  private maybe(f: Func, e: Expr): Range | undefined {
    switch (e.kind) {
      case "const":
        return exactly(e.value as number);
      case "local":
        return this.localOf(f, e.index).range;
      case "global":
        return this.globals.get(e.name)?.range;
      case "load":
        return e.bytes === 4 ? ANY : e.isSigned ? signed(8 * e.bytes) : unsigned(8 * e.bytes);
      case "pages":
        return exactly(this.module.pages);
      case "call":
        return this.resultRange(e.target);
      case "select":
        return this.selected(f, e.a, e.b);
      case "unary": {
        const a = e.a.type === "i32" ? this.maybe(f, e.a) : ANY;
        return a && (e.a.type === "i32" ? unaryRange(e.op, a) : this.foreign(e.op));
      }
      case "binary": {
        if (e.a.type !== "i32") return this.foreign(e.op);
        const [a, b] = [this.maybe(f, e.a), this.maybe(f, e.b)];
        return a && b && binaryRange(e.op, a, b);
      }
    }
  }

  private selected(f: Func, a: Expr, b: Expr): Range | undefined {
    const [x, y] = [this.maybe(f, a), this.maybe(f, b)];
    return x && y ? union(x, y) : (x ?? y);
  }

  /** Of an operator on other types that gives an i32: a comparison or a conversion. */
  private foreign(op: string): Range {
    return /\.(eqz?|ne|lt|le|gt|ge)(_[us])?$/.test(op) ? unsigned(1) : ANY;
  }

  // ---- What was found ----

  /** Of a value of type i32; what is never evaluated may be taken for anything. */
  of(f: Func, e: Expr): Range {
    return this.maybe(f, e) ?? ANY;
  }
  local(f: Func, index: number): Range {
    return this.localOf(f, index).range ?? ANY;
  }
  global(name: string): Range {
    return this.globals.get(name)?.range ?? ANY;
  }
  /** Of the result of a function or an import. Undefined: it never returns. */
  resultRange(name: string): Range | undefined {
    const shape = this.shapes[this.module.imports.get(name)?.path ?? ""];
    if (this.module.imports.has(name)) return TYPE_RANGE[shape?.result ?? "u32"];
    return this.functionOf(name).result.range;
  }
  /** Makes room for a local that a later pass adds. */
  addLocal(f: Func, range: Range): void {
    const growing = new Growing();
    growing.add(range);
    this.functionOf(f.name).locals.push(growing);
  }
}
