// A node of a plant from a card, from memory that hsx persist build made, and from hsx run: the same apps, the same values.

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CellType } from "../../../assembly/spec/cell.ts";
import { Install } from "../../../host/cli/install.ts";
import { LocalNode } from "../../../host/client/local-node.ts";
import { Machine } from "../../../host/node/hal.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { ROOT } from "../../../scripts/root.ts";
import { amongPlants, hsx, json, jsonLines } from "./harness.ts";

const install = new Install(ROOT);
amongPlants();

/** What can be seen of a node: its apps, and the values it keeps. */
function seen(node: LocalNode) {
  const apps = node.tasks().map(({ name, imageCrc }) => `${name} ${imageCrc}`);
  const kept = node.values().filter((v) => v.persistKey !== 0);
  const values = kept.map((v) => `${v.oid} ${v.persistKey} ${v.value} ${v.isStale}`);
  return { apps: apps.sort(), values: values.sort() };
}

/** Boots a node of a card; `id`, `role`: what it was configured to be. */
async function fromCard(card: Uint8Array, who: { id?: number; role?: number; uid?: Uint8Array }) {
  const nv = new NvDevice(new Uint8Array(8192).fill(0xff));
  const first = await LocalNode.start(await install.core("desktop"), new Machine({ nv }));
  first.formatStore();
  first.provision.setConfig({ id: who.id ?? 0, role: who.role ?? 0 });
  if (who.id) first.provision.confirmConfig();
  const machine = new Machine({ nv, sd: card, ...(who.uid && { uid: who.uid }) });
  const node = await LocalNode.start(await install.core("desktop"), machine);
  node.run(9000); // groups wait for each other
  return node;
}
/** Boots a node on a file that hsx persist build made, and loads what no slot holds. */
async function fromMemory(file: string, images: readonly string[]) {
  const nv = new NvDevice(new Uint8Array(readFileSync(file)));
  const node = await LocalNode.start(await install.core("desktop"), new Machine({ nv }));
  for (const image of images) node.load(new Uint8Array(readFileSync(image)), { name: image });
  node.run(9000);
  return node;
}

const NODES = [
  ["single", "heater", { id: 1 }, ["thermostat.hxe"]],
  ["pumps", "supply", { id: 1 }, ["supply.hxe", "pump.hxe"]],
  ["pumps", "south", { id: 3 }, ["pump.hxe"]],
  ["mixed", "spare", { uid: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }, ["blink.hxe"]],
  ["mixed", "lamps", { role: 3 }, ["blink.hxe"]],
] as const;

describe("a node of a plant", () => {
  it.each(NODES)(
    "%s, %s: is the same from its card and from its memory",
    async (plant, name, who, images) => {
      const card = `${plant}.img`;
      expect(
        (await hsx(["sd", "make", `${plant}.toml`, "-o", card, "--size", "8M", "--force"])).exit,
      ).toBe(0);
      const args = ["--manifest", `${plant}.toml`, "--node", name, "--media", "fram:8192"];
      const built = await hsx(["persist", "build", ...args, "-o", `${name}.fram`, "--force"]);
      expect([built.exit, built.err]).toEqual([0, ""]);
      const carded = await fromCard(new Uint8Array(readFileSync(card)), who);
      const stored = await fromMemory(`${name}.fram`, images);
      expect(seen(carded).apps).toHaveLength(images.length);
      expect(seen(stored)).toEqual(seen(carded));
      // what it was told to be holds from the next start on: both have the same words then
      expect(stored.provision.config()).toEqual(carded.provision.config());
    },
  );

  it("has its images in slots when it has slots, in the order in which they start", async () => {
    const { exit, err } = await hsx([
      "persist",
      "build",
      "--manifest",
      "mixed.toml",
      "--node",
      "panel",
      "-o",
      "panel.fram",
    ]);
    expect([exit, err]).toEqual([0, ""]);
    const node = await fromMemory("panel.fram", []);
    const apps = node.provision.apps().map(({ name, boot }) => [name, boot.order]);
    expect(apps).toEqual([
      ["thermostat", 0],
      ["pump", 1],
      ["blink", 2],
    ]);
    expect(node.tasks()).toHaveLength(3);
    // 250 is 0x5BD0
    expect(node.values().find((v) => v.name === "period")?.value).toBe(0x5bd0);
  });

  it("does not take its card's values again when its memory was made of the same manifest", async () => {
    await hsx(["sd", "make", "single.toml", "-o", "one.img", "--size", "8M"]);
    await hsx([
      "persist",
      "build",
      "--manifest",
      "single.toml",
      "--node",
      "1",
      "--media",
      "fram:8192",
      "-o",
      "one.fram",
    ]);
    const nv = new NvDevice(new Uint8Array(readFileSync("one.fram")));
    const sd = new Uint8Array(readFileSync("one.img"));
    const start = async () =>
      LocalNode.start(await install.core("desktop"), new Machine({ nv, sd }));
    const node = await start();
    const setpoint = node.values().find((v) => v.name === "setpoint");
    expect(setpoint?.value).toBe(0x4ce0); // 19.5
    node.setValue(setpoint?.oid ?? 0, 0x4e00); // 24
    node.saveValue(setpoint?.oid ?? 0);
    node.powerFail();
    expect((await start()).values().find((v) => v.name === "setpoint")?.value).toBe(0x4e00);
  });
});

