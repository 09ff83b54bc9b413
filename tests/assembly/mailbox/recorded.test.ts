// The recorded runs of the reference, step by step. Each test bears the name of the vector its numbers come from.

import { describe, expect, it } from "vitest";
import { Err, Machine } from "./machine.ts";

/** Task 1 as the reference loads it: three stdio mailboxes and pid:1 exist. */
async function loaded(limits?: { descriptors: number; handles: number }): Promise<Machine> {
  const m = await Machine.start("desktop", limits);
  expect(m.attach(1, true)).toBe(0);
  return m;
}
const blob = (len: number) => new Uint8Array(len).fill(0x78);
const digits = "0123456789ABCDEF";

describe("mailboxes as recorded from the reference", () => {
  it("mbx_basic: queues first in, first out, with flags, channel and source", async () => {
    const m = await loaded();
    expect(m.bind(1, "app:q1", 64, 3)).toBe(5);
    expect(m.open(1, "app:q1")).toBe(4);
    expect(m.peek(1, 4)).toEqual([0, 0, 0]);
    expect(m.send(1, 4, "hello")).toBe(5);
    expect(m.send(1, 4, "worlds!", 4, 513)).toBe(7);
    expect(m.peek(1, 4)).toEqual([2, 0x1c, 5]);
    expect(m.receive(1, 4, 32)).toEqual({ len: 5, flags: 0, channel: 0, source: 1, data: "hello" });
    expect(m.receive(1, 4, 32)).toEqual({
      len: 7,
      flags: 4,
      channel: 513,
      source: 1,
      data: "worlds!",
    });
    expect(m.receive(1, 4, 32)).toBe(Err.NO_DATA);
    expect(m.close(1, 4)).toBe(0);
    expect(m.close(1, 4)).toBe(Err.NOT_FOUND);
    expect(m.send(1, 4, "hello")).toBe(Err.NOT_FOUND);
    expect(m.receive(1, 4)).toBe(Err.NOT_FOUND);
    expect(m.peek(1, 4)).toBe(Err.NOT_FOUND);
    expect(m.tap(1, 4, true)).toBe(Err.NOT_FOUND);
    expect(m.open(1, "app:q1")).toBe(5);
    expect(m.probe.capacityOf(5)).toBe(64);
    expect(m.probe.modeOf(5)).toBe(3);
  });

  it("mbx_capacity: a message costs its length and 8; binding again evicts the oldest", async () => {
    const m = await loaded();
    expect(m.bind(1, "app:cap", 32, 3)).toBe(5);
    expect(m.open(1, "app:cap")).toBe(4);
    expect(m.send(1, 4, blob(25))).toBe(Err.TOO_LARGE);
    expect(m.send(1, 4, blob(24))).toBe(24);
    expect(m.send(1, 4, blob(1))).toBe(Err.WOULD_BLOCK);
    expect(m.send(1, 4, blob(0))).toBe(0);
    expect(m.peek(1, 4)).toEqual([1, 0x20, 0x18]);
    expect(m.receive(1, 4, 80)).toMatchObject({ len: 24, channel: 0 });
    expect(m.send(1, 4, blob(8), 0, 1)).toBe(8);
    expect(m.send(1, 4, blob(8), 0, 2)).toBe(8);
    expect(m.send(1, 4, blob(1), 0, 3)).toBe(Err.WOULD_BLOCK);
    expect(m.bind(1, "app:cap", 20)).toBe(5);
    expect(m.peek(1, 4)).toEqual([1, 0x10, 8]);
    expect(m.receive(1, 4, 80)).toMatchObject({ len: 8, channel: 2, source: 1 });
    expect(m.bind(1, "app:cap", 100)).toBe(5);
    expect(m.send(1, 4, blob(80))).toBe(80);
    expect(m.bind(1, "app:cap")).toBe(5);
    expect(m.peek(1, 4)).toEqual([1, 0x58, 0x50]);
    expect(m.open(1, "app:def")).toBe(5);
    expect(m.send(1, 5, blob(57))).toBe(Err.TOO_LARGE);
    expect(m.send(1, 5, blob(56))).toBe(56);
    expect(m.bind(1, "app:def", 1, 3)).toBe(6);
    expect(m.peek(1, 5)).toEqual([0, 0, 0]);
    expect(m.send(1, 5, blob(1))).toBe(Err.TOO_LARGE);
    expect(m.bind(1, "app:def", 0x10040 & 0xffff, 3)).toBe(6);
    expect(m.peek(1, 5)).toEqual([0, 0, 0]);
    expect(m.probe.capacityOf(6)).toBe(64);
    expect(m.inspect(5, 0)).toMatchObject({ len: 80, data: "x".repeat(80) });
  });

  it("mbx_desc_limit: 16 descriptors and 8 handles, stdio included", async () => {
    const m = await loaded({ descriptors: 16, handles: 8 });
    for (let n = 0; n < 12; n++) {
      expect(m.bind(1, `app:x${String.fromCharCode(65 + n)}`, 0, 3)).toBe(5 + n);
    }
    expect(m.bind(1, "app:xM", 0, 3)).toBe(Err.FULL);
    expect(m.bind(1, "app:xA", 0, 3)).toBe(5);
    expect(m.open(1, "app:xM")).toBe(Err.FULL);
    expect([1, 2, 3, 4, 5].map(() => m.open(1, "app:xA"))).toEqual([4, 5, 6, 7, 8]);
    expect(m.open(1, "app:xA")).toBe(Err.FULL);
  });

  it("mbx_handles: 64 handles, stdio included; numbers are not given twice", async () => {
    const m = await loaded();
    for (let n = 4; n <= 64; n++) expect(m.open(1, "app:h")).toBe(n);
    expect(m.open(1, "app:h")).toBe(Err.FULL);
    expect(m.close(1, 10)).toBe(0);
    expect(m.open(1, "app:h")).toBe(0x41);
    expect(m.close(1, 1)).toBe(0);
    expect(m.open(1, "app:h")).toBe(0x42);
    expect(m.probe.modeOf(5)).toBe(0);
  });

  it("mbx_bad_owner: an owner that is no number is INVALID here", async () => {
    const m = await loaded();
    expect(m.open(1, "pid:xyz")).toBe(Err.INVALID);
  });
});

