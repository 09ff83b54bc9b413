// Damaged bits: a value is right or reported unreadable, never wrong.

import { describe, expect, it } from "vitest";
import { CellType, StoreState } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { NV_GEOMETRY, NvDevice } from "../../../host/node/nv.ts";
import { StoreRig } from "../../drivers/store-rig.ts";

const CELLS = 20;
const KEYS = Array.from({ length: 10 }, (_, n) => n + 0x1200);

async function filledRig(resets = 0): Promise<StoreRig> {
  const rig = await StoreRig.open(new NvDevice(new Uint8Array(32 + 8 * CELLS).fill(0xff)));
  rig.mount();
  rig.format(CELLS);
  for (let n = 0; n < resets; n++) {
    for (const key of KEYS) rig.set(key, key ^ n);
    rig.reset();
  }
  for (let round = 0; round < 3; round++) for (const key of KEYS) rig.set(key, key ^ (round << 12));
  rig.set(KEYS[0] as number, 0x7777, CellType.SYSTEM);
  return rig;
}
function expected(key: number): number {
  return key ^ 0x2000;
}
function flip(rig: StoreRig, at: number, mask: number): void {
  rig.device.bytes[at] = (rig.device.bytes[at] as number) ^ mask;
}

describe("a bit that changed in a live cell", () => {
  it.each([0, 3])("costs that key at most, and is told, after %i resets", async (resets) => {
    const rig = await filledRig(resets);
    const start = rig.save();
    for (const key of KEYS) {
      const cell = rig.cellOf(key);
      for (let bit = 0; bit < 64; bit++) {
        rig.restore(start);
        flip(rig, 32 + 8 * cell + (bit >> 3), 1 << (bit & 7));
        expect(rig.mount()).toBe(StoreState.READY);
        expect(rig.core.damaged() + rig.core.unfinished()).toBe(1);
        // only a bit of the marker can be told from the rest, and set right
        const isLost = (other: number) => other === key && bit < 56;
        const values = KEYS.map((other) => (isLost(other) ? "stale" : expected(other)));
        const order = bit & 1 ? KEYS : KEYS.toReversed();
        const found = new Map(order.map((other) => [other, rig.get(other)]));
        expect(KEYS.map((other) => found.get(other))).toEqual(values);
        expect(rig.get(KEYS[0] as number, CellType.SYSTEM)).toBe(0x7777);
        expect(rig.core.damaged()).toBe(bit < 56 ? 1 : 0);
      }
    }
  });

  it("is reported again at each boot until the key is saved again", async () => {
    const rig = await filledRig();
    const [key = 0] = KEYS;
    flip(rig, 32 + 8 * rig.cellOf(key) + 3, 0x10);
    for (let boot = 0; boot < 3; boot++) {
      rig.mount();
      expect([rig.get(key), rig.core.damaged()]).toEqual(["stale", 1]);
    }
    expect(rig.set(key, 5)).toBeGreaterThanOrEqual(0);
    rig.mount();
    expect([rig.get(key), rig.core.damaged()]).toEqual([5, 0]);
  });

  it.each(Object.keys(NV_GEOMETRY) as (keyof typeof NV_GEOMETRY)[])(
    "of another type leaves the key of that type alone, at every boot (%s)",
    async (medium) => {
      const bytes = new Uint8Array(32 + 8 * CELLS).fill(0xff);
      const rig = await StoreRig.open(new NvDevice(bytes, { geometry: NV_GEOMETRY[medium] }));
      rig.mount();
      rig.format(CELLS);
      const cell = rig.set(7, 0x1234, CellType.SYSTEM);
      rig.device.bytes[32 + 8 * cell + 7] = CellType.VALUE;
      for (let boot = 0; boot < 3; boot++) {
        rig.mount();
        expect([rig.get(7), rig.get(7, CellType.SYSTEM)]).toEqual(["none", "none"]);
      }
    },
  );

  it("never gives a wrong value with up to five changed bits", async () => {
    const rig = await filledRig();
    const start = rig.save();
    const [key = 0] = KEYS;
    const base = 32 + 8 * rig.cellOf(key);
    let state = 1;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 26;
    };
    for (let n = 0; n < 8000; n++) {
      rig.restore(start);
      for (let flips = 2 + (n & 3); flips > 0; flips--) {
        const bit = next();
        flip(rig, base + (bit >> 3), 1 << (bit & 7));
      }
      rig.mount();
      expect([n, "stale", "none", expected(key)]).toContain(rig.get(key));
    }
  });
});

