// hsx persist: what each subcommand makes, shows and refuses; nothing is changed by what is refused.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { example, file, hsx, image, inFolder, json, shell } from "./harness.ts";

const CALIB = `
schema = 7
media = "fram:512"
[values]
"thermostat:setpoint" = 22.5
hysteresis = 0.75
0x1205 = -1e3
[factory]
"thermostat:setpoint" = 21
`;

let thermostat = "";
let calib = "";
/** An image of 60 cells with three values and a factory value. */
let node7 = "";
beforeAll(async () => {
  thermostat = await example("thermostat");
  calib = file("calib.toml", CALIB);
  node7 = inFolder("node7.fram");
  const built = await hsx(["persist", "build", calib, "--image", thermostat, "-o", node7]);
  if (built.exit !== 0) throw new Error(built.err);
});

const bytesOf = (path: string) => new Uint8Array(readFileSync(path));

/** A copy of the image with some bytes changed. */
function changed(name: string, change: (bytes: Uint8Array) => Uint8Array | undefined): string {
  const bytes = bytesOf(node7);
  return file(name, change(bytes) ?? bytes);
}

interface Entry {
  readonly kind: string;
  readonly key: number;
  readonly cell: number;
}
/** Address of the live cell of a key. */
async function addressOf(path: string, key: number, kind = "value"): Promise<number> {
  const { out } = await hsx(["persist", "inspect", path, "--json"]);
  const entries = json(out).entries as Entry[];
  const entry = entries.find((e) => e.key === key && e.kind === kind);
  return 32 + 8 * (entry as Entry).cell;
}

