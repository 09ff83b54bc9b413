// Calibration files: what each line becomes, every mistake with its place, and the way back.

import { describe, expect, it } from "vitest";
import { CellType } from "../../../assembly/spec/cell.ts";
import { ValueFlag } from "../../../assembly/spec/svc.ts";
import { readCalibration, writeCalibration } from "../../../host/formats/calibration.ts";
import { formatDiagnostic, formatWarning } from "../../../host/formats/diagnostic.ts";
import { type KeptValue, keyConflict } from "../../../host/formats/kept-values.ts";

const value = (key: number, label: string, more: Partial<KeptValue> = {}): KeptValue => ({
  key,
  label,
  name: label.split(":")[1] ?? "",
  unit: "",
  app: "pump",
  oid: key,
  flags: 0,
  init: 0,
  min: 0,
  max: 0,
  ...more,
});
/** 5.0 is 0x4500 and 30.0 is 0x4F80 (IEEE 754 binary16). */
const KNOWN = [
  value(0x0201, "pump:limit", { unit: "bar", min: 0x4500, max: 0x4f80 }),
  value(0x0202, "pump:on", { flags: ValueFlag.BOOL }),
  value(0x0301, "fan:speed"),
  value(0x0302, "pump:speed"),
];

function cellsOf(text: string) {
  const { calibration, diagnostics } = readCalibration(text, "c.toml", KNOWN);
  expect(diagnostics.map(formatDiagnostic)).toEqual([]);
  return calibration?.cells.map(({ type, key, bits }) => [CellType[type], key, bits]);
}
function mistakesOf(text: string): string {
  return readCalibration(text, "c.toml", KNOWN).diagnostics.map(formatDiagnostic).join("\n");
}

