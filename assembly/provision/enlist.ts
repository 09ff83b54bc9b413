// Enlisting: what a verified, admitted image declares is registered out of sight, entry by entry; then the change-over.

import { arenaCost, arenaFree, arenaMove, arenaRelease } from "../arena";
import { emit } from "../events";
import { taskRemove } from "../executive/lifecycle";
import { sourceFlags, taskAt, taskFind, taskMemoryField } from "../executive/task";
import {
  CursorUse,
  mailboxCursorAt,
  mailboxName,
  mailboxNext,
  mailboxOpen,
} from "../image/mailboxes";
import { entryFind, imageSections, sectionFind } from "../image/metadata";
import { slotCrc, slotDrop } from "../image/slot";
import { IO_BASE } from "../layout";
import { descriptorAt } from "../mailbox/descriptor";
import {
  mailboxAttach,
  mailboxBind,
  mailboxDisown,
  mailboxFind,
  mailboxWithdraw,
} from "../mailbox/mailbox";
import { isBare, isReference, nodeAt } from "../node";
import { refusalName, refuseFull } from "../refusal";
import { commandsRelease, commandsReveal } from "../registry/command";
import { claimKeys, declareCommand, declareValue } from "../registry/declare";
import { valueAdopt, valueRestore } from "../registry/restore";
import { ValueBit, valueAt, valueCount, valuesRelease, valuesReveal } from "../registry/value";
import { Source } from "../spec/boot";
import { Err } from "../spec/errors";
import { MetaType } from "../spec/hxe";
import { EventType, PID_MAX, Resource, TaskState } from "../spec/node";
import { Arrival, declarerAt, Load, LoadFlag, loadMemoryField } from "./load";

// ---- Entry by entry: BUSY while there are more, OK when all are in ----

/** Declares the next value and sets it to what is kept of it. */
export function enlistValue(l: Load): i32 {
  const entry = entryFind(l.slot, MetaType.VALUE, l.cursor);
  if (entry == 0) return Err.OK;
  const index = declareValue(declarerAt(), entry);
  if (index < 0) return index;
  valueRestore(valueAt(index));
  l.cursor += 1;
  return Err.BUSY;
}

/** Declares the next command. */
export function enlistCommand(l: Load): i32 {
  const entry = entryFind(l.slot, MetaType.COMMAND, l.cursor);
  if (entry == 0) return Err.OK;
  const index = declareCommand(declarerAt(), entry);
  if (index < 0) return index;
  l.cursor += 1;
  return Err.BUSY;
}

/** Gives the task its row of handles; one that is still another's follows at the change-over. */
export function attachTask(l: Load): i32 {
  const d = declarerAt();
  if (d.replaced != 0 || (l.flags & LoadFlag.ATTACHED) != 0 || isBare()) return Err.OK;
  l.flags |= <u8>LoadFlag.ATTACHED;
  return mailboxAttach(d.row, d.pid, isReference());
}

/** Sets the cursor before the first mailbox of the next section. False: there is none. */
function nextSection(l: Load): bool {
  const section = sectionFind(l.slot, MetaType.MAILBOX, l.cursor);
  l.cursor = section + 1;
  if (section == imageSections(l.slot)) return false;
  mailboxOpen(mailboxCursorAt(CursorUse.REGISTER), l.slot, section);
  return true;
}

/** Goes before the first declared mailbox. NO_DATA: there is none. */
export function firstMailbox(l: Load): i32 {
  l.cursor = 0;
  return nextSection(l) ? <i32>Err.OK : <i32>Err.NO_DATA;
}

/** Where the name of a mailbox is laid; free while the core runs. */
const NAME: usize = IO_BASE;

/** Goes on to the next declared mailbox and returns the length of its name, laid at NAME. BUSY: call again. NO_DATA: no more. */
function nextMailbox(l: Load): i32 {
  const cursor = mailboxCursorAt(CursorUse.REGISTER);
  const next = mailboxNext(cursor);
  if (next == Err.NO_DATA) return nextSection(l) ? <i32>Err.BUSY : <i32>Err.NO_DATA;
  return next < 0 ? next : <i32>mailboxName(cursor, NAME);
}

function bindMailbox(length: i32): i32 {
  const cursor = mailboxCursorAt(CursorUse.REGISTER);
  return mailboxBind(declarerAt().pid, NAME, length, cursor.capacity, cursor.mode);
}

/** Notes by how much a mailbox that exists will have to grow at the change-over. */
function planGrowth(l: Load, id: i32): void {
  const capacity: u32 = mailboxCursorAt(CursorUse.REGISTER).capacity;
  const d = descriptorAt(id);
  if (capacity > <u32>d.size) l.growth += <u32>arenaCost(capacity + d.length);
}

