// A card read: its volume, the files of its root, and what is wrong with them, by name. Strict where a node is strict.

import * as F from "../../assembly/spec/fat.ts";
import {
  CLUSTER_FIRST,
  ENTRY_FIELDS,
  type FatLayout,
  PARTITION_FIELDS,
  VOLUME_FIELDS,
  WIDE_FIELDS,
} from "./fat-layout.ts";
import { fileOf } from "./fat-name.ts";
import { readFields } from "./fields.ts";
import { plural } from "./text.ts";

/** What is wrong with a card. */
export class CardMistake extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}
/** Bytes of a card from an offset on; fewer at its end. */
export type ReadCard = (at: number, bytes: number) => Uint8Array;

/** A file in the root. */
export interface CardEntry {
  /** `PUMP.HXE` */
  readonly name: string;
  /** Undefined: it has the short one only. */
  readonly longName: string | undefined;
  readonly cluster: number;
  readonly bytes: number;
}

const BLOCK = F.BLOCK_BYTES;
const ROOT_BYTES_MAX = F.ROOT_BLOCKS_MAX * BLOCK;
const LONG_NAME = 0x0f;
const GPT_TYPE = 0xee;
const FORMAT = "format it as FAT32, or FAT16 up to 2 GB, or write one: hsx sd make";
const AGAIN = "copy what is on it elsewhere, format it and make it again: hsx sd make";

function unformatted(why: string): CardMistake {
  return new CardMistake("not-formatted", `the card is not formatted: ${why}`, FORMAT);
}
function damaged(why: string): CardMistake {
  return new CardMistake("damaged-fat", `the file system is damaged: ${why}`, AGAIN);
}

/** Names that a first block has of file systems that are not FAT. */
const FOREIGN: readonly (readonly [text: string, code: string, name: string])[] = [
  ["EXFAT   ", "exfat", "exFAT"],
  ["NTFS    ", "ntfs", "NTFS"],
];

function isVolume(block: Uint8Array): boolean {
  return block[0] === 0xeb || block[0] === 0xe9;
}

/** The first block of the volume: that of the card, or of the partition a node would take. */
function findVolume(read: ReadCard): { first: number; block: Uint8Array } {
  const block = read(0, BLOCK);
  if (block.length < BLOCK) throw unformatted(`it has ${plural(block.length, "byte")}`);
  if (readFields(block, 0, VOLUME_FIELDS).signature !== F.FAT_SIGNATURE)
    throw unformatted("its first block has no signature");
  if (isVolume(block)) return { first: 0, block };
  const entries = Array.from({ length: F.MBR_ENTRIES }, (_, n) =>
    readFields(block, F.MBR_TABLE_OFF + n * F.MBR_ENTRY_BYTES, PARTITION_FIELDS),
  ).filter(({ type, blocks }) => type !== 0 && blocks > 0);
  const isFat = ({ type }: { type: number }) => type < 32 && ((F.MBR_FAT_TYPES >>> type) & 1) === 1;
  const partition = entries.find(isFat) ?? entries[0];
  if (partition === undefined) throw unformatted("its partition table is empty");
  if (partition.type === GPT_TYPE)
    throw new CardMistake(
      "gpt",
      "the card has a GPT partition table; nodes read the older MBR",
      FORMAT,
    );
  const inner = read(partition.first * BLOCK, BLOCK);
  if (inner.length < BLOCK) throw damaged("its partition begins behind the end of the card");
  return { first: partition.first, block: inner };
}

