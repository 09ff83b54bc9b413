// When values are saved: at a power failure, and as often as the medium bears for ten years.

import { describe, expect, it } from "vitest";
import { EventType } from "../../../assembly/spec/node.ts";
import { NV_GEOMETRY, NvDevice } from "../../../host/node/nv.ts";
import { flush } from "../../drivers/flush.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

describe("a power failure", () => {
  it("saves 64 values at nine bytes each", async () => {
    const { programmedBytes, order } = await flush(NV_GEOMETRY.fram);
    expect(order.length).toBe(64);
    expect(programmedBytes).toBeLessThanOrEqual(64 * 10);
  });

  it("saves STICKY values first, then those of a higher level, then in order of declaration", async () => {
    const values = [
      {},
      { auth: 1 },
      { auth: 3 },
      { flags: "STICKY" },
      { auth: 3, flags: "STICKY" },
      {},
    ];
    const { order } = await flush(NV_GEOMETRY.fram, { bytes: 512, values });
    expect(order).toEqual([4, 3, 2, 1, 0, 5]);
  });

  it("is over when there is nothing to save, no store, or what cannot be saved", async () => {
    for (const nv of [undefined, new NvDevice(new Uint8Array(40).fill(0xff))]) {
      const { node } = await startNode("small", nv === undefined ? {} : { nv });
      expect(node.powerFail()).toBe(true);
      if (nv !== undefined) node.formatStore();
      node.load(
        guestOf(
          `.value [{"group":1,"id":1,"persist_key":1},{"group":1,"id":2,"persist_key":2}]\n RET\n`,
          "app",
        ).image,
      );
      node.setValue(0x101, 1);
      node.setValue(0x102, 1);
      expect(node.powerFail()).toBe(false);
    }
  });
});

const MINUTE = 60_000;

describe("a value that changes every minute", () => {
  async function hot(medium: keyof typeof NV_GEOMETRY): Promise<NodeRig & { nv: NvDevice }> {
    const nv = new NvDevice(new Uint8Array(512).fill(0xff), { geometry: NV_GEOMETRY[medium] });
    const rig = await startNode("small", { nv });
    rig.node.formatStore(60, 0);
    rig.node.load(guestOf(`.value {"group":1,"id":1,"persist_key":1}\n RET\n`, "app").image);
    return { ...rig, nv };
  }
  /** Sets the value every minute; how often it was saved and held. */
  function live({ node }: NodeRig, minutes: number): { saved: number; held: number } {
    let saved = 0;
    let held = 0;
    for (let n = 0; n < minutes; n++) {
      node.setValue(0x101, n & 0x3fff);
      node.run(MINUTE);
      const types = node.events().map(({ type }) => type);
      saved += types.filter((type) => type === EventType.VALUE_SAVED).length;
      held += types.filter((type) => type === EventType.SAVE_HELD).length;
    }
    return { saved, held };
  }

  // two cells of live + 1 keys, 315,360,000 s / 50,000 changes of a marker, 60 cells that are free + 1: 210 s a save
  // from the 257th save on, the count of uses has one of the cells: 59 are left, 214 s a save
  it("is saved 16 times, then every 210 s: the EEPROM lasts ten years", async () => {
    const rig = await hot("eeprom");
    expect(live(rig, 16)).toEqual({ saved: 15, held: 0 });
    const { saved, held } = live(rig, 2 * 1440);
    expect(saved).toBeGreaterThan((2 * 86400) / 215);
    expect(saved).toBeLessThan((2 * 86400) / 209 + 3);
    expect(held).toBeGreaterThan(700);
    const twoDays = (100_000 * 2) / 3652;
    expect(Math.max(...rig.nv.wear)).toBeLessThan(twoDays * 1.5 + 16);
  });

  it("is told as held with the time it waits, and has its burst again after a long rest", async () => {
    const rig = await hot("eeprom");
    live(rig, 40);
    rig.node.setValue(0x101, 5);
    rig.node.run(5 * MINUTE);
    rig.node.events();
    rig.node.setValue(0x101, 6);
    rig.node.run(2 * MINUTE);
    const event = rig.node.events().find(({ type }) => type === EventType.SAVE_HELD);
    expect(event?.a).toBe(0x101);
    expect(event?.b).toBeLessThanOrEqual(210_000);
    for (let n = 0; n < 20; n++) rig.node.run(210_000);
    expect(live(rig, 16).held).toBe(0);
  });

  it("is always saved on FRAM", async () => {
    expect(live(await hot("fram"), 200)).toEqual({ saved: 200, held: 0 });
  });
});

describe("a factory reset", () => {
  const APP = guestOf(
    `.value {"group":1,"id":1,"init":3,"unit":"bar","persist_key":1}\n RET\n`,
    "app",
  ).image;
  const THREE = 0x4200; // 3 in binary16
  const SEVEN = 0x4700;
  const numberOf = ({ node }: NodeRig) => node.values()[0]?.value;

  /** A node that runs the app, its value seven and saved. */
  async function saved(): Promise<NodeRig & { nv: NvDevice }> {
    const nv = new NvDevice(new Uint8Array(512).fill(0xff));
    const rig = await startNode("small", { nv });
    rig.node.formatStore(60, 0);
    rig.node.load(APP);
    rig.node.setValue(0x101, SEVEN);
    rig.node.run(1000);
    return { ...rig, nv };
  }
  /** What the value starts from after the power was off. */
  async function next({ node, nv }: NodeRig & { nv: NvDevice }): Promise<number | undefined> {
    node.powerFail();
    nv.powerOn();
    const rig = await startNode("small", { nv });
    rig.node.load(APP);
    rig.node.settle();
    return numberOf(rig);
  }

  it("leaves running apps their numbers, and saves none of them that nobody changes", async () => {
    const rig = await saved();
    rig.node.resetStore();
    rig.node.run(MINUTE);
    expect(numberOf(rig)).toBe(SEVEN);
    expect(rig.node.storeCells()).toEqual([]);
    expect(await next(rig)).toBe(THREE);
  });

  it.each(["reset", "format"])("(%s) forgets what was not saved yet", async (what) => {
    const rig = await saved();
    rig.node.setValue(0x101, 0x4000);
    expect(rig.node.values()[0]?.isDirty).toBe(true);
    if (what === "reset") rig.node.resetStore();
    else rig.node.formatStore(60, 0);
    expect([numberOf(rig), rig.node.values()[0]?.isDirty]).toEqual([0x4000, false]);
    expect(await next(rig)).toBe(THREE);
  });

  it("forgets what a task left that is gone", async () => {
    const rig = await saved();
    rig.node.setValue(0x101, 0x4000);
    rig.node.kill(1);
    rig.node.resetStore();
    expect(await next(rig)).toBe(THREE);
  });

  it("lets what changes afterwards be saved, even back to what it was", async () => {
    const rig = await saved();
    rig.node.resetStore();
    rig.node.setValue(0x101, SEVEN);
    expect(await next(rig)).toBe(SEVEN);
  });
});
