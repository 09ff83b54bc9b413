// Ranges along the control flow of one function: what every local can hold where it is read.

import { type Expr, type Func, parts, type Statement, values } from "./ir.ts";
import {
  ANY,
  binaryRange,
  exactly,
  isWithin,
  type Range,
  signed,
  unaryRange,
  union,
  unsigned,
  widen,
} from "./range.ts";
import { type Facts, learn } from "./refine.ts";

/** Turns of a loop before ranges that grow do so in leaps. */
const PATIENCE = 3;
/** Passes that take back what the leaps overshot. */
const RETURNS = 2;

/** Range of each local; undefined as a whole: the point is never reached. */
type State = Range[] | undefined;

/** What is known outside the function. */
export interface Surroundings {
  readonly pages: number;
  /** Of a call; undefined: it does not return, as far as is known. */
  result(target: string, args: readonly (Range | undefined)[]): Range | undefined;
  global(name: string): Range | undefined;
}

/** What a walk finds and hands on. */
export interface Findings {
  read(e: Expr, range: Range): void;
  set(index: number, range: Range): void;
  setGlobal(name: string, range: Range): void;
  call(target: string, args: readonly (Range | undefined)[]): void;
  giveBack(range: Range, e: Expr): void;
}

function join(a: State, b: State): State {
  if (a === undefined || b === undefined) return a ?? b;
  return a.map((range, n) => union(range, b[n] as Range));
}

function covers(a: State, b: State): boolean {
  return b === undefined || (a?.every((range, n) => isWithin(b[n] as Range, range)) ?? false);
}

function withFacts(state: State, facts: Facts): State {
  if (state === undefined || facts === undefined) return undefined;
  const result = [...state];
  for (const [index, range] of facts) result[index] = range;
  return result;
}

export class Flow {
  private readonly around: Surroundings;
  private readonly findings: Findings;
  /** States that jumps carry to labels. */
  private exits = new Map<string, State>();
  private isFinal = true;

  constructor(around: Surroundings, findings: Findings) {
    this.around = around;
    this.findings = findings;
  }

  /** Walks a function whose parameters have these ranges. */
  run(f: Func, params: readonly Range[]): void {
    const start = f.locals.map((_, n) => params[n] ?? exactly(0));
    this.body(f.body, start);
  }

  // ---- Expressions ----

  /** Undefined: never evaluated, or not of type i32. */
  private eval(e: Expr, state: Range[]): Range | undefined {
    const range = this.evaluate(e, state);
    if (this.isFinal && e.kind === "local" && range !== undefined) this.findings.read(e, range);
    return range;
  }

  private evaluate(e: Expr, state: Range[]): Range | undefined {
    switch (e.kind) {
      case "const":
        return e.type === "i32" ? exactly(e.value) : undefined;
      case "local":
        return e.type === "i32" ? state[e.index] : undefined;
      case "global":
        return this.around.global(e.name);
      case "pages":
        return exactly(this.around.pages);
      case "load":
        this.eval(e.address, state);
        return e.bytes === 4 ? ANY : e.isSigned ? signed(8 * e.bytes) : unsigned(8 * e.bytes);
      case "call": {
        const args = e.args.map((arg) => this.eval(arg, state));
        const isMade = e.args.every((arg, n) => arg.type !== "i32" || args[n] !== undefined);
        if (!isMade) return undefined; // an argument never comes back
        if (this.isFinal) this.findings.call(e.target, args);
        return this.around.result(e.target, args);
      }
      case "select":
        return this.selected(e, state);
      case "unary": {
        const a = this.eval(e.a, state);
        if (e.type !== "i32") return undefined;
        return e.a.type === "i32" ? a && unaryRange(e.op, a) : foreign(e.op);
      }
      case "binary": {
        const [a, b] = [this.eval(e.a, state), this.eval(e.b, state)];
        if (e.type !== "i32") return undefined;
        return e.a.type === "i32" ? a && b && binaryRange(e.op, a, b) : foreign(e.op);
      }
    }
  }