describe("a calibration file", () => {
  it("names keys by number, by group and name, and by a name that only one value has", () => {
    const text = `[values]
"pump:limit" = 22.5
on = true
0x1205 = -2
65534 = 0
[values.fan]
speed = 1e3
[factory]
limit = 21
`;
    expect(cellsOf(text)).toEqual([
      ["VALUE", 0x0201, 0x4da0],
      ["VALUE", 0x0202, 0x3c00],
      ["VALUE", 0x1205, 0xc000],
      ["VALUE", 0xfffe, 0x0000],
      ["VALUE", 0x0301, 0x63d0],
      ["FACTORY", 0x0201, 0x4d40],
    ]);
  });

  it("takes infinities, nan, minus zero and bit patterns", () => {
    const text = "[values]\n1 = inf\n2 = -inf\n3 = nan\n4 = -0.0\n5 = { bits = 0x7E01 }\n";
    expect(cellsOf(text)?.map(([, , bits]) => bits)).toEqual([
      0x7c00, 0xfc00, 0x7e00, 0x8000, 0x7e01,
    ]);
  });

  it("has a schema and a device", () => {
    const { calibration } = readCalibration('schema = 7\nmedia = "fram:8192"\n', "c.toml", []);
    expect(calibration).toMatchObject({ schema: 7, media: { text: "fram:8192" }, cells: [] });
  });

  it.each([
    ["[values]\n0x0000 = 1", "c.toml:2:1: error: 0x0000 is no key: keys are 0x0001 to 0xFFFE"],
    ["[values]\n0xFFFF = 1", "c.toml:2:1: error: 0xFFFF is no key: keys are 0x0001 to 0xFFFE"],
    ["[values]\n70000 = 1", "c.toml:2:1: error: 70000 is no key"],
    [
      '[values]\n"pump:limit" = 20\n0x0201 = 21',
      "c.toml:3:1: error: key 0x0201 (pump:limit) stands here twice: in line 2, too",
    ],
    [
      '[values]\n"pump:limt" = 1',
      'error: no image keeps a value "pump:limt"\n"pump:limt" = 1\n^~~~~~~~~~~\n  remedy: did you mean "pump:limit"?',
    ],
    ["[values]\nspeed = 1", '"speed" is ambiguous: fan:speed (0x0301) and pump:speed (0x0302)'],
    ["[values]\nlimit = 31", "c.toml:2:9: error: 31 is out of range: pump:limit is 5 to 30"],
    ["[values]\non = 0.5", "0.5 is out of range: pump:on is 0 or 1"],
    [
      "[values]\n1 = 65520",
      "c.toml:2:5: error: 65520 is no binary16: those end at -65504 and 65504",
    ],
    ["[values]\n1 = 1e-9", "1e-9 is no binary16: the smallest is 6e-8"],
    ['[values]\n1 = "12"', "c.toml:2:5: error: a text is no number"],
    ["[values]\n1 = [1]", "an array is no number"],
    ["[values]\n1 = 1979-05-27", "a date is no number"],
    ["[values]\n1 = { bits = 65536 }", "a table is no number"],
    ["values = 3", "values is 3; it is a table"],
    ["schema = 256", "schema is 256; it is an integer from 0 to 255"],
    ["cells = 0", "cells is 0; it is an integer from 1 to 1020"],
    ["media = 8192", "media is 8192; it is a text"],
    [
      "[valus]\n1 = 1",
      'nothing is called "valus" here\n[valus]\n ^~~~~\n  remedy: did you mean "values"?',
    ],
  ])("says what is wrong with %j", (text, message) => {
    expect(mistakesOf(text)).toContain(message);
  });

  it("reports every mistake of a file", () => {
    const { diagnostics } = readCalibration(
      "[values]\n0 = 1\nlimit = 99\n1 = true\n1 = 2",
      "c",
      [],
    );
    expect(diagnostics).toHaveLength(1); // of syntax, a key that stands twice comes first
    const both = readCalibration("[values]\n0 = 1\nlimit = 99\n", "c", KNOWN).diagnostics;
    expect(both.map((d) => d.line)).toEqual([2, 3]);
  });

  it.each([
    ["0.1", undefined],
    ["21.375", undefined],
    ["2049", "2049 is kept as 2048, the nearest binary16"],
    ["21.37", "21.37 is kept as 21.375, the nearest binary16"],
  ])("%s: %s", (number, message) => {
    const { warnings, diagnostics } = readCalibration(`[values]\n1 = ${number}\n`, "c.toml", []);
    expect(diagnostics).toEqual([]);
    expect(warnings[0] === undefined ? undefined : formatWarning(warnings[0])).toBe(
      message === undefined
        ? undefined
        : `c.toml:2:5: warning: ${message}\n1 = ${number}\n    ^${"~".repeat(number.length - 1)}\n  remedy: write ${number === "2049" ? 2048 : 21.38} to say that this is meant`,
    );
  });

  it("is written so that it is read as the same, for numbers of every kind", () => {
    for (let from = 0; from < 8; from++) {
      const part = Array.from({ length: 1024 }, (_, n) => ({
        type: CellType.VALUE as const,
        key: 1 + n,
        bits: from + 64 * n,
      }));
      const text = writeCalibration(
        { schema: 3, media: "fram:8192", storeCells: 1020, cells: part },
        [],
        "all",
      );
      const { calibration, warnings } = readCalibration(text, "c.toml", []);
      expect(warnings).toEqual([]);
      const read = calibration?.cells.map(({ type, key, bits }) => ({ type, key, bits }));
      expect(read).toEqual(part);
    }
  });

  it("is written with names, units and keys", () => {
    const cells = [
      { type: CellType.FACTORY as const, key: 0x0201, bits: 0x4d40 },
      { type: CellType.VALUE as const, key: 0x1205, bits: 0xc000 },
      { type: CellType.VALUE as const, key: 0x0201, bits: 0x4da0 },
    ];
    const text = writeCalibration(
      { schema: 0, media: "fram:512", storeCells: 60, cells },
      KNOWN,
      "values of x",
    );
    expect(text).toBe(`# values of x
schema = 0
media = "fram:512"
cells = 60

[values]
"pump:limit" = 22.5  # bar, key 0x0201
0x1205 = -2

[factory]
"pump:limit" = 21  # bar, key 0x0201
`);
  });
});

describe("images that claim one key", () => {
  it("are told apart from those that share a value", () => {
    const a = value(7, "a:x", { oid: 1, flags: ValueFlag.SHARED });
    expect(keyConflict([a, value(7, "b:y", { oid: 2, flags: ValueFlag.SHARED })])).toHaveLength(2);
    expect(keyConflict([a, value(7, "b:y", { oid: 1 })])).toHaveLength(2);
    expect(keyConflict([a, value(7, "b:y", { oid: 1, flags: ValueFlag.SHARED })])).toBe(undefined);
    expect(keyConflict([a, value(8, "b:y")])).toBe(undefined);
  });
});
