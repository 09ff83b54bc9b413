// hsx manifest: what check, lock and schema print and refuse, with file, line, column and remedy.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { guestOf } from "../../drivers/guest.ts";
import { PLANT_IMAGES, PLANTS } from "../../drivers/plants.ts";
import { amongPlants, hsx, json } from "./harness.ts";

amongPlants();

function manifest(name: string, nodes: string): string {
  writeFileSync(name, `schema = 1\nplant = "p"\n${nodes}`);
  return name;
}

describe("hsx manifest check", () => {
  it.each(PLANTS)("finds nothing wrong with the plant %s", async (name) => {
    const { exit, out, err } = await hsx(["manifest", "check", `${name}.toml`, "--json"]);
    expect([exit, err]).toEqual([0, ""]);
    expect(json(out)).toMatchObject({ file: `${name}.toml`, locked: false });
  });

  it("tells nodes and what they run", async () => {
    const { out } = await hsx(["manifest", "check", "pumps.toml"]);
    expect(out).toBe(
      `pumps.toml: pump house, version 3; 3 nodes, 2 images, not locked

NODE    WHO   TRIED ON  APPS          VALUES
supply  id 1  small     supply, pump       2
north   id 2  small     pump               1
south   id 3  small     pump               1
`,
    );
  });

  it("points at what is wrong", async () => {
    const file = manifest(
      "bad.toml",
      '[apps.pump]\nimage = "pmp.hxe"\n[nodes.a]\nid = 1\napps = ["pumpe"]\n',
    );
    const { exit, out, err } = await hsx(["manifest", "check", file]);
    expect([exit, out]).toEqual([1, ""]);
    expect(err).toBe(
      `bad.toml:4:9: error: cannot read pmp.hxe: there is no such file
image = "pmp.hxe"
        ^~~~~~~~~
  remedy: did you mean "pump.hxe"?
bad.toml:7:9: error: there is no app "pumpe"
apps = ["pumpe"]
        ^~~~~~~
  remedy: did you mean "pump"?
2 errors
`,
    );
  });

  it("refuses an image that does not fit its node, and says what there is", async () => {
    writeFileSync("large.hxe", guestOf('.app "large"\n.stack 14000\n.text\nRET\n').image);
    const nodes = '[apps.large]\nimage = "large.hxe"\n[nodes.a]\nid = 1\napps = ["large"]\n';
    const { exit, err } = await hsx(["manifest", "check", manifest("fit.toml", nodes)]);
    expect(exit).toBe(7);
    expect(err).toMatch(
      /^fit\.toml:7:9: error: large\.hxe: .*\(node a, small\)\napps = \["large"\]\n {8}\^~~~~~~\n {2}remedy: /,
    );
    const larger = nodes.replace("id = 1", 'id = 1\nprofile = "large"');
    expect((await hsx(["manifest", "check", manifest("fit.toml", larger)])).exit).toBe(0);
  });

  it("tries all apps of a node together", async () => {
    writeFileSync("half.hxe", guestOf('.app "half"\n.stack 5000\n.text\nRET\n').image);
    const app = (name: string) => `[apps.${name}]\nimage = "half.hxe"\n`;
    const nodes = `${app("a")}${app("b")}[nodes.a]\nid = 1\napps = ["a", "b"]\n[nodes.b]\nid = 2\napps = ["b"]\n`;
    const { exit, err } = await hsx(["manifest", "check", manifest("both.toml", nodes)]);
    expect(exit).toBe(7);
    expect(err).toMatch(/^both\.toml:9:14: error: half\.hxe: /);
    expect(err.match(/error:/g)).toHaveLength(1);
  });

  it("knows a device that there is not, and says it once where all nodes have it", async () => {
    const nodes = '[defaults]\nmedia = "from:8192"\n[nodes.a]\nid = 1\n[nodes.b]\nid = 2\n';
    const { exit, err } = await hsx(["manifest", "check", manifest("media.toml", nodes)]);
    expect(exit).toBe(1);
    expect(err.match(/error:/g)).toHaveLength(1);
    expect(err).toMatch(
      /^media\.toml:4:9: error: media = "from:8192": this is no kind or size of a device\n/,
    );
  });

  it("takes code that finds no room in memory where the node has a slot from which it runs, and refuses what is longer than the slot", async () => {
    const code = `${"ADD R1, R1, R2\n".repeat(3000)}RET\n`;
    writeFileSync("long.hxe", guestOf(`.app "long"\n.text\n${code}`).image);
    const nodes = '[apps.long]\nimage = "long.hxe"\n[nodes.a]\nid = 1\napps = ["long"]\n';
    const slots = (bytes: number) => `slots = { count = 2, bytes = ${bytes} }\n`;
    const exitOf = async (text: string) =>
      (await hsx(["manifest", "check", manifest("slot.toml", text)])).exit;
    expect(await exitOf(nodes)).toBe(7);
    expect(await exitOf(nodes + slots(16384))).toBe(0);
    expect(await exitOf(nodes + slots(4096))).toBe(7);
  });

  it("has nothing to say about a file that is not there", async () => {
    const { exit, err } = await hsx(["manifest", "check", "singel.toml"]);
    expect([exit, err]).toEqual([
      3,
      'error: cannot read singel.toml: there is no such file\n  remedy: did you mean "single.toml"?\n',
    ]);
  });
});

