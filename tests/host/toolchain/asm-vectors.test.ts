// The language and its mistakes, as text vectors.
import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";
import { assemble } from "../../../host/toolchain/assembler.ts";
import { link } from "../../../host/toolchain/linker.ts";
import { type AsmCase, filesOf, readCases } from "./asm-vectors.ts";

function build(testCase: AsmCase) {
  const files = filesOf(testCase);
  const { object, diagnostics } = assemble(files.get("main.mvasm") ?? "", {
    file: "main.mvasm",
    readFile: (path) => files.get(path),
  });
  return object === undefined ? { diagnostics } : link([object]);
}

function hexOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

function expectedHex(text: string): string {
  return text.replace(/\s+/g, "").toLowerCase();
}

describe.each(["language", "errors"])("vectors of %s", (name) => {
  it.each(readCases(name).map((c) => [c.title, c] as const))("%s", (_, testCase) => {
    const result = build(testCase);
    const message = result.diagnostics.map(formatDiagnostic).join("\n");
    expect(message.trim()).toBe(testCase.sections.get("error")?.trim() ?? "");
    const hxe = "hxe" in result ? result.hxe : undefined;
    for (const part of ["code", "rodata"] as const) {
      const expected = testCase.sections.get(part);
      if (expected !== undefined) expect(hexOf(hxe?.[part])).toBe(expectedHex(expected));
    }
  });
});
