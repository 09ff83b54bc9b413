// Slots: whole files in the arena, shared by instances of one image.

import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { Resource } from "../../../assembly/spec/node.ts";
import { ImageRoom } from "../../oracle/image-room.ts";
import { SAMPLES } from "../../oracle/image-samples.ts";

const file = SAMPLES["all binary"] as Uint8Array;

it("sums as zlib does", async () => {
  const { probe, memory } = await ImageRoom.create("small");
  const at = probe.IO.value;
  memory.set(Buffer.from("123456789"), at);
  expect(probe.crc(at, 9) >>> 0).toBe(0xcbf43926); // the check value of CRC-32/ISO-HDLC
  for (let n = 0; n < 256; n++) {
    memory[at] = n;
    expect(probe.crc(at, 1) >>> 0).toBe(crc32(Uint8Array.of(n)));
  }
});

describe.each(["small", "large", "desktop"] as const)("slots of the %s profile", (profile) => {
  it("know a verified image by its length and CRC, and no other", async () => {
    const room = await ImageRoom.create(profile);
    const { probe } = room;
    const sum = crc32(file);
    const slot = probe.allocate(file.length);
    expect(probe.find(file.length, sum)).toBe(Err.NOT_FOUND);
    room.check(slot, file);
    expect(probe.sum(slot) >>> 0).toBe(sum);
    expect(probe.find(file.length, sum)).toBe(slot);
    expect(probe.find(file.length - 1, sum)).toBe(Err.NOT_FOUND);
    expect(probe.find(file.length, sum ^ 1)).toBe(Err.NOT_FOUND);
  });

  it("are shared by instances and freed with the last", async () => {
    const room = await ImageRoom.create(profile);
    const { probe } = room;
    const free = probe.free();
    const first = room.accept(file);
    expect(probe.share(first)).toBe(first);
    probe.retain(first);
    const second = room.accept(file);
    expect(probe.share(second)).toBe(first);
    probe.retain(first);
    probe.settle();
    expect(probe.allocate(16)).toBe(second);
    probe.drop(second);
    probe.drop(first);
    expect([probe.users(first), probe.isVerified(first)]).toEqual([1, 1]);
    probe.drop(first);
    probe.settle();
    expect([probe.isVerified(first), probe.free()]).toEqual([0, free]);
  });

  it("keep their bytes when the arena closes a hole below them", async () => {
    const room = await ImageRoom.create(profile);
    const { probe } = room;
    const lower = probe.allocate(40);
    const upper = room.accept(file);
    const before = probe.address(upper);
    probe.drop(lower);
    probe.settle();
    expect(probe.address(upper)).toBeLessThan(before);
    const bytes = Array.from(file, (_, at) => probe.byte(upper, at));
    expect(Uint8Array.from(bytes)).toEqual(file);
  });

  it("are as many as there are tasks and one more, and say so when they run out", async () => {
    const room = await ImageRoom.create(profile);
    const { probe } = room;
    const most = probe.SLOT_MAX.value;
    for (let slot = 0; slot < most; slot++) expect(probe.allocate(4)).toBe(slot);
    expect(probe.allocate(4)).toBe(Err.FULL);
    expect(room.refusal()).toMatchObject({ resource: Resource.SLOTS, need: most + 1, have: most });
  });

  it("say how much memory was needed and how much there is", async () => {
    const room = await ImageRoom.create(profile);
    const { probe } = room;
    const have = probe.free();
    expect(probe.allocate(have)).toBe(Err.NO_MEMORY);
    const { resource, need, have: told } = room.refusal();
    expect([resource, told]).toEqual([Resource.MEMORY, have]);
    expect(need).toBeGreaterThan(have);
    expect(probe.allocate(0xffffffff)).toBe(Err.NO_MEMORY);
    expect(room.refusal().need).toBe(0xffffffff);
    expect(probe.free()).toBe(have);
  });

  it("read big-endian numbers, and 0 beyond the file", async () => {
    const { probe, memory } = await ImageRoom.create(profile);
    const slot = probe.allocate(5);
    memory.set([0x81, 0x82, 0x83, 0x84, 0x85], probe.address(slot));
    expect(probe.u16At(slot, 3)).toBe(0x8485);
    expect(probe.u32At(slot, 1) >>> 0).toBe(0x82838485);
    expect([probe.byte(slot, 5), probe.byte(slot, 0xffffffff)]).toEqual([0, 0]);
    expect([probe.u32At(slot, 2), probe.u32At(slot, 0xfffffffe)]).toEqual([0, 0]);
    expect(probe.copy(slot, 3, probe.IO.value, 9)).toBe(2);
    expect(probe.copy(slot, 9, probe.IO.value, 9)).toBe(0);
  });

  it("refuse bytes that do not fit the announced length", async () => {
    const { probe } = await ImageRoom.create(profile);
    const slot = probe.allocate(8);
    expect(probe.write(slot, 4, probe.IO.value, 4)).toBe(Err.OK);
    expect(probe.write(slot, 5, probe.IO.value, 4)).toBe(Err.LENGTH);
    expect(probe.write(slot, 0xfffffffc, probe.IO.value, 8)).toBe(Err.LENGTH);
    expect(probe.write(slot, 8, probe.IO.value, 0)).toBe(Err.OK);
  });
});
