// LOAD over the node protocol: one image for several nodes, what is lost, what is refused, what is given up, what goes on after a cut.
import { beforeEach, describe, expect, it } from "vitest";
import { Err } from "../../../../assembly/spec/errors.ts";
import {
  BeginMode,
  LoadEvent,
  LoadPhase,
  Poll,
  WindowFlag,
} from "../../../../assembly/spec/frame.ts";
import { TaskState } from "../../../../assembly/spec/node.ts";
import type { Frame } from "../../../../host/formats/frame.ts";
import { NvDevice } from "../../../../host/node/nv.ts";
import { guestOf } from "../../../drivers/guest.ts";
import { Spread } from "../../../drivers/spread.ts";
import { tracesOf } from "../../../drivers/traces.ts";
import { Wire } from "../../../drivers/wire.ts";
import { Random } from "../../../oracle/random.ts";

/** An app of some 2.6 KiB, three windows, that only sleeps. */
const appOf = (name: string, words: number) =>
  guestOf(
    `.value {"group":1,"id":2,"name":"level","init":1}\nloop:\n LDI R0, 100\n SVC 0x600\n JMP loop\n${" LDI R1, 1\n".repeat(words)}`,
    name,
  ).image;
const APP = appOf("pump", 600);
const OTHER = appOf("pump", 599);

let wire: Wire;
beforeEach(async () => {
  wire = new Wire();
  for (let n = 1; n <= 3; n++) await wire.add("small", n);
  wire.nameAll();
});
const tasks = () => wire.nodes.map(({ node }) => node.tasks().map(({ state }) => state));
const events = (spread: Spread) =>
  wire.nodes.map((_, n) => {
    const status = spread.outcomes.get(n + 1);
    return status === undefined ? "silent" : LoadEvent[status.event];
  });
const RUNS = [[TaskState.SLEEPING], [TaskState.SLEEPING], [TaskState.SLEEPING]];
const EVERYWHERE = ["COMPLETE", "COMPLETE", "COMPLETE"];

describe("a load without loss", () => {
  it("runs everywhere, with every frame sent once and one status a node", () => {
    const spread = new Spread(wire, APP);
    spread.run();
    expect(events(spread)).toEqual(EVERYWHERE);
    expect(spread.sent).toBe(Math.ceil(APP.length / 8));
    expect(spread.outcomes.get(2)).toMatchObject({ code: 0, task: 1, bytes: APP.length });
    wire.run(5);
    expect(tasks()).toEqual(RUNS);
  });

  it("sends nothing to nodes that have the image", () => {
    new Spread(wire, APP).run();
    const again = new Spread(wire, APP, { session: 0x22 });
    again.offer();
    expect(events(again)).toEqual(EVERYWHERE);
    expect(again.outcomes.get(1)).toMatchObject({ task: 1, bytes: 0 });
  });

  it("leaves out nodes that were not selected", () => {
    const spread = new Spread(wire, APP);
    const session = spread.session;
    wire.request("SELECT", { session, kind: 0x10, bits: 1 << 2 });
    wire.request("BEGIN", { session, mode: 0, total: APP.length, counts: 0 });
    wire.request("BEGIN_CRC", { session, slot: 255, crc: 1 });
    wire.run();
    spread.end(0);
    expect([...spread.outcomes.keys()]).toEqual([2]);
  });

  it("takes the place of the task of the same name, which runs until then", () => {
    const pid = wire.nodes[0]?.node.load(OTHER);
    const spread = new Spread(wire, APP, { mode: BeginMode.REPLACE });
    spread.offer();
    spread.stream();
    spread.run();
    expect(events(spread)).toEqual(EVERYWHERE);
    expect(spread.outcomes.get(1)?.task).not.toBe(pid);
    wire.run(5);
    expect(tasks()).toEqual(RUNS);
  });

  it("is refused where its ids are taken, with the reason", () => {
    wire.nodes[0]?.node.load(OTHER);
    const spread = new Spread(wire, APP);
    spread.run();
    expect(events(spread)).toEqual(["ERROR", "COMPLETE", "COMPLETE"]);
    expect(spread.outcomes.get(1)?.code).toBe(-Err.ID_TAKEN);
    expect(wire.nodes[0]?.node.tasks()).toHaveLength(1);
  });
});

