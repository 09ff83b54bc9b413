// docs/manifest.md shows the example as it is and lists every key; the published schema takes what the reader takes.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseToml, type TomlNode } from "../../host/formats/toml.ts";
import { APP, DEFAULTS, MANIFEST, NODE } from "../../scripts/manifest-schema.ts";
import { fromRoot } from "../../scripts/root.ts";
import { PLANTS, plantText } from "../drivers/plants.ts";
import { blocksOf, pageText, tableRows } from "./pages.ts";

const PAGE = "docs/manifest.md";

/** A file as an editor's schema sees it. */
function plain(node: TomlNode): unknown {
  if (node.kind === "table")
    return Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)]));
  if (node.kind === "array") return node.items.map(plain);
  return node.kind === "date" ? null : node.value;
}
function tomlOf(text: string): unknown {
  const { root } = parseToml(text, "p.toml");
  return root && plain(root);
}

describe("the page of manifests", () => {
  it("shows the example as it is", () => {
    const [shown] = blocksOf(PAGE, "toml");
    expect(shown?.text).toBe(readFileSync(fromRoot("examples/plants/pumps.toml"), "utf8"));
  });

  it("lists every key that a file may have", () => {
    const listed = tableRows(pageText(PAGE)).flatMap(([key = ""]) =>
      Array.from(key.matchAll(/`\[?(?:nodes\.NAME\.|apps\.NAME\.)?(\w+)/g), ([, name]) => name),
    );
    const known = [MANIFEST, APP, NODE, DEFAULTS].flatMap(({ shape }) => Object.keys(shape));
    expect(known.filter((key) => !listed.includes(key))).toEqual([]);
  });
});

describe("the schema of manifests", () => {
  it.each(PLANTS)("takes the plant %s", (name) => {
    expect(MANIFEST.safeParse(tomlOf(plantText(name))).error).toBeUndefined();
  });
  it("refuses a key that nobody knows", () => {
    const text = plantText("single").replace("restarts", "restart");
    expect(MANIFEST.safeParse(tomlOf(text)).success).toBe(false);
  });
});
