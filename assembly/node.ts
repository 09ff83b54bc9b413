// Node, 80 bytes: configuration and state of the node as a whole, and its counters.
//  0  arenaGranules    u16  size of the arena's stack of blocks
//  2  arenaHoles       u16  freed blocks not yet closed, the gap among them
//  4  mode             u8   NodeMode bits
//  5  level            u8   authority of the host's session (Level)
//  6  quantum          u16  instructions a turn
//  8  turn             u8   index of the task whose turn it is
//  9  arenaMoved       u8   1: blocks moved, addresses must be fetched again
// 10  turnLeft         u16  instructions left of that turn
// 12  descriptorLimit  u16  most descriptors in use at once
// 14  handleLimit      u16  most handles a task
// 16  fresh            u16  descriptors that got a message since receivers were last served
// 18  waiting          u16  values that wait for the store, to be saved or restored
// 20  values           u16  entries of the value table in use
// 22  commands         u16  entries of the command table in use
// 24  subscriptions    u16  entries of the subscription table in use
// 26  frameBase        u16  first identifier of the node protocol; 0: not known yet
// From here on what only counts up, or tells of the last call: it differs after everything was removed again.
// 28  nextPid          u8   the pid of the next task
// 29  consoleHeld      u8   1: a frame goes out on the console, no text may come between
// 30  waitNext         u16  order in which tasks began to wait
// 32  nextFile         u16  the next file descriptor; below the first: the first
// 34  lines            u16  lines of code this poll may still read from the device
// 36  loadResult       i32  of the last load: the pid, or why it was refused
// 40  lastMs           u32  clock at the last tick
// 44  eventNext        u32  sequence number of the next event
// 48  eventRead        u32  sequence number of the oldest event nobody read
// 52  eventsDropped    u32  events overwritten before they were read
// 56  steps            u32  instructions retired since power-on
// 60  canDropped       u32  frames a mailbox had no room for
// 64  uartDropped      u32  console bytes a mailbox had no room for
// 68  noticesDropped   u32  value notifications a mailbox had no room for
// 72  gap              u16  ref of the gap that is being closed
// 74  gapSize          u16  its granules; 0: there is none
// 76  gapLeft          u16  granules of the block above it that are still to be moved; 0: none is torn
// 78  hasWorked        u8   1: this poll has already done what there is time for beside a few instructions of apps
// 79  unkept           u8   ms of which the store has not been told

import { COUNTERS_SIZE, IS_DESKTOP, NODE_BASE, NODE_SIZE } from "./layout";
import { NodeMode } from "./spec/node";


@unmanaged
export class Node {
  arenaGranules: u16 = 0;
  arenaHoles: u16 = 0;
  mode: u8 = 0;
  level: u8 = 0;
  quantum: u16 = 0;
  turn: u8 = 0;
  arenaMoved: u8 = 0;
  turnLeft: u16 = 0;
  descriptorLimit: u16 = 0;
  handleLimit: u16 = 0;
  fresh: u16 = 0;
  waiting: u16 = 0;
  values: u16 = 0;
  commands: u16 = 0;
  subscriptions: u16 = 0;
  frameBase: u16 = 0;
  nextPid: u8 = 0;
  consoleHeld: u8 = 0;
  waitNext: u16 = 0;
  nextFile: u16 = 0;
  lines: u16 = 0;
  loadResult: i32 = 0;
  lastMs: u32 = 0;
  eventNext: u32 = 0;
  eventRead: u32 = 0;
  eventsDropped: u32 = 0;
  steps: u32 = 0;
  canDropped: u32 = 0;
  uartDropped: u32 = 0;
  noticesDropped: u32 = 0;
  gap: u16 = 0;
  gapSize: u16 = 0;
  gapLeft: u16 = 0;
  hasWorked: u8 = 0;
  unkept: u8 = 0;
}
if (offsetof<Node>("nextPid") != NODE_SIZE) ERROR("Node: counters");
if (offsetof<Node>("noticesDropped") != 68) ERROR("Node.noticesDropped: offset");
if (offsetof<Node>("hasWorked") != 78) ERROR("Node.hasWorked: offset");
if (offsetof<Node>() > NODE_SIZE + COUNTERS_SIZE) ERROR("Node: size");

/** The one Node. */
export function nodeAt(): Node {
  return changetype<Node>(NODE_BASE);
}
/** True on a node that acts as the recorded reference. */
export function isReference(): bool {
  return IS_DESKTOP && (nodeAt().mode & NodeMode.REFERENCE) != 0;
}
/** True on the reference's machine without an executive. */
export function isBare(): bool {
  return IS_DESKTOP && (nodeAt().mode & NodeMode.BARE) != 0;
}
