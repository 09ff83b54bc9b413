// Node words that were damaged by more bits than can be mended: the node says which, comes up, and can be put right.

import { describe, expect, it } from "vitest";

import { CellType, StoreState } from "../../../assembly/spec/cell.ts";
import { EventType } from "../../../assembly/spec/node.ts";
import { eventText } from "../../../host/cli/trace.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const CELLS = 60;
const SLOT = 2048;
const ORIGIN = 512; // 32 + 8 * 60 bytes of the store, up to the next multiple of 256
const LOOP = "loop:\n LDI R0, 1000\n SVC 0x600\n JMP loop\n";
const BOOT = { order: 3, restarts: 2, fallbackOnFault: false, source: 0, quantum: 0 } as const;
/** docs/persistence.md, "Words". */
const KEY = { APP: 0x100, CONFIG_RECORD: 0x140, SLOTS: 0x141, BOOT: 0x180, ROLE: 0x1c0 } as const;

const boot = (nv: NvDevice) => startNode("small", { nv });

/** A node with slots, an app in one of them, its boot word and a configuration. */
async function settled(): Promise<NvDevice> {
  const nv = new NvDevice(new Uint8Array(ORIGIN + 3 * SLOT).fill(0xff));
  const { node } = await boot(nv);
  node.formatStore(CELLS);
  const { provision } = node;
  provision.formatSlots(3, SLOT);
  provision.activate(provision.stage(guestOf(LOOP, "app").image));
  provision.setBoot(0, BOOT);
  provision.setConfig({ role: 3 });
  node.run(20);
  return nv;
}

/** Changes two bits of the value of a word. */
async function damage(nv: NvDevice, key: number): Promise<void> {
  const { node } = await startNode("small", { nv: new NvDevice(nv.bytes.slice()) });
  const cell = node.storeCells().find((c) => c.type === CellType.SYSTEM && c.key === key);
  if (cell === undefined) throw new Error(`word ${key} is not stored`);
  const at = 32 + 8 * cell.cell + 3;
  nv.bytes[at] = (nv.bytes[at] as number) ^ 0x11;
}

function lostIn({ node }: NodeRig): number[] {
  return node.events().flatMap((e) => (e.type === EventType.WORD_LOST ? [e.a] : []));
}

/** What is to be done about each, and how that shows after the next start. */
const REPAIRS: readonly [string, number, (rig: NodeRig) => void, (rig: NodeRig) => unknown][] = [
  [
    "the record of an app",
    KEY.APP,
    ({ node }) => node.provision.activate(0),
    ({ node }) => node.tasks().map((t) => t.name),
  ],
  [
    "where the slots are",
    KEY.SLOTS,
    ({ node }) => node.provision.formatSlots(3, SLOT),
    ({ node }) => node.provision.slots().map((slot) => slot.name),
  ],
  [
    "the boot word of an app",
    KEY.BOOT,
    ({ node }) => node.provision.setBoot(0, BOOT),
    ({ node }) => node.provision.apps()[0]?.boot.order,
  ],
  [
    "the record of the configuration",
    KEY.CONFIG_RECORD,
    ({ node }) => node.provision.setConfig({ role: 3 }),
    ({ node }) => node.provision.config().role,
  ],
  [
    "a word of the configuration",
    KEY.ROLE,
    ({ node }) => {
      node.provision.setConfig({ role: 3 }); // to the copy that is not in use
      node.provision.setConfig({ role: 3 });
    },
    ({ node }) => node.provision.config().role,
  ],
];

describe.each(REPAIRS)("a node that has lost %s", (_, key, repair, outcome) => {
  it("says so, comes up with all other words, and is put right by setting it again", async () => {
    const nv = await settled();
    const whole = outcome(await boot(nv));
    await damage(nv, key);
    const rig = await boot(nv);
    expect(lostIn(rig)).toEqual([key]);
    expect(rig.node.store()).toMatchObject({ state: StoreState.READY, damaged: 1 });
    expect(outcome(rig)).not.toEqual(whole);
    repair(rig);
    const next = await boot(nv);
    expect(lostIn(next)).toEqual([]);
    expect(outcome(next)).toEqual(whole);
    expect(next.node.store().damaged).toBe(0);
  });

  it("takes and runs an app meanwhile", async () => {
    const nv = await settled();
    await damage(nv, key);
    const rig = await boot(nv);
    const pid = rig.node.load(guestOf(LOOP, "other").image);
    rig.node.run(20);
    expect(rig.node.task(pid)?.name).toBe("other");
  });

  it("is put right by a reset, after which nothing is set", async () => {
    const nv = await settled();
    await damage(nv, key);
    const rig = await boot(nv);
    rig.node.resetStore();
    const next = await boot(nv);
    expect(lostIn(next)).toEqual([]);
    expect(next.node.provision.config().role).toBe(0);
    expect(next.node.provision.apps().map((a) => a.state)).toEqual([]);
  });
});

it("names the word in the words of the shell", () => {
  const event = { seq: 1, time_ms: 0, type: EventType.WORD_LOST, pid: 0, a: KEY.SLOTS, b: 0 };
  expect(eventText(event as never, undefined as never)).toContain(
    "slots was damaged beyond mending and counts as never set; set it again",
  );
});
