// Statements in C: structured where C has the structure, goto where it has not.

import type { Expressions } from "./c-expr.ts";
import { fitted } from "./c-text.ts";
import type { Func, If, Location, Statement, Store, Switch } from "./ir.ts";
import type { CType } from "./options.ts";
import type { Places } from "./places.ts";
import { BITS, type Widths } from "./widths.ts";

/** What lies around a statement. */
interface Around {
  /** Labels that falling off the end of the statement reaches. */
  readonly after: ReadonlySet<string>;
  /** The innermost loop: where `continue` goes. */
  readonly loop: string | undefined;
  /** Labels that `break` out of the innermost loop reaches. */
  readonly behind: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

export interface StatementOptions {
  readonly hasComputedGoto: boolean;
  readonly isHot: (f: Func) => boolean;
  /** The text of a source line. */
  readonly source: (at: Location) => string | undefined;
}

/** Writes the body of one function. */
export class Body {
  private readonly f: Func;
  private readonly expressions: Expressions;
  private readonly widths: Widths;
  private readonly places: Places;
  private readonly options: StatementOptions;
  private lines: string[] = [];
  private depth = 1;
  private readonly labels = new Map<string, string>();
  private readonly jumped = new Set<string>();
  private shown = "";

  constructor(
    f: Func,
    expressions: Expressions,
    widths: Widths,
    places: Places,
    options: StatementOptions,
  ) {
    this.f = f;
    this.expressions = expressions;
    this.widths = widths;
    this.places = places;
    this.options = options;
  }

  write(): string[] {
    this.list(this.f.body, { after: NONE, loop: undefined, behind: NONE });
    if (this.f.result !== undefined && this.f.body.at(-1)?.kind !== "return")
      this.line("__builtin_unreachable();");
    return this.lines;
  }

  private line(text: string): void {
    this.lines.push(`${"  ".repeat(this.depth)}${text}`);
  }

  private block(head: string, write: () => void, tail = "}"): void {
    this.line(`${head} {`);
    this.depth++;
    write();
    this.depth--;
    this.line(tail);
  }

  private showSource(at: Location | undefined): void {
    if (at === undefined) return;
    const place = `${at.file}:${at.line}`;
    if (place === this.shown) return;
    this.shown = place;
    const text = this.options.source(at);
    this.line(`// ${place}${text === undefined ? "" : `  ${text.trim().replace(/\\+$/, "")}`}`);
  }

  // ---- Jumps ----

  private label(name: string): string {
    const known = this.labels.get(name);
    if (known !== undefined) return known;
    const label = `L${this.labels.size}`;
    this.labels.set(name, label);
    return label;
  }

  /** The statement that goes to a label; empty where falling through does. */
  private jump(name: string, around: Around, isInSwitch = false): string {
    if (!isInSwitch && around.after.has(name)) return "";
    if (name === around.loop) return "continue;";
    if (!isInSwitch && around.behind.has(name)) return "break;";
    this.jumped.add(name);
    return `goto ${this.label(name)};`;
  }

  // ---- Statements ----

  private list(list: readonly Statement[], around: Around): void {
    for (const [n, s] of list.entries()) {
      const isLast = n === list.length - 1;
      this.statement(s, isLast ? around : { ...around, after: NONE });
    }
  }

  private statement(s: Statement, around: Around): void {
    if (s.kind !== "block" && s.kind !== "loop") this.showSource(s.at);
    switch (s.kind) {
      case "set":
        return this.set(s.index, s);
      case "setGlobal": {
        const value = this.valueOf(s.value, this.widths.global(s.name));
        return this.line(`${this.expressions.global(s.name)} = ${value};`);
      }
      case "run":
        return this.run(s.value);
      case "store":
        return this.store(s);
      case "fill":
      case "copy":
        return this.bulk(s);
      case "block":
        this.list(s.body, { ...around, after: new Set([...around.after, s.label]) });
        return this.place(s.label);
      case "loop":
        return this.loop(s.label, s.body, around);
      case "if":
        return this.conditional(s, around);
      case "branch":
        return this.branch(s.label, s.condition, around);
      case "switch":
        return this.choose(s, around);
      case "return":
        return this.giveBack(s.value);
      case "unreachable":
        return this.line("hsx_trap(HSX_TRAP_UNREACHABLE);");
    }
  }

