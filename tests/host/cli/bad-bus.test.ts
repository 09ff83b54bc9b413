// What goes wrong on a bus, by name: what each command prints, and how it ends.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { bulkImage } from "../../drivers/bus-bench.ts";
import { ModelBus, models } from "../../drivers/model-bus.ts";
import { BenchInstall } from "./bench-install.ts";
import { example, file, hsx, inFolder } from "./harness.ts";
import { onModels } from "./model-install.ts";

let thermostat: string;
beforeAll(async () => {
  thermostat = await example("thermostat");
});
afterEach(() => vi.unstubAllEnvs());

/** A program stty that fails as the real one does. */
function stty(says: string): void {
  const folder = inFolder(`bin-${says.length}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/stty`, `#!/bin/sh\necho "stty: $2: ${says}" >&2\nexit 1\n`);
  chmodSync(`${folder}/stty`, 0o755);
  vi.stubEnv("PATH", `${folder}:/bin`);
}

describe("an adapter", () => {
  it.each([
    [
      "slcan:/dev/ttyNONE@500000",
      "/dev/ttyNONE: there is no such port",
      "is the adapter plugged in? ls /dev/ttyACM* /dev/ttyUSB*",
    ],
    [
      "serial:/dev/ttyNONE",
      "/dev/ttyNONE: there is no such port",
      "is the adapter plugged in? ls /dev/ttyACM* /dev/ttyUSB*",
    ],
    [
      "tcp:127.0.0.1:1",
      "tcp:127.0.0.1:1: nobody listens there",
      "start one: hsx sim bench.toml --listen 127.0.0.1:29536",
    ],
    [
      "socketcan:can0",
      "SocketCAN needs the package socketcan, which is not installed",
      "npm install socketcan@4.0.7, and a compiler for it",
    ],
  ])("that is not there: %s", async (bus, message, remedy) => {
    const { exit, err } = await hsx(["scan", "--bus", bus]);
    expect({ exit, err }).toEqual({ exit: 9, err: `error: ${message}\n  remedy: ${remedy}\n` });
  });

  it.each([
    [
      "Permission denied",
      "you may not open this port",
      "sudo usermod -aG dialout $USER, then log in again",
    ],
    ["Device or resource busy", "another program has this port", "close the other program"],
  ])("that says %s", async (says, message, remedy) => {
    stty(says);
    for (const bus of ["slcan:/dev/ttyACM0@500000", "serial:/dev/ttyACM0"]) {
      const { exit, err } = await hsx(["load", thermostat, "--bus", bus]);
      expect({ exit, err }).toEqual({
        exit: 9,
        err: `error: /dev/ttyACM0: ${message}\n  remedy: ${remedy}\n`,
      });
    }
  });

  it("that knows no such bit rate", async () => {
    const { exit, err } = await hsx(["scan", "--bus", "slcan:/dev/ttyNONE@333000"]);
    expect({ exit, err }).toEqual({
      exit: 9,
      err: "error: slcan:/dev/ttyNONE: SLCAN knows no 333 kbit/s\n  remedy: there are 10, 20, 50, 100, 125, 250, 500, 800, 1000 kbit/s\n",
    });
  });

  const OFF =
    "error: bench: the controller is bus-off\n  remedy: look for a short circuit, a wrong bit rate or two senders of one identifier\n";
  it("of another bit rate than the bus", async () => {
    const bus = await BenchInstall.of("[[nodes]]\ncount = 2\n");
    const connect = bus.bench.connect.bind(bus.bench);
    bus.bench.connect = () => connect(4000); // 250 kbit/s on a bus of 500
    const { exit, err } = await bus.run(["scan"]);
    expect({ exit, err }).toEqual({ exit: 9, err: OFF });
  });

  it("on a wire with a short circuit, which makes it bus-off", async () => {
    const bus = await BenchInstall.of("[[nodes]]\ncount = 2\n");
    bus.bench.wire.isShorted = true;
    const { exit, err } = await bus.run(["load", thermostat]);
    expect({ exit, err }).toEqual({ exit: 9, err: OFF });
  });
});

