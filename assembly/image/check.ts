// The check of an image that arrives in pieces: every byte of proof is used as soon as it is there, a slice at a time.

import { refuse } from "../refusal";
import { Err } from "../spec/errors";
import { HXE_CRC_OFF, HXE_META_OFFSET_OFF, HXE_V1_SIZE, MANIFEST_HEADER_SIZE } from "../spec/hxe";
import { CHECK_SIZE, HAS_LOG, MAILBOX_CURSORS_BASE } from "../layout";
import { checkHeader } from "./check-header";
import { checkSection } from "./check-sections";
import { Check, checkAt, CheckFlag, Phase } from "./check-state";
import { checkPick, checkTable } from "./check-table";
import { CRC_START, crcEnd, crcSum, crcZeros } from "../crc";
import { Json, JsonEvent, jsonAt, jsonBegin, jsonByte, jsonIsComplete } from "./json";
import {
  imageChecksum,
  imageHeaderSize,
  imageRodataEnd,
  imageSections,
  imageTable,
} from "./metadata";
import { slotByte, slotSeal, slotSum, slotU32 } from "./slot";

/** Bytes summed in one call while more are to come, which have to be taken meanwhile, and when all are there. */
const SUM_SLICE: u32 = 88;
const LAST_SLICE: u32 = 264;
/** Bytes of a known file that are summed in one call: 1.2 ms of a 16 MHz AVR with its FRAM on SPI. What has flash pages is faster. */
export const KNOWN_SLICE: u32 = HAS_LOG ? 1024 : 256;
/** Bytes of the manifest read in one call. */
const TEXT_SLICE: u32 = 64;

/** Begins to check a file of `total` bytes. HXE_TRUNCATED: no image is so short. */
export function checkBegin(total: u32): i32 {
  const c = checkAt();
  memory.fill(changetype<usize>(c), 0, CHECK_SIZE);
  c.total = total;
  c.fileSum = CRC_START;
  c.verdict = Err.BUSY;
  if (total >= HXE_V1_SIZE) return Err.OK;
  const err = refuse(Err.HXE_TRUNCATED, total, HXE_V1_SIZE, total);
  c.verdict = err;
  return err;
}

/** The file that is checked was sound when it was stored. `isProved`: every check has been made since then, and only its bytes are to be summed. */
export function checkKnown(isProved: bool): void {
  const c = checkAt();
  c.flags = <u8>CheckFlag.KNOWN;
  if (isProved) c.phase = <u8>Phase.SUMS;
}

/** Bytes of the file that are summed. */
export function checkSummed(): u32 {
  return checkAt().summed;
}

// ---- The embedded manifest ----

/** The reader of the manifest, in the place of the cursor that checks mailboxes after it. */
function manifestJson(): Json {
  return jsonAt(MAILBOX_CURSORS_BASE);
}

/** Learns where the manifest ends. */
function beginManifest(c: Check): i32 {
  const place = imageRodataEnd(c.slot);
  const start = place + MANIFEST_HEADER_SIZE;
  if (c.received < start) return Err.NO_DATA;
  const size = slotU32(c.slot, place);
  if (size > c.total - start) return refuse(Err.HXE_MANIFEST, place, size, c.total - start);
  const table = imageTable(c.slot);
  if (table != 0 && table < start + size) {
    return refuse(Err.HXE_TABLE, HXE_META_OFFSET_OFF, table, start + size);
  }
  jsonBegin(manifestJson());
  c.at = start;
  c.end = start + size;
  c.floor = c.end;
  c.phase = <u8>Phase.MANIFEST_TEXT;
  return Err.BUSY;
}

function endManifest(c: Check): i32 {
  if (!jsonIsComplete(manifestJson())) return refuse(Err.HXE_MANIFEST, c.at, 0, 0);
  c.phase = <u8>(imageSections(c.slot) != 0 ? Phase.TABLE : Phase.SUMS);
  return Err.BUSY;
}

