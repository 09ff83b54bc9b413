// The journal of a master: cut off at every byte, and damaged.

import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  appliedContents,
  type JournalEntry,
  journalLine,
  MemoryJournal,
  readJournal,
} from "../../../../host/client/master/journal.ts";

const ENTRIES: JournalEntry[] = [
  { kind: "begin", plant: "pump house, süd", version: 3 },
  { kind: "applied", uid: "0102", content: 7 },
  { kind: "repaired", uid: "0102", app: "pump", what: 'restarted, "again"' },
  { kind: "applied", uid: "0102", content: 0xfffefffe },
];
const LINES = ENTRIES.map(journalLine);
const FILE = Buffer.from(LINES.join(""));

describe("the journal", () => {
  it("has a line an entry, whose last member is the CRC-32 of the JSON without it", () => {
    const text = '{"kind":"applied","uid":"0102","content":7}';
    expect(LINES[1]).toBe(`{"kind":"applied","uid":"0102","content":7,"sum":${crc32(text)}}\n`);
    // zlib's of those 43 bytes, from Python's zlib.crc32
    expect(crc32(text)).toBe(2680601751);
  });

  it("holds, cut off at any byte, every entry whose line is whole, and says where the next belongs", () => {
    const ends = LINES.map((_, n) => Buffer.byteLength(LINES.slice(0, n + 1).join("")));
    for (let cut = 0; cut <= FILE.length; cut++) {
      const whole = ends.filter((end) => end <= cut);
      expect(readJournal(FILE.subarray(0, cut))).toEqual({
        entries: ENTRIES.slice(0, whole.length),
        length: whole.at(-1) ?? 0,
        damaged: 0,
      });
    }
  });

  it("goes on behind a torn line as if it had never been begun", () => {
    for (let cut = 0; cut < FILE.length; cut++) {
      const { length, entries } = readJournal(FILE.subarray(0, cut));
      const next = Buffer.concat([FILE.subarray(0, length), Buffer.from(LINES[1] as string)]);
      expect(readJournal(next).entries).toEqual([...entries, ENTRIES[1]]);
    }
  });

  it("leaves out a line whose sum is wrong, and keeps the others", () => {
    const bad = Buffer.from(FILE);
    bad[(LINES[0]?.length ?? 0) + 20] = 0x58;
    const { entries, damaged } = readJournal(bad);
    expect([entries.length, damaged]).toEqual([3, 1]);
  });

  it("knows of each node the content that was applied last", () => {
    expect(appliedContents(new MemoryJournal(ENTRIES))).toEqual(new Map([["0102", 0xfffefffe]]));
  });
});