describe("pace", () => {
  const slow = async (canPace_us: number) => {
    const bench = new Wire();
    for (let n = 1; n <= 2; n++) await bench.add("small", n, { canPace_us });
    bench.nameAll();
    bench.take();
    return bench;
  };
  const paces = (frames: Frame[]) => frames.flatMap((f) => (f.kind === "pace" ? [f.us] : []));

  // a DATA frame has 111 bits, 222 us at 500 kbit/s; 223 us are more than 13 times 16
  it.each([
    [222, []],
    [223, [224]],
    [5000, [752]],
  ])("of %i us is told once by all that are slower than the bus", async (us, told) => {
    const bench = await slow(us);
    expect(paces(bench.ask("CENSUS", { salt: 0 }))).toEqual(told);
    const session = 5;
    bench.request("SELECT", { session, kind: 0, bits: 0 });
    const begin = { session, mode: 0, total: APP.length, counts: 0 };
    expect(paces(bench.ask("BEGIN", begin))).toEqual(told);
    expect(paces(bench.ask("BEGIN", begin))).toEqual(told);
  });

  it("is not told to a session that leaves the node out", async () => {
    const bench = await slow(400);
    const begin = { session: 7, mode: 0, total: APP.length, counts: 0 };
    expect(paces(bench.ask("BEGIN", begin))).toEqual([]);
  });
});

