// Hostile images: never a crash, a hang or a stray write, and the oracle's verdict whatever the pieces.

import { describe, expect, it } from "vitest";
import {
  bitFlips,
  extremes,
  ImageFuzzer,
  mutate,
  poison,
  truncations,
} from "../../oracle/image-fuzz.ts";
import { ImageRoom } from "../../oracle/image-room.ts";
import { SAMPLES, withChecksum } from "../../oracle/image-samples.ts";
import { Random } from "../../oracle/random.ts";

const rooms = {
  small: await ImageRoom.create("small"),
  large: await ImageRoom.create("large"),
  desktop: await ImageRoom.create("desktop"),
};
for (const room of Object.values(rooms)) poison(room);

function fuzzer(profile: keyof typeof rooms): ImageFuzzer {
  return new ImageFuzzer(rooms[profile]);
}

describe.each(Object.entries(SAMPLES))("an image with %s", (_name, file) => {
  it.each(["small", "large", "desktop"] as const)("is sound on %s", (profile) => {
    const fuzz = fuzzer(profile);
    fuzz.run(file, new Random(1));
    expect(fuzz.counts.accepted).toBe(1);
  });

  it("is refused at every truncation", () => {
    const fuzz = fuzzer("small");
    const random = new Random(2);
    for (const part of truncations(file)) fuzz.run(part, random);
    expect(fuzz.counts).toMatchObject({ accepted: 0, refused: file.length });
  });

  it("is judged as the oracle does at every truncation with the checksum that fits", () => {
    const fuzz = fuzzer("small");
    const random = new Random(3);
    for (const part of truncations(file)) fuzz.run(withChecksum(part), random);
    expect(fuzz.counts.files).toBe(file.length);
  });

  it("is judged as the oracle does with any bit flipped and the checksum that fits", () => {
    const fuzz = fuzzer("small");
    const random = new Random(4);
    for (const flipped of bitFlips(file)) fuzz.run(withChecksum(flipped), random);
    expect(fuzz.counts.files).toBe(file.length * 8);
  });

  it("is refused with any bit flipped that the checksum covers", () => {
    const fuzz = fuzzer("small");
    const random = new Random(7);
    const covered = (bit: number) => bit < 0x1c * 8 || bit >= (file[5] === 1 ? 32 : 96) * 8;
    const flips = Array.from(bitFlips(file)).filter((_, bit) => covered(bit));
    for (const flipped of flips) fuzz.run(flipped, random);
    expect(fuzz.counts).toMatchObject({ accepted: 0, refused: flips.length });
  });

  it("is judged as the oracle does with every field at its extremes", () => {
    const fuzz = fuzzer("small");
    const random = new Random(5);
    for (const changed of extremes(file, 2)) fuzz.run(changed, random);
    expect(fuzz.counts.files).toBeGreaterThan(file.length * 11);
  });
});

describe("seeded mutations", () => {
  it.each([
    ["small", 3000],
    ["large", 500],
    ["desktop", 500],
  ] as const)("are judged as the oracle does on %s", (profile, count) => {
    const fuzz = fuzzer(profile);
    const random = new Random(6);
    const files = Object.values(SAMPLES);
    for (let n = 0; n < count; n++) fuzz.run(mutate(random.pick(files), random), random);
    expect(fuzz.counts.accepted).toBeGreaterThan(0);
  });
});
