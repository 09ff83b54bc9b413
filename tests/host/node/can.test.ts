// CAN of a node in Node: rates, filters, the ring, and what it takes part in.

import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { ManualClock } from "../../../host/bus/clock.ts";
import { CanPartner } from "../../../host/bus/partner.ts";
import { CanWire } from "../../../host/bus/wire.ts";
import type { CanFrame } from "../../../host/formats/can-frame.ts";
import { CanDriver } from "../../../host/node/can.ts";

const frame = (id: number, ...data: number[]): CanFrame => ({ id, data: Uint8Array.from(data) });
const MS = 1_000_000;

function bus({ bit_ns = 2000, ring = 64 } = {}) {
  const clock = new ManualClock(1e9);
  const wire = new CanWire(clock, bit_ns);
  const [one, two] = [new CanPartner(wire), new CanPartner(wire)];
  const driver = new CanDriver({ ring, now_us: () => clock.now / 1000 });
  driver.join(wire);
  driver.addFilter(0x100, 0x700);
  return { clock, wire, one, two, driver };
}

describe("the CAN driver of a node in Node", () => {
  it("is on the bus when it was opened, at the rate of the wire unless it is told one", () => {
    const { clock, driver, one } = bus({ bit_ns: 4000 });
    expect(driver.bit_ns).toBeUndefined();
    expect(driver.open(0)).toBe(250);
    one.send(frame(0x123, 7));
    clock.advance(MS);
    expect(driver.take()).toEqual(frame(0x123, 7));
    expect(driver.open(500)).toBe(500);
    one.send(frame(0x124));
    clock.advance(20 * MS);
    expect(driver.hasFrame).toBe(false);
    expect(driver.errors.rec).toBeGreaterThan(0);
  });

  it("finds the rate by listening to each for 100 ms, and disturbs nobody meanwhile", () => {
    const { clock, driver, one, two, wire } = bus({ bit_ns: 8000 }); // 125 kbit/s, the third in turn
    expect(driver.open(1)).toBe(0);
    for (let ms = 0; ms < 205; ms += 5) {
      one.send(frame(0x123));
      clock.advance(5 * MS);
    }
    expect(two.heard).toHaveLength(41);
    expect(wire.errorFrames).toBe(0);
    expect(driver.errors.rec).toBe(0);
    expect(driver.open(1)).toBe(125);
    expect(driver.isActive).toBe(true);
  });

  it("keeps what no ring has room for out, and counts it", () => {
    const { clock, driver, one } = bus({ ring: 2 });
    driver.open(0);
    for (const id of [0x100, 0x200, 0x101, 0x102, 0x103]) one.send(frame(id));
    clock.advance(5 * MS);
    expect([driver.take()?.id, driver.take()?.id, driver.take()]).toEqual([
      0x100,
      0x101,
      undefined,
    ]);
    expect(driver.overruns).toBe(2);
  });

  it("leaves frames with 29 bits and remote ones alone", () => {
    const { clock, driver, one } = bus();
    driver.open(0);
    one.send({ id: 0x123, isExtended: true, data: new Uint8Array(0) });
    one.send({ id: 0x123, isRemote: true, data: new Uint8Array(0) });
    clock.advance(MS);
    expect(driver.hasFrame).toBe(false);
  });

  it("sends three frames in order and is busy for a fourth", () => {
    const { clock, driver, one } = bus();
    driver.open(0);
    const sent = [3, 2, 1, 0].map((id) => driver.send(frame(id)));
    expect(sent).toEqual([Err.OK, Err.OK, Err.OK, Err.BUSY]);
    clock.advance(MS);
    expect(one.heard.map(({ id }) => id)).toEqual([3, 2, 1]);
  });
});
