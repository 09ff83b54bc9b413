// The image room, for its tests. Names that cursors and readers copy out go to the I/O buffer.

import { arenaFree, arenaSettle } from "../../assembly/arena";
import * as check from "../../assembly/image/check";
import { CRC_START, crcByte, crcEnd, crcZeros } from "../../assembly/crc";
import * as mailboxes from "../../assembly/image/mailboxes";
import * as metadata from "../../assembly/image/metadata";
import * as slots from "../../assembly/image/slot";
import * as layout from "../../assembly/layout";

export const IO = layout.IO_BASE;
export const SESSION = layout.SESSION_BASE;
export const SESSION_END = layout.SESSION_BASE + layout.SESSION_SIZE;
export const CHECK_END = layout.SESSION_BASE + layout.CHECK_SIZE;
export const CURSORS = layout.MAILBOX_CURSORS_BASE;
export const CURSORS_END = layout.MAILBOX_CURSORS_BASE + layout.MAILBOX_CURSORS_SIZE;
export const REFUSAL = layout.REFUSAL_BASE;
export const REFUSAL_END = layout.REFUSAL_BASE + layout.REFUSAL_SIZE;
export const SLOTS = layout.SLOTS_BASE;
export const SLOTS_END = layout.SLOTS_BASE + layout.SLOTS_SIZE;
export const STATIC = layout.STATIC_BASE;
export const RAM_END = layout.RAM_END;
export const SLOT_MAX = layout.SLOT_MAX;
export const VALUE_MAX = layout.VALUE_MAX;
export const COMMAND_MAX = layout.COMMAND_MAX;
export const DESCRIPTOR_MAX = layout.DESCRIPTOR_MAX;

export function crc(from: usize, length: u32): u32 {
  let sum = CRC_START;
  for (let i: usize = 0; i < length; i++) sum = crcByte(sum, load<u8>(from + i));
  return crcEnd(sum);
}

// ---- Slots ----
export function allocate(bytes: u32): i32 {
  return slots.slotAllocate(bytes);
}
export function address(slot: u32): usize {
  return slots.slotCode(slot, 0);
}
export function write(slot: u32, offset: u32, from: usize, length: u32): i32 {
  return slots.slotWrite(slot, offset, from, length);
}
export function find(bytes: u32, sum: u32): i32 {
  return slots.slotFind(bytes, sum, layout.SLOT_MAX);
}
export function share(slot: u32): u32 {
  return slots.slotShare(slot);
}
export function retain(slot: u32): void {
  slots.slotRetain(slot);
}
export function drop(slot: u32): void {
  slots.slotDrop(slot);
}
export function settle(): void {
  arenaSettle();
}
export function free(): usize {
  return arenaFree();
}
export function isVerified(slot: u32): bool {
  return slots.isVerified(slot);
}
export function sum(slot: u32): u32 {
  return slots.slotCrc(slot);
}
export function users(slot: u32): u32 {
  return slots.slotUsers(slot);
}
export function byte(slot: u32, offset: u32): u32 {
  return slots.slotByte(slot, offset);
}
export function u16At(slot: u32, offset: u32): u32 {
  return slots.slotU16(slot, offset);
}
export function u32At(slot: u32, offset: u32): u32 {
  return slots.slotU32(slot, offset);
}
export function copy(slot: u32, offset: u32, to: usize, length: u32): u32 {
  return slots.slotCopy(slot, offset, to, length);
}

// ---- The check ----
export function begin(total: u32): i32 {
  return check.checkBegin(total);
}
export function advance(slot: u32, received: u32): i32 {
  return check.checkAdvance(slot, received);
}
export function summed(): u32 {
  return check.checkSummed();
}
export function sumNext(slot: u32, bytes: u32): void {
  check.checkSum(slot, bytes);
}
export function skip(bytes: u32): void {
  check.checkSkip(bytes);
}
export function late(offset: u32, from: usize, bytes: u32): void {
  check.checkLate(offset, from, bytes);
}
export function zeros(crc: u32, bytes: u32): u32 {
  return crcZeros(crc, bytes);
}

// ---- Readers ----
export function field(slot: u32, n: i32): u32 {
  switch (n) {
    case 0:
      return metadata.imageVersion(slot);
    case 1:
      return metadata.imageFlags(slot);
    case 2:
      return metadata.imageEntry(slot);
    case 3:
      return metadata.imageCodeSize(slot);
    case 4:
      return metadata.imageRodataSize(slot);
    case 5:
      return metadata.imageBssSize(slot);
    case 6:
      return metadata.imageCaps(slot);
    case 7:
      return metadata.imageStackSize(slot);
    case 8:
      return metadata.imageSections(slot);
  }
  return metadata.imageRodataEnd(slot);
}
export function name(slot: u32): u32 {
  return metadata.imageName(slot, layout.IO_BASE);
}
export function entryTotal(slot: u32, type: u32): u32 {
  return metadata.entryTotal(slot, type);
}
export function entryFind(slot: u32, type: u32, index: u32): u32 {
  return metadata.entryFind(slot, type, index);
}
export function sectionFind(slot: u32, type: u32, section: u32): u32 {
  return metadata.sectionFind(slot, type, section);
}
export function text(slot: u32, entry: u32, field: u32, max: u32): u32 {
  const offset = slots.slotU16(slot, entry + field);
  return metadata.sectionText(
    slot,
    metadata.sectionStart(slot, entry),
    offset,
    layout.IO_BASE,
    max,
  );
}

// ---- Mailboxes ----
function cursor(): mailboxes.MailboxCursor {
  return mailboxes.mailboxCursorAt(mailboxes.CursorUse.REGISTER);
}
export function mailboxOpen(slot: u32, section: u32): void {
  mailboxes.mailboxOpen(cursor(), slot, section);
}
export function mailboxNext(): i32 {
  return mailboxes.mailboxNext(cursor());
}
export function mailboxName(): u32 {
  return mailboxes.mailboxName(cursor(), layout.IO_BASE);
}
export function mailboxCapacity(): u32 {
  return cursor().capacity;
}
export function mailboxMode(): u32 {
  return cursor().mode;
}
export function mailboxOwner(): u32 {
  return cursor().owner;
}
