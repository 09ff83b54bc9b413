// What the assembler does with whole files: includes, line ends, depth.
import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";

function errorsOf(source: string): string[] {
  return assemble(source, { file: "a.mvasm" }).diagnostics.map(
    (d) => formatDiagnostic(d).split("\n")[0] ?? "",
  );
}

describe("includes", () => {
  const files: Record<string, string> = {
    "src/near.inc": ".equ WHERE 1",
    "lib/near.inc": ".equ WHERE 2",
    "lib/far.inc": '.include "near.inc"',
  };
  const read = (path: string): string | undefined => files[path];
  const codeOf = (source: string): number[] | undefined =>
    assemble(source, { file: "src/a.mvasm", readFile: read, includeDirs: ["lib"] }).object?.code;

  it("are looked for beside the including file first", () => {
    expect(codeOf('.include "near.inc"\nLDI R0, WHERE')).toEqual([0x01000001]);
    expect(codeOf('.include "far.inc"\nLDI R0, WHERE')).toEqual([0x01000002]);
    expect(codeOf('.include "../lib/near.inc"\nLDI R0, WHERE')).toEqual([0x01000002]);
  });

  it("tell where they were looked for", () => {
    const { diagnostics } = assemble('.include "x"', { file: "src/a.mvasm", includeDirs: ["lib"] });
    expect(diagnostics[0]?.remedy).toBe("looked for src/x, lib/x");
  });

  it("may not include the source itself", () => {
    const { diagnostics } = assemble('.include "a.mvasm"', {
      file: "./a.mvasm",
      readFile: () => '.include "a.mvasm"',
    });
    expect(diagnostics[0]?.message).toBe('"a.mvasm" includes itself: a.mvasm -> a.mvasm');
  });

  it("may not lie endlessly deep", () => {
    const { diagnostics } = assemble('.include "0"', {
      file: "a",
      readFile: (path) => `.include "${Number(path) + 1}"`,
    });
    expect(diagnostics[0]?.message).toBe("includes lie deeper than 32 files");
  });
});

it("takes Windows line ends and a byte order mark", () => {
  const { object } = assemble('\ufeff.value {\r\n"group": 1,\r\n"id": 2}\r\nRET ; x\r\n', {
    file: "a",
  });
  expect(object?.code).toEqual([0x25000000]);
  expect(object?.metadata.values).toHaveLength(1);
});

it("reports constants that need each other without end", () => {
  const chain = Array.from({ length: 5000 }, (_, i) => `.equ c${i} c${i + 1}`).join("\n");
  expect(errorsOf(`${chain}\n.equ c5000 1\nLDI R1, c0`)).toEqual([
    "a.mvasm:64:10: error: constants need each other in more than 64 steps",
  ]);
});

it("refuses a source of a million parentheses without falling over", () => {
  expect(errorsOf(`LDI R1, ${"(".repeat(1_000_000)}`)).toHaveLength(1);
});

it("tells one mistake once, however often the constant is used", () => {
  expect(errorsOf(".equ a nothing\nLDI R1, a\nLDI R2, a")).toEqual([
    'a.mvasm:1:8: error: "nothing" is not defined',
  ]);
});