describe("hsx persist build", () => {
  it("makes the same bytes each time, and says what it made", async () => {
    const again = inFolder("again.fram");
    const args = ["persist", "build", calib, "--image", thermostat, "-o", again];
    const { exit, out, err } = await hsx(args);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toBe(`${again}: fram:512, 3 values, 1 factory value; 56 of 60 cells free\n`);
    expect(bytesOf(again)).toEqual(bytesOf(node7));
    const forced = await hsx([...args, "--force", "--json"]);
    expect(json(forced.out)).toMatchObject({ media: "fram:512", schema_of_keys: 7, values: 3 });
  });

  it("makes what a node reads", async () => {
    const nv = changed("booted.fram", () => undefined);
    const get = () => shell(["val get setpoint"], ["--preload", thermostat, "--nv", nv]);
    expect((await get()).out).toBe("22.5 degC\n");
    expect((await shell(["store reset --yes --keep-factory"], ["--nv", nv])).exit).toBe(0);
    expect((await get()).out).toBe("21 degC\n");
  });

  it("makes factory values that a reset brings back, even while an app runs and has its value to save", async () => {
    const nv = changed("reset-running.fram", () => undefined);
    const lines = ["store reset --yes --keep-factory", "run 1s", "val get setpoint", "reboot"];
    const run = await shell([...lines, "val get setpoint"], ["--preload", thermostat, "--nv", nv]);
    expect([run.exit, run.out.split("\n").slice(-5)]).toEqual([
      0,
      ["node time 1.001 s", "22.5 degC", "the node runs again, with 1 app", "21 degC", ""],
    ]);
  });

  it.each(["fram:131072", "eeprom:4096", "eeprom8:512", "fram:64"])("fills %s", async (media) => {
    const to = inFolder(`${media.replace(":", "-")}.bin`);
    const values = file("one.toml", "[values]\n7 = 1\n");
    const built = await hsx(["persist", "build", values, "-o", to, "--media", media]);
    expect([built.exit, bytesOf(to).length]).toEqual([0, Number(media.split(":")[1])]);
    const { exit, out } = await hsx(["persist", "verify", to, "--media", media]);
    expect([exit, out.split("\n")[0]]).toEqual([0, `${to}: sound`]);
  });

  it("warns of a number that is not kept as written, and of cells that run short", async () => {
    const values = file("warn.toml", "[values]\n1 = 21.37\n2 = 0\n");
    const to = inFolder("warn.fram");
    const { exit, err } = await hsx(["persist", "build", values, "-o", to, "--media", "fram:64"]);
    expect(exit).toBe(0);
    expect(err).toContain(
      "warn.toml:2:5: warning: 21.37 is kept as 21.375, the nearest binary16\n",
    );
    expect(err).toContain("1 = 21.37\n    ^~~~~\n");
    expect(err).toContain("2 cells of 4 stay free; a node that saves values needs 4");
  });

  it.each([
    ["no device", "[values]\n1 = 1\n", [], 2, "for what device?"],
    ["no bytes", 'media = "fram"\n', [], 2, "how many bytes has the fram?"],
    [
      "no kind",
      'media = "tape:64"\n',
      [],
      1,
      'bad.toml:1:9: error: media = "tape:64": this is no kind',
    ],
    ["a size no device has", "", ["--media", "fram:63"], 2, "a device has 64 to 1,048,576 bytes"],
    ["no TOML", "1 = 2 = 3\n", [], 1, "bad.toml:1:"],
    [
      "a key twice",
      '[values]\n"thermostat:setpoint" = 20\n513 = 20\n',
      [],
      1,
      "bad.toml:3:1: error: key 0x0201 (thermostat:setpoint) stands here twice",
    ],
    ["a key nobody has", "[values]\n0xFFFF = 20\n", [], 1, "bad.toml:2:1: error: 0xFFFF is no key"],
    [
      "a value out of range",
      '[values]\n"thermostat:setpoint" = 99\n',
      [],
      1,
      "99 is out of range: thermostat:setpoint is 5 to 30",
    ],
    [
      "too many values",
      "[values]\n1 = 1\n2 = 1\n3 = 1\n4 = 1\n5 = 1\n513 = 6\n",
      ["--media", "fram:64"],
      7,
      "fram:64 has 4 cells, and 6 are needed; no room is left for 0x0005, 0x0201 thermostat:setpoint",
    ],
  ] as const)("refuses %s", async (_, text, more, exit, message) => {
    const to = inFolder("never.fram");
    const args = ["persist", "build", file("bad.toml", text), "--image", thermostat, "-o", to];
    const result = await hsx([...args, ...more]);
    expect(result.err).toContain(message);
    expect([result.exit, result.out, existsSync(to)]).toEqual([exit, "", false]);
    expect((await hsx([...args, ...more, "--json"])).err).toContain('"schema":"hsx.error/1"');
  });

  it("refuses two apps that claim one key", async () => {
    const source = (app: string, id: number) =>
      `.app "${app}"\n.value {"group":${id},"id":1,"name":"x","group_name":"${app}","persist_key":77,"flags":"PERSIST"}\n RET\n`;
    const images = [await image("one", source("one", 1)), await image("two", source("two", 2))];
    const names = images.flatMap((path) => ["--image", path]);
    const { exit, err } = await hsx(["persist", "inspect", node7, ...names]);
    expect(exit).toBe(7);
    expect(err).toContain("one (one:x) and two (two:x) both claim the persist key 0x004D");
  });

  it("replaces nothing that is there, unless told to", async () => {
    const there = file("there.fram", "precious");
    const args = ["persist", "build", calib, "--image", thermostat, "-o", there];
    const { exit, err } = await hsx(args);
    expect([exit, readFileSync(there, "utf8")]).toEqual([1, "precious"]);
    expect(err).toContain("choose another name, or add --force to replace it");
    expect((await hsx([...args, "--force"])).exit).toBe(0);
    expect(bytesOf(there)).toEqual(bytesOf(node7));
  });

  it("keeps mode and link of what it replaces, and leaves nothing beside it", async () => {
    mkdirSync(inFolder("kept"));
    const real = file("kept/real.fram", "old");
    chmodSync(real, 0o640);
    symlinkSync("real.fram", inFolder("kept/link.fram"));
    const to = inFolder("kept/link.fram");
    await hsx(["persist", "build", calib, "--image", thermostat, "-o", to, "--force"]);
    expect(bytesOf(real)).toEqual(bytesOf(node7));
    expect(readdirSync(inFolder("kept")).sort()).toEqual(["link.fram", "real.fram"]);
  });

  it("does not touch an image that a node has open", async () => {
    const there = file("open.fram", "in use");
    writeFileSync(`${there}.lock`, `${process.pid}\n`);
    const { exit } = await hsx([
      "persist",
      "build",
      calib,
      "--image",
      thermostat,
      "-o",
      there,
      "--force",
    ]);
    expect([exit, readFileSync(there, "utf8")]).toEqual([8, "in use"]);
  });

  it.each([
    ["a folder", "", 1, "this is a directory"],
    ["a folder that is not there", "nowhere/x.fram", 3, "there is no such folder"],
  ])("does not write to %s", async (_, to, exit, message) => {
    const args = ["persist", "build", calib, "--image", thermostat, "-o", inFolder(to), "--force"];
    const result = await hsx(args);
    expect([result.exit, result.err]).toEqual([exit, expect.stringContaining(message)]);
  });
});

