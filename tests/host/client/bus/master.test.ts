// The master against model nodes: who is there, what they say, and what happens when frames are lost.

import { describe, expect, it } from "vitest";
import { Err } from "../../../../assembly/spec/errors.ts";
import { CanPartner } from "../../../../host/bus/partner.ts";
import { BusError } from "../../../../host/client/bus/bus-error.ts";
import { NodeError } from "../../../../host/client/refusal.ts";
import { decodeFrame, encodeFrame } from "../../../../host/formats/frame.ts";
import { ModelBus, models } from "../../../drivers/model-bus.ts";

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Another master, which holds a slot and says so. */
function holder(bus: ModelBus, master: number): void {
  const partner = new CanPartner(bus.wire);
  const none = { kind: "request", target: 0, sequence: 0, verb: "PRESENT", args: {} } as const;
  partner.onHeard = (frame) => {
    const heard = decodeFrame(0x400, frame);
    if (heard?.kind === "claim" && heard.master === master)
      partner.send(encodeFrame(0x400, { ...none, master }));
  };
}

describe("a slot", () => {
  it("is the first that nobody holds", async () => {
    const bus = new ModelBus({ nodes: [] });
    for (const master of [0, 1, 3]) holder(bus, master);
    expect((await bus.master({})).requests.master).toBe(2);
  });

  it("is refused when eight masters are there", async () => {
    const bus = new ModelBus({ nodes: [] });
    for (let master = 0; master < 8; master++) holder(bus, master);
    expect(await thrownBy(bus.master({}))).toMatchObject({
      code: "no-slot",
      message: "eight masters are on the bus already",
    });
  });
});

describe("a census", () => {
  it("names every node in order, in less than 30 ms for 100 nodes", async () => {
    const bus = new ModelBus({ nodes: models(100) });
    const master = await bus.master();
    const begun_us = master.link.now_us;
    const present = await master.census(1);
    expect(present.map(({ node }) => node)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect(master.link.now_us - begun_us).toBeLessThan(30_000);
    expect(bus.count("hello")).toBe(100);
  });

  it("hears in a second round whom it lost in the first", async () => {
    const bus = new ModelBus({ nodes: models(40), loss: 0.05, seed: 3 });
    const master = await bus.master();
    expect(await master.census(4)).toHaveLength(40);
  });

  it("refuses nodes of another version of the protocol by number", async () => {
    const bus = new ModelBus({ nodes: models(2) });
    const master = await bus.master();
    const hello = { node: 9, check: 1, firmware: 2, apps: 0, flags: 0, version: 2 } as const;
    bus.at(0.1, () => bus.node(1).say({ kind: "hello", ...hello }));
    expect(await thrownBy(master.census())).toMatchObject({
      code: "other-protocol",
      message: "node 9 speaks version 2 of the protocol, this hsx version 1",
    });
  });
});

describe("identities", () => {
  it("are given to 40 nodes that have none, each its own", async () => {
    const bus = new ModelBus({ nodes: models(40, { id: 0 }) });
    const master = await bus.master();
    expect(await master.census()).toEqual([]);
    const settled = await master.settle([]);
    expect(settled.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
    expect(new Set(bus.nodes.map(({ id }) => id)).size).toBe(40);
    expect(settled.every(({ before }) => before === undefined)).toBe(true);
  });

  it("pass by ids that are taken, and name nodes by UID", async () => {
    const unnamed = { id: 0, uid: Uint8Array.of(0xde, 0xad, 0xbe, 0xef) };
    const bus = new ModelBus({ nodes: [...models(2), unnamed] });
    const master = await bus.master();
    const [settled] = await master.settle(await master.census());
    expect(settled?.id).toBe(3);
    expect(settled?.about.uid).toEqual(unnamed.uid);
  });
});

describe("requests", () => {
  it("read and set a value", async () => {
    const bus = new ModelBus({ nodes: models(1) });
    bus.node(1).values.push({ oid: 0x0102, name: "limit", value: 0x4d00 });
    const node = (await bus.master()).node(1);
    expect(await node.values()).toMatchObject([{ oid: 0x0102, name: "limit", value: 0x4d00 }]);
    await node.setValue(0x0102, 0x5140);
    expect(await node.getValue(0x0102)).toBe(0x5140);
  });

  it("are repeated when frames are lost, and a record's lost pieces are asked for", async () => {
    const bus = new ModelBus({ nodes: models(8), loss: 0.2, seed: 5 });
    for (const { values } of bus.nodes)
      values.push({ oid: 0x0102, name: "a limit with a long name", value: 0x4d00 });
    const master = await bus.master();
    const all = await master.each([1, 2, 3, 4, 5, 6, 7, 8], (node) => node.values());
    expect(all).toEqual(
      Array.from({ length: 8 }, (_, n) => ({
        node: n + 1,
        value: [expect.objectContaining({ name: "a limit with a long name", value: 0x4d00 })],
      })),
    );
  });

  it("throw what a node refuses, with its code", async () => {
    const bus = new ModelBus({ nodes: models(1) });
    const error = await thrownBy((await bus.master()).node(1).getValue(0x0909));
    expect(error).toBeInstanceOf(NodeError);
    expect(error).toMatchObject({ code: Err.NOT_FOUND });
  });

  it("name a node that stays silent", async () => {
    const bus = new ModelBus({ nodes: models(2) });
    const error = await thrownBy((await bus.master()).node(77).getValue(0x0102));
    expect(error).toBeInstanceOf(BusError);
    expect(error).toMatchObject({
      code: "no-answer",
      node: 77,
      message: "node 77 does not answer on wire",
    });
  });

  it("are carried out once, however often their answers are lost", async () => {
    const bus = new ModelBus({ nodes: models(1), loss: 0.3, seed: 9 });
    const node = (await bus.master()).node(1);
    for (let n = 0; n < 20; n++) await node.restart(2);
    expect(bus.node(1).carriedOut.TASK).toBe(20);
  });

  it("of a new master are no repetition of the last one's", async () => {
    const bus = new ModelBus({ nodes: models(1) });
    for (let n = 0; n < 20; n++) await (await bus.master()).node(1).restart(2);
    expect(bus.node(1).carriedOut.TASK).toBe(20);
  });
});
