// The edges of counters and arguments: what wraps, what does not fit its field, and calls of the host nobody should make.

import { expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { Config, NodeMode, RegIndex, Resource, TaskState } from "../../../assembly/spec/node.ts";
import { ValueStatus } from "../../../assembly/spec/svc.ts";
import { readRefusal } from "../../../host/client/records.ts";
import { guestOf } from "../../drivers/guest.ts";
import { type NodeRig, startNode } from "../../drivers/node.ts";
import { compileProbe } from "../../probes/compile.ts";

/** Place of `waitNext` among the counters: node.ts. */
const WAIT_NEXT_OFF = 2;
const IDLE = guestOf("loop: JMP loop\n", "idle").image;

function refusal({ node }: NodeRig) {
  return readRefusal(node.core.refusal());
}

it("closes every hole of the arena, however many one task leaves", async () => {
  const { node } = await startNode("desktop");
  node.load(IDLE);
  const free = node.config(Config.ARENA_FREE);
  // binds app:aa, app:ab, … : more mailboxes than a byte can count
  const pid = node.load(
    guestOf(`
    LDI32 R1, name
    LDI R5, 26
    LDI R8, 10
outer:
    LDI R6, 0
inner:
    LDI R2, 64
    LDI R3, 0
    SVC 0x501
    LDI32 R1, name
    LDB R7, [R1+5]
    LDI R9, 1
    ADD R7, R7, R9
    STB [R1+5], R7
    ADD R6, R6, R9
    CMP R6, R5
    JNZ inner
    LDI R7, 97
    STB [R1+5], R7
    LDB R7, [R1+4]
    ADD R7, R7, R9
    STB [R1+4], R7
    SUB R8, R8, R9
    JNZ outer
    RET
.data
name: .asciz "app:aa"
`).image,
  );
  node.run(10);
  expect(node.mailboxes().length).toBe(256);
  node.kill(pid);
  expect(node.config(Config.ARENA_FREE)).toBe(free);
});

it("serves a task that has waited while 65,536 other waits began", async () => {
  const { node } = await startNode("small");
  const waiter = (name: string, timeout_ms: number, then: string) =>
    guestOf(
      `
    LDI32 R1, name
    SVC 0x500
again:
    LDI32 R2, buffer
    LDI R3, 4
    LDI32 R4, ${timeout_ms}
    LDI R5, 0
    SVC 0x503
    ${then}
.data
name: .asciz "app:${name}"
buffer: .zero 4
`,
      name,
    ).image;
  node.load(waiter("one", 0xffff, "RET")); // waits for ever
  node.run(1);
  node.load(waiter("other", 0xffff, "RET"));
  node.run(1);
  // the other has begun 1 wait so far; that it began 65,534 more would take a minute of node time
  const { COUNTERS_BASE } = await compileProbe("layout", "small");
  const memory = new DataView(node.core.exports.memory.buffer);
  const waitNext = COUNTERS_BASE.value + WAIT_NEXT_OFF;
  memory.setUint16(waitNext, memory.getUint16(waitNext, true) + 65534, true);
  expect(node.tasks()[0]?.state).toBe(TaskState.RECEIVING);
  node.send(node.openMailbox("app:one"), Buffer.from("x"));
  expect(node.tasks()[0]?.state).toBe(TaskState.READY);
});

it("leaves a mailbox another task made in the name of the next pid alone when a load is refused", async () => {
  const { node } = await startNode("small");
  node.load(
    guestOf(`
.value {"group":1,"id":1,"name":"v"}
    LDI32 R1, name
    SVC 0x500
    LDI32 R2, buffer
    LDI R3, 4
    LDI32 R4, 0xffff
    LDI R5, 0
    SVC 0x503
    RET
.data
name: .asciz "svc:queue@2"
buffer: .zero 4
`).image,
  );
  node.run(1);
  const before = node.mailboxes();
  const twin = guestOf(`.value {"group":1,"id":1,"name":"v"}\n RET\n`, "twin").image;
  expect(() => node.load(twin)).toThrow();
  expect(node.mailboxes()).toEqual(before);
});

it("writes no byte beyond the memory of a task whose registers the host sets while the console is slow", async () => {
  const rig = await startNode("small");
  rig.machine.uartRoom = 2;
  const pid = rig.node.load(
    guestOf(`
    LDI32 R1, text
    LDI R2, 6
    SVC 0x101
loop: JMP loop
.data
text: .asciz "abcdef"
`).image,
  );
  rig.node.run(1);
  expect(rig.node.tasks()[0]?.state).toBe(TaskState.WRITING);
  rig.node.core.exports.hsx_reg_set(pid, 1, 0);
  rig.machine.uartRoom = 100;
  rig.node.run(1);
  expect(rig.world.takeConsole()).toBe("ab");
  expect(rig.node.tasks()[0]?.state).toBe(TaskState.FAULTED);
});

it("changes its mode only before anything is loaded, and to modes it knows", async () => {
  const rig = await startNode("desktop");
  const x = rig.node.core.exports;
  expect(x.hsx_config_set(Config.MODE, 256 + NodeMode.LIBM)).toBe(Err.RANGE);
  expect(x.hsx_config_set(Config.MODE, 8)).toBe(Err.RANGE);
  expect(x.hsx_config_set(Config.MODE, NodeMode.LIBM)).toBe(Err.OK);
  rig.node.load(IDLE);
  expect(x.hsx_config_set(Config.MODE, NodeMode.REFERENCE)).toBe(Err.STATE);
  expect(rig.node.config(Config.MODE)).toBe(NodeMode.LIBM);
});

it("refuses numbers of a load that do not fit their fields", async () => {
  const { node } = await startNode("small");
  const x = node.core.exports;
  for (const [group, key, restarts] of [
    [256, 0, 0],
    [0, 65536, 0],
    [0, 0, 256],
  ] as const) {
    expect(x.hsx_load_begin(IDLE.length, 0, group, key, restarts)).toBe(Err.RANGE);
  }
  expect(x.hsx_load_begin(IDLE.length, 0, 255, 65535, 255)).toBe(Err.OK);
});

it("takes no more from the I/O buffer than it holds, and knows no register beyond the last", async () => {
  for (const profile of ["small", "desktop"] as const) {
    const { node } = await startNode(profile);
    const x = node.core.exports;
    const io = node.config(Config.IO_BYTES);
    expect(x.hsx_mailbox_send(0, node.openMailbox("app:m"), io + 1, 0, 0)).toBe(Err.TOO_LARGE);
    if (profile === "desktop") {
      expect(x.hsx_file_put(1, io)).toBe(Err.TOO_LARGE);
      expect(x.hsx_file_put(io + 1, 0)).toBe(Err.TOO_LARGE);
    }
    const pid = node.load(IDLE);
    expect(x.hsx_reg_set(pid, RegIndex.PSW + 1, 0)).toBe(Err.INVALID);
  }
});

it("tells how much memory a call needs when there is none", async () => {
  const rig = await startNode("small");
  const { node } = rig;
  node.load(
    guestOf(`
.cmd {"group":1,"id":1,"name":"c","handler":"handler","help":""}
.stack 64
loop: JMP loop
handler: RET
`).image,
  );
  const probe = node.load(guestOf(".stack 64\n RET\n", "ballast").image);
  const ballast = node.config(Config.ARENA_FREE) - 100;
  node.kill(probe);
  node.load(guestOf(`.stack 64\n RET\n.bss\n .zero ${ballast}\n`, "ballast").image);
  const free = node.config(Config.ARENA_FREE);
  expect(node.core.exports.hsx_command_call(0x101, 0)).toBe(Err.NO_MEMORY);
  // a bank of 128 bytes and the header of its block
  const { resource, need, have } = refusal(rig);
  expect({ resource, need, have }).toEqual({ resource: Resource.MEMORY, need: 132, have: free });
});

it("does not count an SVC that faults as retired", async () => {
  const { node } = await startNode("small");
  node.load(guestOf("LDI R1, 0\n LDI R3, 4\n LDI R2, 0\n SVC 0x502\n RET\n").image);
  expect(node.core.exports.hsx_poll(100)).toBe(3);
  expect(node.tasks()[0]?.steps).toBe(3);
  expect(node.config(Config.STEPS)).toBe(3);
});

it.each([
  [127, ValueStatus.OK],
  [128, ValueStatus.EINVAL],
  [3000, ValueStatus.EINVAL],
])(
  "takes 256 bytes of strings in a descriptor chain, twice %d and their NULs",
  async (length, status) => {
    const { node } = await startNode("small");
    node.load(
      guestOf(`
    LDI R1, 1
    LDI R2, 1
    LDI R3, 0
    LDI32 R4, chain
    SVC 0x700
    RET
.data
chain: .half 1, group, text, 0        ; GROUP: tag, next, string
group: .half 2, 0xffff, text, 0       ; NAME
text: .asciz "${"a".repeat(length)}"
`).image,
    );
    node.run(1);
    expect(node.tasks()[0]?.regs[0]).toBe(status);
    expect(node.values().length).toBe(status === ValueStatus.OK ? 1 : 0);
  },
);

it.each([
  ["0x4000, 0x4500", ValueStatus.OK],
  ["0, 0", ValueStatus.OK],
  ["0x4500, 0", ValueStatus.EINVAL],
  ["0x4500, 0x4000", ValueStatus.EINVAL],
])(
  "answers a chain of range %s with status %d: an empty one takes no number",
  async (range, status) => {
    const { node } = await startNode("small");
    node.load(
      guestOf(`
    LDI R1, 1
    LDI R2, 1
    LDI R3, 0
    LDI32 R4, range
    SVC 0x700
    RET
.data
range: .half 4, 0xffff, ${range}
`).image,
    );
    node.run(1);
    expect(node.tasks()[0]?.regs[0]).toBe(status);
  },
);

it.each([0x1_4000, 0xffff_c000, 0xffff_ffff])(
  "reads and writes no task memory at %i, whose low 16 bits alone are an address",
  async (address) => {
    const { node } = await startNode("small");
    const x = node.core.exports;
    const pid = node.load(guestOf("loop: JMP loop\n.data\n.word 1\n", "data").image);
    expect(x.hsx_mem_read(pid, 0x4000, 4)).toBe(4);
    expect(x.hsx_mem_read(pid, address, 4)).toBe(Err.INVALID);
    expect(x.hsx_mem_write(pid, address, 4)).toBe(Err.INVALID);
  },
);
