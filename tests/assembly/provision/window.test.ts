// Images whose code does not fit memory run from their slot, through the code window.

import { describe, expect, it } from "vitest";
import { AppState } from "../../../assembly/spec/boot.ts";
import { Err } from "../../../assembly/spec/errors.ts";
import { Config, Stop, TaskState } from "../../../assembly/spec/node.ts";
import { NodeError } from "../../../host/client/refusal.ts";
import { NvDevice, type NvHal } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const CELLS = 60;
const SLOT = 12288;
/** 32 + 8 * 60 bytes of the store, up to the next multiple of 256. */
const ORIGIN = 512;
const SKIPPED = "NOT R9, R9\n";
/** More words than the arena of `small` has room for: 9,472 bytes at least, 9,812 now. */
const FILLER = SKIPPED.repeat(2500);

/** Calls a function behind the filler with 1 to 5, adds what it answers and a word of rodata, then sleeps on and on. */
const CALLER = (n: number) => `
.value {"group":1,"id":1,"name":"sum","init":0,"persist_key":7,"min":0,"max":1000}
    LDI R4, ${n}
    LDI R1, 5
    LDI R3, 1
    LDI R6, 0
next:
    LDI32 R2, far
    CALL R2
    ADD R6, R6, R7
    SUB R1, R1, R3
    JNZ next
    LDI32 R2, table
    LD R2, [R2+0]
    ADD R6, R6, R2
loop:
    LDI32 R0, 1000
    SVC 0x600
    JMPL loop
${FILLER}
far:
    MUL R7, R1, R1
    RET
.data
table: .word 0x10000
`;
/** 1 + 4 + 9 + 16 + 25 and the word. */
const SUM = 55 + 0x10000;

/** A device that cannot be read while it is busy, as with a card that is being read on the same pins. */
class SharedDevice extends NvDevice {
  isBusy = false;

  override hal(memory: () => Uint8Array): NvHal {
    const hal = super.hal(memory);
    return { ...hal, nv_read: (...where) => (this.isBusy ? Err.BUSY : hal.nv_read(...where)) };
  }
}

async function boot(nv: NvDevice): Promise<NodeRig> {
  const rig = await startNode("small", { nv });
  rig.node.run(50);
  return rig;
}
async function fresh(): Promise<{ nv: SharedDevice; rig: NodeRig }> {
  const nv = new SharedDevice(new Uint8Array(ORIGIN + 3 * SLOT).fill(0xff));
  const rig = await startNode("small", { nv });
  rig.node.formatStore(CELLS);
  rig.node.provision.formatSlots(3, SLOT);
  return { nv, rig };
}
const bigApp = (n: number, name = "big") => guestOf(CALLER(n), name).image;
/** Counts in R1, in turn in line 0 of the code and in the one of word `place`. */
const counter = (place: number) => `
    LDI R3, 1
first:
    JMPL second
${SKIPPED.repeat(place - 3)}
second:
    ADD R1, R1, R3
    JMPL first
    ${SKIPPED.repeat(20)}
`;
/** In line 157, which has another place in the window than line 0. */
const COUNTER = counter(157 * 16);
/** In line 160, which has the same place. */
const COLLIDER = counter(160 * 16);
function install(rig: NodeRig, image: Uint8Array, options = {}): number {
  return rig.node.provision.activate(rig.node.provision.stage(image), options);
}
function stepsOf({ node }: NodeRig, pid: number): number {
  return node.task(pid)?.steps ?? 0;
}
function codeOf(act: () => unknown): Err | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof NodeError) return error.code;
    throw error;
  }
  return undefined;
}

describe("an image whose code does not fit memory", () => {
  it("runs from its slot, does what it says, and comes up there again", async () => {
    const { nv, rig } = await fresh();
    expect(codeOf(() => rig.node.load(bigApp(1)))).toBe(Err.NO_MEMORY);
    const pid = install(rig, bigApp(1));
    rig.node.run(50);
    const task = rig.node.task(pid);
    expect(task).toMatchObject({ state: TaskState.SLEEPING, runsFromSlot: true });
    expect(task?.regs[6]).toBe(SUM);
    rig.node.setValue(0x0101, 0x4400);
    rig.node.run(500);
    const next = await boot(nv);
    expect(next.node.tasks()).toMatchObject([{ name: "big", runsFromSlot: true }]);
    expect(next.node.tasks()[0]?.regs[6]).toBe(SUM);
    expect(next.node.getValue(0x0101)).toBe(0x4400);
  });

  it("gives all its memory back when it goes, and starts over when it is told to", async () => {
    const { rig } = await fresh();
    const free = rig.node.config(Config.ARENA_FREE);
    const pid = install(rig, bigApp(1));
    rig.node.run(50);
    rig.node.restart(pid);
    rig.node.run(50);
    expect(rig.node.task(pid)?.regs[6]).toBe(SUM);
    rig.node.kill(pid);
    expect(rig.node.config(Config.ARENA_FREE)).toBe(free);
  });

  it("is put on trial and taken back like any other", async () => {
    const { nv, rig } = await fresh();
    install(rig, bigApp(1));
    rig.node.run(50);
    install(rig, bigApp(2), { attempts: 1 });
    rig.node.run(50);
    expect(rig.node.tasks()).toMatchObject([{ runsFromSlot: true }]);
    expect(rig.node.tasks()[0]?.regs[4]).toBe(2);
    const next = await boot(nv);
    expect(next.node.tasks()[0]?.regs[4]).toBe(1);
    expect(next.node.provision.apps()).toMatchObject([{ state: AppState.CONFIRMED, active: 0 }]);
  });

  it("leaves memory to one that fits", async () => {
    const { rig } = await fresh();
    const pid = install(rig, guestOf("loop: JMP loop\n", "little").image);
    expect(rig.node.task(pid)?.runsFromSlot).toBe(false);
  });

  it("is refused when not even the window and what is kept beside it fit", async () => {
    const { rig } = await fresh();
    rig.node.load(guestOf(".bss\nroom: .zero 8300\n.text\nloop: JMP loop\n", "other").image);
    expect(codeOf(() => install(rig, bigApp(1)))).toBe(Err.NO_MEMORY);
    expect(rig.node.tasks()).toMatchObject([{ name: "other" }]);
  });
});

