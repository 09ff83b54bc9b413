// TOML with places: where keys and values stand, and what is said of files that are none.

import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";
import { parseToml, type TomlNode } from "../../../host/formats/toml.ts";

/** A node without places, for comparison. */
function plain(node: TomlNode): unknown {
  switch (node.kind) {
    case "table":
      return Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)]));
    case "array":
      return node.items.map(plain);
    case "date":
      return "date";
    default:
      return node.value;
  }
}
function read(text: string): unknown {
  const { root, diagnostics } = parseToml(text, "c.toml");
  return root === undefined ? diagnostics.map(formatDiagnostic).join("\n") : plain(root);
}

describe("TOML", () => {
  it("reads tables, dotted keys, arrays of tables and inline tables", () => {
    const text = `
a = 1
[values]
"motor:limit" = -0.5
0x0201 = 0x10
pump.rate = inf
[[boot]]
app = 'x'
[[boot]]
app = "y"
on = true
[values.fan]
speed = { bits = 1, at = 1979-05-27 }
`;
    expect(read(text)).toEqual({
      a: 1,
      values: {
        "motor:limit": -0.5,
        "0x0201": 16,
        pump: { rate: Number.POSITIVE_INFINITY },
        fan: { speed: { bits: 1, at: "date" } },
      },
      boot: [{ app: "x" }, { app: "y", on: true }],
    });
  });

  it("knows where a key and its value stand", () => {
    const { root } = parseToml('[values]\n  "a:b" = 12.5 # x\n', "c.toml");
    const [values] = root?.members ?? [];
    const table = values?.value;
    const [member] = table?.kind === "table" ? table.members : [];
    expect(member?.place).toEqual({
      file: "c.toml",
      line: 2,
      column: 3,
      width: 5,
      source: '  "a:b" = 12.5 # x',
    });
    expect(member?.value.place).toMatchObject({ line: 2, column: 11, width: 4 });
  });

  it.each([
    [
      "a = 1\na = 2\n",
      "c.toml:2:1: error: this key stands here twice\na = 2\n^\n  remedy: keep one of the two",
    ],
    [
      "a = 1\nb =\n",
      "c.toml:2:4: error: a value is missing\nb =\n   ^\n  remedy: write a number behind the equals sign",
    ],
    [
      "a:b = 1\n",
      'c.toml:1:2: error: unexpected character\na:b = 1\n ^\n  remedy: put a name with a colon in quotes: "group:name" = 1',
    ],
    ["[x\n", "c.toml:1:3: error: unterminated table-key"],
    ['a = "x', "c.toml:1:7: error: unterminated string constant"],
  ])("says where %j is no TOML", (text, message) => {
    expect(read(text)).toContain(message);
  });
});