  private valueOf(value: Parameters<Expressions["of"]>[1], type: CType): string {
    return fitted(this.expressions.of(this.f, value, BITS[type]), type).text;
  }

  private set(index: number, s: Extract<Statement, { kind: "set" }>): void {
    if (!this.widths.isRead(this.f, index)) return this.run(s.value);
    const type = this.widths.local(this.f, index);
    this.line(`${this.expressions.local(this.f, index)} = ${this.valueOf(s.value, type)};`);
  }

  private run(value: Extract<Statement, { kind: "run" }>["value"]): void {
    if (value.kind === "call") return this.line(`${this.expressions.call(this.f, value)};`);
    if (value.kind !== "const" && value.kind !== "local")
      this.line(
        `(void)(${this.expressions.of(this.f, value, value.type === "i32" ? 8 : 64).text});`,
      );
  }

  private store(s: Store): void {
    const { f } = this;
    const isFloat = s.value.type === "f32" || s.value.type === "f64";
    const type = isFloat ? (s.value.type as CType) : (`u${8 * s.bytes}` as CType);
    const value = fitted(this.expressions.of(f, s.value, 8 * s.bytes), type).text;
    if (this.places.of(f, s.address, s.offset, s.bytes) === "ram")
      return this.line(`put_${type}(${this.expressions.sum(f, s.address, s.offset)}, ${value});`);
    const suffix = this.options.isHot(f) ? "_here" : "";
    const address = this.expressions.pair(f, s.address, s.offset);
    this.line(`checkput_${type}${suffix}(${address}, ${value});`);
  }

  private bulk(s: Extract<Statement, { kind: "fill" | "copy" }>): void {
    const { isShort } = this.places;
    const address = (e: typeof s.to) => {
      const type = isShort ? "u16" : "u32";
      return this.expressions.of(this.f, e, BITS[type]).text;
    };
    const isKnown = (e: typeof s.to) =>
      s.size.kind === "const" && this.places.of(this.f, e, 0, s.size.value as number) === "ram";
    const isProved = isKnown(s.to) && (s.kind === "fill" || isKnown(s.from));
    const from = s.kind === "fill" ? this.valueOf(s.from, "u8") : address(s.from);
    this.line(
      `${isProved ? "ram" : "hsx"}_${s.kind}(${address(s.to)}, ${from}, ${address(s.size)});`,
    );
  }

  private giveBack(value: Extract<Statement, { kind: "return" }>["value"]): void {
    const type = this.widths.result(this.f.name);
    if (value === undefined || type === undefined) return this.line("return;");
    this.line(`return ${this.valueOf(value, type)};`);
  }

  private branch(label: string, condition: If["condition"] | undefined, around: Around): void {
    const jump = this.jump(label, around);
    if (condition === undefined) {
      if (jump !== "") this.line(jump);
    } else if (jump !== "")
      this.line(`if (${this.expressions.condition(this.f, condition)}) ${jump}`);
    else this.run(condition);
  }

  private conditional(s: If, around: Around): void {
    const { f, expressions } = this;
    if (s.yes.length === 0) {
      const head = `if (${expressions.condition(f, s.condition, true)})`;
      return this.block(head, () => this.list(s.no, around));
    }
    const head = `if (${expressions.condition(f, s.condition)})`;
    if (s.no.length === 0) return this.block(head, () => this.list(s.yes, around));
    this.block(head, () => this.list(s.yes, around), "} else {");
    this.depth++;
    this.list(s.no, around);
    this.depth--;
    this.line("}");
  }

