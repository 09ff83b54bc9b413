// Logs in the format of can-utils: lines as its own documentation and tools write them.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CanFrame } from "../../../host/formats/can-frame.ts";
import {
  frameText,
  readCandump,
  readFrameText,
  writeCandumpLine,
} from "../../../host/formats/candump.ts";
import { formatDiagnostic } from "../../../host/formats/diagnostic.ts";

const anyFrame: fc.Arbitrary<CanFrame> = fc
  .record({
    isExtended: fc.boolean(),
    isRemote: fc.boolean(),
    id: fc.nat(0x1fffffff),
    data: fc.uint8Array({ maxLength: 8 }),
  })
  .map(({ isExtended, isRemote, id, data }) => ({
    isExtended,
    isRemote,
    id: isExtended ? id : id & 0x7ff,
    data: isRemote ? new Uint8Array(data.length) : data,
  }));

describe("a candump log", () => {
  it.each([
    ["(1609779922.655421) can0 343#B2040001", 0x343, false, false, "b2040001", 1609779922655421],
    ["(0000000000.000001) vcan0 12345678#", 0x12345678, true, false, "", 1],
    ["(1436509052.249713) vcan0 044#R", 0x044, false, true, "", 1436509052249713],
    ["(1436509052.249713) vcan0 044#R4", 0x044, false, true, "00000000", 1436509052249713],
    ["(1436509052.249713) can0 123#11.22.33 T", 0x123, false, false, "112233", 1436509052249713],
  ])("%s", (line, id, isExtended, isRemote, data, time_us) => {
    const { frames, diagnostics } = readCandump(`${line}\n`, "a.log");
    expect(diagnostics).toEqual([]);
    expect(frames).toHaveLength(1);
    const { frame, time_us: time } = frames[0] as (typeof frames)[0];
    expect([
      frame.id,
      frame.isExtended,
      frame.isRemote,
      Buffer.from(frame.data).toString("hex"),
      time,
    ]).toEqual([id, isExtended, isRemote, data, time_us]);
  });

  it("is written as candump -L writes it", () => {
    const frame = { id: 0x123, data: Uint8Array.of(1, 0xab) };
    expect(writeCandumpLine({ time_us: 1609779922655421, bus: "can0", frame })).toBe(
      "(1609779922.655421) can0 123#01AB",
    );
    expect(frameText({ id: 5, isExtended: true, data: new Uint8Array(0) })).toBe("00000005#");
  });

  it("read is what was written", () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(2 ** 31), (frame, time_us) => {
        const line = writeCandumpLine({ time_us, bus: "can0", frame });
        expect(readCandump(line, "a.log").frames).toEqual([{ time_us, bus: "can0", frame }]);
      }),
    );
  });

  it("names the line that is none", () => {
    const { diagnostics } = readCandump("(0.000001) can0 1#00\n", "a.log");
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      "a.log:1:1: error: this is no frame of a candump log\n(0.000001) can0 1#00\n^~~~~~~~~~~~~~~~~~~~\n  remedy: write (1609779922.655421) can0 343#B204",
    ]);
    for (const text of ["800#", "20000000#", "123#0", "123#112233445566778899", "123#R9", "123"])
      expect(readFrameText(text)).toBeUndefined();
  });
});