describe("hsx persist build of a manifest", () => {
  it("notes meanings and what was applied", async () => {
    const { exit } = await hsx([
      "persist",
      "build",
      "--manifest",
      "pumps.toml",
      "--node",
      "supply",
      "--media",
      "fram:8192",
      "-o",
      "noted.fram",
    ]);
    expect(exit).toBe(0);
    const { entries } = json((await hsx(["persist", "inspect", "noted.fram", "--json"])).out) as {
      entries: { kind: string; key: number; bits: number }[];
    };
    const of = (kind: string, key: number) =>
      entries.find((e) => e.kind === kind && e.key === key)?.bits;
    // docs/manifest.md: "pump house" is 0xC583; "bar" means 0x8CAA (docs/persistence.md)
    expect([of("system", 0x0200), of("system", 0x0201), of("meaning", 0x0301)]).toEqual([
      0xc583, 3, 0x8caa,
    ]);
    expect(CellType.MEANING).toBe(0xc3);
  });

  it.each([
    [["-o", "x.fram"], 2, "error: of what?"],
    [["--manifest", "single.toml", "-o", "x.fram"], 2, "error: which node?"],
    [
      ["--manifest", "single.toml", "--node", "heatr", "-o", "x.fram"],
      3,
      'error: single.toml has no node "heatr"',
    ],
    [
      ["--manifest", "single.toml", "--node", "heater", "-o", "x.fram"],
      2,
      "error: for what device?",
    ],
    [
      ["--manifest", "twice.toml", "--node", "a", "-o", "x.fram"],
      1,
      'twice.toml:11:14: error: "b" has a group_base or key_base, and slots keep none',
    ],
  ] as [string[], number, string][])("refuses %j", async (args, code, told) => {
    const apps =
      '[apps.a]\nimage = "pump.hxe"\n[apps.b]\nimage = "pump.hxe"\ngroup_base = 9\nkey_base = 9\n';
    writeFileSync(
      "twice.toml",
      `schema = 1\nplant = "p"\n${apps}[nodes.a]\nid = 1\napps = ["a", "b"]\nmedia = "fram:131072"\nslots = { count = 2, bytes = 4096 }\n`,
    );
    const { exit, err } = await hsx(["persist", "build", ...args]);
    expect([exit, err.split("\n")[0]]).toEqual([code, told]);
  });
});

describe("hsx run of a manifest", () => {
  it("runs what the node runs, on a node of its size, with its values", async () => {
    const { exit, out, err } = await hsx([
      "run",
      "--manifest",
      "pumps.toml",
      "--node",
      "2",
      "--for",
      "1s",
      "--show",
      "events",
      "--json",
    ]);
    expect([exit, err]).toEqual([0, ""]);
    const end = jsonLines(out).at(-1) as { tasks: { name: string }[] };
    expect(end.tasks.map(({ name }) => name)).toEqual(["pump"]);
  });

  it("brings the line to the pressure that the manifest says", async () => {
    const { exit, out } = await hsx([
      "run",
      "--manifest",
      "pumps.toml",
      "--node",
      "supply",
      "--for",
      "3s",
      "--show",
      "values",
    ]);
    expect(exit).toBe(0);
    expect(out.trimEnd().split("\n").at(-1)).toMatch(/supply:pressure 2\.5 -> 3$/);
  });

  it.each([
    [["--manifest", "pumps.toml"], 2, "error: which node?"],
    [["x.hxe", "--manifest", "pumps.toml", "--node", "1"], 2, "error: --manifest names the images"],
    [
      ["--manifest", "pumps.toml", "--node", "1", "--nv", "x"],
      2,
      "error: --manifest makes the memory of the node itself",
    ],
    [["--manifest", "none.toml", "--node", "a"], 3, "error: the node a of none.toml runs nothing"],
  ] as [string[], number, string][])("refuses %j", async (args, code, told) => {
    writeFileSync("none.toml", 'schema = 1\nplant = "p"\n[nodes.a]\nid = 1\n');
    const { exit, err } = await hsx(["run", ...args]);
    expect([exit, err.split("\n")[0]]).toEqual([code, told]);
  });
});