describe("a bit that is stuck", () => {
  it.each([0, 1] as const)(
    "at %i never makes a wrong value, and its cell is left",
    async (level) => {
      const rig = await filledRig();
      const start = rig.save();
      const [key = 0, ...others] = KEYS;
      let retired = 0;
      for (let bit = 0; bit < 64 * CELLS; bit += 5) {
        rig.restore(start);
        const address = 32 + (bit >> 3);
        rig.device.stuckBits = [{ address, bit: bit & 7, level }];
        for (let n = 0; n < 40; n++) {
          expect(rig.set(key, n)).toBeGreaterThanOrEqual(0);
          expect(rig.get(key)).toBe(n);
        }
        retired += rig.core.retired();
        expect(rig.mount()).toBe(StoreState.READY);
        expect(rig.get(key)).toBe(39);
        for (const other of others) expect(rig.get(other)).toBe(expected(other));
      }
      rig.device.stuckBits = [];
      expect(retired).toBeGreaterThan(50);
    },
  );

  it("in every cell that is free fails the save and keeps the value", async () => {
    const rig = await filledRig();
    const [key = 0] = KEYS;
    const stuck = Array.from({ length: CELLS }, (_, cell) => cell).filter(
      (cell) => !rig.core.taken(cell),
    );
    rig.device.stuckBits = stuck.map((cell) => ({
      address: 32 + 8 * cell + 5,
      bit: 0,
      level: 1 as const,
    }));
    rig.device.stuckBits = [
      ...rig.device.stuckBits,
      ...stuck.map((cell) => ({ address: 32 + 8 * cell + 6, bit: 7, level: 0 as const })),
      ...stuck.map((cell) => ({ address: 32 + 8 * cell + 3, bit: 0, level: 0 as const })),
    ];
    expect(rig.set(key, 1)).toBe(Err.IO);
    expect(rig.core.storeState()).toBe(StoreState.FAILED);
    rig.mount();
    expect(rig.get(key)).toBe(expected(key));
  });
});

describe("random bytes", () => {
  it.each(Object.keys(NV_GEOMETRY) as (keyof typeof NV_GEOMETRY)[])(
    "as a whole %s mount without a write, a trap or an endless loop",
    async (medium) => {
      const device = new NvDevice(new Uint8Array(32 + 8 * CELLS), {
        geometry: NV_GEOMETRY[medium],
      });
      const rig = await StoreRig.open(device);
      let state = 7;
      for (let n = 0; n < 3000; n++) {
        for (let at = 0; at < device.bytes.length; at++) {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          device.bytes[at] = state >>> 24;
        }
        expect(rig.mount()).toBe(StoreState.READ_ONLY);
      }
      expect(device.bytesProgrammed + device.unitsErased).toBe(0);
    },
  );

  it("behind a sound superblock hold no value, and the store works", async () => {
    const rig = await filledRig();
    const { bytes } = rig.device;
    let state = 9;
    let live = 0;
    for (let n = 0; n < 3000; n++) {
      for (let at = 32; at < bytes.length; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        // markers are made likely, else nearly nothing would be looked at
        const isMarker = at % 8 === 7 && state % 4 !== 0;
        bytes[at] = isMarker ? CellType.VALUE : state >>> 24;
      }
      if (rig.mount() !== StoreState.READY) continue; // a cell of a later epoch, by chance
      live += rig.core.live();
      expect(rig.set(0x1234, n)).toBeGreaterThanOrEqual(0);
      expect(rig.get(0x1234)).toBe(n);
    }
    expect(live).toBeLessThan(8); // 45,000 marked cells, each sound with probability 2^-16
  });
});

describe("the cell of a word", () => {
  it.each([
    [1, 5],
    [2, 5],
    [0x203, 19],
  ])(
    "is mended when one bit has changed, and not when two or three have (epoch %i, cell %i)",
    async (epoch, cell) => {
      const rig = await StoreRig.open(new NvDevice(new Uint8Array(512).fill(0xff)));
      const { mended } = rig.core;
      expect([1, 2, 3].map((flips) => mended(flips, 0x0101, 0x1201, cell, epoch))).toEqual([
        56, 0, 0,
      ]);
    },
  );
});