describe("hsx persist inspect", () => {
  it("shows keys, names, values and units", async () => {
    const { exit, out } = await hsx(["persist", "inspect", node7, "--image", thermostat]);
    expect(exit).toBe(0);
    expect(out).toContain(`${node7}: 512 bytes, epoch 1, schema 7`);
    expect(out).toContain(
      "4 of 60 cells in use, 56 free, 0 damaged; superblock A holds (sequence 1), B is blank",
    );
    expect(out).toMatch(/0x0201 {2}thermostat:setpoint +value +22\.5 degC +0x4DA0 +\d+ +0\n/);
    expect(out).toMatch(/0x1205 +value +-1000 +0xE3D0/);
    expect(out).toMatch(/0x0201 {2}thermostat:setpoint +factory +21 degC/);
  });

  it("does without names", async () => {
    const { entries } = json((await hsx(["persist", "inspect", node7, "--json"])).out);
    expect(entries).toMatchObject([
      { kind: "value", key: 0x0201, name: null, value: 22.5, bits: 0x4da0, holds: true },
      { kind: "value", key: 0x0202, value: 0.75 },
      { kind: "value", key: 0x1205, value: -1000 },
      { kind: "factory", key: 0x0201, value: 21 },
    ]);
  });
});

/** Files that are no store, and what is said of each: bytes 4 and 13 to 15 of a superblock are its version, CRC and marker. */
const NO_STORES: [string, (bytes: Uint8Array) => Uint8Array | undefined, number, string][] = [
  [
    "cut off",
    (b) => b.slice(0, 256),
    5,
    "is cut off, or of a smaller device than declared: its 60 cells take 512 bytes",
  ],
  ["too short", (b) => b.slice(0, 40), 7, "has 40 bytes, a device has 64 to 1,048,576"],
  ["empty", () => new Uint8Array(), 7, "has 0 bytes"],
  ["blank", (b) => b.fill(0xff), 5, "is blank: it was never formatted"],
  ["all zero", (b) => b.fill(0), 5, "is blank: it was never formatted"],
  ["text", (b) => b.fill(0x20), 5, "is no persistence image, or one whose superblocks are damaged"],
  // CRC-16/DNP with start value 0x1D0F over 48 53 58 50 02 03 3c 00 01 00 07 00 01, computed apart
  [
    "of another version",
    (b) => void b.set([2], 4),
    5,
    "is no persistence image, or one whose superblocks are damaged",
  ],
  [
    "without a marker",
    (b) => void b.set([0x33], 15),
    5,
    "is no persistence image, or one whose superblocks are damaged",
  ],
  [
    "of one wrong bit in the superblock",
    (b) => void b.set([0x3e], 6),
    5,
    "has no sound superblock: one bit of superblock A is wrong",
  ],
];

