// Module 4, files: SVC arguments and statuses around the RAM files, and the streams 0 to 2 as mailboxes.

import { mailboxSend } from "../mailbox/mailbox";
import { isBare } from "../node";
import { Err } from "../spec/errors";
import { FileFn, FileStatus } from "../spec/svc";
import { Context, setReg } from "../vm/context";
import {
  fileClose,
  fileDelete,
  fileLeft,
  fileList,
  fileListLength,
  fileOpen,
  fileRead,
  fileRename,
  fileWrite,
} from "./files";
import { guestBytes, guestRange, reg16, Svc, textAddress, textLength } from "./guest";
import { taskAt } from "./task";

/** The highest descriptor that is a stream: 0, 1 and 2 stand for handles 1, 2 and 3. */
const STREAM_LAST: u32 = 2;

function result(c: Context, value: i32): Svc {
  setReg(c, 0, value);
  return Svc.DONE;
}

/** R0: the number, or the status of an error. */
function answer(c: Context, number: i32): Svc {
  if (number >= 0) return result(c, number);
  if (number == Err.INVALID) return result(c, FileStatus.EINVAL);
  if (number == Err.FULL || number == Err.NO_MEMORY) return result(c, FileStatus.ENOSPC);
  return result(c, FileStatus.FAILED);
}

function open(index: usize, c: Context): Svc {
  const length = textLength(c, reg16(c, 1));
  if (length < 0) return Svc.FAULT;
  return answer(c, fileOpen(taskAt(index).pid, textAddress(c, reg16(c, 1)), length));
}

/** Only bytes that are there to be copied need room at R2. */
function read(c: Context): Svc {
  const left = fileLeft(reg16(c, 1));
  const max = reg16(c, 3);
  if (left <= 0) return result(c, 0);
  const bytes = guestBytes(c, 2, <u32>left < max ? <u32>left : max);
  const buffer = guestRange(c, 2, bytes);
  if (bytes != 0 && buffer == 0) return Svc.FAULT;
  return result(c, fileRead(reg16(c, 1), buffer, bytes));
}

/** Sends what a task writes to a stream to its mailbox. The bytes taken: all or none. */
function writeStream(index: usize, fd: u32, data: usize, bytes: u32): i32 {
  if (isBare()) return 0;
  const pid: u32 = taskAt(index).pid;
  const sent = mailboxSend(index, fd + 1, data, bytes, fd, 0, pid);
  return sent < 0 ? 0 : sent;
}

function write(index: usize, c: Context): Svc {
  const fd = reg16(c, 1);
  const bytes = guestBytes(c, 2, reg16(c, 3));
  const data = guestRange(c, 2, bytes);
  if (bytes == 0) return result(c, 0);
  if (data == 0) return Svc.FAULT;
  if (fd <= STREAM_LAST) return result(c, writeStream(index, fd, data, bytes));
  const written = fileWrite(fd, data, bytes);
  return result(c, written < 0 ? 0 : written);
}

/** The path in R1 does not matter: there is one directory. */
function list(c: Context): Svc {
  const length = fileListLength();
  const max = reg16(c, 3);
  const bytes = guestBytes(c, 2, length < max ? length : max);
  const buffer = guestRange(c, 2, bytes);
  if (bytes != 0 && buffer == 0) return Svc.FAULT;
  fileList(buffer, bytes);
  return result(c, bytes);
}

function remove(c: Context): Svc {
  const length = textLength(c, reg16(c, 1));
  if (length < 0) return Svc.FAULT;
  return answer(c, fileDelete(textAddress(c, reg16(c, 1)), length));
}

function rename(c: Context): Svc {
  const length = textLength(c, reg16(c, 1));
  const toLength = textLength(c, reg16(c, 2));
  if (length < 0 || toLength < 0) return Svc.FAULT;
  return answer(
    c,
    fileRename(textAddress(c, reg16(c, 1)), length, textAddress(c, reg16(c, 2)), toLength),
  );
}

/** Carries out one function of module 4 for the task of bank `index`. */
export function svcFile(index: usize, c: Context, fn: u32): Svc {
  switch (fn) {
    case FileFn.OPEN:
      return open(index, c);
    case FileFn.READ:
      return read(c);
    case FileFn.WRITE:
      return write(index, c);
    case FileFn.CLOSE:
      return answer(c, fileClose(reg16(c, 1)));
    case FileFn.LISTDIR:
      return list(c);
    case FileFn.DELETE:
      return remove(c);
    case FileFn.RENAME:
      return rename(c);
    case FileFn.MKDIR:
      return result(c, FileStatus.OK); // names may hold slashes without it
    default:
      return result(c, FileStatus.FAILED);
  }
}
