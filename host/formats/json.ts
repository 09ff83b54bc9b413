// JSON with the place of every part, so that a mistake inside it can be pointed at. Parsing and compact printing.

/** A value of JSON text. `at` and `end` are offsets into that text. */
export type JsonNode = { at: number; end: number } & (
  | { kind: "object"; members: JsonMember[] }
  | { kind: "array"; items: JsonNode[] }
  | { kind: "string"; value: string }
  | { kind: "number"; value: number; text: string }
  | { kind: "boolean"; value: boolean }
  | { kind: "null" }
);

export type JsonObject = Extract<JsonNode, { kind: "object" }>;

/** One `"key": value` of an object. */
export interface JsonMember {
  key: string;
  at: number;
  value: JsonNode;
}

export interface JsonError {
  at: number;
  message: string;
  /** The text ended inside: more of it may mend that. */
  open: boolean;
}

export interface JsonOptions {
  /** MVASM's liberties: hexadecimal numbers, and `;` comments between parts. */
  relaxed?: boolean;
}

/** Levels of nesting, as in the node. */
const DEPTH_MAX = 32;

/** Parses the value that starts at `start` (after blanks); what follows it is left alone. */
export function parseJson(
  text: string,
  start = 0,
  options: JsonOptions = {},
): JsonNode | { error: JsonError } {
  try {
    return new JsonReader(text, start, options.relaxed === true).readValue(0);
  } catch (e) {
    if (e instanceof JsonFailure) return { error: e.error };
    throw e;
  }
}

/** Parses text that holds one value and nothing else. */
export function parseJsonText(text: string): JsonNode | { error: JsonError } {
  const node = parseJson(text);
  if ("error" in node) return node;
  const extra = text.slice(node.end).search(/[^ \t\r\n]/);
  if (extra < 0) return node;
  return {
    error: { at: node.end + extra, message: "more text after the JSON ended", open: false },
  };
}

/** The member of that name, or undefined. */
export function memberOf(node: JsonObject, key: string): JsonMember | undefined {
  return node.members.find((m) => m.key === key);
}

/** Text without blanks; all beyond ASCII is escaped. `sorted` orders the keys of every object. */
export function printJson(node: JsonNode, sorted = false): string {
  switch (node.kind) {
    case "object": {
      const members = sorted ? [...node.members].sort(byKey) : node.members;
      return `{${members.map((m) => `${quote(m.key)}:${printJson(m.value, sorted)}`).join(",")}}`;
    }
    case "array":
      return `[${node.items.map((item) => printJson(item, sorted)).join(",")}]`;
    case "string":
      return quote(node.value);
    case "number":
      return Object.is(node.value, -0) ? "-0.0" : String(node.value);
    case "boolean":
      return String(node.value);
    case "null":
      return "null";
  }
}

/** A node without a place, made from plain data. */
export function jsonFrom(value: unknown): JsonNode {
  const place = { at: 0, end: 0 };
  if (value === null) return { ...place, kind: "null" };
  if (typeof value === "string") return { ...place, kind: "string", value };
  if (typeof value === "number") return { ...place, kind: "number", value, text: String(value) };
  if (typeof value === "boolean") return { ...place, kind: "boolean", value };
  if (Array.isArray(value)) return { ...place, kind: "array", items: value.map(jsonFrom) };
  const members = Object.entries(value as object)
    .filter(([, v]) => v !== undefined)
    .map(([key, v]) => ({ key, at: 0, value: jsonFrom(v) }));
  return { ...place, kind: "object", members };
}

/** Line and column, from 1, of an offset in a text. */
export function lineAndColumn(text: string, at: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (;;) {
    const end = text.indexOf("\n", start);
    if (end < 0 || end >= at) return { line, column: at - start + 1 };
    start = end + 1;
    line++;
  }
}

