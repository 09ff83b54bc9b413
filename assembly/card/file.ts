// One file of the card: found in the root by its 8.3 name, then read from its first byte on, from one cluster to the next. A poll reads at
// most one block. Whatever the tables say, a search ends after ROOT_BLOCKS_MAX blocks and a file after its size.

import { refuse, refusalName } from "../refusal";
import { Err } from "../spec/errors";
import {
  BLOCK_BYTES,
  BLOCK_LOG2,
  ENTRY_ATTRIBUTES_OFF,
  ENTRY_BYTES,
  ENTRY_DELETED,
  ENTRY_HIGH_OFF,
  ENTRY_LOW_OFF,
  ENTRY_NAME_BYTES,
  ENTRY_NO_FILE,
  ENTRY_SIZE_OFF,
  FAT_END16,
  FAT_END32,
  FAT_MASK,
  ROOT_BLOCKS_MAX,
} from "../spec/fat";
import {
  blockAt,
  cardBegin,
  cardIsOpen,
  damaged,
  fetchBlock,
  longAt,
  mount,
  Step,
  TRIES,
  Volume,
  volumeAt,
  wordAt,
} from "./volume";

/** Most clusters that are known ahead. */
const RUN_MAX: u32 = 64;

// ---- Chains ----

/** What the FAT says of a cluster whose entry is in the buffer. */
function entryOf(v: Volume, cluster: u32): u32 {
  return v.isWide != 0 ? longAt((cluster & 127) << 2) & FAT_MASK : wordAt((cluster & 255) << 1);
}
/** Block of the FAT that is read, with the entry of a cluster. */
function blockOf(v: Volume, cluster: u32): u32 {
  return v.table + (cluster >>> (v.isWide != 0 ? 7 : 8));
}

/** Begins with the chain at cluster `start`. CARD_DAMAGED: there is none such. */
function openChain(v: Volume, start: u32, size: u32): i32 {
  v.start = start;
  v.cluster = start;
  v.size = size;
  v.offset = 0;
  v.index = 0;
  v.run = 0;
  const isNone = start < 2 || start >= v.limit;
  return isNone && size != 0 ? damaged(v.held) : <i32>Err.OK;
}

/** Has the FAT's block with the entry of a cluster read; where that fails, the other FAT's, once. Refused like fetchBlock(). */
function fetchEntry(v: Volume, cluster: u32): i32 {
  const err = fetchBlock(v, blockOf(v, cluster));
  if (err != Err.IO || v.mirror == 0 || <u32>v.tries != TRIES) return err;
  v.table += v.mirror;
  v.mirror = -v.mirror;
  return Err.BUSY;
}

/** Goes one cluster on, and looks how many more follow in a row. NO_DATA: the chain ends. CARD_DAMAGED: it leads nowhere. BUSY, IO, ABSENT. */
function hop(v: Volume): i32 {
  const from = v.cluster;
  const err = fetchEntry(v, from);
  if (err < 0) return err;
  const block = v.held;
  const next = entryOf(v, from);
  if (next >= (v.isWide != 0 ? FAT_END32 : FAT_END16)) return Err.NO_DATA;
  if (next < 2 || next >= v.limit) return damaged(block);
  v.cluster = next;
  v.index += 1;
  let run: u32 = 0;
  while (run < RUN_MAX && blockOf(v, next + run) == block) {
    if (entryOf(v, next + run) != next + run + 1 || next + run + 1 >= v.limit) break;
    run++;
  }
  v.run = <u8>run;
  return Err.OK;
}

/** Goes to the cluster that has the byte at `offset`, by one entry of the FAT a poll. Refused like hop(). */
function reach(v: Volume): i32 {
  const ahead = (v.offset >>> (BLOCK_LOG2 + <u32>v.shift)) - v.index;
  if (ahead == 0) return Err.OK;
  const known = ahead < <u32>v.run ? ahead : <u32>v.run;
  v.cluster += known;
  v.index += known;
  v.run -= <u8>known;
  if (known == ahead) return Err.OK;
  const err = hop(v);
  return err < 0 ? err : <i32>Err.BUSY;
}

/** Brings the block with the byte at `offset` into the buffer. */
function fetchData(v: Volume): i32 {
  const err = reach(v);
  if (err < 0) return err;
  const inCluster = (v.offset >>> BLOCK_LOG2) & ((1 << (<u32>v.shift)) - 1);
  return fetchBlock(v, v.data + ((v.cluster - 2) << (<u32>v.shift)) + inCluster);
}

