// C leaves the order of operands open, WASM does not: where it matters, operands move into locals set one after the other.

import {
  bodies,
  type Expr,
  type Func,
  type Module,
  operands,
  parts,
  type Statement,
  values,
  withOperands,
  withValues,
} from "./ir.ts";
import type { Places } from "./places.ts";
import type { Ranges } from "./ranges.ts";

/** Whether evaluating an expression can end in a trap or a call. */
export function canTrap(f: Func, part: Expr, places: Places, ranges: Ranges): boolean {
  if (part.kind === "load")
    return ["low", "check"].includes(places.of(f, part.address, part.offset, part.bytes));
  if (part.kind === "unary") return /\.trunc_f/.test(part.op);
  if (part.kind !== "binary" || !/^i(32|64)\.(div|rem)/.test(part.op)) return false;
  if (part.b.type !== "i32")
    return part.b.kind !== "const" || part.b.value === 0n || part.b.value === -1n;
  const divisor = ranges.of(f, part.b);
  return divisor.lo <= 0 && divisor.hi >= -1; // 0, or -1 that overflows
}

class Orderer {
  private readonly f: Func;
  private readonly places: Places;
  private readonly ranges: Ranges;
  /** Statements that must come before the one at hand. */
  private before: Statement[] = [];

  constructor(f: Func, places: Places, ranges: Ranges) {
    this.f = f;
    this.places = places;
    this.ranges = ranges;
  }

  private hasCall(e: Expr): boolean {
    return [...parts(e)].some((part) => part.kind === "call");
  }
  private traps(e: Expr): boolean {
    return [...parts(e)].some((part) => canTrap(this.f, part, this.places, this.ranges));
  }
  /** Whether a call before or after changes what this gives, or what happened before it trapped. */
  private isSensitive(e: Expr): boolean {
    for (const part of parts(e)) if (["call", "load", "global"].includes(part.kind)) return true;
    return this.traps(e);
  }

  private hoist(e: Expr): Expr {
    const read = this.ranges.addLocal(this.f, e);
    if (read.kind === "local") this.before.push({ kind: "set", index: read.index, value: e });
    return read;
  }

  /** Operands of one operation, in order: each that a later one could disturb is set aside first. */
  private sequence(list: readonly Expr[], mustHoist: (e: Expr, n: number) => boolean): Expr[] {
    const calls = list.map((e) => this.hasCall(e));
    const sensitive = list.map((e) => this.isSensitive(e));
    const done: Expr[] = [];
    for (const [n, e] of list.entries()) {
      const later = (what: readonly boolean[]) => what.some((is, m) => m > n && is);
      const clashes = (calls[n] && later(sensitive)) || (sensitive[n] && later(calls));
      const ordered = this.expr(e);
      done.push(clashes || mustHoist(ordered, n) ? this.hoist(ordered) : ordered);
    }
    return done;
  }

  private expr(e: Expr): Expr {
    const list = operands(e);
    // an arm of a select is evaluated even if it is not selected; in C it is not
    const isArm = (operand: Expr, n: number) =>
      e.kind === "select" && n < 2 && (this.hasCall(operand) || this.traps(operand));
    return list.length === 0 ? e : withOperands(e, this.sequence(list, isArm));
  }

  body(list: readonly Statement[]): Statement[] {
    return list.flatMap((s) => this.statement(s));
  }

  private statement(s: Statement): Statement[] {
    this.before = [];
    const ordered = withValues(
      s,
      this.sequence(values(s), () => false),
    );
    const before = this.before.map((set) => ({ ...set, at: s.at }));
    const [first, second] = bodies(s).map((body) => this.body(body));
    if (ordered.kind === "if")
      return [...before, { ...ordered, yes: first ?? [], no: second ?? [] }];
    if (ordered.kind === "block" || ordered.kind === "loop")
      return [...before, { ...ordered, body: first ?? [] }];
    return [...before, ordered];
  }
}

/** Makes every function independent of the order in which C evaluates operands. */
export function fixOrder(module: Module, places: Places, ranges: Ranges): void {
  for (const f of module.functions.values()) f.body = new Orderer(f, places, ranges).body(f.body);
}