describe("files that are no store", () => {
  it.each(NO_STORES)("%s", async (name, change, exit, message) => {
    const path = changed(`no-${name.replaceAll(" ", "-")}.fram`, change);
    const before = bytesOf(path);
    for (const args of [["inspect"], ["verify"], ["export"], ["cut"], ["diff", node7]]) {
      const result = await hsx(["persist", ...args, path]);
      expect(result.err).toContain(message);
      expect([args[0], result.exit, result.out]).toEqual([args[0], exit, ""]);
    }
    const run = await hsx(["run", thermostat, "--for", "1s", "--nv", path]);
    expect([5, 7]).toContain(run.exit);
    expect(bytesOf(path)).toEqual(before);
  });

  it.each([
    ["missing.fram", 3, "there is no such file"],
    ["", 1, "this is a directory"],
  ])("%j", async (name, exit, message) => {
    for (const verb of ["inspect", "verify", "export", "cut"]) {
      const result = await hsx(["persist", verb, inFolder(name)]);
      expect([result.exit, result.err]).toEqual([exit, expect.stringContaining(message)]);
    }
  });

  it("are told from those of another size or kind", async () => {
    const size = await hsx(["persist", "inspect", node7, "--media", "fram:8192"]);
    expect([size.exit, size.err]).toEqual([
      7,
      expect.stringContaining("512 bytes, --media says 8,192"),
    ]);
    const kind = await hsx(["persist", "inspect", node7, "--media", "tape"]);
    expect([kind.exit, kind.err]).toEqual([2, expect.stringContaining("there are fram, eeprom")]);
  });
});

describe("hsx persist inspect", () => {
  // 60 cells of EEPROM, 4 in use: 50,000 * 57 commits are borne, and 4 were made
  it("tells how worn the memory is, and how long it lasts", async () => {
    const to = inFolder("worn.eeprom");
    const media = ["--media", "eeprom:512"];
    await hsx(["persist", "build", calib, "--image", thermostat, "-o", to, ...media]);
    const { out } = await hsx(["persist", "inspect", to, ...media]);
    expect(out).toContain(
      "  wear: 0 %, 4 of 2,850,000 updates; some 2,849,996 updates left, ten years at one in 111 s\n",
    );
    const data = json((await hsx(["persist", "inspect", to, ...media, "--json"])).out);
    expect(data).toMatchObject({ medium: "eeprom", wear: 4, wear_max: 2_850_000 });
  });
});

