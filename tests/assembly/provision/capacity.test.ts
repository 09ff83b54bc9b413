// Every limit of a profile's column in use at once, and the next of each refused by name. The columns are those of assembly/spec/limits.ts.

import { expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { Config, Resource, TaskState } from "../../../assembly/spec/node.ts";
import { readRefusal } from "../../../host/client/records.ts";
import { NodeError } from "../../../host/client/refusal.ts";
import { guestOf } from "../../drivers/guest.ts";
import { startNode } from "../../drivers/node.ts";

interface Column {
  readonly tasks: number;
  readonly values: number;
  readonly commands: number;
  readonly descriptors: number;
  /** Of each task. */
  readonly handles: number;
  readonly subscriptions: number;
  readonly events: number;
  readonly pins: number;
  readonly calls: number;
}

// docs/architecture.md "Profiles and limits"; pins and calls: spec/limits.ts
const COLUMNS: Record<"small" | "large" | "desktop", Column> = {
  small: {
    tasks: 4,
    values: 64,
    commands: 16,
    descriptors: 24,
    handles: 8,
    subscriptions: 16,
    events: 32,
    pins: 16,
    calls: 4,
  },
  large: {
    tasks: 8,
    values: 128,
    commands: 64,
    descriptors: 64,
    handles: 16,
    subscriptions: 64,
    events: 128,
    pins: 32,
    calls: 8,
  },
  desktop: {
    tasks: 32,
    values: 256,
    commands: 256,
    descriptors: 256,
    handles: 64,
    subscriptions: 256,
    events: 1024,
    pins: 64,
    calls: 32,
  },
};

/** An app that takes its share of everything. Its pins begin at the word `pins`, its ids in group `group`. */
function shareOf(c: Column): string {
  const entries = (count: number, more: string) =>
    Array.from({ length: count }, (_, id) => `{"group":0,"id":${id}${more}}`).join(",");
  const own = c.descriptors / c.tasks - 3; // beside stdio
  const subscriptions = c.subscriptions / c.tasks;
  const opens = c.handles - 3 - subscriptions;
  const name = (n: number) => `name${n % own}`;
  const open = Array.from(
    { length: opens },
    (_, n) => `
    LDI32 R1, ${name(n)}
    SVC 0x500
    OR R12, R12, R0`,
  );
  const subscribe = Array.from(
    { length: subscriptions },
    (_, n) => `
    LDI R1, ${n}
    ADD R1, R1, R11
    LDI32 R2, ${name(n)}
    SVC 0x705
    OR R12, R12, R0`,
  );
  const pins = Array.from(
    { length: c.pins / c.tasks },
    (_, n) => `
    LDI R1, ${n}
    ADD R1, R1, R10
    LDI R2, 2
    SVC 0x902
    OR R12, R12, R0`,
  );
  const use = (handle: number) => `
    LDI R1, ${handle}
    LDI32 R2, name0
    LDI R3, 1
    LDI R4, 0
    LDI R5, 0
    SVC 0x502
    OR R12, R12, R0`;
  return `
.stack 64
.value [${entries(c.values / c.tasks, "")}]
.cmd [${entries(c.commands / c.tasks, ',"handler":"handler"')}]
    LDI R1, 1
    LDI32 R2, buffer
    LDI R3, 12
    LDI32 R4, 0xFFFF
    LDI R5, 0
    SVC 0x503           ; who am I: group << 8, first pin
    LDI32 R2, buffer
    LD R11, [R2]
    LD R10, [R2+4]
${subscribe.join("")}
${open.join("")}
${pins.join("")}
${use(2)}
${use(3)}
    LDI32 R1, name0
    SVC 0x500           ; one handle more
    MOV R9, R0
    BRK 1
    LDI R1, ${c.handles}
    SVC 0x506           ; CLOSE, so that a handle is free
    MOV R1, R11
    LDI32 R2, name0
    SVC 0x705           ; one subscription more than all
    MOV R8, R0
    LDI32 R1, name0
    SVC 0x500
    LDI R1, 200
    LDI R2, 1
    LDI R3, 0
    LDI R4, 0
    SVC 0x700           ; one value more
    MOV R7, R0
    LDI R1, 200
    SVC 0x800           ; one command more
    MOV R6, R0
    BRK 2
    MOV R1, R11
    SVC 0x802           ; takes a call frame and stays in it
    BRK 3
handler:
    LDI R1, 1
    LDI32 R2, buffer
    LDI R3, 12
    LDI32 R4, 0xFFFF
    LDI R5, 0
    SVC 0x503
    RET
.data
${Array.from({ length: own }, (_, n) => `name${n}: .asciz "svc:${n}"`).join("\n")}
.bss
buffer: .zero 12
`;
}

function refusalOf(act: () => unknown): [string, string, number, number] | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const { resource, need, have } = error.refusal;
    return [Err[error.code] ?? "", Resource[resource] ?? "", need, have];
  }
}