describe("code that runs from a slot", () => {
  it("takes turns of the same length as code in memory", async () => {
    const { rig } = await fresh();
    const far = install(rig, guestOf(COUNTER, "far").image);
    const near = rig.node.load(guestOf("loop: JMP loop\n", "near").image);
    rig.node.poll(1); // a turn begins
    const before = [stepsOf(rig, far), stepsOf(rig, near)];
    for (let n = 0; n < 2000; n++) rig.node.poll(24);
    const done = [far, near].map((pid, n) => stepsOf(rig, pid) - (before[n] ?? 0));
    expect(done[0]).toBeGreaterThan(3000);
    expect(Math.abs((done[0] ?? 0) - (done[1] ?? 0))).toBeLessThanOrEqual(64);
  });

  it("has so few lines read in a poll that the poll stays short", async () => {
    const { nv, rig } = await fresh();
    /** Lines read and instructions in each of some polls. */
    const polls = (pid: number, budget: number) =>
      Array.from({ length: 20 }, () => {
        const [bytes, steps] = [nv.bytesRead, stepsOf(rig, pid)];
        rig.node.poll(budget);
        return `${(nv.bytesRead - bytes) / 72} lines ${stepsOf(rig, pid) - steps} steps`;
      });
    const pid = install(rig, guestOf(COUNTER, "far").image);
    expect(new Set(polls(pid, 24).slice(2))).toEqual(new Set(["0 lines 24 steps"]));
    rig.node.kill(pid);
    const collider = install(rig, guestOf(COLLIDER, "collider").image);
    // one line, and one for each 16 instructions the poll may run
    const colliding = polls(collider, 24).slice(2);
    expect(new Set(colliding)).toEqual(new Set(["2 lines 3 steps"]));
    expect(new Set(polls(collider, 1))).toEqual(new Set(["0 lines 1 steps", "1 lines 1 steps"]));
  });

  it("is stepped one instruction at a time", async () => {
    const { rig } = await fresh();
    const pid = install(rig, guestOf(COUNTER, "far").image);
    rig.node.pause(pid);
    const before = stepsOf(rig, pid);
    for (let n = 0; n < 10; n++) rig.node.step(pid);
    expect(stepsOf(rig, pid) - before).toBe(10);
  });

  it("waits while the device is busy, and others run on", async () => {
    const { nv, rig } = await fresh();
    const far = install(rig, bigApp(1));
    nv.isBusy = true;
    rig.node.run(20);
    const near = rig.node.load(guestOf("loop: JMP loop\n", "near").image);
    rig.node.run(20);
    expect(rig.node.task(far)).toMatchObject({ state: TaskState.READY, steps: 0 });
    expect(stepsOf(rig, near)).toBeGreaterThan(100);
    expect(codeOf(() => rig.node.setValue(0x0101, 0x7000))).toBe(Err.RANGE); // its limits are at hand
    nv.isBusy = false;
    rig.node.run(50);
    expect(rig.node.task(far)?.regs[6]).toBe(SUM);
  });

  it("faults when the device fails, and starts over when that is back", async () => {
    const { nv, rig } = await fresh();
    rig.node.provision.setBoot(0, {
      order: 0,
      restarts: 3,
      fallbackOnFault: false,
      source: 0,
      quantum: 0,
    });
    const pid = install(rig, bigApp(1));
    nv.fault = "io";
    rig.node.run(20);
    expect(rig.node.task(pid)).toMatchObject({ state: TaskState.BACKING_OFF, stop: Stop.CODE });
    expect(rig.node.task(pid)?.regs[0]).toBe(0xffffff08); // docs/isa.md
    rig.node.run(150); // the restart finds no rodata
    expect(rig.node.task(pid)).toMatchObject({ state: TaskState.BACKING_OFF, stop: Stop.CODE });
    nv.fault = "none";
    rig.node.run(300);
    expect(rig.node.task(pid)?.regs[6]).toBe(SUM);
  });
});

describe("a slot that code runs from", () => {
  it("is not staged into, and no slots are made anew", async () => {
    const { rig } = await fresh();
    install(rig, bigApp(1));
    const { provision } = rig.node;
    expect(codeOf(() => provision.stage(bigApp(2), { slot: 0 }))).toBe(Err.SLOT_IN_USE);
    expect(codeOf(() => provision.formatSlots(2, SLOT))).toBe(Err.SLOT_IN_USE);
  });

  it("outlives the records of its app", async () => {
    const { rig } = await fresh();
    const pid = install(rig, guestOf(COUNTER, "far").image);
    rig.node.resetStore();
    rig.node.run(50);
    expect(rig.node.provision.apps()).toEqual([]);
    expect(codeOf(() => rig.node.provision.formatSlots(4, 8192))).toBe(Err.SLOT_IN_USE);
    expect(codeOf(() => rig.node.formatStore(1020))).toBe(Err.SLOT_IN_USE);
    const steps = stepsOf(rig, pid);
    rig.node.run(20);
    expect(stepsOf(rig, pid)).toBeGreaterThan(steps);
    rig.node.kill(pid);
    rig.node.formatStore(1020);
  });
});
