// Cards for tests: images made by Debian's mkfs.fat and mtools, read back by them, and what a worn card looks like: files in pieces.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CardOptions {
  readonly kib: number;
  readonly bits: 12 | 16 | 32;
  /** Blocks of a cluster; mkfs.fat chooses where nothing is said. */
  readonly clusterBlocks?: number;
  /** Blocks before the volume: a partition table is the first of them. */
  readonly partitionAt?: number;
  /** Entries of the root, FAT16. */
  readonly rootEntries?: number;
  /** Bytes of a sector, 512 where nothing is said. */
  readonly sectorBytes?: number;
  /** FATs, 2 where nothing is said. */
  readonly copies?: number;
}
export type CardFiles = Readonly<Record<string, Uint8Array>>;

const BLOCK = 512;

/** Runs a tool that lies in sbin or bin. */
function run(tool: string, args: readonly string[]): Buffer {
  const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
  return execFileSync(tool, args, {
    env: { ...process.env, PATH, MTOOLS_SKIP_CHECK: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "hsx-card-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
/** An image as mtools names it. */
const at = (path: string, partitionAt = 0) => `${path}@@${partitionAt * BLOCK}`;

/** A formatted card with files in its root; a name with more than 8.3 characters becomes a long one. */
export function makeCard(options: CardOptions, files: CardFiles = {}): Uint8Array {
  return withFolder((folder) => {
    const path = join(folder, "card.img");
    const { kib, bits, partitionAt = 0, clusterBlocks, rootEntries } = options;
    const { sectorBytes, copies } = options;
    writeFileSync(path, "");
    truncateSync(path, kib * 1024 + partitionAt * BLOCK);
    const flags = [`-F${bits}`, "--offset", String(partitionAt), "-i", "48535801"];
    if (clusterBlocks !== undefined) flags.push("-s", String(clusterBlocks));
    if (rootEntries !== undefined) flags.push("-r", String(rootEntries));
    if (sectorBytes !== undefined) flags.push("-S", String(sectorBytes));
    if (copies !== undefined) flags.push("-f", String(copies));
    run("mkfs.fat", [...flags, path, String(kib)]);
    for (const [name, bytes] of Object.entries(files)) {
      writeFileSync(join(folder, "file"), bytes);
      run("mcopy", ["-i", at(path, partitionAt), join(folder, "file"), `::${name}`]);
    }
    const image = new Uint8Array(readFileSync(path));
    if (partitionAt !== 0) partition(image, partitionAt, bits);
    return image;
  });
}

/** The bytes of a file as mtools reads them. */
export function readBack(image: Uint8Array, name: string, partitionAt = 0): Uint8Array {
  return withFolder((folder) => {
    const path = join(folder, "card.img");
    writeFileSync(path, image);
    return new Uint8Array(run("mtype", ["-i", at(path, partitionAt), `::${name}`]));
  });
}
/** Throws when fsck.fat finds fault with a card without partitions. */
export function checkCard(image: Uint8Array): void {
  withFolder((folder) => {
    const path = join(folder, "card.img");
    writeFileSync(path, image);
    run("fsck.fat", ["-n", path]);
  });
}

/** Lays a partition table over the first block, with one partition of a type of FAT in its second entry. */
function partition(image: Uint8Array, first: number, bits: number): void {
  const view = new DataView(image.buffer);
  const entry = 446 + 16;
  view.setUint8(entry + 4, bits === 32 ? 0x0c : 0x06);
  view.setUint32(entry + 8, first, true);
  view.setUint32(entry + 12, image.length / BLOCK - first, true);
  view.setUint16(510, 0xaa55, true);
}

// ---- The file system, for those who spoil it ----

/** Places of a volume in the bytes of a card. */
export class FatView {
  readonly image: Uint8Array;
  readonly view: DataView;
  /** Offsets in bytes. */
  readonly table: number;
  readonly root: number;
  readonly data: number;
  readonly clusterBytes: number;
  readonly isWide: boolean;
  readonly tableBytes: number;
  readonly copies: number;
  /** The first number that no cluster has. */
  readonly limit: number;

  constructor(image: Uint8Array, first = 0) {
    this.image = image;
    this.view = new DataView(image.buffer, image.byteOffset, image.length);
    const base = first * BLOCK;
    const u8 = (at: number) => this.view.getUint8(base + at);
    const u16 = (at: number) => this.view.getUint16(base + at, true);
    const u32 = (at: number) => this.view.getUint32(base + at, true);
    this.isWide = u16(22) === 0;
    this.tableBytes = (this.isWide ? u32(36) : u16(22)) * BLOCK;
    this.copies = u8(16);
    this.table = base + u16(14) * BLOCK;
    const root = this.table + this.copies * this.tableBytes;
    this.data = root + u16(17) * 32;
    this.clusterBytes = u8(13) * BLOCK;
    this.root = this.isWide ? this.place(u32(44)) : root;
    const bytes = (u16(19) || u32(32)) * BLOCK;
    this.limit = 2 + Math.floor((bytes - (this.data - base)) / this.clusterBytes);
  }

  /** Offset of a cluster. */
  place(cluster: number): number {
    return this.data + (cluster - 2) * this.clusterBytes;
  }
  entry(cluster: number): number {
    return this.isWide
      ? this.view.getUint32(this.table + 4 * cluster, true) & 0x0fffffff
      : this.view.getUint16(this.table + 2 * cluster, true);
  }
  setEntry(cluster: number, next: number): void {
    for (let copy = 0; copy < this.copies; copy++) {
      const table = this.table + copy * this.tableBytes;
      if (this.isWide) this.view.setUint32(table + 4 * cluster, next, true);
      else this.view.setUint16(table + 2 * cluster, next, true);
    }
  }
  /** Offset of the entry of a file in the first cluster of the root: `HSX     HXM`. */
  find(name: string): number {
    for (let at = this.root; at < this.image.length; at += 32) {
      const text = String.fromCharCode(...this.image.subarray(at, at + 11));
      if (text === name && this.image[at + 11] !== 0x0f) return at;
    }
    throw new Error(`the card has no ${name}`);
  }
  startOf(entry: number): number {
    const high = this.isWide ? this.view.getUint16(entry + 20, true) << 16 : 0;
    return high | this.view.getUint16(entry + 26, true);
  }
  setStart(entry: number, cluster: number): void {
    if (this.isWide) this.view.setUint16(entry + 20, cluster >>> 16, true);
    this.view.setUint16(entry + 26, cluster & 0xffff, true);
  }
  /** The clusters of a file in their order. */
  chain(entry: number): number[] {
    const clusters: number[] = [];
    for (let c = this.startOf(entry); c >= 2 && c < this.limit; c = this.entry(c)) clusters.push(c);
    return clusters;
  }

  /** Moves the clusters of a file to others, `order` from the free ones: the file is in pieces. */
  scatter(name: string, order: (free: readonly number[], count: number) => number[]): void {
    const entry = this.find(name);
    const old = this.chain(entry);
    const bytes = old.map((c) =>
      this.image.slice(this.place(c), this.place(c) + this.clusterBytes),
    );
    const end = this.isWide ? 0x0fffffff : 0xffff;
    for (const c of old) this.setEntry(c, 0);
    const free: number[] = [];
    for (let c = 2; c < this.limit; c++) if (this.entry(c) === 0) free.push(c);
    const clusters = order(free, old.length);
    clusters.forEach((c, n) => {
      this.image.set(bytes[n] as Uint8Array, this.place(c));
      this.setEntry(c, clusters[n + 1] ?? end);
    });
    this.setStart(entry, clusters[0] as number);
  }
}
