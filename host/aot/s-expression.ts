// Reads the WebAssembly text that Binaryen prints: nested lists of words, with source locations in comments.

/** Where a line of AssemblyScript is. */
export interface Location {
  readonly file: string;
  readonly line: number;
}

export interface List {
  /** What stands first, `i32.add`; empty if that is a list. */
  readonly head: string;
  /** What follows. A string keeps its quotes. */
  readonly items: readonly Item[];
  readonly at: Location | undefined;
}

export type Item = string | List;

const TOKEN = /;;@([^\n]*)\n|;;[^\n]*\n|\(;[\s\S]*?;\)|\$?"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+/g;

function location(text: string): Location | undefined {
  const [file, line] = text.trim().split(":");
  return file === undefined || line === undefined ? undefined : { file, line: Number(line) };
}

/** The one list that a text holds. Throws when the text is none, which Binaryen never prints. */
export function readList(text: string): List {
  const open: { words: Item[]; at: Location | undefined }[] = [{ words: [], at: undefined }];
  let current: Location | undefined; // Binaryen names a location where it changes
  for (const match of text.matchAll(TOKEN)) {
    const [token, annotation] = match;
    if (annotation !== undefined) current = location(annotation);
    else if (token.startsWith(";;") || token.startsWith("(;")) continue;
    else if (token === "(") {
      open.push({ words: [], at: current });
    } else if (token === ")") {
      const { words, at } = open.pop() ?? { words: [], at: undefined };
      const [head] = words;
      const isNamed = typeof head === "string";
      const list = { head: isNamed ? head : "", items: isNamed ? words.slice(1) : words, at };
      open.at(-1)?.words.push(list);
    } else {
      const list = open.at(-1);
      if (token === "func" && list?.words.length === 0) list.at = current = undefined;
      list?.words.push(token);
    }
  }
  const [list] = open[0]?.words ?? [];
  if (open.length !== 1 || list === undefined || typeof list === "string")
    throw new Error("the text of the module has no end");
  return list;
}

/** Bytes of a string of the text format. */
export function stringBytes(quoted: string): Uint8Array {
  const bytes: number[] = [];
  const text = quoted.slice(1, -1);
  const escapes: Record<string, string> = {
    t: "\t",
    n: "\n",
    r: "\r",
    '"': '"',
    "'": "'",
    "\\": "\\",
  };
  for (const [part, hex, code] of text.matchAll(/\\([0-9a-fA-F]{2})|\\(.)|[^\\]/gu)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else bytes.push(...new TextEncoder().encode(code === undefined ? part : escapes[code]));
  }
  return Uint8Array.from(bytes);
}

/** Text of a string of the text format. */
export function stringText(quoted: string): string {
  return new TextDecoder().decode(stringBytes(quoted));
}
