// Splits locals that serve several purposes: sets and reads that belong together get a local of their own, and with it
// a width of their own. WASM compilers reuse locals; Binaryen's pass separates them only where one set reaches a read.

import {
  bodies,
  type Expr,
  type Func,
  type Module,
  operands,
  parts,
  type Statement,
  statements,
  values,
  withOperands,
  withValues,
} from "./ir.ts";

/** Of each local, the sets that reach a point; undefined as a whole: the point is never reached. */
type Reaching = ReadonlyMap<number, ReadonlySet<number>> | undefined;

function join(a: Reaching, b: Reaching): Reaching {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  const result = new Map(a);
  for (const [index, sets] of b) {
    const mine = a.get(index);
    if (mine === sets) continue;
    const isCovered = mine !== undefined && [...sets].every((set) => mine.has(set));
    if (!isCovered) result.set(index, new Set([...(mine ?? []), ...sets]));
  }
  return result;
}

function covers(a: Reaching, b: Reaching): boolean {
  if (a === undefined || b === undefined) return b === undefined;
  for (const [index, sets] of b) {
    const mine = a.get(index);
    for (const set of sets) if (!mine?.has(set)) return false;
  }
  return true;
}

class Splitter {
  private readonly f: Func;
  /** Locals that are set more than once. */
  private readonly several = new Set<number>();
  private readonly setIds = new Map<Statement, number>();
  /** Where a set belongs: union-find. */
  private readonly parents: number[] = [];
  private readonly readSets = new Map<Expr, number>();
  private exits = new Map<string, Reaching>();

  constructor(f: Func) {
    this.f = f;
  }

  split(): void {
    const counts = new Map<number, number>();
    for (const s of statements(this.f.body))
      if (s.kind === "set") counts.set(s.index, (counts.get(s.index) ?? 0) + 1);
    for (const [index, count] of counts) if (count > 1) this.several.add(index);
    if (this.several.size === 0) return;
    this.f.body = fresh(this.f.body);
    const start = new Map([...this.several].map((index) => [index, new Set([this.addSet()])]));
    for (const s of statements(this.f.body))
      if (s.kind === "set" && this.several.has(s.index)) this.setIds.set(s, this.addSet());
    this.body(this.f.body, start);
    this.f.body = this.renamed(this.f.body, this.assign(start));
  }

  private addSet(): number {
    this.parents.push(this.parents.length);
    return this.parents.length - 1;
  }
  private root(set: number): number {
    let at = set;
    while (this.parents[at] !== at) at = this.parents[at] as number;
    return at;
  }

  /** The local of each web: that of the first value keeps its own. */
  private assign(start: ReadonlyMap<number, ReadonlySet<number>>): Map<number, number> {
    const locals = new Map<number, number>();
    for (const [index, [first = 0]] of start) locals.set(this.root(first), index);
    for (const [s, set] of this.setIds) {
      const root = this.root(set);
      if (s.kind !== "set" || locals.has(root)) continue;
      locals.set(root, this.f.locals.length);
      this.f.locals.push(this.f.locals[s.index] ?? "i32");
    }
    return locals;
  }

  // ---- Walking ----

  private read(e: Expr, state: NonNullable<Reaching>): void {
    for (const part of parts(e)) {
      if (part.kind !== "local" || !this.several.has(part.index)) continue;
      const [first = 0, ...others] = state.get(part.index) ?? [];
      const known = this.readSets.get(part);
      this.readSets.set(part, first);
      for (const other of known === undefined ? others : [known, ...others])
        this.parents[this.root(other)] = this.root(first);
    }
  }

  private leave(label: string, state: Reaching): void {
    this.exits.set(label, join(this.exits.get(label), state));
  }

  private body(list: readonly Statement[], start: Reaching): Reaching {
    let state = start;
    for (const s of list) {
      if (state === undefined) return undefined;
      state = this.statement(s, state);
    }
    return state;
  }

  private statement(s: Statement, state: NonNullable<Reaching>): Reaching {
    for (const e of values(s)) this.read(e, state);
    switch (s.kind) {
      case "set": {
        const set = this.setIds.get(s);
        return set === undefined ? state : new Map(state).set(s.index, new Set([set]));
      }
      case "block": {
        this.exits.delete(s.label);
        const end = this.body(s.body, state);
        return join(end, this.exits.get(s.label));
      }
      case "loop": {
        const outside = new Map(this.exits);
        for (let head: Reaching = state; ; ) {
          this.exits = new Map(outside);
          this.exits.delete(s.label);
          const end = this.body(s.body, head);
          const next = join(head, this.exits.get(s.label));
          if (covers(head, next)) return end;
          head = next;
        }
      }
      case "if":
        return join(this.body(s.yes, state), this.body(s.no, state));
      case "branch":
        this.leave(s.label, state);
        return s.condition === undefined ? undefined : state;
      case "switch":
        for (const label of new Set([...s.labels, s.fallback])) this.leave(label, state);
        return undefined;
      case "return":
      case "unreachable":
        return undefined;
      default:
        return state;
    }
  }

  // ---- Renaming ----

  private localOf(
    set: number | undefined,
    locals: ReadonlyMap<number, number>,
    own: number,
  ): number {
    return set === undefined ? own : (locals.get(this.root(set)) ?? own);
  }

  private renamed(list: readonly Statement[], locals: ReadonlyMap<number, number>): Statement[] {
    const inExpr = (e: Expr): Expr => {
      if (e.kind === "local")
        return { ...e, index: this.localOf(this.readSets.get(e), locals, e.index) };
      return withOperands(e, operands(e).map(inExpr));
    };
    return list.map((s) => {
      const to = withValues(s, values(s).map(inExpr));
      const [first = [], second = []] = bodies(s).map((inner) => this.renamed(inner, locals));
      if (to.kind === "set")
        return { ...to, index: this.localOf(this.setIds.get(s), locals, to.index) };
      if (to.kind === "if") return { ...to, yes: first, no: second };
      return to.kind === "block" || to.kind === "loop" ? { ...to, body: first } : to;
    });
  }
}

/** The same statements with no expression shared between two places. */
function fresh(list: readonly Statement[]): Statement[] {
  const copy = (e: Expr): Expr => withOperands({ ...e }, operands(e).map(copy));
  return list.map((s) => {
    const to = withValues({ ...s }, values(s).map(copy));
    const [first = [], second = []] = bodies(s).map(fresh);
    if (to.kind === "if") return { ...to, yes: first, no: second };
    return to.kind === "block" || to.kind === "loop" ? { ...to, body: first } : to;
  });
}

/** Gives the values of every function locals of their own. */
export function splitWebs(module: Module): void {
  for (const f of module.functions.values()) new Splitter(f).split();
}
