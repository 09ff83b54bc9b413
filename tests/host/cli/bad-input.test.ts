// Bad input by name: what a user reads when a store, a key, a value, an image or a device is not what it should be; nothing is changed by it.

import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { StoreState } from "../../../assembly/spec/cell.ts";
import { NvDevice } from "../../../host/node/nv.ts";
import { startNode } from "../../drivers/node.ts";
import { example, file, hsx, image, inFolder, shell } from "./harness.ts";

const CALIB = `
schema = 7
media = "fram:512"
[values]
"thermostat:setpoint" = 22.5
`;
let thermostat = "";
let node = "";
beforeAll(async () => {
  thermostat = await example("thermostat");
  node = inFolder("node.fram");
  await hsx(["persist", "build", file("calib.toml", CALIB), "--image", thermostat, "-o", node]);
});
const bytesOf = (path: string) => new Uint8Array(readFileSync(path));

/** CRC-16/DNP as docs/persistence.md has it, from a start value, bit by bit. */
function crcOf(bytes: Uint8Array, start: number): number {
  let crc = start;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x3d65 : 0)) & 0xffff;
  }
  return crc;
}
/** The image with another byte in its superblock A, whose CRC is right. */
function withByte(name: string, offset: number, byte: number): string {
  const bytes = bytesOf(node);
  bytes[offset] = byte;
  new DataView(bytes.buffer).setUint16(13, crcOf(bytes.subarray(0, 13), 0x1d0f), true);
  return file(name, bytes);
}

describe("a persistence image", () => {
  const short = () => file("short.fram", bytesOf(node).slice(0, 256));

  it.each([
    [
      "cut off",
      short,
      [],
      5,
      "short.fram is cut off, or of a smaller device than declared: its 60 cells take 512 bytes",
    ],
    [
      "of another size than said",
      () => node,
      ["--media", "fram:1024"],
      7,
      "node.fram has 512 bytes, --media says 1,024",
    ],
    [
      "of another format version",
      () => withByte("v2.fram", 4, 2),
      [],
      7,
      "v2.fram has version 2 of the format; this hsx knows version 1",
    ],
    [
      "of another schema",
      () => node,
      ["--schema", "8"],
      7,
      "node.fram has keys of schema 7, not 8",
    ],
    [
      "for another node",
      () => node,
      ["--node", "9"],
      7,
      "node.fram is no node's in particular: it sets no id, not for node 9",
    ],
  ] as const)("that is %s is refused with what is wrong", async (_, path, more, exit, message) => {
    const name = path();
    const before = bytesOf(name);
    const result = await hsx(["persist", "verify", name, ...more]);
    expect([result.exit, result.err]).toEqual([exit, expect.stringContaining(message)]);
    expect(result.err).toContain("remedy: ");
    expect(bytesOf(name)).toEqual(before);
  });

  it("of another medium is refused with the medium it is of", async () => {
    const big = inFolder("big.fram");
    const calib = file("big.toml", CALIB.replace("512", "8192"));
    await hsx(["persist", "build", calib, "--image", thermostat, "-o", big]);
    const { exit, err } = await hsx(["persist", "verify", big, "--media", "flash8"]);
    expect(exit).toBe(7);
    expect(err).toContain("big.fram is no image of flash8; its bytes are those of fram");
    expect(err).toContain("remedy: name the memory it was made for: --media fram");
  });

  it.each([
    ["smaller than its superblock says", short],
    ["of another format version", () => withByte("v3.fram", 4, 3)],
  ])(
    "that is %s is left alone by a node, which says where the reason can be read",
    async (_, path) => {
      const name = path();
      const before = bytesOf(name);
      const { exit, err } = await hsx(["run", thermostat, "--for", "1s", "--nv", name]);
      expect(exit).toBe(5);
      expect(err).toContain("is no store of a node, or a damaged one; it is left as it is");
      expect(err).toContain(`remedy: see why: hsx persist verify ${name}`);
      expect(bytesOf(name)).toEqual(before);
    },
  );
});

describe("a calibration file", () => {
  it.each([
    ["the key 0x0000", "0 = 1\n", "0 is no key: keys are 0x0001 to 0xFFFE"],
    ["the key 0xFFFF", "0xFFFF = 1\n", "0xFFFF is no key: keys are 0x0001 to 0xFFFE"],
    ["a key twice", "7 = 1\n0x07 = 1\n", "key 0x0007 stands here twice"],
    [
      "a number beyond binary16",
      "1 = 70000\n",
      "70000 is no binary16: those end at -65504 and 65504",
    ],
    ["a number too small for it", "1 = 1e-9\n", "1e-9 is no binary16: the smallest is 6e-8"],
    ["a text", '1 = "warm"\n', "a text is no number"],
    [
      "more values than cells",
      "1 = 1\n2 = 1\n3 = 1\n4 = 1\n5 = 1\n",
      "fram:64 has 4 cells, and 5 are needed; no room is left for 0x0005",
    ],
  ])("with %s makes no image", async (_, lines, message) => {
    const to = inFolder("never.fram");
    const toml = file("bad.toml", `[values]\n${lines}`);
    const result = await hsx(["persist", "build", toml, "-o", to, "--media", "fram:64"]);
    expect(result.exit).not.toBe(0);
    expect(result.err).toContain(message);
    expect(existsSync(to)).toBe(false);
  });
});

