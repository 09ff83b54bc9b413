// The log format of can-utils, as `candump -L` and `log2asc` know it: one frame a line, `(1609779922.655421) can0 343#B204`.

import type { CanFrame } from "./can-frame.ts";
import { type Diagnostic, wholeFile } from "./diagnostic.ts";

/** A frame of a log. */
export interface LoggedFrame {
  /** Microseconds since 1970, or since the log began. */
  readonly time_us: number;
  /** Name of the bus: `can0`. */
  readonly bus: string;
  readonly frame: CanFrame;
}

const SECOND_US = 1_000_000;
const LINE =
  /^\((\d{1,12})\.(\d{6})\)\s+(\S{1,15})\s+([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#(\S*)(?:\s+[TR])?$/;
const IDS_11 = 0x7ff;
const IDS_29 = 0x1fffffff;

/** `123#0A0B`, `00000123#` of an extended and `123#R4` of a remote frame. */
export function frameText({ id, isExtended, isRemote, data }: CanFrame): string {
  const digits = id.toString(16).padStart(isExtended ? 8 : 3, "0");
  const bytes = isRemote ? `R${data.length || ""}` : Buffer.from(data).toString("hex");
  return `${digits}#${bytes}`.toUpperCase();
}

/** A line of a log, without its end. */
export function writeCandumpLine({ time_us, bus, frame }: LoggedFrame): string {
  const whole = Math.floor(time_us);
  const seconds = String(Math.floor(whole / SECOND_US)).padStart(10, "0");
  const micros = String(whole % SECOND_US).padStart(6, "0");
  return `(${seconds}.${micros}) ${bus} ${frameText(frame)}`;
}

/** A frame as frameText() writes it; undefined: the text is none. */
export function readFrameText(text: string): CanFrame | undefined {
  const [, digits = "", rest = ""] = /^([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#(\S*)$/.exec(text) ?? [];
  if (digits === "") return undefined;
  const isExtended = digits.length === 8;
  const id = Number.parseInt(digits, 16);
  if (id > (isExtended ? IDS_29 : IDS_11)) return undefined;
  const [, length] = /^R([0-8]?)$/.exec(rest) ?? [];
  if (length !== undefined)
    return { id, isExtended, isRemote: true, data: new Uint8Array(Number(length)) };
  // bytes may be parted by dots
  if (!/^([0-9A-Fa-f]{2}(\.(?=.))?){0,8}$/.test(rest)) return undefined;
  const data = Uint8Array.from(Buffer.from(rest.replaceAll(".", ""), "hex"));
  return { id, isExtended, isRemote: false, data };
}

/** Reads a log. Blank lines count as none; any other that is no frame is a diagnostic. */
export function readCandump(
  text: string,
  file: string,
): { frames: LoggedFrame[]; diagnostics: Diagnostic[] } {
  const frames: LoggedFrame[] = [];
  const diagnostics: Diagnostic[] = [];
  text.split(/\r?\n/).forEach((line, n) => {
    if (line.trim() === "") return;
    const read = readLine(line);
    if (read !== undefined) frames.push(read);
    else diagnostics.push(badLine(line, file, n + 1));
  });
  return { frames, diagnostics };
}

function readLine(line: string): LoggedFrame | undefined {
  const [, seconds, micros, bus = "", id, data] = LINE.exec(line.trim()) ?? [];
  if (id === undefined) return undefined;
  const frame = readFrameText(`${id}#${data}`);
  if (frame === undefined) return undefined;
  return { time_us: Number(seconds) * SECOND_US + Number(micros), bus, frame };
}

function badLine(line: string, file: string, at: number): Diagnostic {
  return {
    ...wholeFile(file),
    line: at,
    column: 1,
    width: line.length,
    source: line,
    code: "bad-log",
    message: "this is no frame of a candump log",
    remedy: "write (1609779922.655421) can0 343#B204",
  };
}
