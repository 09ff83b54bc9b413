// Sixty days of node time, over the wrap of the clock: apps that sleep, send, wait with deadlines, set and persist leak nothing.

import { expect, it } from "vitest";
import { Config, TaskState } from "../../../assembly/spec/node.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { guestOf } from "../../drivers/guest.ts";
import { startNode } from "../../drivers/node.ts";
import { tracesOf } from "../../drivers/traces.ts";

const DAY_MS = 86_400_000;

/** Sleeps 97 s, sets and sends a count, calls the other app, registers nothing new: for ever. */
const TICKER = `
.value {"group":1,"id":1,"name":"count","persist_key":7}
    LDI32 R1, name
    SVC 0x500
    MOV R9, R1
again:
    LDI32 R0, 97000
    SVC 0x600
    LDI R0, 1
    ADD R8, R8, R0
    I2F R2, R8
    LDI R1, 257
    SVC 0x703
    MOV R1, R9
    LDI32 R2, text
    LDI R3, 4
    LDI R4, 0
    LDI R5, 0
    SVC 0x502
    LDI R1, 513
    MOV R3, R8
    SVC 0x802
    OR R10, R10, R0
    JMP again
.data
name: .asciz "app:ticks"
text: .ascii "tick"
`;
/** Waits 60 s at a time: every other wait ends without a message. Follows the count. */
const WAITER = `
.cmd {"group":2,"id":1,"name":"echo","handler":"handler","help":""}
    LDI R1, 257
    LDI32 R2, watch
    SVC 0x705
    LDI32 R1, name
    SVC 0x500
    MOV R9, R1
again:
    MOV R1, R9
    LDI32 R2, buffer
    LDI R3, 8
    LDI32 R4, 60000
    LDI R5, 0
    SVC 0x503
    LDI R1, 7
    CMP R0, R1
    JZ timeout
    LDI R1, 1
    ADD R8, R8, R1
    LDI32 R1, watch
    SVC 0x500
    MOV R7, R1
    LDI32 R2, buffer
    LDI R3, 8
    LDI R4, 0
    LDI R5, 0
    SVC 0x503
    MOV R1, R7
    SVC 0x506
    JMP again
timeout:
    LDI R1, 1
    ADD R10, R10, R1
    JMP again
handler:
    LDI R0, 250
    SVC 0x600
    MOV R0, R3
    RET
.data
name: .asciz "app:ticks"
watch: .asciz "app:watch"
.bss
buffer: .zero 8
`;

it("runs sixty days without a leak", async () => {
  const nv = new NvDevice(new Uint8Array(512));
  const { node } = await startNode("small", { start_ms: 2 ** 32 - 500, nv });
  node.formatStore();
  const traces = await tracesOf("small", { store: true });
  const before = traces.remember(node);
  const ticker = node.load(guestOf(TICKER, "ticker").image);
  const waiter = node.load(guestOf(WAITER, "waiter").image);
  node.run(200_000);
  const free = node.config(Config.ARENA_FREE);
  const boxes = node.mailboxes();
  for (let day = 1; day <= 60; day++) {
    node.run(DAY_MS);
    node.events();
    expect([day, node.config(Config.ARENA_FREE)]).toEqual([day, free]);
  }
  expect(node.mailboxes().map((m) => m.name)).toEqual(boxes.map((m) => m.name));
  const states = [ticker, waiter].map((pid) => node.task(pid)?.state);
  expect(states).toEqual([TaskState.SLEEPING, TaskState.RECEIVING]);
  // a round is 97 s of sleep and 250 ms of call: 60 days and 200 s are 53,307 rounds and a part of one
  const rounds = node.task(ticker)?.regs[8] ?? 0;
  expect(rounds).toBeGreaterThanOrEqual(53_290);
  expect(rounds).toBeLessThanOrEqual(53_307);
  expect(node.task(ticker)?.regs[10]).toBe(0); // every call was answered OK
  expect(node.task(waiter)?.regs[8]).toBe(rounds);
  expect(node.task(waiter)?.regs[10]).toBeGreaterThan(rounds * 0.9);
  for (const pid of [ticker, waiter]) node.kill(pid);
  node.run(1000);
  traces.compare(node, before);
});
