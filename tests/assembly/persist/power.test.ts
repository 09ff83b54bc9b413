// Power cuts: a key has its old value or its new one, and nothing else has changed.

import { describe, expect, it } from "vitest";
import { CellType, StoreState } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { NV_GEOMETRY, NvDevice, PowerCut } from "../../../host/node/nv.ts";
import { proveCuts } from "../../drivers/power-cuts.ts";
import { STORE_FAULTS } from "../../drivers/store-faults.ts";
import { StoreRig } from "../../drivers/store-rig.ts";

/** What an app gets: an unreadable key is as good as none. */
function appValue(rig: StoreRig, key: number): number | "none" {
  const found = rig.get(key);
  return found === "stale" ? "none" : found;
}

const MEDIA = Object.keys(NV_GEOMETRY) as (keyof typeof NV_GEOMETRY)[];

describe.each(MEDIA)("power cuts on %s", (medium) => {
  const seed = 10 * MEDIA.indexOf(medium);

  it("leave the old or the new value, at every byte of a random history", async () => {
    const figures = await proveCuts({ medium, seed: seed + 1, cells: 10, keys: 6, cuts: 8_000 });
    expect(figures.violations).toEqual([]);
    expect(figures.recoveryCuts).toBeGreaterThan(500);
    expect(figures.recoveryBytes).toBeLessThanOrEqual(14);
  });

  it("do no harm in a long row of them, across the wrap of the generations", async () => {
    const plan = { medium, seed: seed + 3, cells: 10, keys: 6, cuts: 0, powerCycles: 2000 };
    const figures = await proveCuts(plan);
    expect(figures.violations).toEqual([]);
    expect(figures.operations).toBeGreaterThan(2500);
  });

  it("leave the old or the new value, whatever the torn byte becomes", async () => {
    const plan = { medium, seed: seed + 2, cells: 10, keys: 6, cuts: 20_000, isExhaustive: true };
    const figures = await proveCuts(plan);
    expect(figures.violations).toEqual([]);
  });

  it("that leave flickering bits never give a third value, nor change it from boot to boot", async () => {
    const plan = { medium, seed: seed + 4, cells: 10, keys: 6, cuts: 2000, isUnsteady: true };
    const figures = await proveCuts(plan);
    expect([figures.violations, figures.changes]).toEqual([[], 0]);
  });

  it("in a format leave either no store or an empty one", async () => {
    const geometry = NV_GEOMETRY[medium];
    const rig = await StoreRig.open(
      new NvDevice(new Uint8Array(32 + 8 * 14).fill(0xff), { geometry }),
    );
    rig.mount();
    rig.format(14);
    for (let key = 1; key <= 6; key++) rig.set(key, key);
    const start = rig.save();
    let cuts = 0;
    for (; cuts < 200; cuts++) {
      rig.restore(start);
      rig.device.cut = { after: cuts, tear: (old, wanted) => old ^ ((old ^ wanted) & 0x5a) };
      try {
        rig.format(14);
        break;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      rig.device.powerOn();
      const isWhole = rig.mount() === StoreState.READY;
      for (let key = 1; isWhole && key <= 6; key++) expect([cuts, rig.get(key)]).toEqual([0, key]);
      expect(rig.format(14)).toBe(Err.OK);
      expect([rig.get(1), rig.core.damaged()]).toEqual(["none", 0]);
    }
    expect(cuts).toBeGreaterThan(20);
    expect(cuts).toBeLessThan(200);
  });
});

describe.each(["flash2", "flash4", "flash8", "flash16"] as const)("power cuts on %s", (medium) => {
  it("leave the old or the new value, at every granule and every erase of a random history", async () => {
    const plan = { medium, seed: 6, cells: 0, keys: 8, cuts: 4_000, powerCycles: 300 };
    const figures = await proveCuts(plan);
    expect([figures.violations, figures.recoveryBytes]).toEqual([[], 0]);
  });

  it("do no harm among bits that never change", async () => {
    const plan = { medium, seed: 4, cells: 0, keys: 6, cuts: 500, powerCycles: 100 };
    expect((await proveCuts({ ...plan, hasStuckBits: true })).violations).toEqual([]);
  });
});

describe("a design fault", () => {
  // all of them: npm run proof:power
  const quick = ["old-version-first", "epoch-not-in-crc"];

  it.each(STORE_FAULTS.filter(({ name }) => quick.includes(name)))(
    "$name is caught",
    async (fault) => {
      const plan = { medium: "fram", seed: 1, cells: 14, keys: 8, powerCycles: 300 } as const;
      const figures = await proveCuts({ ...plan, ...fault.plan, cuts: 12_000, fault });
      expect(figures.violations.length).toBeGreaterThan(0);
    },
  );
});

describe("two live versions of a key", () => {
  it.each([
    [4, 5],
    [255, 0],
    [254, 0],
  ])(
    "of generations %i and %i: the younger wins, and is committed anew",
    async (older, younger) => {
      for (const [olderCell, youngerCell] of [
        [3, 9],
        [9, 3],
      ] as const) {
        const rig = await StoreRig.open(new NvDevice(new Uint8Array(32 + 8 * 14).fill(0xff)));
        rig.mount();
        rig.format(14);
        const { memory, scratch, encode } = rig.core;
        const put = (cell: number, generation: number, value: number) => {
          encode(CellType.VALUE, 0x1234, generation, value, cell, 1);
          rig.device.bytes.set(new Uint8Array(memory.buffer, scratch(), 8), 32 + 8 * cell);
        };
        put(olderCell, older, 1);
        put(youngerCell, younger, 2);
        rig.mount();
        expect(rig.core.live()).toBe(2);
        expect(rig.get(0x1234)).toBe(2);
        expect([olderCell, youngerCell]).not.toContain(rig.cellOf(0x1234));
        expect(rig.device.bytes[32 + 8 * rig.cellOf(0x1234) + 2]).toBe((younger + 1) & 0xff);
        rig.mount();
        expect([rig.core.live(), rig.get(0x1234)]).toEqual([1, 2]);
      }
    },
  );
});

describe("a marker that reads as it likes", () => {
  // the byte in flight at a cut may hold bits that read 0 now and 1 later, until it is rewritten
  it("cannot bring back a deleted value or a half-written one once a boot has seen it absent", async () => {
    const rig = await StoreRig.open(new NvDevice(new Uint8Array(32 + 8 * 14).fill(0xff)));
    rig.mount();
    rig.format(14);
    for (const act of [() => rig.set(1, 2), () => rig.delete(1), () => rig.set(2, 3)]) {
      const start = rig.save();
      for (let after = 0; after < 10; after++) {
        rig.restore(start);
        rig.device.cut = { after, tear: (old) => old };
        const isCut = (() => {
          try {
            act();
          } catch (error) {
            return error instanceof PowerCut;
          }
          return false;
        })();
        rig.device.powerOn();
        if (!isCut) break;
        rig.mount();
        const first = [appValue(rig, 1), appValue(rig, 2)];
        // now every marker of this type that can come true does
        for (let at = 32 + 7; at < rig.device.bytes.length; at += 8) {
          const isDead = rig.device.bytes[at] === CellType.DEAD || rig.device.bytes[at] === 0xff;
          if (isDead) rig.device.bytes[at] = CellType.VALUE;
        }
        rig.mount();
        expect([after, appValue(rig, 1), appValue(rig, 2)]).toEqual([after, ...first]);
      }
      rig.restore(start);
      act();
    }
  });
});
