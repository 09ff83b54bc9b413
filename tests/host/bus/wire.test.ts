// The wire between CAN controllers: lengths and order of frames after ISO 11898-1.

import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../host/bus/clock.ts";
import { frameBits } from "../../../host/bus/frame-bits.ts";
import { CanPartner } from "../../../host/bus/partner.ts";
import { CanWire } from "../../../host/bus/wire.ts";
import type { CanFrame } from "../../../host/formats/can-frame.ts";

const frame = (id: number, ...data: number[]): CanFrame => ({ id, data: Uint8Array.from(data) });

describe("bits of a frame", () => {
  // 1 SOF, 12 arbitration, 6 control, 15 CRC and 10 behind them are 44, with 8 for each byte; the rest is stuffing,
  // counted by a second program that lays out the stuffed bits one by one. CRC of the last one: no five bits alike anywhere.
  it.each([
    [0x555, [], 45],
    [0x100, [], 48],
    [0x123, [1, 2, 3, 4, 5, 6, 7, 8], 116],
    [0x000, [0, 0, 0, 0, 0, 0, 0, 0], 124],
    [0x7ff, [255, 255, 255, 255, 255, 255, 255, 255], 123],
    [0x2aa, [85, 85, 85, 85, 85, 85, 85, 85], 108],
  ])("of %i with the data %j are %i", (id, data, bits) => {
    expect(frameBits(frame(id, ...data))).toBe(bits);
  });

  it("lie between none and one stuff bit for four bits (Davis et al.: 8 n + 44 + floor((34 + 8 n - 1) / 4))", () => {
    for (let n = 0; n <= 8; n++) {
      for (const fill of [0x00, 0xff, 0x55, 0x3c]) {
        for (const id of [0, 0x123, 0x7ff]) {
          const bits = frameBits({ id, data: new Uint8Array(n).fill(fill) });
          expect(bits).toBeGreaterThanOrEqual(8 * n + 44);
          expect(bits).toBeLessThanOrEqual(8 * n + 44 + Math.floor((34 + 8 * n - 1) / 4));
        }
      }
    }
  });

  it("of an extended frame are twenty more before stuffing", () => {
    const bits = frameBits({ id: 0x15555555, isExtended: true, data: Uint8Array.of(0x55) });
    expect(bits).toBeGreaterThanOrEqual(64 + 8);
    expect(bits).toBeLessThanOrEqual(64 + 8 + Math.floor((54 + 8 - 1) / 4));
  });

  it("of a remote frame do not hold the data", () => {
    const data = new Uint8Array(8);
    expect(frameBits({ id: 0x555, isRemote: true, data })).toBeLessThan(60);
  });
});

function wireOf(count: number) {
  const clock = new ManualClock(16_000_000);
  const wire = new CanWire(clock);
  const partners = Array.from({ length: count }, () => new CanPartner(wire));
  return { clock, wire, partners };
}

