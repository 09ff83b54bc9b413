// provision status at nodes of a bench: how they stand, and what happens to them.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { BenchInstall } from "./bench-install.ts";
import { example, file, hsx, json, jsonLines } from "./harness.ts";

let thermostat: Uint8Array;
let path: string;
beforeAll(async () => {
  path = await example("thermostat");
  thermostat = readFileSync(path);
});

const STORED = 'slots = { count = 2, bytes = 4096 }\napps = ["thermostat.hxe"]';
const two = () =>
  BenchInstall.of(`[[nodes]]\n${STORED}\n[[nodes]]\n[[nodes]]\nid = 9\non = 1500`, {
    "thermostat.hxe": thermostat,
  });

describe("provision status", () => {
  it("has a line for each app of several nodes", async () => {
    const bus = await two();
    const { exit, out } = await bus.run(["provision", "status"]);
    expect(exit).toBe(0);
    const [head, first, second] = out.split("\n").map((line) => line.split(/ {2,}/));
    expect(head).toEqual(["NODE", "APP", "IMAGE", "STATE", "FROM", "KEPT", "REMARKS"]);
    const crc = expect.stringMatching(/^0x[0-9A-F]{8}$/);
    expect(first).toEqual(["", "1", "thermostat", crc, "sleeping", "slot 0", "confirmed"]);
    expect(second).toEqual(["", "2", "none"]);
  });

  it("has all there is of one node", async () => {
    const bus = await two();
    const { out } = await bus.run(["provision", "status", "--nodes", "1"]);
    expect(out).toMatch(
      /^node 1: node, UID [0-9a-f]{24}, firmware 0x[0-9A-F]{4}, up 0\.\d{3} s after power-on\nsmall node, /,
    );
    expect(out).toContain("active of thermostat");
  });

  it("has the same as an object with --json", async () => {
    const bus = await two();
    const { out } = await bus.run(["provision", "status", "--nodes", "1", "--json"]);
    expect(json(out)).toMatchObject({
      schema: "hsx.provision.status/1",
      node: 1,
      board: "node",
      started_by: "power-on",
      apps: [{ name: "thermostat", state: "confirmed", active: 0, pid: 1 }],
    });
  });

  it("ends with 6 when one of the nodes that are named is silent", async () => {
    const bus = await two();
    const { exit, out, err } = await bus.run(["provision", "status", "--nodes", "2,10"]);
    expect(exit).toBe(6);
    expect(out).toContain("   2  none");
    expect(err).toContain("node 10: error: node 10 does not answer on bench");
  });
});

describe("load --slot", () => {
  it("says what to do where there is no slot, or the app runs from memory", async () => {
    const bus = await BenchInstall.of("[[nodes]]\n[[nodes]]\nslots = { count = 2, bytes = 4096 }");
    await bus.run(["load", path, "--nodes", "2"]);
    const { exit, err } = await bus.run(["load", path, "--slot", "--nodes", "1-2"]);
    expect(exit).toBe(7);
    expect(err).toContain(
      `node 1: error: it has no slot to keep ${path} in\n  remedy: make some: hsx provision format 3 8192 --nodes 1; or load without --slot, into memory\n`,
    );
    expect(err).toContain(
      `node 2: error: ${path}: "thermostat" may be loaded once and is task 1\n  remedy: add --stop-first, which kills it before\n`,
    );
    const after = await bus.run(["load", path, "--slot", "--stop-first", "--nodes", "2"]);
    expect(after.exit).toBe(0);
  });
});

describe("provision status --watch", () => {
  it("tells what another master brings, and who is switched on, within 100 ms", async () => {
    const bus = await two();
    const args = ["provision", "status", "--watch", "--for", "1500ms", "--json", "--nodes", "1,2"];
    const watching = bus.run(args);
    const loading = bus.run(["load", path, "--nodes", "2"]);
    expect((await loading).exit).toBe(0);
    const { exit, out } = await watching;
    expect(exit).toBe(0);
    const lines = jsonLines(out).filter(({ schema }) => schema === "hsx.provision.event/1");
    const total = thermostat.length;
    const ofLoad = lines.filter(({ event }) => event !== "node.hello");
    expect(ofLoad).toMatchObject([
      { event: "provisioning.started", node: null, total, bytes: 0 },
      { event: "provisioning.progress", node: null, total, bytes: 0 },
      { event: "provisioning.complete", node: 2, pid: 1, bytes: total, total, code: null },
    ]);
    // node 9 has power from 1.5 s on
    const hello = lines.find(({ node }) => node === 9);
    expect(hello?.event).toBe("node.hello");
    expect(Number(hello?.at_ms)).toBeGreaterThan(1500);
    expect(Number(hello?.at_ms)).toBeLessThan(1600);
  });

  it("says in words why a node refused", async () => {
    const bus = await two();
    const watching = bus.run(["provision", "status", "--watch", "--for", "1500ms", "--nodes", "2"]);
    const bad = file(
      "no.hxe",
      Uint8Array.from(thermostat, (byte, n) => (n === 200 ? byte ^ 1 : byte)),
    );
    const { exit } = await bus.run(["load", bad, "--nodes", "2"]);
    expect(exit).toBe(5);
    const { out } = await watching;
    expect(out).toMatch(/ s {2}master \d begins, 885 bytes$/m);
    expect(out).toMatch(/ s {2}node 2 {3}refused: HXE_\w+( at byte \d+)?; it is as before$/m);
  });

  it("stops after --count events", async () => {
    const bus = await two();
    const args = ["provision", "status", "--watch", "--count", "1", "--nodes", "2"];
    const { exit, out } = await bus.run(args);
    expect(exit).toBe(0);
    expect(out).toMatch(/ s {2}node 9 {3}is there$/m);
  });

  it("is explained by help", async () => {
    const { out } = await hsx(["help", "provision", "status"]);
    expect(out).toContain("--watch");
  });
});
