// What the host may do to a running node: tasks, their registers and memory, values, commands, configuration.

import { emit } from "../events";
import {
  ARENA_SIZE,
  COMMAND_MAX,
  DESCRIPTOR_MAX,
  EVENT_MAX,
  HANDLE_MAX,
  IO_BASE,
  IO_SIZE,
  IS_DESKTOP,
  STACK_SIZE_DEFAULT,
  STATE_END,
  TASK_MAX,
  VALUE_MAX,
} from "../layout";
import { arenaFree } from "../arena";
import { nodeAt } from "../node";
import { refuse } from "../refusal";
import { commandAt, commandFind } from "../registry/command";
import { hasAuthority, valueSet } from "../registry/filter";
import { setPersistMode } from "../registry/restore";
import { saveNow } from "../registry/saver-state";
import { valueAt, valueFind } from "../registry/value";
import { Err } from "../spec/errors";
import { Config, EventType, HOST_PID, NodeMode, RegIndex, TaskState } from "../spec/node";
import { CommandFlag } from "../spec/svc";
import { contextAt, setReg } from "../vm/context";
import { setPsw } from "../vm/flags";
import { FLAT_SIZE, vmRange } from "../vm/memory";
import { callStart } from "./call";
import { taskRemove, tasksSettle } from "./lifecycle";
import { receiveResume, serveReceivers } from "./receive";
import { scheduleStep } from "./scheduler";
import { isAlive, taskAt, taskFind } from "./task";

// ---- Tasks ----

/** Bank of a task that is not being loaded, every address in it fresh. NOT_FOUND, BUSY. */
function settledTask(pid: u32): i32 {
  tasksSettle();
  const index = taskFind(pid);
  if (index < 0) return refuse(Err.NOT_FOUND, 0, pid, 0);
  return taskAt(index).state == TaskState.LOADING ? refuse(Err.BUSY, 0, pid, 0) : index;
}

/** Removes a task and everything it has; the next polls close the holes that it leaves. NOT_FOUND, BUSY: it is being restarted. */
export function controlKill(pid: u32): i32 {
  const index = settledTask(pid);
  if (index < 0) return index;
  taskRemove(index);
  emit(EventType.KILLED, pid, 0, 0);
  return Err.OK;
}

/** Stops a task where it is. NOT_FOUND, BUSY, ENDED. */
export function controlPause(pid: u32): i32 {
  const index = settledTask(pid);
  if (index < 0) return index;
  const t = taskAt(index);
  if (!isAlive(t)) return refuse(Err.ENDED, 0, pid, 0);
  if (t.state == TaskState.PAUSED) return Err.OK;
  t.resume = t.state;
  t.state = <u8>TaskState.PAUSED;
  emit(EventType.PAUSED, pid, 0, contextAt(index).pc);
  return Err.OK;
}

/** Lets a paused task go on, and a sleeping one wake at once. NOT_FOUND, BUSY, STATE: it is neither. */
export function controlResume(pid: u32): i32 {
  const index = settledTask(pid);
  if (index < 0) return index;
  const t = taskAt(index);
  if (t.state != TaskState.PAUSED && t.state != TaskState.SLEEPING)
    return refuse(Err.STATE, 0, t.state, 0);
  t.state = t.state == TaskState.SLEEPING ? <u8>TaskState.READY : t.resume;
  emit(EventType.RESUMED, pid, 0, contextAt(index).pc);
  if (t.state == TaskState.RECEIVING) receiveResume(index); // what came meanwhile
  return Err.OK;
}

/** Runs one instruction of a paused or READY task; it is paused afterwards unless it blocked or ended. NOT_FOUND, BUSY, STATE. */
export function controlStep(pid: u32): i32 {
  const index = settledTask(pid);
  if (index < 0) return index;
  const t = taskAt(index);
  if (t.state == TaskState.PAUSED && t.resume == TaskState.READY) t.state = <u8>TaskState.READY;
  if (t.state != TaskState.READY) return refuse(Err.STATE, 0, t.state, 0);
  const retired = scheduleStep(index);
  if (t.state == TaskState.READY) {
    t.resume = t.state;
    t.state = <u8>TaskState.PAUSED;
  }
  return retired;
}

