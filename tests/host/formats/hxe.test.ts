// The image codec: what it accepts it gives back byte for byte, what it refuses it names.
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHxe, encodeHxe, type HxeImage, hxeCrc } from "../../../host/formats/hxe.ts";
import { emptyMetadata, encodeMetadata } from "../../../host/formats/hxe-metadata.ts";

const RECORDED = new URL("../../vectors/recorded/", import.meta.url);

function files(folder: string): [string, Buffer][] {
  const url = new URL(`${folder}/`, RECORDED);
  return readdirSync(url).map((name) => [name, readFileSync(new URL(name, url))]);
}

const images = files("hxe");
const judged = files("invalid");

/** An image with every part a linker makes. */
function fullImage(): HxeImage {
  const metadata = emptyMetadata();
  metadata.values = [
    {
      group: 1,
      id: 5,
      flags: 2,
      auth: 1,
      init: 0x4a40,
      epsilon: 0,
      min: 0,
      max: 0x6fd0,
      persistKey: 0x1205,
      name: "speed",
      unit: "",
      groupName: "motor",
    },
  ];
  metadata.commands = [
    { group: 1, id: 7, flags: 1, auth: 2, handler: 4, name: "reset", help: "Reset it" },
  ];
  metadata.mailboxes = [
    {
      target: "app:t",
      capacity: 96,
      mode: 3,
      needsJson: false,
      json: { kind: "object", at: 0, end: 0, members: [] },
    },
  ];
  metadata.stackBytes = 512;
  return {
    version: 2,
    flags: 3,
    entry: 4,
    bssSize: 10,
    reqCaps: 0x101,
    appName: "full",
    code: Uint8Array.of(0x25, 0, 0, 0, 0x25, 0, 0, 0),
    rodata: Uint8Array.of(1, 2, 3),
    manifest: new TextEncoder().encode('{"name":"full"}'),
    sections: encodeMetadata(metadata),
  };
}

/** The code a file is refused with; undefined: it is accepted. */
function refusalOf(bytes: Uint8Array): string | undefined {
  return decodeHxe(bytes).diagnostics[0]?.code;
}

/** The full image with some bytes replaced and the checksum recomputed. */
function patched(at: number, ...bytes: number[]): Uint8Array {
  const image = encodeHxe(fullImage());
  image.set(bytes, at);
  new DataView(image.buffer).setUint32(28, hxeCrc(image, 2));
  return image;
}

