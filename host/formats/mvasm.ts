// MVASM text: lines to statements. Knows how things are written; what they mean is the assembler's.
import type { Diagnostic, Position } from "./diagnostic.ts";
import { type JsonError, type JsonNode, lineAndColumn, parseJson } from "./json.ts";
import { failAt, Lexer, type Line, placeAt, SyntaxFailure, type Token } from "./mvasm-lexer.ts";

/** What lo16(), hi16() and off16() take of an address. */
export type SymbolPart = "lo16" | "hi16" | "off16";

/** One summand of an expression. */
export type Term = { sign: 1 | -1; at: Position } & (
  | { kind: "number"; value: number }
  | { kind: "symbol"; name: string }
  | { kind: "part"; part: SymbolPart; inner: Expression }
  | { kind: "group"; inner: Expression }
);

export interface Expression {
  terms: Term[];
  at: Position;
}

export type Operand = { at: Position } & (
  | { kind: "register"; reg: number }
  | { kind: "memory"; reg: number; offset?: Expression }
  | { kind: "number"; expr: Expression }
  | { kind: "string"; bytes: Uint8Array; text: string }
  | { kind: "setting"; key: "MOD" | "FN"; expr: Expression }
  | { kind: "json"; node: JsonNode; placeOf: (offset: number) => Position }
);

/** A name and where it stands. */
export interface Word {
  text: string;
  at: Position;
}

/** One line of source, or several where JSON goes on. */
export interface Statement {
  at: Position;
  labels: Word[];
  op?: Word;
  operands: Operand[];
}

/** Statements of a source and the mistakes in writing; a broken statement keeps its labels only. */
export interface ParsedSource {
  statements: Statement[];
  diagnostics: Diagnostic[];
}

/** Directives whose operand may be JSON. */
const JSON_DIRECTIVES = new Set([".value", ".cmd", ".mailbox", ".manifest"]);
/** Parentheses may lie this deep. */
const DEPTH_MAX = 32;
const PARTS = new Set(["lo16", "hi16", "off16"]);
/** Splits MVASM source into statements. */
export function parseMvasm(text: string, file: string): ParsedSource {
  const parsed: ParsedSource = { statements: [], diagnostics: [] };
  const lines = text.split("\n");
  let offset = 0;
  for (let i = 0; i < lines.length; i++) {
    const source = (lines[i] as string).replace(/\r$/, "");
    const parser = new LineParser({ file, line: i + 1, source }, text, offset);
    const last = parser.parseInto(parsed);
    for (; i < last; i++) offset += (lines[i] as string).length + 1;
    offset += (lines[i] as string).length + 1;
  }
  return parsed;
}

/** Register number of `R0`..`R15`, -1 for `R16` and beyond, undefined for anything else. */
function registerOf(name: string): number | undefined {
  if (!/^[Rr]\d+$/.test(name)) return undefined;
  const n = Number(name.slice(1));
  return n <= 15 && String(n) === name.slice(1) ? n : -1;
}

/** Whether text can be the name of a symbol. */
export function isSymbolName(text: string): boolean {
  return /^[A-Za-z_.][\w.$]*$/.test(text) && registerOf(text) === undefined;
}

class LineParser {
  private readonly lexer: Lexer;
  private token: Token = { kind: "end", text: "", column: 1, value: 0, bytes: [] };
  /** Characters of the line up to the end of the last token taken. */
  private consumed = 0;
  /** Parentheses that are open. */
  private depth = 0;
  /** What is wrong with the statement. */
  private failed: Diagnostic | undefined;

  constructor(
    private readonly line: Line,
    private readonly text: string,
    private readonly lineStart: number,
  ) {
    this.lexer = new Lexer(line);
  }

  /** Adds this line's statement, if it holds one. Returns the index of the last line it took. */
  parseInto(parsed: ParsedSource): number {
    const statement: Statement = { at: placeAt(this.line, 1, 1), labels: [], operands: [] };
    let last = this.line.line - 1;
    try {
      this.advance();
      this.readLabels(statement.labels);
      if (this.token.kind !== "end") last = this.readOperation(statement);
    } catch (e) {
      if (!(e instanceof SyntaxFailure)) throw e;
      this.failed = e.diagnostic;
    }
    if (this.failed !== undefined) {
      parsed.diagnostics.push(this.failed);
      delete statement.op;
    }
    const at = statement.labels[0]?.at ?? statement.op?.at;
    if (at !== undefined) parsed.statements.push({ ...statement, at });
    return last;
  }

