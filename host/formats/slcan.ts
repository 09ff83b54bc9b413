// SLCAN, the text protocol of Lawicel's CAN adapters: frames as lines that end with CR. docs/bus.md has a trace.

import type { CanFrame } from "./can-frame.ts";

/** Bit rate in kbit/s of S0 to S8. */
export const SLCAN_RATES = [10, 20, 50, 100, 125, 250, 500, 800, 1000] as const;

/** Bits of the answer to F. */
export const SlcanFlag = { WARNING: 4, PASSIVE: 0x20, BUS_ERROR: 0x80 } as const;

/** Of a time stamp in milliseconds. */
const STAMP_DIGITS = 4;
const LETTERS = { data: ["t", "T"], remote: ["r", "R"] } as const;
const LINE = /^(?:([tr])([0-9A-Fa-f]{3})|([TR])([0-9A-Fa-f]{8}))([0-8])((?:[0-9A-Fa-f]{2})*)$/;

/** `t12320A0B`, without the CR. */
export function slcanText({ id, isExtended, isRemote, data }: CanFrame): string {
  const letter = LETTERS[isRemote ? "remote" : "data"][isExtended ? 1 : 0];
  const digits = id.toString(16).padStart(isExtended ? 8 : 3, "0");
  const bytes = isRemote ? "" : Buffer.from(data).toString("hex");
  return `${letter}${`${digits}${data.length}${bytes}`.toUpperCase()}`;
}

/** A line as slcanText() writes it, perhaps with a time stamp; undefined: it is no frame. */
export function readSlcanFrame(line: string): CanFrame | undefined {
  const [, short, shortId, long, longId, digit, tail = ""] = LINE.exec(line) ?? [];
  const letter = short ?? long;
  if (letter === undefined) return undefined;
  const isExtended = long !== undefined;
  const isRemote = letter.toLowerCase() === "r";
  const id = Number.parseInt(shortId ?? longId ?? "", 16);
  const length = Number(digit);
  const digits = isRemote ? 0 : 2 * length;
  const hasLength = tail.length === digits || tail.length === digits + STAMP_DIGITS;
  if (id > (isExtended ? 0x1fffffff : 0x7ff) || !hasLength) return undefined;
  const data = isRemote
    ? new Uint8Array(length)
    : Uint8Array.from(Buffer.from(tail.slice(0, digits), "hex"));
  return { id, isExtended, isRemote, data };
}
