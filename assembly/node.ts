// Node, 64 bytes: configuration, and the counters of the node as a whole.
//  0  arenaGranules    u16  size of the arena's stack of blocks
//  2  arenaHoles       u8   freed blocks not yet closed
//  3  arenaMoved       u8   1: blocks moved, addresses must be fetched again
//  4  nextPid          u8   counter: the pid of the next task
//  5  mode             u8   NodeMode bits
//  6  quantum          u16  instructions a turn
//  8  lastMs           u32  clock at the last tick
// 12  eventNext        u32  counter: sequence number of the next event
// 16  eventRead        u32  sequence number of the oldest event nobody read
// 20  eventsDropped    u32  counter: events overwritten before they were read
// 24  turn             u8   index of the task whose turn it is
// 25  level            u8   authority of the host's session (Level)
// 26  turnLeft         u16  instructions left of that turn
// 28  waitNext         u16  counter: order in which tasks began to wait
// 30  descriptorLimit  u16  most descriptors in use at once
// 32  handleLimit      u16  most handles a task
// 34  fresh            u16  descriptors that got a message since receivers were last served
// 36  waiting          u16  values that wait for the store, to be saved or restored
// 38  values           u16  entries of the value table in use
// 40  steps            u32  counter: instructions retired since power-on
// 44  canDropped       u32  counter: frames no app had room for
// 48  uartDropped      u32  counter: console bytes nobody took in time
// 52  noticesDropped   u32  counter: value notifications a mailbox had no room for
// 56  commands         u16  entries of the command table in use
// 58  subscriptions    u16  entries of the subscription table in use
// 60  nextFile         u16  counter: the number of the next file descriptor
// 62  (2 spare)

import { IS_DESKTOP, NODE_BASE, NODE_SIZE } from "./layout";
import { NodeMode } from "./spec/node";


@unmanaged
export class Node {
  arenaGranules: u16 = 0;
  arenaHoles: u8 = 0;
  arenaMoved: u8 = 0;
  nextPid: u8 = 0;
  mode: u8 = 0;
  quantum: u16 = 0;
  lastMs: u32 = 0;
  eventNext: u32 = 0;
  eventRead: u32 = 0;
  eventsDropped: u32 = 0;
  turn: u8 = 0;
  level: u8 = 0;
  turnLeft: u16 = 0;
  waitNext: u16 = 0;
  descriptorLimit: u16 = 0;
  handleLimit: u16 = 0;
  fresh: u16 = 0;
  waiting: u16 = 0;
  values: u16 = 0;
  steps: u32 = 0;
  canDropped: u32 = 0;
  uartDropped: u32 = 0;
  noticesDropped: u32 = 0;
  commands: u16 = 0;
  subscriptions: u16 = 0;
  nextFile: u16 = 0;
}
if (offsetof<Node>("nextFile") != 60) ERROR("Node.nextFile: offset");
if (offsetof<Node>() > NODE_SIZE) ERROR("Node: size");

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
