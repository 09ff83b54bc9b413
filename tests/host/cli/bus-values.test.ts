// val watch, export and import, and cmd, at nodes of a bench: cores in Node that run the thermostat of examples/.

import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { BenchInstall } from "./bench-install.ts";
import { example, file, inFolder, json, jsonLines } from "./harness.ts";

let thermostat: Uint8Array;
beforeAll(async () => {
  thermostat = readFileSync(await example("thermostat"));
});

const STORED = 'slots = { count = 2, bytes = 4096 }\napps = ["thermostat.hxe"]';
const benchWith = (text: string) => BenchInstall.of(text, { "thermostat.hxe": thermostat });
/** Nodes 1 and 2 run the thermostat, node 3 runs nothing. */
const three = () => benchWith(`[[nodes]]\ncount = 2\n${STORED}\n[[nodes]]`);

describe("val watch", () => {
  // temp rises by 0.25 each 500 ms while it heats: examples/thermostat
  it("tells the changes of every node that has the value, as lines", async () => {
    const bus = await three();
    const { exit, out, err } = await bus.run(["val", "watch", "temp", "--count", "4"]);
    expect(exit).toBe(6);
    expect(err).toContain('node 3: error: there is no value "temp"');
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    for (const line of lines)
      expect(line).toMatch(
        /^ +\d+\.\d{3} s {2}node [12] {2}thermostat:temp [\d.]+ -> [\d.]+ degC$/,
      );
    expect(new Set(lines.map((line) => /node \d/.exec(line)?.[0])).size).toBe(2);
  });

  it("tells them with --json, each with its node, and then has nodes publish no more", async () => {
    const bus = await three();
    const args = ["val", "watch", "temp", "--nodes", "1", "--for", "1200ms", "--json"];
    const { exit, out } = await bus.run(args);
    expect(exit).toBe(0);
    const lines = jsonLines(out) as { node: number; before: number; value: number }[];
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const { node, before, value } of lines) expect([node, value - before]).toEqual([1, 0.25]);
    const later: string[] = [];
    bus.bench.onRecord = ({ event }) => later.push(event.frame.id.toString(16));
    bus.bench.run_us(2_000_000);
    expect(later).toEqual([]);
  });

  it("ends with 130 at Ctrl-C, having told what there was", async () => {
    const bus = await three();
    const args = ["val", "watch", "temp", "--nodes", "1-2"];
    const onListening = (press: () => void) => bus.bench.timeline.clock.after(1e9, press);
    const { exit, out } = await bus.run(args, { onListening });
    expect(exit).toBe(130);
    expect(out).toContain("thermostat:temp");
  });

  it("ends with 3 when no node has a value", async () => {
    const bus = await benchWith("[[nodes]]");
    const { exit, err } = await bus.run(["val", "watch"]);
    expect({ exit, err }).toEqual({
      exit: 3,
      err: "error: there is no value to watch\n  remedy: load an app that has values\n",
    });
  });
});

describe("val export", () => {
  it("writes the calibration file of one node, and nothing else, to the terminal", async () => {
    const bus = await three();
    const { exit, out } = await bus.run(["val", "export", "--nodes", "2"]);
    // names, keys and defaults: examples/thermostat/thermostat.mvasm
    expect({ exit, out }).toEqual({
      exit: 0,
      out: [
        "# values of node 2",
        "schema = 0",
        "",
        "[values]",
        '"thermostat:setpoint" = 21  # degC, key 0x0201',
        '"thermostat:hysteresis" = 0.5  # degC, key 0x0202',
        "",
      ].join("\n"),
    });
  });

  it("asks for a folder when there are several nodes", async () => {
    const bus = await three();
    const { exit, err } = await bus.run(["val", "export", "--nodes", "1-2"]);
    expect(exit).toBe(2);
    expect(err).toContain("several nodes have a file each\n  remedy: name a folder: -o calib/\n");
  });
});