// ---- The root ----

/** Begins with the root. CARD_DAMAGED. */
function openRoot(v: Volume): i32 {
  v.step = <u8>Step.ROOT;
  v.offset = 0;
  return v.isWide != 0 ? openChain(v, v.root, ROOT_BLOCKS_MAX << BLOCK_LOG2) : <i32>Err.OK;
}

/** Brings the next block of the root into the buffer. NO_DATA: there is none. */
function fetchRoot(v: Volume): i32 {
  const block = v.offset >>> BLOCK_LOG2;
  if (block == ROOT_BLOCKS_MAX) return Err.NO_DATA;
  if (v.isWide != 0) return fetchData(v);
  return block < v.rootEnd ? fetchBlock(v, v.root + block) : <i32>Err.NO_DATA;
}

/** Looks for the name among the entries of the block. OK: the file is open. NO_DATA: the root ends here. BUSY: on with the next block. */
function searchBlock(v: Volume, name: usize): i32 {
  for (let at: u32 = 0; at < BLOCK_BYTES; at += ENTRY_BYTES) {
    const entry = blockAt() + at;
    const first: u32 = load<u8>(entry);
    if (first == 0) return Err.NO_DATA;
    if (
      first == ENTRY_DELETED ||
      ((<u32>load<u8>(entry, ENTRY_ATTRIBUTES_OFF)) & ENTRY_NO_FILE) != 0
    )
      continue;
    if (memory.compare(entry, name, ENTRY_NAME_BYTES) != 0) continue;
    const high = v.isWide != 0 ? wordAt(at + ENTRY_HIGH_OFF) << 16 : 0;
    v.step = <u8>Step.OPEN;
    return openChain(v, high | wordAt(at + ENTRY_LOW_OFF), longAt(at + ENTRY_SIZE_OFF));
  }
  v.offset += BLOCK_BYTES;
  return Err.BUSY;
}

function search(v: Volume, name: usize): i32 {
  let err = fetchRoot(v);
  if (err == Err.OK) err = searchBlock(v, name);
  if (err != Err.NO_DATA) return err;
  refuse(Err.CARD_NO_FILE, v.held, 0, 0);
  refusalName(name, ENTRY_NAME_BYTES);
  return Err.CARD_NO_FILE;
}

// ---- The file ----

/**
 * Opens a file of the root by its 8.3 name, 11 bytes at `name`. BUSY: call again at the next poll. NO_MEMORY; ABSENT: no card; IO;
 * CARD_BLANK, CARD_EXFAT, CARD_NTFS, CARD_FAT12, CARD_FORMAT; CARD_DAMAGED; CARD_NO_FILE.
 */
export function fileOpen(name: usize): i32 {
  const begun = cardIsOpen() ? <i32>Err.OK : cardBegin();
  if (begun < 0) return begun;
  const v = volumeAt();
  if (v.step == Step.OPEN) return Err.OK;
  if (v.step == Step.ROOT) return search(v, name);
  const err = mount(v);
  if (err < 0) return err;
  const root = openRoot(v);
  return root < 0 ? root : <i32>Err.BUSY;
}
/** Closes the file: another can be opened. */
export function fileClose(): void {
  if (cardIsOpen() && volumeAt().step == Step.OPEN) openRoot(volumeAt());
}
/** Bytes of the file. */
export function fileSize(): u32 {
  return volumeAt().size;
}
/** Has the next bytes of the file read and returns how many are at hand, at fileData(); 0: the file ends. BUSY; CARD_DAMAGED, IO, ABSENT. */
export function fileNext(): i32 {
  const v = volumeAt();
  const rest = v.size - v.offset;
  if (rest == 0) return 0;
  const err = fetchData(v);
  if (err == Err.NO_DATA) return damaged(v.held);
  if (err < 0) return err;
  const inBlock = BLOCK_BYTES - (v.offset & (BLOCK_BYTES - 1));
  return inBlock < rest ? inBlock : rest;
}
/** Address of the bytes at hand. */
export function fileData(): usize {
  return blockAt() + (volumeAt().offset & (BLOCK_BYTES - 1));
}
/** The first `bytes` of them are done with. */
export function fileTake(bytes: u32): void {
  volumeAt().offset += bytes;
}
/** Goes to a byte of the file; beyond its end: to its end. */
export function fileSeek(offset: u32): void {
  const v = volumeAt();
  if (offset < v.offset) openChain(v, v.start, v.size);
  v.offset = offset < v.size ? offset : v.size;
}
