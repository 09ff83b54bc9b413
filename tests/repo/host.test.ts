// host/cli is the only place that touches the process, files or the console.

import ts from "typescript";
import { describe, expect, it } from "vitest";
import { lineOf, nodesOf, parse, projectFiles, violations } from "./sources.ts";

const GLOBALS = ["console", "process"];
const MODULES = /^(node:)?(fs|fs\/promises|process|console|readline|readline\/promises)$/;

function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  const isName = "name" in parent && parent.name === node; // a property or parameter called so
  return !isName || ts.isShorthandPropertyAssignment(parent);
}

function outsideTouches(file: string, text: string): string[] {
  return [...nodesOf(parse(file, text))].flatMap((node) => {
    const isGlobal = ts.isIdentifier(node) && GLOBALS.includes(node.text) && isUse(node);
    const isModule = ts.isStringLiteral(node) && MODULES.test(node.text);
    return isGlobal || isModule ? [`${file}:${lineOf(node)}: ${node.getText()}`] : [];
  });
}

describe("host/ outside cli/", () => {
  it("leaves the process, files and the console alone", () => {
    const files = projectFiles().filter((file) => /^host\/(?!cli\/).*\.ts$/.test(file));
    expect(files.length).toBeGreaterThan(0);
    expect(violations(files, outsideTouches)).toEqual([]);
  });

  it.each([
    `console.log("loaded");`,
    `process.stdout.write("x");`,
    `const { log } = console;`,
    `import { readFileSync } from "node:fs";`,
    `const fs = await import("node:fs/promises");`,
  ])("may not say %s", (text) => {
    expect(outsideTouches("host/node/sample.ts", text)).toHaveLength(1);
  });

  it("may call its own things by these words", () => {
    const text = "node.process(frame); const options = { console: true };";
    expect(outsideTouches("host/node/sample.ts", text)).toEqual([]);
  });
});
