// A FAT volume by its numbers: how its first block says what lies where, for those who write cards and those who read them.

import * as F from "../../assembly/spec/fat.ts";
import type { FieldTable } from "./fields.ts";

/** What the first blocks of FAT16 and FAT32 have in common. */
export const VOLUME_FIELDS = {
  name: [F.FAT_NAME_OFF, "bytes8"],
  blockBytes: [F.FAT_BLOCK_BYTES_OFF, "u16le"],
  clusterBlocks: [F.FAT_CLUSTER_OFF, "u8"],
  reserved: [F.FAT_RESERVED_OFF, "u16le"],
  copies: [F.FAT_COPIES_OFF, "u8"],
  rootEntries: [F.FAT_ROOT_ENTRIES_OFF, "u16le"],
  length16: [F.FAT_LENGTH16_OFF, "u16le"],
  media: [F.FAT_MEDIA_OFF, "u8"],
  tableBlocks16: [F.FAT_BLOCKS16_OFF, "u16le"],
  length32: [F.FAT_LENGTH32_OFF, "u32le"],
  signature: [F.FAT_SIGNATURE_OFF, "u16le"],
} satisfies FieldTable;
/** What FAT32 has besides. */
export const WIDE_FIELDS = {
  tableBlocks32: [F.FAT_BLOCKS32_OFF, "u32le"],
  flags: [F.FAT_FLAGS_OFF, "u16le"],
  rootCluster: [F.FAT_ROOT_CLUSTER_OFF, "u32le"],
} satisfies FieldTable;
/** An entry of a directory. */
export const ENTRY_FIELDS = {
  name: [0, "bytes11"],
  attributes: [F.ENTRY_ATTRIBUTES_OFF, "u8"],
  high: [F.ENTRY_HIGH_OFF, "u16le"],
  low: [F.ENTRY_LOW_OFF, "u16le"],
  bytes: [F.ENTRY_SIZE_OFF, "u32le"],
} satisfies FieldTable;
/** An entry of a partition table. */
export const PARTITION_FIELDS = {
  type: [F.MBR_TYPE_OFF, "u8"],
  first: [F.MBR_BLOCK_OFF, "u32le"],
  blocks: [12, "u32le"],
} satisfies FieldTable;

/** The first cluster. */
export const CLUSTER_FIRST = 2;
/** Clusters from here on are FAT32. */
export const FAT32_CLUSTERS = 65525;

/** Where the parts of a volume lie, in blocks from the beginning of the card. */
export interface FatLayout {
  readonly bits: 16 | 32;
  /** The volume's first block, and how many it has. */
  readonly first: number;
  readonly blocks: number;
  readonly clusterBlocks: number;
  readonly copies: number;
  readonly table: number;
  readonly tableBlocks: number;
  /** Of FAT16; FAT32 has its root in clusters. */
  readonly root: number;
  readonly rootBlocks: number;
  readonly data: number;
  readonly clusters: number;
}
