// The card as blocks, and the FAT volume on it: where it begins, where its table, root and clusters lie. One block is read a poll,
// into a buffer that is in the arena as long as the card is in use. docs/card.md says which cards are taken.
//
// Volume, 60 bytes behind the 512 of the block, and 64 for who uses the card, in one arena block
//  0  held      u32  number of the block in the buffer; NONE: there is none
//  4  first     u32  block the volume begins with
//  8  table     u32  first block of the FAT
// 12  data      u32  block of cluster 2
// 16  limit     u32  the first number that no cluster has
// 20  root      u32  FAT16: first block of the root; FAT32: its first cluster
// 24  rootEnd   u32  FAT16: blocks of the root; FAT32: 0
// 28  start     u32  first cluster of the file
// 32  size      u32  bytes of the file
// 36  offset    u32  of the byte that is read next
// 40  cluster   u32  that was reached
// 44  index     u32  its place in the chain
// 48  run       u8   clusters behind it that are known to follow one another
// 49  shift     u8   log2 of the blocks of a cluster
// 50  isWide    u8   1: FAT32
// 51  step      u8   Step
// 52  tries     u8   times the block was asked for and did not come
// 53  (3 spare)
// 56  mirror   i32  blocks from the FAT that is read to the other one; 0: there is none, or it is not kept up

import { arenaAddress, arenaAllocate, arenaRelease } from "../arena";
import { sd_blocks, sd_read } from "../hal";
import { CARD_BASE, CARD_MEMORY } from "../layout";
import { refuse, refuseMemory } from "../refusal";
import { Err } from "../spec/errors";
import {
  BLOCK_BYTES,
  FAT12_CLUSTERS,
  FAT_BLOCK_BYTES_OFF,
  FAT_BLOCKS16_OFF,
  FAT_BLOCKS32_OFF,
  FAT_CLUSTER_OFF,
  FAT_COPIES_OFF,
  FAT_FLAGS_OFF,
  FAT_FLAGS_SINGLE,
  FAT_LENGTH16_OFF,
  FAT_LENGTH32_OFF,
  FAT_LIMIT,
  FAT_MEDIA_OFF,
  FAT_NAME_OFF,
  FAT_RESERVED_OFF,
  FAT_ROOT_CLUSTER_OFF,
  FAT_ROOT_ENTRIES_OFF,
  FAT_SIGNATURE,
  FAT_SIGNATURE_OFF,
  GPT_MAGIC,
  MBR_BLOCK_OFF,
  MBR_ENTRIES,
  MBR_ENTRY_BYTES,
  MBR_FAT_TYPES,
  MBR_TABLE_OFF,
  MBR_TYPE_OFF,
} from "../spec/fat";

/** What is looked at next. */
export enum Step {
  /** the first block of the card: a volume, or a partition table */
  CARD = 0,
  /** the first block of a partition */
  PARTITION = 1,
  /** the root, for the file that is wanted */
  ROOT = 2,
  OPEN = 3,
}

/** No block. */
const NONE: u32 = 0xffffffff;
/** Times a block that fails is asked for. */
export const TRIES: u32 = 3;


@unmanaged
export class Volume {
  held: u32 = 0;
  first: u32 = 0;
  table: u32 = 0;
  data: u32 = 0;
  limit: u32 = 0;
  root: u32 = 0;
  rootEnd: u32 = 0;
  start: u32 = 0;
  size: u32 = 0;
  offset: u32 = 0;
  cluster: u32 = 0;
  index: u32 = 0;
  run: u8 = 0;
  shift: u8 = 0;
  isWide: u8 = 0;
  step: u8 = 0;
  tries: u8 = 0;
  mirror: i32 = 0;
}
const VOLUME_SIZE: u32 = 60;
/** Bytes of whoever uses the card. */
const OWN_SIZE: u32 = 64;
if (CARD_MEMORY != BLOCK_BYTES + VOLUME_SIZE + OWN_SIZE) ERROR("CARD_MEMORY");
if (offsetof<Volume>("run") != 48) ERROR("Volume.run: offset");
if (offsetof<Volume>("mirror") != 56 || offsetof<Volume>() > VOLUME_SIZE) ERROR("Volume: size");

