// SLCAN frames, as the manuals of Lawicel's CAN232 and CANUSB write them.

import { describe, expect, it } from "vitest";
import { readSlcanFrame, slcanText } from "../../../host/formats/slcan.ts";

describe("a frame of SLCAN", () => {
  it.each([
    // from the manual: "t10021133" is id 0x100, two bytes 0x11 and 0x33; the others by its rules
    ["t10021133", 0x100, false, false, "1133"],
    ["t7FF0", 0x7ff, false, false, ""],
    ["T0000010021133", 0x100, true, false, "1133"],
    ["r1002", 0x100, false, true, "0000"],
    ["R000001008", 0x100, true, true, "0000000000000000"],
  ])("%s", (text, id, isExtended, isRemote, hex) => {
    const frame = { id, isExtended, isRemote, data: Uint8Array.from(Buffer.from(hex, "hex")) };
    expect(readSlcanFrame(text)).toEqual(frame);
    expect(slcanText(frame)).toBe(text);
  });

  it("may bear a time stamp of four digits", () => {
    expect(readSlcanFrame("t10021133EA5F")?.data).toEqual(Uint8Array.of(0x11, 0x33));
    expect(readSlcanFrame("r1002EA5F")?.isRemote).toBe(true);
  });

  it.each(["", "t", "t100", "t1003112", "t10091122", "t8000", "T200000000", "t100211334", "x1000"])(
    "%j is none",
    (text) => {
      expect(readSlcanFrame(text)).toBeUndefined();
    },
  );
});
