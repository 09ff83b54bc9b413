// Names of buses, and transports that need what is not there: a serial line, a kernel with CAN. Stand-ins take their place.

import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { parseBusUrl } from "../../../host/bus/bus-url.ts";
import { makeTransport } from "../../../host/bus/open-bus.ts";
import {
  loadSocketcan,
  type RawMessage,
  SocketcanTransport,
} from "../../../host/bus/socketcan-transport.ts";
import { connectSerial } from "../../../host/cli/bus/serial-line.ts";
import { frameText } from "../../../host/formats/candump.ts";
import { BusOfClients } from "../../drivers/served-bus.ts";

const now_us = () => performance.now() * 1000;

describe("the name of a bus", () => {
  it.each([
    ["sim:a/bench.toml", { scheme: "sim", file: "a/bench.toml" }],
    ["tcp:127.0.0.1:5000", { scheme: "tcp", host: "127.0.0.1", port: 5000 }],
    ["tcp:bench.local", { scheme: "tcp", host: "bench.local", port: 29536 }],
    ["tcp:[::1]:7", { scheme: "tcp", host: "::1", port: 7 }],
    [
      "slcan:/dev/ttyACM0@500000",
      { scheme: "slcan", port: "/dev/ttyACM0", bitRate: 500, baud: 115200 },
    ],
    [
      "slcan:/dev/ttyUSB0@125000@2000000",
      { scheme: "slcan", port: "/dev/ttyUSB0", bitRate: 125, baud: 2000000 },
    ],
    ["serial:/dev/ttyUSB0@9600", { scheme: "serial", port: "/dev/ttyUSB0", baud: 9600 }],
    ["serial:/dev/ttyUSB0", { scheme: "serial", port: "/dev/ttyUSB0", baud: 115200 }],
    ["socketcan:can0", { scheme: "socketcan", interface: "can0" }],
  ])("%s", (text, url) => {
    expect(parseBusUrl(text)).toEqual({ url });
  });

  it.each([
    ["slcan:/dev/ttyACM0", "write for example slcan:/dev/ttyACM0@500000"],
    ["slcan:/dev/ttyACM0@500", "write for example slcan:/dev/ttyACM0@500000"],
    ["tcp:", "write for example tcp:127.0.0.1:29536"],
    ["tcp:a:99999", "write for example tcp:127.0.0.1:29536"],
    ["slcn:/dev/x@500000", 'did you mean "slcan"?'],
    [
      "can0",
      "there are sim:bench.toml, tcp:127.0.0.1:29536, slcan:/dev/ttyACM0@500000, serial:/dev/ttyUSB0@115200, socketcan:can0",
    ],
  ])("%s is none", (text, remedy) => {
    expect(parseBusUrl(text)).toEqual({ message: `"${text}" is no bus`, remedy });
  });
});

/** Joins a new pseudo-terminal, whose name it prints, to a TCP port: an adapter on a serial line. */
const PTY = `
import os, pty, select, socket, sys, tty
master, slave = pty.openpty()
tty.setraw(master)
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print(os.ttyname(slave), flush=True)
while True:
    ready, _, _ = select.select([master, s], [], [])
    if master in ready: s.sendall(os.read(master, 4096))
    if s in ready:
        data = s.recv(4096)
        if not data: break
        os.write(master, data)
`;

describe("a serial line", () => {
  let adapter: ChildProcess | undefined;
  afterEach(() => adapter?.kill());

  it("leads to an SLCAN adapter", async () => {
    const bus = new BusOfClients();
    await bus.start();
    adapter = spawn("/usr/bin/python3", ["-c", PTY, String(bus.port)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const path = await new Promise<string>((resolve) =>
      adapter?.stdout?.once("data", (chunk) => resolve(String(chunk).trim())),
    );
    const transport = makeTransport(
      { scheme: "slcan", port: path, bitRate: 500, baud: 115_200 },
      { now_us, openSerial: connectSerial },
    );
    await transport.open();
    for (let n = 0; n < 50; n++) await transport.send({ id: n, data: Uint8Array.of(n) });
    await expect.poll(() => bus.partner.heard.length, { timeout: 5000 }).toBe(50);
    bus.partner.send({ id: 0x7ff, data: Uint8Array.of(1) });
    const received = await transport.receive(5_000_000);
    expect(received && frameText(received.frame)).toBe("7FF#01");
    await transport.close();
    await bus.stop();
  });

  it("that is not there, or no serial line, is named with what to do", async () => {
    await expect(connectSerial("/dev/ttyNONE", 115_200)).rejects.toMatchObject({
      code: "no-adapter",
      message: "/dev/ttyNONE: there is no such port",
      remedy: "is the adapter plugged in? ls /dev/ttyACM* /dev/ttyUSB*",
    });
    await expect(connectSerial("/dev/null", 115_200)).rejects.toMatchObject({ code: "no-adapter" });
  });
});

/** The package as it would be on a machine that has it. */
class Package {
  readonly sent: RawMessage[] = [];
  hear: (message: RawMessage) => void = () => {};
  stopped = () => {};
  room = 2;
  createRawChannel = (name: string) => {
    if (name !== "can0") throw new Error("No such device");
    return {
      addListener: (event: string, call: (message: RawMessage) => void) => {
        if (event === "onMessage") this.hear = call;
        else this.stopped = call as () => void;
      },
      start: () => {},
      stop: () => {},
      send: (message: RawMessage) => (this.room-- > 0 ? this.sent.push(message) : -1),
    };
  };
}

describe("SocketCAN, with a stand-in for its package", () => {
  it("carries frames both ways", async () => {
    const stand = new Package();
    const transport = new SocketcanTransport("can0", async () => stand, now_us);
    await transport.open();
    await transport.send({ id: 0x12345678, isExtended: true, data: Uint8Array.of(1) });
    expect(stand.sent).toEqual([{ id: 0x12345678, ext: true, rtr: false, data: Buffer.of(1) }]);
    stand.hear({ id: 5, ext: false, rtr: true, data: Buffer.alloc(2) });
    const received = await transport.receive(0);
    expect(received && frameText(received.frame)).toBe("005#R2");
    stand.stopped();
    await expect(transport.receive(1000)).rejects.toMatchObject({ code: "closed" });
  });

  it("says how to bring an interface up that is not there", async () => {
    const transport = new SocketcanTransport("can7", async () => new Package(), now_us);
    await expect(transport.open()).rejects.toMatchObject({
      code: "no-adapter",
      remedy: "sudo ip link set can7 up type can bitrate 500000",
    });
  });

  it("says which package is missing", async () => {
    await expect(loadSocketcan()).rejects.toMatchObject({ code: "no-package" });
  });
});