/** Address of the block in the buffer; it holds until an arena block is freed. */
export function blockAt(): usize {
  return arenaAddress(load<u16>(CARD_BASE));
}
/** The one Volume, of a card that is in use. */
export function volumeAt(): Volume {
  return changetype<Volume>(blockAt() + BLOCK_BYTES);
}

/** Where whoever uses the card keeps 64 bytes as long as it does. */
export function cardOwn(): usize {
  return blockAt() + BLOCK_BYTES + VOLUME_SIZE;
}
/** True while the card is in use. */
export function cardIsOpen(): bool {
  return load<u16>(CARD_BASE) != 0;
}
/** Takes the buffer, for a card of which nothing is known. NO_MEMORY. */
export function cardBegin(): i32 {
  if (!cardIsOpen() && !arenaAllocate(CARD_MEMORY, CARD_BASE)) return refuseMemory(CARD_MEMORY);
  const v = volumeAt();
  memory.fill(changetype<usize>(v), 0, VOLUME_SIZE);
  v.held = NONE;
  return Err.OK;
}
/** The card is not in use any more. */
export function cardEnd(): void {
  arenaRelease(CARD_BASE);
}

/** Has a block of the card read. OK: it is in the buffer. BUSY: call again at the next poll. CARD_DAMAGED: beyond the card. IO, ABSENT. */
export function fetchBlock(v: Volume, block: u32): i32 {
  if (v.held == block) return Err.OK;
  const blocks = sd_blocks();
  if (blocks != 0 && block >= blocks) return refuse(Err.CARD_DAMAGED, block, 0, blocks);
  v.held = NONE;
  const err = sd_read(block, blockAt());
  if (err == Err.BUSY) return err;
  if (err == Err.OK) {
    v.held = block;
    v.tries = 0;
    return err;
  }
  v.tries += 1;
  if (err == Err.IO && <u32>v.tries < TRIES) return Err.BUSY;
  return refuse(err, block, 0, 0);
}

// ---- Numbers in the block: little-endian, at any offset ----

function byteAt(offset: u32): u32 {
  return load<u8>(blockAt() + offset);
}
export function wordAt(offset: u32): u32 {
  return byteAt(offset) | (byteAt(offset + 1) << 8);
}
export function longAt(offset: u32): u32 {
  return wordAt(offset) | (wordAt(offset + 2) << 16);
}

// ---- The first block of a volume ----

/** A first block that can be told, but not read. */
function foreign(): i32 {
  if (longAt(0) == GPT_MAGIC) return Err.CARD_GPT;
  const name = longAt(FAT_NAME_OFF);
  if (name == 0x41465845) return Err.CARD_EXFAT; // "EXFA"
  return name == 0x5346544e ? <i32>Err.CARD_NTFS : <i32>Err.OK; // "NTFS"
}
/** True for what can be the first block of a FAT volume. */
function isFat(): bool {
  const jump = byteAt(0);
  const cluster = byteAt(FAT_CLUSTER_OFF);
  const copies = byteAt(FAT_COPIES_OFF) - 1;
  const isShaped = cluster != 0 && (cluster & (cluster - 1)) == 0 && copies < 2;
  return (jump == 0xeb || jump == 0xe9) && isShaped && byteAt(FAT_MEDIA_OFF) >= 0xf0;
}

