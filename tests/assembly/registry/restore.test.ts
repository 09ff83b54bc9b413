// What a boot with persistent values costs, and where each value comes from: its own cell, the factory's, `init`.

import { describe, expect, it } from "vitest";
import { CellType, NO_CELL } from "../../../assembly/spec/cell.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const CELLS = 252;
const COUNT = 60;
const LOOP = "loop:\n JMP loop\n";
const values = Array.from({ length: COUNT }, (_, n) => ({
  group: 1,
  id: n,
  name: `v${n}`,
  init: 1,
  persist_key: 0x1200 + n,
  flags: "PERSIST",
}));
const IMAGE = guestOf(`.value ${JSON.stringify(values)}\n${LOOP}`, "app").image;
const oid = (n: number) => 0x100 + n;

function boot(nv: NvDevice): Promise<NodeRig> {
  return startNode("small", { nv });
}
async function device(): Promise<NvDevice> {
  const nv = new NvDevice(new Uint8Array(32 + 8 * CELLS).fill(0xff));
  const { node } = await boot(nv);
  node.formatStore(CELLS, 7);
  return nv;
}
function bitsOf({ node }: NodeRig, n: number): number {
  return node.values().find((v) => v.oid === oid(n))?.value ?? -1;
}
/** Sets and saves values of one app, over a long past. */
async function live(nv: NvDevice, count = COUNT): Promise<void> {
  const rig = await boot(nv);
  rig.node.load(IMAGE);
  for (let round = 0; round < 12; round++) {
    for (let n = 0; n < count; n++) rig.node.setValue(oid(n), n * 16 + round);
    for (let polls = 0; polls < 200; polls++) {
      rig.node.core.exports.hsx_poll(0);
      rig.machine.advance(20_000);
    }
  }
}

/** A cell written by the tools' calls, which never poll the node. */
async function put(nv: NvDevice, type: CellType, key: number, value: number): Promise<void> {
  const { node } = await startNode("desktop", { nv });
  const x = node.core.exports;
  expect(x.hsx_cell_write(type, key, value, NO_CELL)).toBe(Err.OK);
  while (x.hsx_cell_result() === Err.BUSY);
}

describe("a boot after a clean stop", () => {
  it("reads the cells once, and the live ones once more for all values of an image; it writes nothing", async () => {
    const nv = await device();
    await live(nv);
    for (let n = 0; n < 3; n++) {
      const { bytesRead, bytesProgrammed } = nv;
      const rig = await boot(nv);
      expect(nv.bytesRead - bytesRead).toBe(32 + 8 * CELLS);
      rig.node.load(IMAGE);
      rig.node.settle();
      expect(nv.bytesRead - bytesRead).toBe(32 + 8 * CELLS + 8 * COUNT);
      expect(nv.bytesProgrammed).toBe(bytesProgrammed);
      expect(Array.from({ length: COUNT }, (_, v) => bitsOf(rig, v))).toEqual(
        Array.from({ length: COUNT }, (_, v) => v * 16 + 11),
      );
    }
  });

  it("reports a damaged cell as stale, and restores all others", async () => {
    const nv = await device();
    await live(nv);
    const first = await boot(nv);
    const cell = first.node.storeCells().find(({ key }) => key === 0x1203)?.cell ?? 0;
    nv.bytes[32 + 8 * cell + 3] = (nv.bytes[32 + 8 * cell + 3] as number) ^ 4;
    const rig = await boot(nv);
    rig.node.load(IMAGE);
    rig.node.settle();
    const stale = rig.node.values().filter((v) => v.isStale);
    expect(stale.map((v) => v.oid)).toEqual([oid(3)]);
    expect([bitsOf(rig, 3), bitsOf(rig, 4)]).toEqual([0x3c00, 4 * 16 + 11]);
  });
});

describe("a factory value", () => {
  it("holds where a key has none of its own, and again after a reset that keeps it", async () => {
    const nv = await device();
    await put(nv, CellType.FACTORY, 0x1200, 0x4000);
    await put(nv, CellType.FACTORY, 0x1201, 0x4200);
    const restored = async () => {
      const rig = await boot(nv);
      rig.node.load(IMAGE);
      rig.node.settle();
      return [0, 1, 2].map((n) => bitsOf(rig, n));
    };
    expect(await restored()).toEqual([0x4000, 0x4200, 0x3c00]);
    await live(nv, 1);
    expect(await restored()).toEqual([11, 0x4200, 0x3c00]);
    const reset = async (keepsFactory: boolean) =>
      (await boot(nv)).node.resetStore({ keepsFactory });
    await reset(true);
    expect(await restored()).toEqual([0x4000, 0x4200, 0x3c00]);
    await reset(false);
    expect(await restored()).toEqual([0x3c00, 0x3c00, 0x3c00]);
    await reset(false);
    expect(await restored()).toEqual([0x3c00, 0x3c00, 0x3c00]);
  });
});

describe("the list of cells", () => {
  it("names every live cell with its type, key and value", async () => {
    const nv = await device();
    await put(nv, CellType.FACTORY, 0x1200, 0x4000);
    await put(nv, CellType.SYSTEM, 1, 0x1234);
    await put(nv, CellType.VALUE, 0x1200, 0x3c00);
    const cells = (await boot(nv)).node.storeCells();
    expect(cells.map(({ type, key, value }) => [type, key, value]).sort()).toEqual(
      [
        [CellType.VALUE, 0x1200, 0x3c00],
        [CellType.SYSTEM, 1, 0x1234],
        [CellType.FACTORY, 0x1200, 0x4000],
      ].sort(),
    );
    expect(new Set(cells.map(({ cell }) => cell)).size).toBe(3);
  });
});
