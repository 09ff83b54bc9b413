// SVC dispatch: module by module, and the small modules 0, 1, 2, 6, 9, A. Results are in docs/abi.md.

import { emit } from "../events";
import { can_send, clock_ms, clock_us, uart_write } from "../hal";
import { FILE_MAX, IS_DESKTOP } from "../layout";
import { isBare, nodeAt } from "../node";
import { Err } from "../spec/errors";
import { FRAME_BLOCK } from "../spec/frame";
import { EventType, NodeMode, TaskState } from "../spec/node";
import {
  ABI_VERSION,
  CanFn,
  CoreFn,
  ENOSYS,
  ExecFn,
  GpioFn,
  Module,
  TaskFn,
  TimeFn,
  ValueStatus,
} from "../spec/svc";
import { Context, contextAt, reg, setReg } from "../vm/context";
import { timerOf } from "./clock";
import { filterAdd } from "./filters";
import { guestBytes, guestRange, reg16, Svc } from "./guest";
import { taskEnd } from "./lifecycle";
import { pinConfigure, pinRead, pinWrite } from "./pins";
import { svcCommand } from "./svc-command";
import { svcFile } from "./svc-file";
import { svcLibm } from "./svc-libm";
import { svcMailbox } from "./svc-mailbox";
import { svcValue } from "./svc-value";
import { TaskFlag, taskAt } from "./task";

/** Longest payload of a CAN frame. */
const CAN_DATA_MAX: u32 = 8;

function unknown(c: Context): Svc {
  setReg(c, 0, ENOSYS);
  return Svc.DONE;
}
function result(c: Context, value: u32): Svc {
  setReg(c, 0, value);
  return Svc.DONE;
}

// ---- Module 0: core ----

function svcCore(c: Context, fn: u32): Svc {
  if (fn != CoreFn.GET_STEPS) return unknown(c);
  return result(c, c.steps - 1); // without this SVC
}

// ---- Module 1: task ----

/**
 * Hands the console what it takes; the rest follows poll by poll, the task WRITING meanwhile. R0: the length.
 * FAULT: the registers, which the host may have set meanwhile, tell of no memory.
 */
export function writeOn(index: usize): Svc {
  const c = contextAt(index);
  const t = taskAt(index);
  const length = guestBytes(c, 1, reg16(c, 2));
  const data = guestRange(c, 1, length);
  if (length != 0 && data == 0) return Svc.FAULT;
  const done: u32 = t.state == TaskState.WRITING ? t.timer : 0;
  const isFree = done < length && nodeAt().consoleHeld == 0;
  const taken = isFree ? uart_write(data + done, length - done) : 0;
  t.timer = done + taken;
  t.state = <u8>(t.timer < length && taken >= 0 ? TaskState.WRITING : TaskState.READY);
  if (t.state == TaskState.READY) setReg(c, 0, reg16(c, 2));
  return Svc.DONE;
}

function svcTask(index: usize, c: Context, fn: u32): Svc {
  if (fn == TaskFn.EXIT) {
    taskEnd(index, TaskState.EXITED);
    return Svc.DONE;
  }
  return fn == TaskFn.UART_WRITE ? writeOn(index) : unknown(c);
}

// ---- Module 2: CAN ----

function svcCan(index: usize, c: Context, fn: u32): Svc {
  if (fn == CanFn.FILTER)
    return result(c, statusOf(filterAdd(taskAt(index).pid, reg(c, 1) & 0x7ff, reg(c, 2) & 0x7ff)));
  if (fn != CanFn.TX) return unknown(c);
  const length = guestBytes(c, 2, reg(c, 3) & 0xff);
  const data = guestRange(c, 2, length);
  if (length != 0 && data == 0) return Svc.FAULT;
  if (length > CAN_DATA_MAX) return result(c, ValueStatus.EINVAL);
  const id = reg(c, 1) & 0x7ff;
  const base: u32 = nodeAt().frameBase;
  if (base != 0 && id - base < FRAME_BLOCK) return result(c, ValueStatus.EPERM);
  const err = can_send(id, data, length);
  return result(c, err == Err.STATE ? ValueStatus.EBUSY : statusOf(err)); // STATE: a frame was withdrawn
}

