// The cell store: the bytes on the medium, what a user of it sees, and devices that are not what they should be.

import { describe, expect, it } from "vitest";
import { CellType, NO_CELL, StoreState } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { NV_GEOMETRY, NvDevice, type NvGeometry } from "../../../host/node/nv.ts";
import { StoreRig } from "../../drivers/store-rig.ts";

const CELLS = 28;

async function blankRig(geometry: NvGeometry = NV_GEOMETRY.fram, cells = CELLS, fill = 0xff) {
  const device = new NvDevice(new Uint8Array(32 + 8 * cells).fill(fill), { geometry });
  return await StoreRig.open(device);
}
async function readyRig(geometry: NvGeometry = NV_GEOMETRY.fram, cells = CELLS) {
  const rig = await blankRig(geometry, cells);
  rig.mount();
  expect(rig.format(cells)).toBe(Err.OK);
  return rig;
}
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/..(?!$)/g, "$& ");
}

describe("the media format", () => {
  // the examples of docs/persistence.md, "Superblock" and "Cell"
  it("writes the superblock of the example", async () => {
    const rig = await blankRig(NV_GEOMETRY.fram, 60);
    rig.mount();
    expect(rig.format(60, 7)).toBe(Err.OK);
    expect(hex(rig.device.bytes.subarray(0, 16))).toBe(
      "48 53 58 50 01 03 3c 00 01 00 07 00 01 e0 d1 c3",
    );
  });

  it.each([
    [1, 0, 0, "34 12 00 00 3c 47 d6 a5"],
    [1, 5, 1, "34 12 01 00 3c 74 ef a5"],
    [2, 5, 1, "34 12 01 00 3c 05 05 a5"],
  ])(
    "encodes the cell of epoch %i, place %i, generation %i",
    async (epoch, cell, generation, bytes) => {
      const rig = await blankRig();
      const { memory, scratch, encode } = rig.core;
      encode(CellType.VALUE, 0x1234, generation, 0x3c00, cell, epoch);
      expect(hex(new Uint8Array(memory.buffer, scratch(), 8))).toBe(bytes);
    },
  );

  it("reads a cell another writer put there", async () => {
    const rig = await readyRig();
    const cell = Uint8Array.from([0x34, 0x12, 1, 0, 0x3c, 0x74, 0xef, 0xa5]);
    rig.device.bytes.set(cell, 32 + 8 * 5);
    rig.mount();
    expect(rig.find(0x1234)).toBe(5);
    expect(rig.get(0x1234)).toBe(0x3c00);
  });

  it("takes the newer of two superblocks, across the wrap of their sequence", async () => {
    const rig = await readyRig();
    for (let epoch = 2; epoch < 300; epoch++) {
      expect(rig.reset(epoch % 2 === 0)).toBe(Err.OK);
      expect(rig.mount()).toBe(StoreState.READY);
      expect(rig.core.epoch()).toBe(epoch);
    }
  });
});