it.each(Object.entries(COLUMNS))("holds all limits of its column at once (%s)", async (name, c) => {
  const rig = await startNode(name as keyof typeof COLUMNS, { pins: c.pins });
  const { node } = rig;
  const app = guestOf(shareOf(c)).image;
  const pids = Array.from({ length: c.tasks }, (_, n) => node.load(app, { groupBase: n }));
  const state = (pid: number) => TaskState[node.task(pid)?.state ?? 0];
  const reg = (pid: number, n: number) => node.task(pid)?.regs[n];
  for (const [n, pid] of pids.entries()) {
    const who = new Uint32Array([n << 8, (n * c.pins) / c.tasks, 0]);
    node.run(1);
    node.core.write(new Uint8Array(who.buffer));
    node.send(node.openMailbox(`svc:stdio.in@${pid}`), new Uint8Array(who.buffer));
    node.closeMailbox(`svc:stdio.in@${pid}`);
    node.run(1);
    expect([n, state(pid), reg(pid, 12), reg(pid, 9)]).toEqual([n, "PAUSED", 0, 5]); // NO_DESCRIPTOR
  }
  expect(node.tasks().length).toBe(c.tasks);
  expect(node.values().length).toBe(c.values);
  expect(node.commands().length).toBe(c.commands);
  expect(node.mailboxes().length).toBe(c.descriptors);
  for (let pin = 0; pin < c.pins; pin++) expect(node.pin(pin).holder).toBeGreaterThan(0);

  for (const pid of pids) {
    node.resume(pid);
    node.run(1);
    expect([pid, state(pid), reg(pid, 8), reg(pid, 7), reg(pid, 6)]).toEqual([
      pid,
      "PAUSED",
      3,
      3,
      3,
    ]); // ENOSPC
  }
  for (const pid of pids) node.resume(pid);
  node.run(1);
  expect(pids.map(state)).toEqual(pids.map(() => "RECEIVING")); // each in its handler: all call frames
  const last = c.tasks + 1;
  expect(refusalOf(() => node.callCommand(0))).toEqual(["FULL", "CALLS", c.calls + 1, c.calls]);
  expect(refusalOf(() => node.load(guestOf(" JMP 0\n", "x").image))).toEqual([
    "FULL",
    "TASKS",
    last,
    c.tasks,
  ]);
  const value = guestOf('.value {"group":200,"id":1}\n JMP 0\n', "x").image;
  expect(refusalOf(() => node.load(value))).toEqual(["FULL", "VALUES", c.values + 1, c.values]);
  const command = guestOf('.cmd {"group":200,"id":1,"handler":0}\n JMP 0\n', "x").image;
  expect(refusalOf(() => node.load(command))).toEqual([
    "FULL",
    "COMMANDS",
    c.commands + 1,
    c.commands,
  ]);
  expect(refusalOf(() => node.openMailbox("app:one-more"))).toEqual([
    "FULL",
    "DESCRIPTORS",
    c.descriptors + 1,
    c.descriptors,
  ]);

  // every subscriber hears of a change, and the event ring overflows without a loss of order
  node.events();
  for (let n = 0; n < c.events + 5; n++) node.setValue((n % c.tasks) << 8, 0x3c00 + n);
  const events = node.events();
  expect(events.length).toBe(c.events);
  expect(events.map((e) => e.seq)).toEqual(events.map((_, n) => (events[0]?.seq ?? 0) + n));
  expect(node.config(Config.EVENTS_DROPPED)).toBeGreaterThanOrEqual(5);

  // what is full may be used up to its end again
  node.kill(pids[0] ?? 0);
  expect(node.values().length).toBe(c.values - c.values / c.tasks);
  pids[0] = node.load(app, { groupBase: 0 });
  expect(node.values().length).toBe(c.values);
  for (const pid of pids) node.kill(pid);
  node.settle();
  expect(node.config(Config.ARENA_FREE)).toBe(node.config(Config.ARENA_BYTES));
  expect(readRefusal(rig.node.core.refusal()).code).toBeLessThan(0);
});
