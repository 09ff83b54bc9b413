// Command, 12 bytes, and the table of commands: dense, in order of registration.
//  0  oid    u16  group << 8 | id
//  2  owner  u8   pid
//  3  flags  u8   CommandFlag
//  4  auth   u8   Level a caller who is not the owner needs
//  5  bits   u8   CommandBit
//  6  slot   u8   slot of its image; RUN_TIME: entry is an arena ref
//  7  row    u8   bank of its owner
//  8  entry  u32  place of its entry in the file

import { arenaAdopt, arenaRelease } from "../arena";
import { COMMAND_MAX, COMMAND_SIZE, COMMANDS_BASE, COMMAND_MASK } from "../layout";
import { nodeAt } from "../node";
import { refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import { COMMAND_HANDLER_OFF } from "../spec/hxe";
import { Resource } from "../spec/node";
import { entryU32, RUN_TIME } from "./entry";

export enum CommandBit {
  /** its image is still being loaded; nobody sees it */
  PENDING = 1,
}

/** Handler offset of a command registered at run time, which has no code of its own. */
export const HANDLER_NONE: u32 = 0xffffffff;


@unmanaged
export class Command {
  oid: u16 = 0;
  owner: u8 = 0;
  flags: u8 = 0;
  auth: u8 = 0;
  bits: u8 = 0;
  slot: u8 = 0;
  row: u8 = 0;
  entry: u32 = 0;
}
if (offsetof<Command>("entry") != 8) ERROR("Command.entry: offset");
if (offsetof<Command>() != COMMAND_SIZE) ERROR("Command: size");

export function commandAt(index: usize): Command {
  return changetype<Command>(COMMANDS_BASE + (index & COMMAND_MASK) * COMMAND_SIZE);
}
export function commandCount(): usize {
  return (<usize>nodeAt().commands) & (2 * COMMAND_MASK + 1); // as of values
}
/** Address of the field that owns a run-time entry. */
export function commandEntryField(c: Command): usize {
  return changetype<usize>(c) + offsetof<Command>("entry");
}
/** Offset of the handler in the owner's code, or HANDLER_NONE. */
export function commandHandler(c: Command): u32 {
  return c.slot == RUN_TIME ? HANDLER_NONE : entryU32(c.slot, c.entry, COMMAND_HANDLER_OFF);
}

/** Index of the visible command with this id, or NOT_FOUND. */
export function commandFind(oid: u32): i32 {
  const count = commandCount();
  for (let i: usize = 0; i < count; i++) {
    const c = commandAt(i);
    if (c.oid == oid && (c.bits & CommandBit.PENDING) == 0) return <i32>i;
  }
  return Err.NOT_FOUND;
}

/** Appends a zeroed command and returns its index. FULL. */
export function commandAppend(oid: u32, owner: u32, row: usize, bits: u32): i32 {
  const count = commandCount();
  if (count == COMMAND_MAX)
    return refuseFull(Err.FULL, Resource.COMMANDS, <u32>COMMAND_MAX + 1, <u32>COMMAND_MAX);
  const c = commandAt(count);
  c.oid = <u16>oid;
  c.owner = <u8>owner;
  c.row = <u8>row;
  c.bits = <u8>bits;
  nodeAt().commands = <u16>(count + 1);
  return <i32>count;
}

/** Removes one command; those behind it move up. */
export function commandRemove(index: usize): void {
  const c = commandAt(index);
  if (c.slot == RUN_TIME) arenaRelease(commandEntryField(c));
  const last = commandCount() - 1;
  memory.copy(
    changetype<usize>(c),
    changetype<usize>(c) + COMMAND_SIZE,
    (last - index) * COMMAND_SIZE,
  );
  memory.fill(changetype<usize>(commandAt(last)), 0, COMMAND_SIZE);
  nodeAt().commands = <u16>last;
  for (let i = index; i < last; i++) {
    const moved = commandAt(i);
    if (moved.slot == RUN_TIME) arenaAdopt(commandEntryField(moved));
  }
}

/** Removes the commands of a task. */
export function commandsRelease(owner: u32): void {
  for (let i = commandCount(); i > 0; i--) {
    if (commandAt(i - 1).owner == owner) commandRemove(i - 1);
  }
}

/** Shows the commands of a task whose load is complete. */
export function commandsReveal(owner: u32): void {
  const count = commandCount();
  for (let i: usize = 0; i < count; i++) {
    const c = commandAt(i);
    if (c.owner == owner) c.bits &= ~(<u8>CommandBit.PENDING);
  }
}
