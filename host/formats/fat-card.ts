// A card written: a partition table, a FAT16 or FAT32 volume, files in its root under 8.3 names, each in one piece.

import * as F from "../../assembly/spec/fat.ts";
import {
  CLUSTER_FIRST,
  ENTRY_FIELDS,
  FAT32_CLUSTERS,
  type FatLayout,
  PARTITION_FIELDS,
  VOLUME_FIELDS,
  WIDE_FIELDS,
} from "./fat-layout.ts";
import { shortName } from "./fat-name.ts";
import { writeFields } from "./fields.ts";

/** A file of a card, `PUMP.HXE`. */
export interface CardFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}
/** Bytes of a card; all others are 0. */
export interface CardPiece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export const CARD_BYTES_MIN = 8 * 2 ** 20;
export const CARD_BYTES_MAX = 2 ** 41;
const BLOCK = F.BLOCK_BYTES;
/** Blocks before the volume: flash of cards is erased in units of which this is a multiple. */
const PARTITION_BLOCK = 2048;
/** Smaller cards are FAT16, as people and cameras format them. */
const WIDE_FROM = 512 * 2 ** 20;
const ROOT_ENTRIES = 512;
const RESERVED = { 16: 1, 32: 32 } as const;
const COPIES = 2;
const LABEL = "HSX        ";
/** Of entries: 1 January 1980, so that equal plants give equal cards. */
const DATE = 0x21;
const DATE_OFF = 24;
/** Partition types with block numbers instead of cylinders. */
const TYPES = { 16: 0x0e, 32: 0x0c } as const;
/** FAT32: where the count of free clusters lies, and the copy of the first block. */
const INFO_BLOCK = 1;
const COPY_BLOCK = 6;

// ---- Where things lie ----

function layoutOf(first: number, blocks: number, bits: 16 | 32, clusterBlocks: number): FatLayout {
  const rootBlocks = bits === 16 ? (ROOT_ENTRIES * F.ENTRY_BYTES) / BLOCK : 0;
  const table = first + RESERVED[bits];
  const perBlock = BLOCK / (bits / 8);
  const room = blocks - RESERVED[bits] - rootBlocks;
  // each block of a table stands for so many clusters, which take so many blocks besides the copies of the table
  const tableBlocks = Math.ceil((room / clusterBlocks + 2) / (perBlock + COPIES / clusterBlocks));
  const data = table + COPIES * tableBlocks + rootBlocks;
  const clusters = Math.floor((first + blocks - data) / clusterBlocks);
  const root = table + COPIES * tableBlocks;
  return {
    bits,
    first,
    blocks,
    clusterBlocks,
    copies: COPIES,
    table,
    tableBlocks,
    root,
    rootBlocks,
    data,
    clusters,
  };
}

/** True for a number of clusters that every system takes for the same kind, away from the limits. */
function isKind({ bits, clusters }: FatLayout): boolean {
  const margin = 16;
  return bits === 16
    ? clusters >= F.FAT12_CLUSTERS + margin && clusters < FAT32_CLUSTERS - margin
    : clusters >= FAT32_CLUSTERS + margin && clusters < F.FAT_LIMIT - margin;
}

/** Where everything lies on a card of so many bytes; undefined: there is no such volume. `bits`: by default what people format such a card as. */
export function cardLayout(
  bytes: number,
  bits: 16 | 32 = bytes < WIDE_FROM ? 16 : 32,
): FatLayout | undefined {
  const blocks = Math.floor(bytes / BLOCK) - PARTITION_BLOCK;
  const sizes = [1, 2, 4, 8, 16, 32, 64].map((size) =>
    layoutOf(PARTITION_BLOCK, blocks, bits, size),
  );
  const fit = sizes.filter(isKind);
  // FAT32: 4 KiB from 512 MiB on, larger ones so that tables stay below some 16 MiB
  const wanted = fit.find((l) => bits === 16 || (l.clusterBlocks >= 8 && l.tableBlocks <= 32768));
  return wanted ?? fit.at(bits === 16 ? 0 : -1);
}

// ---- Blocks ----

function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

/** The partition table: one partition, all of the card. */
function partitionTable({ bits, first, blocks }: FatLayout): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const view = new DataView(block.buffer);
  writeFields(block, F.MBR_TABLE_OFF, PARTITION_FIELDS, { type: TYPES[bits], first, blocks });
  // cylinders, heads and sectors that say "look at the block numbers"
  block.set([0xfe, 0xff, 0xff], F.MBR_TABLE_OFF + 1);
  block.set([0xfe, 0xff, 0xff], F.MBR_TABLE_OFF + 5);
  view.setUint16(F.FAT_SIGNATURE_OFF, F.FAT_SIGNATURE, true);
  return block;
}