  private advance(): Token {
    const token = this.token;
    this.consumed = token.column - 1 + token.text.length;
    this.token = this.lexer.next();
    return token;
  }

  private place(token: Token): Position {
    return placeAt(this.line, token.column, Math.max(1, token.text.length));
  }

  private takeMark(mark: string): boolean {
    if (this.token.kind !== "mark" || this.token.text !== mark) return false;
    this.advance();
    return true;
  }

  private expectMark(mark: string): void {
    if (this.takeMark(mark)) return;
    const found = this.token.kind === "end" ? "the line ends" : `found "${this.token.text}"`;
    failAt(this.place(this.token), "syntax", `"${mark}" expected, ${found}`);
  }

  /** After each label the operation's own word is left in `token`. */
  private readLabels(labels: Word[]): void {
    while (this.token.kind === "name" && /^[ \t]*:/.test(this.rest())) {
      const name = this.advance();
      this.advance();
      labels.push({ text: name.text, at: this.place(name) });
    }
  }

  private atEnd(): boolean {
    return this.token.kind === "end";
  }

  private rest(): string {
    return this.line.source.slice(this.lexer.offset);
  }

  private readOperation(statement: Statement): number {
    if (this.token.kind !== "name") {
      const message = "an instruction, a directive or a label was expected";
      failAt(this.place(this.token), "syntax", message);
    }
    statement.op = { text: this.token.text, at: this.place(this.token) };
    const takesJson = JSON_DIRECTIVES.has(this.token.text.toLowerCase());
    if (takesJson && !/^[ \t]*["]/.test(this.rest())) return this.readJson(statement);
    this.advance();
    while (!this.atEnd()) {
      statement.operands.push(this.readOperand());
      if (this.takeMark(",") && this.atEnd()) {
        failAt(this.place(this.token), "missing-operand", "an operand is missing after the comma");
      }
    }
    return this.line.line - 1;
  }

  private readJson(statement: Statement): number {
    const start = this.lineStart + this.lexer.offset;
    if (/^[ \t]*(;|$)/.test(this.rest())) {
      const at = placeAt(this.line, this.lexer.offset + 1, 1);
      failAt(at, "missing-operand", `${this.token.text} needs JSON, beginning on this line`);
    }
    const placeOf = (offset: number): Position => this.placeInText(offset);
    const node = parseJson(this.text, start, { relaxed: true });
    if ("error" in node) return this.failJson(start, node.error, statement);
    statement.operands.push({ kind: "json", node, placeOf, at: placeOf(node.at) });
    const tail = this.text.slice(node.end, this.endOfLine(node.end));
    if (!/^[ \t\r]*(;.*)?$/s.test(tail)) {
      failAt(placeOf(node.end), "extra-operand", "nothing may follow the JSON on its line");
    }
    return placeOf(node.end).line - 1;
  }

  /** Reports broken JSON, and takes the lines that can only belong to it. */
  private failJson(start: number, error: JsonError, statement: Statement): number {
    const endless = this.text.slice(error.at).trim() === "";
    const first = start + this.text.slice(start).search(/[^ \t]/);
    const at = this.placeInText(endless ? first : error.at);
    const lines = this.text.split("\n");
    let last = Math.max(at.line, this.line.line);
    if (last > this.line.line && !isJsonLine(lines[last - 1])) last--;
    while (isJsonLine(lines[last])) last++;
    const remedy = `the JSON of ${statement.op?.text} begins on line ${this.line.line}`;
    const shown = at.line > this.line.line ? { remedy } : {};
    this.failed = { ...at, code: "bad-json", message: error.message, ...shown };
    return last - 1;
  }

  private endOfLine(offset: number): number {
    const end = this.text.indexOf("\n", offset);
    return end < 0 ? this.text.length : end;
  }

  private placeInText(offset: number): Position {
    const { line, column } = lineAndColumn(this.text, offset);
    const source = this.text.slice(offset - column + 1, this.endOfLine(offset)).replace(/\r$/, "");
    return placeAt({ file: this.line.file, line, source }, column, 1);
  }

  // ---- Operands ----

  private readOperand(): Operand {
    const first = this.token;
    const operand = this.readOperandAt(this.place(first));
    operand.at.width = Math.max(1, this.consumed - first.column + 1);
    return operand;
  }

  private readOperandAt(at: Position): Operand {
    if (this.takeMark("[")) return this.readMemory(at);
    if (this.token.kind === "string") {
      const { bytes, text } = this.advance();
      return { kind: "string", at, bytes: Uint8Array.from(bytes), text };
    }
    if (this.token.kind === "name") {
      const reg = registerOf(this.token.text);
      if (reg !== undefined) {
        return { kind: "register", at, reg: this.readRegister() };
      }
      const key = this.token.text.toUpperCase();
      if ((key === "MOD" || key === "FN") && /^[ \t]*=/.test(this.rest())) {
        this.advance();
        this.advance();
        return { kind: "setting", at, key, expr: this.readExpression() };
      }
    }
    return { kind: "number", at, expr: this.readExpression() };
  }

  private readRegister(): number {
    const token = this.advance();
    const reg = token.kind === "name" ? registerOf(token.text) : undefined;
    if (reg === undefined) {
      const shown = token.kind === "end" ? "" : `, found "${token.text}"`;
      failAt(this.place(token), "unknown-register", `a register was expected${shown}`, REGISTERS);
    }
    if (reg < 0) {
      failAt(
        this.place(token),
        "unknown-register",
        `there is no register ${token.text}`,
        REGISTERS,
      );
    }
    return reg;
  }

  private readMemory(at: Position): Operand {
    const reg = this.readRegister();
    if (this.takeMark("]")) return { kind: "memory", at, reg };
    const signed = this.token.kind === "mark" && "+-".includes(this.token.text);
    if (!signed) this.expectMark("]");
    const offset = this.readExpression();
    this.expectMark("]");
    return { kind: "memory", at, reg, offset };
  }

  private readExpression(): Expression {
    const at = this.place(this.token);
    const terms = [this.readTerm()];
    while (this.token.kind === "mark" && "+-".includes(this.token.text)) {
      terms.push(this.readTerm());
    }
    at.width = Math.max(1, this.consumed - at.column + 1);
    return { terms, at };
  }

  private readTerm(): Term {
    let sign: 1 | -1 = 1;
    while (this.token.kind === "mark" && "+-".includes(this.token.text)) {
      if (this.advance().text === "-") sign = sign === 1 ? -1 : 1;
    }
    const token = this.token;
    const at = this.place(token);
    if (this.takeMark("(")) {
      return { sign, at, kind: "group", inner: this.readInner(at) };
    }
    if (token.kind === "number") {
      this.advance();
      return { sign, at, kind: "number", value: token.value };
    }
    if (token.kind !== "name") {
      const found = token.kind === "end" ? "the line ends" : `found "${token.text}"`;
      failAt(at, "missing-operand", `an operand was expected, ${found}`);
    }
    this.advance();
    return this.readNamedTerm(token, sign, at);
  }

  /** What stands in parentheses, up to the closing one. */
  private readInner(at: Position): Expression {
    if (++this.depth > DEPTH_MAX) {
      failAt(at, "bad-expression", `parentheses lie deeper than ${DEPTH_MAX} levels`);
    }
    const inner = this.readExpression();
    this.expectMark(")");
    this.depth--;
    return inner;
  }

  private readNamedTerm(token: Token, sign: 1 | -1, at: Position): Term {
    const part = token.text.toLowerCase();
    if (PARTS.has(part) && this.takeMark("(")) {
      return { sign, at, kind: "part", part: part as SymbolPart, inner: this.readInner(at) };
    }
    if (registerOf(token.text) !== undefined) {
      const message = `register ${token.text} cannot stand in an expression`;
      failAt(at, "unknown-register", message, "memory is written [Rn+offset]");
    }
    return { sign, at, kind: "symbol", name: token.text };
  }
}

/** Whether a line begins as only JSON does. */
function isJsonLine(line: string | undefined): boolean {
  return line !== undefined && /^[ \t]*["{}[\],]/.test(line);
}

const REGISTERS = "the registers are R0 to R15";
