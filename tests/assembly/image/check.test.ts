// The check refuses at the first byte that proves an image bad, says why, and knows what the node can hold.

import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { Resource } from "../../../assembly/spec/node.ts";
import { ImageRoom } from "../../oracle/image-room.ts";
import {
  buildSample,
  COMMANDS,
  jsonMailboxes,
  SAMPLES,
  type SampleSection,
  STACK,
  VALUES,
  withChecksum,
} from "../../oracle/image-samples.ts";

const room = await ImageRoom.create("small");

function* single(): Generator<number> {
  for (;;) yield 1;
}

/** The file with other bytes at `at`, sealed. */
function changed(file: Uint8Array, at: number, ...bytes: number[]): Uint8Array {
  const copy = file.slice();
  copy.set(bytes, at);
  return withChecksum(copy);
}

const PLAIN = buildSample({ version: 2, rodata: Uint8Array.of(1, 2, 3, 4), name: "plain" });
/** Header 96, code 8, rodata 4: the table is at 108, the first section at 140. */
const DECLARING = buildSample({
  version: 2,
  rodata: Uint8Array.of(1, 2, 3, 4),
  sections: [VALUES, COMMANDS],
});
const VALUES_END = 140 + VALUES.payload.length;
const COMMANDS_END = VALUES_END + COMMANDS.payload.length;
const MANIFEST = buildSample({ version: 2, manifest: `{"a":[1,2]}`, sections: [STACK] });

describe("a file that comes byte by byte is refused", () => {
  // what, the file, its refusal, the bytes there when it is proved, the place that is named
  it.each([
    ["a wrong first byte of the magic", changed(PLAIN, 0, 0x49), "HXE_MAGIC", 1, 0],
    ["a wrong last byte of the magic", changed(PLAIN, 3, 0), "HXE_MAGIC", 4, 3],
    ["a version beyond 255", changed(PLAIN, 4, 1), "HXE_VERSION", 5, 4],
    ["version 3", changed(PLAIN, 5, 3), "HXE_VERSION", 6, 4],
    ["version 0", changed(PLAIN, 5, 0), "HXE_VERSION", 6, 4],
    ["an unknown high flag", changed(PLAIN, 6, 1), "HXE_FLAGS", 7, 6],
    ["an unknown flag", changed(PLAIN, 7, 4), "HXE_FLAGS", 8, 6],
    ["an entry beyond any code", changed(PLAIN, 9, 1), "HXE_ENTRY", 10, 8],
    ["an entry between two words", changed(PLAIN, 11, 2), "HXE_ENTRY", 12, 8],
    ["an entry behind the code", changed(PLAIN, 11, 8), "HXE_ENTRY", 16, 8],
    ["code beyond 64 KiB", changed(PLAIN, 13, 2), "HXE_CODE_LEN", 14, 12],
    ["no code", changed(PLAIN, 15, 0), "HXE_CODE_LEN", 16, 12],
    ["half a word of code", changed(PLAIN, 15, 6), "HXE_CODE_LEN", 16, 12],
    ["code that ends behind the file", changed(PLAIN, 15, 16), "HXE_TRUNCATED", 16, 12],
    ["rodata beyond 64 KiB", changed(PLAIN, 16, 1), "HXE_RO_LEN", 17, 16],
    ["rodata that ends behind the file", changed(PLAIN, 19, 5), "HXE_TRUNCATED", 20, 16],
    ["data beyond 64 KiB with the bss", changed(PLAIN, 22, 0xff, 0xfd), "HXE_BSS", 24, 20],
    ["a name that is not ASCII", changed(PLAIN, 33, 0x80), "HXE_NAME", 34, 33],
    ["a table in the rodata", changed(DECLARING, 0x43, 107), "HXE_TABLE", 0x44, 0x40],
    ["a table behind the file", changed(DECLARING, 0x41, 1), "HXE_TABLE", 0x42, 0x40],
    ["sections without a table", changed(PLAIN, 0x47, 1), "HXE_TABLE", 0x48, 0x40],
    ["17 sections", changed(DECLARING, 0x47, 17), "HXE_TABLE", 0x48, 0x44],
    ["a table that ends behind the file", changed(DECLARING, 0x47, 16), "HXE_TABLE", 0x48, 0x44],
    ["a reserved byte that is not 0", changed(PLAIN, 0x5f, 1), "HXE_RESERVED", 0x60, 0x5f],
    ["a section in the header", changed(DECLARING, 115, 95), "HXE_SECTION", 124, 112],
    ["a section behind the file", changed(DECLARING, 118, 0xff), "HXE_SECTION", 124, 116],
    ["more values than their section", changed(DECLARING, 123, 9), "HXE_VALUE", 124, 120],
    ["a section over another", changed(DECLARING, 131, 150), "HXE_SECTION", 140, 128],
    ["an unknown value flag", changed(DECLARING, 142, 0x40), "HXE_VALUE", VALUES_END, 142],
    [
      "a smallest value that is none",
      changed(DECLARING, 152, 0x7c, 1),
      "HXE_VALUE",
      VALUES_END,
      152,
    ],
    [
      "a range above its end at 0",
      changed(DECLARING, 152, 0x56, 0x40, 0, 0),
      "HXE_VALUE",
      VALUES_END,
      152,
    ],
    ["a range upside down", changed(DECLARING, 152, 0x56, 0x41), "HXE_VALUE", VALUES_END, 152],
    ["a name behind its section", changed(DECLARING, 146, 1), "HXE_STRING", VALUES_END, 146],
    ["an id twice", changed(DECLARING, 160, 1, 1), "HXE_DUPLICATE", VALUES_END, 160],
    ["a key twice", changed(DECLARING, 177, 1), "HXE_DUPLICATE", VALUES_END, 176],
    [
      "an unknown command flag",
      changed(DECLARING, VALUES_END + 2, 4),
      "HXE_COMMAND",
      COMMANDS_END,
      VALUES_END + 2,
    ],
    [
      "a handler outside the code",
      changed(DECLARING, VALUES_END + 7, 8),
      "HXE_COMMAND",
      COMMANDS_END,
      VALUES_END + 4,
    ],
    [
      "a command's reserved half",
      changed(DECLARING, VALUES_END + 12, 1),
      "HXE_COMMAND",
      COMMANDS_END,
      VALUES_END + 12,
    ],
    ["a manifest longer than the file", changed(MANIFEST, 105, 1), "HXE_MANIFEST", 108, 104],
    ["a manifest over the table", changed(MANIFEST, 107, 12), "HXE_TABLE", 108, 0x40],
    ["a manifest that is not JSON", changed(MANIFEST, 109, 0x3b), "HXE_MANIFEST", 110, 109],
    ["a manifest that stays open", changed(MANIFEST, 118, 0x20), "HXE_MANIFEST", 119, 119],
    ["a stack of 0 bytes", changed(MANIFEST, 137, 0), "HXE_STACK", 139, 135],
    ["a stack beyond what there can be", changed(MANIFEST, 137, 0xc0), "HXE_STACK", 139, 135],
    ["code that is not what was summed", Uint8Array.from(PLAIN.with(96, 9)), "HXE_CRC", 108, 0x1c],
  ] as const)("for %s as soon as that is proved", (_what, file, code, at, offset) => {
    const verdict = room.judge(file, single());
    expect([Err[verdict.code], verdict.at]).toEqual([code, at]);
    expect(room.refusal()).toMatchObject({ code: Err[code], offset });
  });
});

