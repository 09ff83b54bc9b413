// Which locals may be read before they are set, and so hold the 0 that WASM gives them.

import { bodies, type Expr, type Func, parts, type Statement, values } from "./ir.ts";

/** Locals set on every way to a point; undefined: no way leads there. */
type State = ReadonlySet<number> | undefined;

function meet(a: State, b: State): State {
  if (a === undefined || b === undefined) return a ?? b;
  return new Set([...a].filter((index) => b.has(index)));
}

class Walk {
  readonly early = new Set<number>();
  private readonly exits = new Map<string, State>();

  private read(e: Expr, state: State): void {
    for (const part of parts(e))
      if (part.kind === "local" && state !== undefined && !state.has(part.index))
        this.early.add(part.index);
  }

  private leave(label: string, state: State): void {
    this.exits.set(label, meet(this.exits.get(label), state));
  }

  body(list: readonly Statement[], start: State): State {
    return list.reduce((state, s) => this.statement(s, state), start);
  }

  private statement(s: Statement, state: State): State {
    for (const e of values(s)) this.read(e, state);
    switch (s.kind) {
      case "set":
        return state && new Set([...state, s.index]);
      case "block": {
        const end = this.body(s.body, state);
        return meet(end, this.exits.get(s.label));
      }
      case "loop":
        return this.body(s.body, state); // a jump back knows at least what the entry knows
      case "if": {
        const [then, otherwise] = bodies(s).map((body) => this.body(body, state));
        return meet(then, otherwise);
      }
      case "branch":
        this.leave(s.label, state);
        return s.condition === undefined ? undefined : state;
      case "switch":
        for (const label of [...s.labels, s.fallback]) this.leave(label, state);
        return undefined;
      case "return":
      case "unreachable":
        return undefined;
      default:
        return state;
    }
  }
}

/** Locals, not parameters, that some way reads before it sets them. */
export function readEarly(f: Func): ReadonlySet<number> {
  const walk = new Walk();
  walk.body(f.body, new Set(f.params.keys()));
  return walk.early;
}
