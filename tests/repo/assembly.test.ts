// What asc accepts and the core must not contain.

import ts from "typescript";
import { describe, expect, it } from "vitest";
import { lineOf, nodesOf, parse, projectFiles, type Rule, violations } from "./sources.ts";

/** The runtime without a heap is the one file that needs what the others may not use. */
function isCore(file: string): boolean {
  return /^assembly\/.*\.ts$/.test(file) && file !== "assembly/rt/none.ts";
}

/** A rule that names every node for which `find` returns a complaint. */
function nodeRule(find: (node: ts.Node) => string | undefined): Rule {
  return (file, text) => {
    return [...nodesOf(parse(file, text))].flatMap((node) => {
      const complaint = find(node);
      return complaint === undefined ? [] : [`${file}:${lineOf(node)}: ${complaint}`];
    });
  };
}

const onlyUnmanaged = nodeRule((node) => {
  if (!ts.isDecorator(node)) return undefined;
  const isAllowed = ts.isClassDeclaration(node.parent) && node.getText() === "@unmanaged";
  return isAllowed ? undefined : `decorator ${node.getText()}`;
});

const noModuleVariables = nodeRule((node) => {
  if (!ts.isVariableStatement(node) || !ts.isSourceFile(node.parent)) return undefined;
  const isConstant = (node.declarationList.flags & ts.NodeFlags.Const) !== 0;
  return isConstant ? undefined : "module-level variable: state lives in a region of layout.ts";
});

/** Built-ins that take text while compiling and leave none in the module. */
const COMPILE_TIME = ["ERROR", "WARNING", "INFO", "offsetof"];

function isCompileTime(text: ts.Node): boolean {
  const { parent } = text;
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent)) return true;
  return ts.isCallExpression(parent) && COMPILE_TIME.includes(parent.expression.getText());
}

const noStrings = nodeRule((node) => {
  if (!ts.isStringLiteralLike(node) && !ts.isTemplateExpression(node)) return undefined;
  return isCompileTime(node) ? undefined : `string ${node.getText()}`;
});

const noThrow = nodeRule((node) => {
  if (ts.isThrowStatement(node)) return "throw: errors are return values";
  if (ts.isTryStatement(node)) return "try: nothing throws";
  return undefined;
});

/** spec/ is read by asc and by tsc: only what means the same to both. */
const onlyPortable = nodeRule((node) => {
  if (ts.isArrayLiteralExpression(node)) return "array";
  if (ts.isAsExpression(node)) return "as";
  if (ts.isUnionTypeNode(node)) return "union type";
  if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) return "interface or class";
  if (ts.isIdentifier(node) && /^[iu]64$/.test(node.text)) return node.text;
  return undefined;
});

const core = projectFiles().filter(isCore);
const spec = core.filter((file) => file.startsWith("assembly/spec/"));

describe("the source of the core", () => {
  it.each([
    ["has no decorator but @unmanaged on a class", onlyUnmanaged, core],
    ["keeps no state in module-level variables", noModuleVariables, core],
    ["has no strings", noStrings, core],
    ["does not throw", noThrow, core],
    ["has a portable spec/", onlyPortable, spec],
  ])("%s", (_name, rule, files) => {
    expect(files.length).toBeGreaterThan(0);
    expect(violations(files, rule)).toEqual([]);
  });

  it.each([
    ["a decorated function", onlyUnmanaged, "@inline\nfunction f(): void {}"],
    ["a decorated constant", onlyUnmanaged, "@lazy const a: i32 = 1;"],
    ["an exported decorated function", onlyUnmanaged, "@inline export function f(): void {}"],
    ["@final on a class", onlyUnmanaged, "@final class C {}"],
    ["a module-level let", noModuleVariables, "let current: u32 = 0;"],
    ["an exported let", noModuleVariables, "export let current: u32 = 0;"],
    ["a string", noStrings, `const NAME = "stdio";`],
    ["a string argument", noStrings, `trace("here");`],
    ["a template", noStrings, `const s = \`a\${1}\`;`],
    ["a throw", noThrow, "function f(): void { throw 1; }"],
    ["a try", noThrow, "function f(): void { try { g(); } finally { h(); } }"],
    ["an array in spec/", onlyPortable, "export const A = [1, 2];"],
    ["a union in spec/", onlyPortable, "export type T = 1 | 2;"],
    ["a 64-bit number in spec/", onlyPortable, "export const A: i64 = 1;"],
  ])("may not contain %s", (_name, rule, text) => {
    expect(rule("assembly/sample.ts", text)).toHaveLength(1);
  });

  it("may contain text that exists while compiling only", () => {
    const text = `import { a } from "./b";
      if (offsetof<C>("pc") != 0) ERROR("C.pc: offset");
      @unmanaged export class C { pc: u16 = 0; }
      function f(): void { let local: u32 = 0; }`;
    const rules = [onlyUnmanaged, noModuleVariables, noStrings, noThrow];
    expect(rules.flatMap((rule) => rule("assembly/sample.ts", text))).toEqual([]);
  });
});
