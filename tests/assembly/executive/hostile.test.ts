// Apps that make any call with any arguments: the node stands, the app beside them is untouched, and nothing stays when they go.

import { expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { TaskState } from "../../../assembly/spec/node.ts";
import { Module } from "../../../assembly/spec/svc.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { startNode } from "../../drivers/node.ts";
import { tracesOf } from "../../drivers/traces.ts";
import { Random } from "../../oracle/random.ts";

/** Data and stack of a hostile app, so that the edges are known. */
const DATA_BYTES = 96;
const STACK_BYTES = 64;
/** Module 4 is left out: files belong to the node and outlive their app. */
const MODULES = [
  Module.CORE,
  Module.TASK,
  Module.CAN,
  Module.MAILBOX,
  Module.EXEC,
  Module.VALUE,
  Module.COMMAND,
  Module.GPIO,
  Module.TIME,
  Module.LIBM,
];

function argument(random: Random): number {
  const edge = random.pick([0x4000, 0x4000 + DATA_BYTES, 0xfffc - STACK_BYTES, 0xfffc, 0x10000]);
  switch (random.below(6)) {
    case 0:
      return (edge + random.below(41) - 20) >>> 0;
    case 1:
    case 2:
      return 0x4000 + random.below(DATA_BYTES);
    case 3:
      return random.below(10);
    case 4:
      return random.pick([0x0101, 0x0102, 0x0701, 0x0702, 0xffff, 0xfffe, 0xffffffff, 0x80000000]);
    default:
      return random.word();
  }
}

function hostile(random: Random): Uint8Array {
  const calls = Array.from({ length: 12 }, () => {
    const set = [0, 1, 2, 3, 4, 5]
      .filter(() => !random.oneIn(3))
      .map((n) => ` LDI32 R${n}, ${argument(random)}\n`);
    const fn = random.oneIn(12) ? random.below(256) : random.below(9);
    return `${set.join("")} SVC ${random.pick(MODULES) * 256 + fn}\n`;
  });
  const bytes = Array.from({ length: 64 }, () => random.pick([0, 1, 2, 3, 5, 16, 0x40, 97, 255]));
  return guestOf(`
.stack ${STACK_BYTES}
.value [{"group":7,"id":1,"persist_key":70},{"group":7,"id":2,"flags":"SHARED"}]
.cmd {"group":7,"id":1,"flags":"ASYNC","handler":"handler"}
again:
${calls.join("")}
 JMPL again
handler:
 RET
.data
 .byte ${bytes.join(", ")}
 .ascii "app:m\\0\\0\\0"
 .half 0x0002, 0xFFFF, 0x4040, 0x0005, 0xFFFF, 9, 9, 0
.bss
 .zero 8
`).image;
}

const RESIDENT = guestOf(`
.value {"group":1,"id":1,"flags":"RO"}
.cmd {"group":1,"id":2,"auth":"ADMIN","handler":"handler"}
.mailbox {"target":"app:resident","capacity":40}
 LDI32 R1, canary
 LDI32 R2, 0xCAFEF00D
 ST [R1], R2
 PUSH R2
 LDI R1, 1
 LDI R2, 0
 LDI R3, 0
 LDI32 R4, 0xFFFF
 LDI R5, 0
 SVC 0x503
handler:
 RET
.bss
canary: .zero 4
`);

it.each(["small", "desktop"] as const)("stands whatever an app calls (%s)", async (profile) => {
  const random = new Random(5);
  const { node } = await startNode(profile, { nv: new NvDevice(new Uint8Array(512)) });
  node.formatStore();
  const traces = await tracesOf(profile, { store: true });
  node.load(RESIDENT.image);
  node.run(1);
  node.kill(node.load(guestOf(" RET\n").image));
  node.settle();
  const before = traces.remember(node);
  const ends = new Map<string, number>();
  for (let n = 0; n < 200; n++) {
    const pid = node.load(hostile(random), { restarts: random.below(2) });
    for (let polls = 0; polls < 6; polls++) {
      expect(node.core.exports.hsx_poll(60)).toBeLessThanOrEqual(60);
      node.machine.advance(random.below(3_000));
      if (random.oneIn(8)) node.core.exports.hsx_command_call(0x701, 3);
    }
    const state = TaskState[node.task(pid)?.state ?? 0] ?? "";
    ends.set(state, (ends.get(state) ?? 0) + 1);
    if (node.tasks().length > 1) {
      while (node.core.exports.hsx_load_result() === Err.BUSY) node.poll(0);
      node.kill(pid);
    }
    for (let call = 0; call < 32; call++) node.core.exports.hsx_command_result(call);
    node.run(300);
    node.settle();
    traces.compare(node, before);
  }
  expect([...ends.keys()]).toEqual(expect.arrayContaining(["EXITED", "FAULTED", "READY"]));
});