describe("nodes", () => {
  it("of which none answers", async () => {
    for (const args of [["scan"], ["val", "list"], ["load", thermostat], ["provision", "status"]]) {
      const { exit, err } = await onModels(new ModelBus({ nodes: [] }), args);
      expect({ exit, err }).toEqual({
        exit: 4,
        err: "error: no node answers on wire\n  remedy: look at power and cable, at the bit rate of the adapter, and at --base\n",
      });
    }
  });

  it("of which two have one id", async () => {
    const nodes = [...models(1), { id: 1, uid: Uint8Array.of(9, 9, 9, 9) }];
    const bus = new ModelBus({ nodes });
    const warning =
      "warning: several nodes have id 1\n  remedy: name them and give each its own: hsx scan --assign\n";
    const { exit, out, err } = await onModels(bus, ["scan"]);
    expect({ exit, err }).toEqual({ exit: 0, err: warning });
    expect(out).toContain("SHARES ITS ID");
    const load = await onModels(bus, ["load", thermostat, "--dry-run"]);
    expect(load.err).toBe(warning);
  });

  it("of which one speaks another version of the protocol", async () => {
    const bus = new ModelBus({ nodes: models(2) });
    bus.node(2).hello = function (this: (typeof bus.nodes)[number]) {
      this.say({ kind: "hello", node: 2, check: 1, firmware: 0, apps: 0, flags: 0, version: 2 });
    };
    for (const args of [["scan"], ["load", thermostat], ["val", "get", "x"]]) {
      const { exit, err } = await onModels(bus, args);
      expect({ exit, err }).toEqual({
        exit: 7,
        err: "error: node 2 speaks version 2 of the protocol, this hsx version 1\n  remedy: update its firmware, or use the hsx that belongs to it\n",
      });
    }
  });

  it("of which one vanishes in the middle of a load", async () => {
    const bus = await BenchInstall.of("[[nodes]]\ncount = 3\n");
    let data = 0;
    bus.bench.onRecord = ({ event }) => {
      if (event.frame.id >= 0x600 && ++data === 60) bus.bench.node(2).powerOff();
    };
    const { exit, out, err } = await bus.run(["load", thermostat]);
    expect(exit).toBe(6);
    expect(out).toContain("2 of 3 nodes in");
    expect(err).toContain(
      "node 2: error: node 2 does not answer\n  remedy: hsx scan lists who is there; look at its power and cable, then hsx load again sends only what it lacks\n",
    );
  });

  it("of which one vanishes between two commands", async () => {
    const bus = await BenchInstall.of("[[nodes]]\ncount = 2\n");
    bus.bench.node(2).powerOff();
    const { exit, err } = await bus.run(["val", "list", "--nodes", "1-2"]);
    expect(exit).toBe(6);
    expect(err).toContain(
      "node 2: error: node 2 does not answer on bench\n  remedy: look at its power and cable, and who is there: hsx scan\n",
    );
  });

  it("of which some are too small for an image", async () => {
    const bus = await BenchInstall.of('[[nodes]]\n[[nodes]]\nkind = "desktop"\n');
    const large = file("large.hxe", bulkImage(12_000));
    const { exit, out, err } = await bus.run(["load", large]);
    expect(exit).toBe(6);
    expect(out).toContain("1 of 2 nodes in");
    expect(err).toMatch(
      /node 1: error: .*large\.hxe: [\d,]+ bytes of memory are needed, [\d,]+ are free\n {2}remedy: /,
    );
  });

  it("of which none takes an image that is damaged", async () => {
    const bus = await BenchInstall.of("[[nodes]]\ncount = 2\n");
    const bad = bulkImage(2000).map((byte, n) => (n === 900 ? byte ^ 1 : byte));
    const { exit, err } = await bus.run(["load", file("bad.hxe", bad)]);
    expect(exit).toBe(5);
    expect(err).toMatch(/node 1: error: .*bad\.hxe/);
    expect(err).toMatch(/node 2: error: .*bad\.hxe/);
  });
});