describe("hsx persist verify and repair", () => {
  it("finds one wrong bit, says what was meant, and mends it", async () => {
    const at = await addressOf(node7, 0x0201);
    const bad = changed("bad.fram", (b) => void b.set([(b[at + 3] as number) ^ 4], at + 3));
    const verified = await hsx(["persist", "verify", bad, "--image", thermostat]);
    expect(verified.exit).toBe(5);
    expect(verified.out).toContain("bad.fram: 1 value is lost\n");
    expect(verified.out).toContain(
      "0x0201 thermostat:setpoint = 22.5 degC was meant; a node starts the value from init",
    );
    const to = inFolder("mended.fram");
    const mended = await hsx(["persist", "repair", bad, "-o", to, "--image", thermostat]);
    expect(mended.out).toContain("mended.fram: 1 bit mended\n");
    expect([mended.exit, bytesOf(to)]).toEqual([0, bytesOf(node7)]);
  });

  it("mends every single wrong bit of a cell but its marker's, and of the superblock", async () => {
    const at = await addressOf(node7, 0x0202);
    const places = [...Array(7).keys()].map((n) => at + n).concat([...Array(15).keys()]);
    for (const address of places) {
      const bit = address % 8;
      const bad = changed(
        "bit.fram",
        (b) => void b.set([(b[address] as number) ^ (1 << bit)], address),
      );
      const to = inFolder("bit-mended.fram");
      expect((await hsx(["persist", "repair", bad, "-o", to, "--force"])).exit).toBe(0);
      expect([address, bytesOf(to)]).toEqual([address, bytesOf(node7)]);
    }
  });

  it("guesses nothing", async () => {
    const at = await addressOf(node7, 0x0201);
    const bad = changed("two-bits.fram", (b) => void b.set([(b[at + 3] as number) ^ 5], at + 3));
    const to = inFolder("never-mended.fram");
    const { exit, err } = await hsx(["persist", "repair", bad, "-o", to]);
    expect([exit, existsSync(to)]).toEqual([5, false]);
    expect(err).toMatch(/nothing can be mended; cell \d+: more than one bit is wrong/);
    const verified = await hsx(["persist", "verify", bad]);
    expect(verified.out).toContain("damaged beyond repair");
  });

  it("mends what can be mended, and ends with 6 when something is left", async () => {
    const [a, b] = [await addressOf(node7, 0x0201), await addressOf(node7, 0x0202)];
    const bad = changed("some.fram", (bytes) => {
      bytes[a + 3] = (bytes[a + 3] as number) ^ 1;
      bytes[b + 3] = (bytes[b + 3] as number) ^ 3;
      return undefined;
    });
    const to = inFolder("some-mended.fram");
    const { exit, out } = await hsx(["persist", "repair", bad, "-o", to]);
    expect([exit, out]).toEqual([6, expect.stringContaining("left as it is: cell ")]);
    expect((await hsx(["persist", "verify", to])).out).toContain("1 value is lost");
  });

  it("mends in place with a copy beside it", async () => {
    const bad = changed("place.fram", (b) => void b.set([(b[6] as number) ^ 1], 6));
    const before = bytesOf(bad);
    const first = await hsx(["persist", "repair", bad, "--in-place", "--json"]);
    expect(json(first.out)).toMatchObject({ output: bad, backup: `${bad}.bak` });
    expect([bytesOf(bad), bytesOf(`${bad}.bak`)]).toEqual([bytesOf(node7), before]);
    writeFileSync(bad, before);
    await hsx(["persist", "repair", bad, "--in-place"]);
    expect(bytesOf(`${bad}.bak2`)).toEqual(before);
    const nothing = await hsx(["persist", "repair", bad, "--in-place"]);
    expect([nothing.exit, nothing.out]).toEqual([
      0,
      `${bad}: nothing to mend; nothing was written\n`,
    ]);
    expect(existsSync(`${bad}.bak3`)).toBe(false);
  });

  it.each([[[]], [["-o", "x", "--in-place"]]])("wants one place to write to: %j", async (args) => {
    expect((await hsx(["persist", "repair", node7, ...args])).exit).toBe(2);
  });

  it("lists every cell on demand", async () => {
    const { out } = await hsx(["persist", "verify", node7, "--cells", "--json"]);
    const { counts, cells } = json(out);
    expect(counts).toEqual({ live: 4, blank: 56, dead: 0, old: 0, damaged: 0, unfinished: 0 });
    expect(cells).toHaveLength(4);
  });

  it("tells what a power cut left from what is damaged", async () => {
    const cut = inFolder("cut-8.fram");
    await hsx(["persist", "cut", node7, "--at", "8", "--set", "0x0201=23", "-o", cut]);
    const { exit, out } = await hsx(["persist", "verify", cut]);
    expect(exit).toBe(0);
    expect(out).toContain("cut-8.fram: nothing is lost\n");
    expect(out).toContain("is superseded: a power cut came before 0x0201 = 22.5 was ended");
  });

  it("tells of what a factory reset left behind, and of deleted values", async () => {
    const nv = changed("old.fram", () => undefined);
    await shell(["store reset --yes"], ["--nv", nv]);
    const { counts, ok } = json((await hsx(["persist", "verify", nv, "--json"])).out);
    expect([ok, counts]).toEqual([
      true,
      { live: 0, blank: 56, dead: 0, old: 4, damaged: 0, unfinished: 0 },
    ]);
  });

  it("warns of a value that its app does not take", async () => {
    const values = file("range.toml", "[values]\n513 = 99\n");
    const to = inFolder("range.fram");
    await hsx(["persist", "build", values, "-o", to, "--media", "fram:512"]);
    const { exit, out } = await hsx(["persist", "verify", to, "--image", thermostat]);
    expect([exit, out]).toEqual([
      0,
      expect.stringContaining(
        "out of range: 0x0201 thermostat:setpoint = 99 degC, its app takes 5 to 30",
      ),
    ]);
  });
});

