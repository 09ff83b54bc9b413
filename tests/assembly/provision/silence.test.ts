// A load whose sender goes silent is given up; what the host made goes when the host closes it.

import { expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { guestOf } from "../../drivers/guest.ts";
import { startNode } from "../../drivers/node.ts";
import { tracesOf } from "../../drivers/traces.ts";

const IMAGE = guestOf("loop:\n JMP loop\n", "app").image;

it.each([0, 2 ** 32 - 500])("gives a silent sender 10 s, from %d ms on", async (start_ms) => {
  const { node } = await startNode("small", { start_ms });
  const traces = await tracesOf("small");
  const before = traces.remember(node);
  const x = node.core.exports;
  expect(x.hsx_load_begin(IMAGE.length, 0, 0, 0, 0)).toBe(Err.OK);
  node.core.write(IMAGE.subarray(0, 40));
  expect(x.hsx_load_data(40)).toBe(Err.OK);
  node.run(9_900);
  expect(x.hsx_load_result()).toBe(Err.NO_DATA);
  node.run(200);
  expect(x.hsx_load_result()).toBe(Err.TIMEOUT);
  node.run(10);
  traces.compare(node, before);
  expect(node.load(IMAGE)).toBe(1);
});

it("frees a mailbox of the host with its last handle", async () => {
  const { node } = await startNode("small");
  for (let n = 0; n < 100; n++) {
    node.send(node.openMailbox(`shared:box${n}`), Buffer.from("message"));
    node.closeMailbox(`shared:box${n}`);
  }
  expect(node.mailboxes()).toEqual([]);
});