/** The first block of the volume. */
function firstBlock(layout: FatLayout, serial: number): Uint8Array {
  const { bits, first, blocks, clusterBlocks, tableBlocks } = layout;
  const isWide = bits === 32;
  const block = new Uint8Array(BLOCK);
  const view = new DataView(block.buffer);
  block.set(isWide ? [0xeb, 0x58, 0x90] : [0xeb, 0x3c, 0x90]);
  const isShort = !isWide && blocks < 0x10000;
  writeFields(block, 0, VOLUME_FIELDS, {
    name: ascii("MSWIN4.1"), // what readers are known to take
    blockBytes: BLOCK,
    clusterBlocks,
    reserved: RESERVED[bits],
    copies: COPIES,
    rootEntries: isWide ? 0 : ROOT_ENTRIES,
    length16: isShort ? blocks : 0,
    media: 0xf8,
    tableBlocks16: isWide ? 0 : tableBlocks,
    length32: isShort ? 0 : blocks,
    signature: F.FAT_SIGNATURE,
  });
  view.setUint16(24, 63, true); // sectors a track
  view.setUint16(26, 255, true); // heads
  view.setUint32(28, first, true);
  if (isWide) {
    writeFields(block, 0, WIDE_FIELDS, {
      tableBlocks32: tableBlocks,
      flags: 0,
      rootCluster: CLUSTER_FIRST,
    });
    view.setUint16(48, INFO_BLOCK, true);
    view.setUint16(50, COPY_BLOCK, true);
  }
  const tail = isWide ? 64 : 36;
  block[tail] = 0x80; // the drive
  block[tail + 2] = 0x29; // serial number, label and kind follow
  view.setUint32(tail + 3, serial, true);
  block.set(ascii(LABEL), tail + 7);
  block.set(ascii(isWide ? "FAT32   " : "FAT16   "), tail + 18);
  return block;
}

/** FAT32: how many clusters are free, and where to look for one. */
function infoBlock(free: number, next: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const view = new DataView(block.buffer);
  view.setUint32(0, 0x41615252, true);
  view.setUint32(484, 0x61417272, true);
  view.setUint32(488, free, true);
  view.setUint32(492, next, true);
  view.setUint32(508, 0xaa550000, true);
  return block;
}

/** The table up to the last cluster in use: each chain is one piece. */
function table({ bits }: FatLayout, chains: readonly number[]): Uint8Array {
  const end = bits === 16 ? 0xffff : F.FAT_MASK;
  const entries = [end - 7, end]; // the first two stand for no cluster: the medium, and that all is well
  for (const clusters of chains)
    for (let n = 1; n <= clusters; n++) entries.push(n === clusters ? end : entries.length + 1);
  const bytes = new Uint8Array(Math.ceil((entries.length * bits) / 8 / BLOCK) * BLOCK);
  const view = new DataView(bytes.buffer);
  entries.forEach((entry, n) => {
    if (bits === 16) view.setUint16(2 * n, entry, true);
    else view.setUint32(4 * n, entry, true);
  });
  return bytes;
}

function entry(name: Uint8Array, attributes: number, cluster: number, bytes: number): Uint8Array {
  const record = new Uint8Array(F.ENTRY_BYTES);
  const [high, low] = [cluster >>> 16, cluster & 0xffff];
  writeFields(record, 0, ENTRY_FIELDS, { name, attributes, high, low, bytes });
  new DataView(record.buffer).setUint16(DATE_OFF, DATE, true);
  return record;
}

// ---- A card ----

/** The pieces of a card with these files; `serial` is what systems tell cards apart by. Undefined: they do not fit. */
export function layCard(
  layout: FatLayout,
  files: readonly CardFile[],
  serial: number,
): CardPiece[] | undefined {
  const clusterBytes = layout.clusterBlocks * BLOCK;
  const isWide = layout.bits === 32;
  const rootBytes = (files.length + 1) * F.ENTRY_BYTES;
  const rootClusters = isWide ? Math.ceil(rootBytes / clusterBytes) : 0;
  const sizes = files.map(({ bytes }) => Math.ceil(bytes.length / clusterBytes));
  const used = sizes.reduce((sum, n) => sum + n, rootClusters);
  if (used > layout.clusters || (!isWide && files.length >= ROOT_ENTRIES)) return undefined;

  const pieces: CardPiece[] = [];
  const put = (block: number, bytes: Uint8Array) => pieces.push({ at: block * BLOCK, bytes });
  const blockOf = (cluster: number) =>
    layout.data + (cluster - CLUSTER_FIRST) * layout.clusterBlocks;
  const entries = [entry(ascii(LABEL), 0x08, 0, 0)];
  let cluster = CLUSTER_FIRST + rootClusters;
  files.forEach(({ name, bytes }, n) => {
    const size = sizes[n] as number;
    entries.push(entry(shortName(name), 0x20, size === 0 ? 0 : cluster, bytes.length));
    if (size > 0) put(blockOf(cluster), bytes);
    cluster += size;
  });
  put(0, partitionTable(layout));
  const first = firstBlock(layout, serial);
  put(layout.first, first);
  if (isWide) {
    const info = infoBlock(layout.clusters - used, cluster);
    put(layout.first + INFO_BLOCK, info);
    put(layout.first + COPY_BLOCK, first);
    put(layout.first + COPY_BLOCK + INFO_BLOCK, info);
  }
  const chains = table(layout, [rootClusters, ...sizes]);
  for (let copy = 0; copy < layout.copies; copy++)
    put(layout.table + copy * layout.tableBlocks, chains);
  put(isWide ? blockOf(CLUSTER_FIRST) : layout.root, Uint8Array.from(Buffer.concat(entries)));
  return pieces;
}