describe("hsx persist export and diff", () => {
  it("exports a file that builds to the same values", async () => {
    const toml = inFolder("export.toml");
    const exported = await hsx(["persist", "export", node7, "--image", thermostat, "-o", toml]);
    expect([exported.exit, exported.err]).toEqual([0, `${toml}: 4 values\n`]);
    expect(readFileSync(toml, "utf8")).toContain(
      '"thermostat:setpoint" = 22.5  # degC, key 0x0201\n',
    );
    const again = inFolder("exported.fram");
    await hsx(["persist", "build", toml, "--image", thermostat, "-o", again]);
    const { exit, out } = await hsx(["persist", "diff", node7, again]);
    expect([exit, out]).toEqual([0, "the same: 4 entries\n"]);
  });

  it("exports to the terminal, and as JSON", async () => {
    const { out } = await hsx(["persist", "export", node7]);
    expect(out).toContain(
      'schema = 7\nmedia = "fram:512"\ncells = 60\n\n[values]\n0x0201 = 22.5\n',
    );
    const object = json((await hsx(["persist", "export", node7, "--json"])).out);
    expect(object).toMatchObject({ media: "fram:512", schema_of_keys: 7, text: out });
  });

  it("leaves damaged values out and says so", async () => {
    const at = await addressOf(node7, 0x0201);
    const bad = changed("bad-export.fram", (b) => void b.set([(b[at + 3] as number) ^ 4], at + 3));
    const { exit, out, err } = await hsx(["persist", "export", bad]);
    expect([exit, out.includes("0x0201 = 22.5")]).toEqual([0, false]);
    expect(err).toContain("the value of key 0x0201 is damaged and left out");
  });

  it("shows in which values two images differ", async () => {
    const nv = changed("set.fram", () => undefined);
    await shell(["val set setpoint 23"], ["--preload", thermostat, "--nv", nv]);
    const { exit, out } = await hsx(["persist", "diff", node7, nv, "--image", thermostat]);
    expect(exit).toBe(1);
    expect(out).toMatch(
      /^KEY .*AFTER\n0x0201 {2}thermostat:setpoint {2}value +22\.5 degC {2}23 degC\n$/,
    );
    const object = json((await hsx(["persist", "diff", node7, nv, "--json"])).out);
    expect(object).toMatchObject({
      same: false,
      compared: 4,
      differences: [{ kind: "value", key: 513, before: { value: 22.5 }, after: { value: 23 } }],
    });
  });
});

