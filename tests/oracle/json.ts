// JSON (RFC 8259) read the simple way: a recursive tree that keeps the order and repetition of keys and the text of numbers.

export type JsonTree =
  | { readonly kind: "object"; readonly members: readonly (readonly [string, JsonTree])[] }
  | { readonly kind: "array"; readonly items: readonly JsonTree[] }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "literal"; readonly text: string };

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const LITERAL = /true|false|null/y;
const BLANKS = /[ \t\r\n]*/y;

class Reader {
  at = 0;

  constructor(
    readonly text: string,
    readonly depthMax: number,
  ) {}

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  expect(character: string): void {
    if (this.text[this.at] !== character) throw new SyntaxError(`${character} at ${this.at}`);
    this.at++;
  }

  skip(): void {
    this.take(BLANKS);
  }

  string(): string {
    const quoted = this.take(STRING);
    if (quoted === undefined) throw new SyntaxError(`string at ${this.at}`);
    const text = JSON.parse(quoted) as string;
    if (/\p{Cs}/u.test(text)) throw new SyntaxError(`half a surrogate pair at ${this.at}`);
    return text;
  }

  /** Items between brackets, each read by `item`. */
  list(open: string, close: string, item: () => void): void {
    this.expect(open);
    this.skip();
    if (this.text[this.at] !== close) {
      for (;;) {
        item();
        this.skip();
        if (this.text[this.at] !== ",") break;
        this.at++;
        this.skip();
      }
    }
    this.expect(close);
  }

  value(depth: number): JsonTree {
    const first = this.text[this.at];
    if ((first === "{" || first === "[") && depth === this.depthMax) throw new SyntaxError("depth");
    if (first === "{") {
      const members: (readonly [string, JsonTree])[] = [];
      this.list("{", "}", () => {
        const key = this.string();
        this.skip();
        this.expect(":");
        this.skip();
        members.push([key, this.value(depth + 1)]);
      });
      return { kind: "object", members };
    }
    if (first === "[") {
      const items: JsonTree[] = [];
      this.list("[", "]", () => items.push(this.value(depth + 1)));
      return { kind: "array", items };
    }
    if (first === '"') return { kind: "string", text: this.string() };
    const literal = this.take(LITERAL);
    if (literal !== undefined) return { kind: "literal", text: literal };
    const number = this.take(NUMBER);
    if (number === undefined) throw new SyntaxError(`value at ${this.at}`);
    return { kind: "number", text: number };
  }
}

/** Reads bytes of UTF-8 as one JSON text. Throws SyntaxError or TypeError. */
export function readJson(bytes: Uint8Array, depthMax: number): JsonTree {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const reader = new Reader(text, depthMax);
  reader.skip();
  const tree = reader.value(0);
  reader.skip();
  if (reader.at !== text.length) throw new SyntaxError(`text goes on at ${reader.at}`);
  return tree;
}
