// Known values, upwards: the range of every local, parameter, result and global, found over all calls.

import { Flow, foreign } from "./flow.ts";
import { type Expr, type Func, type Module, statements } from "./ir.ts";
import type { CType, ImportShape } from "./options.ts";
import {
  ANY,
  binaryRange,
  exactly,
  intersection,
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

/** Rounds over the whole module that take back what the leaps overshot. */
const RETURNS = 3;

/** A range that only grows; undefined: nothing reaches it. */
class Growing {
  range: Range | undefined;
  private patience: number;

  constructor(patience = PATIENCE) {
    this.patience = patience;
  }

  /** Returns whether it grew. */
  add(range: Range): boolean {
    const from = this.range;
    if (from !== undefined && range.lo >= from.lo && range.hi <= from.hi) return false;
    const to = from === undefined ? range : union(from, range);
    this.range = from === undefined || this.patience-- > 0 ? to : widen(from, to);
    return true;
  }
}

interface FuncRanges {
  readonly params: readonly Growing[];
  /** What is ever stored in each local, parameters included, in the walk that was last. */
  stored: (Range | undefined)[];
  /** What it gives back, but for what it was passed. */
  readonly result: Growing;
  /** Parameters it gives back as they are, and what they are then: of a call only what that call passes matters. */
  readonly passed: Map<number, Growing>;
  readonly callers: Set<string>;
  isReached: boolean;
}

/** What a call gives back whose arguments lie in these ranges. */
function resultAt(
  called: FuncRanges | undefined,
  arg: (n: number) => Range | undefined,
): Range | undefined {
  let range = called?.result.range;
  for (const [n, { range: given }] of called?.passed ?? []) {
    const passed = arg(n);
    const both = passed && given && intersection(passed, given);
    range = range && both ? union(range, both) : (range ?? both);
  }
  return range;
}

/** The parameter a function gives back unchanged with an expression: itself, or what a call gives back that does the same. */
function passedParam(
  f: Func,
  e: Expr,
  functions: ReadonlyMap<string, FuncRanges>,
): number | undefined {
  if (e.kind === "local") {
    const isSet = [...statements(f.body)].some((s) => s.kind === "set" && s.index === e.index);
    return e.index < f.params.length && !isSet ? e.index : undefined;
  }
  const called = e.kind === "call" ? functions.get(e.target) : undefined;
  if (e.kind !== "call" || called === undefined || called.result.range !== undefined)
    return undefined;
  const [index, ...others] = called.passed.keys();
  const arg = e.args[index ?? -1];
  return arg === undefined || others.length > 0 ? undefined : passedParam(f, arg, functions);
}

export class Ranges {
  private readonly module: Module;
  private readonly shapes: Readonly<Record<string, ImportShape>>;
  private readonly exportParams: Readonly<Record<string, readonly CType[]>>;
  private functions = new Map<string, FuncRanges>();
  private globals = new Map<string, Growing>();
  /** Of each place where a local is read. */
  private readonly reads = new WeakMap<Expr, Range>();
  private readonly queue = new Set<string>();
  private patience = PATIENCE;

  constructor(
    module: Module,
    shapes: Readonly<Record<string, ImportShape>> = {},
    exportParams: Readonly<Record<string, readonly CType[]>> = {},
  ) {
    this.module = module;
    this.shapes = shapes;
    this.exportParams = exportParams;
    this.begin(PATIENCE);
    for (const name of this.queue) {
      this.queue.delete(name); // a set hands out what is added while it is walked
      this.walk(module.functions.get(name) as Func, this.functions, this.globals);
    }
    for (let n = 0; n < RETURNS; n++) this.narrow();
  }

  /** Nothing known but what comes from outside: first values, and what exports are passed. */
  private begin(patience: number): void {
    this.patience = patience;
    this.globals = new Map();
    this.functions = new Map();
    for (const { name, init } of this.module.globals.values()) {
      const growing = new Growing(patience);
      if (init.kind === "const" && init.type === "i32") growing.add(exactly(init.value));
      this.globals.set(name, growing);
    }
    for (const f of this.module.functions.values()) this.enter(f);
  }

  private enter(f: Func): void {
    const { patience } = this;
    const params = f.params.map(() => new Growing(patience));
    const isReached = f.exports.length > 0;
    const result = new Growing(patience);
    const passed = new Map<number, Growing>();
    const callers = new Set<string>();
    this.functions.set(f.name, { params, stored: [], result, passed, callers, isReached });
    if (!isReached) return;
    for (const [n, param] of params.entries()) param.add(TYPE_RANGE[this.exportParam(f, n)]);
    this.queue.add(f.name);
  }

  /** Gathers anew, without leaps, what all calls pass and give back under what is known: that holds too, and is no wider. */
  private narrow(): void {
    const [functions, globals] = [this.functions, this.globals];
    this.begin(Number.POSITIVE_INFINITY);
    for (const f of this.module.functions.values())
      if (functions.get(f.name)?.isReached) this.walk(f, functions, globals);
    this.queue.clear();
  }

  /** Walks a function under what `functions` and `globals` say, and adds what it does to what is being found. */
  private walk(f: Func, functions: Map<string, FuncRanges>, globals: Map<string, Growing>): void {
    const own = this.functionOf(f.name);
    const { params } = functions.get(f.name) as FuncRanges;
    const stored: (Range | undefined)[] = params.map(({ range }) => range);
    const flow = new Flow(
      {
        pages: this.module.pages,
        result: (target, args) =>
          this.importRange(target) ?? resultAt(functions.get(target), (n) => args[n]),
        global: (name) => globals.get(name)?.range,
      },
      {
        read: (e, range) => this.reads.set(e, range),
        set: (index, range) => {
          const before = stored[index];
          stored[index] = before === undefined ? range : union(before, range);
        },
        setGlobal: (name, range) => this.growGlobal(name, range),
        call: (target, args) => this.call(f, target, args),
        giveBack: (range, e) => {
          const index = passedParam(f, e, functions);
          if (index !== undefined && !own.passed.has(index))
            own.passed.set(index, new Growing(this.patience));
          const growing = (index !== undefined && own.passed.get(index)) || own.result;
          if (growing.add(range)) for (const caller of own.callers) this.queue.add(caller);
        },
      },
    );
    flow.run(
      f,
      params.map(({ range }) => range ?? ANY),
    );
    own.stored = stored;
  }

  private growGlobal(name: string, range: Range): void {
    if (!this.globals.get(name)?.add(range)) return;
    for (const [reader, { isReached }] of this.functions) if (isReached) this.queue.add(reader);
  }

  private call(f: Func, target: string, args: readonly (Range | undefined)[]): void {
    const called = this.functions.get(target);
    if (called === undefined) return;
    called.callers.add(f.name);
    let isNew = !called.isReached;
    called.isReached = true;
    for (const [n, range] of args.entries())
      if (range !== undefined && called.params[n]?.add(range)) isNew = true;
    if (isNew) this.queue.add(target);
  }

  private functionOf(name: string): FuncRanges {
    return this.functions.get(name) as FuncRanges;
  }

  /** The C type of a parameter of an export that is an i32. */
  exportParam(f: Func, index: number): CType {
    return this.exportParams[f.exports[0] ?? ""]?.[index] ?? "u32";
  }

  // ---- What was found ----

  /** Of a value of type i32; what is never evaluated may be taken for anything. */
  of(f: Func, e: Expr): Range {
    switch (e.kind) {
      case "const":
        return e.type === "i32" ? exactly(e.value) : ANY;
      case "local":
        return this.reads.get(e) ?? ANY;
      case "global":
        return this.global(e.name);
      case "load":
        return e.bytes === 4 ? ANY : e.isSigned ? signed(8 * e.bytes) : unsigned(8 * e.bytes);
      case "pages":
        return exactly(this.module.pages);
      case "call":
        return this.callRange(f, e) ?? ANY;
      case "select":
        return union(this.of(f, e.a), this.of(f, e.b));
      case "unary":
        return e.a.type === "i32" ? unaryRange(e.op, this.of(f, e.a)) : foreign(e.op);
      case "binary":
        if (e.a.type !== "i32") return foreign(e.op);
        return binaryRange(e.op, this.of(f, e.a), this.of(f, e.b));
    }
  }
  /** Of all that is ever stored in a local. */
  local(f: Func, index: number): Range {
    return this.functionOf(f.name).stored[index] ?? ANY;
  }
  global(name: string): Range {
    return this.globals.get(name)?.range ?? ANY;
  }
  /** Of the result of a function or an import. Undefined: it never returns. */
  resultRange(name: string): Range | undefined {
    const imported = this.importRange(name);
    if (imported !== undefined) return imported;
    const { result, passed } = this.functionOf(name);
    const all = [result, ...passed.values()].flatMap(({ range }) => range ?? []);
    return all.length === 0 ? undefined : all.reduce(union);
  }
  private callRange(f: Func, e: Extract<Expr, { kind: "call" }>): Range | undefined {
    const imported = this.importRange(e.target);
    const args = (n: number) => (e.args[n] === undefined ? ANY : this.of(f, e.args[n]));
    return imported ?? resultAt(this.functionOf(e.target), args);
  }
  private importRange(name: string): Range | undefined {
    const imported = this.module.imports.get(name);
    return imported && TYPE_RANGE[this.shapes[imported.path]?.result ?? "u32"];
  }
  /** Makes room for a local that a later pass adds, and returns a read of it. */
  addLocal(f: Func, value: Expr): Expr {
    if (value.type === undefined) throw new Error("a value of no type");
    const index = f.locals.length;
    f.locals.push(value.type);
    const range = value.type === "i32" ? this.of(f, value) : ANY;
    this.functionOf(f.name).stored[index] = range;
    const read: Expr = { kind: "local", type: value.type, index };
    this.reads.set(read, range);
    return read;
  }
}
