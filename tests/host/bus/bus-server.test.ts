// A bus over TCP: what its clients say and hear in SLCAN and as of socketcand, python-can among them, and our own client.

import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseBusUrl } from "../../../host/bus/bus-url.ts";
import { makeTransport } from "../../../host/bus/open-bus.ts";
import { type CanTransport, TransportError } from "../../../host/bus/transport.ts";
import type { CanFrame } from "../../../host/formats/can-frame.ts";
import { frameText } from "../../../host/formats/candump.ts";
import { BusOfClients, runPython } from "../../drivers/served-bus.ts";

const frame = (id: number, ...data: number[]): CanFrame => ({ id, data: Uint8Array.from(data) });

let bus: BusOfClients;
beforeEach(async () => {
  bus = new BusOfClients();
  await bus.start();
});
afterEach(() => bus.stop());

/** A connection by hand: what is said, and what comes back until it looks as wanted. */
class Talk {
  text = "";
  private constructor(private readonly socket: Socket) {
    socket.on("data", (chunk) => {
      this.text += chunk.toString("latin1");
    });
  }
  static async open(port: number): Promise<Talk> {
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    return new Talk(socket);
  }
  say(text: string): void {
    this.socket.write(text, "latin1");
  }
  async hear(text: string): Promise<void> {
    await expect.poll(() => this.text, { timeout: 5000, interval: 1 }).toBe(text);
    this.text = "";
  }
  close(): void {
    this.socket.destroy();
  }
}

describe("a client that speaks SLCAN", () => {
  it("opens, sends, hears and closes as at an adapter", async () => {
    const talk = await Talk.open(bus.port);
    talk.say("\rC\rV\rN\rS6\rt1230\rO\r");
    await talk.hear("\rV0101\rNHSX1\r\r\x07\r");
    talk.say("t12320A0B\rT000001230\rr1232\rF\r");
    await talk.hear("z\rZ\rz\rF00\r");
    await expect
      .poll(() => bus.partner.heard.map(frameText))
      .toEqual(["123#0A0B", "00000123#", "123#R2"]);
    bus.partner.send(frame(0x7ff, 1, 2));
    await talk.hear("t7FF20102\r");
    talk.say("C\rF\r");
    await talk.hear("\r\x07");
    talk.close();
  });

  it("is told time when it asks for it, and that a command is none", async () => {
    const talk = await Talk.open(bus.port);
    talk.say("Z1\rO\rx\rS9\rt12391\r");
    await talk.hear("\r\r\x07\x07\x07");
    bus.partner.send(frame(1));
    await expect.poll(() => talk.text).toMatch(/^t0010[0-9A-F]{4}\r$/);
    talk.close();
  });

  it("listening only acknowledges nothing and sends nothing", async () => {
    const talk = await Talk.open(bus.port);
    talk.say("L\rt1230\r");
    await talk.hear("\r\x07");
    bus.partner.send(frame(1));
    await expect.poll(() => bus.partner.state).toBe("passive");
    expect(bus.partner.queue).toHaveLength(1);
    talk.close();
  });

  it("of another bit rate disturbs the bus, until its errors make it passive", async () => {
    const talk = await Talk.open(bus.port);
    const other = await Talk.open(bus.port);
    other.say("O\r");
    talk.say("S4\rO\r");
    await talk.hear("\r\r");
    bus.partner.send(frame(1));
    await expect.poll(() => bus.partner.queue.length).toBe(0);
    expect(bus.wire.errorFrames).toBeGreaterThan(10);
    expect(talk.text).toBe("");
    talk.close();
    other.close();
  });
});

describe("a client of socketcand's protocol", () => {
  it("is greeted, opens, and exchanges frames in raw mode", async () => {
    const talk = await Talk.open(bus.port);
    await talk.hear("< hi >");
    talk.say("< open can0 >");
    await talk.hear("< ok >");
    talk.say("< rawmode >< echo >");
    await talk.hear("< ok >< echo >");
    talk.say("< send 123 2 a b >< send 12345678 0 >");
    await expect.poll(() => bus.partner.heard.map(frameText)).toEqual(["123#0A0B", "12345678#"]);
    bus.partner.send(frame(0x7ff, 0xab, 0xcd));
    await expect.poll(() => talk.text).toMatch(/^< frame 7FF \d+\.\d{6} ABCD >$/);
    talk.close();
  });
});

