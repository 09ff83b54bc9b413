// What the translator as a whole promises: one text for one input, source lines, and no silent surrender.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { describe, expect, it } from "vitest";
import { coreOptions } from "../../../host/aot/core-options.ts";
import { translate, translateText } from "../../../host/aot/translate.ts";
import { flatTextWithLines } from "../../../scripts/flat-text.ts";
import { fromRoot } from "../../../scripts/root.ts";
import { codeOf } from "./wat.ts";

const small = readFileSync(fromRoot("build/core/small.wasm"));

describe("the text", () => {
  it("is the same for the same input", () => {
    const options = coreOptions("small", "avr");
    expect(translate(small, options)).toEqual(translate(small, options));
  });
  it("has the source line before what it became", async () => {
    const files: Record<string, string> = {};
    const source = "export function twice(a: i32): i32 {\n  return a * 2 + load<u8>(300);\n}\n";
    const output = asc.createMemoryStream();
    const { error } = await asc.main(
      ["twice.ts", "--runtime", "stub", "-O2", "--sourceMap", "--debug", "--outFile", "twice.wasm"],
      {
        stdout: output,
        stderr: output,
        readFile: (name: string) => (name === "twice.ts" ? source : null),
        writeFile: (name: string, data: string | Uint8Array) => {
          files[name] = typeof data === "string" ? data : Buffer.from(data).toString("latin1");
        },
        listFiles: () => [],
      },
    );
    expect(error).toBeNull();
    mkdirSync(fromRoot("build/test"), { recursive: true });
    const [wasm, map] = [fromRoot("build/test/twice.wasm"), fromRoot("build/test/twice.wasm.map")];
    const sourceMap = files["twice.wasm.map"] ?? "";
    writeFileSync(wasm, Buffer.from(files["twice.wasm"] ?? "", "latin1"));
    writeFileSync(map, sourceMap);
    const options = { target: "host", low: 0, high: 65536, sourceMap } as const;
    const { code } = translateText(flatTextWithLines(wasm, map), options);
    expect(code).toContain("  // twice.ts:2  return a * 2 + load<u8>(300);\n  return ");
  });
  it("leaves out what no kept export calls", () => {
    const fields = `(func $a (export "a") (call $c)) (func $b (export "b")) (func $c (i32.store8 (i32.const 300) (i32.const 1)))`;
    const code = codeOf(fields, { exports: ["b"] });
    expect(code).toContain("void b(void)");
    expect(code).not.toMatch(/\b[ac]\(void\)/);
  });
});

describe("refuses, with the name of the function,", () => {
  it.each([
    [
      "f64 where there is no double",
      '(func $sine (export "f") (result i32) (f64.lt (f64.load (i32.const 256)) (f64.const 1)))',
      "$sine: f64",
    ],
    [
      "call_indirect",
      '(type $t (func)) (table 1 1 funcref) (elem (i32.const 0) $g) (func $g) (func $jump (export "f") (param i32) (call_indirect (type $t) (local.get 0)))',
      "$jump: call_indirect",
    ],
    [
      "memory.grow",
      '(func $grow (export "f") (result i32) (memory.grow (i32.const 1)))',
      "$grow: memory.grow",
    ],
    [
      "i64.clz",
      '(func $count (export "f") (param i64) (result i64) (i64.clz (local.get 0)))',
      "$count: i64.clz",
    ],
    [
      "f32.min",
      '(func $least (export "f") (param f32) (result f32) (f32.min (local.get 0) (f32.const 0)))',
      "$least: f32.min",
    ],
  ])("%s", (_, fields, message) => {
    expect(() => codeOf(fields)).toThrow(message);
  });
  it("an export that is not there", () => {
    expect(() => codeOf('(func (export "f"))', { exports: ["g"] })).toThrow("no export g");
  });
  it("data between memory and nowhere", () => {
    expect(() => codeOf('(data (i32.const 16) "low") (func (export "f"))')).toThrow("data at 16");
  });
});
