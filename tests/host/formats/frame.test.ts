// Frames of the node protocol: the bytes docs/protocol.md tells, round trips, and what nobody sends.
import { describe, expect, it } from "vitest";
import { LoadEvent, LoadPhase } from "../../../assembly/spec/frame.ts";
import { FIELD_SIZE, type FieldTable } from "../../../host/formats/fields.ts";
import {
  type BusFrame,
  decodeFrame,
  encodeFrame,
  encodeSerial,
  type Frame,
  type Request,
  SerialReader,
  VERB_FIELDS,
  type VerbName,
} from "../../../host/formats/frame.ts";

const BASE = 0x400;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const request = <V extends VerbName>(verb: V, args: object, sequence = 0, target = 0) =>
  ({ kind: "request", master: 0, target, sequence, verb, args }) as Request;

/** Frames and their bytes as the examples of docs/protocol.md have them. */
const EXAMPLES: [Frame, number, string][] = [
  [request("SET", { oid: 0x0102, value: 0x4d00 }, 1, 5), 0x400, "052c0201004d0000"],
  [
    {
      kind: "answer",
      node: 5,
      master: 0,
      sequence: 1,
      status: 0,
      result: Uint8Array.of(2, 1, 0, 0x4d, 0, 0),
    },
    0x485,
    "01000201004d0000",
  ],
  [
    {
      kind: "hello",
      node: 5,
      check: 0x2f,
      firmware: 0xbeef,
      apps: 0x12345678,
      flags: 0,
      version: 1,
    },
    0x485,
    "efefbe7856341240",
  ],
  [request("WHO", { prefix: 0, depth: 0, filter: 0 }, 1), 0x400, "0021000000000000"],
  [{ kind: "identity", bits: 0x2f }, 0x46f, ""],
  [request("ASSIGN", { hash: 0xbce14302, id: 5, flags: 0x80 }, 3), 0x400, "00620243e1bc0580"],
  [
    request("BEGIN", { session: 0x21, mode: 4, total: 1100, counts: 0x20 }, 3),
    0x400,
    "006421044c040020",
  ],
  [request("WINDOW", { session: 0x21, window: 0, flags: 1 }, 5), 0x400, "00a7210000010000"],
  [
    { kind: "data", parity: 0, index: 0, bytes: Uint8Array.of(0x48, 0x53, 0x58, 0x45, 0, 2, 0, 0) },
    0x600,
    "1d060d1055575555",
  ],
  [
    { kind: "data", parity: 1, index: 9, bytes: Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0) },
    0x689,
    "5457565155555555",
  ],
  [{ kind: "nack", index: 9 }, 0x509, ""],
  [
    {
      kind: "status",
      node: 1,
      master: 0,
      session: 0x21,
      event: LoadEvent.COMPLETE,
      phase: LoadPhase.IDLE,
      code: 0,
      task: 2,
      bytes: 1100,
    },
    0x481,
    "80210300024c0400",
  ],
  [{ kind: "pub", node: 5, oid: 0x0102, value: 0x4d00, count: 7 }, 0x585, "0201004d07"],
  [{ kind: "claim", master: 3 }, 0x403, ""],
];

