// The RAM files, module 4 and module E, for their tests. Names and data lie in the I/O buffer.

import {
  ARENA_HEADER_SIZE,
  arenaAddress,
  arenaAllocate,
  arenaFree,
  arenaRelease,
  arenaSettle,
} from "../../assembly/arena";
import { svcFile } from "../../assembly/executive/svc-file";
import { svcLibm } from "../../assembly/executive/svc-libm";
import { taskAt } from "../../assembly/executive/task";
import {
  DESCRIPTOR_MAX,
  FILES_BASE,
  FILES_SIZE,
  HANDLE_MAX,
  IO_BASE,
  IO_SIZE,
  OPEN_FILES_BASE,
  OPEN_FILES_SIZE,
} from "../../assembly/layout";
import { mailboxAttach, mailboxReceive } from "../../assembly/mailbox/mailbox";
import { receivedAt } from "../../assembly/mailbox/ring";
import { nodeAt } from "../../assembly/node";
import { STACK_TOP } from "../../assembly/spec/hxe";
import { contextAt, reg, setReg } from "../../assembly/vm/context";

export { arenaFree, arenaSettle } from "../../assembly/arena";
export {
  fileAfter,
  fileAppend,
  fileClose,
  fileCount,
  fileData,
  fileDelete,
  fileFind,
  fileLeft,
  fileList,
  fileListLength,
  fileName,
  fileNameLength,
  fileOpen,
  filePut,
  fileRead,
  fileRename,
  fileSize,
  filesRelease,
  fileWrite,
} from "../../assembly/executive/files";

export function ioBase(): usize {
  return IO_BASE;
}
/** The two tables, one behind the other. */
export function tables(): usize {
  return FILES_BASE;
}
export function tablesSize(): usize {
  return FILES_SIZE + OPEN_FILES_SIZE;
}
if (OPEN_FILES_BASE != FILES_BASE + FILES_SIZE) ERROR("probe: tables");

/** Sets the number of the next descriptor. */
export function setNextFile(fd: u32): void {
  nodeAt().nextFile = <u16>fd;
}

// ---- Memory that others hold: owned by the last words of the I/O buffer ----
const HOLDER: usize = IO_BASE + IO_SIZE - 2;
const GUEST: usize = IO_BASE + IO_SIZE - 4;

/** Takes all of the arena but `bytes`, a multiple of the granule. */
export function leaveFree(bytes: usize): void {
  arenaRelease(HOLDER);
  arenaSettle();
  arenaAllocate(arenaFree() - bytes - ARENA_HEADER_SIZE, HOLDER);
}

// ---- A task in bank 0, without a stack ----
/** Gives it `bytes` of data, which begin at 0x4000, and returns their address. */
export function makeTask(pid: u32, bytes: u32): usize {
  nodeAt().descriptorLimit = <u16>DESCRIPTOR_MAX;
  nodeAt().handleLimit = <u16>HANDLE_MAX;
  taskAt(0).pid = <u8>pid;
  mailboxAttach(0, pid, false);
  arenaAllocate(bytes, GUEST);
  const c = contextAt(0);
  c.data = <u32>arenaAddress(load<u16>(GUEST));
  c.dataBytes = <u16>bytes;
  c.stackOrigin = <u16>STACK_TOP;
  return c.data;
}
export function setMode(mode: u32): void {
  nodeAt().mode = <u8>mode;
}
export function setRegister(n: u32, value: u32): void {
  setReg(contextAt(0), n, value);
}
export function register(n: u32): u32 {
  return reg(contextAt(0), n);
}
/** Function `fn` of module 4. */
export function file(fn: u32): u32 {
  return svcFile(0, contextAt(0), fn);
}
/** Function `fn` of module E. */
export function libm(fn: u32): u32 {
  return svcLibm(contextAt(0), fn);
}
/** Takes the next message of a handle into the I/O buffer. */
export function receive(handle: u32): i32 {
  return mailboxReceive(0, handle, IO_BASE, 256);
}
export function receivedFlags(): u32 {
  return receivedAt().flags;
}
export function receivedSource(): u32 {
  return receivedAt().source;
}