describe("val import", () => {
  it("sets each node to what export wrote of it, saved when it returns", async () => {
    const bus = await three();
    const folder = `${inFolder("calib")}/`;
    await bus.run(["val", "set", "setpoint", "19.5", "--nodes", "1"]);
    const exported = await bus.run(["val", "export", "--nodes", "1-2", "-o", folder]);
    expect(exported.out).toBe(
      `node 1  ${folder}node1.toml: 2 values\nnode 2  ${folder}node2.toml: 2 values\n`,
    );
    await bus.run(["val", "set", "setpoint", "25", "--nodes", "1-2"]);
    const { exit, out } = await bus.run(["val", "import", folder, "--nodes", "1-2"]);
    expect(exit).toBe(0);
    expect(out).toBe(
      `node 1  ${folder}node1.toml: 1 value set, 1 as they were\nnode 2  ${folder}node2.toml: 1 value set, 1 as they were\n`,
    );
    for (const number of [1, 2]) {
      bus.bench.node(number).powerOff();
      bus.bench.node(number).powerOn();
    }
    bus.bench.run_us(500_000);
    const { out: now } = await bus.run(["val", "get", "setpoint", "--nodes", "1-2"]);
    expect(now).toBe("node 1  19.5 degC\nnode 2  21 degC\n");
  });

  it("changes nothing the second time", async () => {
    const bus = await three();
    const path = file("c.toml", '[values]\n"thermostat:hysteresis" = 0.25\n');
    await bus.run(["val", "import", path, "--nodes", "1-2"]);
    const { out } = await bus.run(["val", "import", path, "--nodes", "1", "--json"]);
    expect(json(out)).toMatchObject({ node: 1, set: [], unchanged: 1, left: [] });
  });

  it("sets nothing at a node that lacks one of the values, and says where it stands", async () => {
    const bus = await three();
    const path = file("c2.toml", "[values]\nsetpoint = 18\nhysteresi = 0.25\n");
    const { exit, err } = await bus.run(["val", "import", path, "--nodes", "1,3"]);
    expect(exit).toBe(1);
    expect(err).toContain(`${path}:3:1: error: no image keeps a value "hysteresi"`);
    expect(err).toContain('did you mean "hysteresis"?');
    expect(err).toContain(`node 3: error: ${path}: no app here keeps a value`);
    const { out } = await bus.run(["val", "get", "setpoint", "--nodes", "1"]);
    expect(out).toBe("node 1  21 degC\n");
  });

  it("says which file is missing", async () => {
    const bus = await three();
    const { exit, err } = await bus.run(["val", "import", inFolder("none.toml"), "--nodes", "1"]);
    expect(exit).toBe(3);
    expect(err).toContain("none.toml: there is no such file");
    expect(existsSync(inFolder("none.toml"))).toBe(false);
  });
});

describe("cmd", () => {
  it("lists the commands of nodes, and calls one at each that has it", async () => {
    const bus = await three();
    const { out } = await bus.run(["cmd", "list"]);
    expect(out).toContain("2.1  thermostat:boost    1         heat for that many seconds");
    expect(out).toContain("node 3  no commands");
    // it counts half seconds
    const called = await bus.run(["cmd", "call", "boost", "5"]);
    expect(called.exit).toBe(6);
    expect(called.out).toBe(
      "node 1  thermostat:boost -> 10 (0x0000000A)\nnode 2  thermostat:boost -> 10 (0x0000000A)\n",
    );
    expect(called.err).toContain('node 3: error: there is no command "boost"');
    expect(called.err).toContain("no app here has a command: load one that does");
  });

  it("gives up in time when a handler does not return", async () => {
    const bus = await three();
    await bus.run(["stop", "thermostat", "--nodes", "1"]);
    const { exit, err } = await bus.run(["cmd", "call", "boost", "5", "--nodes", "1"]);
    expect(exit).toBe(1);
    expect(err).toContain("the task that serves it is paused");
  });
});