/** An app with six values that are kept, keys 1 to 6. */
function six(name: string, group: number): Promise<string> {
  const values = Array.from({ length: 6 }, (_, n) => {
    return { group, id: n, name: `v${n}`, init: 1, persist_key: n + 1, flags: "PERSIST" };
  });
  const loop = "loop: LDI R0, 1000\nSVC 0x600\nJMP loop\n";
  return image(name, `.value ${JSON.stringify(values)}\n${loop}`);
}

describe("a node", () => {
  it("whose store is full says which values are not saved, and that nothing is free", async () => {
    const many = await six("many", 1);
    const nv = `${inFolder("full.fram")}:fram:64`;
    const set = Array.from({ length: 6 }, (_, n) => `val set v${n} 5`);
    const { out } = await shell(
      [...set, "run 2s", "val list", "store status", "events"],
      ["--preload", many, "--nv", nv],
    );
    expect(out).toContain("4 of 4 cells are in use, 0 free");
    expect(out.match(/not yet saved/g)).toHaveLength(2);
    expect(out).toMatch(/1\.4 +1:v4 +5 +1 +not yet saved/);
    expect(out).toContain("1:v4 could not be saved: FULL");
    expect(out).toContain("1:v5 could not be saved: FULL");
  });

  it("does not take an app that claims a key of another, and runs on", async () => {
    const [one, two] = [await six("one", 1), await six("two", 2)];
    const { exit, err, out } = await shell(
      [`load ${two}`, "ps"],
      ["--preload", one, "--keep-going"],
    );
    expect(exit).toBe(6); // of several lines, one failed
    expect(err).toContain("two.hxe: task 1 (one) already has the persist key 1");
    expect(out).toContain("one");
    expect(out).not.toContain("two");
  });

  it("takes both when the value is declared SHARED", async () => {
    const shared = (name: string) =>
      image(
        name,
        `.value {"group":1,"id":1,"name":"v","init":1,"persist_key":9,"flags":"PERSIST|SHARED"}\nloop: LDI R0, 1000\nSVC 0x600\nJMP loop\n`,
      );
    const { exit, out } = await shell(
      [`load ${await shared("b")}`, "ps"],
      ["--preload", await shared("a")],
    );
    expect([exit, out.match(/^ *[12] {2}[ab] /gm)?.length]).toEqual([0, 2]);
  });

  it("without a device says what it lacks", async () => {
    const { exit, err } = await shell(["store format"]);
    expect([exit, err]).toEqual([9, expect.stringContaining("the node has no device for a store")]);
  });

  it.each(["stuck-00", "stuck-ff"] as const)(
    "whose device has its bus %s is not formatted by command either, and its store counts as failed",
    async (fault) => {
      const nv = new NvDevice(new Uint8Array(512).fill(0xff));
      nv.fault = fault;
      const rig = await startNode("small", { nv });
      rig.node.formatStore();
      expect(rig.node.store().state).toBe(StoreState.FAILED);
      expect(nv.bytes.every((byte) => byte === 0xff)).toBe(true);
    },
  );

  it.each([
    ["empty", "provision activate 1", "slot 1: no whole image was ever put there"],
    ["beyond the last", "provision activate 5", "slot 5: there is no such thing"],
  ])("does not activate a slot that is %s", async (_, line, message) => {
    const nv = `${inFolder("slots.fram")}:fram:8192`;
    const made = ["store format --yes --cells 60", "provision format 3 2048", line];
    const { exit, err } = await shell(made, ["--nv", nv]);
    expect([exit, err]).toEqual([expect.any(Number), expect.stringContaining(message)]);
    expect(err).toContain("remedy: ");
  });

  it("does not activate a slot whose image is damaged, or not whole yet", async () => {
    const path = inFolder("damaged.fram");
    const app = await six("staged", 1);
    const lines = [
      "store format --yes --cells 60",
      "provision format 3 2048",
      `provision stage ${app}`,
    ];
    expect((await shell(lines, ["--nv", `${path}:fram:8192`])).exit).toBe(0);
    const whole = bytesOf(path);
    for (const [change, message] of [
      [512 + 60, "slot 0: what it holds is not what was put there"], // a byte of the file
      [512 + 15, "slot 0: no whole image was ever put there"], // the header's marker: it is being written
    ] as const) {
      const bytes = whole.slice();
      bytes[change] = change === 512 + 15 ? 0x2e : (bytes[change] as number) ^ 1;
      const bad = file("damaged-now.fram", bytes);
      const { exit, err } = await shell(["provision activate 0"], ["--nv", bad]);
      expect([exit !== 0, err]).toEqual([true, expect.stringContaining(message)]);
      expect(bytesOf(bad)).toEqual(bytes);
    }
  });
});
