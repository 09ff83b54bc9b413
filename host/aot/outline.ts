// Makes code for an AVR smaller: sequences of instructions that occur often become routines that are called.
// Works on the compiler's assembly text, one instruction a line, and moves nothing that depends on where it stands:
// no jumps, labels, skips or what they skip, nothing that touches the stack pointer.

import type { Prototype } from "./c-module.ts";
import { BITS } from "./widths.ts";

/** Fewest bytes a routine must save. */
const WORTH = 2;
const SHORTEST = 2;
const LONGEST = 40;
/** Bytes of a call; the linker shortens those that reach their routine with less. */
const CALL_BYTES = 3;
const RET_BYTES = 2;
/** Passes: a call is an instruction like others, so that routines may call routines. */
const PASSES = 3;

const LONG = /^(call|jmp|lds|sts)\b/;
/** Ends a sequence: it jumps, skips, depends on the stack pointer, or leaves something on the stack. */
const APART =
  /^(call save_r\d+|br\w+|rjmp|jmp|ijmp|eijmp|ret|reti|push|pop|rcall|icall|eicall|cpse|sbrc|sbrs|sbic|sbis|cli|sei|lpm|elpm|spm)\b|__SP_[LH]__|gs\(/;
/** Ends a function: a sequence up to it is jumped to, not called. */
const END = /^(ret|jmp [a-zA-Z_][\w.]*(\+\(.*\))?)$/;
const SKIP = /^(cpse|sbrc|sbrs|sbic|sbis)\b/;
/** A branch over the next instructions, `breq .+4`. */
const HOP = /^br\w+\s+\.\+(\d+)/;
const INSTRUCTION = /^\t([a-z][^;]*?)\s*$/;

interface Line {
  /** The instruction, or undefined for what must stay as it is. */
  readonly code: string | undefined;
  readonly text: string;
  readonly bytes: number;
  readonly isFree: boolean;
  readonly isEnd: boolean;
}

/** What stays as the compiler wrote it. */
export interface OutlineOptions {
  /** Functions whose time matters. */
  readonly keep: ReadonlySet<string>;
  /** Functions that take arguments on the stack: a routine between would shift them. */
  readonly stacked: ReadonlySet<string>;
}

/** Bytes of registers that arguments are passed in, each in an even number of them; the rest goes on the stack. */
const ARGUMENT_BYTES = 18;

/** Functions with more arguments than fit the registers. */
export function stackedOf(functions: readonly Prototype[]): Set<string> {
  const bytes = ({ params }: Prototype) =>
    params.reduce((sum, type) => sum + Math.max(2, BITS[type] / 8), 0);
  return new Set(functions.filter((f) => bytes(f) > ARGUMENT_BYTES).map(({ symbol }) => symbol));
}

function readLines(text: string, { keep, stacked }: OutlineOptions): Line[] {
  const lines: Line[] = [];
  let isKept = true; // until a function begins
  let held = 0; // bytes that a skip or hop before may pass over
  for (const line of text.split("\n")) {
    const section = /^\t\.section\t\.text\.([\w.]+)/.exec(line);
    if (section !== null) isKept = keep.has((section[1] ?? "").replace(/\..*/, ""));
    else if (/^\t\.(section|text|data)/.test(line)) isKept = true;
    const code = line.startsWith("\t.")
      ? undefined
      : INSTRUCTION.exec(line)?.[1]?.replace(/\s+/g, " ");
    if (code === undefined) {
      lines.push({ code, text: line, bytes: 0, isFree: false, isEnd: false });
      continue;
    }
    const bytes = LONG.test(code) ? 4 : 2;
    const target = /^call ([\w.]+)/.exec(code)?.[1];
    const mayMove = !isKept && held <= 0;
    const isFree = mayMove && !APART.test(code) && !(target !== undefined && stacked.has(target));
    const isEnd = mayMove && END.test(code);
    held -= bytes;
    if (SKIP.test(code)) held = 1;
    const hop = HOP.exec(code);
    if (hop !== null) held = Number(hop[1]);
    lines.push({ code, text: line, bytes, isFree, isEnd });
  }
  return lines;
}

/** Sequences of one length, by their text: all free, or the last an end. Places that overlap an earlier one are left out. */
function candidates(
  lines: readonly Line[],
  ids: Int32Array,
  length: number,
): Map<string, number[]> {
  const found = new Map<string, number[]>();
  let run = 0;
  for (const [end, { isFree, isEnd }] of lines.entries()) {
    run = isFree || isEnd ? run + 1 : 0;
    if (run >= length) {
      const start = end - length + 1;
      const key = ids.subarray(start, end + 1).join(",");
      const places = found.get(key);
      if (places === undefined) found.set(key, [start]);
      else if ((places.at(-1) ?? 0) + length <= start) places.push(start);
    }
    if (isEnd) run = 0;
  }
  return found;
}

interface Choice {
  readonly places: readonly number[];
  readonly length: number;
  readonly bytes: number;
  /** It ends a function: no return behind it. */
  readonly isTail: boolean;
}

function gain(count: number, { bytes, isTail }: Choice): number {
  return count * (bytes - CALL_BYTES) - bytes - (isTail ? 0 : RET_BYTES);
}

/** Routines of one pass, the most useful first. */
function choose(lines: readonly Line[]): Choice[] {
  const numbers = new Map<string, number>();
  const ids = Int32Array.from(lines, ({ code = "" }) => {
    if (!numbers.has(code)) numbers.set(code, numbers.size);
    return numbers.get(code) as number;
  });
  const all: Choice[] = [];
  for (let length = SHORTEST; length <= LONGEST; length++) {
    for (const places of candidates(lines, ids, length).values()) {
      if (places.length < 2) continue;
      const start = places[0] ?? 0;
      const bytes = lines.slice(start, start + length).reduce((sum, line) => sum + line.bytes, 0);
      const choice = { places, length, bytes, isTail: lines[start + length - 1]?.isEnd === true };
      if (gain(places.length, choice) >= WORTH) all.push(choice);
    }
  }
  const order = (a: Choice, b: Choice) =>
    gain(b.places.length, b) - gain(a.places.length, a) ||
    b.length - a.length ||
    (a.places[0] ?? 0) - (b.places[0] ?? 0);
  all.sort(order);
  const taken = new Uint8Array(lines.length);
  const chosen: Choice[] = [];
  for (const choice of all) {
    const { places, length } = choice;
    const isLeft = (start: number) => taken.subarray(start, start + length).every((t) => t === 0);
    const left = places.filter(isLeft);
    if (gain(left.length, choice) < WORTH) continue;
    for (const start of left) taken.fill(1, start, start + length);
    chosen.push({ ...choice, places: left });
  }
  return chosen;
}

function routine(name: string, body: readonly string[]): string[] {
  return [
    `\t.section\t.text.${name},"ax",@progbits`,
    `\t.type\t${name}, @function`,
    `${name}:`,
    ...body,
    `\t.size\t${name}, .-${name}`,
  ];
}

/** The same program in fewer bytes. The same text gives the same text, byte for byte. */
export function outline(text: string, options: OutlineOptions): string {
  const routines: string[] = [];
  let lines = readLines(text, options);
  let count = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const calls = new Map<number, { readonly choice: Choice; readonly name: string }>();
    for (const choice of choose(lines)) {
      const name = `outlined_${count++}`;
      const start = choice.places[0] ?? 0;
      const body = lines.slice(start, start + choice.length).map((line) => line.text);
      const last = body.at(-1) ?? "";
      // a call at the end need not come back
      if (!choice.isTail && last.startsWith("\tcall "))
        body.splice(-1, 1, `\tjmp ${last.slice(6)}`);
      else if (!choice.isTail) body.push("\tret");
      routines.push(...routine(name, body));
      for (const place of choice.places) calls.set(place, { choice, name });
    }
    const next: Line[] = [];
    for (let n = 0; n < lines.length; ) {
      const found = calls.get(n);
      if (found === undefined) {
        next.push(lines[n++] as Line);
        continue;
      }
      const { isTail, length } = found.choice;
      const code = `${isTail ? "jmp" : "call"} ${found.name}`;
      next.push({ code, text: `\t${code}`, bytes: CALL_BYTES, isFree: !isTail, isEnd: isTail });
      n += length;
    }
    lines = next;
  }
  return `${[...lines.map((line) => line.text), ...routines].join("\n")}\n`;
}