/** Reads the layout of the volume whose first block is in the buffer. CARD_FORMAT, CARD_FAT12, CARD_DAMAGED. */
function layOut(v: Volume): i32 {
  const bytes = wordAt(FAT_BLOCK_BYTES_OFF);
  if (bytes != BLOCK_BYTES) return refuse(Err.CARD_FORMAT, v.first, bytes, BLOCK_BYTES);
  const short = wordAt(FAT_LENGTH16_OFF);
  const length = short != 0 ? short : longAt(FAT_LENGTH32_OFF);
  const reserved = wordAt(FAT_RESERVED_OFF);
  const blocks16 = wordAt(FAT_BLOCKS16_OFF);
  const tableBlocks = blocks16 != 0 ? blocks16 : longAt(FAT_BLOCKS32_OFF);
  v.isWide = <u8>(blocks16 == 0 ? 1 : 0);
  v.rootEnd = (wordAt(FAT_ROOT_ENTRIES_OFF) + 15) >>> 4;
  v.table = v.first + reserved;
  if (tableBlocks > FAT_LIMIT >>> 7) return damaged(v.first);
  const tables = tableBlocks * byteAt(FAT_COPIES_OFF);
  const head = reserved + tables + v.rootEnd;
  if (reserved == 0 || head >= length || v.first + length < v.first) return damaged(v.first);
  let shift: u32 = 0;
  while (byteAt(FAT_CLUSTER_OFF) >>> shift != 1) shift++;
  v.shift = <u8>shift;
  v.mirror = tables - tableBlocks;
  v.data = v.first + head;
  v.root = v.data - v.rootEnd;
  v.limit = ((length - head) >>> shift) + 2;
  if (v.isWide != 0) layOutWide(v, tableBlocks);
  else if (v.limit < FAT12_CLUSTERS + 2) return refuse(Err.CARD_FAT12, v.first, v.limit - 2, 0);
  const entries = tableBlocks << (v.isWide != 0 ? 7 : 8);
  return v.limit > entries || v.limit > FAT_LIMIT ? damaged(v.first) : <i32>Err.OK;
}
/** FAT32: the root is a chain, and a table that is not the first may be the one in use. */
function layOutWide(v: Volume, tableBlocks: u32): void {
  v.root = longAt(FAT_ROOT_CLUSTER_OFF);
  v.rootEnd = 0;
  const flags = wordAt(FAT_FLAGS_OFF);
  if ((flags & FAT_FLAGS_SINGLE) == 0) return;
  v.mirror = 0;
  if ((flags & 15) < byteAt(FAT_COPIES_OFF)) v.table += (flags & 15) * tableBlocks;
}
/** The file system says what cannot be, in block `block`. */
export function damaged(block: u32): i32 {
  return refuse(Err.CARD_DAMAGED, block, 0, 0);
}

/** The first block of the partition to look into: the first of a type that is FAT, else the first there is. 0: there is none. */
function partition(): u32 {
  let found: u32 = 0;
  let isFatType: u32 = 0;
  for (let n: u32 = 0; n < MBR_ENTRIES; n++) {
    const at = MBR_TABLE_OFF + n * MBR_ENTRY_BYTES;
    const type = byteAt(at + MBR_TYPE_OFF);
    const isFat: u32 = type < 16 ? (MBR_FAT_TYPES >>> type) & 1 : 0;
    if (type == 0 || (found != 0 && isFat <= isFatType)) continue;
    found = longAt(at + MBR_BLOCK_OFF);
    isFatType = isFat;
  }
  return found;
}

/** Finds the volume. OK: the root is next. BUSY. */
export function mount(v: Volume): i32 {
  const err = fetchBlock(v, v.first);
  if (err < 0) return err;
  const told = foreign();
  if (told < 0) return refuse(told, v.first, 0, 0);
  if (wordAt(FAT_SIGNATURE_OFF) != FAT_SIGNATURE) return refuse(Err.CARD_BLANK, v.first, 0, 0);
  if (isFat()) return layOut(v);
  const block = v.step == Step.CARD ? partition() : 0;
  if (block == 0) return refuse(Err.CARD_BLANK, v.first, 0, 0);
  v.first = block;
  v.step = <u8>Step.PARTITION;
  return Err.BUSY;
}
/** True once the first block of the card was read. */
export function cardHasAnswered(): bool {
  return cardIsOpen() && (volumeAt().step != Step.CARD || volumeAt().held != NONE);
}
