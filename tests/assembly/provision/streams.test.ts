// How an image arrives makes no difference, nor whether the store is still being mounted.

import { expect, it } from "vitest";
import { Stop } from "../../../assembly/spec/node.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { startNode } from "../../drivers/node.ts";
import { tracesOf } from "../../drivers/traces.ts";

const APP = guestOf(`
.value [{"group":1,"id":1,"name":"v","unit":"V","init":1},{"group":1,"id":2,"name":"kept","init":2,"persist_key":9}]
.cmd {"group":1,"id":1,"name":"c","handler":"loop","help":"help"}
.mailbox [{"target":"app:jobs","capacity":60},{"target":"svc:own","capacity":40,"bindings":[{"pid":0,"flags":1}]}]
loop:
 JMP loop
.data
 .ascii "some rodata"
`).image;

it.each(["small", "large", "desktop"] as const)(
  "leads to the same memory in pieces of any size (%s)",
  async (profile) => {
    const traces = await tracesOf(profile);
    const memories: Buffer[] = [];
    for (const pieceBytes of [1, 2, 3, 7, 31, 100, 255, 256]) {
      const { node } = await startNode(profile);
      expect(node.load(APP, { pieceBytes })).toBe(1);
      memories.push(Buffer.from(traces.remember(node)));
    }
    for (const memory of memories) expect(memory.equals(memories[0] as Buffer)).toBe(true);
  },
);

it.each(["small", "large", "desktop"] as const)(
  "waits for a store that is being mounted (%s)",
  async (profile) => {
    const rig = await startNode(profile, { nv: new NvDevice(new Uint8Array(1024)) });
    rig.node.formatStore();
    rig.node.load(APP);
    rig.node.setValue(0x102, 0x4900);
    rig.node.run(500);
    rig.node.core.exports.hsx_start(); // power off and on, and no poll before the load
    expect(rig.node.load(APP)).toBe(1);
    expect(rig.node.getValue(0x102)).toBe(0x4900);
  },
);

it("answers for pins a profile does not have that nobody holds them", async () => {
  const { node } = await startNode("small");
  for (const pin of [16, 17, 64, 200, 0xffff]) {
    const { holder, mode } = node.pin(pin);
    expect([pin, holder, mode]).toEqual([pin, 0, 0]);
  }
});

it("rests no longer than a task that waits for the store", async () => {
  // the handler outlasts the search of the store: when it gives its owner back, the value is there
  const owner = guestOf(`
.cmd {"group":1,"id":1,"name":"c","handler":"handler","help":""}
 LDI R1, 2
 LDI R2, 7
 LDI R3, 2
 LDI32 R4, keep
 SVC 0x700
 BRK 1
handler:
 LDI R0, 300
 SVC 0x600
 RET
.data
keep: .byte 5, 0
 .half 0xFFFF, 99, 50
`).image;
  const { node } = await startNode("small", { nv: new NvDevice(new Uint8Array(1024)) });
  node.formatStore();
  const pid = node.load(owner);
  node.poll(6);
  const call = node.core.exports.hsx_command_call(0x101, 0);
  for (let n = 0; n < 1000 && node.core.exports.hsx_command_result(call) < 0; n++) {
    node.poll(1);
    node.machine.advance(1000);
  }
  expect(node.rest_ms()).toBe(0);
  node.run(1);
  expect(node.task(pid)?.stop).toBe(Stop.BRK);
});
