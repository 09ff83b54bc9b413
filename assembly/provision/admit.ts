// Admission: whether the node can take a sound image. Nothing has changed yet when one of these refuses.

import { arenaAllocate } from "../arena";
import { dataBytesOf, memoryBytesOf, stackBytesOf } from "../executive/lifecycle";
import { appName, freeInstance, namesake } from "../executive/name";
import { taskAt, taskFind, taskFreeBank } from "../executive/task";
import { nv_size } from "../hal";
import { entryTotal, imageCaps, imageFlags } from "../image/metadata";
import { COMMAND_MAX, IO_BASE, TASK_MAX, VALUE_MAX } from "../layout";
import { isReference } from "../node";
import { refusalName, refuse, refuseFull, refuseHeld, refuseMemory } from "../refusal";
import { commandCount } from "../registry/command";
import { valueCount } from "../registry/value";
import { Err } from "../spec/errors";
import {
  DATA_ORIGIN,
  HXE_BSS_SIZE_OFF,
  HXE_REQ_CAPS_OFF,
  HxeCap,
  HxeFlag,
  MetaType,
  STACK_TOP,
} from "../spec/hxe";
import { Resource } from "../spec/node";
import { declarerAt, Load, loadMemoryField, NAMESAKE } from "./load";

/** Stacks of 4 KiB that fit the reference's address space. */
const REFERENCE_STACKS: u32 = 14;
/** What every node has; FRAM only with a device fitted. */
const CAPS: u32 = HxeCap.MAILBOX | HxeCap.VALUE | HxeCap.CAN | HxeCap.UART | HxeCap.LONG_BRANCH;

function checkCaps(slot: u32): i32 {
  const caps = nv_size() != 0 ? CAPS | HxeCap.FRAM : CAPS;
  const missing = imageCaps(slot) & ~caps;
  return missing == 0 ? <i32>Err.OK : refuse(Err.HXE_CAPS, HXE_REQ_CAPS_OFF, missing, caps);
}

/** A single-instance app whose name is taken is refused; the others get the next instance number. */
function checkName(l: Load, replaced: u32): i32 {
  const other = namesake(l.slot, 0, replaced);
  if (other < 0) return Err.OK; // its instance is 0
  l.instance = <u8>freeInstance(l.slot, replaced);
  if ((imageFlags(l.slot) & HxeFlag.MULTIPLE) != 0) return Err.OK;
  const err = refuseHeld(Err.APP_EXISTS, 0, taskAt(other).pid);
  refusalName(IO_BASE, appName(l.slot, IO_BASE));
  return err;
}

/** Pid of the task of the same app; 0: there is none. */
function pidOfNamesake(slot: u32): u8 {
  const bank = namesake(slot, 0, 0);
  return bank < 0 ? 0 : taskAt(bank).pid;
}

/** Data and stack must fit between their two ends of the address space. */
function checkSegments(slot: u32): i32 {
  if (isReference()) return Err.OK;
  const need = dataBytesOf(slot) + stackBytesOf(slot);
  const room = STACK_TOP - DATA_ORIGIN;
  return need <= room ? <i32>Err.OK : refuse(Err.HXE_BSS, HXE_BSS_SIZE_OFF, need, room);
}

/** The bank the task will have: that of the one it replaces, or a free one. */
function chooseBank(replaced: u32): i32 {
  const bank = replaced != 0 ? taskFind(replaced) : taskFreeBank();
  if (isReference() && bank >= <i32>REFERENCE_STACKS) {
    return refuseFull(Err.FULL, Resource.STACK, REFERENCE_STACKS + 1, REFERENCE_STACKS);
  }
  if (bank >= 0) return bank;
  return refuseFull(Err.FULL, Resource.TASKS, <u32>TASK_MAX + 1, <u32>TASK_MAX);
}

/** Old and new entries stand side by side until the change-over, so both must fit; the need tells how many that is. */
function checkTables(slot: u32): i32 {
  const values = <u32>valueCount() + entryTotal(slot, MetaType.VALUE);
  if (values > <u32>VALUE_MAX) return refuseFull(Err.FULL, Resource.VALUES, values, <u32>VALUE_MAX);
  const commands = <u32>commandCount() + entryTotal(slot, MetaType.COMMAND);
  if (commands > <u32>COMMAND_MAX)
    return refuseFull(Err.FULL, Resource.COMMANDS, commands, <u32>COMMAND_MAX);
  return Err.OK;
}

/** Whether the verified image of a load may run here, and under its name. HXE_CAPS, APP_EXISTS. */
export function admit(l: Load): i32 {
  const d = declarerAt();
  if (d.replaced == <u8>NAMESAKE) d.replaced = pidOfNamesake(l.slot);
  if (taskFind(d.replaced) < 0) d.replaced = 0; // it was killed while the image came
  const err = checkCaps(l.slot);
  return err < 0 ? err : checkName(l, d.replaced);
}

/** Reserves bank and memory for an admitted image. HXE_BSS, FULL, NO_MEMORY. */
export function reserve(l: Load): i32 {
  const d = declarerAt();
  if (taskFind(d.replaced) < 0) d.replaced = 0; // or since then
  let err = checkSegments(l.slot);
  if (err >= 0) err = checkTables(l.slot);
  const bank = err < 0 ? err : chooseBank(d.replaced);
  if (bank < 0) return bank;
  l.bank = <u8>bank;
  const bytes = memoryBytesOf(l.slot);
  return arenaAllocate(bytes, loadMemoryField(l)) ? <i32>Err.OK : refuseMemory(bytes);
}
