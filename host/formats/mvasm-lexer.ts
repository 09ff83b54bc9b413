// Tokens of MVASM: words, numbers, texts and marks of one line.
import type { Diagnostic, Position } from "./diagnostic.ts";

/** A word, number, text or mark of a line; `end` is what follows the last. */
export interface Token {
  kind: "name" | "number" | "string" | "mark" | "end";
  text: string;
  column: number;
  value: number;
  bytes: number[];
}

/** Carries a Diagnostic out of the depth of a statement. */
export class SyntaxFailure extends Error {
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
}

/** One line of source. */
export interface Line {
  file: string;
  line: number;
  source: string;
}

/** A place in a line. */
export function placeAt(line: Line, column: number, width: number): Position {
  return { file: line.file, line: line.line, column, width, source: line.source };
}

/** Gives up the statement, with a Diagnostic. */
export function failAt(at: Position, code: string, message: string, remedy?: string): never {
  throw new SyntaxFailure({ ...at, code, message, ...(remedy === undefined ? {} : { remedy }) });
}

const WORD = /[\w.$]+/y;

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  r: 13,
  t: 9,
  "0": 0,
  "\\": 92,
  '"': 34,
  "'": 39,
};

/** Cuts one line into tokens, on demand. */
export class Lexer {
  private pos = 0;

  constructor(private readonly line: Line) {}

  get offset(): number {
    return this.pos;
  }

  next(): Token {
    const source = this.line.source;
    while (source[this.pos] === " " || source[this.pos] === "\t") this.pos++;
    const c = source[this.pos];
    if (c === undefined || c === ";") return this.token("end", this.pos);
    if (c === '"') return this.readString();
    if (c === "'") return this.readChar();
    WORD.lastIndex = this.pos;
    const word = WORD.exec(source)?.[0];
    if (word !== undefined) return this.readWord(word);
    if ("[](),+-=:".includes(c)) return this.token("mark", this.pos + 1);
    const at = placeAt(this.line, this.pos + 1, 1);
    const shown = JSON.stringify(String.fromCodePoint(source.codePointAt(this.pos) as number));
    return failAt(at, "unexpected-character", `unexpected character ${shown}`);
  }

  private token(kind: Token["kind"], end: number, value = 0, bytes: number[] = []): Token {
    const text = this.line.source.slice(this.pos, end);
    const token = { kind, text, column: this.pos + 1, value, bytes };
    this.pos = end;
    return token;
  }

  private readWord(word: string): Token {
    const end = this.pos + word.length;
    if (/^[A-Za-z_.]/.test(word)) return this.token("name", end);
    if (/^(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)$/.test(word)) {
      return this.token("number", end, Number(word));
    }
    return failAt(
      placeAt(this.line, this.pos + 1, word.length),
      "bad-number",
      `"${word}" is not a number`,
      "write 18, 0x12, 0b10010 or 'c'",
    );
  }

  private readString(): Token {
    const bytes: number[] = [];
    let end = this.pos + 1;
    while (this.line.source[end] !== '"') {
      if (end >= this.line.source.length) {
        const at = placeAt(this.line, this.pos + 1, this.line.source.length - this.pos);
        failAt(at, "open-string", "this string is left open", 'close it with "');
      }
      end = this.readCharacter(end, bytes);
    }
    return this.token("string", end + 1, 0, bytes);
  }

  private readChar(): Token {
    const bytes: number[] = [];
    const source = this.line.source;
    const closed = this.pos + 1 < source.length && source[this.pos + 1] !== "'";
    const end = closed ? this.readCharacter(this.pos + 1, bytes) : this.pos + 1;
    if (!closed || source[end] !== "'") {
      const at = placeAt(this.line, this.pos + 1, end - this.pos);
      failAt(at, "open-string", "a character is written 'c'", 'text stands in double quotes: "…"');
    }
    const escaped = source[this.pos + 1] === "\\";
    const value = escaped ? bytes[0] : source.codePointAt(this.pos + 1);
    return this.token("number", end + 1, value);
  }

  /** Adds the bytes of the character or escape at `at`; returns where the next one begins. */
  private readCharacter(at: number, bytes: number[]): number {
    const source = this.line.source;
    const c = String.fromCodePoint(source.codePointAt(at) as number);
    if (c !== "\\") {
      bytes.push(...new TextEncoder().encode(c));
      return at + c.length;
    }
    const selector = source[at + 1] ?? "";
    if (selector === "x") {
      const digits = /^[0-9a-fA-F]{2}/.exec(source.slice(at + 2));
      if (digits !== null) {
        bytes.push(Number.parseInt(digits[0], 16));
        return at + 4;
      }
    } else if (Object.hasOwn(ESCAPES, selector)) {
      bytes.push(ESCAPES[selector] as number);
      return at + 2;
    }
    return failAt(
      placeAt(this.line, at + 1, 2),
      "bad-escape",
      `there is no escape \\${selector}${selector === "x" ? " without two hexadecimal digits" : ""}`,
      "the escapes are \\n \\r \\t \\0 \\\\ \\\" \\' and \\xNN",
    );
  }
}