/** Makes the next declared mailbox unless it exists: then nothing changes yet. NO_DATA: no more. */
export function enlistMailbox(l: Load): i32 {
  const length = nextMailbox(l);
  if (length < 0) return length;
  const known = mailboxFind(declarerAt().pid, NAME, length);
  if (known >= 0) planGrowth(l, known);
  const id = known >= 0 ? known : bindMailbox(length);
  if (id >= 0) return Err.BUSY;
  refusalName(NAME, length);
  return id;
}

/** Refuses when the mailboxes that exist could not grow as declared. */
export function checkGrowth(l: Load): i32 {
  if (l.growth <= <u32>arenaFree()) return Err.OK;
  return refuseFull(Err.NO_MEMORY, Resource.MEMORY, l.growth, <u32>arenaFree());
}

/** After the change-over: gives the next mailbox the declared capacity and mode, whoever made it. NO_DATA: no more. */
export function adjustMailbox(l: Load): i32 {
  const length = nextMailbox(l);
  if (length < 0) return length;
  bindMailbox(length); // its growth was provided for
  return Err.BUSY;
}

// ---- The change-over ----

function nextPid(pid: u32): u32 {
  do {
    pid = pid == PID_MAX ? 1 : pid + 1;
  } while (taskFind(pid) >= 0);
  return pid;
}

/** Takes over what values of the same keys became since the new ones were declared. */
function adoptValues(pid: u32): void {
  const count = valueCount();
  for (let i: usize = 0; i < count; i++) {
    const v = valueAt(i);
    if (v.owner == pid && (v.bits & ValueBit.PENDING) != 0 && v.key != 0) valueAdopt(v);
  }
}

/** Where the image of a load comes from. */
function sourceOf(l: Load): Source {
  const arrival: u32 = l.arrival;
  if ((arrival & Arrival.CARD) != 0) return Source.SD;
  if ((arrival & Arrival.BUS) != 0)
    return (arrival & Arrival.SERIAL) != 0 ? Source.SERIAL : Source.CAN;
  return (l.flags & (LoadFlag.FETCH | LoadFlag.WINDOW)) != 0 ? Source.STORED : Source.HOST;
}

/** Fills the bank of a new task. */
function settle(l: Load): void {
  const d = declarerAt();
  const t = taskAt(l.bank);
  t.pid = d.pid;
  t.groupBase = d.groupBase;
  t.keyBase = d.keyBase;
  t.slot = l.slot;
  t.instance = l.instance;
  t.restarts = l.restarts;
  t.restartsLeft = l.restarts;
  t.flags = <u8>((<u32>l.quantum) | sourceFlags(sourceOf(l)));
  arenaMove(loadMemoryField(l), taskMemoryField(t));
  nodeAt().nextPid = <u8>nextPid(d.pid);
}

/** Puts the new task in its bank, not yet running; the one it replaces goes without a trace. */
export function changeOver(l: Load): void {
  const d = declarerAt();
  adoptValues(d.pid);
  claimKeys(d);
  if (d.replaced != 0) {
    const bank = taskFind(d.replaced);
    if (bank >= 0) taskRemove(bank); // unless it was killed meanwhile
    mailboxAttach(l.bank, d.pid, isReference());
  }
  if ((l.flags & LoadFlag.RESTART) == 0) settle(l);
  taskAt(l.bank).state = <u8>TaskState.LOADING;
}

/** Shows what the task declared and starts it. Returns the pid. */
export function launch(l: Load): i32 {
  const t = taskAt(l.bank);
  const isRestart = (l.flags & LoadFlag.RESTART) != 0;
  valuesReveal(t.pid);
  commandsReveal(t.pid);
  t.state = <u8>TaskState.READY;
  emit(isRestart ? EventType.RESTARTED : EventType.LOADED, t.pid, t.restartsLeft, slotCrc(l.slot));
  return t.pid;
}

function withdraw(l: Load): void {
  const d = declarerAt();
  commandsRelease(d.pid);
  valuesRelease(d.pid);
  if ((l.flags & LoadFlag.ATTACHED) != 0) mailboxWithdraw(d.row, d.pid);
  else mailboxDisown(d.pid);
}

/** Takes back everything a load has reserved and declared; a restart that failed leaves its task ended. */
export function takeBack(l: Load): void {
  if (declarerAt().pid != 0) withdraw(l);
  if ((l.flags & LoadFlag.RESTART) != 0) {
    taskAt(l.bank).state = <u8>TaskState.FAULTED;
    return;
  }
  arenaRelease(loadMemoryField(l));
  slotDrop(l.slot);
}
