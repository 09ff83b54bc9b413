// A short version of `npm run proof:bus`, and the master against cores in Node.

import { describe, expect, it } from "vitest";
import { isGood, type NodeLoad } from "../../../../host/client/bus/load-state.ts";
import { bulkImage, idsOf, kindsOf, openBusBench } from "../../../drivers/bus-bench.ts";
import { newCounts, runBus } from "../../../drivers/bus-runs.ts";

const LIVES = 100;

describe("a bus of cores", () => {
  it("takes an image by broadcast, once", async () => {
    const { master } = await openBusBench({ kinds: kindsOf("small", 6) });
    const image = bulkImage(2048);
    const first = await master.load({ image, nodes: idsOf(6) });
    expect(first.nodes.map(({ state }) => state)).toEqual(Array(6).fill("complete"));
    expect(first).toMatchObject({ dataFrames: 256, repairFrames: 0, parityFrames: 0 });
    const again = await master.load({ image, nodes: idsOf(6), mayBeThere: true });
    expect(again.nodes.every(isGood)).toBe(true);
    expect(again.dataFrames).toBe(0);
  });

  it("refuses what does not fit, and says why", async () => {
    const { master } = await openBusBench({ kinds: ["small", "large"] });
    const { nodes } = await master.load({ image: bulkImage(12_288), nodes: [1, 2] });
    expect(nodes.map(({ state }) => state)).toEqual(["refused", "complete"]);
  });

  it("repairs nothing when its host takes 1 to 20 ms a frame, now and then 40", async () => {
    const { master } = await openBusBench({ kinds: kindsOf("small", 2), latency_ms: [1, 20] });
    const { transport } = master.link;
    const send = transport.send.bind(transport);
    let sent = 0;
    transport.send = async (frame) => {
      await send(frame);
      if (++sent % 100 === 0) await transport.sleep(40_000);
    };
    const report = await master.load({ image: bulkImage(8192), nodes: idsOf(2) });
    expect(report.nodes.map(({ state }) => state)).toEqual(["complete", "complete"]);
    expect(report).toMatchObject({ dataFrames: 1024, repairFrames: 0, parityFrames: 0 });
  });

  it("changes over together from slots, and so does a node that loses its power with the commit", async () => {
    const slots = { count: 3, bytes: 4096 };
    const { bench, master } = await openBusBench({ kinds: kindsOf("small", 3), slots });
    const job = { nodes: idsOf(3), place: "slot", together: true, attempts: 0 } as const;
    await master.load({ ...job, image: bulkImage(2048) });
    let prepared = 0;
    const onNode = ({ state }: NodeLoad) => {
      const last = bench.nodes[2];
      if (state !== "prepared" || ++prepared !== 3 || last === undefined) return;
      last.powerOff();
      bench.timeline.clock.after(300e6, () => last.powerOn());
    };
    const { nodes } = await master.load({ ...job, image: bulkImage(2048, 7), onNode });
    expect(prepared).toBeGreaterThanOrEqual(3);
    expect(nodes.map(({ state }) => state)).toEqual(["complete", "complete", "complete"]);
    const hellos = (await master.census()).map(({ hello }) => hello.apps);
    expect(new Set(hellos).size).toBe(1);
  });

  it("lives through losses, power cuts and masters that vanish", { timeout: 300_000 }, async () => {
    const counts = newCounts();
    for (let seed = 1; seed <= LIVES; seed++) await runBus({ seed, nodes: 20 }, counts);
    expect(counts.faults).toEqual([]);
    expect(counts.runs).toBe(LIVES);
    expect(counts.cuts).toBeGreaterThan(LIVES);
    expect(counts.lostMasters).toBeGreaterThan(LIVES / 10);
  });
});