describe("loss", () => {
  it.each([1, 2, 3, 4, 5, 6])("of one frame in twenty is repaired (seed %d)", (seed) => {
    const random = new Random(seed);
    wire.isLost = (_to, _frame, from) => from === -1 && random.below(20) === 0;
    const spread = new Spread(wire, APP);
    spread.run();
    wire.isLost = () => false;
    spread.run();
    expect(events(spread)).toEqual(EVERYWHERE);
    wire.run(5);
    expect(tasks()).toEqual(RUNS);
  });

  it("of every WINDOW frame in a stream costs nothing but the first", () => {
    let windows = 0;
    wire.isLost = (to, frame) =>
      to === 0 && ((frame.data[1] ?? 0) & 31) === 7 && frame.id === 0x400 && windows++ > 0;
    const spread = new Spread(wire, APP);
    spread.offer();
    spread.stream();
    wire.isLost = () => false;
    expect(spread.poll(Poll.WINDOWS)).toEqual([]);
  });

  it("is named once, whoever misses it", () => {
    wire.isLost = (to, frame) =>
      to !== 2 && (frame.id === 0x685 || (to === 0 && frame.id === 0x603));
    const spread = new Spread(wire, APP);
    spread.offer();
    spread.stream();
    wire.isLost = () => false;
    expect([...new Set(spread.poll(Poll.WINDOWS))].sort()).toEqual([0, 1, 2]);
    expect([...new Set(spread.poll(Poll.FRAMES, 1))]).toEqual([5]);
    expect([...new Set(spread.poll(Poll.FRAMES, 0))]).toEqual([3]);
  });

  it("is named though the repair of another window begins meanwhile", () => {
    wire.isLost = (_to, frame) => frame.id === 0x685;
    const spread = new Spread(wire, APP);
    spread.offer();
    spread.stream();
    wire.isLost = () => false;
    expect([...new Set(spread.poll(Poll.FRAMES, 1, () => spread.window(0)))]).toEqual([5]);
  });

  it("is not named when the frame comes first", () => {
    wire.isLost = (_to, frame) => frame.id === 0x685;
    const spread = new Spread(wire, APP);
    spread.offer();
    spread.stream();
    wire.isLost = () => false;
    const mend = () => {
      spread.window(1);
      spread.wire.send({ kind: "data", parity: 1, index: 5, bytes: APP.subarray(1064, 1072) });
    };
    expect(spread.poll(Poll.FRAMES, 1, mend)).toEqual([]);
    expect(spread.poll(Poll.WINDOWS)).toEqual([]);
  });

  // 12,432 bits at 500 kbit/s are 24.9 ms, and a test's DATA frame takes 0.2
  it("makes a node wait for WINDOW after 24 ms of silence in a stream, no earlier", () => {
    const spread = new Spread(wire, APP);
    spread.offer();
    spread.window(0, WindowFlag.STREAM);
    spread.data(0, 0);
    spread.listen(22);
    spread.data(0, 1);
    spread.listen(25);
    spread.data(0, 2);
    spread.window(0, WindowFlag.STREAM);
    spread.data(0, 3);
    expect(new Set(spread.poll(Poll.FRAMES, 0))).toEqual(
      new Set([2, ...Array.from({ length: 124 }, (_, n) => n + 4)]),
    );
  });

  it.each([
    [8, "16"],
    [4, "32"],
  ])("of one frame a group is made good by parity (%d groups of %s)", (groups) => {
    wire.isLost = (to, frame) => frame.id === 0x600 + to || frame.id === 0x603;
    const spread = new Spread(wire, APP);
    spread.offer();
    spread.stream();
    wire.isLost = () => false;
    for (let w = 0; w < spread.windows; w++) spread.parity(w, groups);
    expect(spread.poll(Poll.WINDOWS)).toEqual([]);
    spread.listen(50);
    expect(events(spread)).toEqual(EVERYWHERE);
  });

  it("of all WINDOW frames is found by the sum, and CHECK says where", () => {
    const spread = new Spread(wire, APP);
    spread.offer();
    wire.isLost = (to, frame) => to === 0 && frame.id === 0x400;
    spread.window(0);
    wire.isLost = () => false;
    for (let w = 0; w < spread.windows; w++) {
      spread.window(w);
      for (let i = 0; i < 128; i++) {
        // node 1 is in window 0 when frames of window 2 come
        if (w === 2 && i === 0) wire.isLost = (to, frame) => to === 0 && frame.id === 0x400;
        if (128 * w + i < Math.ceil(APP.length / 8)) spread.data(w, i);
      }
    }
    wire.isLost = () => false;
    spread.repair();
    spread.listen(50);
    expect(spread.outcomes.get(2)?.event).toBe(LoadEvent.COMPLETE);
  });

  it("of the place of frames is found by the sum, and CHECK says which window must come again", async () => {
    const { crc32 } = await import("node:zlib");
    const spread = new Spread(wire, APP);
    spread.offer();
    spread.stream();
    const last = Math.ceil(APP.length / 8) - 1;
    expect(spread.poll(Poll.WINDOWS)).toEqual([]);
    spread.listen(50);
    expect(events(spread)).toEqual(EVERYWHERE);
    const second = new Spread(wire, OTHER, {
      session: 9,
      mode: BeginMode.REPLACE,
      from: 0,
      to: 300,
    });
    second.offer();
    second.window(1, 0);
    second.put(1, 7, Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9)); // a frame of some other place
    second.stream();
    second.repair();
    second.listen(80);
    expect(second.outcomes.get(1)).toMatchObject({ phase: LoadPhase.CHECKING, code: -Err.HXE_CRC });
    for (let w = 0; w < second.windows; w++) {
      const sum = crc32(OTHER.subarray(1024 * w, 1024 * w + 1024)) & 0xffffff;
      wire.request("CHECK", { session: 9, window: w, sum });
      second.listen(20);
    }
    expect(new Set(second.poll(Poll.WINDOWS))).toEqual(new Set([1]));
    second.repair();
    second.listen(80);
    expect(events(second)).toEqual(EVERYWHERE);
    expect(last).toBeGreaterThan(300);
  });
});

