// Values in a file: kept across processes, refused when it is no store, used by one at a time.

import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { openNvFile, parseNv } from "../../../host/cli/nv-file.ts";
import { example, file, hsx, inFolder, shell } from "./harness.ts";

let blink = "";
beforeAll(async () => {
  blink = await example("blink");
});

const set = (nv: string, ...lines: string[]) => shell(lines, ["--preload", blink, "--nv", nv]);

describe("--nv FILE", () => {
  it.each([
    ["node.fram", { path: "node.fram", kind: "fram", bytes: undefined }],
    ["node.bin:eeprom", { path: "node.bin", kind: "eeprom", bytes: undefined }],
    ["node.bin:flash16:8192", { path: "node.bin", kind: "flash16", bytes: 8192 }],
    ["C:/x.bin:fram:2048", { path: "C:/x.bin", kind: "fram", bytes: 2048 }],
  ])("%s", (text, spec) => {
    expect(parseNv(text)).toEqual(spec);
  });

  it.each([
    ["fram", 8192],
    ["eeprom", 4096],
    ["fram:2048", 2048],
    ["flash8", 4096],
    ["flash2:3072", 3072],
  ])("makes a formatted file for %s and keeps values in it", async (kind, bytes) => {
    const path = inFolder(`${kind.replace(":", "-")}.bin`);
    const first = await set(`${path}:${kind}`, "store status", "val set blink:period 100");
    expect(first.exit).toBe(0);
    expect(first.out).toContain(`ready, ${bytes.toLocaleString("en-US")} bytes`);
    expect(statSync(path).size).toBe(bytes);
    expect((await set(`${path}:${kind}`, "val get blink:period")).out).toBe("100 ms\n");
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it("keeps values over a reboot, and loads the apps again", async () => {
    const { out } = await set(
      inFolder("reboot.bin"),
      "val set period 80",
      "reboot",
      "val get period",
    );
    expect(out).toBe("blink:period 500 ms -> 80 ms\nthe node runs again, with 1 app\n80 ms\n");
  });

  it("does not keep what is not to be saved", async () => {
    const nv = inFolder("off.bin");
    await set(nv, "val persist period off", "val set period 80");
    expect((await set(nv, "val get period")).out).toBe("500 ms\n");
  });

  it.each([
    [
      "another file",
      new Uint8Array(4096).map((_, i) => i),
      "is no store of a node, or a damaged one",
    ],
    ["a blank file", new Uint8Array(4096).fill(0xff), "is blank: it was never formatted"],
  ])(
    "refuses %s and leaves it alone, until it is formatted on demand",
    async (name, bytes, reason) => {
      const nv = file(`${name.replaceAll(" ", "-")}.bin`, bytes);
      const run = await hsx(["run", blink, "--for", "1s", "--nv", nv]);
      expect(run.exit).toBe(5);
      expect(run.err).toContain(`${nv} ${reason}; it is left as it is`);
      expect(run.err).toContain("store format");
      const looked = await set(nv, "store status", "val set period 80", "store format");
      expect(looked.exit).toBe(2);
      expect(looked.err).toContain("warning: ");
      expect(looked.err).toContain("add --yes if that is meant");
      expect(new Uint8Array(readFileSync(nv))).toEqual(bytes);
      const formatted = await set(nv, "store format --yes", "val set period 80");
      expect(formatted.exit).toBe(0);
      expect((await set(nv, "val get period")).out).toBe("80 ms\n");
    },
  );

  it("forgets everything on a factory reset", async () => {
    const nv = inFolder("reset.bin");
    await set(nv, "val set period 80");
    expect((await set(nv, "store reset --yes", "store status")).out).toContain("epoch 2");
    expect((await set(nv, "val get period")).out).toBe("500 ms\n");
  });

  it("refuses a size that is not the file's, and files no device can be", async () => {
    const nv = inFolder("size.bin");
    await set(nv, "ps");
    const other = await set(`${nv}:fram:4096`, "ps");
    expect(other.exit).toBe(7);
    expect(other.err).toContain(`${nv} has 8,192 bytes, --nv says 4,096`);
    expect((await set(file("short.bin", "short"), "ps")).err).toContain(
      "has 5 bytes, a device has 64 to 1,048,576",
    );
    const folder = await set(inFolder("."), "ps");
    expect([folder.exit, folder.out]).not.toEqual([0, ""]);
    expect((await set(inFolder("no/folder.bin"), "ps")).exit).toBe(3);
  });

  it("is used by one process at a time", async () => {
    const nv = inFolder("locked.bin");
    await set(nv, "ps");
    writeFileSync(`${nv}.lock`, `${process.pid}\n`);
    const busy = await set(nv, "ps");
    expect(busy.exit).toBe(8);
    expect(busy.err).toContain(`${nv} is in use by process ${process.pid}`);
    writeFileSync(`${nv}.lock`, "999999999\n"); // its process is gone
    expect((await set(nv, "ps")).exit).toBe(0);
  });

  it("holds every byte as soon as it is durable", async () => {
    const path = inFolder("bytes.bin");
    const format = async () => {};
    const nv = await openNvFile({ path, kind: "fram", bytes: 64 }, () => 10, format);
    const memory = new Uint8Array([1, 2, 3]);
    nv.device.hal(() => memory).nv_program(5, 0, 3);
    expect([...readFileSync(path).subarray(4, 9)]).toEqual([0xff, 0xff, 0xff, 0xff, 0xff]); // takes 3 µs
    nv.close();
  });
});