/** A JSON string of ASCII characters only. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function byKey(a: JsonMember, b: JsonMember): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
}

class JsonFailure extends Error {
  constructor(readonly error: JsonError) {
    super(error.message);
  }
}

class JsonReader {
  constructor(
    private readonly text: string,
    private pos: number,
    private readonly relaxed: boolean,
  ) {}

  readValue(depth: number): JsonNode {
    this.skipBlanks();
    const c = this.text[this.pos];
    if ((c === "{" || c === "[") && depth === DEPTH_MAX) {
      this.fail(`nested deeper than ${DEPTH_MAX} levels`);
    }
    if (c === "{") return this.readObject(depth);
    if (c === "[") return this.readArray(depth);
    if (c === '"') return this.readString();
    return this.readScalar();
  }

  private readObject(depth: number): JsonNode {
    const at = this.pos++;
    const members: JsonMember[] = [];
    const keys = new Set<string>();
    while (!this.take("}")) {
      if (members.length > 0) this.expect(",", 'a "," or "}"');
      this.skipBlanks();
      if (this.text[this.pos] !== '"') this.fail("a key in double quotes was expected");
      const key = this.readString();
      if (keys.has(key.value)) this.fail(`key "${key.value}" stands here twice`, key.at);
      keys.add(key.value);
      this.expect(":", '":" after the key');
      members.push({ key: key.value, at: key.at, value: this.readValue(depth + 1) });
    }
    return { kind: "object", at, end: this.pos, members };
  }

  private readArray(depth: number): JsonNode {
    const at = this.pos++;
    const items: JsonNode[] = [];
    while (!this.take("]")) {
      if (items.length > 0) this.expect(",", 'a "," or "]"');
      items.push(this.readValue(depth + 1));
    }
    return { kind: "array", at, end: this.pos, items };
  }

  private readString(): Extract<JsonNode, { kind: "string" }> {
    const at = this.pos++;
    let value = "";
    for (;;) {
      const c = this.text[this.pos];
      if (c === undefined || c === "\n") this.failOpen("this string is left open", at);
      this.pos++;
      if (c === '"') {
        if (/\p{Surrogate}/u.test(value))
          this.fail("half a surrogate pair stands in this string", at);
        return { kind: "string", at, end: this.pos, value };
      }
      if (c < " ") this.fail("a control character stands in this string", this.pos - 1);
      value += c === "\\" ? this.readEscape() : c;
    }
  }

  private readEscape(): string {
    const c = this.text[this.pos++] ?? "";
    if (c === "u") {
      const digits = /^[0-9a-fA-F]{4}/.exec(this.text.slice(this.pos, this.pos + 4));
      if (digits === null) this.fail("\\u needs four hexadecimal digits", this.pos - 2);
      this.pos += 4;
      return String.fromCharCode(Number.parseInt(digits[0], 16));
    }
    const plain = '"\\/bfnrt'.indexOf(c);
    if (c === "" || plain < 0) this.fail(`JSON has no escape \\${c}`, this.pos - 2);
    return '"\\/\b\f\n\r\t'[plain] as string;
  }

  private readScalar(): JsonNode {
    const at = this.pos;
    const word = /^[-+.\w]*/.exec(this.text.slice(at, at + 400))?.[0] ?? "";
    this.pos += word.length;
    const place = { at, end: this.pos };
    if (word === "true" || word === "false") {
      return { ...place, kind: "boolean", value: word === "true" };
    }
    if (word === "null") return { ...place, kind: "null" };
    if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(word)) {
      if (!Number.isFinite(Number(word))) this.fail(`${word} is too large a number`, at);
      return { ...place, kind: "number", value: Number(word), text: word };
    }
    if (this.relaxed && /^0[xX][0-9a-fA-F]+$/.test(word)) {
      return { ...place, kind: "number", value: Number(word), text: word };
    }
    if (at >= this.text.length) this.failOpen("the JSON is left open", at);
    return this.fail(
      word === "" ? `unexpected "${this.text[at]}"` : `"${word}" is no JSON value`,
      at,
    );
  }

  private take(c: string): boolean {
    this.skipBlanks();
    if (this.text[this.pos] !== c) return false;
    this.pos++;
    return true;
  }

  private expect(c: string, what: string): void {
    if (this.take(c)) return;
    if (this.pos >= this.text.length) this.failOpen("the JSON is left open");
    this.fail(`${what} was expected`);
  }

  private skipBlanks(): void {
    const blanks = this.relaxed ? /(?:[ \t\r\n]|;[^\n]*)*/y : /[ \t\r\n]*/y;
    blanks.lastIndex = this.pos;
    this.pos += blanks.exec(this.text)?.[0].length ?? 0;
  }

  private fail(message: string, at = this.pos): never {
    const open = at >= this.text.length;
    throw new JsonFailure({ at, message: open ? "the JSON is left open" : message, open });
  }

  private failOpen(message: string, at = this.pos): never {
    throw new JsonFailure({ at, message, open: true });
  }
}