describe.each(Object.entries(NV_GEOMETRY))("a store on %s", (name, geometry) => {
  it("keeps values and system words apart, over a restart", async () => {
    const rig = await readyRig(geometry);
    rig.set(7, 0x3c00);
    rig.set(7, 0x1234, CellType.SYSTEM);
    rig.set(8, 1);
    rig.set(8, 2);
    rig.delete(8);
    expect(rig.mount()).toBe(StoreState.READY);
    expect([rig.get(7), rig.get(7, CellType.SYSTEM), rig.get(8), rig.get(9)]).toEqual([
      0x3c00,
      0x1234,
      "none",
      "none",
    ]);
  });

  it("keeps a cell of each type for one key, and drops all but the factory value at a reset", async () => {
    const rig = await readyRig(geometry);
    const types = [0xa5, 0x69, 0x5a, 0x3c, 0xc3]; // value, system, factory, shadow, meaning
    const found = () => {
      rig.mount();
      return types.map((type) => rig.get(7, type));
    };
    for (const type of types) rig.set(7, type, type);
    expect(found()).toEqual(types);
    rig.delete(7, CellType.SHADOW);
    expect(found()).toEqual([0xa5, 0x69, 0x5a, "none", 0xc3]);
    rig.set(7, 1, CellType.SHADOW);
    rig.reset(true);
    expect(found()).toEqual(["none", "none", 0x5a, "none", "none"]);
  });

  it("lets a value rest 100 ms on FRAM and 60 s on all else before it is saved", async () => {
    const rig = await readyRig(geometry);
    expect(rig.core.storeDebounce()).toBe(name === "fram" ? 100 : 60_000);
  });

  it("programs nine bytes an update, eight for a new key and none for an equal value", async () => {
    const rig = await readyRig(geometry);
    const cost = (act: () => void) => {
      const before = rig.device.bytesProgrammed;
      act();
      return rig.device.bytesProgrammed - before;
    };
    expect(cost(() => rig.set(1, 100))).toBe(8);
    for (let n = 0; n < 200; n++) expect(cost(() => rig.set(1, n))).toBe(9);
    expect(cost(() => rig.set(1, 199))).toBe(0);
    expect(rig.core.programmed()).toBe(8 + 200 * 9); // since the format
  });

  it("reads 32 + 8 S bytes at a mount and writes none, however often", async () => {
    const rig = await readyRig(geometry);
    for (let key = 1; key <= 10; key++) rig.set(key, key);
    const { bytesProgrammed } = rig.device;
    for (let n = 0; n < 3; n++) {
      const { bytesRead } = rig.device;
      rig.mount();
      expect(rig.device.bytesRead - bytesRead).toBe(32 + 8 * CELLS);
    }
    expect(rig.device.bytesProgrammed).toBe(bytesProgrammed);
  });

  it("writes nothing at the boot after a delete that ended", async () => {
    const rig = await readyRig(geometry);
    for (let n = 0; n < 20; n++) rig.set(1, n);
    rig.delete(1);
    const { bytesProgrammed } = rig.device;
    rig.mount();
    expect(rig.get(1)).toBe("none");
    expect(rig.device.bytesProgrammed).toBe(bytesProgrammed);
  });

  it("forgets everything at a factory reset, which writes 17 bytes at most", async () => {
    const rig = await readyRig(geometry);
    for (let round = 0; round < 4; round++) {
      for (let key = 1; key <= 10; key++) rig.set(key, key + round);
      const { bytesProgrammed } = rig.device;
      expect(rig.reset()).toBe(Err.OK);
      expect(rig.device.bytesProgrammed - bytesProgrammed).toBeLessThanOrEqual(17);
      rig.mount();
      for (let key = 1; key <= 10; key++) expect(rig.get(key)).toBe("none");
      expect(rig.core.damaged()).toBe(0);
    }
  });

  it("fills to the last cell, says FULL, and can be written again after a delete", async () => {
    const rig = await readyRig(geometry);
    for (let key = 1; key <= CELLS; key++) expect(rig.set(key, key)).toBeGreaterThanOrEqual(0);
    expect(rig.set(99, 1)).toBe(Err.FULL);
    expect(rig.core.refused()).toBe(10 | (1 << 8)); // Resource.CELLS: one needed, none free
    expect(rig.set(5, 6)).toBe(Err.FULL);
    expect(rig.get(5)).toBe(5);
    expect(rig.delete(6)).toBe(Err.OK);
    expect(rig.set(5, 6)).toBeGreaterThanOrEqual(0);
    rig.mount();
    expect(rig.get(5)).toBe(6);
    expect(rig.get(6)).toBe("none");
    expect(rig.core.live()).toBe(CELLS - 1);
  });

  it("spreads the wear of one hot key evenly over the free cells, restarts included", async () => {
    const rig = await readyRig(geometry);
    for (let key = 1; key <= 8; key++) rig.set(key, key);
    rig.device.wear.fill(0);
    for (let n = 0; n < 9000; n++) {
      if (n % 3 === 0) rig.mount();
      rig.set(1, n & 0xffff);
    }
    const wear = Array.from({ length: CELLS }, (_, cell) => rig.device.wear[32 + 8 * cell] ?? 0);
    const used = wear.filter((times) => times > 0);
    const mean = used.reduce((sum, times) => sum + times, 0) / used.length;
    expect(used.length).toBe(CELLS - 7);
    expect(Math.max(...used) / mean).toBeLessThan(1.25);
  });

  it("never reads or programs while the device is busy, and gets by with the time it takes", async () => {
    let now_us = 0;
    const device = new NvDevice(new Uint8Array(32 + 8 * CELLS).fill(0xff), {
      geometry,
      clock_us: () => now_us,
    });
    const rig = await StoreRig.open(device);
    rig.onPoll = () => {
      now_us += 100;
    };
    rig.mount();
    expect(rig.format(CELLS)).toBe(Err.OK);
    rig.set(1, 1);
    const started_us = now_us;
    expect(rig.set(1, 2)).toBeGreaterThanOrEqual(0);
    const took_ms = (now_us - started_us) / 1000;
    const least_ms = { fram: 0, eeprom: 9 * 3.4, eeprom8: 9 * 0.07 }[name] ?? 0;
    expect(took_ms).toBeGreaterThanOrEqual(least_ms);
    expect(took_ms).toBeLessThan(least_ms + 13);
    rig.mount();
    expect(rig.get(1)).toBe(2);
  });
});