describe("python-can", () => {
  const SLCAN = `
import sys, can
bus = can.Bus(interface="slcan", channel="socket://127.0.0.1:" + sys.argv[1], bitrate=500000, sleep_after_open=0)
bus.send(can.Message(arbitration_id=0x123, data=[1, 2, 3], is_extended_id=False))
bus.send(can.Message(arbitration_id=0x1ABCDEF0, data=[], is_extended_id=True))
bus.send(can.Message(arbitration_id=0x7F, is_remote_frame=True, dlc=4, is_extended_id=False))
while True:
    m = bus.recv(10)
    if m is None: continue
    print("%X %s %s" % (m.arbitration_id, m.is_extended_id, bytes(m.data).hex()))
    if m.arbitration_id == 0x10: break
print(bus.get_version(5))
bus.shutdown()
`;
  const SOCKETCAND = `
import sys, can
bus = can.Bus(interface="socketcand", host="127.0.0.1", port=int(sys.argv[1]), channel="can0")
bus.send(can.Message(arbitration_id=0x321, data=[9, 255], is_extended_id=False))
for n in range(2):
    m = bus.recv(10)
    print("%X %s" % (m.arbitration_id, bytes(m.data).hex()))
bus.shutdown()
`;

  it("joins by its slcan interface, over TCP", async () => {
    const printed = runPython(SLCAN, [String(bus.port)]);
    await expect
      .poll(() => bus.partner.heard.map(frameText), { timeout: 20_000 })
      .toEqual(["123#010203", "1ABCDEF0#", "07F#R4"]);
    bus.partner.send({ id: 0x1ffffff1, isExtended: true, data: Uint8Array.of(0xaa) });
    bus.partner.send(frame(0x10, 1, 2, 3, 4, 5, 6, 7, 8));
    expect(await printed).toBe("1FFFFFF1 True aa\n10 False 0102030405060708\n(1, 1)\n");
  });

  it("joins by its socketcand interface, at the same port", async () => {
    const printed = runPython(SOCKETCAND, [String(bus.port)]);
    await expect
      .poll(() => bus.partner.heard.map(frameText), { timeout: 20_000 })
      .toEqual(["321#09FF"]);
    bus.partner.send(frame(0x55));
    bus.partner.send(frame(0x56, 0x5a));
    expect(await printed).toBe("55 \n56 5a\n");
  });
});

describe("the tcp transport", () => {
  const transportTo = (name: string): CanTransport => {
    const parsed = parseBusUrl(name);
    if (!("url" in parsed) || parsed.url.scheme === "sim") throw new Error("no such bus");
    return makeTransport(parsed.url, {
      now_us: () => performance.now() * 1000,
      openSerial: () => Promise.reject(new Error("no serial lines here")),
    });
  };

  it("carries frames both ways, in order, and knows what has not gone out", async () => {
    const transport = transportTo(`tcp:127.0.0.1:${bus.port}`);
    await transport.open();
    await expect.poll(() => transport.state).toBe("active");
    for (let n = 0; n < 300; n++) await transport.send(frame(n, n & 255));
    await expect.poll(() => bus.partner.heard.length, { timeout: 10_000 }).toBe(300);
    expect(bus.partner.heard.map(({ id }) => id)).toEqual(Array.from({ length: 300 }, (_, n) => n));
    bus.partner.send(frame(0x701, 5));
    const received = await transport.receive(5_000_000);
    expect(received && frameText(received.frame)).toBe("701#05");
    expect(await transport.receive(1000)).toBeUndefined();
    await expect.poll(() => transport.unsent).toBe(0);
    await transport.close();
  });

  it("says that the other side has gone", async () => {
    const transport = transportTo(`tcp:127.0.0.1:${bus.port}`);
    await transport.open();
    await bus.server.close();
    await expect(transport.receive(5_000_000)).rejects.toMatchObject({ code: "closed" });
    await expect(transport.send(frame(1))).rejects.toBeInstanceOf(TransportError);
  });

  it("says that nobody listens", async () => {
    const port = bus.port;
    await bus.stop();
    await expect(transportTo(`tcp:127.0.0.1:${port}`).open()).rejects.toMatchObject({
      code: "no-adapter",
      message: `tcp:127.0.0.1:${port}: nobody listens there`,
    });
    bus = new BusOfClients();
  });
});
