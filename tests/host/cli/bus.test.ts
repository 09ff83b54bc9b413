// Commands that speak on a bus, against model nodes: what they print, and how they end.

import { afterEach, describe, expect, it, vi } from "vitest";
import { ModelBus, type ModelBusOptions, models } from "../../drivers/model-bus.ts";
import { file, hsx, json, jsonLines } from "./harness.ts";
import { ModelInstall, onModels as on } from "./model-install.ts";

function busOf(count: number, more: Partial<ModelBusOptions> = {}): ModelBus {
  const bus = new ModelBus({ nodes: models(count), ...more });
  for (const node of bus.nodes)
    node.values.push({ oid: 0x0102, name: "limit", value: 0x4d00 + node.id });
  return bus;
}
const image = file(
  "random.hxe",
  Uint8Array.from({ length: 2000 }, (_, n) => (n * 167) & 255),
);

describe("scan", () => {
  it("lists every node with what it is", async () => {
    const { exit, out, err } = await on(busOf(2), ["scan"]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    expect(out.split("\n")).toEqual([
      "NODE  UID       BOARD  FIRMWARE  FREE  STORE   STATE  APPS",
      "   1  0155aa07  model  0x1234       0  absent",
      "   2  0255aa07  model  0x1234       0  absent",
      "2 nodes",
      "",
    ]);
  });

  it("says how to name nodes that have no id, and names them by UID", async () => {
    const nodes = [...models(1), { id: 0, uid: Uint8Array.of(0xde, 0xad) }];
    const bus = new ModelBus({ nodes });
    const before = await on(bus, ["scan"]);
    expect(before.err).toContain("1 node without an id");
    expect(before.err).toContain("hsx scan --assign");
    const { out } = await on(bus, ["scan", "--assign", "--json"]);
    expect(json(out)).toMatchObject({
      unnamed: 0,
      settled: [{ node: 2, before: null, uid: "dead" }],
      nodes: [{ node: 1 }, { node: 2, uid: "dead" }],
    });
  });

  it("says so when no node has an id, as does a command that would need one", async () => {
    const bus = () => new ModelBus({ nodes: [{ id: 0, uid: Uint8Array.of(0xde, 0xad) }] });
    const scan = await on(bus(), ["scan"]);
    expect({ exit: scan.exit, out: scan.out }).toEqual({ exit: 0, out: "no node has an id\n" });
    const load = await on(bus(), ["load", image]);
    expect({ exit: load.exit, err: load.err }).toEqual({
      exit: 3,
      err: "error: no node on wire has an id; 1 node without one\n  remedy: give each an id: hsx scan --assign, or --keep for good\n",
    });
  });

  it("ends with 4 when nobody answers", async () => {
    const { exit, err } = await on(new ModelBus({ nodes: [] }), ["scan"]);
    expect(exit).toBe(4);
    expect(err).toBe(
      "error: no node answers on wire\n  remedy: look at power and cable, at the bit rate of the adapter, and at --base\n",
    );
  });
});

describe("val", () => {
  it("reads a value of every node that is there", async () => {
    const { exit, out } = await on(busOf(3), ["val", "get", "limit"]);
    expect({ exit, out }).toEqual({
      exit: 0,
      out: "node 1  20.02\nnode 2  20.03\nnode 3  20.05\n",
    });
  });

  it("sets it at those that are named", async () => {
    const bus = busOf(3);
    const { exit, out } = await on(bus, ["val", "set", "model:limit", "42", "--nodes", "1-3,!2"]);
    expect({ exit, out }).toEqual({
      exit: 0,
      out: "node 1  model:limit 20.02 -> 42\nnode 3  model:limit 20.05 -> 42\n",
    });
    expect(bus.nodes.map(({ values }) => values[0]?.value)).toEqual([0x5140, 0x4d02, 0x5140]);
  });

  it("prints an object a node with --json", async () => {
    const { out } = await on(busOf(2), ["val", "list", "--json"]);
    expect(jsonLines(out)).toMatchObject([
      { schema: "hsx.val.list/1", node: 1, values: [{ id: "1.2", name: "model:limit" }] },
      { schema: "hsx.val.list/1", node: 2 },
    ]);
  });

  it("ends with 6 when some nodes fail, and names them", async () => {
    const { exit, out, err } = await on(busOf(1), ["val", "get", "limit", "--nodes", "1,9"]);
    expect(exit).toBe(6);
    expect(out).toBe("node 1  20.02\n");
    expect(err).toContain("node 9: error: node 9 does not answer on wire");
    expect(err).toContain("1 of 2 nodes failed");
  });

  it("says where a value would come from when no app has one", async () => {
    const { err } = await on(new ModelBus({ nodes: models(1) }), ["val", "get", "limit"]);
    expect(err).toBe(
      'node 1: error: there is no value "limit"\n  remedy: no app here has a value: load one that does\n',
    );
  });

  it("ends with 3 when no node has the value", async () => {
    const { exit, err } = await on(busOf(2), ["val", "get", "limt"]);
    expect(exit).toBe(3);
    expect(err).toContain('node 1: error: there is no value "limt"');
    expect(err).toContain(`did you mean "limit"?`);
  });
});

describe("load", () => {
  it("brings an image to all nodes, and sends nothing the second time", async () => {
    const bus = busOf(4);
    const first = await on(bus, ["load", image]);
    expect(first.exit).toBe(0);
    expect(first.out).toContain("4 of 4 nodes in");
    expect(first.out).toContain("250 data frames");
    expect(first.err).toContain("node 4: complete, task 2\n");
    const again = await on(bus, ["load", image]);
    expect(again.exit).toBe(0);
    expect(again.out).toContain("4 of 4 nodes in");
    expect(again.out).toContain(" 0 data frames");
    expect(again.err).toContain("node 1: has it already, task 2\n");
  });

  it("tells what happens at each node with --json", async () => {
    const { exit, out } = await on(busOf(2), ["load", image, "--json"]);
    expect(exit).toBe(0);
    const lines = jsonLines(out);
    expect(lines.at(-1)).toMatchObject({
      schema: "hsx.load.report/1",
      bytes: 2000,
      data_frames: 250,
      nodes: [
        { node: 1, state: "complete", pid: 2 },
        { node: 2, state: "complete", pid: 2 },
      ],
    });
    expect(lines.slice(0, -1)).toMatchObject([
      { schema: "hsx.load.node/1", node: 1, state: "complete" },
      { schema: "hsx.load.node/1", node: 2, state: "complete" },
    ]);
  });

  it("ends with 6 when a node refuses, with the reason", async () => {
    const nodes = models(2).map((node, n) => (n === 1 ? { ...node, room: 1000 } : node));
    const { exit, out, err } = await on(new ModelBus({ nodes }), ["load", image]);
    expect(exit).toBe(6);
    expect(out).toContain("1 of 2 nodes in");
    expect(err).toContain("node 2: error: ");
  });

  it("leaves out nodes without an id, and says so", async () => {
    const nodes = [...models(1), { id: 0, uid: Uint8Array.of(0xde, 0xad) }];
    const { exit, out, err } = await on(new ModelBus({ nodes }), ["load", image]);
    expect(exit).toBe(0);
    expect(out).toContain("1 of 1 node in");
    expect(err).toContain(
      "warning: 1 node without an id, which cannot be meant\n  remedy: give each an id: hsx scan --assign, or --keep for good\n",
    );
  });

  it("shows what it would do", async () => {
    const bus = busOf(2);
    const { out } = await on(bus, ["load", image, "--dry-run"]);
    expect(out).toBe("NODE  PLAN  RUNS\n   1  load\n   2  load\n");
    expect(bus.count("data")).toBe(0);
  });
});

describe("which bus", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("is asked when nobody says it", async () => {
    const { exit, err } = await hsx(["scan"]);
    expect(exit).toBe(2);
    expect(err).toContain("error: which bus?");
    expect(err).toContain("say it with --bus, HSX_BUS or bus in hsx.toml");
  });

  it("may come from HSX_BUS", async () => {
    const install = new ModelInstall(busOf(1));
    const { exit } = await hsx(["scan"], { install, env: { HSX_BUS: "model:" } });
    expect(exit).toBe(0);
  });

  it.each([
    [["--bus", "usb:1"], '--bus: "usb:1" is no bus'],
    [["--bus", "sim:none.toml"], "cannot read none.toml: there is no such file"],
    [["--bus", "model:", "--base", "0x410"], "base 1040 is no multiple of 128"],
  ])("%j is refused", async (args, message) => {
    const { exit, err } = await hsx(["scan", ...args]);
    expect(exit).toBeGreaterThan(0);
    expect(err).toContain(message);
  });

  it.each(["0", "128", "5-3", "x", "1,!1"])("no node is called %s", async (set) => {
    const { exit, err } = await on(busOf(1), ["val", "list", "--nodes", set]);
    expect(exit).toBe(2);
    expect(err).toContain("--nodes: ");
    expect(err).toContain("write ids such as 1-20,!7 or all");
  });
});