/** mbx_fanout_drop, mbx_fanout_plain and, because any FANOUT bit is fan-out here, mbx_fanout_dropbit_only. */
describe.each([
  ["FANOUT and FANOUT_DROP", 0x1b],
  ["FANOUT", 0x0b],
  ["FANOUT_DROP", 0x13],
])("a mailbox of mode RDWR and %s", (_name, mode) => {
  it("shows every reader every message and drops the oldest", async () => {
    const m = await loaded();
    const send = (len: number, channel: number) => m.send(1, 4, digits.slice(0, len), 0, channel);
    const receive = (handle: number) => m.receive(1, handle, 16);
    expect(m.bind(1, "shared:f", 48, mode)).toBe(5);
    expect([1, 2, 3].map(() => m.open(1, "shared:f"))).toEqual([4, 5, 6]);
    expect([1, 2, 3, 4].map((n) => send(8, n))).toEqual([8, 8, 8, 8]);
    expect(m.peek(1, 5)).toEqual([3, 0x30, 8]);
    expect(receive(5)).toMatchObject({ len: 8, flags: 8, channel: 2, source: 1 });
    expect(receive(6)).toMatchObject({ len: 8, flags: 8, channel: 2 });
    expect(receive(5)).toMatchObject({ flags: 0, channel: 3 });
    expect(m.peek(1, 6)).toEqual([2, 0x20, 8]);
    expect(send(4, 9)).toBe(4);
    expect(m.open(1, "shared:f")).toBe(7);
    expect(receive(7)).toBe(Err.NO_DATA);
    expect(send(3, 10)).toBe(3);
    expect(receive(7)).toMatchObject({ len: 3, flags: 0, channel: 10 });
    expect(receive(6)).toMatchObject({ len: 8, flags: 8, channel: 4 });
    expect(receive(6)).toMatchObject({ len: 4, flags: 0, channel: 9 });
    expect(receive(6)).toMatchObject({ len: 3, channel: 10 });
    expect(receive(6)).toBe(Err.NO_DATA);
    expect(receive(5)).toMatchObject({ len: 8, flags: 0, channel: 4 });
    expect(receive(5)).toMatchObject({ len: 4, channel: 9 });
    expect(receive(5)).toMatchObject({ len: 3, channel: 10 });
    expect(receive(5)).toBe(Err.NO_DATA);
    expect(m.peek(1, 4)).toEqual([0, 0, 0]);
    expect(receive(4)).toBe(Err.NO_DATA);
    expect([5, 6, 7].map((handle) => m.close(1, handle))).toEqual([0, 0, 0]);
    expect([20, 21, 22, 23, 24].map((n) => send(8, n))).toEqual([8, 8, 8, 8, 8]);
    expect(m.peek(1, 4)).toEqual([3, 0x30, 8]);
    expect([0, 1, 2].map((n) => m.inspect(5, n))).toMatchObject([
      { channel: 22, data: "01234567" },
      { channel: 23, data: "01234567" },
      { channel: 24, data: "01234567" },
    ]);
    expect(m.inspect(5, 3)).toBe(Err.NO_DATA);
  });
});

