// The node protocol over the console's line: frames between text, without an id, and a load.
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LoadEvent, WindowFlag } from "../../../../assembly/spec/frame.ts";
import { LocalNode } from "../../../../host/client/local-node.ts";
import {
  decodeFrame,
  encodeFrame,
  encodeSerial,
  type Frame,
  SerialReader,
} from "../../../../host/formats/frame.ts";
import { Machine } from "../../../../host/node/hal.ts";
import { guestOf } from "../../../drivers/guest.ts";
import { coreModule } from "../../../drivers/node.ts";

const ECHO = guestOf(`
.value {"group":1,"id":2,"name":"level","init":1}
.data
text: .asciz "hot\\n"
.text
loop:
  LDI32 R1, text
  LDI R2, 4
  SVC 0x101
  LDI R0, 10
  SVC 0x600
  JMP loop
`).image;

async function line() {
  const reader = new SerialReader();
  const text: number[] = [];
  const frames: Frame[] = [];
  const machine = new Machine({
    uid: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    onUart: (bytes) => {
      const taken = reader.take(bytes);
      text.push(...taken.text);
      frames.push(...taken.frames.map((f) => decodeFrame(0, f) as Frame));
    },
  });
  const node = await LocalNode.start(await coreModule("small"), machine);
  let sequence = 0;
  const send = (frame: Frame) => machine.typeConsole(encodeSerial(encodeFrame(0, frame)));
  const ask = (verb: string, args: object, ms = 3): Frame[] => {
    sequence = (sequence + 1) & 7;
    send({ kind: "request", master: 0, target: 0, sequence, verb, args } as Frame);
    node.run(ms);
    return frames.splice(0);
  };
  return { node, machine, reader, text, frames, send, ask };
}

describe("the serial line", () => {
  it("answers a node without an id as node 0, between text", async () => {
    const { node, ask, text } = await line();
    node.load(ECHO);
    node.run(5);
    expect(ask("GET", { oid: 0x102 })).toMatchObject([{ kind: "answer", node: 0, status: 0 }]);
    node.run(30);
    expect(Buffer.from(text).toString()).toMatch(/^(hot\n){2,}$/);
  });

  it("finds the node of the page by its hash", async () => {
    const { ask } = await line();
    expect(ask("WHO", { prefix: 0, depth: 0, filter: 255 })).toEqual([
      { kind: "identity", bits: 0x2f }, // docs/protocol.md "Who is there"
    ]);
  });

  it("gets whole frames through a console that takes a byte at a time", async () => {
    const { node, machine, ask, frames, reader } = await line();
    node.load(ECHO);
    machine.uartRoom = 0;
    ask("GET", { oid: 0x102 });
    for (let n = 0; n < 400 && frames.length === 0; n++) {
      machine.uartRoom = 1;
      node.run(1);
    }
    expect(frames).toMatchObject([{ kind: "answer", status: 0 }]);
    expect(reader.damaged).toBe(0);
  });

  it("drops what is damaged or stops, and takes the next", async () => {
    const { machine, node, ask, frames } = await line();
    const good = encodeSerial(
      encodeFrame(0, {
        kind: "request",
        master: 0,
        target: 0,
        sequence: 0,
        verb: "GET",
        args: { oid: 1 },
      } as Frame),
    );
    const bad = Uint8Array.from(good);
    bad[4] = (bad[4] ?? 0) ^ 1;
    machine.typeConsole(bad);
    node.run(3);
    machine.typeConsole(good.subarray(0, 5));
    node.run(60);
    expect(frames).toEqual([]);
    expect(ask("GET", { oid: 1 })).toHaveLength(1);
  });

  it("loads an app", async () => {
    const { node, send, ask, frames } = await line();
    const session = 5;
    ask("SELECT", { session, kind: 0, bits: 0 });
    ask("BEGIN", { session, mode: 0, total: ECHO.length, counts: 0 });
    ask("BEGIN_CRC", { session, slot: 255, crc: crc32(ECHO) });
    ask("WINDOW", { session, window: 0, flags: WindowFlag.STREAM });
    for (let i = 0; 8 * i < ECHO.length; i++) {
      send({ kind: "data", parity: 0, index: i, bytes: ECHO.subarray(8 * i, 8 * i + 8) });
      node.run(1);
    }
    node.run(50);
    expect(frames).toMatchObject([{ kind: "status", node: 0, event: LoadEvent.COMPLETE, task: 1 }]);
    expect(node.tasks()).toHaveLength(1);
  });
});

describe("svc:provision", () => {
  it("tells apps what happened, in order, and keeps what must not be lost", async () => {
    const { node } = await line();
    const box = node.openMailbox("svc:provision");
    node.load(ECHO);
    node.run(10);
    const events: number[] = [];
    const take = () => {
      for (let m = node.receive(box); m !== undefined; m = node.receive(box))
        events.push((m.data[2] ?? 0) & 15);
    };
    take();
    expect(events.at(-1)).toBe(LoadEvent.COMPLETE);
    events.length = 0;
    for (let n = 0; n < 3; n++) expect(() => node.load(ECHO)).toThrow();
    node.run(10);
    for (let n = 0; n < 10; n++) {
      take();
      node.run(30);
    }
    expect(events.filter((event) => event === LoadEvent.ERROR)).toHaveLength(3);
  });
});
