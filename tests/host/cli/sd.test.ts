// hsx sd: cards of the example plants, made and checked; what is wrong with a card is told by name and exit code.

import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { decodePlant } from "../../../host/formats/plant-manifest-reader.ts";
import { checkCard, FatView, makeCard, readBack } from "../../drivers/card-image.ts";
import { PLANT_IMAGES, PLANTS } from "../../drivers/plants.ts";
import { amongPlants, hsx, json } from "./harness.ts";

amongPlants();
beforeAll(async () => {
  const { exit, err } = await hsx(["sd", "make", "pumps.toml", "-o", "pumps.img", "--size", "8M"]);
  expect([exit, err]).toEqual([0, ""]);
});

const imageOf = (path: string) => new Uint8Array(readFileSync(path));
/** The files of the card of the pumps, for cards that others write. */
function filesOf(...names: string[]): Record<string, Uint8Array> {
  const card = imageOf("pumps.img");
  return Object.fromEntries(names.map((name) => [name, readBack(card, name, 2048)]));
}
async function checked(card: Uint8Array): Promise<string> {
  writeFileSync("bad.img", card);
  const { exit, out, err } = await hsx(["sd", "check", "bad.img"]);
  expect([exit, out]).toEqual([5, ""]);
  expect(err).toContain("remedy: ");
  return err.split("\n")[0]?.replace("bad.img: ", "") ?? "";
}

describe("hsx sd make", () => {
  it.each(PLANTS)(
    "writes a card of the plant %s that fsck.fat, mtools and check take",
    async (name) => {
      const to = `${name}-card.img`;
      const made = await hsx(["sd", "make", `${name}.toml`, "-o", to, "--json"]);
      expect([made.exit, made.err]).toEqual([0, ""]);
      expect(json(made.out)).toMatchObject({ card: to, format: { fat: 16, first_block: 2048 } });
      const card = imageOf(to);
      expect(() => checkCard(card.slice(2048 * 512))).not.toThrow();
      const { plant } = decodePlant(readBack(card, "HSX.HXM", 2048), "x");
      for (const { image } of plant?.nodes.flatMap((node) => node.apps) ?? []) {
        const source = [...PLANT_IMAGES.values()].find((bytes) => bytes.length === image.bytes);
        expect(Buffer.compare(readBack(card, image.file, 2048), source as Uint8Array)).toBe(0);
      }
      const { exit, out } = await hsx(["sd", "check", to, "--json"]);
      expect(exit).toBe(0);
      expect(json(out)).toMatchObject({ plant: plant?.name, version: plant?.version });
    },
  );

  it("says what it wrote, and lays a text for people beside it", async () => {
    const { out } = await hsx(["sd", "make", "single.toml", "-o", "s.img"]);
    expect(out).toMatch(
      /^s\.img: workshop, version 1, 16M, FAT16; 3 files\n\nFILE +BYTES +CRC\nTHERMOST\.HXE +885 +0x/,
    );
    const text = Buffer.from(readBack(imageOf("s.img"), "HSX.TXT", 2048)).toString();
    expect(text).toContain("workshop, version 1. Made by hsx sd make.\r\n");
    expect(text).toContain("heater, id 1: heating\r\n");
    expect(text).toContain('"thermostat:setpoint" = 19.5\r\n');
  });

  it("writes FAT32, and holes where nothing is", async () => {
    const { exit } = await hsx(["sd", "make", "single.toml", "-o", "l.img", "--size", "4G"]);
    const { size, blocks } = statSync("l.img");
    expect([exit, size, blocks * 512 < 2 ** 20]).toEqual([0, 2 ** 32, true]);
    const { out } = await hsx(["sd", "check", "l.img"]);
    expect(out.split("\n")[0]).toBe("l.img: sound; FAT32, workshop, version 1; 1 node, 1 image");
  });

  it("writes into the folder of a mounted card", async () => {
    mkdirSync("card", { recursive: true });
    const { exit } = await hsx(["sd", "make", "pumps.toml", "--to", "card"]);
    expect([exit, readdirSync("card").sort()]).toEqual([
      0,
      ["HSX.HXM", "HSX.TXT", "PUMP.HXE", "SUPPLY.HXE"],
    ]);
    expect((await hsx(["sd", "check", "card"])).out.split("\n")[0]).toBe(
      "card: sound; pump house, version 3; 3 nodes, 2 images",
    );
    renameSync("card/PUMP.HXE", "card/pump house.hxe");
    const { exit: bad, err } = await hsx(["sd", "check", "card"]);
    expect([bad, err.split("\n")[0]]).toEqual([
      5,
      "card: error: the card has no PUMP.HXE, only pump house.hxe: nodes see no long names",
    ]);
  });

  it.each([
    [["-o", "a.img", "--to", "b"], 2, "error: where to?"],
    [[], 2, "error: where to?"],
    [
      ["-o", "a.img", "--size", "1M"],
      2,
      "error: --size 1M: a card has 8M to 2T, in blocks of 512 bytes",
    ],
    [["-o", "a.img", "--fat", "12"], 2, "error: --fat 12: nodes read FAT16 and FAT32"],
    [["-o", "a.img", "--fat", "32"], 2, "error: there is no FAT32 of 16M"],
    [["-o", "pumps.img"], 1, "error: pumps.img exists already; nothing was changed"],
    [["-o", "/dev/null"], 1, "error: /dev/null is no file; nothing was written"],
    [["--to", "nowhere"], 3, "error: --to nowhere: there is no folder; nothing was written"],
    [
      ["--to", "pumps.img"],
      3,
      "error: --to pumps.img: it is a file, not the folder of a mounted card; nothing was written",
    ],
    [
      ["--to", "/dev/null"],
      3,
      "error: --to /dev/null: it is a device, not the folder of a mounted card; nothing was written",
    ],
  ] as [string[], number, string][])("refuses %j", async (args, code, told) => {
    const { exit, err } = await hsx(["sd", "make", "single.toml", ...args]);
    expect([exit, err.split("\n")[0]]).toEqual([code, told]);
    expect(err).toContain("remedy: ");
  });

  it("refuses a manifest that is wrong, and images that are not the locked ones", async () => {
    copyFileSync("single.toml", "locked.toml");
    writeFileSync("locked.lock", 'schema = 1\n[images."thermostat.hxe"]\nbytes = 1\ncrc = 0\n');
    const { exit, err } = await hsx(["sd", "make", "locked.toml", "-o", "locked.img"]);
    expect([exit, err.split(":").slice(0, 4).join(":")]).toEqual([5, "locked.toml:8:9: error"]);
    expect(readdirSync(".")).not.toContain("locked.img");
  });
});

