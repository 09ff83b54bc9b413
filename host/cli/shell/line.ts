// One line of the shell as words: blanks part them, quotes keep them together, # begins a comment.

import { usage } from "../exit.ts";

/** The words of a line. An open quote is a mistake. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const c = line[at] as string;
    if (quote !== "") {
      if (c === quote) quote = "";
      else if (c === "\\" && quote === '"') word += unescaped(line[++at] ?? "\\");
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === "#" && word === undefined) break;
    else if (c === "\\" && at + 1 < line.length) word = (word ?? "") + line[++at];
    else word = (word ?? "") + c;
  }
  if (quote !== "") throw usage(`a quote ${quote} is left open`, "close it");
  if (word !== undefined) words.push(word);
  return words;
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", "0": "\0" };

function unescaped(c: string): string {
  return ESCAPES[c] ?? c;
}
