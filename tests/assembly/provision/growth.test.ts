// A mailbox that exists gets the capacity an image declares, or the image is refused: nothing in between, however little room there is.

import { expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { Config } from "../../../assembly/spec/node.ts";
import { NodeError } from "../../../host/client/refusal.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";

const NAME = "shared:a-name-of-many-letters";
const APP = guestOf(`.stack 64\n.mailbox {"target":"${NAME}","capacity":400}\n JMP 0\n`).image;

/** A node with that mailbox, a message in it, and a given number of bytes free. */
async function crowded(free: number): Promise<NodeRig> {
  const rig = await startNode("small");
  rig.node.send(rig.node.openMailbox(NAME), Buffer.from("message"));
  const probe = rig.node.load(guestOf(".stack 64\n RET\n", "ballast").image);
  const ballast = rig.node.config(Config.ARENA_FREE) - free;
  rig.node.kill(probe);
  rig.node.load(guestOf(`.stack 64\n RET\n.bss\n .zero ${ballast}\n`, "ballast").image);
  return rig;
}

it("grows as declared or is refused", async () => {
  const seen = new Set<string>();
  for (let free = 560; free < 800; free += 4) {
    const { node } = await crowded(free);
    const capacity = () => node.mailboxes().find((m) => m.name === NAME)?.capacity;
    try {
      node.load(APP);
      expect([free, capacity()]).toEqual([free, 400]);
      seen.add("taken");
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      expect([free, error.code, capacity()]).toEqual([free, Err.NO_MEMORY, 64]);
      seen.add("refused");
    }
    expect(node.messages(1).map((m) => Buffer.from(m.data).toString())).toEqual(["message"]);
  }
  expect([...seen]).toEqual(["refused", "taken"]);
});

/** Takes and gives back memory and a mailbox all the time. */
const GREEDY = guestOf(`
.stack 64
again:
    LDI32 R1, name
    SVC 0x500
    MOV R9, R1
    LDI32 R1, name
    LDI R2, 300
    LDI R3, 0
    SVC 0x501
    LDI32 R1, name
    LDI R2, 20
    SVC 0x501
    MOV R1, R9
    SVC 0x506
    JMP again
.data
name: .asciz "app:greedy"
`).image;

it("keeps what the change-over needs from tasks that run meanwhile", async () => {
  const seen = new Set<string>();
  for (let free = 900; free < 1400; free += 4) {
    const { node } = await crowded(free);
    node.load(GREEDY);
    const { core } = node;
    const x = core.exports;
    const begun = x.hsx_load_begin(APP.length, 0, 0, 0, 0);
    if (begun === Err.OK) x.hsx_load_data(core.write(APP));
    for (let n = 0; x.hsx_load_result() === Err.BUSY; n++) x.hsx_poll(3 + (n % 9));
    const result = x.hsx_load_result();
    const capacity = node.mailboxes().find((m) => m.name === NAME)?.capacity;
    expect([free, result > 0, capacity]).toEqual([free, result > 0, result > 0 ? 400 : 64]);
    seen.add(result > 0 ? "taken" : "refused");
  }
  expect([...seen].sort()).toEqual(["refused", "taken"]);
});