describe("the cell that is taken", () => {
  it("loses an earlier epoch's marker first, for a tenth byte", async () => {
    const rig = await readyRig();
    for (let key = 1; key <= CELLS; key++) rig.set(key, key);
    rig.reset();
    rig.set(1, 1);
    const { bytesProgrammed } = rig.device;
    rig.set(1, 2);
    expect(rig.device.bytesProgrammed - bytesProgrammed).toBe(10);
  });

  it("is a damaged one only when there is hardly another", async () => {
    const rig = await readyRig();
    for (let key = 1; key <= 4; key++) rig.set(key, key);
    const damagedCells = [1, 2, 3].map((key) => rig.cellOf(key));
    for (const cell of damagedCells) rig.device.bytes[32 + 8 * cell + 3] = 0x55;
    rig.mount();
    for (let n = 0; n < 500; n++) rig.set(4, n);
    expect(rig.core.damaged()).toBe(3);
    for (let key = 5; key <= CELLS + 3; key++) expect(rig.set(key, key)).toBeGreaterThanOrEqual(0);
    expect(rig.core.damaged()).toBe(0);
  });
});

describe.each(["small", "large", "desktop"] as const)("the store of the %s profile", (profile) => {
  it("holds 1,020 values and finds each", async () => {
    const device = new NvDevice(new Uint8Array(8192).fill(0xff));
    const rig = await StoreRig.open(device, profile);
    rig.mount();
    expect(rig.core.storeCapacity()).toBe(1020);
    expect(rig.format(1020)).toBe(Err.OK);
    for (let key = 1; key <= 1020; key++) {
      expect(rig.core.storeWrite(CellType.VALUE, key, key ^ 0x55, NO_CELL)).toBe(Err.OK);
      rig.finish();
      expect(rig.core.storeResult()).toBeGreaterThanOrEqual(0);
    }
    rig.mount();
    expect([rig.core.live(), rig.core.free()]).toEqual([1020, 0]);
    for (let key = 1; key <= 1020; key += 101) expect(rig.get(key)).toBe(key ^ 0x55);
  });
});

