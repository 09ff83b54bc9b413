// Manifests in binary form: the example of docs/manifest.md, the way there and back, and what is refused.

import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Source } from "../../../assembly/spec/boot.ts";
import { ManifestHealth, ManifestSelect } from "../../../assembly/spec/manifest.ts";
import { isShortName } from "../../../host/formats/fat-name.ts";
import {
  contentOf,
  type Plant,
  type PlantApp,
  type PlantNode,
  plantId,
} from "../../../host/formats/plant.ts";
import { encodePlant } from "../../../host/formats/plant-manifest.ts";
import { decodePlant } from "../../../host/formats/plant-manifest-reader.ts";
import { pageText } from "../../docs/pages.ts";

/** docs/manifest.md, "By hand" */
const PUMP: PlantApp = {
  name: "pump",
  image: { bytes: 1100, crc: 0x12345678, nameHash: 0x9817b1ed, file: "PUMP.HXE" },
  group: 1,
  order: 2,
  restarts: 3,
  fallbackOnFault: false,
  source: Source.STORED,
  quantum: 0,
  attempts: 3,
  confirmAfter: 0,
  health: {
    when: ManifestHealth.VALUE,
    oid: 0x0102,
    min: 0x4000,
    max: 0x4800,
    limit_ms: 5000,
    goesOn: false,
  },
  delay_ms: 200,
  groupBase: 0,
  keyBase: 0,
  values: [{ oid: 0x0102, key: 0x0201, bits: 0x4200, meaning: 0x8caa }],
};
const NORTH: PlantNode = {
  name: "north",
  select: { kind: ManifestSelect.ID, number: 5 },
  config: {
    id: 5,
    role: 2,
    bitRate: 0,
    baseId: 0,
    changeLevel: 0,
    sources: [Source.SD, Source.CAN],
    masterWait_ms: 500,
    cardWait_ms: 0,
  },
  apps: [PUMP],
};
const PLANT: Plant = { name: "pump house", version: 3, nodes: [NORTH] };

function encoded(plant: Plant): Uint8Array {
  const made = encodePlant(plant);
  if ("message" in made) throw new Error(made.message);
  return made.bytes;
}
/** The bytes with some changed, and a sum that is right for them. */
function changed(...changes: (readonly [at: number, byte: number])[]): Uint8Array {
  const bytes = Buffer.from(encoded(PLANT));
  for (const [at, byte] of changes) bytes[at] = byte;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return Uint8Array.from(bytes);
}
function refusal(bytes: Uint8Array): string {
  const { plant, diagnostics } = decodePlant(bytes, "HSX.HXM");
  expect(plant).toBeUndefined();
  expect(diagnostics).toHaveLength(1);
  const [{ offset, code, message, remedy } = { code: "", message: "" }] = diagnostics;
  expect(remedy).toBeTruthy();
  return `${code} at ${offset}: ${message}`;
}

describe("a manifest in binary form", () => {
  it("is the example of the page", () => {
    const rows = pageText("docs/manifest.md").matchAll(/^ {4}0[0-9a-f]{2} {2}([0-9a-f ]+)$/gm);
    const shown = Array.from(rows, ([, row = ""]) => row.replaceAll(" ", "")).join("");
    expect(Buffer.from(encoded(PLANT)).toString("hex")).toBe(shown);
    expect(decodePlant(Buffer.from(shown, "hex"), "x").plant).toEqual(PLANT);
  });

  it("comes back from its bytes with every kind of node", () => {
    const nodes: PlantNode[] = [
      NORTH,
      { name: "any pump", select: { kind: 1, number: 2 }, config: undefined, apps: [PUMP] },
      { name: "n", select: { kind: 3, uid: Uint8Array.of(1, 2, 3) }, config: undefined, apps: [] },
    ];
    const plant = { ...PLANT, nodes };
    expect(decodePlant(encoded(plant), "x")).toEqual({ plant, diagnostics: [] });
  });

  it("holds what nodes have in common once", () => {
    const nodes = [1, 2, 3].map((number) => ({
      ...NORTH,
      config: undefined,
      select: { kind: ManifestSelect.ID, number } as const,
    }));
    // header, three nodes, one app, one value, the sum
    expect(encoded({ ...PLANT, nodes }).length).toBe(64 + 3 * 64 + 64 + 8 + 4);
  });

  it("says what there is too much of", () => {
    const nodes = Array.from({ length: 256 }, () => NORTH);
    expect(encodePlant({ ...PLANT, nodes })).toEqual({
      message: "256 nodes; a manifest holds 255",
    });
  });

  it("never has a half of content that a store cannot note", () => {
    const numbers = { id: 0, role: 0, bitRate: 0, baseId: 0, changeLevel: 0, masterWait_ms: 0 };
    const base = { ...numbers, sources: [] };
    for (let cardWait_ms = 0; cardWait_ms < 0x10000; cardWait_ms++) {
      const content = contentOf({ config: { ...base, cardWait_ms }, apps: [] });
      if ((content & 0xffff) === 0xffff || content >>> 16 === 0xffff) expect.fail(`${cardWait_ms}`);
    }
    expect(contentOf({ config: undefined, apps: [] })).toBe(0);
  });

  it("knows a plant by 16 bits of its name", () => {
    expect(plantId("pump house")).toBe(0xc583); // CRC-32 0xAE2AC583
  });
});

