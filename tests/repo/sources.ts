// The files of the project and their syntax, for tests that read them.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import ts from "typescript";
import { fromRoot, ROOT } from "../../scripts/root.ts";

/** Committed files and those about to be, relative to the project, with `/`. */
export function projectFiles(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const output = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" });
  const files = output.split("\0").filter((file) => file !== "" && existsSync(fromRoot(file)));
  return [...new Set(files)].sort();
}

export function read(file: string): string {
  return readFileSync(fromRoot(file), "utf8");
}

export function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** Every node below this one, parents first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  for (const child of node.getChildren()) {
    yield child;
    yield* nodesOf(child);
  }
}

export function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

/** What a rule finds in a file, one line each; nothing when the file keeps the rule. */
export type Rule = (file: string, text: string) => string[];

export function violations(files: readonly string[], rule: Rule): string[] {
  return files.flatMap((file) => rule(file, read(file)));
}