  private loop(label: string, body: readonly Statement[], around: Around): void {
    this.place(label, () => {
      const inner = { after: new Set<string>(), loop: label, behind: around.after };
      const [only] = body;
      const end = only?.kind === "if" && body.length === 1 ? only.yes.at(-1) : undefined;
      const isWhile =
        only?.kind === "if" &&
        only.no.length === 0 &&
        end?.kind === "branch" &&
        end.label === label &&
        end.condition === undefined;
      if (isWhile) {
        const head = `while (${this.expressions.condition(this.f, only.condition)})`;
        this.showSource(only.at);
        return this.block(head, () =>
          this.list(only.yes.slice(0, -1), { ...inner, after: new Set([label]) }),
        );
      }
      this.block("for (;;)", () => this.loopBody(label, body, { ...inner, after: around.after }));
    });
  }

  private loopBody(label: string, body: readonly Statement[], around: Around): void {
    const last = body.at(-1);
    const { after: _, ...rest } = around;
    if (last?.kind === "branch" && last.label === label) {
      const again = last.condition;
      const after: ReadonlySet<string> = again === undefined ? new Set([label]) : NONE;
      this.list(body.slice(0, -1), { ...rest, after });
      if (again !== undefined)
        this.line(`if (${this.expressions.condition(this.f, again, true)}) break;`);
      return;
    }
    this.list(body, around);
    if (last === undefined || !["return", "unreachable", "switch"].includes(last.kind))
      this.line("break;");
  }

  /** Puts a label behind what was written, or before what is to be, if anything jumps to it. */
  private place(name: string, write?: () => void): void {
    if (write === undefined) {
      if (!this.jumped.has(name)) return;
      this.depth--;
      this.line(`${this.label(name)}:;`);
      this.depth++;
      return;
    }
    const before = this.lines;
    this.lines = [];
    write();
    const inside = this.lines;
    this.lines = before;
    if (this.jumped.has(name)) this.place(name);
    for (const line of inside) this.lines.push(line);
  }

  // ---- br_table ----

  private choose(s: Switch, around: Around): void {
    if (this.options.hasComputedGoto && s.labels.length >= 8 && this.options.isHot(this.f))
      return this.chooseByTable(s);
    const { value, base } = this.unshifted(s);
    const range = this.widths.ranges.of(this.f, value);
    const type = this.widths.of(this.f, value, 32);
    const cases = new Map<string, number[]>();
    for (const [n, label] of s.labels.entries()) {
      const number = (n + base) | 0;
      if (label === s.fallback || number < range.lo || number > range.hi) continue;
      cases.set(label, [...(cases.get(label) ?? []), number]);
    }
    this.block(`switch (${this.expressions.of(this.f, value).text})`, () => {
      for (const [label, numbers] of cases) {
        for (const number of numbers.slice(0, -1)) this.line(`case ${caseText(number, type)}:`);
        this.line(`case ${caseText(numbers.at(-1) ?? 0, type)}: ${this.jump(label, around, true)}`);
      }
      this.line(`default: ${this.jump(s.fallback, around, true)}`);
    });
  }

  /** `x - 5` with cases from 0 is `x` with cases from 5. */
  private unshifted(s: Switch): { readonly value: Switch["value"]; readonly base: number } {
    const { value } = s;
    if (value.kind !== "binary" || value.b.kind !== "const") return { value, base: 0 };
    const by = value.b.value as number;
    if (value.op === "i32.sub") return { value: value.a, base: by };
    return value.op === "i32.add" ? { value: value.a, base: -by } : { value, base: 0 };
  }

  private chooseByTable(s: Switch): void {
    const goto = (label: string) => {
      this.jumped.add(label);
      return this.label(label);
    };
    const { f, expressions } = this;
    const index = expressions.of(f, s.value).text;
    this.block("", () => {
      const table = s.labels.map((label) => `&&${goto(label)}`);
      this.line(`static const void *const table[] = {${table.join(", ")}};`);
      this.line(`const u32 index = (u32)(${index});`);
      this.line(`if (index >= ${s.labels.length}u) goto ${goto(s.fallback)};`);
      this.line("goto *table[index];");
    });
  }
}

function caseText(value: number, type: CType): string {
  return type === "u32" ? `${value >>> 0}u` : `${value}`;
}