describe("hsx manifest lock", () => {
  const pump = PLANT_IMAGES.get("pump.hxe") as Uint8Array;

  it("notes what the images are", async () => {
    const { exit, out } = await hsx(["manifest", "lock", "pumps.toml"]);
    expect(exit).toBe(0);
    expect(out.split("\n")[0]).toBe("pumps.lock: 2 images, 2 of them new or changed");
    const crc = Buffer.from(pump).length;
    expect(readFileSync("pumps.lock", "utf8")).toContain(
      `[images."pump.hxe"]\nbytes = ${crc}\ncrc = 0x`,
    );
    expect(readFileSync("pumps.lock", "utf8")).toContain('version = "1.1.0"');
    const again = json((await hsx(["manifest", "lock", "pumps.toml", "--json"])).out);
    expect(again).toMatchObject({ lock: "pumps.lock", changed: [] });
    const checked = json((await hsx(["manifest", "check", "pumps.toml", "--json"])).out);
    expect(checked).toMatchObject({ locked: true });
  });

  it("makes check refuse any other image", async () => {
    await hsx(["manifest", "lock", "pumps.toml"]);
    writeFileSync(
      "pump.hxe",
      guestOf(
        '.app "pump"\n.caps VALUE\n.value {"group":4,"id":1,"name":"speed","group_name":"pump","flags":"PERSIST","init":0,"persist_key":1025}\n.text\nRET\n',
      ).image,
    );
    const { exit, err } = await hsx(["manifest", "check", "pumps.toml"]);
    writeFileSync("pump.hxe", pump);
    expect(exit).toBe(5);
    expect(err).toMatch(
      /^pumps\.toml:\d+:9: error: pump\.hxe is not the one of pumps\.lock: it has [\d,]+ bytes, CRC 0x[\dA-F]{8}; it had [\d,]+ bytes, CRC 0x[\dA-F]{8}, version 1\.1\.0\n/,
    );
    expect(err).toContain(
      "remedy: take the image back, or, if this one is meant: hsx manifest lock",
    );
  });

  it.each([
    ["is no TOML", "schema = ", "pumps.lock:1:10: error: a value is missing"],
    ["has another schema", "schema = 2\n", "pumps.lock:1:10: error: this lock file has schema 2"],
    [
      "misses a number",
      'schema = 1\n[images."pump.hxe"]\nbytes = 1\n',
      "pumps.lock:2:9: error: bytes and crc are missing",
    ],
    ["names no image", "schema = 1\n", "pumps.toml:15:9: error: supply.hxe is not in pumps.lock"],
  ])("is refused when it %s", async (_, text, told) => {
    writeFileSync("pumps.lock", text);
    const { err } = await hsx(["manifest", "check", "pumps.toml"]);
    rmSync("pumps.lock");
    expect(err.split("\n")[0]).toBe(told.includes("schema 2") ? `${told}; this hsx reads 1` : told);
  });
});

it("hsx manifest schema prints the schema that is published", async () => {
  const { exit, out } = await hsx(["manifest", "schema"]);
  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ title: "HSX manifest of a plant", type: "object" });
  expect(json((await hsx(["manifest", "schema", "--json"])).out).json_schema).toEqual(
    JSON.parse(out),
  );
});
