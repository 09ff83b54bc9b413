// SVCs that free and allocate while they hold addresses of task memory: under memory pressure, when blocks of the arena slide at
// every step, an app computes what it computes with memory to spare.

import { expect, it } from "vitest";
import { Config, TaskState } from "../../../assembly/spec/node.ts";
import { guestOf } from "../../drivers/guest.ts";
import { startNode } from "../../drivers/node.ts";

/** Binds again with changing capacities, opens, taps, closes, registers and calls; sums what it gets back into `sum`. */
const WORKER = `
.cmd {"group":1,"id":1,"name":"c","handler":"handler","help":""}
    LDI32 R9, sum
    LDI R8, 40
again:
    LDI32 R1, first
    LDI R2, 60
    ADD R2, R2, R8
    LDI R3, 0
    SVC 0x501
    CALL note
    LDI32 R1, first
    SVC 0x500
    MOV R10, R1
    CALL note
    MOV R1, R10
    LDI R2, 1
    SVC 0x505           ; TAP
    CALL note
    LDI R1, 2
    LDI32 R2, text
    LDI R3, 12
    LDI R4, 3
    LDI R5, 4
    SVC 0x502           ; SEND on the first use of stdout
    CALL note
    LDI32 R1, first
    SVC 0x500
    MOV R11, R1
    LDI32 R2, text
    LDI R3, 12
    SVC 0x502
    CALL note
    LDI32 R1, second
    LDI R2, 20
    ADD R2, R2, R8
    ADD R2, R2, R8
    LDI R3, 0
    SVC 0x501
    CALL note
    MOV R1, R10
    LDI32 R2, buffer
    LDI R3, 12
    LDI R4, 0
    LDI R5, 0
    SVC 0x503
    CALL note
    LDI32 R2, buffer
    LD R0, [R2]
    CALL note
    LD R0, [R2+8]
    CALL note
    MOV R1, R11
    SVC 0x503
    CALL note
    LDI32 R1, first
    LDI R2, 30
    ADD R2, R2, R8
    LDI R3, 0
    SVC 0x501           ; smaller, while a tap holds a ring
    CALL note
    MOV R1, R10
    SVC 0x506
    MOV R1, R11
    SVC 0x506
    CALL note
    LDI32 R1, 0x0101
    MOV R3, R8
    SVC 0x802           ; its own command
    MOV R0, R1
    CALL note
    LDI R1, 7
    MOV R2, R8
    LDI R3, 0
    LDI32 R4, chain
    SVC 0x700
    CALL note
    LDI R0, 1
    SUB R8, R8, R0
    JNZ again
    BRK 0
note:
    LD R7, [R9]
    LDI R6, 5
    LSL R6, R7, R6
    ADD R7, R7, R6
    ADD R7, R7, R0
    ST [R9], R7
    RET
handler:
    LDI R0, 1
    SVC 0x600
    LDI R0, 100
    ADD R0, R0, R3
    RET
.data
chain: .byte 2, 0
    .half 0xFFFF, text
first: .asciz "app:first"
second: .asciz "app:second"
text: .asciz "hello world"
.bss
sum: .zero 4
buffer: .zero 16
`;
/** Comes and goes below the worker, so that everything above it slides. */
const SHIFTER = '.mailbox {"target":"svc:s","capacity":70}\n JMP 0\n.bss\n .zero 100\n';

/** State of the worker when it is through, its sum, and the first word it received. `room`: bytes left for it; none: all. */
async function sumOf(profile: "small" | "desktop", room?: number): Promise<number[]> {
  const isPressed = room !== undefined;
  const { node } = await startNode(profile, { quantum: 3 });
  const shifter = guestOf(SHIFTER, "shifter").image;
  let low = isPressed ? node.load(shifter) : 0;
  const worker = guestOf(WORKER, "worker");
  const pid = node.load(worker.image);
  if (isPressed) {
    const ballast = node.config(Config.ARENA_FREE) - room;
    node.load(guestOf(`.stack 64\n JMP 0\n.bss\n .zero ${ballast - 200}\n`, "ballast").image);
  }
  for (let n = 0; n < 40_000 && node.task(pid)?.state !== TaskState.PAUSED; n++) {
    node.poll(isPressed ? 7 : 50);
    if (isPressed && n % 50 === 0) {
      node.kill(low);
      low = node.load(shifter);
    }
  }
  const at = worker.symbols.get("sum") ?? 0;
  const bytes = node.readMemory(pid, at, 20);
  const view = new DataView(bytes.buffer);
  return [node.task(pid)?.state ?? 0, view.getUint32(0, true), view.getUint32(4, true)];
}

it("gives an app the same results while blocks slide at every step", async () => {
  const roomy = await sumOf("desktop");
  expect(roomy[0]).toBe(TaskState.PAUSED); // at its BRK
  expect(roomy[2]).toBe(0x6c6c6568); // "hell"
  expect(await sumOf("small")).toEqual(roomy);
  expect(await sumOf("small", 2500)).toEqual(roomy);
});

it("only tells an app that there is no room when there is none", async () => {
  for (const room of [700, 900, 1100, 1300, 1500, 1700]) {
    const [state, , received] = await sumOf("small", room);
    expect([room, state, received]).toEqual([room, TaskState.PAUSED, 0x6c6c6568]);
  }
});
