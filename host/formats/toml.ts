// TOML as tables of members, each with its place, so that a mistake in it can be pointed at.

import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import type { Diagnostic, Position } from "./diagnostic.ts";

/** A value of TOML text and where it stands. */
export type TomlNode = { readonly place: Position } & (
  | { readonly kind: "table"; readonly members: TomlMember[] }
  | { readonly kind: "array"; readonly items: TomlNode[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "integer" | "float"; readonly value: number; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "date" }
);
export type TomlTable = Extract<TomlNode, { kind: "table" }>;

/** One `key = value`, or a table under its name. */
export interface TomlMember {
  readonly key: string;
  /** Of the key. */
  readonly place: Position;
  readonly value: TomlNode;
}

/** Parses a file. Syntax errors and keys that stand twice are diagnostics. */
export function parseToml(
  text: string,
  file: string,
): { root?: TomlTable; diagnostics: Diagnostic[] } {
  try {
    const [top] = parseTOML(text, { tomlVersion: "1.0" }).body;
    return { root: new Reader(text, file).read(top), diagnostics: [] };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { diagnostics: [syntaxDiagnostic(error, text, file)] };
  }
}

/** The parser's words, where ours say more. */
const MESSAGES: Record<string, { message: string; remedy: string }> = {
  "Defining a key multiple times is invalid": {
    message: "this key stands here twice",
    remedy: "keep one of the two",
  },
  "Unspecified values are invalid": {
    message: "a value is missing",
    remedy: "write a number behind the equals sign",
  },
};

function syntaxDiagnostic(error: ParseError, text: string, file: string): Diagnostic {
  const parsed = error.message.replace(/\.$/, "");
  const { message, remedy } = MESSAGES[parsed] ?? {
    message: parsed.charAt(0).toLowerCase() + parsed.slice(1),
    remedy: "write TOML: key = value, texts in quotes, [tables] in brackets",
  };
  const place = syntaxPlace(error, text, file);
  const isColon = place.source?.charAt(place.column - 1) === ":";
  const colon = 'put a name with a colon in quotes: "group:name" = 1';
  return { ...place, code: "bad-toml", message, remedy: isColon ? colon : remedy };
}

/** What is missing at the end of a line is noticed in the next. */
function syntaxPlace(error: ParseError, text: string, file: string): Position {
  const lines = text.split("\n");
  const source = sourceLine(lines, error.lineNumber);
  if (source.trim() !== "" || error.lineNumber === 1) {
    return {
      file,
      line: error.lineNumber,
      column: Math.min(error.column, source.length) + 1,
      source,
    };
  }
  const before = sourceLine(lines, error.lineNumber - 1);
  return { file, line: error.lineNumber - 1, column: before.length + 1, source: before };
}

function sourceLine(lines: readonly string[], line: number): string {
  return lines[line - 1]?.replace(/\r$/, "") ?? "";
}

/** Members by name, `undefined` when there is none. */
export function memberOf(table: TomlTable, key: string): TomlMember | undefined {
  return table.members.find((m) => m.key === key);
}

/** What a person would call the kind. */
export function kindText(node: TomlNode): string {
  const words = { table: "a table", array: "an array", string: "a text", date: "a date" } as const;
  if (node.kind === "boolean") return String(node.value);
  if (node.kind === "integer" || node.kind === "float") return node.text;
  return words[node.kind];
}

class Reader {
  private readonly lines: readonly string[];

  constructor(
    text: string,
    private readonly file: string,
  ) {
    this.lines = text.split("\n");
  }

  read(top: AST.TOMLTopLevelTable): TomlTable {
    const root: TomlTable = { kind: "table", place: this.placeOf(top), members: [] };
    for (const item of top.body) {
      if (item.type === "TOMLKeyValue") this.addTo(root, item);
      else {
        const table = this.openTable(root, item);
        for (const member of item.body) this.addTo(table, member);
      }
    }
    return root;
  }

  private placeOf({ loc }: AST.TOMLNode): Position {
    const { start, end } = loc;
    const source = sourceLine(this.lines, start.line);
    const last = end.line === start.line ? end.column : source.length;
    const width = Math.max(1, last - start.column);
    return { file: this.file, line: start.line, column: start.column + 1, width, source };
  }

  /** The table a header names; the last one of an array of tables. */
  private openTable(root: TomlTable, header: AST.TOMLTable): TomlTable {
    const { keys } = header.key;
    let table = root;
    keys.forEach((key, n) => {
      const isNewItem = header.kind === "array" && n === keys.length - 1;
      table = isNewItem ? this.addItem(table, key) : this.enter(table, key);
    });
    return table;
  }

  private enter(table: TomlTable, key: AST.TOMLBare | AST.TOMLQuoted): TomlTable {
    const known = memberOf(table, nameOf(key))?.value;
    if (known?.kind === "table") return known;
    const last = known?.kind === "array" ? known.items.at(-1) : undefined;
    if (last?.kind === "table") return last;
    return this.add(table, key, { kind: "table", place: this.placeOf(key), members: [] });
  }

  private addItem(table: TomlTable, key: AST.TOMLBare | AST.TOMLQuoted): TomlTable {
    const place = this.placeOf(key);
    const item: TomlTable = { kind: "table", place, members: [] };
    const known = memberOf(table, nameOf(key))?.value;
    if (known?.kind === "array") known.items.push(item);
    else this.add(table, key, { kind: "array", place, items: [item] });
    return item;
  }

  private add<T extends TomlNode>(
    table: TomlTable,
    key: AST.TOMLBare | AST.TOMLQuoted,
    value: T,
  ): T {
    table.members.push({ key: nameOf(key), place: this.placeOf(key), value });
    return value;
  }

  private addTo(table: TomlTable, { key, value }: AST.TOMLKeyValue): void {
    const [last, ...path] = [...key.keys].reverse();
    if (last === undefined) return;
    const inner = path.reverse().reduce((t, name) => this.enter(t, name), table);
    this.add(inner, last, this.valueOf(value));
  }

  private valueOf(node: AST.TOMLContentNode): TomlNode {
    const place = this.placeOf(node);
    if (node.type === "TOMLArray")
      return { kind: "array", place, items: node.elements.map((item) => this.valueOf(item)) };
    if (node.type === "TOMLInlineTable") {
      const table: TomlTable = { kind: "table", place, members: [] };
      for (const member of node.body) this.addTo(table, member);
      return table;
    }
    switch (node.kind) {
      case "string":
      case "boolean":
        return { kind: node.kind, place, value: node.value } as TomlNode;
      case "integer":
      case "float":
        return { kind: node.kind, place, value: node.value, text: textAt(place) };
      default:
        return { kind: "date", place };
    }
  }
}

/** What stands at a place of one line. */
function textAt({ source = "", column, width = 1 }: Position): string {
  return source.slice(column - 1, column - 1 + width);
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}