/** Sets R0..R15, PC or PSW (RegIndex) of a task. NOT_FOUND, BUSY, INVALID. */
export function controlSetReg(pid: u32, n: u32, value: u32): i32 {
  const index = settledTask(pid);
  if (index < 0) return index;
  const c = contextAt(index);
  if (n == RegIndex.PC) c.pc = value;
  else if (n == RegIndex.PSW) setPsw(c, value);
  else if (n < 16) setReg(c, n, value);
  else return refuse(Err.INVALID, 0, n, RegIndex.PSW);
  return Err.OK;
}

/** Linear address of a task's bytes; 0: outside its segments, or not an address of 16 bits. */
function taskRange(index: usize, address: u32, bytes: u32): usize {
  return address < FLAT_SIZE ? vmRange(contextAt(index), address, bytes) : 0;
}

/** Copies task memory to the I/O buffer. NOT_FOUND, TOO_LARGE, INVALID: outside its segments. */
export function controlRead(pid: u32, address: u32, bytes: u32): i32 {
  const index = settledTask(pid);
  if (index < 0) return index;
  if (bytes > <u32>IO_SIZE) return refuse(Err.TOO_LARGE, 0, bytes, <u32>IO_SIZE);
  const from = taskRange(index, address, bytes);
  if (from == 0) return refuse(Err.INVALID, 0, address, bytes);
  memory.copy(IO_BASE, from, bytes);
  return bytes;
}

/** Copies the I/O buffer to task memory. NOT_FOUND, TOO_LARGE, INVALID. */
export function controlWrite(pid: u32, address: u32, bytes: u32): i32 {
  const index = settledTask(pid);
  if (index < 0) return index;
  if (bytes > <u32>IO_SIZE) return refuse(Err.TOO_LARGE, 0, bytes, <u32>IO_SIZE);
  const to = taskRange(index, address, bytes);
  if (to == 0) return refuse(Err.INVALID, 0, address, bytes);
  memory.copy(to, IO_BASE, bytes);
  return bytes;
}

// ---- Values and commands ----

/** Value of `oid` as binary16. NOT_FOUND. */
export function controlGet(oid: u32): i32 {
  const index = valueFind(oid);
  return index < 0 ? refuse(Err.NOT_FOUND, 0, oid, 0) : <i32>valueAt(index).value;
}

/** Sets a value with the authority of the host's session. NOT_FOUND, NO_ACCESS, READ_ONLY, RANGE, BUSY. */
export function controlSet(oid: u32, value: u32): i32 {
  tasksSettle();
  const index = valueFind(oid);
  if (index < 0) return refuse(Err.NOT_FOUND, 0, oid, 0);
  const err = valueSet(valueAt(index), value, HOST_PID, nodeAt().level);
  serveReceivers();
  return err;
}

function mayManage(oid: u32): i32 {
  const index = valueFind(oid);
  if (index < 0) return refuse(Err.NOT_FOUND, 0, oid, 0);
  const v = valueAt(index);
  if (!hasAuthority(false, false, v.auth, nodeAt().level))
    return refuse(Err.NO_ACCESS, 0, v.auth, nodeAt().level);
  return v.key == 0 ? refuse(Err.INVALID, 0, oid, 0) : index;
}

/** Sets the PersistMode of a value. NOT_FOUND, NO_ACCESS, INVALID: it has no key, or no such mode. */
export function controlPersist(oid: u32, mode: u32): i32 {
  const index = mayManage(oid);
  return index < 0 ? index : setPersistMode(valueAt(index), mode);
}

/** Saves a value now. NOT_FOUND, NO_ACCESS, INVALID: it has no key. */
export function controlSave(oid: u32): i32 {
  const index = mayManage(oid);
  return index < 0 ? index : saveNow(valueAt(index));
}

/** Calls a command; the handler runs in the polls that follow. Returns the call's number. NOT_FOUND, NO_ACCESS, ENDED, STATE, FULL, NO_MEMORY. */
export function controlCall(oid: u32, argument: u32): i32 {
  tasksSettle();
  const index = commandFind(oid);
  if (index < 0) return refuse(Err.NOT_FOUND, 0, oid, 0);
  const k = commandAt(index);
  const level: u32 = nodeAt().level;
  if (!hasAuthority(false, (k.flags & CommandFlag.PIN) != 0, k.auth, level))
    return refuse(Err.NO_ACCESS, 0, k.auth, level);
  return callStart(k, -1, HOST_PID, argument, 0);
}