describe("one job at a time", () => {
  it("refuses a second job until the result of the first was taken", async () => {
    const { core } = await readyRig();
    expect(core.storeResult()).toBe(Err.NO_DATA);
    expect(core.storeWrite(CellType.VALUE, 1, 2, NO_CELL)).toBe(Err.OK);
    expect(core.storeResult()).toBe(Err.BUSY);
    expect(core.storeFind(CellType.VALUE, 1)).toBe(Err.BUSY);
    while (core.storePoll() === Err.BUSY);
    expect(core.storeFind(CellType.VALUE, 1)).toBe(Err.BUSY);
    expect(core.storeResult()).toBeGreaterThanOrEqual(0);
    expect(core.storeFind(CellType.VALUE, 1)).toBe(Err.OK);
  });

  it("refuses keys that cannot be, types that are none, and another key's cell", async () => {
    const rig = await readyRig();
    const { core } = rig;
    for (const key of [0, 0xffff]) {
      expect(core.storeWrite(CellType.VALUE, key, 1, NO_CELL)).toBe(Err.INVALID);
    }
    for (const type of [0x00, 0xff, 0xf0, 0xa4]) {
      expect(core.storeFind(type, 1)).toBe(Err.INVALID);
    }
    const cell = rig.set(1, 1);
    expect(core.storeWrite(CellType.VALUE, 2, 1, cell)).toBe(Err.INVALID);
    expect(core.storeWrite(CellType.SYSTEM, 1, 1, cell)).toBe(Err.INVALID);
    expect(core.storeDelete(CellType.VALUE, 2, cell)).toBe(Err.INVALID);
    expect(core.storeRead(CELLS)).toBe(Err.INVALID);
    expect(rig.get(1)).toBe(1);
  });

  it("does no more than one slice of reading in a poll", async () => {
    const rig = await readyRig(NV_GEOMETRY.fram, 1020);
    for (let key = 1; key <= 64; key++) rig.set(key, key);
    rig.bytesReadMax = 0;
    rig.mount();
    for (let key = 1; key <= 64; key++) expect(rig.get(key)).toBe(key);
    rig.set(1, 2);
    expect(rig.bytesReadMax).toBeLessThanOrEqual(16 * 8);
  });
});

