// Numbers on command lines: durations, integers, values; and the same as text.

import { f16FromNumber, f16Shortest, f16ToNumber } from "../formats/f16.ts";
import { usage } from "./exit.ts";

const UNITS_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `500ms`, `10s`, `2m`, `1.5h` as milliseconds. */
export function parseDuration(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text) ?? [];
  const factor = number === "0" ? 1 : UNITS_MS[unit];
  if (number === undefined || factor === undefined) {
    throw usage(`"${text}" is not a duration`, "write a number with ms, s, m, h or d: 500ms, 10s");
  }
  return Number(number) * factor;
}

/** A decimal, 0x or 0b integer within bounds. `what` names it in messages. */
export function parseInteger(text: string, what: string, min: number, max: number): number {
  const isInteger = /^[-+]?(\d+|0x[\da-f]+|0b[01]+)$/i.test(text);
  const magnitude = Number(text.replace(/^[-+]/, ""));
  const number = text.startsWith("-") ? -magnitude : magnitude;
  if (!isInteger) throw usage(`${what}: "${text}" is not an integer`, "write 12, -12 or 0x0C");
  if (number < min || number > max) {
    throw usage(`${what}: ${text} is out of range: ${min} to ${max}`, "choose a number inside it");
  }
  return number;
}

/** A value as binary16 bits: a decimal, `inf`, `nan`, `true` or `false`. */
export function parseF16(text: string): number {
  const words: Record<string, number> = {
    true: 1,
    false: 0,
    on: 1,
    off: 0,
    inf: Infinity,
    "-inf": -Infinity,
    nan: NaN,
  };
  const word = words[text.toLowerCase()];
  const isNumber = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$|^[-+]?0x[\da-f]+$/i.test(text);
  if (word === undefined && !isNumber) {
    throw usage(`"${text}" is not a number`, "write 12, -2.5, 1e3, 0x0C, true or false");
  }
  const number =
    word ?? (/0x/i.test(text) ? parseInteger(text, "value", -65504, 65504) : Number(text));
  const bits = f16FromNumber(number);
  if (Number.isFinite(number) && (bits & 0x7fff) === 0x7c00) {
    throw usage(
      `${text} is out of range: a value is a binary16, -65504 to 65504`,
      "choose a smaller number",
    );
  }
  return bits;
}

/** Node time in seconds with milliseconds: `12.345 s`. */
export function secondsText(ms: number): string {
  return `${(Math.floor(ms) / 1000).toFixed(3)} s`;
}

/** binary16 bits as a number for programs; null stands for NaN and the infinities, which JSON lacks. */
export function numberOf(bits: number): number | null {
  return Number.isFinite(f16ToNumber(bits)) ? (f16Shortest(bits) ?? 0) : null; // -0: JSON has 0
}
