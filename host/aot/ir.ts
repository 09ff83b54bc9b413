// A module as the translator sees it: statements over expressions without control flow, names and source lines kept.

import type { Location } from "./s-expression.ts";

export type { Location };

export type ValueType = "i32" | "i64" | "f32" | "f64";

export type Expr =
  | { readonly kind: "const"; readonly type: "i32" | "f32" | "f64"; readonly value: number }
  | { readonly kind: "const"; readonly type: "i64"; readonly value: bigint }
  | { readonly kind: "local"; readonly type: ValueType; readonly index: number }
  | { readonly kind: "global"; readonly type: ValueType; readonly name: string }
  | { readonly kind: "unary"; readonly type: ValueType; readonly op: string; readonly a: Expr }
  | Binary
  | Select
  | Load
  | Call
  | { readonly kind: "pages"; readonly type: "i32" };

export interface Binary {
  readonly kind: "binary";
  readonly type: ValueType;
  /** As in the text format, `i32.add`. */
  readonly op: string;
  readonly a: Expr;
  readonly b: Expr;
}
export interface Select {
  readonly kind: "select";
  readonly type: ValueType;
  readonly a: Expr;
  readonly b: Expr;
  readonly condition: Expr;
}
export interface Load {
  readonly kind: "load";
  readonly type: ValueType;
  readonly bytes: number;
  readonly isSigned: boolean;
  readonly offset: number;
  readonly address: Expr;
}
export interface Call {
  readonly kind: "call";
  /** Undefined: it returns nothing. */
  readonly type: ValueType | undefined;
  readonly target: string;
  readonly args: readonly Expr[];
}
export interface Store {
  readonly kind: "store";
  readonly bytes: number;
  readonly offset: number;
  readonly address: Expr;
  readonly value: Expr;
}

export type Statement = { readonly at?: Location | undefined } & (
  | { readonly kind: "set"; readonly index: number; readonly value: Expr }
  | { readonly kind: "setGlobal"; readonly name: string; readonly value: Expr }
  | Store
  | { readonly kind: "run"; readonly value: Expr }
  | { readonly kind: "fill" | "copy"; readonly to: Expr; readonly from: Expr; readonly size: Expr }
  | { readonly kind: "block" | "loop"; readonly label: string; readonly body: readonly Statement[] }
  | If
  | { readonly kind: "branch"; readonly label: string; readonly condition: Expr | undefined }
  | Switch
  | { readonly kind: "return"; readonly value: Expr | undefined }
  | { readonly kind: "unreachable" }
);
export interface If {
  readonly kind: "if";
  readonly condition: Expr;
  readonly yes: readonly Statement[];
  readonly no: readonly Statement[];
}
export interface Switch {
  readonly kind: "switch";
  readonly value: Expr;
  readonly labels: readonly string[];
  readonly fallback: string;
}

export interface Signature {
  readonly params: readonly ValueType[];
  readonly result: ValueType | undefined;
}
export interface Import extends Signature {
  readonly name: string;
  /** `hal.clock_ms`: module and name. */
  readonly path: string;
  readonly symbol: string;
}
export interface Func extends Signature {
  readonly name: string;
  /** Names under which it is exported. */
  readonly exports: readonly string[];
  /** Types of parameters, then of the other locals. Passes append. */
  readonly locals: ValueType[];
  body: readonly Statement[];
}
export interface Global {
  readonly name: string;
  readonly type: ValueType;
  readonly isMutable: boolean;
  readonly init: Expr;
}
export interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
}
export interface Module {
  readonly imports: ReadonlyMap<string, Import>;
  readonly functions: ReadonlyMap<string, Func>;
  readonly globals: ReadonlyMap<string, Global>;
  readonly segments: readonly Segment[];
  /** Pages of 64 KiB. */
  readonly pages: number;
}

/** What a module holds that the translator does not take. */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

/** Expressions directly inside one, in the order of their evaluation. */
export function operands(e: Expr): readonly Expr[] {
  if (e.kind === "unary") return [e.a];
  if (e.kind === "binary") return [e.a, e.b];
  if (e.kind === "select") return [e.a, e.b, e.condition];
  if (e.kind === "load") return [e.address];
  return e.kind === "call" ? e.args : [];
}

/** The same expression over other operands. */
export function withOperands(e: Expr, to: readonly Expr[]): Expr {
  const [a = e, b = e, c = e] = to;
  if (e.kind === "unary") return { ...e, a };
  if (e.kind === "binary") return { ...e, a, b };
  if (e.kind === "select") return { ...e, a, b, condition: c };
  if (e.kind === "load") return { ...e, address: a };
  return e.kind === "call" ? { ...e, args: to } : e;
}

/** Expressions a statement evaluates itself, in order; not those of the statements inside it. */
export function values(s: Statement): readonly Expr[] {
  switch (s.kind) {
    case "set":
    case "setGlobal":
    case "run":
    case "switch":
      return [s.value];
    case "store":
      return [s.address, s.value];
    case "fill":
    case "copy":
      return [s.to, s.from, s.size];
    case "if":
      return [s.condition];
    case "branch":
      return s.condition === undefined ? [] : [s.condition];
    case "return":
      return s.value === undefined ? [] : [s.value];
    default:
      return [];
  }
}

/** The same statement over other expressions. */
export function withValues(s: Statement, to: readonly Expr[]): Statement {
  const [a, b, c] = to;
  if (a === undefined) return s;
  switch (s.kind) {
    case "set":
    case "setGlobal":
    case "run":
    case "switch":
    case "return":
      return { ...s, value: a };
    case "store":
      return { ...s, address: a, value: b ?? a };
    case "fill":
    case "copy":
      return { ...s, to: a, from: b ?? a, size: c ?? a };
    case "if":
    case "branch":
      return { ...s, condition: a };
    default:
      return s;
  }
}

/** Lists of statements inside a statement. */
export function bodies(s: Statement): readonly (readonly Statement[])[] {
  if (s.kind === "block" || s.kind === "loop") return [s.body];
  return s.kind === "if" ? [s.yes, s.no] : [];
}

/** All statements, outer ones first. */
export function* statements(body: readonly Statement[]): Generator<Statement> {
  for (const s of body) {
    yield s;
    for (const inner of bodies(s)) yield* statements(inner);
  }
}

/** An expression and all inside it. */
export function* parts(e: Expr): Generator<Expr> {
  yield e;
  for (const operand of operands(e)) yield* parts(operand);
}