describe("hsx persist cut", () => {
  it("loses nothing at any byte of a save", async () => {
    for (const torn of ["old", "new", "ff", "0x5A"]) {
      const args = [
        "persist",
        "cut",
        node7,
        "--set",
        "setpoint=23",
        "--torn",
        torn,
        "--image",
        thermostat,
      ];
      const { exit, out } = await hsx(args);
      expect(exit).toBe(0);
      expect(out).toContain("set 0x0201 thermostat:setpoint = 23 degC, 9 bytes");
      expect(out).toContain("9 cuts: nothing is lost; 3 other keys unchanged");
    }
  });

  it("shows old before the marker is written, and new from then on", async () => {
    const { out } = await hsx(["persist", "cut", node7, "--set", "0x0201=23", "--json"]);
    const { cuts, steps, lost } = json(out) as {
      cuts: { from: number; to: number; keys: { key: number; verdict: string }[] }[];
      steps: number;
      lost: number;
    };
    expect([steps, lost]).toEqual([9, 0]);
    const verdicts = cuts.map(({ from, to, keys }) => [
      from,
      to,
      keys.find((k) => k.verdict !== "same")?.verdict,
    ]);
    expect(verdicts).toEqual([
      [0, 7, "old"],
      [8, 8, "new"],
    ]);
  });

  it.each([
    [["--set", "0x3333=1"], "8 cuts: nothing is lost"],
    [["--delete", "0x0202"], "cuts: nothing is lost"],
    [["--reset"], "17 cuts: nothing is lost"],
    [["--reset", "--keep-factory"], "17 cuts: nothing is lost; 1 other key unchanged"],
    [["--set", "1=1", "--set", "2=2", "--delete", "1"], "cuts: nothing is lost"],
  ])("loses nothing with %j", async (args, message) => {
    const { exit, out } = await hsx(["persist", "cut", node7, ...args]);
    expect([exit, out]).toEqual([0, expect.stringContaining(message)]);
  });

  it("cuts the next boot, which puts right what a cut left", async () => {
    const idle = await hsx(["persist", "cut", node7]);
    expect(idle.out).toContain("the next boot, 0 bytes: there is nothing to cut");
    const cut = inFolder("cut-boot.fram");
    await hsx(["persist", "cut", node7, "--at", "8", "--set", "513=23", "-o", cut, "--force"]);
    const { exit, out } = await hsx(["persist", "cut", cut]);
    expect([exit, out]).toEqual([
      0,
      expect.stringMatching(/\d+ cuts: nothing is lost; 4 other keys unchanged/),
    ]);
  });

  it("writes the device as the cut left it, and leaves the file alone", async () => {
    const before = bytesOf(node7);
    const to = inFolder("cut-3.fram");
    const { exit } = await hsx([
      "persist",
      "cut",
      node7,
      "--at",
      "3",
      "--set",
      "0x0201=23",
      "-o",
      to,
    ]);
    expect([exit, bytesOf(node7)]).toEqual([0, before]);
    const differing = bytesOf(to).filter((byte, at) => byte !== before[at]);
    expect([...differing]).toEqual([0x01, 0x02, 0x01]); // key 0x0201, generation 1
  });

  it.each([
    [["--at", "9", "--set", "513=23"], 2, "writes 9 bytes, so that power is lost after it"],
    [["--at", "-1"], 2, "--at: -1 is out of range"],
    [["--set", "513"], 2, "--set 513: a value is missing"],
    [["--set", "513=warm"], 2, '"warm" is not a number'],
    [["--set", "513=1e6"], 2, "1e6 is out of range"],
    [["--set", "nobody=1"], 3, 'no image keeps a value "nobody"'],
    [["--delete", "0"], 3, "0 is no key"],
    [["--keep-factory"], 2, "--keep-factory belongs to --reset"],
    [["--torn", "x"], 2, '--torn: "x" is no fate of a byte'],
    [["-o", "x"], 2, "-o needs --at"],
  ])("refuses %j", async (args, exit, message) => {
    const result = await hsx(["persist", "cut", node7, ...args]);
    expect([result.exit, result.err]).toEqual([exit, expect.stringContaining(message)]);
  });
});

