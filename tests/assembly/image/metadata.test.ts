// What the readers find in an accepted image. The samples are built in tests/oracle/image-samples.ts.

import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { ImageRoom } from "../../oracle/image-room.ts";
import { buildSample, jsonMailboxes, SAMPLES } from "../../oracle/image-samples.ts";

const room = await ImageRoom.create("small");
const { probe } = room;

function sample(name: string): number {
  return room.accept(SAMPLES[name] as Uint8Array);
}
function free(slot: number): void {
  probe.drop(slot);
  probe.settle();
}

describe("the readers", () => {
  it("tell the header's fields", () => {
    const slot = sample("all binary");
    // version, flags, entry, code, rodata, bss, caps, stack, sections, end of rodata
    const fields = Array.from({ length: 10 }, (_, n) => probe.field(slot, n));
    expect(fields).toEqual([2, 2, 0, 8, 9, 0, 3, 256, 5, 113]);
    expect(room.text(probe.name(slot))).toBe("all");
    free(slot);
  });

  it("tell what a version 1 image has: no name, no metadata, no stack of its own", () => {
    const slot = sample("version 1");
    const fields = Array.from({ length: 10 }, (_, n) => probe.field(slot, n));
    expect(fields).toEqual([1, 0, 0, 8, 9, 0, 3, 0, 0, 49]);
    expect(probe.name(slot)).toBe(0);
    free(slot);
  });

  it("tell a name of 32 characters whole", () => {
    const slot = sample("mailboxes in JSON");
    expect(room.text(probe.name(slot))).toBe("a name of thirty-two characters!");
    free(slot);
  });

  it("find values, commands and their strings", () => {
    const slot = sample("all binary");
    expect([probe.entryTotal(slot, 1), probe.entryTotal(slot, 2)]).toEqual([3, 2]);
    const value = probe.entryFind(slot, 1, 1);
    expect(probe.u16At(slot, value)).toBe(0x0102);
    expect(room.text(probe.text(slot, value, 6, 40))).toBe("größe €");
    expect(probe.text(slot, value, 8, 40)).toBe(0);
    const command = probe.entryFind(slot, 2, 0);
    expect(room.text(probe.text(slot, command, 10, 40))).toBe("Resets it");
    expect(room.text(probe.text(slot, command, 10, 6))).toBe("Resets");
    expect([probe.entryFind(slot, 1, 3), probe.entryFind(slot, 2, 2)]).toEqual([0, 0]);
    free(slot);
  });

  it("tell mailboxes of both forms", () => {
    const slot = sample("mailboxes in JSON");
    expect(room.mailboxes(slot)).toEqual([
      { name: "app:a", capacity: 0, mode: 3, owner: undefined },
      { name: '"\\', capacity: 0, mode: 3, owner: undefined },
      { name: "app:telemetry", capacity: 96, mode: 15, owner: undefined },
      { name: "pid:", capacity: 80, mode: 3, owner: undefined },
      { name: "shared:\u{1f600} é", capacity: 0, mode: 0x17, owner: undefined },
      { name: "svc:ctrl@9", capacity: 0, mode: 3, owner: 9 },
      { name: "app:log", capacity: 96, mode: 15, owner: undefined },
      { name: "shared:gemeß", capacity: 0, mode: 3, owner: undefined },
    ]);
    free(slot);
  });

  it("cut a mailbox name after the 32 characters that count", () => {
    const text = JSON.stringify([{ target: "\u{1f600}".repeat(40) }]);
    const slot = room.accept(buildSample({ version: 2, sections: [jsonMailboxes(text)] }));
    expect(room.mailboxes(slot)[0]?.name).toBe("\u{1f600}".repeat(32));
    free(slot);
  });
});

describe("mailboxes in JSON", () => {
  const judge = (text: string) => {
    return Err[room.judge(buildSample({ version: 2, sections: [jsonMailboxes(text)] })).code];
  };

  it.each([
    `[]`,
    `{"mailboxes":[]}`,
    ` \t\r\n{"version":1,"mailboxes":[{"target":""}]} \n\0\0`,
    `[{"target":"a","mode":"RO|WO"},{"target":"A","mode":"rw,TAP"}]`,
    `[{"target":"a","capacity":65535,"mode_mask":63,"owner_pid":65534}]`,
    `[{"target":"a","capacity":null,"reserved":{"any":["thing",1e9]},"bindings":[]}]`,
    `[{"name":"a","target":null}]`,
    `[{"target":"a","x":${"[".repeat(30)}${"]".repeat(30)}}]`,
  ])("may say %s", (text) => {
    expect(judge(text)).toBe("OK");
  });

  it.each([
    [`{}`, "HXE_JSON"],
    [`{"mailboxes":{}}`, "HXE_JSON"],
    [`{"mailboxes":[],"mailboxes":[]}`, "HXE_JSON"],
    [`{"mailboxes":[],"version":2}`, "HXE_JSON"],
    [`{"mailboxes":[],"version":"1"}`, "HXE_JSON"],
    [`[1]`, "HXE_JSON"],
    [`[[]]`, "HXE_JSON"],
    [`[{"target":"a"}`, "HXE_JSON"],
    [`[{"target":"a"},]`, "HXE_JSON"],
    [String.raw`[{"target":"\ud800"}]`, "HXE_JSON"],
    [`[{"target":"a\tb"}]`, "HXE_JSON"],
    [`[] x`, "HXE_JSON"],
    [`[]\0 `, "HXE_JSON"],
    [`[{"target":"a","x":${"[".repeat(31)}${"]".repeat(31)}}]`, "HXE_JSON"],
    [`[{}]`, "HXE_MAILBOX"],
    [`[{"target":7}]`, "HXE_MAILBOX"],
    [`[{"target":"a\\u0000b"}]`, "HXE_MAILBOX"],
    [`[{"target":"a","capacity":65536}]`, "HXE_MAILBOX"],
    [`[{"target":"a","capacity":1.0}]`, "HXE_MAILBOX"],
    [`[{"target":"a","capacity":1e2}]`, "HXE_MAILBOX"],
    [`[{"target":"a","capacity":"64"}]`, "HXE_MAILBOX"],
    [`[{"target":"a","mode":64}]`, "HXE_MAILBOX"],
    [`[{"target":"a","mode":"RDWRX"}]`, "HXE_MAILBOX"],
    [`[{"target":"a","bindings":{}}]`, "HXE_MAILBOX"],
    [`[{"target":"a"},{"name":"\\u0061"}]`, "HXE_DUPLICATE"],
  ])("may not say %s", (text, code) => {
    expect(judge(text)).toBe(code);
  });
});