// ---- Configuration ----

const MODES: u32 = NodeMode.REFERENCE | NodeMode.BARE | NodeMode.LIBM;

/** Value of a Config key. INVALID: there is no such key. */
export function configGet(key: u32): u32 {
  const node = nodeAt();
  switch (key) {
    case Config.QUANTUM:
      return node.quantum;
    case Config.MODE:
      return node.mode;
    case Config.DESCRIPTOR_LIMIT:
      return node.descriptorLimit;
    case Config.HANDLE_LIMIT:
      return node.handleLimit;
    case Config.LEVEL:
      return node.level;
    case Config.TASK_MAX:
      return <u32>TASK_MAX;
    case Config.VALUE_MAX:
      return <u32>VALUE_MAX;
    case Config.COMMAND_MAX:
      return <u32>COMMAND_MAX;
    case Config.DESCRIPTOR_MAX:
      return <u32>DESCRIPTOR_MAX;
    case Config.HANDLE_MAX:
      return <u32>HANDLE_MAX;
    case Config.EVENT_MAX:
      return <u32>EVENT_MAX;
    case Config.IO_BYTES:
      return <u32>IO_SIZE;
    case Config.ARENA_BYTES:
      return <u32>ARENA_SIZE;
    case Config.ARENA_FREE:
      return <u32>arenaFree();
    case Config.STACK_DEFAULT:
      return <u32>STACK_SIZE_DEFAULT;
    case Config.PROFILE:
      return PROFILE;
    case Config.STATE_END:
      return <u32>STATE_END;
    case Config.EVENTS_DROPPED:
      return node.eventsDropped;
    case Config.STEPS:
      return node.steps;
    case Config.CAN_DROPPED:
      return node.canDropped;
    case Config.UART_DROPPED:
      return node.uartDropped;
    case Config.NOTICES_DROPPED:
      return node.noticesDropped;
    default:
      return Err.INVALID;
  }
}

/** A task lives by the mode it was loaded in, so the mode stays while there is any. */
function setMode(mode: u32): i32 {
  if (!IS_DESKTOP) return refuse(Err.UNSUPPORTED, 0, mode, 0);
  if (mode > MODES) return refuse(Err.RANGE, 0, mode, MODES);
  for (let i: usize = 0; i < TASK_MAX; i++) {
    if (taskAt(i).pid != 0) return refuse(Err.STATE, 0, taskAt(i).state, 0);
  }
  nodeAt().mode = <u8>mode;
  return Err.OK;
}

/**
 * Sets a Config key. INVALID: no such key, or not to be set. RANGE: a quantum of 0 or above 65,535, an unknown mode, a limit
 * beyond the profile's. UNSUPPORTED: only a desktop node has modes. STATE: something is loaded already.
 */
export function configSet(key: u32, value: u32): i32 {
  const node = nodeAt();
  switch (key) {
    case Config.QUANTUM:
      if (value == 0 || value > 0xffff) return refuse(Err.RANGE, 0, value, 0xffff);
      node.quantum = <u16>value;
      node.turnLeft = 0;
      return Err.OK;
    case Config.MODE:
      return setMode(value);
    case Config.DESCRIPTOR_LIMIT:
      if (value > <u32>DESCRIPTOR_MAX) return refuse(Err.RANGE, 0, value, <u32>DESCRIPTOR_MAX);
      node.descriptorLimit = <u16>value;
      return Err.OK;
    case Config.HANDLE_LIMIT:
      if (value > <u32>HANDLE_MAX) return refuse(Err.RANGE, 0, value, <u32>HANDLE_MAX);
      node.handleLimit = <u16>value;
      return Err.OK;
    case Config.LEVEL:
      if (value > 0xff) return refuse(Err.RANGE, 0, value, 0xff);
      node.level = <u8>value;
      return Err.OK;
    default:
      return refuse(Err.INVALID, 0, key, 0);
  }
}
