// Files of any content given to every subcommand of hsx persist: an answer in words each time, never a defect of ours.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { Install } from "../../../host/cli/install.ts";
import { PersistImage } from "../../../host/client/persist-image.ts";
import { readCalibration } from "../../../host/formats/calibration.ts";
import { faultOf } from "../../../host/formats/persist-image.ts";
import { NV_GEOMETRY, NvDevice } from "../../../host/node/nv.ts";
import { ROOT } from "../../../scripts/root.ts";
import { Random } from "../../oracle/random.ts";
import { file, hsx, inFolder } from "./harness.ts";

const CALIB = `schema = 7
media = "fram:512"
cells = 40
[values]
0x0201 = 22.5 # degC
"513" = 1
pump.rate = { bits = 0x7E01 }
[factory]
7 = -1e3
[[boot]]
`;

let sound = new Uint8Array();
beforeAll(async () => {
  const calib = file(
    "fuzz.toml",
    'media = "fram:512"\n[values]\n1 = 1\n2 = 2\n3 = 3\n[factory]\n1 = 4\n',
  );
  const built = await hsx(["persist", "build", calib, "-o", inFolder("sound.fram")]);
  expect(built.err).toBe("");
  sound = new Uint8Array(readFileSync(inFolder("sound.fram")));
});

const noise = (random: Random, length: number) =>
  Uint8Array.from({ length }, () => random.below(256));

/** A sound image, changed a little or a lot; or bytes that were never one. */
function image(random: Random): Uint8Array<ArrayBuffer> {
  const length = random.oneIn(6) ? random.below(700) : 512;
  if (random.oneIn(8)) return noise(random, length);
  const bytes = new Uint8Array(length);
  bytes.set(sound.subarray(0, length));
  const changes = random.oneIn(4) ? random.below(400) : 1 + random.below(6);
  const limit = random.oneIn(3) ? Math.min(32, length) : length;
  for (let n = 0; n < changes && limit > 0; n++) {
    const at = random.below(limit);
    bytes[at] = random.oneIn(2)
      ? random.below(256)
      : (bytes[at] as number) ^ (1 << random.below(8));
  }
  return bytes;
}

/** Text of a calibration file with pieces taken out, put in twice or replaced. */
function text(random: Random): string {
  const pieces = [
    "=",
    "\n",
    '"',
    "[",
    "]",
    "{",
    "}",
    ".",
    "0x",
    "e",
    "-",
    "inf",
    "\u0000",
    "é",
    "#",
    "'''",
  ];
  let result = CALIB;
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(result.length + 1);
    const end = at + random.below(12);
    const put = random.oneIn(3)
      ? result.slice(at, end).repeat(2)
      : random.oneIn(2)
        ? random.pick(pieces)
        : "";
    result = result.slice(0, at) + put + result.slice(end);
  }
  return result;
}

describe("bytes of any kind", () => {
  it("are mounted without a trap and without a write", async () => {
    const core = await new Install(ROOT).core("desktop");
    const random = new Random(1);
    for (let n = 0; n < 300; n++) {
      const bytes = image(random);
      const geometry = random.pick(Object.values(NV_GEOMETRY));
      const device = new NvDevice(bytes.slice(), { geometry });
      const held = await PersistImage.open(core, device);
      const cells = held.isReady ? held.cells() : [];
      for (const cell of cells.filter((c) => c.state === "damaged")) held.wrongBit(cell);
      expect([n, device.bytesProgrammed, device.unitsErased]).toEqual([n, 0, 0]);
      expect([n, Buffer.compare(device.bytes, bytes)]).toEqual([n, 0]);
      if (held.isReady) expect([n, faultOf(bytes)]).toEqual([n, undefined]);
    }
  });

  it.each([
    "inspect",
    "verify --cells",
    "export",
    "repair --force -o",
    "cut --at 3 --set 2=7",
    "cut --at 0",
    "diff",
  ])("get an answer from %s", async (line) => {
    const args = line.split(" ");
    const random = new Random(args.join().length);
    for (let n = 0; n < 40; n++) {
      const path = file("fuzz.fram", image(random));
      const more = args.includes("-o") ? [inFolder("fuzz-out.fram"), path] : [path];
      const other = args[0] === "diff" ? [inFolder("sound.fram")] : [];
      const { exit, err } = await hsx(["persist", ...args, ...more, ...other]);
      expect([n, err]).toEqual([n, expect.not.stringMatching(/hsx failed|internal|\n\s+at /)]);
      expect([0, 1, 2, 5, 6, 7]).toContain(exit);
      if (exit >= 2) expect([n, err === "" ? exit : 5]).toEqual([n, 5]);
    }
  });
});

describe("calibration files of any kind", () => {
  it("are read or refused with a place", () => {
    const random = new Random(2);
    for (let n = 0; n < 3000; n++) {
      const source = text(random);
      const { calibration, diagnostics } = readCalibration(source, "fuzz.toml", []);
      expect([source, calibration === undefined]).toEqual([source, diagnostics.length > 0]);
      for (const { line, column } of diagnostics) {
        expect(line >= 1 && line <= source.split("\n").length && column >= 1).toBe(true);
      }
    }
  });

  it("get an answer from build", async () => {
    const random = new Random(3);
    for (let n = 0; n < 60; n++) {
      const bytes = random.oneIn(5) ? noise(random, random.below(300)) : text(random);
      const args = [
        "persist",
        "build",
        file("fuzz.toml", bytes),
        "-o",
        inFolder("b.fram"),
        "--force",
      ];
      const { exit, err } = await hsx(args);
      expect([n, err]).toEqual([n, expect.not.stringMatching(/hsx failed|internal|\n\s+at /)]);
      expect([0, 1, 2, 7]).toContain(exit);
    }
  });
});
