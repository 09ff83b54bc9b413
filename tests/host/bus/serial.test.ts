// The node protocol over the serial line of a node: a core in Node at the other end of a stream.

import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { SerialTransport } from "../../../host/bus/serial-transport.ts";
import type { Bench } from "../../../host/client/bench/bench.ts";
import type { CoreNode } from "../../../host/client/bench/core-node.ts";
import { BusMaster } from "../../../host/client/bus/master.ts";
import { frameText } from "../../../host/formats/candump.ts";
import { benchOf } from "../../drivers/bench.ts";

/** The console of node 1 as a stream. */
function consoleOf(bench: Bench): Duplex {
  const node = bench.node(1) as CoreNode;
  const line = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      node.local.machine.typeConsole(chunk);
      done();
    },
  });
  node.onUart = (bytes) => line.push(Buffer.from(bytes));
  return line;
}

/** Lets the bench go on for as long as the test does something. */
function running(bench: Bench): () => void {
  let isRunning = true;
  const turn = () => {
    bench.run_us(1000);
    if (isRunning) setImmediate(turn);
  };
  turn();
  return () => {
    isRunning = false;
  };
}

async function connected(text: string) {
  const bench = await benchOf(text);
  bench.run_us(500_000);
  const said: string[] = [];
  const transport = new SerialTransport({
    name: "serial:test",
    connect: async () => consoleOf(bench),
    now_us: () => bench.now_us,
    onText: (part) => said.push(part),
  });
  return { bench, transport, said, stop: running(bench) };
}

describe("the serial transport", () => {
  it("asks a node who it is, and hears its answer", async () => {
    const { transport, stop } = await connected('[[nodes]]\nkind = "small"\nid = 5');
    await transport.open();
    // CENSUS, salt 0; node 5 says HELLO: docs/protocol.md
    await transport.send({ id: 0x400, data: new Uint8Array(8) });
    const heard = await transport.receive(2_000_000);
    expect(heard && frameText(heard.frame)).toMatch(/^485#[C-F][0-9A-F]{15}$/);
    expect(transport.damaged).toBe(0);
    await transport.close();
    stop();
  });

  it("serves a master as a bus does", async () => {
    const { transport, stop } = await connected('[[nodes]]\nkind = "small"\nid = 7');
    const master = await BusMaster.open(transport, { slot: 0 });
    expect((await master.census()).map(({ node }) => node)).toEqual([7]);
    await master.close();
    stop();
  });

  it("refuses frames that are none of the protocol", async () => {
    const { transport, stop } = await connected('[[nodes]]\nkind = "small"');
    await transport.open();
    await expect(transport.send({ id: 0x123, data: new Uint8Array(0) })).rejects.toThrow(
      "identifier 291 is none of the node protocol",
    );
    await transport.close();
    stop();
  });
});