/** Where the parts of the volume lie, each inside the card. */
function layoutOf(first: number, block: Uint8Array, cardBlocks: number): FatLayout {
  const v = { ...readFields(block, 0, VOLUME_FIELDS), ...readFields(block, 0, WIDE_FIELDS) };
  const foreign = FOREIGN.find(([text]) => Buffer.from(v.name).toString("latin1") === text);
  if (foreign !== undefined)
    throw new CardMistake(
      foreign[1],
      `the card is formatted as ${foreign[2]}, which no node reads`,
      FORMAT,
    );
  if (v.signature !== F.FAT_SIGNATURE || !isVolume(block))
    throw unformatted("its partition holds no volume");
  if (v.blockBytes !== BLOCK)
    throw new CardMistake(
      "block-size",
      `the volume has sectors of ${v.blockBytes} bytes; nodes read those of ${BLOCK}`,
      FORMAT,
    );
  const size = v.clusterBlocks;
  if (size === 0 || (size & (size - 1)) !== 0 || v.copies < 1 || v.copies > 2 || v.reserved === 0)
    throw damaged("its first block says what cannot be");
  const isWide = v.tableBlocks16 === 0;
  const tableBlocks = isWide ? v.tableBlocks32 : v.tableBlocks16;
  const blocks = v.length16 || v.length32;
  const rootBlocks = Math.ceil((v.rootEntries * F.ENTRY_BYTES) / BLOCK);
  const table = first + v.reserved;
  const root = table + v.copies * tableBlocks;
  const data = root + rootBlocks;
  const clusters = Math.floor((first + blocks - data) / size);
  if (clusters < 1 || first + blocks > 2 ** 32) throw damaged("its parts do not fit the volume");
  if (!isWide && clusters < F.FAT12_CLUSTERS)
    throw new CardMistake("fat12", "the card is formatted as FAT12, which no node reads", FORMAT);
  const bits = isWide ? 32 : 16;
  if (
    (tableBlocks * BLOCK * 8) / bits < clusters + CLUSTER_FIRST ||
    clusters >= F.FAT_LIMIT - CLUSTER_FIRST
  )
    throw damaged("its table has no entry for each cluster");
  if (first + blocks > cardBlocks)
    throw damaged(`the volume ends with block ${first + blocks}, and the card with ${cardBlocks}`);
  const isSingle = isWide && (v.flags & F.FAT_FLAGS_SINGLE) !== 0;
  const active = isSingle ? (v.flags & 15) * tableBlocks : 0;
  if (active >= v.copies * tableBlocks) throw damaged("the table it names is not there");
  const places = { table: table + active, tableBlocks, root: isWide ? v.rootCluster : root };
  return {
    bits,
    first,
    blocks,
    clusterBlocks: size,
    copies: isSingle ? 1 : v.copies,
    ...places,
    rootBlocks,
    data,
    clusters,
  };
}

/** A card with a volume that nodes read. */
export class FatCard {
  readonly layout: FatLayout;
  private readonly blocks = new Map<number, Uint8Array>();

  /** Throws a CardMistake. `bytes`: of the card. */
  constructor(
    private readonly read: ReadCard,
    bytes: number,
  ) {
    const { first, block } = findVolume(read);
    this.layout = layoutOf(first, block, Math.floor(bytes / BLOCK));
  }

  get clusterBytes(): number {
    return this.layout.clusterBlocks * BLOCK;
  }

  private block(n: number): Uint8Array {
    const known = this.blocks.get(n);
    if (known !== undefined) return known;
    const bytes = this.read(n * BLOCK, BLOCK);
    if (bytes.length < BLOCK) throw damaged(`block ${n} is not there`);
    this.blocks.set(n, bytes);
    return bytes;
  }

  /** The entry of a cluster in copy `copy` of the table. */
  private next(cluster: number, copy = 0): number {
    const width = this.layout.bits / 8;
    const at = cluster * width;
    const block = this.block(
      this.layout.table + copy * this.layout.tableBlocks + Math.floor(at / BLOCK),
    );
    const view = new DataView(block.buffer, block.byteOffset);
    return width === 2
      ? view.getUint16(at % BLOCK, true)
      : view.getUint32(at % BLOCK, true) & F.FAT_MASK;
  }
  private isEnd(next: number): boolean {
    return next >= (this.layout.bits === 16 ? F.FAT_END16 : F.FAT_END32);
  }

