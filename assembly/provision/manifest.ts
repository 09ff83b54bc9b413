// The manifest on the card: opened, checked whole, and read record by record. docs/manifest.md says what it holds.

import {
  fileClose,
  fileData,
  fileNext,
  fileOpen,
  fileSeek,
  fileSize,
  fileTake,
} from "../card/file";
import { cardOwn } from "../card/volume";
import { CRC_START, crcSum, crcEnd } from "../crc";
import { node_uid } from "../hal";
import { IO_BASE } from "../layout";
import { refuse } from "../refusal";
import { NodeWord } from "../spec/boot";
import { Err } from "../spec/errors";
import { ENTRY_NAME_BYTES } from "../spec/fat";
import {
  MANIFEST_APPS_OFF,
  MANIFEST_FORMAT,
  MANIFEST_FORMAT_OFF,
  MANIFEST_LENGTH_OFF,
  MANIFEST_MAGIC,
  MANIFEST_NODE_KIND_OFF,
  MANIFEST_NODE_UID_OFF,
  MANIFEST_NODE_WHO_OFF,
  MANIFEST_NODES_OFF,
  MANIFEST_PLANT_OFF,
  MANIFEST_RECORD_BYTES,
  MANIFEST_RECORD_LOG2,
  MANIFEST_RESIDUE,
  MANIFEST_SUM_BYTES,
  MANIFEST_VALUE_BYTES,
  MANIFEST_VALUES_OFF,
  MANIFEST_VERSION_OFF,
  ManifestSelect,
} from "../spec/manifest";
import { configWord } from "./node-config";
import { Plan, PlanFlag, PlanStep } from "./plan";

/** HSX.HXM, as a directory has it. */
const NAME: usize = memory.data<u8>([
  0x48, 0x53, 0x58, 0x20, 0x20, 0x20, 0x20, 0x20, 0x48, 0x58, 0x4d,
]);
/** Records summed in one poll. */
const RECORDS_A_POLL: u32 = 4;

// ---- The check ----

/** The first record: what the file is, and how long it must be. MANIFEST_FORMAT, MANIFEST_DAMAGED. */
function checkHeader(l: Plan, at: usize): i32 {
  const magic = load<u32>(at);
  const format: u32 = load<u8>(at, MANIFEST_FORMAT_OFF);
  if (magic != MANIFEST_MAGIC || format != MANIFEST_FORMAT)
    return refuse(Err.MANIFEST_FORMAT, 0, format, MANIFEST_FORMAT);
  const nodes: u32 = load<u8>(at, MANIFEST_NODES_OFF);
  const records = 1 + nodes + <u32>load<u16>(at, MANIFEST_APPS_OFF);
  const values: u32 = <u32>load<u16>(at, MANIFEST_VALUES_OFF) * MANIFEST_VALUE_BYTES;
  const length = (records << MANIFEST_RECORD_LOG2) + values + MANIFEST_SUM_BYTES;
  l.nodes = <u8>nodes;
  l.values = <u16>records;
  l.plant = load<u16>(at, MANIFEST_PLANT_OFF);
  l.version = load<u16>(at, MANIFEST_VERSION_OFF);
  const isRight = load<u32>(at, MANIFEST_LENGTH_OFF) == length && fileSize() == length;
  return isRight ? <i32>Err.OK : refuse(Err.MANIFEST_DAMAGED, 0, fileSize(), length);
}

/** How a node record fits this node: a ManifestSelect, 0: not at all. */
function fitOf(at: usize): u32 {
  const who: u32 = load<u8>(at, MANIFEST_NODE_WHO_OFF);
  const id = configWord(NodeWord.ID);
  switch (<u32>load<u8>(at, MANIFEST_NODE_KIND_OFF)) {
    case ManifestSelect.ROLE:
      return who != 0 && who == id >>> 8 ? ManifestSelect.ROLE : 0;
    case ManifestSelect.ID:
      return who != 0 && who == (id & 0xff) ? ManifestSelect.ID : 0;
    case ManifestSelect.UID: {
      if (<u32>node_uid(IO_BASE) != who) return 0;
      const isSame = memory.compare(IO_BASE, at + MANIFEST_NODE_UID_OFF, <usize>who) == 0;
      return who != 0 && isSame ? ManifestSelect.UID : 0;
    }
    default:
      return 0;
  }
}

