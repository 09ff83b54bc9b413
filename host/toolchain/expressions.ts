// Expressions over constants and labels: what they come to before linking.
import type { Position } from "../formats/diagnostic.ts";
import type { SectionName } from "../formats/hxo.ts";
import type { Expression, SymbolPart, Term } from "../formats/mvasm.ts";

/** A number, or the address of a symbol (or a part of it) plus a number. */
export interface Value {
  constant: number;
  symbol?: string;
  /** Section and offset of the symbol if this source defines it. */
  label?: { section: SectionName; offset: number };
  part?: SymbolPart;
}

/** What a name stands for; undefined if nothing, after telling so. */
export type Resolve = (name: string, at: Position) => Value | undefined;

/** Told what is wrong with an expression. */
export type Report = (at: Position, code: string, message: string, remedy?: string) => void;

/** Computes an expression. Undefined: it makes no sense, and that was reported. */
export function evaluate(expr: Expression, resolve: Resolve, report: Report): Value | undefined {
  let constant = 0;
  const plus: Value[] = [];
  const minus: Value[] = [];
  for (const term of expr.terms) {
    const value = evaluateTerm(term, resolve, report);
    if (value === undefined) return undefined;
    if (value.part === undefined) constant += term.sign * value.constant;
    if (value.symbol !== undefined) (term.sign > 0 ? plus : minus).push(value);
  }
  while (plus.length > 0 && minus.length > 0) {
    const distance = distanceOf(plus.pop() as Value, minus.pop() as Value);
    if (distance === undefined) {
      const message = "only labels of .data, or of .bss, of one file have a known distance";
      report(expr.at, "bad-expression", message);
      return undefined;
    }
    constant += distance;
  }
  const [symbol] = plus;
  if (minus.length > 0 || plus.length > 1) {
    report(expr.at, "bad-expression", "an address is one symbol plus or minus a number");
    return undefined;
  }
  if (symbol?.part !== undefined && constant !== 0) {
    const message = `${symbol.part}() takes the number inside: ${symbol.part}(${symbol.symbol}+n)`;
    report(expr.at, "bad-expression", message);
    return undefined;
  }
  if (symbol?.part !== undefined) return symbol;
  return symbol === undefined ? { constant } : { ...symbol, constant };
}

function evaluateTerm(term: Term, resolve: Resolve, report: Report): Value | undefined {
  if (term.kind === "number") return { constant: term.value };
  if (term.kind === "symbol") return resolve(term.name, term.at);
  const inner = evaluate(term.inner, resolve, report);
  if (term.kind === "group" || inner === undefined) return inner;
  if (inner.part !== undefined) {
    report(term.at, "bad-expression", `${term.part}() of a part of an address`);
    return undefined;
  }
  if (inner.symbol === undefined) return { constant: partOf(inner.constant, term.part) };
  if (term.part === "off16" && inner.label?.section === "text") {
    const message = `off16() is the offset of a label in .data; "${inner.symbol}" is code`;
    report(term.at, "bad-expression", message);
    return undefined;
  }
  return { ...inner, part: term.part };
}

/** lo16, hi16 or off16 of a number. */
export function partOf(value: number, part: SymbolPart): number {
  return part === "hi16" ? (value >>> 16) & 0xffff : value & 0xffff;
}

function distanceOf(a: Value, b: Value): number | undefined {
  if (a.part !== undefined || b.part !== undefined) return undefined;
  if (a.label === undefined || b.label === undefined) return undefined;
  if (a.label.section !== b.label.section || a.label.section === "text") return undefined;
  return a.label.offset - b.label.offset;
}