describe("hsx sd check", () => {
  const options = { kib: 16384, bits: 16, clusterBlocks: 1 } as const;
  it("takes a card that somebody copied the files to", async () => {
    const files = filesOf("HSX.HXM", "PUMP.HXE", "SUPPLY.HXE");
    writeFileSync(
      "copied.img",
      makeCard(
        { ...options, partitionAt: 63 },
        { ...files, "notes of mine.txt": Uint8Array.of(1) },
      ),
    );
    expect((await hsx(["sd", "check", "copied.img"])).exit).toBe(0);
  });

  it.each([
    [
      "is blank",
      () => new Uint8Array(8 * 2 ** 20),
      "error: the card is not formatted: its first block has no signature",
    ],
    [
      "has no manifest",
      () => makeCard(options, filesOf("PUMP.HXE")),
      "error: the card has no HSX.HXM",
    ],
    [
      "has long names only",
      () => {
        const { "HSX.HXM": manifest = new Uint8Array() } = filesOf("HSX.HXM");
        return makeCard(options, { "my manifest.hxm": manifest });
      },
      "error: the card has no HSX.HXM; what it has is my manifest.hxm, and nodes see no long names",
    ],
    [
      "has an image under a long name",
      () => {
        const { "PUMP.HXE": pump = new Uint8Array(), ...files } = filesOf(
          "HSX.HXM",
          "SUPPLY.HXE",
          "PUMP.HXE",
        );
        return makeCard(options, { ...files, "pump-station.hxe": pump });
      },
      "error: the card has no PUMP.HXE, only pump-station.hxe, whose short name is PUMP-S~1.HXE: nodes see no long names",
    ],
    [
      "lacks an image",
      () => makeCard(options, filesOf("HSX.HXM", "SUPPLY.HXE")),
      "error: the card has no PUMP.HXE",
    ],
    [
      "has a damaged manifest",
      () =>
        makeCard(options, {
          "HSX.HXM": (filesOf("HSX.HXM")["HSX.HXM"] as Uint8Array).map(
            (b, n) => b ^ (n === 70 ? 1 : 0),
          ),
        }),
      "HSX.HXM:0x218: error: the sum over the manifest is wrong: it is damaged",
    ],
    [
      "has another image",
      () => {
        const { "PUMP.HXE": pump = new Uint8Array(), ...files } = filesOf(
          "HSX.HXM",
          "SUPPLY.HXE",
          "PUMP.HXE",
        );
        return makeCard(options, {
          ...files,
          "PUMP.HXE": pump.map((b, n) => b ^ (n === 100 ? 1 : 0)),
        });
      },
      /^error: PUMP\.HXE has the CRC 0x[\dA-F]{8}; the manifest names one of 0x[\dA-F]{8}$/,
    ],
    [
      "has a shorter image",
      () => {
        const { "PUMP.HXE": pump = new Uint8Array(), ...files } = filesOf(
          "HSX.HXM",
          "SUPPLY.HXE",
          "PUMP.HXE",
        );
        return makeCard(options, { ...files, "PUMP.HXE": pump.slice(0, -4) });
      },
      /^error: PUMP\.HXE has \d+ bytes; the manifest names one of \d+$/,
    ],
    [
      "has a chain that leaves the volume",
      () => {
        const view = new FatView(imageOf("pumps.img"), 2048);
        view.setEntry(view.startOf(view.find("HSX     HXM")), 0xffe0);
        return view.image;
      },
      /^error: the file system is damaged: HSX\.HXM goes on in cluster 65504/,
    ],
  ] as [string, () => Uint8Array, string | RegExp][])(
    "refuses a card that %s",
    async (_, make, told) => {
      const line = await checked(make());
      if (typeof told === "string") expect(line.replace("error: bad.img", "error")).toBe(told);
      else expect(line).toMatch(told);
    },
  );

  it("tells a card of another plant, and an older one", async () => {
    const with_ = (name: string) => hsx(["sd", "check", "pumps.img", "--manifest", name]);
    expect((await with_("pumps.toml")).exit).toBe(0);
    const other = await with_("single.toml");
    expect([other.exit, other.err.split("\n")[0]]).toEqual([
      5,
      "pumps.img: error: the card is of the plant pump house, not of workshop",
    ]);
    writeFileSync(
      "newer.toml",
      readFileSync("pumps.toml", "utf8").replace("version = 3", "version = 4"),
    );
    const older = await with_("newer.toml");
    expect([older.exit, older.err.split("\n")[0]]).toEqual([
      5,
      "pumps.img: error: the card has version 3 of the plant, which is at 4",
    ]);
  });

  it("says so when there is no card", async () => {
    const { exit, err } = await hsx(["sd", "check", "crad.img"]);
    expect([exit, err.split("\n")[0]]).toEqual([
      3,
      "error: cannot read crad.img: there is no such file",
    ]);
  });
});
