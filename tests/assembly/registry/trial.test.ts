// Calibration through a trial on a whole node, its end cut short before every byte: each version has the values it left.

import { describe, expect, it } from "vitest";
import { CellType, NO_CELL } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { f16FromNumber, f16ToNumber } from "../../../host/formats/f16.ts";
import { NvDevice, PowerCut } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const CELLS = 60;
const SLOT = 2048;
const SLOTS_ORIGIN = 512;
/** Bytes the end of a trial writes here are fewer. */
const BYTES = 70;

/** `level` is in another unit in version 2, `gain` is not; `init` tells versions apart. */
function versionOf(n: number): Uint8Array {
  const values = [
    { group: 1, id: 1, name: "level", unit: n === 1 ? "bar" : "psi", init: n, persist_key: 1 },
    { group: 1, id: 2, name: "gain", unit: "V", init: n, persist_key: 2 },
    { group: 1, id: 3, name: "version", init: n },
  ];
  const code = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
  return guestOf(`.value ${JSON.stringify(values)}\n${code}`, "app").image;
}
const VERSIONS = [1, 2].map(versionOf);

const boot = (nv: NvDevice): Promise<NodeRig> => startNode("small", { nv });
function set({ node }: NodeRig, level: number, gain: number): void {
  node.setValue(0x101, f16FromNumber(level));
  node.setValue(0x102, f16FromNumber(gain));
  node.run(400);
}
/** Version, level and gain. */
function found({ node }: NodeRig): number[] {
  return [0x103, 0x101, 0x102].map((oid) => f16ToNumber(node.getValue(oid)));
}
const shadows = ({ node }: NodeRig) =>
  node.storeCells().filter(({ type }) => type === CellType.SHADOW).length;

/** Version 1 with its calibration, version 2 on trial with another. */
async function onTrial(): Promise<Uint8Array> {
  const nv = new NvDevice(new Uint8Array(SLOTS_ORIGIN + 3 * SLOT).fill(0xff));
  const rig = await boot(nv);
  rig.node.formatStore(CELLS);
  const { provision } = rig.node;
  provision.formatSlots(3, SLOT);
  provision.activate(provision.stage(VERSIONS[0] as Uint8Array));
  set(rig, 20, 30);
  provision.activate(provision.stage(VERSIONS[1] as Uint8Array), { attempts: 7 });
  expect(found(rig)).toEqual([2, 2, 30]);
  set(rig, 7, 8);
  return nv.bytes.slice();
}
const START = await onTrial();

async function resumed(): Promise<{ nv: NvDevice; rig: NodeRig }> {
  const nv = new NvDevice(START.slice());
  const rig = await boot(nv);
  rig.node.run(400);
  return { nv, rig };
}

describe("an app on trial", () => {
  it("starts from what it saved; VALUE and MEANING are those of the version before", async () => {
    const { rig } = await resumed();
    expect(found(rig)).toEqual([2, 7, 8]);
    expect(shadows(rig)).toBe(2);
    const values = rig.node.storeCells().filter(({ type }) => type === CellType.VALUE);
    expect(values.map(({ key, value }) => [key, f16ToNumber(value)]).sort()).toEqual([
      [1, 20],
      [2, 30],
    ]);
  });

  it("has its calibration when it is confirmed, and the version before its own when that comes back", async () => {
    const { nv, rig } = await resumed();
    rig.node.provision.confirm();
    rig.node.run(400);
    expect([found(rig), shadows(rig)]).toEqual([[2, 7, 8], 0]);
    expect(found(await booted(nv))).toEqual([2, 7, 8]);
    const { nv: other, rig: back } = await resumed();
    back.node.provision.rollback();
    back.node.run(400);
    expect([found(back), shadows(back)]).toEqual([[1, 20, 30], 0]);
    expect(found(await booted(other))).toEqual([1, 20, 30]);
  });

  async function booted(nv: NvDevice): Promise<NodeRig> {
    const rig = await boot(nv);
    rig.node.run(400);
    return rig;
  }

  it.each(["confirm", "rollback"] as const)(
    "is in order wherever the power goes at its %s",
    async (end) => {
      const seen = new Set<number>();
      for (let after = 0; after < BYTES; after++) {
        const { nv, rig } = await resumed();
        nv.cut = { after, tear: (old, wanted) => (after % 2 === 0 ? old : wanted) };
        try {
          rig.node.provision[end]();
          rig.node.run(400);
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          seen.add(after);
        }
        nv.powerOn();
        const next = await booted(nv);
        const [version] = found(next);
        expect(found(next)).toEqual(version === 1 ? [1, 20, 30] : [2, 7, 8]);
        const isOnTrial = next.node.provision.trial() !== undefined;
        expect(shadows(next)).toBe(isOnTrial ? 2 : 0);
        if (!isOnTrial) continue;
        next.node.provision.rollback();
        next.node.run(400);
        expect([found(next), shadows(next)]).toEqual([[1, 20, 30], 0]);
      }
      expect(seen.size).toBeGreaterThan(20);
    },
  );
});

describe("a factory value whose unit another version changes", () => {
  /** Version 1 started from its factory value of 20 bar; version 2, in psi, was set to 7. */
  async function changed(attempts: number): Promise<{ nv: NvDevice; rig: NodeRig }> {
    const nv = new NvDevice(new Uint8Array(SLOTS_ORIGIN + 3 * SLOT).fill(0xff));
    (await boot(nv)).node.formatStore(CELLS);
    const tool = (await startNode("desktop", { nv })).node.core.exports;
    // CRC-32 of "bar" is 0x76FF8CAA, so its meaning is 0x8CAA
    const cells = [
      [CellType.FACTORY, f16FromNumber(20)],
      [CellType.MEANING, 0x8caa],
    ] as const;
    for (const [type, value] of cells) {
      expect(tool.hsx_cell_write(type, 1, value, NO_CELL)).toBe(Err.OK);
      while (tool.hsx_cell_result() === Err.BUSY);
    }
    const rig = await boot(nv);
    const { provision } = rig.node;
    provision.formatSlots(3, SLOT);
    provision.activate(provision.stage(VERSIONS[0] as Uint8Array));
    expect(found(rig)[1]).toBe(20);
    provision.activate(provision.stage(VERSIONS[1] as Uint8Array), { attempts });
    expect(found(rig)[1]).toBe(2); // another unit: init
    set(rig, 7, 8);
    provision.rollback();
    rig.node.run(400);
    return { nv, rig };
  }

  it("holds again when the version is rolled back from its trial", async () => {
    const { nv, rig } = await changed(7);
    expect(found(rig).slice(0, 2)).toEqual([1, 20]);
    expect(found(await boot(nv)).slice(0, 2)).toEqual([1, 20]);
  });

  it("gives way to init when the version had been confirmed, and holds again behind a reset that keeps it", async () => {
    const { nv, rig } = await changed(0);
    expect(found(rig).slice(0, 2)).toEqual([1, 1]);
    (await boot(nv)).node.resetStore({ keepsFactory: true });
    const next = await boot(nv);
    next.node.load(VERSIONS[0] as Uint8Array);
    expect(found(next).slice(0, 2)).toEqual([1, 20]);
  });
});
