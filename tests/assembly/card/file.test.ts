// The card's file system: cards as Debian's tools make them, worn and damaged ones, and what is told of others.

import { describe, expect, it } from "vitest";
import { Err } from "../../../assembly/spec/errors.ts";
import { checkCard, FatView, makeCard, readBack } from "../../drivers/card-image.ts";
import { type CardModel, CardRig } from "../../drivers/card-rig.ts";
import { Random } from "../../oracle/random.ts";

const APP = "APP     HXE";
const LAST = "LAST    BIN";
const MIB = 1024;

function noise(bytes: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: bytes }, () => random.below(256));
}
const APP_BYTES = noise(8192 + 77, 1);
const FILES = { "APP.HXE": APP_BYTES, "LAST.BIN": noise(513, 2) };

const rig = await CardRig.open();
const card16 = makeCard({ kib: 8 * MIB, bits: 16, clusterBlocks: 1 }, FILES);
const card32 = makeCard({ kib: 34 * MIB, bits: 32, clusterBlocks: 1 }, FILES);

/** A view of a copy of a card, to spoil. */
const spoil = (card: Uint8Array) => new FatView(card.slice());

describe("cards that are taken", () => {
  it.each([
    ["FAT16, 8 MB", { kib: 8 * MIB, bits: 16, clusterBlocks: 1 }],
    ["FAT16, one block a cluster", { kib: 16 * MIB, bits: 16, clusterBlocks: 1 }],
    ["FAT16, 32 KiB a cluster", { kib: 256 * MIB, bits: 16, clusterBlocks: 64 }],
    ["FAT16 in a partition", { kib: 16 * MIB, bits: 16, partitionAt: 2048 }],
    ["FAT32", { kib: 34 * MIB, bits: 32, clusterBlocks: 1 }],
    ["FAT32, two blocks a cluster", { kib: 68 * MIB, bits: 32, clusterBlocks: 2 }],
    ["FAT32 in a partition", { kib: 64 * MIB, bits: 32, partitionAt: 8192 }],
  ] as const)(
    "%s",
    (_, options) => {
      const card = makeCard(options, FILES);
      expect(rig.readAll(card, APP)).toEqual(APP_BYTES);
      expect(rig.readAll(card, LAST)).toEqual(FILES["LAST.BIN"]);
      expect(rig.readsOfPoll).toBe(1);
      rig.end();
    },
    20_000,
  );

  it("gives the memory for the block back", () => {
    const before = rig.probe.granules();
    expect(rig.begin(card16, APP)).toBe(Err.OK);
    expect(rig.probe.granules() - before).toBe((4 + 512 + 60 + 64) / 4);
    rig.end();
    expect(rig.probe.granules()).toBe(before);
    expect(rig.probe.cardIsOpen()).toBe(0);
  });

  it("reads a file in one piece with one look at the FAT for 64 clusters", () => {
    rig.readAll(card16, APP);
    // volume, root, 17 blocks of data, the FAT once for the 16 hops between them
    expect(rig.reads.length).toBe(1 + 1 + 17 + 1);
  });

  it("reads from any place of a file, forwards and backwards", () => {
    expect(rig.begin(card32, APP)).toBe(Err.OK);
    expect(rig.size).toBe(8269);
    for (const at of [5000, 512, 511, 8268, 0, 8269, 9000]) {
      expect(rig.bytes(at, 300)).toEqual(APP_BYTES.slice(at, at + 300));
    }
  });

  it("finds a file behind a thousand others, and behind deleted ones", () => {
    const card = spoil(card32);
    const entry = card.image.slice(card.find(APP), card.find(APP) + 32);
    // a root of 100 clusters, full of deleted files; ours is the last
    const start = 5000;
    for (let n = 0; n < 100; n++) {
      card.setEntry(start + n, n === 99 ? 0x0fffffff : start + n + 1);
      for (let at = 0; at < 512; at += 32) card.image[card.place(start + n) + at] = 0xe5;
    }
    card.image.set(entry, card.place(start + 99) + 480);
    card.view.setUint32(44, start, true);
    expect(rig.readAll(card.image, APP)).toEqual(APP_BYTES);
  });

  it("takes the FAT that the volume says is in use", () => {
    const card = spoil(card32);
    card.view.setUint16(40, 0x81, true); // only the second is kept up
    card.image.fill(0xaa, card.table, card.table + card.tableBytes);
    expect(rig.readAll(card.image, APP)).toEqual(APP_BYTES);
  });

  it("reads blocks near the end of a card of 2 TB", () => {
    // a volume laid by hand: 128 blocks a cluster, from block 64 on, 2^32 - 65 blocks
    const first = new Uint8Array(512);
    const boot = new Uint8Array(512);
    const bootView = new DataView(boot.buffer);
    const tables = 262_144; // blocks: 2^25 entries of 4 bytes
    const mbr = new DataView(first.buffer);
    mbr.setUint8(446 + 4, 0x0c);
    mbr.setUint32(446 + 8, 64, true);
    mbr.setUint16(510, 0xaa55, true);
    boot.set([0xeb, 0x58, 0x90]);
    bootView.setUint16(11, 512, true);
    bootView.setUint8(13, 128);
    bootView.setUint16(14, 32, true);
    bootView.setUint8(16, 1);
    bootView.setUint8(21, 0xf8);
    bootView.setUint32(32, 2 ** 32 - 65, true);
    bootView.setUint32(36, tables, true);
    const root = 33_550_000;
    bootView.setUint32(44, root, true);
    bootView.setUint16(510, 0xaa55, true);
    const place = (cluster: number) => 64 + 32 + tables + (cluster - 2) * 128;
    const entries = new Uint8Array(512);
    entries.set(new TextEncoder().encode(APP));
    const entryView = new DataView(entries.buffer);
    entryView.setUint16(20, (root + 1) >>> 16, true);
    entryView.setUint16(26, (root + 1) & 0xffff, true);
    entryView.setUint32(28, 500, true);
    const blocks = new Map([
      [0, first],
      [64, boot],
      [place(root), entries],
      [place(root + 1), APP_BYTES.slice(0, 512)],
    ]);
    const card: CardModel = { blocks: 2 ** 32 - 1, read: (block) => blocks.get(block) ?? Err.IO };
    expect(place(root + 1)).toBe(4_294_662_112);
    expect(rig.readAll(card, APP)).toEqual(APP_BYTES.slice(0, 500));
  });
});

