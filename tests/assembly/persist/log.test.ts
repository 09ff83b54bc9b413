// The store on flash: cells in pages that are erased whole, granules that are programmed once.

import { describe, expect, it } from "vitest";
import { CellType, NO_CELL, StoreState } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { FLASH_GEOMETRY, NvDevice, type NvGeometry } from "../../../host/node/nv.ts";
import { StoreRig } from "../../drivers/store-rig.ts";
import type { ProfileName } from "../../probes/compile.ts";

const PAGES = 3;

async function blankRig(geometry: NvGeometry, profile: ProfileName = "small-flash") {
  const bytes = new Uint8Array(PAGES * geometry.eraseSize).fill(0xff);
  return await StoreRig.open(new NvDevice(bytes, { geometry }), profile);
}
async function readyRig(geometry: NvGeometry) {
  const rig = await blankRig({ ...geometry, eraseSize: 256 });
  expect(rig.mount()).toBe(StoreState.BLANK);
  expect(rig.format(rig.core.storeCapacity(), 7)).toBe(Err.OK);
  return rig;
}

describe.each(Object.entries(FLASH_GEOMETRY))("a store on %s", (_, geometry) => {
  it("keeps values, system words and what was deleted apart, over page turns and restarts", async () => {
    const rig = await readyRig(geometry);
    for (let n = 0; n < 500; n++) {
      rig.set(1 + (n % 5), n);
      if (n % 7 === 0) rig.delete(3);
      if (n % 50 === 0) rig.set(3, n, CellType.SYSTEM);
      if (n % 11 === 0) rig.mount();
    }
    rig.delete(2);
    expect(rig.mount()).toBe(StoreState.READY);
    const found = [1, 2, 3, 4, 5].map((key) => rig.get(key));
    expect(found).toEqual([495, "none", "none", 498, 499]);
    expect(rig.get(3, CellType.SYSTEM)).toBe(450);
    expect([rig.device.misprogrammed, rig.core.schema()]).toEqual([0, 7]);
  });

  it("programs nothing at a mount, nor for an equal value", async () => {
    const rig = await readyRig(geometry);
    rig.set(1, 5);
    const { bytesProgrammed, unitsErased } = rig.device;
    rig.mount();
    rig.set(1, 5);
    expect([rig.device.bytesProgrammed, rig.device.unitsErased]).toEqual([
      bytesProgrammed,
      unitsErased,
    ]);
  });

  it("forgets all at a reset but the factory values that are to be kept", async () => {
    const rig = await readyRig(geometry);
    for (let round = 0; round < 5; round++) {
      rig.set(1, round);
      rig.set(1, 77, CellType.FACTORY);
      expect(rig.reset(true)).toBe(Err.OK);
      rig.mount();
      expect([rig.get(1), rig.get(1, CellType.FACTORY)]).toEqual(["none", 77]);
      expect(rig.reset(false)).toBe(Err.OK);
      rig.mount();
      expect([rig.get(1), rig.get(1, CellType.FACTORY)]).toEqual(["none", "none"]);
    }
    expect(rig.device.misprogrammed).toBe(0);
  });

  it("says FULL before a page turn could fail, and goes on after a delete", async () => {
    const rig = await readyRig(geometry);
    let keys = 0;
    while (rig.set(keys + 1, keys) >= 0) keys++;
    expect(rig.set(keys + 1, 1)).toBe(Err.FULL);
    expect(rig.core.refused()).toBe(10 | (1 << 8)); // Resource.CELLS: one needed, none free
    expect(keys).toBeGreaterThan(20);
    for (let n = 0; n < 100; n++) {
      expect(rig.delete(keys)).toBe(Err.OK);
      expect(rig.set(keys, n)).toBeGreaterThanOrEqual(0);
    }
    rig.mount();
    for (let key = 1; key < keys; key++) expect(rig.get(key)).toBe(key - 1);
  });
});

describe("the store on flash", () => {
  const geometry = { ...FLASH_GEOMETRY.flash8, eraseSize: 256 };

  // docs/persistence.md, "On flash"
  it("begins with the header and the cells of the example", async () => {
    const rig = await readyRig(geometry);
    rig.set(0x1234, 0x3c00);
    rig.delete(0x1234);
    const hex = Buffer.from(rig.device.bytes.subarray(0, 40)).toString("hex");
    expect(hex.match(/.{16}/g)).toEqual([
      "4853585001036000",
      "010007010153edc3",
      "0000000000000000",
      "341200003c5932a5",
      "341201a500cae2f0",
    ]);
  });

  it("has no blobs", async () => {
    const rig = await readyRig(geometry);
    expect(rig.core.storeWriteBlob(1, rig.core.blobBuffer(), 4, NO_CELL)).toBe(Err.UNSUPPORTED);
    expect(rig.format(rig.core.storeCapacity(), 1, 1)).toBe(Err.UNSUPPORTED);
  });

  it.each([
    ["small", StoreState.UNSUPPORTED],
    ["small-flash", StoreState.BLANK],
    ["large", StoreState.BLANK],
    ["desktop", StoreState.BLANK],
  ] as const)("is left out of what an AVR runs alone: %s", async (profile, state) => {
    const rig = await blankRig(geometry, profile);
    expect(rig.mount()).toBe(state);
  });

  it("tells of damage when a granule cannot be read that no power cut tore", async () => {
    const rig = await readyRig(geometry);
    rig.set(1, 1);
    rig.set(2, 2);
    rig.device.unreadable[3] = 1; // the cell of key 1, behind header and dead granule
    rig.mount();
    expect([rig.get(1), rig.get(2), rig.core.damaged()]).toEqual(["none", 2, 1]);
  });

  it.each([0x00, 0x5a])("is not formatted by itself when it holds 0x%s", async (byte) => {
    const rig = await blankRig(geometry);
    rig.device.bytes.fill(byte);
    const state = rig.mount();
    expect(state).toBe(byte === 0 ? StoreState.BLANK : StoreState.READ_ONLY);
    expect(rig.device.unitsErased).toBe(0);
  });
});
