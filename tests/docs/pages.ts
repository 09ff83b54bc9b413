// The pages of docs/ as tests read them: fenced blocks with the words behind their fence.

import { readdirSync, readFileSync } from "node:fs";
import { fromRoot } from "../../scripts/root.ts";

export interface Block {
  /** `docs/abi.md:120`. */
  readonly place: string;
  /** Words of the fence: the language first. */
  readonly words: readonly string[];
  readonly text: string;
}

/** Names of all pages. */
export const PAGES = readdirSync(fromRoot("docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);

export function pageText(page: string): string {
  return readFileSync(fromRoot(page), "utf8");
}

/** The fenced blocks of one language. */
export function blocksOf(page: string, language: string): Block[] {
  const text = pageText(page);
  return Array.from(text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm), (match) => {
    const line = text.slice(0, match.index).split("\n").length;
    const words = (match[1] ?? "").split(/\s+/);
    return { place: `${page}:${line}`, words, text: match[2] ?? "" };
  }).filter(({ words }) => words[0] === language);
}

/** Cells of the tables of a page, row by row, without the rows of dashes. */
export function tableRows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[-|]+\|$/.test(line))
    .map((line) => {
      const cells = line.replaceAll("\\|", "\u0000").split("|").slice(1, -1);
      return cells.map((cell) => cell.replaceAll("\u0000", "|").trim());
    });
}