function readManifest(c: Check): i32 {
  if (c.at == c.end) return endManifest(c);
  if (c.at == c.received) return Err.NO_DATA;
  for (let n: u32 = 0; n < TEXT_SLICE && c.at < c.end && c.at < c.received; n++) {
    const byte = slotByte(c.slot, c.at);
    if (byte == 0 || jsonByte(manifestJson(), byte) == JsonEvent.BAD) {
      return refuse(Err.HXE_MANIFEST, c.at, byte, 0);
    }
    c.at += 1;
  }
  return Err.BUSY;
}

// ---- The sums ----

function isKnown(c: Check): bool {
  return (c.flags & CheckFlag.KNOWN) != 0;
}

/** Goes on with the sum over the next `bytes`, which are there. */
export function checkSum(slot: u32, bytes: u32): void {
  const c = checkAt();
  const end = c.summed + bytes;
  c.fileSum = slotSum(slot, c.fileSum, c.summed, end);
  c.summed = end;
}
/** The next `bytes` are not there yet and count as zeros until they come. */
export function checkSkip(bytes: u32): void {
  const c = checkAt();
  c.fileSum = crcZeros(c.fileSum, bytes);
  c.summed += bytes;
}
/** Bytes of the file at `offset` came, and lie at `from`: if they counted as zeros, they count now. */
export function checkLate(offset: u32, from: usize, bytes: u32): void {
  const c = checkAt();
  if (offset < c.summed) c.fileSum ^= crcZeros(crcSum(0, from, bytes), c.summed - offset - bytes);
}

/** Sums a slice. */
function sum(c: Check): void {
  let slice = c.received == c.total ? LAST_SLICE : SUM_SLICE;
  if (isKnown(c)) slice = KNOWN_SLICE;
  checkSum(c.slot, min<u32>(c.received - c.summed, slice));
}

/**
 * The file's own checksum as it should be. It leaves out itself and what a version 2 header adds; all that follows is summed already,
 * and what a sum differs in before zeros tells what it differs in behind them.
 */
function ownSum(c: Check): u32 {
  const header = imageHeaderSize(c.slot);
  const own = slotSum(c.slot, CRC_START, 0, HXE_CRC_OFF);
  const all = slotSum(c.slot, CRC_START, 0, header);
  return crcEnd(c.fileSum ^ crcZeros(own ^ all, c.total - header));
}

function judge(c: Check): i32 {
  if (!isKnown(c)) {
    const want = imageChecksum(c.slot);
    const found = ownSum(c);
    if (found != want) return refuse(Err.HXE_CRC, HXE_CRC_OFF, found, want);
  }
  slotSeal(c.slot, crcEnd(c.fileSum));
  return Err.OK;
}

// ---- The whole ----

function advancePhase(c: Check): i32 {
  switch (<i32>c.phase) {
    case Phase.HEADER:
      return checkHeader(c);
    case Phase.MANIFEST:
      return beginManifest(c);
    case Phase.MANIFEST_TEXT:
      return readManifest(c);
    case Phase.TABLE:
      return checkTable(c);
    case Phase.PICK:
      return checkPick(c);
    case Phase.SECTION:
      return checkSection(c);
  }
  return Err.NO_DATA;
}

function advance(c: Check): i32 {
  const done = advancePhase(c);
  if (done != Err.NO_DATA) return done;
  if (c.summed < c.received) {
    sum(c);
    return Err.BUSY;
  }
  const isWhole = c.phase == Phase.SUMS && c.summed == c.total && c.received == c.total;
  return isWhole ? judge(c) : Err.NO_DATA;
}

/**
 * Does a slice of work, some 1,000 µs at 16 MHz at most, on the file in `slot`, whose first `received` bytes are
 * there. BUSY: call again. NO_DATA: more bytes must come. OK: the image is whole and sound, its slot is sealed.
 * Others: it is refused; see the refusal, and calling again returns the same.
 */
export function checkAdvance(slot: u32, received: u32): i32 {
  const c = checkAt();
  if (c.verdict != Err.BUSY) return c.verdict;
  c.slot = <u8>slot;
  c.received = min<u32>(received, c.total);
  const done = advance(c);
  if (done != Err.BUSY && done != Err.NO_DATA) c.verdict = done;
  return done;
}