describe("files in pieces", () => {
  const orders = {
    backwards: (free: readonly number[], count: number) => free.slice(0, count).reverse(),
    "every second cluster": (free: readonly number[], count: number) =>
      free.filter((_, n) => n % 2 === 0).slice(0, count),
    "from both ends": (free: readonly number[], count: number) =>
      Array.from({ length: count }, (_, n) => free.at(n % 2 === 0 ? n : -1 - n) as number),
    anywhere: (free: readonly number[], count: number) => {
      const random = new Random(7);
      const pool = [...free];
      return Array.from({ length: count }, () => pool.splice(random.below(pool.length), 1)[0] ?? 0);
    },
  };
  for (const [bits, card] of [
    ["FAT16", card16],
    ["FAT32", card32],
  ] as const) {
    it.each(Object.entries(orders))(`${bits}, clusters %s`, (_, order) => {
      const worn = spoil(card);
      worn.scatter(APP, order);
      expect(readBack(worn.image, "APP.HXE")).toEqual(APP_BYTES);
      checkCard(worn.image);
      expect(rig.readAll(worn.image, APP)).toEqual(APP_BYTES);
      expect(rig.readsOfPoll).toBe(1);
    });
  }
});

describe("cards that are told", () => {
  it("says that there is none", () => {
    expect(rig.begin({ blocks: 0, read: () => Err.ABSENT }, APP)).toBe(Err.ABSENT);
  });
  it("says that a card has no file system", () => {
    expect(rig.begin(new Uint8Array(8 << 20), APP)).toBe(Err.CARD_BLANK);
    expect(rig.begin(noise(1 << 16, 3), APP)).toBe(Err.CARD_BLANK);
  });
  it("says that a partition has none", () => {
    const card = makeCard({ kib: 16 * MIB, bits: 16, partitionAt: 64 });
    card.fill(0, 64 * 512, 65 * 512);
    expect(rig.begin(card, APP)).toBe(Err.CARD_BLANK);
  });
  it("says FAT12", () => {
    const card = makeCard({ kib: 2 * MIB, bits: 12 }, FILES);
    expect(rig.begin(card, APP)).toBe(Err.CARD_FAT12);
  });
  it("says that sectors have another size than blocks", () => {
    const card = makeCard({ kib: 64 * MIB, bits: 16, sectorBytes: 2048 }, FILES);
    expect(rig.begin(card, APP)).toBe(Err.CARD_FORMAT);
  });
  // the first bytes of both: Microsoft's exFAT specification, 3.1; the NTFS boot sector
  it.each([
    ["exFAT", "EXFAT   ", Err.CARD_EXFAT],
    ["NTFS", "NTFS    ", Err.CARD_NTFS],
  ] as const)("says %s, alone and in a partition", (_, name, err) => {
    const card = new Uint8Array(1 << 20);
    const volume = new Uint8Array(512);
    volume.set([0xeb, 0x76, 0x90]);
    volume.set(new TextEncoder().encode(name), 3);
    volume.set([0x55, 0xaa], 510);
    card.set(volume);
    expect(rig.begin(card, APP)).toBe(err);
    card.fill(0);
    card.set(volume, 4 * 512);
    new DataView(card.buffer).setUint32(446 + 8, 4, true);
    card[446 + 4] = 7;
    card.set([0x55, 0xaa], 510);
    expect(rig.begin(card, APP)).toBe(err);
  });
  // a protective MBR and the block it points to: UEFI 2.10, 5.2.3 and 5.3.2
  it("says GPT, unless a partition of FAT is beside it", () => {
    const card = makeCard({ kib: 16 * MIB, bits: 16, partitionAt: 64 }, FILES);
    const view = new DataView(card.buffer);
    card[446 + 4] = 0xee;
    view.setUint32(446 + 8, 1, true);
    card.set(new TextEncoder().encode("EFI PART"), 512);
    expect(rig.readAll(card, APP)).toEqual(APP_BYTES);
    card[446 + 16 + 4] = 0;
    expect(rig.begin(card, APP)).toBe(Err.CARD_GPT);
  });
  it("says that the file is not there, also when it has a long name only", () => {
    const card = makeCard({ kib: 16 * MIB, bits: 16 }, { "application.hxe": APP_BYTES });
    expect(rig.begin(card, APP)).toBe(Err.CARD_NO_FILE);
    expect(rig.begin(card, "APPLIC~1HXE")).toBe(Err.OK);
  });
  it("does not take a directory or the label for the file", () => {
    const card = spoil(card16);
    card.image[card.find(APP) + 11] = 0x10;
    expect(rig.begin(card.image, APP)).toBe(Err.CARD_NO_FILE);
    card.image[card.find(APP) + 11] = 0x08;
    expect(rig.begin(card.image, APP)).toBe(Err.CARD_NO_FILE);
  });
});