  private selected(e: Extract<Expr, { kind: "select" }>, state: Range[]): Range | undefined {
    this.eval(e.condition, state);
    const arm = (operand: Expr, isTrue: boolean) => {
      const facts = isPure(operand) ? this.learn(e.condition, isTrue, state) : new Map();
      const known = withFacts(state, facts);
      if (known !== undefined) return this.eval(operand, known);
      this.eval(operand, state); // never selected, but evaluated
      return undefined;
    };
    const [a, b] = [arm(e.a, true), arm(e.b, false)];
    return a && b ? union(a, b) : (a ?? b);
  }

  private learn(condition: Expr, isTrue: boolean, state: Range[]): Facts {
    const outer = this.isFinal;
    this.isFinal = false;
    const facts = learn(condition, isTrue, (e) => this.eval(e, state));
    this.isFinal = outer;
    return facts;
  }

  // ---- Statements ----

  private body(list: readonly Statement[], start: State): State {
    let state = start;
    for (const s of list) {
      if (state === undefined) return undefined;
      state = this.statement(s, state);
    }
    return state;
  }

  private leave(label: string, state: State): void {
    this.exits.set(label, join(this.exits.get(label), state));
  }

  private statement(s: Statement, state: Range[]): State {
    const [first] = values(s).map((e) => this.eval(e, state));
    switch (s.kind) {
      case "set": {
        if (s.value.type !== "i32") return state;
        if (first === undefined) return undefined; // the call in it does not return
        if (this.isFinal) this.findings.set(s.index, first);
        const next = [...state];
        next[s.index] = first;
        return next;
      }
      case "setGlobal":
        if (this.isFinal && first !== undefined) this.findings.setGlobal(s.name, first);
        return state;
      case "block": {
        this.exits.delete(s.label);
        const end = this.body(s.body, state);
        return join(end, this.exits.get(s.label));
      }
      case "loop":
        return this.loop(s.label, s.body, state);
      case "if": {
        const yes = this.body(s.yes, withFacts(state, this.learn(s.condition, true, state)));
        const no = this.body(s.no, withFacts(state, this.learn(s.condition, false, state)));
        return join(yes, no);
      }
      case "branch": {
        if (s.condition === undefined) {
          this.leave(s.label, state);
          return undefined;
        }
        this.leave(s.label, withFacts(state, this.learn(s.condition, true, state)));
        return withFacts(state, this.learn(s.condition, false, state));
      }
      case "switch":
        for (const label of new Set([...s.labels, s.fallback])) this.leave(label, state);
        return undefined;
      case "return":
        if (this.isFinal && s.value && first !== undefined) this.findings.giveBack(first, s.value);
        return undefined;
      case "unreachable":
        return undefined;
      default:
        return state;
    }
  }

  private loop(label: string, body: readonly Statement[], entry: Range[]): State {
    const outside = new Map(this.exits);
    const isFinal = this.isFinal;
    const turn = (head: State): { readonly end: State; readonly back: State } => {
      this.exits = new Map(outside);
      this.exits.delete(label);
      const end = this.body(body, head);
      return { end, back: this.exits.get(label) };
    };
    this.isFinal = false;
    let head: State = entry;
    for (let n = 0; ; n++) {
      const next: State = join(entry, turn(head).back);
      if (covers(head, next)) break;
      head =
        n < PATIENCE ? next : head?.map((range, i) => widen(range, (next as Range[])[i] as Range));
    }
    for (let n = 0; n < RETURNS; n++) head = join(entry, turn(head).back);
    this.isFinal = isFinal;
    return turn(head).end;
  }
}

/** Of an operator on other types that gives an i32: a comparison or a conversion. */
export function foreign(op: string): Range {
  return /\.(eqz?|ne|lt|le|gt|ge)(_[us])?$/.test(op) ? unsigned(1) : ANY;
}

/** Whether evaluating it where it is not wanted does no harm. */
function isPure(e: Expr): boolean {
  for (const part of parts(e)) {
    if (part.kind === "load" || part.kind === "call") return false;
    if (part.kind === "binary" && /\.(div|rem)_/.test(part.op)) return false;
  }
  return true;
}