describe("a device that is not what it should be", () => {
  it.each([0x00, 0xff])(
    "is BLANK when all is 0x%s, and formatted by command only",
    async (fill) => {
      const rig = await blankRig(NV_GEOMETRY.fram, CELLS, fill);
      expect(rig.mount()).toBe(StoreState.BLANK);
      expect(rig.core.storeWrite(CellType.VALUE, 1, 1, NO_CELL)).toBe(Err.STATE);
      expect(rig.device.bytes.every((byte) => byte === fill)).toBe(true);
      expect(rig.format(CELLS + 1)).toBe(Err.RANGE);
      expect(rig.format(0)).toBe(Err.RANGE);
      expect(rig.format(CELLS)).toBe(Err.OK);
      expect(rig.core.storeState()).toBe(StoreState.READY);
    },
  );

  it("is READ_ONLY when one byte of it is not blank, and nothing is written", async () => {
    for (const at of [0, 15, 16, 31, 32, 32 + 8 * CELLS - 1]) {
      const rig = await blankRig();
      rig.device.bytes[at] = 0x5a;
      expect(rig.mount()).toBe(StoreState.READ_ONLY);
      expect(rig.find(1)).toBe(Err.STORE_READ_ONLY);
      expect(rig.core.storeWrite(CellType.VALUE, 1, 1, NO_CELL)).toBe(Err.STORE_READ_ONLY);
      expect(rig.device.bytesProgrammed).toBe(0);
    }
  });

  it("is READ_ONLY when the superblock has lost a bit, any bit", async () => {
    const rig = await readyRig();
    const { bytesProgrammed } = rig.device;
    for (let bit = 0; bit < 128; bit++) {
      const mask = 1 << (bit & 7);
      rig.device.bytes[bit >> 3] = (rig.device.bytes[bit >> 3] as number) ^ mask;
      expect(rig.mount()).toBe(StoreState.READ_ONLY);
      rig.device.bytes[bit >> 3] = (rig.device.bytes[bit >> 3] as number) ^ mask;
    }
    expect(rig.device.bytesProgrammed).toBe(bytesProgrammed);
    expect(rig.mount()).toBe(StoreState.READY);
  });

  it("is READ_ONLY when the superblock of the last reset is lost, instead of the values before it", async () => {
    const rig = await readyRig();
    rig.set(1, 100);
    rig.reset();
    rig.set(2, 200);
    rig.device.bytes[16 + 8] = 0xee; // copy B, epoch
    expect(rig.mount()).toBe(StoreState.READ_ONLY);
  });

  it("is not formatted for more cells or extents than fit, nor for a schema beyond a byte", async () => {
    const device = new NvDevice(new Uint8Array(32 + 8 * CELLS + 64 * 2 + 63).fill(0xff));
    const rig = await StoreRig.open(device);
    rig.mount();
    expect(rig.format(CELLS, 1, 3)).toBe(Err.TOO_LARGE);
    expect(rig.format(CELLS, 1, 65)).toBe(Err.RANGE);
    expect(rig.format(CELLS, 256, 0)).toBe(Err.RANGE);
    expect(device.bytesProgrammed).toBe(0);
    expect(rig.format(CELLS, 1, 2)).toBe(Err.OK);
    rig.mount();
    expect([rig.core.storeState(), rig.core.storeEnd()]).toEqual([
      StoreState.READY,
      32 + 8 * CELLS + 128,
    ]);
  });

  it("is READ_ONLY when it ends within the extents its superblock tells of", async () => {
    const large = await StoreRig.open(new NvDevice(new Uint8Array(32 + 80 + 128).fill(0xff)));
    large.mount();
    large.format(10, 1, 2);
    const rig = await StoreRig.open(new NvDevice(large.device.bytes.slice(0, 32 + 80 + 127)));
    expect(rig.mount()).toBe(StoreState.READ_ONLY);
  });

  it("is READ_ONLY when it is smaller than its superblock says", async () => {
    const large = await readyRig(NV_GEOMETRY.fram, 60);
    const rig = await blankRig(NV_GEOMETRY.fram, 59);
    rig.device.bytes.set(large.device.bytes.subarray(0, rig.device.bytes.length));
    expect(rig.mount()).toBe(StoreState.READ_ONLY);
  });

  it.each([
    ["absent", StoreState.ABSENT, Err.ABSENT],
    ["io", StoreState.FAILED, Err.IO],
  ] as const)("is told as %s", async (fault, state, err) => {
    const rig = await readyRig();
    rig.set(1, 1);
    rig.device.fault = fault;
    expect(rig.mount()).toBe(state);
    expect(rig.find(1)).toBe(err);
    expect(rig.format(CELLS)).toBe(err);
    rig.device.fault = "none";
    expect(rig.mount()).toBe(StoreState.READY);
    expect(rig.get(1)).toBe(1);
  });

  it.each(["stuck-00", "stuck-ff"] as const)(
    "with its bus %s is never formatted, not even by command",
    async (fault) => {
      const rig = await readyRig();
      rig.set(1, 1);
      rig.device.fault = fault;
      expect(rig.mount()).toBe(StoreState.BLANK);
      expect(rig.format(CELLS)).toBe(Err.IO);
      expect(rig.core.storeState()).toBe(StoreState.FAILED);
      rig.device.fault = "none";
      expect(rig.mount()).toBe(StoreState.READY);
      expect(rig.get(1)).toBe(1);
    },
  );

  it("fails the save and keeps the old value when it fails in the middle of a job", async () => {
    const rig = await readyRig();
    rig.set(1, 1);
    for (const fault of ["io", "absent", "stuck-00", "stuck-ff"] as const) {
      rig.get(1);
      const { storeWrite, storePoll, storeResult } = rig.core;
      expect(storeWrite(CellType.VALUE, 1, 2, rig.cellOf(1))).toBe(Err.OK);
      rig.device.fault = fault;
      rig.finish();
      expect(storeResult()).toBeLessThan(0);
      expect(storePoll()).toBe(Err.OK);
      rig.device.fault = "none";
      expect(rig.mount()).toBe(StoreState.READY);
      expect(rig.get(1)).toBe(1);
    }
  });

  it.each([
    [16, 4096],
    [3, 4096],
    [0, 39],
  ])("is UNSUPPORTED with erase units of %i and %i bytes", async (eraseSize, size) => {
    const geometry = { ...NV_GEOMETRY.eeprom, eraseSize };
    const rig = await StoreRig.open(new NvDevice(new Uint8Array(size), { geometry }));
    expect(rig.mount()).toBe(StoreState.UNSUPPORTED);
    expect(rig.format(4)).toBe(Err.UNSUPPORTED);
  });
});

