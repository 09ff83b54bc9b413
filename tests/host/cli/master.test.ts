// hsx master, load --manifest, hold, go and start --group, on benches of cores in Node with the example plants.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { JournalFile } from "../../../host/cli/bus/journal-file.ts";
import type { CoreNode } from "../../../host/client/bench/core-node.ts";
import { layPlants } from "../../drivers/plants.ts";
import { BenchInstall } from "./bench-install.ts";
import { file, hsx, inFolder, jsonLines } from "./harness.ts";

const PLANTS = inFolder("plants");
const PUMPS = join(PLANTS, "pumps.toml");
beforeAll(() => {
  mkdirSync(PLANTS);
  layPlants(PLANTS);
});
const REPAIRED = { kind: "repaired", uid: "01", app: "pump", what: "loaded" } as const;
let journals = 0;
const journal = () => inFolder(`plant-${journals++}.journal`);
const three = () => BenchInstall.of("[[nodes]]\ncount = 3\n");
const APPS = /^ +(\d) .* {2}((?:pump|supply) .*)$/gm;
async function appsOf(bus: BenchInstall): Promise<string[]> {
  const { out } = await bus.run(["scan"]);
  return [...out.matchAll(APPS)].map(([, node, apps]) => `${node} ${apps?.replace(/0x\w+ /g, "")}`);
}

