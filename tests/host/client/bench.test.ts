// Benches: nodes on one bus in one virtual time, what goes wrong, and clients in the same process.

import { describe, expect, it } from "vitest";
import type { Bench } from "../../../host/client/bench/bench.ts";
import { CoreNode } from "../../../host/client/bench/core-node.ts";
import { BenchClients, type SimTransport } from "../../../host/client/bench/sim-transport.ts";
import type { CanFrame } from "../../../host/formats/can-frame.ts";
import { frameText } from "../../../host/formats/candump.ts";
import { benchOf } from "../../drivers/bench.ts";
import { guestOf } from "../../drivers/guest.ts";

const frame = (id: number, ...data: number[]): CanFrame => ({ id, data: Uint8Array.from(data) });

/** Answers each frame from 0x120 to 0x12F with the same byte under an identifier 0x10 higher. */
const ECHO = guestOf(
  `
.text
.entry start
start:
    LDI32 R1, name
    LDI   R2, 180
    LDI   R3, 0
    SVC   0x501         ; binds hal:can:rx
    LDI32 R1, name
    SVC   0x500
    MOV   R7, R1
    LDI   R1, 0x120
    LDI   R2, 0x7F0
    SVC   0x201         ; filter
next:
    MOV   R1, R7
    LDI32 R2, buffer
    LDI   R3, 10
    LDI   R4, 1000
    LDI   R5, 0
    SVC   0x503
    LDI   R6, 0
    CMP   R0, R6
    JNZ   next
    LDI32 R2, buffer
    LDH   R1, [R2]
    LDI   R6, 16
    ADD   R1, R1, R6
    ADD   R2, R2, R6
    LDI   R6, 14
    SUB   R2, R2, R6
    LDI   R3, 1
    SVC   0x200
    JMP   next
.data
name:   .asciz "hal:can:rx"
.bss
buffer: .zero 10
`,
  "echo",
).image;

const SLOTS = "slots = { count = 3, bytes = 4096 }";

function coreAt(bench: Bench, number: number): CoreNode {
  const node = bench.node(number);
  if (!(node instanceof CoreNode)) throw new Error(`node ${number} is no core in Node`);
  return node;
}

/** Everything that comes until nothing has come for `silence_us`. */
async function hear(transport: SimTransport, silence_us = 20_000): Promise<string[]> {
  const heard: string[] = [];
  for (;;) {
    const next = await transport.receive(silence_us);
    if (next === undefined) return heard;
    heard.push(frameText(next.frame));
  }
}

async function openOn(bench: Bench): Promise<SimTransport> {
  const client = new BenchClients(bench).client();
  await client.open();
  await client.sleep(100_000);
  return client;
}

