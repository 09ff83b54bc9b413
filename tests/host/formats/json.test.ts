// JSON with places.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonFrom, parseJson, parseJsonText, printJson } from "../../../host/formats/json.ts";

function errorOf(text: string): string | undefined {
  const node = parseJsonText(text);
  return "error" in node ? `${node.error.at}: ${node.error.message}` : undefined;
}

describe("parseJsonText", () => {
  it("agrees with JSON.parse on all valid text", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const node = parseJsonText(text);
        if ("error" in node) return /twice|surrogate/.test(node.error.message);
        expect(JSON.parse(printJson(node))).toEqual(JSON.parse(text));
        return true;
      }),
      { numRuns: 300 },
    );
  });

  it("never throws and never accepts what JSON.parse refuses", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]":,0123e.-+truefalsn\\u '), maxLength: 30 }),
        (text) => {
          const node = parseJsonText(text);
          if (!("error" in node)) JSON.parse(text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["", "0: the JSON is left open"],
    ['{"a": 1', "7: the JSON is left open"],
    ['{"a" 1}', '5: ":" after the key was expected'],
    ['{"a": 1,}', "8: a key in double quotes was expected"],
    ['{"a": 1, "a": 2}', '9: key "a" stands here twice'],
    ['["x]', "1: this string is left open"],
    ['"\\q"', "1: JSON has no escape \\q"],
    ['"\\ud800"', "0: half a surrogate pair stands in this string"],
    ["[1, 2] 3", "7: more text after the JSON ended"],
    ["01", '0: "01" is no JSON value'],
    ["1e999", "0: 1e999 is too large a number"],
    [`${"[".repeat(33)}${"]".repeat(33)}`, "32: nested deeper than 32 levels"],
  ])("refuses %s", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  it("takes 32 levels", () => {
    expect(errorOf("[".repeat(32) + "]".repeat(32))).toBeUndefined();
  });
});

describe("parseJson, relaxed", () => {
  it("takes hexadecimal numbers and comments, and stops at the end of the value", () => {
    const text = 'x {"a": 0x1F, ; sixteen\n "b": [-1.5]} ; rest';
    const node = parseJson(text, 1, { relaxed: true });
    expect("error" in node ? node.error : printJson(node)).toBe('{"a":31,"b":[-1.5]}');
    expect("error" in node ? 0 : text.slice(node.end)).toBe(" ; rest");
  });
});

describe("printJson", () => {
  it("sorts keys by code point and escapes all beyond ASCII", () => {
    const node = jsonFrom({ b: 1, a: "é\u{1f600}", Z: [true, null] });
    expect(printJson(node, true)).toBe('{"Z":[true,null],"a":"\\u00e9\\ud83d\\ude00","b":1}');
  });
});
