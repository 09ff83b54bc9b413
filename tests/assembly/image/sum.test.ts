// The sum over a file whose pieces come in any order: what was not there counts as zeros, and when it comes, as itself.

import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { ImageRoom } from "../../oracle/image-room.ts";
import { buildSample } from "../../oracle/image-samples.ts";

const PIECE = 8;
const room = await ImageRoom.create("small");
const { probe } = room;

/** The state of a CRC-32 that has the complement of zlib's result. */
const stateOf = (bytes: Uint8Array) => ~crc32(bytes) >>> 0;

describe("zeros behind a sum", () => {
  it.each([0, 1, 2, 15, 16, 255, 256, 4095, 4096, 65_535, 65_536, 65_537, 200_000])(
    "of %i bytes are those of zlib",
    (bytes) => {
      const start = Uint8Array.of(1, 2, 3);
      const all = new Uint8Array(start.length + bytes);
      all.set(start);
      expect(probe.zeros(stateOf(start), bytes) >>> 0).toBe(stateOf(all));
    },
  );
  it("of any number are those of zlib", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(70_000), (start, bytes) => {
        const all = new Uint8Array(start.length + bytes);
        all.set(start);
        expect(probe.zeros(stateOf(start), bytes) >>> 0).toBe(stateOf(all));
      }),
    );
  });
});

/** An image of some length, whose last piece is a short one where `tail` says so. */
function imageOf(rodata: Uint8Array): Uint8Array {
  return buildSample({ version: 2, rodata, name: "sums" });
}

/** Sums a file piece by piece with those in `lost` left out, has them come in this order, and lets the check judge. */
function judge(file: Uint8Array, lost: readonly number[]): { code: number; sum: number } {
  const slot = probe.allocate(file.length);
  probe.begin(file.length);
  const base = probe.address(slot);
  room.memory.fill(0xa5, base, base + file.length); // what lay there before counts for nothing
  const place = (n: number) => ({
    at: n * PIECE,
    bytes: Math.min(PIECE, file.length - n * PIECE),
  });
  const put = (n: number) => {
    const { at, bytes } = place(n);
    room.memory.set(file.subarray(at, at + bytes), base + at);
    probe.late(at, base + at, bytes);
  };
  const pieces = Math.ceil(file.length / PIECE);
  const missing = new Set(lost);
  for (let n = 0; n < pieces; n++) if (!missing.has(n)) put(n);
  for (let n = 0; n < pieces; n++) {
    if (missing.has(n)) probe.skip(place(n).bytes);
    else probe.sumNext(slot, place(n).bytes);
  }
  for (const n of missing) put(n);
  let code: number = Err.BUSY;
  while (code === Err.BUSY) code = probe.advance(slot, file.length);
  const sum = probe.sum(slot) >>> 0;
  probe.drop(slot);
  probe.settle();
  return { code, sum };
}

describe("a file with gaps", () => {
  const arbitrary = fc.tuple(
    fc.uint8Array({ minLength: 1, maxLength: 400 }),
    fc.array(fc.nat(1000), { maxLength: 40 }),
  );
  const lostOf = (file: Uint8Array, picks: readonly number[]) => [
    ...new Set(picks.map((n) => n % Math.ceil(file.length / PIECE))),
  ];

  it("is sound when they are filled, in any order, and its sum is that of zlib", () => {
    fc.assert(
      fc.property(arbitrary, ([rodata, picks]) => {
        const file = imageOf(rodata);
        const { code, sum } = judge(file, lostOf(file, picks));
        expect(code).toBe(Err.OK);
        expect(sum).toBe(crc32(file));
      }),
    );
  });
  it("is refused for a wrong checksum, wherever the gaps were", () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), ([rodata, picks], n) => {
        const sound = imageOf(rodata);
        const file = sound.slice();
        const at = file.length - 1 - (n % rodata.length);
        file[at] = (file[at] ?? 0) ^ 1;
        expect(judge(file, lostOf(file, picks)).code).toBe(Err.HXE_CRC);
      }),
    );
  });
});