describe("a wire", () => {
  it("gives the bus to the lowest identifier, a data frame before a remote one, standard before extended", () => {
    const { clock, partners } = wireOf(5);
    const extended = { id: 0x100 * 0x40000, isExtended: true, data: new Uint8Array(0) };
    const remote = { id: 0x100, isRemote: true, data: new Uint8Array(0) };
    partners[0]?.send(frame(0x101));
    partners[1]?.send(extended);
    partners[2]?.send(remote);
    partners[3]?.send(frame(0x100));
    clock.advance(16_000);
    const heard = partners[4]?.heard ?? [];
    expect(heard.map((f) => [f.id, f.isExtended ?? false, f.isRemote ?? false])).toEqual([
      [0x100, false, false],
      [0x100, false, true],
      [0x4000000, true, false],
      [0x101, false, false],
    ]);
  });

  it("carries 0x555 without data in 45 bits, and the next behind three bits of pause", () => {
    const { clock, wire, partners } = wireOf(2);
    partners[0]?.send(frame(0x555));
    partners[0]?.send(frame(0x555));
    const bits = 45;
    clock.advance(32 * (1 + bits));
    expect(wire.frames).toBe(1);
    clock.advance(32 * (3 + bits) - 1);
    expect(wire.frames).toBe(1);
    clock.advance(1);
    expect(wire.frames).toBe(2);
  });

  it("does not deliver what nobody acknowledges", () => {
    const { clock, wire, partners } = wireOf(2);
    if (partners[1]) partners[1].isActive = false;
    partners[0]?.send(frame(1));
    clock.advance(16_000);
    expect(wire.frames).toBe(0);
    expect(partners[1]?.heard).toEqual([]);
    if (partners[1]) partners[1].isActive = true;
    clock.advance(16_000);
    expect(partners[1]?.heard).toHaveLength(1);
  });

  it("destroys everything while it is shorted", () => {
    const { clock, wire, partners } = wireOf(2);
    wire.isShorted = true;
    partners[0]?.send(frame(1));
    clock.advance(160_000);
    expect(wire.frames).toBe(0);
  });

  it("carries one frame at a time, even when who lost the bus asks for it at once", () => {
    const { clock, wire, partners } = wireOf(3);
    const [winner, loser, other] = partners as [CanPartner, CanPartner, CanPartner];
    loser.lost = () => loser.stub.wake();
    winner.send(frame(1));
    loser.send(frame(2));
    clock.advance(16_000);
    expect(other.heard.map(({ id }) => id)).toEqual([1, 2]);
    expect(wire.frames).toBe(2);
  });

  it("is heard by listeners while a sender that nobody acknowledges is error passive", () => {
    const { clock, partners } = wireOf(2);
    const [sender, listener] = partners as [CanPartner, CanPartner];
    listener.isActive = false;
    sender.send(frame(1));
    clock.advance(160_000);
    expect(sender.errors.tec).toBe(128); // 16 failures of 8; it counts no further
    expect(listener.heard.length).toBeGreaterThan(10);
    expect(sender.queue).toHaveLength(1);
  });

  it("lets another begin while an error passive sender pauses for eight bits", () => {
    const { clock, partners } = wireOf(3);
    const [passive, other, listener] = partners as [CanPartner, CanPartner, CanPartner];
    passive.errors.tec = 200;
    passive.send(frame(0x555));
    passive.send(frame(0));
    clock.advance(32 * (1 + 45 + 3 + 4));
    other.send(frame(0x7ff)); // within the pause
    clock.advance(16_000);
    expect(listener.heard.map(({ id }) => id)).toEqual([0x555, 0x7ff, 0]);
  });

  it("ends a frame whose sender loses its power in the middle, and all others see an error", () => {
    const { clock, wire, partners } = wireOf(3);
    const [sender, one, two] = partners as [CanPartner, CanPartner, CanPartner];
    sender.send(frame(0x100, 1, 2, 3, 4));
    clock.advance(32 * 40);
    sender.stub.remove();
    clock.advance(16_000);
    expect([one.heard, two.heard]).toEqual([[], []]);
    expect([one.errors.rec, two.errors.rec]).toEqual([1, 1]);
    expect(wire.errorFrames).toBe(1);
    one.send(frame(3));
    clock.advance(16_000);
    expect(two.heard.map(({ id }) => id)).toEqual([3]);
  });

  it("brings a controller back from bus-off after 128 frames of a busy bus, no earlier", () => {
    const { clock, wire, partners } = wireOf(3);
    const [off, busy] = partners as [CanPartner, CanPartner, CanPartner];
    busy.source = () => frame(0x555); // 45 bits and a pause of three: one sequence of eleven recessive bits a frame
    wire.wake();
    clock.advance(32 * 10);
    off.errors.tec = 248;
    off.failed("bit");
    expect(off.state).toBe("off");
    const before = wire.frames;
    while (off.state === "off") clock.advance(32);
    expect(wire.frames - before).toBe(128);
  });
});