describe("a bench", () => {
  it("starts the apps of its nodes from their slots, and carries frames to and from them", async () => {
    const text = `[[nodes]]\nid = 0\nkind = "small"\ncount = 3\n${SLOTS}\napps = ["echo.hxe"]`;
    const bench = await benchOf(text, { "echo.hxe": ECHO });
    const client = await openOn(bench);
    await client.send(frame(0x120, 0x55));
    // the three answers are the same frame, sent within the same bit: they overlay
    expect(await hear(client)).toEqual(["130#55"]);
    expect(coreAt(bench, 3).local.tasks()).toHaveLength(1);
  });

  it("gives each node a crystal of its own, and time that goes with it", async () => {
    const bench = await benchOf(
      `seed = 5\n[[nodes]]\nid = 0\nkind = "small"\ncount = 3\ncrystal = 50`,
    );
    bench.run_us(10_000_000);
    const late = [1, 2, 3].map((n) => coreAt(bench, n).local_us - 10_000_000);
    expect(new Set(late).size).toBe(3);
    for (const us of late) expect(Math.abs(us)).toBeLessThanOrEqual(500); // 50 ppm of 10 s
    expect(Math.max(...late.map(Math.abs))).toBeGreaterThan(5);
  });

  it("runs alike with the same seed and otherwise with another", async () => {
    const hashes: string[] = [];
    for (const seed of [1, 1, 2]) {
      const text = `seed = ${seed}\nlatency = [2, 10]\n[[nodes]]\nid = 0\nkind = "small"\ncount = 2\ncrystal = 50\n${SLOTS}\napps = ["echo.hxe"]
        [[faults]]\nkind = "errors"\nprobability = 0.2\n[[faults]]\nkind = "loss"\nprobability = 0.1`;
      const bench = await benchOf(text, { "echo.hxe": ECHO });
      const client = await openOn(bench);
      for (let n = 0; n < 20; n++) await client.send(frame(0x120 + (n & 7), n));
      await hear(client);
      hashes.push(bench.traceHash);
      expect(bench.wire.errorFrames).toBeGreaterThan(0);
    }
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it("keeps what was stored over a power cut, and is deaf meanwhile", async () => {
    const text = `[[nodes]]\nid = 0\nkind = "small"\n${SLOTS}\napps = ["echo.hxe"]
      [[faults]]\nkind = "power"\nfrom = 200\nto = 300`;
    const bench = await benchOf(text, { "echo.hxe": ECHO });
    const client = await openOn(bench);
    await client.sleep(150_000);
    expect(bench.node(1).isOn).toBe(false);
    await client.send(frame(0x120, 1));
    expect(await hear(client)).toEqual([]);
    await client.sleep(200_000);
    // nobody acknowledged the frame: it was sent again until the node was back
    expect(client.unsent).toBe(0);
    await hear(client);
    await client.send(frame(0x121, 2));
    expect(await hear(client)).toEqual(["131#02"]);
  });

  it("parts a bus where its cable is cut, and joins it again", async () => {
    const text = `[[nodes]]\nid = 0\nkind = "small"\ncount = 2\n${SLOTS}\napps = ["echo.hxe"]
      [[faults]]\nkind = "cut"\nnodes = "1-2"\nfrom = 150\nto = 250`;
    const bench = await benchOf(text, { "echo.hxe": ECHO });
    const client = await openOn(bench);
    await client.sleep(60_000);
    await client.send(frame(0x120, 1));
    expect(await hear(client)).toEqual([]);
    expect(client.unsent).toBe(1);
    expect(client.state).toBe("passive");
    await client.sleep(100_000);
    expect(client.unsent).toBe(0);
  });

  it("loses frames at a node whose ring is full, and counts them", async () => {
    const text = `[[nodes]]\nid = 0\nkind = "small"\nring = 2\n${SLOTS}\napps = ["echo.hxe"]`;
    const bench = await benchOf(text, { "echo.hxe": ECHO });
    const client = await openOn(bench);
    const { machine } = coreAt(bench, 1).local;
    for (let n = 0; n < 5; n++) machine.receiveFrame(frame(0x120, n));
    expect(bench.node(1).overruns).toBe(3);
    expect(await hear(client)).toEqual(["130#00", "130#01"]);
  });

  it("is disturbed by a node that never stops sending", async () => {
    const text = `[[nodes]]\nid = 0\nkind = "small"\n[[faults]]\nkind = "babble"\nid = 0\nfrom = 10\nto = 20`;
    const bench = await benchOf(text);
    const client = new BenchClients(bench).client();
    await client.open();
    await client.sleep(15_000);
    await client.send(frame(0x7ff));
    const first = await client.receive(0);
    expect(first?.frame.id).toBe(0);
    await client.sleep(4_000);
    expect(client.unsent).toBe(1);
    await client.sleep(3_000);
    expect(client.unsent).toBe(0);
  });

  it("takes a client's frames in order, with the latency of its host each way", async () => {
    const bench = await benchOf(`latency = [2, 10]\n[[nodes]]\nid = 0\nkind = "small"`);
    const clients = new BenchClients(bench);
    const [a, b] = [clients.client("a"), clients.client("b")];
    await a.open();
    await b.open();
    const received = (async () => {
      const all = [];
      for (let n = 0; n < 40; n++) all.push(await b.receive(1_000_000));
      await b.close();
      return all;
    })();
    for (let n = 0; n < 40; n++) await a.send(frame(n));
    await a.close();
    const all = await received;
    expect(all.map((f) => f?.frame.id)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    expect(all[0]?.time_us).toBeGreaterThan(4000);
  });
});
