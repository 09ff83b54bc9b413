// docs/architecture.md names what exists, and its numbers are those of the code.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Desktop, Large, Small } from "../../assembly/spec/limits.ts";
import { fromRoot } from "../../scripts/root.ts";
import { PAGES, pageText, tableRows } from "./pages.ts";

const text = pageText("docs/architecture.md");
const code = (kind: string) =>
  readdirSync(fromRoot(kind), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(fromRoot(`${kind}/${name}`), "utf8"))
    .join("\n");

/** Words in backticks that match. */
function quoted(page: string, pattern: RegExp): string[] {
  const words = Array.from(page.matchAll(/`([^`\n]+)`/g), ([, word = ""]) => word);
  return [...new Set(words.filter((word) => pattern.test(word)))];
}

/** Heading of a page as its link has it. */
function anchorsOf(page: string): string[] {
  return Array.from(pageText(page).matchAll(/^#+ (.*)$/gm), ([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("docs/architecture.md", () => {
  it("has the limits of assembly/spec/limits.ts", () => {
    const rows = tableRows(text).filter(([limit]) => /^`[A-Z_]+`/.test(limit ?? ""));
    const told = new Map(
      rows.map(([limit = "", ...values]) => [limit.split("`")[1] ?? "", values.map(Number)]),
    );
    const names = Object.keys(Small).filter((name) => Number.isNaN(Number(name)));
    for (const name of names.filter((name) => name !== "ARENA_SHIFT")) {
      const key = name as keyof typeof Small & keyof typeof Large & keyof typeof Desktop;
      expect([name, told.get(name)]).toEqual([name, [Small[key], Large[key], Desktop[key]]]);
    }
  });

  it("names functions that exist", () => {
    const source = code("assembly");
    const names = quoted(text, /^\w+\(\)$/).map((name) => name.slice(0, -2));
    expect(names.length).toBeGreaterThan(20);
    const missing = names.filter((name) => !source.includes(`export function ${name}(`));
    expect(missing).toEqual([]);
  });

  it("names every folder of the core and of the host", () => {
    const rooms = ["assembly", "host"].flatMap((top) => readdirSync(fromRoot(top)));
    const folders = rooms.filter((name) => !name.includes("."));
    expect(folders.filter((name) => !text.includes(name))).toEqual([]);
  });

  it("says why of every package that is needed at run time", () => {
    const { dependencies } = JSON.parse(readFileSync(fromRoot("package.json"), "utf8"));
    const unsaid = Object.keys(dependencies).filter((name) => !text.includes(`| \`${name}\` |`));
    expect(unsaid).toEqual([]);
  });
});

describe("the pages of docs/", () => {
  it("name files and commands that exist", () => {
    const { scripts } = JSON.parse(readFileSync(fromRoot("package.json"), "utf8"));
    for (const page of PAGES) {
      const paths = quoted(pageText(page), /^(assembly|host|scripts|tests)\/[\w./-]+$/);
      expect(
        paths.filter((path) => !isThere(path)),
        page,
      ).toEqual([]);
      const chores = quoted(pageText(page), /^npm run [\w:]+$/).map((word) => word.slice(8));
      expect(
        chores.filter((name) => !(name in scripts)),
        page,
      ).toEqual([]);
    }
  });

  it("link to pages and headings that exist", () => {
    for (const page of PAGES) {
      const links = pageText(page).matchAll(/\]\(([\w.-]*)(?:#([\w-]+))?\)/g);
      for (const [link, file, anchor] of links) {
        const target = file ? `docs/${file}` : page;
        expect(isThere(target), `${page}: ${link}`).toBe(true);
        if (anchor) expect(anchorsOf(target), `${page}: ${link}`).toContain(anchor);
      }
    }
  });
});

/** Folders of parts that are planned need not be there. */
function isThere(path: string): boolean {
  return existsSync(fromRoot(path)) || /^host\/(boards|bus|aot)$/.test(path);
}