// docs/persistence.md, "On flash": 16 bytes of superblock, then cells of 8 bytes, or of 16 where granules have 16
describe("hsx persist on flash", () => {
  const VALUES = '[values]\n"thermostat:setpoint" = 22.5\n[factory]\n"thermostat:setpoint" = 21\n';
  async function built(media: string, name = media.replace(":", "-")): Promise<string> {
    const to = inFolder(`${name}.flash`);
    const values = file(`${name}.toml`, VALUES);
    const args = ["persist", "build", values, "--image", thermostat, "-o", to, "--force"];
    const { exit, err } = await hsx([...args, "--media", media]);
    expect([exit, err]).toEqual([0, ""]);
    return to;
  }
  /** Cells are found again by --media. */
  const on = (command: string, path: string, ...more: string[]) =>
    hsx(["persist", command, path, "--media", "flash8", "--image", thermostat, ...more]);

  it("makes superblock and cells, the first of them dead", async () => {
    const bytes = bytesOf(await built("flash8:4096"));
    const hex = Buffer.from(bytes.subarray(0, 40)).toString("hex").match(/.{16}/g) ?? [];
    expect(hex.slice(0, 3)).toEqual(["4853585001030002", "0100000101cb3dc3", "0000000000000000"]);
    expect(hex.slice(3).map((cell) => cell.slice(0, 10) + cell.slice(14))).toEqual([
      "010200a04da5", // key 0x0201, 22.5
      "010200404d5a", // 21
    ]);
    expect(bytes.subarray(40).every((byte) => byte === 0xff)).toBe(true);
  });

  it.each([
    ["flash2:2048", 120],
    ["flash4:4096", 372],
    ["flash8:4096", 248],
    ["flash16:8192", 375],
  ])("tells of %s the room there is", async (media, cells) => {
    const path = await built(media);
    const shown = json((await hsx(["persist", "inspect", path, "--media", media, "--json"])).out);
    expect(shown).toMatchObject({ superblock: "0", cells, live: 2, free: cells - 2, damaged: 0 });
    const verified = json((await hsx(["persist", "verify", path, "--media", media, "--json"])).out);
    expect(verified).toMatchObject({ ok: true, findings: [], counts: { live: 2, dead: 1 } });
    const exported = await hsx(["persist", "export", path, "--media", media]);
    expect(exported.out).toContain(`media = "${media}"`);
    expect(exported.out).toContain("0x0201 = 22.5");
  });

  it("refuses sizes that are not whole pages, values beyond the room, and repairs", async () => {
    const path = await built("flash8:4096");
    const size = await on("inspect", path, "--media", "flash8:3000");
    expect(size.err).toContain("flash8 has pages of 2048 bytes, and a store takes two at least");
    const lines = Array.from({ length: 121 }, (_, n) => `${n + 1} = 1\n`).join("");
    const many = file("many.toml", `[values]\n${lines}`);
    const args = ["persist", "build", many, "-o", inFolder("many.flash"), "--media", "flash2:2048"];
    const full = await hsx(args);
    expect([full.exit, full.err.includes("has 120 cells, and 121 are needed")]).toEqual([7, true]);
    const repair = await on("repair", path, "-o", inFolder("mended.flash"));
    expect([repair.exit, repair.err.includes("are programmed once")]).toEqual([2, true]);
  });

  it("explains what is damaged, torn and superseded", async () => {
    const bytes = bytesOf(await built("flash8:4096"));
    bytes[27] = 0x20; // was 0xA0: of the value in cell 3, which cell 4 follows
    bytes.set([0x34, 0x12, 0, 0, 0x3c, 1, 2, 0xa5], 40); // nothing follows
    const { exit, out } = await on("verify", file("damaged.flash", bytes));
    expect(exit).toBe(5);
    expect(out).toContain("damaged.flash: 1 value is lost");
    expect(out).toContain("cell 3 at 0x0018 is damaged: ");
    expect(out).toContain("0x0201 thermostat:setpoint = 22.5 degC was meant");
    expect(out).toContain("a node starts the value from init");
    expect(out).toContain("cell 5 at 0x0028 is unfinished: ");
    expect(out).toContain("a node passes it over");
  });

  it("is what a node keeps values in, over page turns, and shows them", async () => {
    const path = await built("flash2:2048", "lived");
    const before = inFolder("before.flash");
    const args = ["--profile", "small", "--preload", thermostat, "--nv", `${path}:flash2`];
    writeFileSync(before, bytesOf(path));
    // each power-on uses two of the 126 cells of a page: a dead one, and the value
    const sets = Array.from({ length: 70 }, (_, n) => [
      `val set setpoint ${10 + (n % 15)}`,
      "reboot",
    ]);
    expect((await shell([...sets.flat(), "val set setpoint 19"], args)).exit).toBe(0);
    expect((await shell(["val get setpoint"], args)).out).toBe("19 degC\n");
    const two = ["--media", "flash2:2048", "--image", thermostat];
    const diff = await hsx(["persist", "diff", before, path, ...two]);
    expect([diff.exit, diff.out]).toEqual([
      1,
      expect.stringMatching(/setpoint +value +22.5 degC +19 degC/),
    ]);
    expect((await hsx(["persist", "verify", path, ...two])).out).toContain("lived.flash: sound\n");
    const { out } = await hsx(["persist", "inspect", path, ...two]);
    expect(out).toContain("superblock 0 is older, 1 holds (sequence 2)\n");
  });

  it("loses nothing at a cut of a save", async () => {
    const path = await built("flash8:4096", "cut");
    const { exit, out } = await on("cut", path, "--set", "setpoint=23");
    expect([exit, out]).toEqual([0, expect.stringContaining("nothing is lost")]);
    expect(out).toContain("setpoint = 23 degC");
  });
});
