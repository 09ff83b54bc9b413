// One image for many nodes: what goes over the bus, what each node comes to, and what that takes.

import { describe, expect, it } from "vitest";
import { Err } from "../../../../assembly/spec/errors.ts";
import type { LoadJob, LoadReport } from "../../../../host/client/bus/load.ts";
import { ModelBus, type ModelBusOptions, models } from "../../../drivers/model-bus.ts";
import { Random } from "../../../oracle/random.ts";

/** 1,024 frames of 114.35 bits, the average of random bytes, at 500 kbit/s. */
const BOUND_US = 234_189;

function imageOf(bytes: number): Uint8Array {
  const random = new Random(77);
  return Uint8Array.from({ length: bytes }, () => random.below(256));
}
const IMAGE = imageOf(8192);

async function load(bus: ModelBus, job: Partial<LoadJob> = {}): Promise<LoadReport> {
  const master = await bus.master();
  const present = await master.census(4);
  const nodes = present.map(({ node }) => node);
  return master.load({ image: IMAGE, nodes, ...job });
}
function states({ nodes }: LoadReport): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of nodes) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
function haveImage(bus: ModelBus, image = IMAGE): number {
  return bus.nodes.filter(({ apps }) => apps.some((app) => Buffer.compare(app.image, image) === 0))
    .length;
}
const busOf = (count: number, more: Partial<ModelBusOptions> = {}) =>
  new ModelBus({ nodes: models(count), ...more });

describe("a broadcast without losses", () => {
  it("sends each frame once, whatever the number of nodes", async () => {
    const bus = busOf(50);
    const report = await load(bus);
    expect(report).toMatchObject({ dataFrames: 1024, repairFrames: 0, parityFrames: 0 });
    expect(states(report)).toEqual({ complete: 50 });
    expect(haveImage(bus)).toBe(50);
    expect(bus.count("nack")).toBe(0);
  });

  it("takes 94 % of the bus, and 85 % with 10 ms to the host and back each way", async () => {
    const near = await load(busOf(1));
    expect(BOUND_US / near.transfer_us).toBeGreaterThan(0.94);
    const far = await load(busOf(1, { latency_us: 10_000 }));
    expect(BOUND_US / far.transfer_us).toBeGreaterThan(0.85);
  });

  it("takes at most 1.12 times as long for 100 nodes", async () => {
    const one = await load(busOf(1), { isEverybody: true });
    const many = await load(busOf(100), { isEverybody: true });
    expect(many.elapsed_us / one.elapsed_us).toBeLessThan(1.12);
  });

  it("sends no data to nodes that have the image", async () => {
    const bus = busOf(3);
    await load(bus);
    const again = await load(bus, { mayBeThere: true });
    expect(states(again)).toEqual({ already: 3 });
    expect(again.dataFrames).toBe(0);
  });

  it("reaches those who were selected, and nobody else", async () => {
    const bus = busOf(70);
    const report = await load(bus, { nodes: [3, 33, 66, 70] });
    expect(states(report)).toEqual({ complete: 4 });
    expect(haveImage(bus)).toBe(4);
    expect(bus.node(66).apps).toHaveLength(1);
  });

  it("ends with a length that fills no frame", async () => {
    const bus = busOf(2);
    const image = imageOf(1101);
    expect(states(await load(bus, { image }))).toEqual({ complete: 2 });
    expect(haveImage(bus, image)).toBe(2);
  });
});

describe("a broadcast with losses", () => {
  it.each([
    [0.001, 1.15],
    [0.01, 1.3],
  ])("reaches 32 nodes that lose %f of all frames within %f of the bound", async (loss, limit) => {
    let sum = 0;
    for (const seed of [1, 2, 3]) {
      const bus = busOf(32, { loss, seed });
      const report = await load(bus, { isEverybody: true });
      expect(states(report)).toEqual({ complete: 32 });
      expect(haveImage(bus)).toBe(32);
      sum += report.elapsed_us / BOUND_US;
    }
    expect(sum / 3).toBeLessThan(limit);
  });

  it.each([1, 2, 3])("ends when one frame in five is lost, seed %i", async (seed) => {
    const bus = busOf(6, { loss: 0.2, seed });
    const report = await load(bus, { image: imageOf(3000), nodes: [1, 2, 3, 4, 5, 6] });
    expect(states(report)).toEqual({ complete: 6 });
    expect(haveImage(bus, imageOf(3000))).toBe(6);
  });
});

describe("a node that", () => {
  it("refuses is told with its code, and the others go on", async () => {
    const nodes = models(3).map((node, n) => (n === 1 ? { ...node, room: 4096 } : node));
    const report = await load(new ModelBus({ nodes }));
    expect(states(report)).toEqual({ complete: 2, refused: 1 });
    expect(report.nodes[1]).toMatchObject({ node: 2, code: Err.NO_MEMORY });
  });

  it("vanishes counts as silent", async () => {
    const bus = busOf(3);
    bus.at(100, () => bus.nodes[2]?.powerOff());
    const report = await load(bus);
    expect(states(report)).toEqual({ complete: 2, silent: 1 });
    expect(report.nodes[2]).toMatchObject({ node: 3, code: Err.TIMEOUT });
  });

  it("is restarted in the middle has the image in the end", async () => {
    const bus = busOf(3);
    bus.at(100, () => bus.nodes[2]?.powerOff());
    bus.at(150, () => bus.nodes[2]?.powerOn());
    expect(states(await load(bus))).toEqual({ complete: 3 });
    expect(haveImage(bus)).toBe(3);
  });
});

describe("a load that", () => {
  it("is aborted leaves every node as it was", async () => {
    const bus = busOf(4, { loss: 0.05 });
    const stop = new AbortController();
    bus.at(150, () => stop.abort());
    const report = await load(bus, { signal: stop.signal });
    expect(states(report)).toEqual({ aborted: 4 });
    expect(haveImage(bus)).toBe(0);
  });

  it("changes over together does so at every node, or at none", async () => {
    const bus = busOf(5);
    expect(states(await load(bus, { together: true }))).toEqual({ complete: 5 });
    const nodes = models(5).map((node, n) => (n === 4 ? { ...node, room: 100 } : node));
    const divided = new ModelBus({ nodes });
    expect(states(await load(divided, { together: true }))).toEqual({ aborted: 4, refused: 1 });
    expect(haveImage(divided)).toBe(0);
  });

  it("keeps the pace of the slowest node, which is heard once or not at all by then", async () => {
    const nodes = models(3).map((node, n) => ({ ...node, pace_us: [320, 496, 320][n] ?? 0 }));
    const slow = await load(new ModelBus({ nodes }));
    expect(slow.transfer_us).toBeGreaterThan(1023 * 496);
    const bus = new ModelBus({ nodes });
    const master = await bus.master();
    const unasked = await master.load({ image: IMAGE, nodes: [1, 2, 3] });
    expect(unasked.transfer_us).toBeGreaterThan(1000 * 496);
  });

  it("leaves time between its frames for nodes that need it", async () => {
    const report = await load(busOf(1), { frame_us: 500 });
    expect(report.transfer_us).toBeGreaterThan(1023 * 500);
  });
});