/** Looks at record `n`, whose bytes are at hand. */
function checkRecord(l: Plan, n: u32, at: usize): i32 {
  if (n == 0) return checkHeader(l, at);
  if (n > <u32>l.nodes) return Err.OK;
  const fit = fitOf(at);
  if (fit <= <u32>l.kind) return Err.OK;
  l.kind = <u8>fit;
  l.node = <u8>n;
  return Err.OK;
}

/** The file ends with `seal`: its sum must be right, and it must be the one that was taken before. ABSENT: it is another. */
function judge(l: Plan, seal: u32): i32 {
  if (crcEnd(load<u32>(cardOwn())) != MANIFEST_RESIDUE)
    return refuse(Err.MANIFEST_DAMAGED, fileSize() - MANIFEST_SUM_BYTES, 0, 0);
  if ((l.flags & PlanFlag.TAKEN) != 0 && seal != l.seal) return refuse(Err.ABSENT, 0, 0, 0);
  l.seal = seal;
  return l.node == 0 ? refuse(Err.MANIFEST_NODE, 0, 0, 0) : <i32>Err.OK;
}

/** Sums the next record. BUSY: on with the one behind it. OK: all are sound. */
function checkNext(l: Plan): i32 {
  const there = fileNext();
  if (there < 0) return there;
  if (there == 0) return refuse(Err.MANIFEST_DAMAGED, 0, 0, 0); // an empty file
  const bytes = <u32>there < MANIFEST_RECORD_BYTES ? <u32>there : MANIFEST_RECORD_BYTES;
  const at = fileData();
  const n: u32 = l.held;
  const crc = n == 0 ? CRC_START : load<u32>(cardOwn()); // no record lies there yet
  store<u32>(cardOwn(), crcSum(crc, at, bytes));
  l.held += 1;
  if (n == 0 && bytes < MANIFEST_RECORD_BYTES) return refuse(Err.MANIFEST_DAMAGED, 0, bytes, 0);
  const err = checkRecord(l, n, at);
  if (err < 0) return err;
  const seal = load<u32>(at + bytes - MANIFEST_SUM_BYTES);
  fileTake(bytes);
  return (n << MANIFEST_RECORD_LOG2) + bytes == fileSize() ? judge(l, seal) : <i32>Err.BUSY;
}

/** Forgets what is known of the manifest: it is checked from its first byte. */
export function manifestBegin(l: Plan): void {
  fileClose();
  l.held = 0;
  l.node = 0;
  l.kind = 0;
  l.step = <u8>PlanStep.CHECK;
}

/** Opens and checks the manifest. BUSY: call again at the next poll. Refused like fileOpen(); MANIFEST_FORMAT, MANIFEST_DAMAGED, MANIFEST_NODE. */
export function manifestCheck(l: Plan): i32 {
  let name = IO_BASE;
  for (let i: u32 = 0; i < ENTRY_NAME_BYTES; i++) store<u8>(name++, load<u8>(NAME + i));
  const opened = fileOpen(IO_BASE);
  if (opened < 0) return opened;
  for (let n: u32 = 0; n < RECORDS_A_POLL; n++) {
    const err = checkNext(l);
    if (err == Err.OK) l.held = 0;
    if (err != Err.BUSY) return err;
    if ((l.held & 7) == 0) break; // the next record lies in another block
  }
  return Err.BUSY;
}

// ---- Records of a manifest that was checked ----

/** Brings record `n`, above 0, to cardOwn(). BUSY; CARD_DAMAGED, IO, ABSENT; MANIFEST_DAMAGED: there is none. */
export function manifestRecord(l: Plan, n: u32): i32 {
  if (<u32>l.held == n) return Err.OK;
  if (n >= <u32>l.values) return refuse(Err.MANIFEST_DAMAGED, n << MANIFEST_RECORD_LOG2, 0, 0);
  fileSeek(n << MANIFEST_RECORD_LOG2);
  const there = fileNext();
  if (there < 0) return there;
  memory.copy(cardOwn(), fileData(), MANIFEST_RECORD_BYTES);
  l.held = <u16>n;
  return Err.OK;
}

/** Brings value `v` into the buffer, at fileData(). Refused like manifestRecord(). */
export function manifestValue(l: Plan, v: u32): i32 {
  const at = ((<u32>l.values) << MANIFEST_RECORD_LOG2) + v * MANIFEST_VALUE_BYTES;
  fileSeek(at);
  const there = fileNext();
  if (there < 0) return there;
  return <u32>there < MANIFEST_VALUE_BYTES ? refuse(Err.MANIFEST_DAMAGED, at, 0, 0) : <i32>Err.OK;
}
