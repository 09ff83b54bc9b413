// The firmware of the AVR: the same bytes wherever it is built, and everything in its place.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildAvr, type Firmware } from "../../scripts/firmware/avr.ts";
import { fromRoot } from "../../scripts/root.ts";

const FILES = ["hsx.elf", "hsx.hex", "hsx.map", "hsx-test.elf"];
/** Limit for two builds, the core's own compilation included. */
const BUILD_MS = 300_000;
let one: Firmware;
let other: Firmware;

beforeAll(async () => {
  one = await buildAvr(fromRoot("build/avr"));
  other = await buildAvr(fromRoot("build/avr-again/elsewhere"));
}, BUILD_MS);

/** Addresses of symbols of a program. */
function symbols(file: string): Map<string, number> {
  const lines = execFileSync("avr-nm", [file], { encoding: "utf8" }).split("\n");
  return new Map(
    lines.map((line) => {
      const [address = "", , name = ""] = line.split(" ");
      return [name, Number.parseInt(address, 16)];
    }),
  );
}

describe("the firmware of the AVR", () => {
  it.each(FILES)("is the same bytes in every folder: %s", (file) => {
    const bytes = readFileSync(join(one.folder, file));
    expect(bytes.length).toBeGreaterThan(1000);
    expect(readFileSync(join(other.folder, file)).equals(bytes)).toBe(true);
  });

  it("keeps tables within the reach of LPM and the boot section free", () => {
    const at = symbols(join(one.folder, "hsx.elf"));
    expect(at.get("__progmem_end")).toBeLessThanOrEqual(0x10000);
    expect(at.get("_etext")).toBeLessThanOrEqual(0x1e000);
  });

  it("has its variables between linear memory and the stack, the boot request last", () => {
    const at = symbols(join(one.folder, "hsx.elf"));
    expect(at.get("__data_start")).toBe(0x803c00);
    expect(at.get("__bss_end")).toBeLessThanOrEqual(0x803dfa);
    expect(at.get("reset_kept")).toBe(0x803dfa); // flags, note, check, then the request at 0x3DFE
  });

  it("takes no more RAM than the plan gives it", () => {
    expect(one.objects.reduce((bytes, { ram }) => bytes + ram, 0)).toBeLessThanOrEqual(512);
    expect(one.stack.bytes).toBeLessThanOrEqual(768);
  });

  it("offers every export of the core to a debugger", () => {
    const at = symbols(join(one.folder, "hsx-test.elf"));
    expect(["hsx_load_begin", "hsx_task_info", "hsx_reg_set"].filter((n) => !at.has(n))).toEqual(
      [],
    );
  });
});
