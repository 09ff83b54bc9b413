// Makes code for an AVR smaller: sequences of instructions that occur often become routines that are called, and ends
// that several functions share are jumped to. A sequence may hold branches and their labels as long as none leads in or
// out. Works on the compiler's assembly text, one instruction a line.

import type { Prototype } from "./c-module.ts";
import { BITS } from "./widths.ts";

/** Fewest bytes a routine must save. */
const WORTH = 2;
/** Lines of a sequence. */
const SHORTEST = 2;
const LONGEST = 40;
/** Bytes of a call of a routine; the linker shortens those that reach theirs with less. */
const CALL_BYTES = 3;
const RET_BYTES = 2;
/** Passes: a call is an instruction like others, so that routines may call routines. */
const PASSES = 3;

const LONG = /^(call|jmp|lds|sts)\b/;
const ROUTINE = /^(call|jmp) outlined_/;
/** Depends on where it stands. */
const BOUND = /^(ijmp|eijmp|icall|eicall|rcall|reti|elpm|spm)\b|gs\(| \.-/;
/** Uses the stack, or returns: only a sequence that is jumped to, not called, may hold it. */
const STACKED = /^(push|pop|ret|cli|sei|call save_r\d+)\b|^jmp [a-zA-Z_]|__SP_[LH]__/;
/** Ends a function: a sequence up to it is jumped to, not called. */
const END = /^(ret|jmp [a-zA-Z_][\w.]*(\+\(.*\))?)$/;
const SKIP = /^(cpse|sbrc|sbrs|sbic|sbis)\b/;
/** A branch or jump over the next instructions, `breq .+4`. */
const HOP = /^(?:br\w+|rjmp) \.\+(\d+)/;
/** A branch to a label, or to the next one of a number before (`1b`) or behind (`2f`). */
const BRANCH = /^(br\w+|r?jmp) (\.L\d+|\d+[bf])$/;
const LOCAL = /\.L\d+/g;
const LABEL = /^\t?(\.L\d+|\d+):$/;
const INSTRUCTION = /^\t([a-z][^;]*?)\s*$/;
const SECTION = /^(?=\t\.(?:section|text|data)\b)/m;
const COMMENT = /^\/\*.*\*\/$/;

/** What stays as the compiler wrote it. */
export interface OutlineOptions {
  /** Functions whose time matters. */
  readonly keep: ReadonlySet<string>;
  /** Functions that take arguments on the stack: a return address between would shift them. */
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

// ---- Reading ----

type Use = "free" | "stacked" | "end" | "none";

interface Line {
  readonly text: string;
  /** What must be equal for two lines to be the same: branches by the number of lines to their label. */
  readonly key: string;
  readonly bytes: number;
  /** Whether a routine may hold it, or only one that is jumped to, or as the end of such a one. */
  readonly use: Use;
  /** First and last line that must come along: labels of branches, branches to labels, what a skip passes over. */
  readonly first: number;
  readonly last: number;
}

/** Lines of one section. */
class Reader {
  private readonly codes: readonly string[];
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  private readonly labels = new Map<string, number[]>();
  /** Labels that something else than a branch names. */
  private readonly fixed = new Set<string>();

  private readonly texts: readonly string[];
  private readonly base: number;
  private readonly isKept: boolean;
  private readonly stacked: ReadonlySet<string>;

  /** `base`: lines before the section. */
  constructor(texts: readonly string[], base: number, { keep, stacked }: OutlineOptions) {
    this.texts = texts;
    this.base = base;
    this.stacked = stacked;
    const section = /^\t\.section\t\.text\.([\w.]+)/.exec(texts[0] ?? "");
    this.isKept = section === null || keep.has((section[1] ?? "").replace(/\..*/, ""));
    this.codes = texts.map((text) => {
      if (text.startsWith("\t.")) return "";
      return (INSTRUCTION.exec(text)?.[1] ?? "").replace(/\s+/g, " ");
    });
    this.first = Int32Array.from(texts, (_, n) => n);
    this.last = Int32Array.from(texts, (_, n) => n);
    for (const [n, text] of texts.entries()) {
      const label = LABEL.exec(text)?.[1];
      if (label !== undefined) this.labels.set(label, [...(this.labels.get(label) ?? []), n]);
    }
  }

  read(): Line[] {
    const targets = this.codes.map((code, n) => this.bind(code, n));
    return this.texts.map((text, n) => {
      const code = this.codes[n] as string;
      const target = targets[n];
      return {
        text,
        key: target === undefined ? code || ":" : `${code.split(" ")[0]} @${target - n}`,
        bytes: bytesOf(code),
        use: this.isKept ? "none" : this.useOf(n, code, target),
        first: this.base + (this.first[n] as number),
        last: this.base + (this.last[n] as number),
      };
    });
  }

  /** Joins an instruction and the lines it leads to; the line of its label if it names one. */
  private bind(code: string, at: number): number | undefined {
    if (SKIP.test(code)) this.hold(at, 1);
    const hop = HOP.exec(code);
    if (hop !== null) this.hold(at, Number(hop[1]));
    const name = BRANCH.exec(code)?.[2];
    const target = name === undefined ? undefined : this.labelOf(name, at);
    if (target !== undefined) this.join(at, target);
    else for (const [label] of code.matchAll(LOCAL)) this.fixed.add(label);
    return target;
  }

  private labelOf(name: string, at: number): number | undefined {
    const [, number, way] = /^(\d+)([bf])$/.exec(name) ?? [];
    if (number === undefined) return this.labels.get(name)?.[0];
    const all = this.labels.get(number) ?? [];
    return way === "b" ? all.findLast((n) => n < at) : all.find((n) => n > at);
  }

  /** What a skip or hop passes over stays with it. */
  private hold(at: number, bytes: number): void {
    let left = bytes;
    for (let n = at + 1; left > 0 && n < this.codes.length; n++) {
      left -= bytesOf(this.codes[n] as string, true);
      this.join(at, n);
    }
  }

  private join(a: number, b: number): void {
    const [from, to] = [Math.min(a, b), Math.max(a, b)];
    for (const n of [a, b]) {
      this.first[n] = Math.min(this.first[n] as number, from);
      this.last[n] = Math.max(this.last[n] as number, to);
    }
  }

  private useOf(n: number, code: string, target: number | undefined): Use {
    if (code === "") {
      const label = LABEL.exec(this.texts[n] as string)?.[1];
      return label === undefined || this.fixed.has(label) ? "none" : "free";
    }
    if (BOUND.test(code) || (target === undefined && /\.L\d/.test(code))) return "none";
    if (END.test(code)) return this.first[n] === n ? "end" : "stacked";
    const callee = /^call ([\w.]+)/.exec(code)?.[1];
    const isStacked = callee !== undefined && this.stacked.has(callee);
    return isStacked || STACKED.test(code) ? "stacked" : "free";
  }
}

function readLines(text: string, options: OutlineOptions): Line[] {
  const lines: Line[] = [];
  const all = text
    .split("\n")
    .filter((line) => !COMMENT.test(line))
    .join("\n");
  for (const part of all.split(SECTION)) {
    const texts = part.replace(/\n$/, "").split("\n");
    for (const line of new Reader(texts, lines.length, options).read()) lines.push(line);
  }
  return lines;
}

/** `isFixed`: as the compiler counts, which knows no routines. */
function bytesOf(code: string, isFixed = false): number {
  if (code === "") return 0;
  if (!isFixed && ROUTINE.test(code)) return CALL_BYTES;
  return LONG.test(code) ? 4 : 2;
}

// ---- Choosing ----

interface Choice {
  /** First lines of the sequences. */
  readonly places: readonly number[];
  readonly length: number;
  readonly bytes: number;
  /** It ends a function: no return behind it. */
  readonly isTail: boolean;
}

/** The sequences of a length that may become routines, which grows by one line a step. */
class Windows {
  private readonly lines: readonly Line[];
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  /** Of each sequence, what it holds: nothing barred, nothing but what may be called. */
  private readonly isOpen: Uint8Array;
  private readonly isPlain: Uint8Array;
  private length = 0;

  constructor(lines: readonly Line[]) {
    this.lines = lines;
    this.first = Int32Array.from(lines, (_, n) => n);
    this.last = Int32Array.from(lines, (_, n) => n);
    this.isOpen = new Uint8Array(lines.length).fill(1);
    this.isPlain = new Uint8Array(lines.length).fill(1);
  }

  grow(): void {
    const { lines, first, last, isOpen, isPlain } = this;
    for (let start = 0; start < lines.length; start++) {
      const line = lines[start + this.length];
      if (line === undefined || line.use === "none") isOpen[start] = 0;
      if (line === undefined || isOpen[start] === 0) continue;
      if (line.use !== "free") isPlain[start] = 0;
      first[start] = Math.min(first[start] as number, line.first);
      last[start] = Math.max(last[start] as number, line.last);
    }
    this.length++;
  }

  /** Whether the sequence from a line on can be called, or be jumped to. */
  fits(start: number): boolean {
    const end = start + this.length - 1;
    if (this.isOpen[start] === 0) return false;
    if ((this.first[start] as number) < start || (this.last[start] as number) > end) return false;
    return this.isPlain[start] === 1 || this.lines[end]?.use === "end";
  }
}

function gain(count: number, { bytes, isTail }: Choice): number {
  return count * (bytes - CALL_BYTES) - bytes - (isTail ? 0 : RET_BYTES);
}

/** Sequences of one length, by their text. Places that overlap an earlier one are left out. */
function candidates(windows: Windows, ids: Int32Array, length: number): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (let start = 0; start + length <= ids.length; start++) {
    if (!windows.fits(start)) continue;
    const key = ids.subarray(start, start + length).join(",");
    const places = found.get(key);
    if (places === undefined) found.set(key, [start]);
    else if ((places.at(-1) ?? 0) + length <= start) places.push(start);
  }
  return found;
}

/** Every sequence worth a routine, the most useful first. */
function worthwhile(lines: readonly Line[]): Choice[] {
  const numbers = new Map<string, number>();
  const ids = Int32Array.from(lines, ({ key }) => {
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key) as number;
  });
  const windows = new Windows(lines);
  const all: Choice[] = [];
  for (let length = 1; length <= LONGEST; length++) {
    windows.grow();
    if (length < SHORTEST) continue;
    for (const places of candidates(windows, ids, length).values()) {
      if (places.length < 2) continue;
      const start = places[0] ?? 0;
      const bytes = lines.slice(start, start + length).reduce((sum, line) => sum + line.bytes, 0);
      const choice = { places, length, bytes, isTail: lines[start + length - 1]?.use === "end" };
      if (gain(places.length, choice) >= WORTH) all.push(choice);
    }
  }
  const order = (a: Choice, b: Choice) =>
    gain(b.places.length, b) - gain(a.places.length, a) ||
    b.length - a.length ||
    (a.places[0] ?? 0) - (b.places[0] ?? 0);
  return all.sort(order);
}