describe.each(Object.entries(NV_GEOMETRY))("blobs on %s", (_, geometry) => {
  const blob = (length: number, from = 1) => Uint8Array.from({ length }, (_, n) => from + n);
  async function rigWithExtents(extents: number) {
    const device = new NvDevice(new Uint8Array(32 + 8 * CELLS + 64 * extents).fill(0xff), {
      geometry,
    });
    const rig = await StoreRig.open(device);
    rig.mount();
    expect(rig.format(CELLS, 1, extents)).toBe(Err.OK);
    return rig;
  }

  it("of 0 to 56 bytes are kept over a restart, beside values of the same key", async () => {
    const rig = await rigWithExtents(5);
    expect(rig.core.storeEnd()).toBe(32 + 8 * CELLS + 5 * 64);
    for (const [key, length] of [
      [1, 0],
      [2, 1],
      [3, 55],
      [4, 56],
    ] as const) {
      expect(rig.setBlob(key, blob(length, key))).toBeGreaterThanOrEqual(0);
      rig.set(key, key);
    }
    rig.mount();
    for (const [key, length] of [
      [1, 0],
      [2, 1],
      [3, 55],
      [4, 56],
    ] as const) {
      expect(rig.getBlob(key)).toEqual(blob(length, key));
      expect(rig.get(key)).toBe(key);
    }
    expect(rig.setBlob(5, blob(57))).toBe(Err.TOO_LARGE);
  });

  it("need a free extent to be changed; deleting one makes room", async () => {
    const rig = await rigWithExtents(2);
    rig.setBlob(1, blob(9));
    for (let n = 0; n < 20; n++) expect(rig.setBlob(1, blob(9, n))).toBeGreaterThanOrEqual(0);
    rig.setBlob(2, blob(5));
    expect(rig.setBlob(1, blob(3))).toBe(Err.FULL);
    expect(rig.getBlob(1)).toEqual(blob(9, 19));
    rig.find(2, CellType.BLOB);
    expect(rig.delete(2, CellType.BLOB)).toBe(Err.OK);
    expect(rig.setBlob(1, blob(3))).toBeGreaterThanOrEqual(0);
  });

  it("are reported unreadable when a bit of their extent has changed", async () => {
    const rig = await rigWithExtents(1);
    rig.setBlob(7, blob(16));
    for (let bit = 0; bit < 8 * 24; bit += 5) {
      const at = 32 + 8 * CELLS + (bit >> 3);
      rig.device.bytes[at] = (rig.device.bytes[at] as number) ^ (1 << (bit & 7));
      rig.mount();
      expect(rig.getBlob(7)).toBe("stale");
      rig.device.bytes[at] = (rig.device.bytes[at] as number) ^ (1 << (bit & 7));
    }
    rig.mount();
    expect(rig.getBlob(7)).toEqual(blob(16));
  });
});

describe("a boot after a clean stop", () => {
  it("writes nothing, though one key was written a thousand times among a thousand free cells", async () => {
    const rig = await readyRig(NV_GEOMETRY.fram, 1020);
    for (let key = 1; key <= 20; key++) rig.set(key, key);
    for (let boot = 0; boot < 10; boot++) {
      for (let n = 0; n < 300; n++) rig.set(1, n + boot);
      const { bytesProgrammed } = rig.device;
      rig.mount();
      for (let key = 1; key <= 20; key++) rig.get(key);
      expect(rig.device.bytesProgrammed).toBe(bytesProgrammed);
    }
  });

  it("finds factory values after a reset that keeps them, and none after one that does not", async () => {
    const rig = await readyRig();
    const found = () => {
      rig.mount();
      return [rig.get(1), rig.get(1, CellType.FACTORY), rig.core.damaged()];
    };
    for (let round = 0; round < 3; round++) {
      rig.set(1, 5, CellType.FACTORY);
      rig.set(1, 6);
      expect(found()).toEqual([6, 5, 0]);
      rig.reset(true);
      expect(found()).toEqual(["none", 5, 0]);
      rig.reset(false);
      expect(found()).toEqual(["none", "none", 0]);
    }
  });
});