describe("decodeHxe", () => {
  it.each(images)("gives back %s byte for byte", (_, bytes) => {
    const { image, diagnostics } = decodeHxe(bytes);
    expect(diagnostics).toEqual([]);
    expect(Buffer.from(encodeHxe(image as HxeImage)).equals(bytes)).toBe(true);
  });

  it.each(judged)("judges %s as its name says", (name, bytes) => {
    const { image, diagnostics } = decodeHxe(bytes);
    if (name.startsWith("bad_")) expect(diagnostics).toHaveLength(1);
    if (name.startsWith("ok_")) expect(diagnostics).toEqual([]);
    if (image !== undefined) expect(Buffer.from(encodeHxe(image)).equals(bytes)).toBe(true);
  });

  it("reads all that an image holds", () => {
    const { image, metadata } = decodeHxe(encodeHxe(fullImage()));
    const { sections, ...parts } = fullImage();
    expect(image).toMatchObject(parts);
    expect(image?.sections.map((s) => [s.type, s.count])).toEqual(
      sections.map((s) => [s.type, s.count]),
    );
    expect(metadata?.values[0]).toMatchObject({ name: "speed", unit: "", groupName: "motor" });
    expect(metadata?.commands[0]).toMatchObject({ handler: 4, help: "Reset it" });
    expect(metadata?.mailboxes[0]).toMatchObject({ target: "app:t", capacity: 96, mode: 3 });
    expect(metadata?.stackBytes).toBe(512);
  });

  it("reads a version 1 image", () => {
    const image: HxeImage = {
      ...fullImage(),
      version: 1,
      flags: 0,
      appName: "",
      sections: [],
    };
    delete image.manifest;
    const bytes = encodeHxe(image);
    expect(bytes).toHaveLength(32 + 8 + 3);
    expect(decodeHxe(bytes).image).toEqual(image);
  });

  it.each([
    ["HXE_MAGIC", 0, 0x68],
    ["HXE_VERSION", 5, 3],
    ["HXE_FLAGS", 7, 7],
    ["HXE_ENTRY", 11, 2],
    ["HXE_ENTRY", 11, 8],
    ["HXE_CODE_LEN", 15, 0],
    ["HXE_CODE_LEN", 15, 6],
    ["HXE_CODE_LEN", 12, 1],
    ["HXE_RO_LEN", 16, 1],
    ["HXE_BSS", 20, 1],
    ["HXE_NAME", 32, 0x80],
    ["HXE_RESERVED", 0x5f, 1],
    ["HXE_TABLE", 0x43, 0],
    ["HXE_TABLE", 0x40, 1],
    ["HXE_TABLE", 0x47, 33],
    ["HXE_MANIFEST", 96 + 8 + 3, 1],
    ["HXE_MANIFEST", 96 + 8 + 3 + 4, 0x7d],
  ])("refuses with %s a wrong byte at %i", (code, at, byte) => {
    expect(refusalOf(patched(at, byte))).toBe(code);
  });

  it("refuses code beyond the file before it looks at the checksum", () => {
    expect(refusalOf(patched(14, 1))).toBe("HXE_TRUNCATED");
  });

  it("checks what the sections hold", () => {
    const image = fullImage();
    const table = 96 + 8 + 3 + 4 + 15;
    const values = table + 4 * 16;
    const commands = values + (image.sections[0]?.payload.length ?? 0);
    const mailboxes = commands + (image.sections[1]?.payload.length ?? 0);
    const stack = mailboxes + (image.sections[2]?.payload.length ?? 0);
    expect(refusalOf(patched(table + 4, 1))).toBe("HXE_SECTION");
    expect(refusalOf(patched(table + 7, 0))).toBe("HXE_SECTION");
    expect(refusalOf(patched(table + 15, 3))).toBe("HXE_VALUE");
    expect(refusalOf(patched(values + 2, 0x40))).toBe("HXE_VALUE");
    expect(refusalOf(patched(values + 12, 0x7e))).toBe("HXE_VALUE");
    expect(refusalOf(patched(values + 7, 200))).toBe("HXE_STRING");
    expect(refusalOf(patched(values + 20, 0xff))).toBe("HXE_STRING");
    expect(refusalOf(patched(commands + 2, 4))).toBe("HXE_COMMAND");
    expect(refusalOf(patched(commands + 7, 8))).toBe("HXE_COMMAND");
    expect(refusalOf(patched(commands + 13, 1))).toBe("HXE_COMMAND");
    expect(refusalOf(patched(mailboxes + 7, 64))).toBe("HXE_MAILBOX");
    expect(refusalOf(patched(mailboxes + 15, 1))).toBe("HXE_MAILBOX");
    expect(refusalOf(patched(stack + 3, 2))).toBe("HXE_STACK");
    expect(refusalOf(patched(stack + 2, 0xff, 0xfc))).toBe("HXE_STACK");
  });

  it("refuses what is declared twice", () => {
    const metadata = decodeHxe(encodeHxe(fullImage())).metadata ?? emptyMetadata();
    const twice = <T>(list: T[]): T[] => [...list, ...list];
    for (const change of [
      { values: twice(metadata.values) },
      { values: [...metadata.values, ...metadata.values.map((v) => ({ ...v, id: 9 }))] },
      { commands: twice(metadata.commands) },
      { mailboxes: twice(metadata.mailboxes) },
    ]) {
      const sections = encodeMetadata({ ...metadata, ...change });
      expect(refusalOf(encodeHxe({ ...fullImage(), sections }))).toBe("HXE_DUPLICATE");
    }
    const [stack] = encodeMetadata({ ...emptyMetadata(), stackBytes: 4 });
    const sections = stack === undefined ? [] : [stack, stack];
    expect(refusalOf(encodeHxe({ ...fullImage(), sections }))).toBe("HXE_DUPLICATE");
  });

  it("refuses every truncation", () => {
    const bytes = encodeHxe(fullImage());
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeHxe(bytes.subarray(0, length)).diagnostics).toHaveLength(1);
    }
  });

  it("finds every flipped bit that the checksum covers", () => {
    const bytes = encodeHxe(fullImage());
    for (let i = 0; i < bytes.length; i++) {
      if (i >= 0x20 && i < 0x60) continue;
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.slice();
        flipped[i] = (flipped[i] as number) ^ (1 << bit);
        expect(decodeHxe(flipped).diagnostics).toHaveLength(1);
      }
    }
  });

  it("takes any bytes without throwing, and gives back those it accepts", () => {
    const seeds = [encodeHxe(fullImage()), ...images.slice(0, 12).map(([, bytes]) => bytes)];
    const mutation = fc.record({
      seed: fc.nat({ max: seeds.length - 1 }),
      edits: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }),
      cut: fc.option(fc.nat(), { freq: 4 }),
    });
    fc.assert(
      fc.property(mutation, ({ seed, edits, cut }) => {
        const source = seeds[seed] as Uint8Array;
        const bytes = Uint8Array.from(source.subarray(0, cut === null ? undefined : cut % 300));
        for (const [at, byte] of edits) bytes[at % Math.max(1, bytes.length)] = byte;
        if (bytes.length >= 96) new DataView(bytes.buffer).setUint32(28, hxeCrc(bytes, 2));
        const { image } = decodeHxe(bytes);
        if (image !== undefined && Buffer.compare(encodeHxe(image), bytes) !== 0) throw new Error();
      }),
      { numRuns: 3000 },
    );
  });
});