/** Routines of one pass, none over another. */
function choose(lines: readonly Line[]): Choice[] {
  const taken = new Uint8Array(lines.length);
  const chosen: Choice[] = [];
  for (const choice of worthwhile(lines)) {
    const { places, length } = choice;
    const isFree = (start: number) => taken.subarray(start, start + length).every((t) => t === 0);
    const left = places.filter(isFree);
    if (gain(left.length, choice) < WORTH) continue;
    for (const start of left) taken.fill(1, start, start + length);
    chosen.push({ ...choice, places: left });
  }
  return chosen;
}

// ---- Writing ----

function routine(name: string, lines: readonly Line[], start: number, choice: Choice): string[] {
  const body = lines.slice(start, start + choice.length).map((line) => line.text);
  const last = lines[start + choice.length - 1] as Line;
  const isLast = last.first === start + choice.length - 1;
  // a call at the end need not come back
  if (isLast && last.text.startsWith("\tcall ")) body.splice(-1, 1, `\tjmp ${last.text.slice(6)}`);
  else if (!choice.isTail) body.push("\tret");
  return [
    `\t.section\t.text.${name},"ax",@progbits`,
    `\t.type\t${name}, @function`,
    `${name}:`,
    ...body,
    `\t.size\t${name}, .-${name}`,
  ];
}

/** One pass; `from`: routines there are already. */
function fold(text: string, options: OutlineOptions, from: number): string {
  const lines = readLines(text, options);
  const calls = new Map<number, { readonly choice: Choice; readonly name: string }>();
  const routines: string[] = [];
  for (const [n, choice] of choose(lines).entries()) {
    const name = `outlined_${from + n}`;
    routines.push(...routine(name, lines, choice.places[0] ?? 0, choice));
    for (const place of choice.places) calls.set(place, { choice, name });
  }
  const rest: string[] = [];
  for (let n = 0; n < lines.length; ) {
    const found = calls.get(n);
    rest.push(
      found === undefined
        ? (lines[n] as Line).text
        : `\t${found.choice.isTail ? "jmp" : "call"} ${found.name}`,
    );
    n += found?.choice.length ?? 1;
  }
  return `${[...rest, ...routines].join("\n")}\n`;
}

/** The same program in fewer bytes. The same text gives the same text, byte for byte. */
export function outline(text: string, options: OutlineOptions): string {
  let folded = text;
  for (let pass = 0; pass < PASSES; pass++) {
    const count = folded.match(/^outlined_\d+:/gm)?.length ?? 0;
    folded = fold(folded, options, count);
  }
  return folded;
}
