// plant.toml: what the example plants become, and every mistake with its place.

import { describe, expect, it } from "vitest";
import { formatDiagnostic, formatWarning } from "../../../host/formats/diagnostic.ts";
import { readPlant } from "../../../host/formats/plant-file.ts";
import { CardNames, type ReadFile } from "../../../host/formats/plant-images.ts";
import { encodePlant } from "../../../host/formats/plant-manifest.ts";
import { decodePlant } from "../../../host/formats/plant-manifest-reader.ts";
import { guestOf } from "../../drivers/guest.ts";
import { PLANT_IMAGES, PLANTS, plantText } from "../../drivers/plants.ts";

/** Two apps that get into each other's way, and one that never does. */
const OTHERS: Record<string, Uint8Array> = {
  "same-name.hxe": guestOf('.app "pump", single\n.text\nRET\n').image,
  "same-id.hxe": guestOf(
    '.app "fan"\n.caps VALUE\n.value {"group":4,"id":1,"name":"speed","init":0}\n.text\nRET\n',
  ).image,
  "same-key.hxe": guestOf(
    '.app "fan"\n.caps VALUE\n.value {"group":9,"id":1,"name":"speed","flags":"PERSIST","init":0,"persist_key":1025}\n.text\nRET\n',
  ).image,
  "plain.hxe": guestOf('.app "plain"\n.text\nRET\n').image,
  "broken.hxe": (PLANT_IMAGES.get("pump.hxe") as Uint8Array).map(
    (byte, n) => byte ^ (n === 120 ? 1 : 0),
  ),
};
const files: ReadFile = (name) => {
  const bytes = PLANT_IMAGES.get(name) ?? OTHERS[name];
  if (bytes !== undefined) return { bytes };
  return { message: `there is no ${name}`, remedy: "look at the name" };
};

const HEAD = 'schema = 1\nplant = "p"\n';
const PUMP = '[apps.pump]\nimage = "pump.hxe"\n';
const NODE = '[nodes.a]\nid = 1\napps = ["pump"]\n';

function plantOf(text: string) {
  const { plant, diagnostics } = readPlant(text, "p.toml", files);
  expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  return plant as NonNullable<typeof plant>;
}
function mistakesOf(text: string): string {
  return readPlant(text, "p.toml", files).diagnostics.map(formatDiagnostic).join("\n");
}

