// Serial lines: a device file, set up by the system's stty, because Node cannot.

import { execFile } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { Duplex } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";
import { TransportError } from "../../bus/transport.ts";

/** Opens a serial line with eight bits, no parity and nothing in between. Throws a TransportError. */
export async function connectSerial(path: string, baud: number): Promise<Duplex> {
  await setUp(path, baud);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch (error) {
    throw serialError(path, String((error as NodeJS.ErrnoException).code));
  }
  const reader = new ReadStream(fd);
  reader.setRawMode(true);
  const writer = new WriteStream(fd);
  const line = Duplex.from({ readable: reader, writable: writer });
  line.once("close", () => {
    reader.destroy();
    writer.destroy();
    closeQuietly(fd);
  });
  return line;
}
/** The streams may have closed it. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {}
}

function setUp(path: string, baud: number): Promise<void> {
  const args = [
    "-F",
    path,
    String(baud),
    "raw",
    "cs8",
    "-cstopb",
    "-parenb",
    "-crtscts",
    "clocal",
    "-echo",
  ];
  return new Promise((resolve, reject) => {
    execFile("stty", args, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else if (error.code === "ENOENT") reject(noStty(path));
      else reject(serialError(path, stderr));
    });
  });
}
function noStty(path: string): TransportError {
  const message = `${path}: the program stty, which sets up serial lines, is missing`;
  return new TransportError("no-package", message, "install coreutils");
}

function serialError(path: string, said: string): TransportError {
  if (/ENOENT|No such file/.test(said)) {
    const remedy = "is the adapter plugged in? ls /dev/ttyACM* /dev/ttyUSB*";
    return new TransportError("no-adapter", `${path}: there is no such port`, remedy);
  }
  if (/EACCES|Permission denied/.test(said)) {
    const remedy = "sudo usermod -aG dialout $USER, then log in again";
    return new TransportError("no-permission", `${path}: you may not open this port`, remedy);
  }
  if (/EBUSY|busy/.test(said)) {
    const message = `${path}: another program has this port`;
    return new TransportError("adapter-busy", message, "close the other program");
  }
  const message = `${path}: this is no serial line (${said.trim()})`;
  return new TransportError(
    "no-adapter",
    message,
    "name a port as in ls /dev/ttyACM* /dev/ttyUSB*",
  );
}