  /** The clusters from one on, at most `most` of them; undefined: to their end. */
  private chain(first: number, what: string, need?: number): number[] {
    const { clusters, copies } = this.layout;
    const chain: number[] = [];
    for (let cluster = first; ; cluster = this.next(cluster)) {
      if (this.isEnd(cluster) && chain.length > 0) break;
      if (cluster < CLUSTER_FIRST || cluster >= clusters + CLUSTER_FIRST)
        throw damaged(`${what} goes on in cluster ${cluster}, and there are ${clusters}`);
      if (chain.length > (need ?? ROOT_BYTES_MAX / BLOCK))
        throw damaged(`${what} has more clusters than its length takes, or runs in a circle`);
      if (copies > 1 && this.next(cluster) !== this.next(cluster, 1))
        throw damaged(`the two tables differ about cluster ${cluster}, of ${what}`);
      chain.push(cluster);
    }
    if (need !== undefined && chain.length !== need)
      throw damaged(`${what} has ${plural(chain.length, "cluster")}, and its length takes ${need}`);
    return chain;
  }
  private clusterAt(cluster: number): Uint8Array {
    const block = this.layout.data + (cluster - CLUSTER_FIRST) * this.layout.clusterBlocks;
    const bytes = this.read(block * BLOCK, this.clusterBytes);
    if (bytes.length < this.clusterBytes) throw damaged(`cluster ${cluster} is not there`);
    return bytes;
  }

  private rootBytes(): Uint8Array {
    const { bits, root, rootBlocks } = this.layout;
    if (bits === 16) return this.read(root * BLOCK, Math.min(rootBlocks * BLOCK, ROOT_BYTES_MAX));
    const chain = this.chain(root, "the root");
    return Uint8Array.from(Buffer.concat(chain.map((cluster) => this.clusterAt(cluster))));
  }

  /** The files of the root. Throws a CardMistake. */
  files(): CardEntry[] {
    const bytes = this.rootBytes();
    const files: CardEntry[] = [];
    let long = "";
    for (let at = 0; at + F.ENTRY_BYTES <= bytes.length && bytes[at] !== 0; at += F.ENTRY_BYTES) {
      const entry = readFields(bytes, at, ENTRY_FIELDS);
      const isLong = entry.attributes === LONG_NAME;
      const isDeleted = entry.name[0] === F.ENTRY_DELETED;
      if (isLong && !isDeleted) {
        long = longPiece(bytes.subarray(at, at + F.ENTRY_BYTES)) + long;
        continue;
      }
      if (!isDeleted && (entry.attributes & F.ENTRY_NO_FILE) === 0) {
        const cluster = entry.low + (this.layout.bits === 32 ? entry.high * 65536 : 0);
        const name = fileOf(entry.name);
        files.push({ name, longName: long === "" ? undefined : long, cluster, bytes: entry.bytes });
      }
      long = "";
    }
    return files;
  }

  /** The bytes of a file. Throws a CardMistake. */
  readFile({ name, cluster, bytes }: CardEntry): Uint8Array {
    if (bytes === 0) return new Uint8Array(0);
    const need = Math.ceil(bytes / this.clusterBytes);
    if (need > this.layout.clusters) throw damaged(`${name} is longer than the volume`);
    const pieces = this.chain(cluster, name, need).map((c) => this.clusterAt(c));
    return Uint8Array.from(Buffer.concat(pieces).subarray(0, bytes));
  }

  /** Throws a CardMistake when two files have a cluster in common. */
  checkShared(files: readonly CardEntry[]): void {
    const owners = new Map<number, string>();
    for (const { name, cluster, bytes } of files) {
      const need = Math.ceil(bytes / this.clusterBytes);
      for (const c of need === 0 ? [] : this.chain(cluster, name, need)) {
        const other = owners.get(c);
        if (other !== undefined) throw damaged(`${other} and ${name} both have cluster ${c}`);
        owners.set(c, name);
      }
    }
  }
}

/** Where an entry has the 13 characters of its piece of a long name. */
const LONG_PLACES = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
function longPiece(entry: Uint8Array): string {
  const view = new DataView(entry.buffer, entry.byteOffset);
  const codes = LONG_PLACES.map((at) => view.getUint16(at, true));
  const end = codes.findIndex((code) => code === 0 || code === 0xffff);
  return String.fromCharCode(...(end < 0 ? codes : codes.slice(0, end)));
}