describe("a manifest", () => {
  it.each(PLANTS)("of the plant %s comes back from its binary form", (name) => {
    const { plant } = plantOf(plantText(name));
    const made = encodePlant(plant);
    const bytes = "bytes" in made ? made.bytes : new Uint8Array();
    expect(decodePlant(bytes, "x")).toEqual({ plant, diagnostics: [] });
  });

  it("says what each node runs, in the order in which it starts", () => {
    const { plant, groups } = plantOf(plantText("pumps"));
    expect([plant.name, plant.version, [...groups]]).toEqual([
      "pump house",
      3,
      [
        ["supply", 0],
        ["pumps", 1],
      ],
    ]);
    const [supply, north, south] = plant.nodes;
    expect(supply).toMatchObject({
      name: "supply",
      select: { kind: 2, number: 1 },
      config: { id: 1, role: 0, sources: [2, 3], masterWait_ms: 200 },
      apps: [
        // 2.0 is 0x4000, 8.0 is 0x4800, 3.0 is 0x4200; key 769, id 3.2; "bar" means 0x8CAA (docs/persistence.md)
        {
          name: "supply",
          group: 0,
          health: { when: 2, oid: 0x0301, min: 0x4000, max: 0x4800, limit_ms: 5000, goesOn: false },
          values: [{ oid: 0x0302, key: 769, bits: 0x4200, meaning: 0x8caa }],
        },
        {
          name: "pump",
          group: 1,
          delay_ms: 200,
          attempts: 3,
          confirmAfter: 2,
          health: { when: 1, oid: 0, limit_ms: 2000, goesOn: true },
        },
      ],
    });
    // 900 is 0x6308, 1200 is 0x64B0
    expect(north?.apps[0]?.values).toMatchObject([{ oid: 0x0401, key: 1025, bits: 0x6308 }]);
    expect(south?.apps[0]?.values).toMatchObject([{ oid: 0x0401, key: 1025, bits: 0x64b0 }]);
  });

  it("chooses nodes by id, UID and role", () => {
    const { plant, nodes } = plantOf(plantText("mixed"));
    expect(plant.nodes.map(({ select }) => select)).toEqual([
      { kind: 2, number: 1 },
      { kind: 3, uid: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      { kind: 1, number: 3 },
    ]);
    expect(plant.nodes[1]?.config).toMatchObject({ id: 9, role: 2, masterWait_ms: 500 });
    expect(plant.nodes[2]?.config).toMatchObject({ id: 0, role: 3 });
    expect(nodes[0]).toMatchObject({ profile: "large", slots: { count: 4, bytes: 8192 } });
  });

  it("leaves the configuration of a node alone of which it only says whom it means", () => {
    const { plant } = plantOf(
      `${HEAD}[nodes.a]\nid = 4\n[nodes.b]\nrole = 2\n[nodes.c]\nid = 5\nrole = 1`,
    );
    expect(plant.nodes.map(({ config }) => config?.role)).toEqual([undefined, undefined, 1]);
  });

  it("moves ids and keys of an instance", () => {
    const more =
      '[apps.more]\nimage = "pump.hxe"\ngroup_base = 16\nkey_base = 0x100\n[apps.more.values]\n"pump:speed" = 5\n';
    const { plant } = plantOf(`${HEAD}${PUMP}${more}[nodes.a]\nid = 1\napps = ["pump", "more"]`);
    // group 4 + 16, key 1025 + 256; 5 is 0x4500
    expect(plant.nodes[0]?.apps[1]?.values).toMatchObject([
      { oid: 0x1401, key: 0x501, bits: 0x4500 },
    ]);
  });

  it("says how a number was rounded", () => {
    const { warnings } = readPlant(
      `${HEAD}${PUMP}[apps.pump.values]\nspeed = 2049\n${NODE}`,
      "p.toml",
      files,
    );
    expect(warnings.map(formatWarning)).toEqual([
      "p.toml:6:9: warning: 2049 is kept as 2048 rpm, the nearest binary16\nspeed = 2049\n        ^~~~\n  remedy: write 2048 to say that this is meant",
    ]);
  });
});

describe("a manifest that is wrong", () => {
  it("says of an unknown key which one may be meant", () => {
    expect(mistakesOf(`${HEAD}[apps.pump]\nimage = "pump.hxe"\nrestart = 3\n${NODE}`)).toBe(
      'p.toml:5:1: error: nothing is called "restart" here\nrestart = 3\n^~~~~~~\n  remedy: did you mean "restarts"?',
    );
  });

  it.each([
    ["has no schema", `plant = "p"\n${PUMP}${NODE}`, "1:1: error: there is no schema"],
    [
      "has another schema",
      `schema = 2\nplant = "p"\n${NODE}`,
      "1:10: error: this manifest has schema 2; this hsx reads 1",
    ],
    ["has no name", "schema = 1\n[nodes.a]\nid = 1", "1:1: error: there is no plant"],
    [
      "has a version that cannot be",
      `${HEAD}version = 0\n[nodes.a]\nid = 1`,
      "3:11: error: version is 0; it is an integer from 1 to 65534",
    ],
    ["has no nodes", `${HEAD}${PUMP}`, "1:1: error: this plant has no nodes"],
    [
      "has a key nobody knows",
      `${HEAD}node = 1\n[nodes.a]\nid = 1`,
      '3:1: error: nothing is called "node" here',
    ],
    [
      "has a name that is too long",
      `${HEAD}[nodes.abcdefghijklmnopqrstuvwxyz]\nid = 1`,
      '3:8: error: "abcdefghijklmnopqrstuvwxyz" is no name',
    ],
    [
      "misses a file",
      `${HEAD}[apps.pump]\nimage = "pmp.hxe"\n${NODE}`,
      "4:9: error: there is no pmp.hxe",
    ],
    ["has an app without image", `${HEAD}[apps.pump]\n${NODE}`, "3:7: error: there is no image"],
    [
      "names a damaged image",
      `${HEAD}[apps.pump]\nimage = "broken.hxe"\n${NODE}`,
      "4:9: error: broken.hxe is no sound image:",
    ],
    [
      "names an app that is not there",
      `${HEAD}${PUMP}[nodes.a]\nid = 1\napps = ["pmp"]`,
      '7:9: error: there is no app "pmp"',
    ],
    [
      "names an app twice",
      `${HEAD}${PUMP}[nodes.a]\nid = 1\napps = ["pump", "pump"]`,
      '7:17: error: "pump" stands here twice',
    ],
    [
      "has two apps of one name",
      `${HEAD}${PUMP}[apps.b]\nimage = "same-name.hxe"\n[nodes.a]\nid = 1\napps = ["pump", "b"]`,
      '9:17: error: "pump" and "b" are both apps of the name pump, which a node takes once',
    ],
    [
      "has two values of one id",
      `${HEAD}${PUMP}[apps.b]\nimage = "same-id.hxe"\n[nodes.a]\nid = 1\napps = ["pump", "b"]`,
      '9:17: error: "pump" (pump:speed) and "b" (4:speed) both claim the id 4.1 of a value',
    ],
    [
      "has two values of one key",
      `${HEAD}${PUMP}[apps.b]\nimage = "same-key.hxe"\n[nodes.a]\nid = 1\napps = ["pump", "b"]`,
      '9:17: error: "pump" (pump:speed) and "b" (9:speed) both claim the persistent key 0x0401',
    ],
    [
      "moves a group too far",
      `${HEAD}[apps.pump]\nimage = "pump.hxe"\ngroup_base = 252\n${NODE}`,
      "3:7: error: group_base moves a group to 256",
    ],
    [
      "moves a key too far",
      `${HEAD}[apps.pump]\nimage = "pump.hxe"\nkey_base = 65000\n${NODE}`,
      "3:7: error: key_base moves a key to",
    ],
    [
      "has groups that wait for each other",
      `${HEAD}[groups.a]\nafter = ["c"]\n[groups.b]\nafter = ["a"]\n[groups.c]\nafter = ["b"]\n[groups.d]\nafter = ["a"]\n${PUMP}${NODE}`,
      '4:10: error: these groups wait for each other: "a" after "c" after "b" after "a"',
    ],
    [
      "has a group that waits for itself",
      `${HEAD}[groups.a]\nafter = ["a"]\n${PUMP}${NODE}`,
      '4:10: error: these groups wait for each other: "a" after "a"',
    ],
    [
      "waits for a group that is not there",
      `${HEAD}[groups.a]\nafter = ["x"]\n${PUMP}${NODE}`,
      '4:10: error: there is no group "x"',
    ],
    [
      "starts in a group that is not there",
      `${HEAD}[groups.pumps]\n[apps.pump]\nimage = "pump.hxe"\ngroup = "pump"\n${NODE}`,
      '6:9: error: there is no group "pump"',
    ],
    [
      "has an id twice",
      `${HEAD}[nodes.a]\nid = 1\n[nodes.b]\nid = 1`,
      "6:6: error: id 1 stands here twice: in line 4, too",
    ],
    [
      "gives an id twice",
      `${HEAD}[nodes.a]\nid = 1\n[nodes.b]\nuid = "00"\nid = 1`,
      "7:6: error: id 1 stands here twice: in line 4, too",
    ],
    [
      "has a UID twice",
      `${HEAD}[nodes.a]\nuid = "00ff"\n[nodes.b]\nuid = "00FF"`,
      "6:7: error: uid 00ff stands here twice: in line 4, too",
    ],
    [
      "has a role twice",
      `${HEAD}[nodes.a]\nrole = 1\n[nodes.b]\nrole = 1`,
      "6:8: error: role 1 stands here twice: in line 4, too",
    ],
    ["has a table twice", `${HEAD}[nodes.a]\nid = 1\n[nodes.a]\nid = 2`, "5:8: error:"],
    ["means no node", `${HEAD}[nodes.a]\nbit_rate = 500`, "3:8: error: which node is this?"],
    [
      "has an id beyond all",
      `${HEAD}[nodes.a]\nid = 128`,
      "4:6: error: 128 is no id of a node: 1 to 127",
    ],
    [
      "sets a value nobody keeps",
      `${HEAD}${PUMP}[apps.pump.values]\nsped = 5\n${NODE}`,
      '6:1: error: no image keeps a value "sped"',
    ],
    [
      "sets a key nobody keeps",
      `${HEAD}${PUMP}[apps.pump.values]\n0x0777 = 5\n${NODE}`,
      "6:1: error: pump.hxe keeps nothing under the key 0x0777",
    ],
    [
      "sets a value beyond its limits",
      `${HEAD}${PUMP}[apps.pump.values]\nspeed = 5000\n${NODE}`,
      "6:9: error: 5000 is out of range: pump:speed is 0 to 3000",
    ],
    [
      "sets a value twice",
      `${HEAD}${PUMP}[apps.pump.values]\nspeed = 5\n"pump:speed" = 6\n${NODE}`,
      "7:1: error: pump:speed stands here twice",
    ],
    [
      "sets values of an app the node lacks",
      `${HEAD}${PUMP}${NODE}[nodes.a.values.fan]\nspeed = 1`,
      '8:17: error: this node runs no app "fan"',
    ],
    [
      "asks for a health nobody has",
      `${HEAD}[apps.pump]\nimage = "pump.hxe"\nhealth = "fine"\n${NODE}`,
      '5:10: error: "fine" is no health',
    ],
    [
      "asks an unknown value for health",
      `${HEAD}[apps.pump]\nimage = "pump.hxe"\nhealth = { value = "pump:sped" }\n${NODE}`,
      '5:20: error: the image declares no value "pump:sped"',
    ],
    [
      "has limits the wrong way",
      `${HEAD}[apps.pump]\nimage = "pump.hxe"\nhealth = { value = "pump:speed", min = 5, max = 2 }\n${NODE}`,
      "5:10: error: no number lies between min and max",
    ],
    [
      "confirms what is not on trial",
      `${HEAD}[apps.pump]\nimage = "pump.hxe"\nconfirm_after = "1m"\n${NODE}`,
      "3:7: error: nothing is on trial that confirm_after could confirm",
    ],
    [
      "has too many apps on a node",
      `${HEAD}${Array.from({ length: 15 }, (_, n) => `[apps.a${n}]\nimage = "same-id.hxe"\ngroup_base = ${n}\n`).join("")}[nodes.a]\nid = 1\napps = [${Array.from({ length: 15 }, (_, n) => `"a${n}"`).join()}]`,
      "50:8: error: 15 apps; a node has 14 at most",
    ],
    [
      "has apps that are no array",
      `${HEAD}${PUMP}[nodes.a]\nid = 1\napps = "pump"`,
      "7:8: error: apps is a text; it is an array",
    ],
  ])("%s", (_, text, told) => {
    const [first = ""] = mistakesOf(text).split("\n");
    expect(first).toContain(`p.toml:${told}`);
    const { diagnostics } = readPlant(text, "p.toml", files);
    expect(diagnostics.every(({ remedy }) => Boolean(remedy))).toBe(true);
  });

  it("has more nodes than a manifest holds", () => {
    const nodes = Array.from(
      { length: 256 },
      (_, n) => `[nodes.n${n}]\nuid = "${(n + 4096).toString(16)}"\n`,
    );
    expect(mistakesOf(HEAD + nodes.join(""))).toContain("256 nodes; a manifest holds 255");
  });

  it("is told of each mistake once, all of them", () => {
    const text = `${HEAD}[apps.pump]\nimage = "none.hxe"\n[nodes.a]\nid = 1\napps = ["pump"]\n[nodes.b]\nid = 1\napps = ["pump", "x"]\n`;
    const told = readPlant(text, "p.toml", files).diagnostics.map(({ line, code }) => [line, code]);
    expect(told).toEqual([
      [4, "missing-file"],
      [9, "duplicate-node"],
      [10, "unknown-app"],
    ]);
  });
});

describe("names on a card", () => {
  it("are eight plain characters, no two alike", () => {
    const names = new CardNames();
    const made = ["out/pump station.hxe", "pumpstation.hxe", "PUMP.HXE", "ä.hxe", "b\\c.hxe", "c"];
    expect(made.map((name) => names.add(name))).toEqual([
      "PUMPSTAT.HXE",
      "PUMPSTA2.HXE",
      "PUMP.HXE",
      "APP.HXE",
      "C.HXE",
      "C2.HXE",
    ]);
  });
});