describe("hsx master", () => {
  it("brings a bus to what the manifest says, and says what it does", async () => {
    const bus = await three();
    const { exit, out, err } = await bus.run(["master", PUMPS, "--once", "--journal", journal()]);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(14));
    expect(lines.slice(0, 6)).toEqual([
      "node 1 supply  is there",
      "node 2 north   is there",
      "node 3 south   is there",
      expect.stringMatching(/^ {15}supply \d+ bytes to 1 of 3 nodes$/),
      "node 1 supply  supply runs",
      "node 1 supply  supply is well",
    ]);
    expect(lines.at(-1)).toBe(`${" ".repeat(15)}all 3 nodes are as the manifest says`);
    expect(await appsOf(bus)).toEqual([
      "1 supply sleeping; pump sleeping",
      "2 pump sleeping",
      "3 pump sleeping",
    ]);
  });

  it("does nothing the second time, and knows from its journal which values it has set", async () => {
    const bus = await three();
    const path = journal();
    await bus.run(["master", PUMPS, "--once", "--journal", path]);
    await bus.run(["val", "set", "speed", "500", "--nodes", "2"]);
    const { exit, out } = await bus.run(["master", PUMPS, "--once", "--journal", path, "--json"]);
    expect(exit).toBe(0);
    expect(new Set(jsonLines(out).map(({ event }) => event))).toEqual(
      new Set(["found", "well", "converged"]),
    );
    const { out: speed } = await bus.run(["val", "get", "speed", "--nodes", "2"]);
    expect(speed).toMatch(/^node 2 {2}500/);
  });

  it("keeps at it until Ctrl-C, and takes nodes in that appear", async () => {
    const bus = await BenchInstall.of(
      "[[nodes]]\nid = 1\n[[nodes]]\nid = 2\n[[nodes]]\nid = 3\non = 9000\n",
    );
    const args = ["master", PUMPS, "--journal", journal(), "--json"];
    const onListening = (press: () => void) => bus.bench.timeline.clock.after(12e9, press);
    const { exit, out } = await bus.run(args, { onListening });
    expect(exit).toBe(130);
    const events = jsonLines(out);
    const south = events.filter(({ node }) => node === 3).map(({ event }) => event);
    expect(south.slice(0, 2)).toEqual(["found", "loaded"]);
    expect(events.filter(({ event }) => event === "converged")).toHaveLength(1);
  });

  it("ends with 6 when a node of the manifest is not there, and names it", async () => {
    const bus = await BenchInstall.of("[[nodes]]\ncount = 2\n");
    const { exit, err } = await bus.run(["master", PUMPS, "--once", "--journal", journal()]);
    expect({ exit, err }).toEqual({
      exit: 6,
      err: "warning: node south of the manifest is not there\n  remedy: look at its power and cable: hsx scan\n",
    });
  });

  it("goes on with a journal that was cut off at any byte of its last entry", async () => {
    const bus = await three();
    const path = journal();
    await bus.run(["master", PUMPS, "--once", "--journal", path]);
    const whole = readFileSync(path);
    const last = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    for (let cut = last; cut < whole.length; cut++) {
      writeFileSync(path, whole.subarray(0, cut));
      const opened = new JournalFile(path);
      opened.append(REPAIRED);
      opened.close();
      const again = new JournalFile(path);
      expect([again.damaged, again.entries.at(-1)]).toEqual([0, REPAIRED]);
      again.close();
    }
    const { exit, out } = await bus.run(["master", PUMPS, "--once", "--journal", path, "--json"]);
    expect(exit).toBe(0);
    // the one whose line was lost gets its values once more
    expect(jsonLines(out).filter(({ event }) => event === "values")).toHaveLength(1);
  });

  it("refuses a manifest that is older than what was done, or another plant's", async () => {
    const bus = await three();
    const path = journal();
    await bus.run(["master", PUMPS, "--once", "--journal", path]);
    const before = readFileSync(path);
    const older = join(PLANTS, "older.toml");
    writeFileSync(older, readFileSync(PUMPS, "utf8").replace("version = 3", "version = 2"));
    const { exit, err } = await bus.run(["master", older, "--once", "--journal", path]);
    expect({ exit, err }).toEqual({
      exit: 7,
      err: `error: ${older} is version 2, and version 3 was on this bus before\n  remedy: give it a version above 3, or name another journal: --journal FILE\n`,
    });
    const single = join(PLANTS, "single.toml");
    const other = await bus.run(["master", single, "--once", "--journal", path]);
    expect(other.exit).toBe(7);
    expect(other.err).toContain('is of the plant "pump house"');
    expect(readFileSync(path)).toEqual(before);
  });

  it("says where a manifest is wrong, and touches nothing", async () => {
    const bus = await three();
    const bad = file("bad.toml", "schema = 1\nplant = 'p'\n[nodes.a]\nid = 1\napps = ['pmp']\n");
    const { exit, err } = await bus.run(["master", bad]);
    expect(exit).toBe(1);
    expect(err).toContain("bad.toml:5:9: error:");
  });

  it("means a bus, and says so over a line to one node", async () => {
    const { exit, err } = await hsx(["master", PUMPS, "--bus", "serial:/dev/ttyX"]);
    expect({ exit, err }).toEqual({
      exit: 2,
      err: "error: master: serial:/dev/ttyX is a line to one node, not a bus\n  remedy: name the bus that its nodes are on\n",
    });
  });
});

describe("hsx load --manifest", () => {
  it("brings all of it, without a journal", async () => {
    const bus = await three();
    const { exit, out } = await bus.run(["load", "--manifest", PUMPS, "--json"]);
    expect(exit).toBe(0);
    expect(jsonLines(out).at(-1)?.event).toBe("converged");
  });

  it.each([[[]], [["x.hxe", "--manifest", "y.toml"]]])("%j is not clear", async (args) => {
    const { exit, err } = await hsx(["load", ...args, "--bus", "sim:x"]);
    expect({ exit, err }).toEqual({
      exit: 2,
      err: "error: load what?\n  remedy: name an image, or --manifest plant.toml\n",
    });
  });
});