describe("encodeFrame and decodeFrame", () => {
  it.each(EXAMPLES)("have the bytes of the page: %o", (frame, id, bytes) => {
    const encoded = encodeFrame(BASE, frame);
    expect([encoded.id, hex(encoded.data)]).toEqual([id, bytes]);
    expect(decodeFrame(BASE, encoded)).toEqual(frame);
  });

  it("move with the base", () => {
    expect(encodeFrame(0x480, { kind: "nack", index: 0 }).id).toBe(0x580);
    expect(decodeFrame(0x480, { id: 0x580, data: new Uint8Array(0) })).toEqual({
      kind: "nack",
      index: 0,
    });
  });

  it("leave what lies outside the block alone", () => {
    for (const id of [0, 0x3ff, 0x700, 0x7ff])
      expect(decodeFrame(BASE, { id, data: new Uint8Array(8) })).toBeUndefined();
  });

  it.each<[string, number, string, RegExp]>([
    ["a request of seven bytes", 0x400, "00000000000000", /8 bytes, not 7/],
    ["a verb that is none", 0x400, "0019000000000000", /no verb 25/],
    ["a target beyond the ids", 0x400, "8000000000000000", /no node 128/],
    ["a spare byte that is set", 0x400, "052c0201004d0001", /byte 7 of SET must be 0/],
    ["an identifier nobody has", 0x408, "", /base \+ 8 is not used/],
    ["an identity answer with data", 0x440, "00", /no bytes, not 1/],
    ["a NACK with data", 0x500, "0000", /no bytes, not 2/],
    ["a short answer", 0x485, "00", /8 bytes, not 1/],
    ["an event that is none", 0x485, "8000080000000000", /no event 8/],
    ["a phase that is none", 0x485, "8000700000000000", /no phase 7/],
    ["a long PUB", 0x585, "020100000000", /5 bytes, not 6/],
    ["short data", 0x600, "00000000000000", /8 bytes, not 7/],
  ])("name %s", (_, id, bytes, why) => {
    const frame: BusFrame = { id, data: Uint8Array.from(Buffer.from(bytes, "hex")) };
    const decoded = decodeFrame(BASE, frame);
    expect(decoded).toMatchObject({ kind: "malformed", why: expect.stringMatching(why) });
  });

  it("decode every verb to what was encoded, each field at its limit", () => {
    for (const verb of Object.keys(VERB_FIELDS) as VerbName[]) {
      const table: FieldTable = VERB_FIELDS[verb];
      const args = Object.fromEntries(
        Object.entries(table).map(([name, [, type]]) => [name, 2 ** (8 * FIELD_SIZE[type]) - 1]),
      );
      const frame = request(verb, args, 7, 127);
      expect(decodeFrame(BASE, encodeFrame(BASE, frame))).toEqual(frame);
    }
  });

  it("throw at numbers no field holds", () => {
    expect(() => encodeFrame(BASE, { kind: "nack", index: 128 })).toThrow(/index: 128/);
    expect(() => encodeFrame(BASE, request("GET", { oid: 1 }, 8))).toThrow(/sequence: 8/);
  });
});

it.each(Object.entries(VERB_FIELDS) as [VerbName, FieldTable][])(
  "the arguments of %s do not overlap and stay in the frame",
  (_, table) => {
    let end = 2;
    for (const [offset, type] of Object.values(table).sort((a, b) => a[0] - b[0])) {
      expect(offset).toBeGreaterThanOrEqual(end);
      end = offset + FIELD_SIZE[type];
    }
    expect(end).toBeLessThanOrEqual(8);
  },
);

describe("a serial line", () => {
  const get = encodeFrame(0, request("GET", { oid: 0x0102 }, 1));

  it("has the bytes of the page", () => {
    expect(hex(encodeSerial(get))).toBe("fe0080002b020100000000e48dfe");
  });
  it("carries frames between text, whatever bytes they hold", () => {
    const odd: BusFrame = { id: 0x2fe, data: Uint8Array.of(0xfd, 0xfe, 0xff, 0x5d, 0xde, 0, 1, 2) };
    const line = [...Buffer.from("hot\n"), ...encodeSerial(get), ...encodeSerial(odd), 0x21];
    const reader = new SerialReader();
    const taken = line.map((byte) => reader.take([byte]));
    expect(taken.flatMap((t) => t.frames)).toEqual([get, odd]);
    expect(Buffer.from(taken.flatMap((t) => t.text)).toString()).toBe("hot\n!");
  });
  it("drops a frame with a flipped bit and takes the next", () => {
    const line = encodeSerial(get);
    line[5] = (line[5] ?? 0) ^ 4;
    const reader = new SerialReader();
    expect(reader.take([...line, ...encodeSerial(get)]).frames).toEqual([get]);
    expect(reader.damaged).toBe(1);
  });
  it("takes the next frame after one that lost its end", () => {
    const reader = new SerialReader();
    const cut = encodeSerial(get).slice(0, 6);
    expect(reader.take([...cut, ...encodeSerial(get)]).frames).toEqual([get]);
  });
});
