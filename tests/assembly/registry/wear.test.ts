// Wear: what the medium has borne is counted over restarts, estimated, and its end refused.

import { describe, expect, it } from "vitest";
import { CellType, NvMedium } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { EventType } from "../../../assembly/spec/node.ts";
import { FLASH_GEOMETRY, NV_GEOMETRY, NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";
import { StoreRig } from "../../drivers/store-rig.ts";

const OID = 0x101;
const APP = guestOf(`.value {"group":1,"id":1,"persist_key":1}\n RET\n`, "app").image;
/** docs/persistence.md, "Wear". */
const COUNT_KEY = 0x0142;

function deviceOf(medium: keyof typeof NV_GEOMETRY): NvDevice {
  return new NvDevice(new Uint8Array(512).fill(0xff), { geometry: NV_GEOMETRY[medium] });
}
async function start(nv: NvDevice, profile: "small" | "large" = "small"): Promise<NodeRig> {
  const rig = await startNode(profile, { nv });
  if (rig.node.store().cells === 0) rig.node.formatStore(rig.node.store().capacityCells, 0);
  rig.node.load(APP);
  return rig;
}
/** Saves the value so often, at once, and gives the node time to count. */
function save({ node }: NodeRig, times: number, from = 0): boolean {
  let isSaved = true;
  for (let n = 0; n < times; n++) {
    node.setValue(OID, 1 + ((from + n) & 0x3fff));
    isSaved = node.powerFail() && isSaved;
    node.run(1);
  }
  return isSaved;
}

describe("the count of uses", () => {
  // 600 saves, the generation comes round at the 257th and the 513th: two commits of the count; 58 of 60 cells are free
  it("is the number of commits, over twelve restarts", async () => {
    const nv = deviceOf("eeprom");
    for (let n = 0; n < 12; n++) save(await start(nv), 50, n * 50);
    const { node } = await start(nv);
    const { medium, wear, wearMax, updatesLeft } = node.store();
    expect({ medium, wear, wearMax, updatesLeft }).toEqual({
      medium: NvMedium.EEPROM,
      wear: 602,
      wearMax: 2_950_000,
      updatesLeft: 2_949_398,
    });
  });

  it("loses 256 when power is cut before it is written", async () => {
    const nv = deviceOf("eeprom");
    const { node } = await start(nv);
    for (let n = 0; n < 257; n++) {
      node.setValue(OID, 1 + n);
      expect(node.powerFail()).toBe(true);
    }
    expect(node.store().wear).toBe(257);
    expect((await start(nv)).node.store().wear).toBe(1);
  });

  it("outlives a factory reset and a format to 256", async () => {
    const nv = deviceOf("eeprom");
    const rig = await start(nv);
    save(rig, 600);
    rig.node.resetStore({ keepsFactory: false });
    rig.node.run(10);
    expect((await start(nv)).node.store().wear).toBe(513); // 2 * 256, and its own commit
    rig.node.formatStore(60, 0);
    rig.node.run(10);
    expect((await start(nv)).node.store().wear).toBe(513);
  });

  it("costs nothing on FRAM, which bears all", async () => {
    const nv = deviceOf("fram");
    const rig = await start(nv);
    save(rig, 600);
    const { medium, wearMax, updatesLeft, saved } = rig.node.store();
    expect({ medium, wearMax, updatesLeft, saved }).toEqual({
      medium: NvMedium.FRAM,
      wearMax: undefined,
      updatesLeft: undefined,
      saved: 600,
    });
    expect(rig.node.storeCells().filter(({ key }) => key === COUNT_KEY)).toEqual([]);
  });

  it("is that of the cells' erasures where a medium has erase units: twice as many are borne", async () => {
    const { node } = await start(deviceOf("eeprom8"));
    expect(node.store().wearMax).toBe(6_100_000); // 61 * 100,000
  });

  // three pages of 32 cells, two of them a header; the value and the count take one cell of each page that counts, on average
  it("is that of page turns on flash, over restarts", async () => {
    const geometry = { ...FLASH_GEOMETRY.flash8, eraseSize: 256 };
    const nv = new NvDevice(new Uint8Array(768).fill(0xff), { geometry });
    const rig = await start(nv, "large");
    const erased = nv.unitsErased;
    save(rig, 8000);
    const turns = nv.unitsErased - erased;
    expect(turns).toBeGreaterThan(256);
    const { node } = await start(nv, "large");
    const { medium, wear, wearMax, updatesLeft } = node.store();
    expect({ medium, wear, wearMax }).toEqual({
      medium: NvMedium.FLASH,
      wear: 1 + turns,
      wearMax: 30_000,
    });
    expect(updatesLeft).toBe((30_000 - 1 - turns) * 29);
  });
});

describe("a worn medium", () => {
  /** 11,523 * 256 uses and the commit of the count: 111 below the 2,950,000 of 58 free cells and one. */
  async function worn(): Promise<NvDevice> {
    const nv = deviceOf("eeprom");
    const rig = await StoreRig.open(nv);
    rig.mount();
    rig.format(60);
    rig.set(COUNT_KEY, 11_523, CellType.SYSTEM);
    return nv;
  }

  it("takes the last value of its endurance and no more, and says so once", async () => {
    const nv = await worn();
    const rig = await start(nv);
    expect(rig.node.store().wear).toBe(2_949_889);
    expect(save(rig, 111)).toBe(true);
    rig.node.events();
    expect(save(rig, 2, 500)).toBe(false);
    expect(rig.node.store().updatesLeft).toBe(0);
    rig.node.run(120_000);
    const events = rig.node.events();
    const ends = events.filter(({ type }) => type === EventType.WORN);
    expect(ends.map(({ a, b }) => [a, b])).toEqual([[0, 2_950_000]]);
    const failed = events.filter(({ type }) => type === EventType.SAVE_FAILED);
    expect(failed.length).toBeGreaterThan(1);
    expect(new Set(failed.map(({ a, b }) => `${a} ${b}`))).toEqual(new Set(["257 22"]));
  });

  it("keeps the value in memory, is read as ever, and refuses a save by command", async () => {
    const nv = await worn();
    const rig = await start(nv);
    save(rig, 112);
    expect(rig.node.getValue(OID)).toBe(112);
    expect(() => rig.node.saveValue(OID)).toThrow(expect.objectContaining({ code: Err.WORN }));
    const programmed = nv.bytesProgrammed;
    const { node } = await start(nv);
    expect(node.getValue(OID)).toBe(111);
    expect(nv.bytesProgrammed).toBe(programmed);
  });

  it("still takes the node's own words", async () => {
    const nv = await worn();
    const rig = await start(nv);
    save(rig, 112);
    rig.node.provision.formatSlots(0, 256);
    expect(rig.node.storeCells().filter(({ type }) => type === CellType.SYSTEM).length).toBe(2);
  });
});