describe("a manifest that is refused", () => {
  it.each([
    [
      "begins otherwise",
      [[0, 0x49]],
      'bad-manifest at 0: this is no manifest: it does not begin with "HSXM"',
    ],
    [
      "has another format",
      [[4, 2]],
      "manifest-format at 4: the manifest has format 2; this version reads 1",
    ],
    [
      "has another length",
      [[16, 0xcb]],
      "bad-manifest at 16: the manifest should have 203 bytes and has 204",
    ],
    ["counts wrong", [[5, 2]], "bad-manifest at 16: its records take 268 bytes, not 204"],
    ["has no version", [[12, 0]], "bad-manifest at 12: version 0 cannot be"],
    [
      "has another plant",
      [[10, 0]],
      'bad-manifest at 10: 0xC500 is not what the name "pump house" comes to',
    ],
    ["has no name", [[20, 0]], "bad-manifest at 20: this is no name: 1 to 43 printable characters"],
    ["uses a spare byte", [[14, 1]], "bad-manifest at 14: this byte must be 0"],
    [
      "chooses a node oddly",
      [[64, 4]],
      "bad-manifest at 64: a node is chosen by id, role or UID, not by 4",
    ],
    ["has an id beyond all", [[65, 128]], "bad-manifest at 65: 128 is none of 1 to 127"],
    ["names apps that are not there", [[68, 2]], "bad-manifest at 66: apps 0 to 1: there are 1"],
    ["has an unknown flag", [[69, 2]], "bad-manifest at 69: this flag is unknown"],
    [
      "has another content",
      [[72, 0]],
      "bad-manifest at 72: this is not what configuration and values come to",
    ],
    [
      "has a fifth source in between",
      [[82, 0x09]],
      "bad-manifest at 76: these are no words of a configuration",
    ],
    ["has a UID with an id", [[88, 1]], "bad-manifest at 88: this byte must be 0"],
    [
      "has a small letter in a file",
      [[136, 0x70]],
      "bad-manifest at 136: this is no name of a file on a card",
    ],
    ["has a long quantum", [[149, 0x80]], "bad-manifest at 148: this is no boot word"],
    ["has counts of another use", [[150, 0x20]], "bad-manifest at 150: bits 5 to 7 must be 0"],
    ["has an unknown health", [[151, 3]], "bad-manifest at 151: health 3 is unknown"],
    ["has limits without a value", [[151, 0]], "bad-manifest at 156: this byte must be 0"],
    [
      "has limits the wrong way",
      [[159, 0x4c]],
      "bad-manifest at 158: no value lies between these limits",
    ],
    [
      "names values that are not there",
      [[164, 2]],
      "bad-manifest at 162: values 0 to 1: there are 1",
    ],
    [
      "has a key that cannot be",
      [
        [194, 0],
        [195, 0],
      ],
      "bad-manifest at 194: 0x0000 is no key",
    ],
  ] as [string, [number, number][], string][])("%s", (_, changes, told) => {
    expect(refusal(changed(...changes))).toBe(told);
  });

  it("is cut short, anywhere", () => {
    const bytes = encoded(PLANT);
    for (let length = 0; length < bytes.length; length++) refusal(bytes.slice(0, length));
  });

  it("has any one bit turned over", () => {
    const bytes = encoded(PLANT);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const bad = bytes.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      refusal(bad);
    }
  });

  it("has a node twice", () => {
    const nodes = [NORTH, { ...NORTH, name: "other" }];
    expect(refusal(encoded({ ...PLANT, nodes }))).toBe(
      "bad-manifest at 128: this node stands here twice",
    );
  });
});

it.each([
  ["PUMP.HXE", true],
  ["HSX", true],
  ["A-1_B.H_E", true],
  ["pump.hxe", false],
  ["PUMPSTATION.HXE", false],
  ["PUMP.HXEX", false],
  ["PUMP.", false],
  [".HXE", false],
  ["PU MP.HXE", false],
])("%s as a name on a card: %s", (name, isFit) => {
  expect(isShortName(name)).toBe(isFit);
});