describe("hold, go and start --group", () => {
  /** Nodes 1 to 3 store the pump, 1 the supply, too; all wait for a master for 1.2 s at each start, and were just switched on. */
  async function waiting() {
    const bus = await BenchInstall.of(
      "[[nodes]]\ncount = 3\nslots = { count = 2, bytes = 4096 }\n",
    );
    await bus.run(["load", "--manifest", PUMPS]);
    for (const number of [1, 2, 3]) {
      const node = bus.bench.node(number) as CoreNode;
      node.local.provision.setConfig({ masterWait_ms: 1200 });
      node.powerOff();
      node.powerOn();
    }
    bus.bench.run_us(100_000);
    return bus;
  }
  const running = (bus: BenchInstall) =>
    [1, 2, 3].map((n) => (bus.bench.node(n) as CoreNode).local.tasks().length);

  it("say so when nobody waits", async () => {
    const bus = await three();
    expect(await bus.run(["go"])).toMatchObject({ exit: 0, out: "no node waits for a master\n" });
    expect(await bus.run(["hold"])).toMatchObject({ exit: 0, out: "no node waits for a master\n" });
  });

  it("keep nodes waiting, and start them one after the other", async () => {
    const bus = await waiting();
    expect((await bus.run(["hold"])).out).toBe("3 nodes on hold until hsx go: 1, 2, 3\n");
    bus.bench.run_us(5_000_000);
    expect(running(bus)).toEqual([0, 0, 0]);
    const first = await bus.run(["start", "--group", "supply", "--manifest", PUMPS]);
    expect(first.out).toBe("1 node started: 1\n");
    bus.bench.run_us(500_000);
    expect(running(bus)).toEqual([2, 0, 0]);
    expect((await bus.run(["go", "--nodes", "3"])).out).toBe("1 node started: 3\n");
    expect((await bus.run(["go", "--json"])).out).toBe('{"schema":"hsx.go/1","nodes":[2]}\n');
    bus.bench.run_us(500_000);
    expect(running(bus)).toEqual([2, 1, 1]);
  });

  it("start by themselves when nobody holds them", async () => {
    const bus = await waiting();
    bus.bench.run_us(2_000_000);
    expect(running(bus)).toEqual([2, 1, 1]);
  });

  it("hold nodes that are switched on while it listens", async () => {
    const bus = await waiting();
    (bus.bench.node(2) as CoreNode).powerOff();
    bus.bench.timeline.clock.after(2e9, () => bus.bench.node(2).powerOn());
    const { out } = await bus.run(["hold", "--for", "3s", "--nodes", "2"]);
    expect(out).toBe("1 node on hold until hsx go: 2\n");
  });

  it("start the apps of a group that were stopped", async () => {
    const bus = await waiting();
    await bus.run(["go"]);
    await bus.run(["stop", "pump"]);
    const { exit } = await bus.run(["start", "--group", "pumps", "--manifest", PUMPS]);
    expect(exit).toBe(0);
    const { out } = await bus.run(["scan"]);
    expect(out).not.toContain("paused");
  });

  it("are led by a master, group behind group", async () => {
    const bus = await waiting();
    const { exit, out } = await bus.run([
      "master",
      PUMPS,
      "--once",
      "--json",
      "--journal",
      journal(),
    ]);
    const told = jsonLines(out).map(({ event, node }) => `${event} ${node}`);
    expect(exit).toBe(0);
    expect(told.filter((text) => /held|started|well/.test(text)).slice(0, 5)).toEqual([
      "held 1",
      "held 2",
      "held 3",
      "started 1",
      "well 1",
    ]);
    expect(running(bus)).toEqual([2, 1, 1]);
  });

  it.each([
    [
      ["go", "--group", "pumps"],
      2,
      "--group pumps: which manifest?",
      "say it with --manifest plant.toml",
    ],
    [
      ["hold", "--group", "pmps", "--manifest", PUMPS],
      3,
      `${PUMPS} has no group "pmps"`,
      'did you mean "pumps"?',
    ],
  ])("%j is refused", async (args, exit, message, remedy) => {
    const result = await hsx([...args, "--bus", "sim:x"]);
    expect({ exit: result.exit, err: result.err }).toEqual({
      exit,
      err: `error: ${message}\n  remedy: ${remedy}\n`,
    });
  });
});
