// How a mistake is shown.
import { describe, expect, it } from "vitest";
import {
  formatDiagnostic,
  nearestName,
  sortDiagnostics,
  suggest,
} from "../../../host/formats/diagnostic.ts";

describe("formatDiagnostic", () => {
  const base = { file: "a.mvasm", line: 3, column: 2, code: "x", message: "no" };

  it("shows place, line, caret and remedy", () => {
    const text = formatDiagnostic({ ...base, source: " LDQ R1", width: 3, remedy: "write LD" });
    expect(text).toBe("a.mvasm:3:2: error: no\n LDQ R1\n ^~~\n  remedy: write LD");
  });

  it("keeps tabs before the caret", () => {
    const text = formatDiagnostic({ ...base, column: 4, source: "\ta\tLDQ" });
    expect(text).toBe("a.mvasm:3:4: error: no\n\ta\tLDQ\n\t \t^");
  });

  it("shows what controls a terminal as a picture of it", () => {
    const text = formatDiagnostic({ ...base, source: "a\x1b[2J\x9b" });
    expect(text).toBe("a.mvasm:3:2: error: no\na\u241b[2J\ufffd\n ^");
  });

  it("names the file, or the byte in it, where there are no lines", () => {
    const whole = { ...base, line: 0, column: 0 };
    expect(formatDiagnostic(whole)).toBe("a.mvasm: error: no");
    expect(formatDiagnostic({ ...whole, offset: 28 })).toBe("a.mvasm:0x1C: error: no");
  });
});

describe("suggest", () => {
  const names = ["LDI", "LDB", "JMP", "speed_limit"];

  it("finds a slip of the finger, in any case", () => {
    expect(nearestName("JPM", names)).toBe("JMP");
    expect(nearestName("speed_limt", names)).toBe("speed_limit");
    expect(nearestName("ldi", names)).toBe("LDI");
  });

  it("does not guess wildly", () => {
    expect(nearestName("FROBNICATE", names)).toBeUndefined();
    expect(suggest("FROBNICATE", names, "look it up")).toBe("look it up");
  });
});

describe("sortDiagnostics", () => {
  it("orders by file as they appear, then line and column, without repeats", () => {
    const at = (file: string, line: number, column: number) => ({
      file,
      line,
      column,
      code: "x",
      message: "m",
    });
    const list = [at("b", 2, 1), at("a", 1, 1), at("b", 1, 9), at("b", 1, 2), at("b", 2, 1)];
    expect(sortDiagnostics(list).map((d) => `${d.file}${d.line}:${d.column}`)).toEqual([
      "b1:2",
      "b1:9",
      "b2:1",
      "a1:1",
    ]);
  });
});
