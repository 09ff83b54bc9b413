// Field tables leave no gap and no overlap, and fill what they describe.
import { describe, expect, it } from "vitest";
import {
  FIELD_SIZE,
  type FieldTable,
  readFields,
  writeFields,
} from "../../../host/formats/fields.ts";
import { HXE_V1_FIELDS, HXE_V2_FIELDS, META_FIELDS } from "../../../host/formats/hxe.ts";
import {
  COMMAND_FIELDS,
  MAILBOX_FIELDS,
  VALUE_FIELDS,
} from "../../../host/formats/hxe-metadata.ts";
import {
  MANIFEST_APP_FIELDS,
  MANIFEST_HEADER_FIELDS,
  MANIFEST_NODE_FIELDS,
  MANIFEST_VALUE_FIELDS,
} from "../../../host/formats/plant-records.ts";

// Sizes: HXE 2, docs/hxe.md; docs/manifest.md
it.each<[string, FieldTable, number]>([
  ["header, version 1", HXE_V1_FIELDS, 32],
  ["header, version 2", HXE_V2_FIELDS, 96],
  ["metadata table entry", META_FIELDS, 16],
  ["value", VALUE_FIELDS, 20],
  ["command", COMMAND_FIELDS, 16],
  ["mailbox", MAILBOX_FIELDS, 16],
  ["header of a manifest", MANIFEST_HEADER_FIELDS, 64],
  ["node of a manifest", MANIFEST_NODE_FIELDS, 64],
  ["app of a manifest", MANIFEST_APP_FIELDS, 64],
  ["value of a manifest", MANIFEST_VALUE_FIELDS, 8],
])("%s has no gap and no overlap", (_, table, size) => {
  const spans = Object.values(table).sort((a, b) => a[0] - b[0]);
  let end = 0;
  for (const [offset, type] of spans) {
    expect(offset).toBe(end);
    end += FIELD_SIZE[type];
  }
  expect(end).toBe(size);
});

describe("writeFields", () => {
  const table = { a: [1, "u16be"], b: [4, "u32be"], c: [0, "u8"] } satisfies FieldTable;

  it("writes big-endian at its offsets", () => {
    const bytes = new Uint8Array(8);
    writeFields(bytes, 0, table, { a: 0x1234, b: 0xdeadbeef, c: 7 });
    expect([...bytes]).toEqual([7, 0x12, 0x34, 0, 0xde, 0xad, 0xbe, 0xef]);
    expect(readFields(bytes, 0, table)).toEqual({ a: 0x1234, b: 0xdeadbeef, c: 7 });
  });

  it("throws at a number its field cannot hold", () => {
    const bytes = new Uint8Array(8);
    expect(() => writeFields(bytes, 0, table, { a: 0x10000, b: 0, c: 0 })).toThrow(/a: 65536/);
    expect(() => writeFields(bytes, 0, table, { a: -1, b: 0, c: 0 })).toThrow(/a: -1/);
  });
});
