// Imports go one way: a room uses those below it, never one above or beside it.

import { posix } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { lineOf, nodesOf, parse, projectFiles, read, violations } from "./sources.ts";

// ---- The rooms ----

/** Each room with those directly below it; what lies further down may be used as well. */
const BELOW: Record<string, readonly string[]> = {
  "assembly/index": ["assembly/provision"],
  "assembly/provision": ["assembly/executive", "assembly/card"],
  "assembly/executive": ["assembly/registry", "assembly/image", "assembly/vm"],
  "assembly/registry": ["assembly/mailbox", "assembly/image"], // particulars are read from the image's slot
  "assembly/image": ["assembly/persist"],
  "assembly/persist": ["assembly/base"],
  "assembly/card": ["assembly/base"],
  "assembly/mailbox": ["assembly/base"],
  "assembly/vm": ["assembly/base"],
  "assembly/base": ["assembly/spec"], // the files beside index.ts: layout, arena, node
  "assembly/spec": [],
  "assembly/hal": [],
  "assembly/rt": [],
  "host/cli": ["host/client", "host/toolchain"],
  "host/client": ["host/node", "host/boards"],
  "host/node": ["host/bus"],
  "host/boards": ["host/bus"],
  "host/bus": ["host/formats"],
  "host/toolchain": ["host/formats"],
  "host/aot": ["host/formats"],
  "host/formats": ["assembly/spec"],
  scripts: ["host/cli", "host/aot", "tests/drivers", "tests/oracle"], // pages are made of the command trees
  tests: ["host/cli", "host/aot", "scripts", "tests/drivers", "tests/oracle"],
  "tests/drivers": ["host/client", "host/toolchain", "host/aot", "tests/oracle", "tests/probes"],
  "tests/oracle": ["assembly/spec", "tests/probes"],
  "tests/probes": [],
};

/** Who calls the machine. Those above them do not thereby get to call it. */
const HAL_CALLERS = ["provision", "executive", "image", "persist", "card"].map(
  (room) => `assembly/${room}`,
);
/** The node in TypeScript implements the HAL: it sees its types. */
const HAL_IMPLEMENTER = "host/node";

function roomOf(file: string): string {
  const [top = "", second = "", third] = file.replace(/(\.d)?\.ts$/, "").split("/");
  if (top === "assembly") {
    if (third !== undefined || second === "index" || second === "hal") return `assembly/${second}`;
    return "assembly/base";
  }
  const hasRooms =
    top === "host" || (top === "tests" && ["drivers", "oracle", "probes"].includes(second));
  if (hasRooms) return `${top}/${second}`;
  return top;
}

function roomsBelow(room: string): Set<string> {
  const below = new Set<string>();
  const visit = (name: string) => {
    for (const next of BELOW[name] ?? []) {
      below.add(next);
      visit(next);
    }
  };
  visit(room);
  return below;
}

// ---- The rule ----

interface Import {
  readonly line: number;
  readonly target: string;
  readonly isType: boolean;
}

function importsOf(file: string, text: string): Import[] {
  const imports: Import[] = [];
  for (const node of nodesOf(parse(file, text))) {
    let target: ts.Node | undefined;
    let isType = false;
    if (ts.isImportDeclaration(node)) {
      target = node.moduleSpecifier;
      isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    } else if (ts.isExportDeclaration(node)) {
      target = node.moduleSpecifier;
      isType = node.isTypeOnly;
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      target = node.arguments[0];
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      target = node.argument.literal;
      isType = true;
    }
    if (target !== undefined && ts.isStringLiteralLike(target)) {
      imports.push({ line: lineOf(node), target: target.text, isType });
    }
  }
  return imports;
}

const manifest: Record<"dependencies" | "devDependencies", Record<string, string>> = JSON.parse(
  read("package.json"),
);

/** Simulated boards and the translator belong to our own tests and releases: they may use more. */
function packagesFor(room: string): string[] {
  if (room.startsWith("assembly/")) return [];
  const packages = Object.keys(manifest.dependencies);
  const isShipped = room.startsWith("host/") && room !== "host/aot" && room !== "host/boards";
  return isShipped ? packages : [...packages, ...Object.keys(manifest.devDependencies)];
}

