// What an app finds of the values that another left under the same keys, and what is told of it.

import { describe, expect, it } from "vitest";
import { CellType } from "../../../assembly/spec/cell.ts";
import { EventType, ValueOrigin } from "../../../assembly/spec/node.ts";
import { f16FromNumber, f16ToNumber } from "../../../host/formats/f16.ts";
import { NV_GEOMETRY, NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const KEY = 0x1205;
const OID = 0x0101;
const NAN = 0x7e00;
const INFINITY = 0x7c00;

interface Declared {
  readonly unit?: string;
  readonly init?: number;
  readonly min?: number;
  readonly max?: number;
  readonly flags?: string;
}
function imageOf(declared: Declared, key = KEY): Uint8Array {
  const value = { group: 1, id: 1, name: "v", init: 1, persist_key: key, ...declared };
  return guestOf(`.value ${JSON.stringify(value)}\n RET\n`, "app").image;
}

function start(nv: NvDevice, profile: "small" | "desktop" = "small"): Promise<NodeRig> {
  return startNode(profile, { nv });
}
async function device(cells = 60): Promise<NvDevice> {
  const nv = new NvDevice(new Uint8Array(32 + 8 * cells).fill(0xff), {
    geometry: NV_GEOMETRY.fram,
  });
  (await start(nv)).node.formatStore(cells, 0);
  return nv;
}
/** A boot with one app on it. */
async function boot(nv: NvDevice, declared: Declared, key = KEY): Promise<NodeRig> {
  const rig = await start(nv);
  rig.node.events();
  rig.node.load(imageOf(declared, key));
  rig.node.run(300);
  return rig;
}
/** An app sets its value, which is saved. */
async function saved(nv: NvDevice, declared: Declared, bits: number): Promise<void> {
  const rig = await boot(nv, declared);
  rig.node.setValue(OID, bits);
  rig.node.run(300);
}
function found({ node }: NodeRig): { value: number; origin: string; adjusted: number[] } {
  const v = node.values().find(({ oid }) => oid === OID);
  const adjusted = node.events().filter(({ type }) => type === EventType.VALUE_ADJUSTED);
  return {
    value: f16ToNumber(v?.value ?? NAN),
    origin: ValueOrigin[v?.origin ?? -1] ?? "?",
    adjusted: adjusted.map(({ b }) => b),
  };
}
const cellsOf = ({ node }: NodeRig) =>
  node.storeCells().map(({ type, key, value }) => [CellType[type], key, value]);

describe("a value of the same key", () => {
  it("is kept by an app of the same unit", async () => {
    const nv = await device();
    await saved(nv, { unit: "bar" }, f16FromNumber(20));
    const rig = await boot(nv, { unit: "bar", init: 3 });
    expect(found(rig)).toEqual({ value: 20, origin: "KEPT", adjusted: [] });
  });

  it("is `init` when nothing is stored", async () => {
    expect(found(await boot(await device(), { init: 3 }))).toEqual({
      value: 3,
      origin: "INIT",
      adjusted: [],
    });
  });

  it("is dropped by an app of another unit, and stays stored until that saves", async () => {
    const nv = await device();
    await saved(nv, { unit: "bar" }, f16FromNumber(20));
    const rig = await boot(nv, { unit: "psi", init: 3 });
    const dropped = ValueOrigin.DROPPED | (f16FromNumber(20) << 16);
    expect(found(rig)).toEqual({ value: 3, origin: "DROPPED", adjusted: [dropped] });
    expect(found(await boot(nv, { unit: "bar" })).value).toBe(20);
    await saved(nv, { unit: "psi" }, f16FromNumber(7));
    expect(found(await boot(nv, { unit: "psi" })).value).toBe(7);
    expect(found(await boot(nv, { unit: "bar", init: 2 }))).toMatchObject({
      value: 2,
      origin: "DROPPED",
    });
  });

  it("is dropped where BOOL comes or goes", async () => {
    const nv = await device();
    await saved(nv, { flags: "BOOL" }, f16FromNumber(1));
    expect(found(await boot(nv, { flags: "BOOL", init: 0 }))).toMatchObject({ value: 1 });
    expect(found(await boot(nv, { unit: "bar", init: 5 }))).toMatchObject({ origin: "DROPPED" });
  });

  it("is taken as it is by an app that tells no unit, and by one that is the first to tell one", async () => {
    const nv = await device();
    await saved(nv, { unit: "bar" }, f16FromNumber(20));
    expect(found(await boot(nv, {}))).toMatchObject({ value: 20, origin: "KEPT" });
    const other = await device();
    await saved(other, {}, f16FromNumber(20));
    expect(found(await boot(other, { unit: "bar" }))).toMatchObject({ value: 20, origin: "KEPT" });
    expect(found(await boot(other, { unit: "psi" }))).toMatchObject({
      value: 1,
      origin: "DROPPED",
    });
  });

  // CRC-32 of "bar" is 0x76FF8CAA (zlib), so its meaning is 0x8CAA
  it("notes its unit as the low half of its CRC-32, and nothing for a value without one", async () => {
    const nv = await device();
    await saved(nv, { unit: "bar" }, f16FromNumber(20));
    expect(cellsOf(await start(nv))).toContainEqual(["MEANING", KEY, 0x8caa]);
    const other = await device();
    await saved(other, {}, f16FromNumber(20));
    expect(cellsOf(await start(other))).toEqual([["VALUE", KEY, f16FromNumber(20)]]);
  });

  it("notes no unit where that would take the last quarter of the cells", async () => {
    const nv = await device(4);
    const { node } = await start(nv);
    const values = [1, 2, 3].map((id) => ({
      group: 1,
      id,
      name: `v${id}`,
      unit: "bar",
      persist_key: id,
    }));
    node.load(guestOf(`.value ${JSON.stringify(values)}\n RET\n`, "app").image);
    for (const id of [1, 2]) node.setValue(0x100 + id, f16FromNumber(id));
    node.run(500);
    expect(cellsOf(await start(nv)).filter(([type]) => type === "VALUE").length).toBe(2);
    expect(cellsOf(await start(nv)).length).toBe(3);
  });
});

describe("a range that became narrower", () => {
  const range = { min: -10, max: 10 };
  it.each([
    [20, 10],
    [-20, -10],
    [5, 5],
  ])("takes %d as %d and saves that", async (stored, taken) => {
    const nv = await device();
    await saved(nv, {}, f16FromNumber(stored));
    const rig = await boot(nv, range);
    const isClamped = stored !== taken;
    expect(found(rig)).toEqual({
      value: taken,
      origin: isClamped ? "CLAMPED" : "KEPT",
      adjusted: isClamped ? [(ValueOrigin.CLAMPED | (f16FromNumber(stored) << 16)) >>> 0] : [],
    });
    expect(found(await boot(nv, range))).toEqual({ value: taken, origin: "KEPT", adjusted: [] });
  });

  it("takes an infinity as the limit and a NaN as `init`; without limits both stay", async () => {
    for (const [bits, taken] of [
      [INFINITY, 10],
      [INFINITY | 0x8000, -10],
      [NAN, 1],
    ] as const) {
      const nv = await device();
      await saved(nv, {}, bits);
      expect((await boot(nv, {})).node.getValue(OID)).toBe(bits);
      expect(found(await boot(nv, range))).toMatchObject({ value: taken, origin: "CLAMPED" });
    }
  });
});

describe("an app that replaces another", () => {
  async function replaced(before: Declared, bits: number, after: Declared, rest = 0) {
    const rig = await start(await device());
    const pid = rig.node.load(imageOf(before));
    rig.node.setValue(OID, bits);
    rig.node.run(rest);
    rig.node.load(imageOf(after), { replaces: pid });
    return rig;
  }

  it("has its unsaved value, within its own range", async () => {
    const rig = await replaced({ unit: "bar" }, f16FromNumber(20), {
      unit: "bar",
      min: 0,
      max: 10,
    });
    expect(found(rig)).toMatchObject({ value: 10, origin: "CLAMPED" });
  });

  it.each([0, 300])("has nothing of it in another unit, %d ms after it was set", async (rest) => {
    const rig = await replaced({ unit: "bar" }, f16FromNumber(20), { unit: "psi", init: 4 }, rest);
    expect(found(rig)).toMatchObject({ value: 4, origin: "DROPPED" });
  });

  it("that tells the unit first saves what it took with it", async () => {
    const rig = await replaced({}, f16FromNumber(20), { unit: "psi" });
    rig.node.run(300);
    expect(found(rig)).toMatchObject({ value: 20, origin: "KEPT" });
    expect(cellsOf(rig).map(([type]) => type)).toContain("MEANING");
  });
});

describe("a load that is refused", () => {
  it("saves nothing of what it would have clamped", async () => {
    const nv = await device();
    await saved(nv, {}, f16FromNumber(20));
    const rig = await start(nv);
    rig.node.load(guestOf('.value {"group":2,"id":1}\n RET\n', "other").image);
    const values = [
      { group: 1, id: 1, persist_key: KEY, min: 0, max: 10 },
      { group: 2, id: 1 },
    ];
    const image = guestOf(`.value ${JSON.stringify(values)}\n RET\n`, "app").image;
    expect(() => rig.node.load(image)).toThrow(/other/);
    rig.node.run(500);
    expect(cellsOf(rig)).toEqual([["VALUE", KEY, f16FromNumber(20)]]);
  });
});

describe("one key and two apps that run", () => {
  const group = (n: number, flags?: string) =>
    guestOf(
      `.value ${JSON.stringify({ group: n, id: 1, name: `v${n}`, persist_key: KEY, flags })}\nloop: JMP loop\n`,
      `app${n}`,
    ).image;

  it("refuse the second, with the name of the first", async () => {
    const { node } = await start(await device());
    node.load(group(1));
    expect(() => node.load(group(2))).toThrow(/app1/);
    expect(node.values().length).toBe(1);
  });

  it("let both have it when both declare the same value as shared", async () => {
    const { node } = await start(await device());
    const shared = group(1, "SHARED");
    const other = guestOf(
      `.value ${JSON.stringify({ group: 1, id: 1, name: "v1", persist_key: KEY, flags: "SHARED" })}\nloop: JMP loop\n`,
      "other",
    ).image;
    node.load(shared);
    node.load(other);
    expect(node.tasks().length).toBe(2);
  });

  it.each([0xffff])("refuse key 0x%x, and one key twice in an image", async (key) => {
    const { node } = await start(await device());
    const image = imageOf({}, 1);
    expect(() => node.load(image, { keyBase: key - 1 })).toThrow();
    expect(node.tasks()).toEqual([]);
  });
});