describe("a tap as recorded from the reference", () => {
  it("mbx_tap: gets copies, consumes nothing, drops its oldest and says so", async () => {
    const m = await loaded();
    const send = (len: number, channel: number) => m.send(1, 4, digits.slice(0, len), 0, channel);
    const receive = (handle: number) => m.receive(1, handle, 16);
    expect(m.bind(1, "app:t", 40, 3)).toBe(5);
    expect([m.open(1, "app:t"), m.open(1, "app:t")]).toEqual([4, 5]);
    expect(send(2, 1)).toBe(2);
    expect(m.tap(1, 5, true)).toBe(0);
    expect(receive(5)).toBe(Err.NO_DATA);
    expect([send(4, 2), send(4, 3)]).toEqual([4, 4]);
    expect(receive(4)).toMatchObject({ len: 2, channel: 1 });
    expect(receive(4)).toMatchObject({ len: 4, channel: 2 });
    expect(send(8, 4)).toBe(8);
    expect(send(5, 5)).toBe(Err.WOULD_BLOCK);
    expect(receive(5)).toMatchObject({ len: 4, flags: 0, channel: 2, source: 1 });
    expect(receive(5)).toMatchObject({ len: 4, flags: 0, channel: 3 });
    expect(receive(5)).toMatchObject({ len: 8, flags: 0, channel: 4 });
    expect(receive(5)).toBe(Err.NO_DATA);
    expect(m.peek(1, 5)).toEqual([2, 0x1c, 4]);
    expect(m.tap(1, 5, false)).toBe(0);
    expect(receive(5)).toMatchObject({ len: 4, flags: 0, channel: 3 });
    expect(m.tap(1, 99, true)).toBe(Err.NOT_FOUND);
    expect(receive(4)).toMatchObject({ len: 8, channel: 4 });
    expect(m.tap(1, 5, true)).toBe(0);
    for (const channel of [0x28, 0x29, 0x2a, 0x2b]) {
      expect(send(8, channel)).toBe(8);
      expect(receive(4)).toMatchObject({ channel });
    }
    expect(receive(5)).toMatchObject({ len: 8, flags: 8, channel: 0x2a });
    expect(receive(5)).toMatchObject({ len: 8, flags: 0, channel: 0x2b });
    expect(receive(5)).toBe(Err.NO_DATA);
    expect([m.tap(1, 5, false), m.tap(1, 5, true), m.close(1, 5)]).toEqual([0, 0, 0]);
    expect(send(1, 6)).toBe(1);
  });
});
