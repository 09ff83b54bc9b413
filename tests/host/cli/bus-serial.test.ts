// Commands over the serial line of one node: a core in Node at the other end.

import { readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CanTransport } from "../../../host/bus/transport.ts";
import { Install } from "../../../host/cli/install.ts";
import { ROOT } from "../../../scripts/root.ts";
import { serialBench } from "../../drivers/serial-line.ts";
import { example, file, hsx, inFolder, json } from "./harness.ts";

let path: string;
beforeAll(async () => {
  path = await example("thermostat");
});
let stop = () => {};
afterEach(() => stop());

class LineInstall extends Install {
  constructor(private readonly line: () => CanTransport) {
    super(ROOT);
  }
  override async transport(): Promise<CanTransport> {
    return this.line();
  }
}
/** Runs command lines at node 1 of a bench, over its console. */
async function lineTo(text: string) {
  const line = await serialBench(text, { "thermostat.hxe": readFileSync(path) });
  stop = line.stop;
  const install = new LineInstall(line.transport);
  return {
    ...line,
    run: (args: readonly string[]) => hsx([...args, "--bus", "serial:/dev/ttyX"], { install }),
  };
}
const SLOTS = "slots = { count = 2, bytes = 4096 }";

describe("over a serial line", () => {
  it("scan shows the one node, with its id or without", async () => {
    const { run } = await lineTo("[[nodes]]\nid = 7");
    const named = await run(["scan"]);
    expect(named).toMatchObject({ exit: 0, err: "" });
    expect(named.out).toMatch(/^ {3}7 {2}[0-9a-f]{24} {2}node/m);
    stop();
    const other = await lineTo("[[nodes]]\nid = 0");
    const unnamed = await other.run(["scan"]);
    expect(unnamed).toMatchObject({ exit: 0, err: "" });
    expect(unnamed.out).toMatch(/^none {2}[0-9a-f]{24} {2}node/m);
    expect(json((await other.run(["scan", "--json"])).out)).toMatchObject({ nodes: [{ node: 0 }] });
  });

  it.each([
    ["with an id", "id = 7", 7],
    ["without one", "id = 0", 0],
  ])(
    "load brings an image to a node %s, and then says that it is there",
    async (_, setting, id) => {
      const { run } = await lineTo(`[[nodes]]\n${setting}\n${SLOTS}`);
      const stored = await run(["load", path, "--slot", "--attempts", "0"]);
      expect(stored).toMatchObject({ exit: 0, err: `node ${id}: complete, task 1\n` });
      expect(stored.out).toContain("1 of 1 node in");
      const again = await run(["load", path]);
      expect(again.out).toContain(" 0 data frames");
    },
  );

  it("load brings an image into memory", async () => {
    const { run } = await lineTo("[[nodes]]\nid = 7");
    const { exit, err } = await run(["load", path]);
    expect({ exit, err }).toEqual({ exit: 0, err: "node 7: complete, task 1\n" });
  });

  it("val, cmd, restart and provision serve it as on a bus", async () => {
    const { run } = await lineTo(`[[nodes]]\nid = 3\n${SLOTS}\napps = ["thermostat.hxe"]`);
    expect((await run(["val", "set", "setpoint", "19"])).out).toContain("21 degC -> 19 degC");
    const folder = `${inFolder("line")}/`;
    expect((await run(["val", "export", "-o", folder])).out).toContain("node3.toml: 2 values");
    const calib = file("line.toml", "[values]\nsetpoint = 22\n");
    expect((await run(["val", "import", calib])).out).toContain("1 value set, 0 as they were");
    expect((await run(["cmd", "call", "boost", "1"])).out).toContain("boost -> 2");
    expect((await run(["restart", "thermostat"])).out).toContain("restarted");
    expect((await run(["provision", "status"])).out).toContain("active of thermostat");
  });

  it("val watch asks, because a node publishes on its bus alone", async () => {
    const { run } = await lineTo(`[[nodes]]\nid = 3\n${SLOTS}\napps = ["thermostat.hxe"]`);
    const { exit, out } = await run(["val", "watch", "temp", "--count", "2"]);
    expect(exit).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(2);
    expect(out).toMatch(/ s {2}node 3 {2}thermostat:temp [\d.]+ -> [\d.]+ degC$/m);
  });

  it.each([
    [["scan", "--assign"], "--assign", "give ids on the bus, where it is known which are free"],
    [["scan", "--keep"], "--keep", "give ids on the bus, where it is known which are free"],
    [["monitor"], "monitor", "hsx provision status and hsx val watch tell of the node"],
    [["load", "x.hxe", "--cap", "30"], "--cap", "leave it out: the line is the image's"],
    [["scan", "--base", "0x300"], "--base", "leave it out"],
  ])("%j means nothing, and says so", async (args, what, remedy) => {
    const given = args.map((word) => (word === "x.hxe" ? path : word));
    const { exit, err } = await hsx([...given, "--bus", "serial:/dev/ttyX"]);
    expect({ exit, err }).toEqual({
      exit: 2,
      err: `error: ${what}: serial:/dev/ttyX is a line to one node, not a bus\n  remedy: ${remedy}\n`,
    });
  });

  it("a port that is not there is named", async () => {
    const { exit, err } = await hsx(["scan", "--bus", "serial:/dev/ttyNONE@57600"]);
    expect({ exit, err }).toEqual({
      exit: 9,
      err: "error: /dev/ttyNONE: there is no such port\n  remedy: is the adapter plugged in? ls /dev/ttyACM* /dev/ttyUSB*\n",
    });
  });
});