describe("cards that are damaged", () => {
  it.each([
    ["a cluster that is free", 0],
    ["cluster 1", 1],
    ["a bad cluster", 0x0ffffff7],
    ["a cluster behind the last", 0x0ffff000],
  ])("refuses a chain that leads to %s", (_, next) => {
    for (const original of [card16, card32]) {
      const card = spoil(original);
      const chain = card.chain(card.find(APP));
      card.setEntry(chain[3] as number, card.isWide ? next : next & 0xffff);
      expect(rig.readAll(card.image, APP)).toBe(Err.CARD_DAMAGED);
    }
  });
  it("refuses a chain that ends before the file", () => {
    const card = spoil(card32);
    card.setEntry(card.chain(card.find(APP))[13] as number, 0x0fffffff);
    expect(rig.readAll(card.image, APP)).toBe(Err.CARD_DAMAGED);
  });
  it("reads a chain that runs in a circle no longer than the file", () => {
    const card = spoil(card16);
    const chain = card.chain(card.find(APP));
    card.setEntry(chain[1] as number, chain[0] as number);
    const bytes = rig.readAll(card.image, APP) as Uint8Array;
    expect(bytes.length).toBe(APP_BYTES.length);
    expect(bytes).not.toEqual(APP_BYTES);
  });
  it("looks through no more than 512 blocks of a root that runs in a circle", () => {
    const card = spoil(card32);
    card.setEntry(2, 3);
    card.setEntry(3, 2);
    for (const cluster of [2, 3]) {
      for (let at = 0; at < 512; at += 32) card.image[card.place(cluster) + at] = 0xe5;
    }
    expect(rig.begin(card.image, APP)).toBe(Err.CARD_NO_FILE);
    expect(rig.reads.length).toBeLessThan(1 + 512 + 512);
  });
  it.each([
    ["no reserved block", 14, 2, 0],
    ["a FAT too short", 22, 2, 1],
    ["more FATs than there are", 32, 4, 40],
  ])("refuses a volume with %s", (_, offset, size, value) => {
    const card = spoil(card16);
    if (offset === 32) card.view.setUint16(19, 0, true);
    if (size === 2) card.view.setUint16(offset, value, true);
    else card.view.setUint32(offset, value, true);
    expect(rig.begin(card.image, APP)).toBe(Err.CARD_DAMAGED);
  });
  it("refuses a volume that ends behind the card when it is read there", () => {
    const card = spoil(card16);
    const [, second = 0] = card.chain(card.find(APP));
    const cut = card.image.subarray(0, card.place(second));
    expect(rig.readAll(cut, APP)).toBe(Err.CARD_DAMAGED);
  });
  it("asks three times for a block that fails", () => {
    let fails = 2;
    const card: CardModel = {
      blocks: card16.length / 512,
      read: (block) => {
        if (block !== 0 || fails === 0) return card16.subarray(block * 512, block * 512 + 512);
        fails--;
        return Err.IO;
      },
    };
    expect(rig.readAll(card, APP)).toEqual(APP_BYTES);
    fails = 3;
    expect(rig.begin(card, APP)).toBe(Err.IO);
  });
  /** A card whose blocks of these FATs, 0 and 1, cannot be read. */
  const withBadFats = (card: Uint8Array, ...fats: number[]): CardModel => {
    const { table, tableBytes } = new FatView(card);
    const isBad = (at: number) => fats.includes(Math.floor((at - table) / tableBytes));
    return {
      blocks: card.length / 512,
      read: (block) =>
        isBad(block * 512) ? Err.IO : card.subarray(block * 512, block * 512 + 512),
    };
  };
  it.each([
    ["FAT16", card16],
    ["FAT32", card32],
  ])("reads the second FAT where a block of the first cannot be read, %s", (_, card) => {
    expect(rig.readAll(withBadFats(card, 0), APP)).toEqual(APP_BYTES);
    expect(rig.readAll(withBadFats(card, 0, 1), APP)).toBe(Err.IO);
  });
  it("goes back to the first FAT where a block of the second cannot be read", () => {
    // the first entries in the first block of the FAT, the others in its last ones
    const worn = spoil(card16);
    worn.scatter(APP, (free) => [...free.slice(0, 2), ...free.slice(-15)]);
    const { table, tableBytes, limit } = worn;
    const bad = new Set([table / 512, (table + tableBytes) / 512 + ((limit - 1) >>> 8)]);
    const { blocks, read } = withBadFats(worn.image);
    const card = { blocks, read: (block: number) => (bad.has(block) ? Err.IO : read(block)) };
    expect(rig.readAll(card, APP)).toEqual(APP_BYTES);
  });
  it("does not read a second FAT that there is not, or that is not kept up", () => {
    const single = makeCard({ kib: 8 * MIB, bits: 16, clusterBlocks: 1, copies: 1 }, FILES);
    expect(rig.readAll(withBadFats(single, 0), APP)).toBe(Err.IO);
    const { image, view } = spoil(card32);
    view.setUint16(40, 0x80, true);
    expect(rig.readAll(withBadFats(image, 0), APP)).toBe(Err.IO);
  });
  it("ends with what the card says when it is pulled out", () => {
    let left = 10;
    const card: CardModel = {
      blocks: card16.length / 512,
      read: (block) => (left-- > 0 ? card16.subarray(block * 512, block * 512 + 512) : Err.ABSENT),
    };
    expect(rig.readAll(card, APP)).toBe(Err.ABSENT);
  });
});