describe("giving up", () => {
  it("frees everything when the master goes silent, and says so", async () => {
    const traces = await tracesOf("small");
    const node = wire.nodes[0]?.node;
    if (node === undefined) throw new Error("no node");
    const before = traces.remember(node);
    const spread = new Spread(wire, APP, { isCutShort: true, to: 100 });
    spread.run();
    spread.listen(3100);
    expect(spread.outcomes.get(1)).toMatchObject({ event: LoadEvent.ABORTED, code: -Err.TIMEOUT });
    wire.run(10_500);
    traces.compare(node, before);
  });

  it("aborts when told to", () => {
    const spread = new Spread(wire, APP, { isCutShort: true, to: 100 });
    spread.run();
    spread.end(2);
    expect(events(spread)).toEqual(["ABORTED", "ABORTED", "ABORTED"]);
    expect(tasks()).toEqual([[], [], []]);
  });

  it("tells a second master that a load goes on", () => {
    const first = new Spread(wire, APP, { isCutShort: true, to: 100 });
    first.run();
    const second = new Spread(wire, OTHER, { session: 0x77, master: 3 });
    second.offer();
    expect(second.outcomes.get(1)).toMatchObject({ event: LoadEvent.ERROR, code: -Err.BUSY });
    first.repair();
    first.listen(50);
    expect(events(first)).toEqual(EVERYWHERE);
  });
});

describe("a load on hold", () => {
  it("is prepared, and changes over with one frame", () => {
    const olds = wire.nodes.map(({ node }) => node.load(OTHER));
    const spread = new Spread(wire, APP, {
      mode: BeginMode.REPLACE | BeginMode.HOLD,
      isCutShort: true,
    });
    spread.run();
    spread.repair();
    spread.listen(50);
    expect(spread.outcomes.get(1)).toMatchObject({ event: 0, phase: LoadPhase.PREPARED });
    expect(wire.nodes.map(({ node }) => node.tasks()[0]?.pid)).toEqual(olds);
    spread.end(1);
    spread.listen(5);
    expect(events(spread)).toEqual(EVERYWHERE);
    expect(wire.nodes[0]?.node.tasks()).toHaveLength(1);
    expect(wire.nodes[0]?.node.tasks()[0]?.pid).not.toBe(olds[0]);
  });

  it("tells that it is prepared when the commit was not heard", () => {
    const spread = new Spread(wire, APP, { mode: BeginMode.HOLD, isCutShort: true });
    spread.run();
    spread.repair();
    spread.listen(50);
    wire.isLost = (to) => to === 1;
    spread.end(1);
    wire.isLost = () => false;
    spread.end(0);
    expect(spread.outcomes.get(2)).toMatchObject({ event: 0, phase: LoadPhase.PREPARED });
    spread.end(1);
    spread.listen(5);
    expect(events(spread)).toEqual(EVERYWHERE);
  });
});

describe("a stored slot", () => {
  const stored = async () => {
    const bench = new Wire();
    const nv = new NvDevice(new Uint8Array(32768));
    const { node } = await bench.add("small", 1, { nv });
    node.formatStore(60);

    node.settle();
    node.provision.formatSlots(3, 4096);
    bench.nameAll();
    return { bench, nv };
  };

  it("takes an image that is only kept", async () => {
    const { bench } = await stored();
    const spread = new Spread(bench, APP, { mode: BeginMode.STAGE });
    spread.run();
    expect(spread.outcomes.get(1)).toMatchObject({ event: LoadEvent.COMPLETE, task: 0x80 });
    const again = new Spread(bench, APP, { mode: BeginMode.STAGE, session: 3 });
    again.offer();
    expect(again.outcomes.get(1)).toMatchObject({
      event: LoadEvent.COMPLETE,
      task: 0x80,
      bytes: 0,
    });
  });

  it("takes an image that becomes active", async () => {
    const { bench } = await stored();
    const spread = new Spread(bench, APP, { mode: BeginMode.ACTIVATE, counts: 3 });
    spread.run();
    expect(spread.outcomes.get(1)).toMatchObject({ event: LoadEvent.COMPLETE, task: 1 });
    expect(bench.nodes[0]?.node.tasks()).toHaveLength(1);
  });

  it("lacks after a power cut what was missing, and one window at most", async () => {
    const { bench, nv } = await stored();
    const first = new Spread(bench, APP, { mode: BeginMode.STAGE, isCutShort: true, to: 270 });
    first.run();
    const second = new Wire();
    await second.add("small", 1, { nv });
    second.nameAll();
    const spread = new Spread(second, APP, { mode: BeginMode.STAGE });
    spread.offer();
    expect(spread.poll(Poll.WINDOWS)).toEqual([2]);
    spread.repair();
    for (let n = 0; n < 20; n++) spread.listen(5);
    expect(spread.outcomes.get(1)).toMatchObject({ event: LoadEvent.COMPLETE, task: 0x80 });
    expect(spread.sent).toBeLessThanOrEqual(Math.ceil(APP.length / 8) - 256);
  });
});

