// Cards written: taken by fsck.fat and mtools of Debian, and by our reader; cards of theirs read; bad ones told by name.

import { describe, expect, it } from "vitest";
import {
  CARD_BYTES_MAX,
  type CardFile,
  cardLayout,
  layCard,
} from "../../../host/formats/fat-card.ts";
import { FatCard } from "../../../host/formats/fat-reader.ts";
import { checkCard, FatView, makeCard, readBack } from "../../drivers/card-image.ts";

const MIB = 2 ** 20;
const bytesOf = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, n) => (n * 31 + (n >> 8) * 7 + seed) & 0xff);
const FILES: readonly CardFile[] = [
  { name: "PUMP.HXE", bytes: bytesOf(8269, 1) },
  { name: "EMPTY.BIN", bytes: new Uint8Array(0) },
  { name: "HSX.HXM", bytes: bytesOf(512, 2) },
];

function cardOf(bytes: number, bits?: 16 | 32): Uint8Array {
  const layout = cardLayout(bytes, bits);
  const pieces = layout && layCard(layout, FILES, 0x12345678);
  const card = new Uint8Array(bytes);
  for (const piece of pieces ?? []) card.set(piece.bytes, piece.at);
  return card;
}
function open(card: Uint8Array): FatCard {
  return new FatCard((at, length) => card.subarray(at, at + length), card.length);
}
function mistakeOf(card: Uint8Array): string {
  try {
    const fat = open(card);
    const files = fat.files();
    fat.checkShared(files);
    for (const file of files) fat.readFile(file);
    return "nothing";
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
}

describe("a card that is written", () => {
  it.each([
    ["8 MiB, FAT16", 8 * MIB, undefined, 16],
    ["16 MiB, FAT16", 16 * MIB, undefined, 16],
    ["40 MiB, FAT32", 40 * MIB, 32, 32],
  ] as const)("is sound to fsck.fat and read by mtools: %s", (_, bytes, bits, told) => {
    const card = cardOf(bytes, bits);
    expect(() => checkCard(card.slice(2048 * 512))).not.toThrow();
    for (const { name, bytes } of FILES.filter((f) => f.bytes.length > 0))
      expect(Buffer.compare(readBack(card, name, 2048), bytes)).toBe(0);
    const fat = open(card);
    expect(fat.layout.bits).toBe(told);
    const files = fat.files();
    expect(files.map(({ name, longName, bytes }) => [name, longName, bytes])).toEqual([
      ["PUMP.HXE", undefined, 8269],
      ["EMPTY.BIN", undefined, 0],
      ["HSX.HXM", undefined, 512],
    ]);
    files.forEach((file, n) => {
      expect(fat.readFile(file)).toEqual(FILES[n]?.bytes);
    });
  });

  it("is FAT16 below 512 MiB and FAT32 from there on, up to 2 TiB", () => {
    const kinds = [8, 64, 511, 512, 4096, 32768, 2 ** 20].map((mib) => {
      const { bits = 0, clusterBlocks = 0 } = cardLayout(mib * MIB) ?? {};
      return [mib, bits, clusterBlocks * 512];
    });
    expect(kinds).toEqual([
      [8, 16, 512],
      [64, 16, 1024],
      [511, 16, 8192],
      [512, 32, 4096],
      [4096, 32, 4096],
      [32768, 32, 8192],
      [2 ** 20, 32, 32768],
    ]);
    const { first = 0, blocks = 0 } = cardLayout(CARD_BYTES_MAX) ?? {};
    expect(first + blocks).toBe(2 ** 32);
  });

  it("is the same for the same files, and not there when they do not fit", () => {
    expect(Buffer.compare(cardOf(8 * MIB), cardOf(8 * MIB))).toBe(0);
    const layout = cardLayout(8 * MIB);
    const large = { name: "A.BIN", bytes: new Uint8Array(8 * MIB) };
    expect(layout && layCard(layout, [large], 0)).toBeUndefined();
    expect(cardLayout(8 * MIB, 32)).toBeUndefined();
  });
});

describe("a card that others wrote", () => {
  it.each([
    ["FAT16 without partitions", { kib: 16384, bits: 16, clusterBlocks: 1 }],
    ["FAT16 with a partition table", { kib: 16384, bits: 16, partitionAt: 63 }],
    ["FAT32", { kib: 40960, bits: 32, clusterBlocks: 1 }],
  ] as const)("is read: %s", (_, options) => {
    const card = makeCard(options, {
      "PUMP.HXE": bytesOf(3000, 3),
      "pump station.hxe": bytesOf(100, 4),
    });
    const fat = open(card);
    const files = fat.files();
    expect(files.map(({ name, longName }) => [name, longName])).toEqual([
      ["PUMP.HXE", undefined],
      ["PUMPST~1.HXE", "pump station.hxe"],
    ]);
    expect(fat.readFile(files[0] as (typeof files)[number])).toEqual(bytesOf(3000, 3));
  });

  it("is read when a file lies in pieces, backwards", () => {
    const card = makeCard(
      { kib: 16384, bits: 16, clusterBlocks: 1 },
      { "PUMP.HXE": bytesOf(3000, 3) },
    );
    new FatView(card).scatter("PUMP    HXE", (free, n) =>
      free
        .slice(0, 2 * n)
        .filter((_, i) => i % 2 === 0)
        .reverse(),
    );
    const fat = open(card);
    expect(fat.readFile(fat.files()[0] as never)).toEqual(bytesOf(3000, 3));
  });
});

describe("a bad card is told by name", () => {
  const good = () => cardOf(8 * MIB);
  const volume = 2048 * 512;
  const view = () => {
    const card = good();
    return new FatView(card, 2048);
  };
  const with8 = (text: string) => {
    const card = good();
    card.set(Buffer.from(text), volume + 3);
    return card;
  };
  it.each([
    ["empty", () => new Uint8Array(0), "not-formatted: the card is not formatted: it has 0 bytes"],
    [
      "blank",
      () => new Uint8Array(8 * MIB),
      "not-formatted: the card is not formatted: its first block has no signature",
    ],
    [
      "without partitions",
      () => good().fill(0, 446, 510),
      "not-formatted: the card is not formatted: its partition table is empty",
    ],
    [
      "GPT",
      () => good().fill(0xee, 450, 451),
      "gpt: the card has a GPT partition table; nodes read the older MBR",
    ],
    [
      "exFAT",
      () => with8("EXFAT   "),
      "exfat: the card is formatted as exFAT, which no node reads",
    ],
    ["NTFS", () => with8("NTFS    "), "ntfs: the card is formatted as NTFS, which no node reads"],
    [
      "FAT12",
      () => makeCard({ kib: 2048, bits: 12 }),
      "fat12: the card is formatted as FAT12, which no node reads",
    ],
    [
      "sectors of 1,024 bytes",
      () => makeCard({ kib: 65536, bits: 16, sectorBytes: 1024 }),
      "block-size: the volume has sectors of 1024 bytes; nodes read those of 512",
    ],
    [
      "half of it",
      () => good().slice(0, 4 * MIB),
      "damaged-fat: the file system is damaged: the volume ends with block 16384, and the card with 8192",
    ],
    [
      "a cluster of no size",
      () => good().fill(0, volume + 13, volume + 14),
      "damaged-fat: the file system is damaged: its first block says what cannot be",
    ],
  ])("%s", (_, make, told) => {
    expect(mistakeOf(make())).toBe(told);
  });

  it("whose chain leaves the volume, runs in a circle, ends early, or differs in the second table", () => {
    const spoil = (change: (v: FatView, first: number) => void) => {
      const v = view();
      change(v, v.startOf(v.find("PUMP    HXE")));
      return mistakeOf(v.image);
    };
    expect(spoil((v, c) => v.setEntry(c, 0xfff0))).toMatch(
      /^damaged-fat: .*PUMP\.HXE goes on in cluster 65520/,
    );
    expect(spoil((v, c) => v.setEntry(c, 0))).toMatch(
      /^damaged-fat: .*PUMP\.HXE goes on in cluster 0/,
    );
    expect(spoil((v, c) => v.setEntry(c + 3, c))).toMatch(/^damaged-fat: .*runs in a circle/);
    expect(spoil((v, c) => v.setEntry(c + 3, 0xffff))).toMatch(
      /^damaged-fat: .*PUMP\.HXE has 4 clusters, and its length takes 17/,
    );
    expect(spoil((v, c) => v.view.setUint16(v.table + v.tableBytes + 2 * c, 9, true))).toMatch(
      /^damaged-fat: .*the two tables differ about cluster 2/,
    );
    expect(spoil((v, c) => v.setStart(v.find("HSX     HXM"), c + 16))).toMatch(
      /^damaged-fat: .*PUMP\.HXE and HSX\.HXM both have cluster 18/,
    );
  });

  it("whatever byte of its first blocks is changed: nothing worse than a mistake by name", () => {
    const card = good();
    const told = new Set<string>();
    for (let n = 0; n < 512; n++) {
      for (const at of [n, volume + n, volume + 512 + n]) {
        const was = card[at] as number;
        card[at] = was ^ 0xff;
        told.add(mistakeOf(card).split(":")[0] ?? "");
        card[at] = was;
      }
    }
    // what the first bytes of a volume say, or nothing that counts
    expect([...told].sort()).toEqual(["block-size", "damaged-fat", "not-formatted", "nothing"]);
  });
});