/** Status of modules 2 and 9, which use the numbers of module 7. */
function statusOf(err: i32): u32 {
  if (err >= 0) return err;
  if (err == Err.NO_ACCESS) return ValueStatus.EPERM;
  if (err == Err.FULL) return ValueStatus.ENOSPC;
  if (err == Err.BUSY || err == Err.IO) return ValueStatus.EBUSY;
  return ValueStatus.EINVAL;
}

// ---- Module 6: executive ----

/** True for a module this node answers. */
function hasModule(module: u32): bool {
  if (module == Module.FILE) return FILE_MAX != 0;
  if (module == Module.LIBM) return IS_DESKTOP && (nodeAt().mode & NodeMode.LIBM) != 0;
  return module <= <u32>Module.CAN || (module >= <u32>Module.MAILBOX && module <= <u32>Module.TIME);
}

function svcExec(index: usize, c: Context, fn: u32): Svc {
  const t = taskAt(index);
  if (fn == ExecFn.SLEEP_MS) {
    const ms = reg(c, 0);
    setReg(c, 0, 0);
    if (ms == 0) return Svc.DONE;
    t.timer = timerOf(ms);
    t.state = <u8>TaskState.SLEEPING;
    return Svc.DONE;
  }
  if (fn == ExecFn.GET_VERSION) {
    const known = hasModule(reg(c, 1));
    setReg(c, 1, 0);
    return result(c, known ? ABI_VERSION : ENOSYS);
  }
  if (fn != ExecFn.PROV_CONFIRM) return unknown(c);
  t.flags |= <u8>TaskFlag.CONFIRMED;
  emit(EventType.CONFIRMED, t.pid, 0, 0);
  return result(c, 0);
}

// ---- Module 9: GPIO ----

function svcGpio(index: usize, c: Context, fn: u32): Svc {
  const pid: u32 = taskAt(index).pid;
  const pin = reg(c, 1);
  if (fn == GpioFn.CONFIGURE) return result(c, statusOf(pinConfigure(pid, pin, reg(c, 2))));
  if (fn == GpioFn.WRITE) return result(c, statusOf(pinWrite(pid, pin, reg(c, 2))));
  if (fn != GpioFn.READ) return unknown(c);
  const level = pinRead(pin);
  if (level >= 0) setReg(c, 1, level);
  return result(c, level < 0 ? statusOf(level) : 0);
}

// ---- Module A: time ----

function svcTime(c: Context, fn: u32): Svc {
  if (fn == TimeFn.MS) return result(c, clock_ms());
  if (fn == TimeFn.US) return result(c, clock_us());
  return unknown(c);
}

/** Carries out the SVC at which the task of bank `index` stopped. FAULT: a pointer left its segments, nothing was done. */
export function svcDispatch(index: usize): Svc {
  const c = contextAt(index);
  const module: u32 = c.svc >> 8;
  const fn: u32 = c.svc & 0xff;
  switch (module) {
    case Module.CORE:
      return svcCore(c, fn);
    case Module.TASK:
      return svcTask(index, c, fn);
    case Module.CAN:
      return svcCan(index, c, fn);
    case Module.FILE:
      return FILE_MAX != 0 ? svcFile(index, c, fn) : unknown(c);
    case Module.MAILBOX:
      return svcMailbox(index, c, fn);
    case Module.EXEC:
      return svcExec(index, c, fn);
    case Module.VALUE:
      return isBare() ? result(c, ValueStatus.ENOENT) : svcValue(index, c, fn);
    case Module.COMMAND:
      return isBare() ? result(c, ValueStatus.ENOENT) : svcCommand(index, c, fn);
    case Module.GPIO:
      return svcGpio(index, c, fn);
    case Module.TIME:
      return svcTime(c, fn);
    case Module.LIBM:
      return IS_DESKTOP && (nodeAt().mode & NodeMode.LIBM) != 0 ? svcLibm(c, fn) : unknown(c);
    default:
      return unknown(c);
  }
}
