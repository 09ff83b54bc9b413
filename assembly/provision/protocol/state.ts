// What the node protocol remembers: who the node is on the bus, frames on their way, and what was asked last.
//
// Protocol, 104 bytes
//  0  id          u8   0: none
//  1  flags       u8   ProtocolFlag
//  2  salt        u8   of the check bits in the HELLO that is due
//  3  identity    u8   0x80: an identity answer is due, bit 6: the line, below: its bits; 0: none
//  4  levels      u16  2 bits a master of the bus; then as much of the serial line
//  8  infoHead    u8   of the INFO that is being answered
//  9  infoKind    u8   Info
// 10  infoIndex   u16
// 12  infoPiece   u8   the next piece
// 13  infoLeft    u8   pieces left; 0: none is
// 14  call        u8   1 + number of the call under way
// 15  queued      u8   answers that wait
// 16  lastHead    u8   of the request in `last`
// 17  lastState   u8   Last
// 18  pubs        u16  arena ref of the values that are published
// 20  pubPeriod   u16  ms
// 22  pubSince    u16  clock of the last PUB, lower bits
// 24  told        u32  number of the next event to be told
// 28  pubNext     u8   entry that is looked at next
// 29  pubCount    u8
// 30  configHead   u8   whose change of the configuration is kept aside, without the sequence
// 31  configParts  u8   parts of it that came
// 32  request     12   the frame that came: u16 identifier, later its offset, u8 length, u8 line, 8 data bytes
// 44  frame       8    data of the frame that is being made
// 52  queue       2 x 12: u16 offset, u8 line, u8 0, 8 data bytes
// 76  last        8    the last request that must not be carried out twice
// 84  lastAnswer  8
// 92  config      12   the configuration it comes to

import { PROTOCOL_BASE, PROTOCOL_SIZE } from "../../layout";
import { CONFIG_WORDS } from "../../spec/boot";

export enum ProtocolFlag {
  /** the bus is open, and the block's frames arrive */
  OPEN = 1,
  /** a frame of ours was taken back: nothing with data is sent */
  CONFLICT = 2,
  /** HELLO is due on the bus */
  HELLO = 4,
  /** and on the serial line */
  HELLO_SERIAL = 8,
  /** a master spoke on the serial line */
  SERIAL_MASTER = 16,
  /** a reader of svc:provision has no room for an event */
  UNTOLD = 32,
  /** frames outside the block were posted in this poll */
  POSTED = 64,
  /** the poll before took frames */
  TOOK = 128,
}
/** State of the last request that must not be carried out twice. */
export enum Last {
  NONE = 0,
  PENDING = 1,
  ANSWERED = 2,
}
/** Lines a frame comes from and goes to. */
export enum Line {
  CAN = 0,
  SERIAL = 1,
}


@unmanaged
export class Protocol {
  id: u8 = 0;
  flags: u8 = 0;
  salt: u8 = 0;
  identity: u8 = 0;
  levels: u16 = 0;
  serialLevels: u16 = 0;
  infoHead: u8 = 0;
  infoKind: u8 = 0;
  infoIndex: u16 = 0;
  infoPiece: u8 = 0;
  infoLeft: u8 = 0;
  call: u8 = 0;
  queued: u8 = 0;
  lastHead: u8 = 0;
  lastState: u8 = 0;
  pubs: u16 = 0;
  pubPeriod: u16 = 0;
  pubSince: u16 = 0;
  told: u32 = 0;
  pubNext: u8 = 0;
  pubCount: u8 = 0;
  configHead: u8 = 0;
  configParts: u8 = 0;
}
if (offsetof<Protocol>("pubs") != 18) ERROR("Protocol.pubs: offset");
if (offsetof<Protocol>() > 32) ERROR("Protocol: size");

/** The frame that came. */
export const RECEIVED: usize = PROTOCOL_BASE + 32;
export const RECEIVED_LENGTH_OFF: usize = 2;
export const RECEIVED_DATA: usize = RECEIVED + 4;
/** Data of the frame that is being made. */
export const FRAME: usize = PROTOCOL_BASE + 44;
export const QUEUE: usize = PROTOCOL_BASE + 52;
export const QUEUE_ENTRY_SIZE: usize = 12;
export const QUEUE_MAX: u32 = 2;
export const LAST: usize = PROTOCOL_BASE + 76;
export const LAST_ANSWER: usize = PROTOCOL_BASE + 84;
export const STAGED_CONFIG: usize = PROTOCOL_BASE + 92;
if (STAGED_CONFIG + 2 * <usize>CONFIG_WORDS > PROTOCOL_BASE + PROTOCOL_SIZE)
  ERROR("Protocol: places");

/** The one Protocol. */
export function protocolAt(): Protocol {
  return changetype<Protocol>(PROTOCOL_BASE);
}
/** Address of the field that owns the list of published values. */
export function pubsField(): usize {
  return PROTOCOL_BASE + offsetof<Protocol>("pubs");
}

// ---- A head tells whom an answer is for: bits 0-2 sequence, 3-5 master, 6 line ----

const LINE_SHIFT: u32 = 6;
export function headOf(line: u32, master: u32, sequence: u32): u32 {
  return (line << LINE_SHIFT) | (master << 3) | sequence;
}
export function lineOf(head: u32): u32 {
  return (head >>> LINE_SHIFT) & 1;
}
export function masterOf(head: u32): u32 {
  return (head >>> 3) & 7;
}
/** What stands in the first byte of an ANSWER or RECORD. */
export function headBits(head: u32): u32 {
  return head & 63;
}
