// The node protocol over the serial line of a node: a core in Node at the other end of a stream.

import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BusMaster } from "../../../host/client/bus/master.ts";
import { frameText } from "../../../host/formats/candump.ts";
import { serialBench } from "../../drivers/serial-line.ts";

describe("the serial transport", () => {
  it("asks a node who it is, and hears its answer", async () => {
    const { transport: make, stop } = await serialBench('[[nodes]]\nkind = "small"\nid = 5');
    const transport = make();
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
    const { transport: make, stop } = await serialBench('[[nodes]]\nkind = "small"\nid = 7');
    const transport = make();
    const master = await BusMaster.open(transport);
    expect((await master.census()).map(({ node }) => node)).toEqual([7]);
    await master.close();
    stop();
  });

  it("counts a frame as sent when the line has had time for it", async () => {
    const { bench, transport: make, stop } = await serialBench('[[nodes]]\nkind = "small"');
    const transport = make();
    await transport.open();
    stop();
    for (let n = 0; n < 10; n++) await transport.send({ id: 0x400, data: new Uint8Array(8) });
    await turn(); // the stream has taken them
    // 14 bytes of ten bits at 115,200 baud take 1.215 ms: 2 frames are through after 2.5 ms
    bench.run_us(2500);
    expect(transport.unsent).toBe(8);
    bench.run_us(10_000);
    expect(transport.unsent).toBe(0);
    await transport.close();
  });

  it("refuses frames that are none of the protocol", async () => {
    const { transport: make, stop } = await serialBench('[[nodes]]\nkind = "small"');
    const transport = make();
    await transport.open();
    await expect(transport.send({ id: 0x123, data: new Uint8Array(0) })).rejects.toThrow(
      "identifier 291 is none of the node protocol",
    );
    await transport.close();
    stop();
  });
});