describe("a group with stored slots", () => {
  const HELD = BeginMode.ACTIVATE | BeginMode.HOLD;
  /** Three nodes that run OTHER from a slot, and hold APP in another, prepared and on trial. */
  const prepared = async () => {
    const bench = new Wire();
    for (let n = 1; n <= 3; n++) {
      const { node } = await bench.add("small", n, { nv: new NvDevice(new Uint8Array(32768)) });
      node.formatStore(60);
      node.settle();
      node.provision.formatSlots(3, 4096);
    }
    bench.nameAll();
    new Spread(bench, OTHER, { mode: BeginMode.ACTIVATE, session: 3 }).run();
    const spread = new Spread(bench, APP, { mode: HELD, counts: 3, isCutShort: true });
    spread.run();
    spread.repair();
    spread.listen(100);
    return { bench, spread };
  };
  const pids = (bench: Wire) => bench.nodes.map(({ node }) => node.tasks().map(({ pid }) => pid));
  const running = (bench: Wire) =>
    bench.nodes.map(({ node }) => node.tasks().map(({ state }) => TaskState[state]));
  const phases = (spread: Spread) =>
    [1, 2, 3].map((n) => LoadPhase[spread.outcomes.get(n)?.phase ?? 0]);
  const trials = (bench: Wire) =>
    bench.nodes.map(({ node }) => node.provision.trial()?.attemptsLeft);

  it("changes over within a millisecond of the commit, and notes it", async () => {
    const { bench, spread } = await prepared();
    expect(phases(spread)).toEqual(["PREPARED", "PREPARED", "PREPARED"]);
    expect(pids(bench)).toEqual([[1], [1], [1]]);
    bench.request("END", { session: spread.session, what: 1 });
    let us = 0;
    for (; us < 5000 && pids(bench).flat().includes(1); us += 100) bench.run(0.1);
    expect(us).toBeLessThanOrEqual(1000);
    spread.listen(50);
    expect([1, 2, 3].map((n) => spread.outcomes.get(n)?.event)).toEqual(
      Array(3).fill(LoadEvent.COMPLETE),
    );
    expect(running(bench)).toEqual(Array(3).fill(["SLEEPING"]));
    expect(trials(bench)).toEqual([2, 2, 2]);
  });

  it("names who missed the commit, and has it change over when it is said again", async () => {
    const { bench, spread } = await prepared();
    bench.isLost = (to) => to === 1;
    spread.end(1);
    bench.isLost = () => false;
    spread.end(0);
    expect(phases(spread)).toEqual(["IDLE", "PREPARED", "IDLE"]);
    expect(pids(bench)).toEqual([[2], [1], [2]]);
    spread.end(1);
    spread.listen(50);
    expect(pids(bench)).toEqual([[2], [2], [2]]);
    expect(spread.outcomes.get(2)?.event).toBe(LoadEvent.COMPLETE);
  });

  it.each(["is taken back", "is forgotten by its master"])(
    "runs on as before when the load %s",
    async (how) => {
      const { bench, spread } = await prepared();
      if (how === "is taken back") spread.end(2);
      spread.listen(3100);
      expect([1, 2, 3].map((n) => spread.outcomes.get(n)?.event)).toEqual(
        Array(3).fill(LoadEvent.ABORTED),
      );
      expect(pids(bench)).toEqual([[1], [1], [1]]);
      expect(running(bench)).toEqual(Array(3).fill(["SLEEPING"]));
      expect(trials(bench)).toEqual([undefined, undefined, undefined]);
      // nothing is left of it: the same again
      const again = new Spread(bench, APP, { mode: BeginMode.ACTIVATE, session: 9 });
      again.run();
      expect(again.outcomes.get(3)?.event).toBe(LoadEvent.COMPLETE);
    },
  );
});
