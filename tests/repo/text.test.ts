// No file speaks of the machine it was written on.

import { describe, expect, it } from "vitest";
import { projectFiles, violations } from "./sources.ts";

/** Spelled so that this file does not match itself. */
const FORBIDDEN = [
  /(?<![\w.-])\/(?:work|root|home|Users)\/\w/,
  /(?<![\w-])shared[/]/,
  /(?<!\w)house[.]md/,
  /\bissues[ ](?:show|list|comment)\b/,
];

function forbiddenWords(file: string, text: string): string[] {
  if (text.includes("\0")) return []; // not text
  return text.split("\n").flatMap((line, index) => {
    const match = FORBIDDEN.map((pattern) => pattern.exec(line)).find((found) => found !== null);
    return match ? [`${file}:${index + 1}: ${match[0]}`] : [];
  });
}

describe("committed text", () => {
  it("names no path of a developer's machine and no private page", () => {
    expect(violations(projectFiles(), forbiddenWords)).toEqual([]);
  });

  it.each(["work", "root", "home"])("may not name a path in %s", (folder) => {
    expect(forbiddenWords("a.ts", `see /${folder}/somebody/x`)).toHaveLength(1);
  });

  it.each([
    ["sha", "red/design"],
    ["hou", "se.md"],
    ["issues ", "show 2"],
  ])("may not say %s%s", (start, end) => {
    expect(forbiddenWords("a.md", `see ${start}${end}`)).toHaveLength(1);
  });

  it("may say what resembles them", () => {
    const text = "framework/ a shared value, https://example.org/home/x, warehouse.mdx";
    expect(forbiddenWords("a.md", text)).toEqual([]);
  });
});
