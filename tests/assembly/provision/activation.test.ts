// Stored images on whole nodes: staging, activation, trial, confirmation, the way back, and the next power-on.

import { describe, expect, it } from "vitest";
import { AppState, ConfirmAfter, Source } from "../../../assembly/spec/boot.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { TaskState } from "../../../assembly/spec/node.ts";
import type { NodeError } from "../../../host/client/refusal.ts";
import { FLASH_GEOMETRY, NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const CELLS = 60;
const SLOT = 2048;
/** Where the slots begin: 32 + 8 * 60 bytes of the store, up to the next multiple of 256. */
const ORIGIN = 512;

/** Sleeps on and on. */
const LOOP = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
/** Says PROV_CONFIRM, then runs on. */
const WELL = `SVC 0x602\n${LOOP}`;
/** Divides by zero. */
const BAD = "LDI R1, 0\nDIV R0, R1, R1\n";
/** Versions of an app differ in a number that tells them apart. */
const versionOf = (n: number, source = LOOP, name = "app") =>
  guestOf(`LDI R4, ${n}\n${source}`, name).image;

function boot(nv: NvDevice): Promise<NodeRig> {
  return startNode("small", { nv });
}
/** A device with a store and slots, and the node on it. */
async function fresh(slots = 4): Promise<{ nv: NvDevice; rig: NodeRig }> {
  const nv = new NvDevice(new Uint8Array(ORIGIN + slots * SLOT).fill(0xff));
  const rig = await boot(nv);
  rig.node.formatStore(CELLS);
  if (slots > 0) rig.node.provision.formatSlots(slots, SLOT);
  return { nv, rig };
}
function run(rig: NodeRig, ms = 50): void {
  rig.node.run(ms);
}
/** The version that runs, by R4, of each live task. */
function versions({ node }: NodeRig): number[] {
  const isLive = (state: TaskState) => state === TaskState.READY || state === TaskState.SLEEPING;
  return node.tasks().flatMap((t) => (isLive(t.state) ? [t.regs[4] as number] : []));
}
function install(rig: NodeRig, image: Uint8Array, options = {}): number {
  const { provision } = rig.node;
  return provision.activate(provision.stage(image), options);
}
function refusalOf(act: () => unknown): NodeError {
  try {
    act();
  } catch (error) {
    return error as NodeError;
  }
  throw new Error("it is not refused");
}

describe("a stored image", () => {
  it("lies behind the store, header first, as docs/persistence.md says", async () => {
    const { nv, rig } = await fresh();
    const image = versionOf(1);
    const slot = rig.node.provision.stage(image);
    expect(slot).toBe(0);
    const header = new DataView(nv.bytes.buffer, ORIGIN, 16);
    expect(header.getUint32(0, true)).toBe(image.length);
    expect(header.getUint8(15)).toBe(0x2d);
    expect(nv.bytes.slice(ORIGIN + 16, ORIGIN + 16 + image.length)).toEqual(image);
    expect(rig.node.provision.slots()[0]).toMatchObject({
      slot: 0,
      state: "image",
      bytes: image.length,
      address: ORIGIN,
      roomBytes: SLOT - 16,
      name: "app",
    });
    expect(rig.node.provision.slots()[1]).toMatchObject({ state: "empty", bytes: 0, name: "" });
    expect(rig.node.tasks()).toEqual([]);
  });

  it("runs when it is activated, is confirmed as the first of its app, and comes up at each power-on without a byte written", async () => {
    const { nv, rig } = await fresh();
    const pid = install(rig, versionOf(1));
    run(rig);
    expect(pid).toBe(1);
    expect(versions(rig)).toEqual([1]);
    expect(rig.node.provision.apps()).toMatchObject([
      { app: 0, name: "app", pid: 1, state: AppState.CONFIRMED, active: 0, fallback: undefined },
    ]);
    for (let n = 0; n < 3; n++) {
      const written = nv.bytesProgrammed;
      const next = await boot(nv);
      run(next);
      expect(versions(next)).toEqual([1]);
      expect(nv.bytesProgrammed - written).toBe(0);
    }
  });

  it("is staged while the old app runs, and while it does not fit beside it in memory", async () => {
    const { rig } = await fresh();
    const filler = `.data\n.zero 1400\n`;
    const big = (n: number) => guestOf(`LDI R4, ${n}\n${LOOP}${filler}`, "app").image;
    install(rig, big(1));
    rig.node.load(guestOf(`${LOOP}.data\n.zero 1900\n`, "other").image);
    run(rig);
    expect(() => rig.node.load(big(2), { replaces: 1 })).toThrow();
    install(rig, big(2));
    run(rig);
    expect(versions(rig)).toContain(2);
  });
});

describe("a trial", () => {
  async function onTrial(source: string, options = {}) {
    const { nv, rig } = await fresh();
    install(rig, versionOf(1));
    install(rig, versionOf(2, source), options);
    return { nv, rig };
  }

  it("runs as often as it has attempts, then the image before comes back", async () => {
    const { nv, rig } = await onTrial(LOOP);
    run(rig);
    expect(versions(rig)).toEqual([2]);
    expect(rig.node.provision.trial()).toMatchObject({ active: 1, fallback: 0, attemptsLeft: 2 });
    const seen: number[] = [];
    for (let n = 0; n < 5; n++) {
      const next = await boot(nv);
      run(next);
      seen.push(...versions(next));
    }
    expect(seen).toEqual([2, 2, 1, 1, 1]);
  });

  it("ends when the app says that it is well", async () => {
    const { nv, rig } = await onTrial(WELL);
    run(rig);
    expect(rig.node.provision.apps()).toMatchObject([
      { state: AppState.CONFIRMED, active: 1, fallback: 0 },
    ]);
    const written = nv.bytesProgrammed;
    const next = await boot(nv);
    run(next);
    expect(versions(next)).toEqual([2]);
    expect(nv.bytesProgrammed).toBe(written);
  });

  it("ends when the operator confirms it, and by time only where asked for", async () => {
    const { rig } = await onTrial(LOOP);
    run(rig, 700_000);
    expect(rig.node.provision.trial()).toBeDefined();
    rig.node.provision.confirm();
    expect(rig.node.provision.trial()).toBeUndefined();

    const timed = await onTrial(LOOP, { confirmAfter: ConfirmAfter.SECONDS_10 });
    run(timed.rig, 9_900);
    expect(timed.rig.node.provision.trial()).toBeDefined();
    run(timed.rig, 200);
    expect(timed.rig.node.provision.trial()).toBeUndefined();
  });

  it("ends with the image before when the app faults", async () => {
    const { nv, rig } = await onTrial(BAD);
    run(rig);
    expect(versions(rig)).toEqual([1]);
    expect(rig.node.provision.apps()).toMatchObject([
      { state: AppState.CONFIRMED, active: 0, fallback: undefined },
    ]);
    const next = await boot(nv);
    run(next);
    expect(versions(next)).toEqual([1]);
  });

  it("is one at a time", async () => {
    const { rig } = await onTrial(LOOP);
    run(rig);
    const slot = rig.node.provision.stage(versionOf(9, LOOP, "other"));
    const refusal = refusalOf(() => rig.node.provision.activate(slot));
    expect(refusal.code).toBe(Err.IN_TRIAL);
    expect(refusal.message).toBe(
      'slot 2: the app "app" is on trial, and one trial is held at a time',
    );
    expect(refusal.remedy).toBe("provision confirm, or provision rollback");
    expect(versions(rig)).toEqual([2]);
  });

  it("leaves the operator a way back after it is confirmed, once", async () => {
    const { nv, rig } = await onTrial(WELL);
    run(rig);
    rig.node.provision.rollback(0);
    run(rig);
    expect(versions(rig)).toEqual([1]);
    expect(refusalOf(() => rig.node.provision.rollback(0)).code).toBe(Err.NO_FALLBACK);
    const next = await boot(nv);
    run(next);
    expect(versions(next)).toEqual([1]);
  });
});

describe("an image that is damaged after it was checked", () => {
  /** Spoils a byte of the code in a slot: behind the header of the slot and that of the image. */
  const spoil = ({ bytes }: NvDevice, slot: number) => {
    const at = ORIGIN + slot * SLOT + 16 + 0x60;
    bytes[at] = ~(bytes[at] as number) & 0xff;
  };

  it("never runs: the bytes that are fetched are summed, and the image before comes back", async () => {
    let wait = Number.POSITIVE_INFINITY;
    const nv: NvDevice = new NvDevice(new Uint8Array(ORIGIN + 4 * SLOT).fill(0xff), {
      onChange: (address) => {
        if (address < ORIGIN && --wait === 0) spoil(nv, 1); // its record is being written: it was found sound
      },
    });
    const rig = await boot(nv);
    rig.node.formatStore(CELLS);
    rig.node.provision.formatSlots(4, SLOT);
    install(rig, versionOf(1));
    const slot = rig.node.provision.stage(versionOf(2));
    wait = 1;
    expect(refusalOf(() => rig.node.provision.activate(slot)).code).toBe(Err.SLOT_DAMAGED);
    expect(wait).toBeLessThanOrEqual(0);
    run(rig);
    expect(versions(rig)).toEqual([1]);
    expect(rig.node.provision.apps()).toMatchObject([{ state: AppState.CONFIRMED, active: 0 }]);
  });

  it("leaves the app that it was to replace: once started anew, then undisturbed", async () => {
    const { nv, rig } = await fresh();
    install(rig, versionOf(1));
    install(rig, versionOf(2));
    spoil(nv, 0);
    for (const pid of [3, 3]) {
      expect(refusalOf(() => rig.node.provision.rollback(0)).code).toBe(Err.SLOT_DAMAGED);
      run(rig);
      expect(versions(rig)).toEqual([2]);
      expect(rig.node.tasks().map((task) => task.pid)).toEqual([pid]);
      const trial = { active: 1, fallback: 0, attemptsLeft: 2 };
      expect(rig.node.provision.trial()).toMatchObject(trial);
    }
  });

  it("is refused while the app runs on where the node has started since it was checked", async () => {
    const { nv, rig } = await fresh();
    install(rig, versionOf(1));
    install(rig, versionOf(2));
    run(rig);
    const next = await boot(nv);
    run(next);
    spoil(nv, 0);
    expect(refusalOf(() => next.node.provision.rollback(0)).code).toBe(Err.SLOT_DAMAGED);
    run(next);
    expect([versions(next), next.node.tasks().map(({ pid }) => pid)]).toEqual([[2], [1]]);
  });

  it("is checked in full again once its slot was written to", async () => {
    const { nv, rig } = await fresh(2);
    install(rig, versionOf(1));
    const slot = rig.node.provision.stage(versionOf(2));
    rig.node.provision.stage(versionOf(3), { slot });
    spoil(nv, slot);
    expect(refusalOf(() => rig.node.provision.activate(slot)).code).toBe(Err.SLOT_DAMAGED);
    run(rig);
    expect(versions(rig)).toEqual([1]);
  });
});

describe("slots on the flash pages of an STM32F072", () => {
  const PAGES = 8;
  const { flash2 } = FLASH_GEOMETRY;
  /** A node with two pages for the store and three slots of a page behind them, two of which hold versions of an app. */
  async function installed() {
    const bytes = new Uint8Array(PAGES * flash2.eraseSize).fill(0xff);
    const nv = new NvDevice(bytes, { geometry: flash2 });
    const rig = await startNode("small-flash", { nv });
    rig.node.formatStore((2 * flash2.eraseSize) / 8);
    rig.node.provision.formatSlots(3, flash2.eraseSize);
    install(rig, versionOf(1));
    install(rig, versionOf(2), { attempts: 0 });
    run(rig);
    return { nv, rig };
  }
  const slotAt = (slot: number) => (2 + slot) * flash2.eraseSize;

  it("are written, started and brought back like any others", async () => {
    const { nv, rig } = await installed();
    expect(rig.node.provision.slots().map(({ address }) => address)).toEqual([0, 1, 2].map(slotAt));
    expect(versions(rig)).toEqual([2]);
    install(rig, versionOf(3));
    for (const version of [3, 3, 2, 2]) {
      const next = await startNode("small-flash", { nv });
      run(next);
      expect(versions(next)).toEqual([version]);
    }
    expect(nv.misprogrammed).toBe(0);
  });

  it.each([
    ["header", 0],
    ["file", 64],
  ])(
    "make way for the fallback when the ECC cannot repair the %s of the active one",
    async (_, at) => {
      const { nv } = await installed();
      nv.unreadable[(slotAt(1) + at) / flash2.granule] = 1;
      const next = await startNode("small-flash", { nv });
      run(next);
      expect(versions(next)).toEqual([1]);
      expect(next.node.provision.slots()[1]?.state).toBe(at === 0 ? "damaged" : "image");
      expect(refusalOf(() => next.node.provision.activate(1)).code).toBe(Err.SLOT_DAMAGED);
    },
  );
});

describe("what is refused changes nothing", () => {
  it("an empty slot, a damaged one, one there is not, one that is needed, one too small", async () => {
    const { nv, rig } = await fresh(3);
    const { provision } = rig.node;
    install(rig, versionOf(1));
    const damaged = provision.stage(versionOf(2));
    nv.bytes[ORIGIN + damaged * SLOT + 16 + 40] = 0x55;
    const before = nv.bytes.slice();
    const codes = [
      () => provision.activate(2),
      () => provision.activate(damaged),
      () => provision.activate(7),
      () => provision.activate(0),
      () => provision.activate(damaged, { attempts: 8 }),
      () => provision.stage(versionOf(3), { slot: 0 }),
      () => provision.stage(new Uint8Array(SLOT), { slot: 2 }),
      () => provision.confirm(0),
      () => provision.rollback(0),
    ].map((act) => Err[refusalOf(act).code]);
    expect(codes).toEqual([
      "SLOT_EMPTY",
      "SLOT_DAMAGED",
      "NOT_FOUND",
      "SLOT_IN_USE",
      "RANGE",
      "SLOT_IN_USE",
      "SLOT_SMALL",
      "NO_TRIAL",
      "NO_FALLBACK",
    ]);
    expect(nv.bytes).toEqual(before);
    run(rig);
    expect(versions(rig)).toEqual([1]);
  });
});

describe("the boot list", () => {
  it("starts apps in its order, with the restarts it says", async () => {
    const { nv, rig } = await fresh();
    install(rig, versionOf(1, LOOP, "first"));
    install(rig, versionOf(2, LOOP, "second"));
    const boot0 = {
      order: 5,
      restarts: 2,
      fallbackOnFault: false,
      source: Source.STORED,
      quantum: 0,
    };
    rig.node.provision.setBoot(0, boot0);
    const next = await boot(nv);
    run(next);
    expect(next.node.tasks().map((t) => [t.name, t.restartsLeft])).toEqual([
      ["second", 0],
      ["first", 2],
    ]);
    expect(next.node.provision.apps()[0]?.boot).toEqual(boot0);
  });

  it("gives an app turns of its own length, also after a restart", async () => {
    const spin = (n: number, name: string) => versionOf(n, "loop:\n JMP loop\n", name);
    const { nv, rig } = await fresh();
    install(rig, spin(1, "short"));
    install(rig, spin(2, "plain"));
    const short = { order: 0, restarts: 0, fallbackOnFault: false, source: Source.STORED };
    rig.node.provision.setBoot(0, { ...short, quantum: 8 });
    const { node } = await boot(nv);
    node.run(20);
    /** Instructions of each task in ten rounds: a turn of 8, and one of 64, which every node has. */
    const tenRounds = () => {
      const before = node.tasks().map((t) => t.steps);
      expect(node.core.exports.hsx_poll(720)).toBe(720);
      return node.tasks().map((t, n) => t.steps - (before[n] as number));
    };
    expect(tenRounds()).toEqual([80, 640]);
    node.restart(1);
    node.run(20);
    expect(tenRounds()).toEqual([80, 640]);
  });

  it("says why an app of it does not run", async () => {
    const { nv, rig } = await fresh();
    install(rig, versionOf(1, LOOP, "first"));
    install(rig, versionOf(2, LOOP, "second"));
    const code = ORIGIN + 16 + 0x60; // behind the header of the slot and that of the image
    nv.bytes[code] = ~(nv.bytes[code] as number) & 0xff;
    const next = await boot(nv);
    run(next);
    expect(versions(next)).toEqual([2]);
    const [first, second] = next.node.provision.apps();
    expect([Err[first?.refused ?? 0], first?.pid]).toEqual(["SLOT_DAMAGED", undefined]);
    expect([second?.refused, second?.pid]).toEqual([undefined, 1]);
    next.node.provision.stage(versionOf(3, LOOP, "first"), { slot: 2 });
    next.node.provision.activate(2);
    expect(next.node.provision.apps()[0]).toMatchObject({ refused: undefined, pid: 2 });
  });

  it("brings the fallback of a confirmed app back after a fault, where asked for", async () => {
    const { rig } = await fresh();
    install(rig, versionOf(1));
    install(rig, versionOf(2, `SVC 0x602\nLDI R0, 500\nSVC 0x600\n${BAD}`));
    run(rig, 100);
    expect(rig.node.provision.trial()).toBeUndefined();
    const word = {
      order: 0,
      restarts: 0,
      fallbackOnFault: true,
      source: Source.STORED,
      quantum: 0,
    };
    rig.node.provision.setBoot(0, word);
    run(rig, 1000);
    expect(versions(rig)).toEqual([1]);
  });
});

describe("the configuration of the node", () => {
  const safe = { role: 3, masterWait_ms: 250 };

  it("holds from the next start on when nobody could be cut off", async () => {
    const { nv, rig } = await fresh();
    rig.node.provision.setConfig(safe);
    const next = await boot(nv);
    expect(next.node.provision.config()).toMatchObject({ id: 0, ...safe });
    expect(next.node.provision.configState().state).toBe(AppState.CONFIRMED);
  });

  it("is back after two starts when it could cut the node off and nobody confirmed it", async () => {
    const { nv, rig } = await fresh();
    rig.node.provision.setConfig(safe);
    rig.node.provision.setConfig({ bitRate: 125 });
    const second = refusalOf(() => rig.node.provision.setConfig({ id: 9 }));
    expect(Err[second.code]).toBe("IN_TRIAL");
    const rates: number[] = [];
    for (let n = 0; n < 3; n++) rates.push((await boot(nv)).node.provision.config().bitRate);
    expect(rates).toEqual([125, 0, 0]);
    expect((await boot(nv)).node.provision.config()).toMatchObject(safe);
  });

  it("stays when it was confirmed after the start, and keeps images of others away", async () => {
    const { nv, rig } = await fresh();
    rig.node.provision.setConfig({ id: 9 });
    const tried = await boot(nv);
    tried.node.provision.confirmConfig();
    await boot(nv);
    const last = await boot(nv);
    expect(last.node.provision.config().id).toBe(9);
    const refusal = refusalOf(() => last.node.provision.stage(versionOf(1), { node: 4 }));
    expect(refusal.message).toBe("image: it is meant for node 4, this is node 9");
  });
});

describe("of several sources", () => {
  const ALL = [Source.HOST, Source.SD, Source.CAN, Source.SERIAL];

  it("the first in the order wins, whichever two or three offer an image", async () => {
    const { rig } = await fresh();
    const orders = [[], [3, 1], [4, 2, 1, 3], [2]];
    for (const order of orders) {
      rig.node.provision.setConfig({ sources: order });
      const counts = order.length === 0 ? ALL : order;
      for (const a of ALL) {
        for (const b of ALL) {
          for (const c of [Source.STORED, ...ALL]) {
            const offers = [a, b, c];
            const wins = counts.find((source) => offers.includes(source));
            const stored = offers.includes(Source.STORED) ? Source.STORED : undefined;
            expect(rig.node.provision.chooseSource(offers)).toBe(wins ?? stored);
          }
        }
      }
    }
  });
});