function mayImport(file: string, { target, isType }: Import): boolean {
  const room = roomOf(file);
  if (!target.startsWith(".")) {
    if (target.startsWith("node:")) return !room.startsWith("assembly/");
    const name = target.split("/", target.startsWith("@") ? 2 : 1).join("/");
    return packagesFor(room).includes(name);
  }
  const path = posix.join(posix.dirname(file), target);
  if (!/^(assembly|host|scripts|tests)\//.test(path)) return path === "package.json";
  const other = roomOf(path);
  if (other === room) return true;
  if (other === "assembly/hal") {
    return HAL_CALLERS.includes(room) || (room === HAL_IMPLEMENTER && isType) || room === "tests";
  }
  return roomsBelow(room).has(other);
}

function wrongImports(file: string, text: string): string[] {
  return importsOf(file, text)
    .filter((item) => !mayImport(file, item))
    .map(({ line, target }) => `${file}:${line}: ${roomOf(file)} may not import ${target}`);
}

/** Probes are part of the core under test: they reach any room of assembly/. */
function isChecked(file: string): boolean {
  return /^(assembly|host|scripts|tests)\/.*\.ts$/.test(file) && !file.startsWith("tests/probes/");
}

describe("imports", () => {
  it("go one way", () => {
    expect(violations(projectFiles().filter(isChecked), wrongImports)).toEqual([]);
  });

  it("come from rooms that are known", () => {
    const rooms = new Set(projectFiles().filter(isChecked).map(roomOf));
    expect([...rooms].filter((room) => !(room in BELOW))).toEqual([]);
  });

  it.each([
    ["assembly/vm/execute.ts", `import { x } from "../executive/tasks";`],
    ["assembly/vm/execute.ts", `import { clock_ms } from "../hal";`],
    ["assembly/registry/values.ts", `import { nv_read } from "../hal";`],
    ["assembly/mailbox/ring.ts", `import { cell } from "../persist/cell";`],
    ["assembly/layout.ts", `import { x } from "./vm/context";`],
    ["assembly/spec/hxe.ts", `import { x } from "../layout";`],
    ["assembly/vm/execute.ts", `import fs from "node:fs";`],
    ["assembly/vm/execute.ts", `export { x } from "../index";`],
    ["host/formats/hxe.ts", `import { x } from "../node/node.ts";`],
    ["host/formats/hxe.ts", `import { TASKS_BASE } from "../../assembly/layout.ts";`],
    ["host/node/node.ts", `import { clock_ms } from "../../assembly/hal.d.ts";`],
    ["host/toolchain/link.ts", `import type { Hal } from "../../assembly/hal.d.ts";`],
    ["host/toolchain/link.ts", `const x = await import("../client/client.ts");`],
    ["host/client/client.ts", `import { run } from "../cli/run.ts";`],
    ["host/cli/run.ts", `import { x } from "../../scripts/figures.ts";`],
    ["host/node/node.ts", `import { Module } from "binaryen";`],
    ["host/cli/run.ts", `import { x } from "left-pad";`],
    ["scripts/bench.ts", `import { tick } from "../assembly/executive/executive.ts";`],
  ])("%s may not say %s", (file, text) => {
    expect(wrongImports(file, text)).toHaveLength(1);
  });

  it.each([
    ["assembly/index.ts", `import { tick } from "./executive/executive";`],
    ["assembly/executive/svc.ts", `import { send } from "../mailbox/ring";`],
    ["assembly/persist/cells.ts", `import { nv_read } from "../hal";`],
    ["assembly/vm/execute.ts", `import { TASK_MAX } from "../layout";`],
    ["host/node/hal-node.ts", `import type * as Hal from "../../assembly/hal.d.ts";`],
    ["host/cli/run.ts", `import { Command } from "commander";`],
    ["host/boards/avr.ts", `import { CPU } from "avr8js";`],
    ["scripts/conform.ts", `import { NodeMachine } from "../tests/drivers/node.ts";`],
  ])("%s may say %s", (file, text) => {
    expect(wrongImports(file, text)).toEqual([]);
  });
});