describe("the check", () => {
  it("refuses at once what is announced too short", () => {
    expect(room.probe.begin(31)).toBe(Err.HXE_TRUNCATED);
    expect(room.refusal()).toMatchObject({ offset: 31, need: 32, have: 31 });
  });

  it("waits for bytes that have not come and accepts nothing before the last", () => {
    const slot = room.probe.allocate(PLAIN.length);
    room.probe.begin(PLAIN.length);
    room.memory.set(PLAIN, room.probe.address(slot));
    for (let calls = 0; calls < 40; calls++) {
      expect([Err.BUSY, Err.NO_DATA]).toContain(room.probe.advance(slot, PLAIN.length - 1));
    }
    expect(room.probe.advance(slot, PLAIN.length - 1)).toBe(Err.NO_DATA);
    expect(room.probe.isVerified(slot)).toBe(0);
    room.probe.drop(slot);
    room.probe.settle();
  });

  it("says the same again when it is called after the end", () => {
    const slot = room.probe.allocate(PLAIN.length);
    expect(room.check(slot, PLAIN).code).toBe(Err.OK);
    expect(room.probe.advance(slot, PLAIN.length)).toBe(Err.OK);
    expect(room.check(slot, changed(PLAIN, 7, 8)).code).toBe(Err.HXE_FLAGS);
    expect(room.probe.advance(slot, PLAIN.length)).toBe(Err.HXE_FLAGS);
    room.probe.drop(slot);
    room.probe.settle();
  });
});

// ---- Capacity ----

function values(count: number): SampleSection {
  const payload = new Uint8Array(20 * count);
  for (let n = 0; n < count; n++) payload.set([n >> 8, n & 0xff], 20 * n);
  return { type: 1, count, payload };
}
function commands(count: number): SampleSection {
  const payload = new Uint8Array(16 * count);
  for (let n = 0; n < count; n++) payload.set([n >> 8, n & 0xff], 16 * n);
  return { type: 2, count, payload };
}
function mailboxes(count: number): SampleSection {
  return jsonMailboxes(
    JSON.stringify(Array.from({ length: count }, (_, n) => ({ target: `m${n}` }))),
  );
}

describe.each(["small", "large", "desktop"] as const)("the %s profile", (profile) => {
  it.each([
    ["values", values, "VALUE_MAX", Resource.VALUES],
    ["commands", commands, "COMMAND_MAX", Resource.COMMANDS],
    ["mailboxes", mailboxes, "DESCRIPTOR_MAX", Resource.DESCRIPTORS],
  ] as const)(
    "takes as many %s as it can hold, and names what is full",
    async (_what, make, limit, resource) => {
      const node = await ImageRoom.create(profile);
      const most: number = node.probe[limit].value;
      const fits = buildSample({ version: 2, sections: [make(most)] });
      expect(Err[node.judge(fits).code]).toBe("OK");
      const exceeds = buildSample({ version: 2, sections: [make(most), make(1)] });
      expect(Err[node.judge(exceeds).code]).toBe("FULL");
      expect(node.refusal()).toMatchObject({ resource, need: most + 1, have: most });
    },
  );
});

describe("what the check reads", () => {
  it("is every section in an image of 16", () => {
    const sections = Array.from(
      { length: 16 },
      (_, n): SampleSection => ({
        ...values(1),
        payload: new Uint8Array(20).fill(n, 0, 2),
      }),
    );
    expect(Err[room.judge(buildSample({ version: 2, sections })).code]).toBe("OK");
    const twice = sections.with(15, sections[0] as SampleSection);
    expect(Err[room.judge(buildSample({ version: 2, sections: twice })).code]).toBe(
      "HXE_DUPLICATE",
    );
  });

  it("is each sample in slices: no call sums or reads more than a slice", () => {
    for (const file of Object.values(SAMPLES)) {
      expect(room.judge(file).calls).toBeGreaterThanOrEqual(Math.ceil(file.length / 128));
    }
  });
});
