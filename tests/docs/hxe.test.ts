// docs/hxe.md tells how a node refuses each change of its example; a node is asked.

import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Err } from "../../assembly/spec/errors.ts";
import { HXE_CRC_OFF, HXE_V2_SIZE } from "../../assembly/spec/hxe.ts";
import { Config } from "../../assembly/spec/node.ts";
import { NodeError } from "../../host/client/refusal.ts";
import { guestOf } from "../drivers/guest.ts";
import { startNode } from "../drivers/node.ts";
import { blocksOf, pageText, tableRows } from "./pages.ts";

const PAGE = "docs/hxe.md";
const example = blocksOf(PAGE, "mvasm")[0]?.text ?? "";

/** The example with one change, as `0x05 := 03`; the checksum follows unless it is what must fail. */
function changed(change: string, isSummed: boolean): Uint8Array {
  const image = guestOf(example).image.slice();
  const [, at = "", bytes = ""] = /^`0x([0-9A-F]+) := ([0-9a-f]+)`$/.exec(change) ?? [];
  image.set(Buffer.from(bytes, "hex"), Number.parseInt(at, 16));
  if (!isSummed) return image;
  const sum = crc32(image.subarray(HXE_V2_SIZE), crc32(image.subarray(0, HXE_CRC_OFF)));
  new DataView(image.buffer).setUint32(HXE_CRC_OFF, sum);
  return image;
}

const rows = tableRows(pageText(PAGE)).filter(([change]) => change?.includes(" := "));

describe("docs/hxe.md", () => {
  it("has a change for most refusals of an image", () => {
    expect(rows.length).toBeGreaterThan(25);
  });

  it.each(rows)("a node refuses %s with %s at %s", async (change = "", code = "", place = "") => {
    const { node } = await startNode("small");
    const free = node.config(Config.ARENA_FREE);
    let refused: unknown;
    try {
      node.load(changed(change, code !== "HXE_CRC"), { pieceBytes: 7 });
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(NodeError);
    const { refusal } = refused as NodeError;
    expect([Err[refusal.code], refusal.offset]).toEqual([code, Number(place)]);
    node.settle(); // closes the hole in the arena
    expect(node.tasks()).toEqual([]);
    expect(node.values()).toEqual([]);
    expect(node.config(Config.ARENA_FREE)).toBe(free);
  });
});
