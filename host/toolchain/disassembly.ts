// Code and rodata of an image as lines of source, with labels where something points.
import { DATA_ORIGIN, HxeCap } from "../../assembly/spec/hxe.ts";
import {
  CanFn,
  CommandFn,
  CoreFn,
  ExecFn,
  FileFn,
  GpioFn,
  LibmFn,
  MailboxFn,
  Module,
  TaskFn,
  TimeFn,
  ValueFn,
} from "../../assembly/spec/svc.ts";
import type { HxeImage } from "../formats/hxe.ts";
import {
  type DecodedInsn,
  decodeInsn,
  isLongBranch,
  printOperand,
  slotsOf,
} from "../formats/isa.ts";
import { hex } from "../formats/text.ts";

/** One instruction, or a word that is none. */
interface Item {
  /** Word index. */
  index: number;
  insn: DecodedInsn | undefined;
}

/** The code of an image, cut into instructions. */
export class CodeText {
  private readonly words: number[];
  private readonly longBranches: boolean;
  private items: Item[] = [];
  /** Code offset to label. */
  readonly labels = new Map<number, string>();
  /** Data address to label. */
  readonly dataLabels = new Map<number, string>();

  /** Literals are written as labels of data below `dataEnd`. */
  constructor(
    image: HxeImage,
    handlers: readonly number[],
    private readonly dataEnd: number,
  ) {
    const view = new DataView(image.code.buffer, image.code.byteOffset, image.code.byteLength);
    this.words = Array.from({ length: image.code.length / 4 }, (_, i) => view.getUint32(4 * i));
    // Assembling a long branch sets the capability; without it they are written as plain words.
    this.longBranches = (image.reqCaps & HxeCap.LONG_BRANCH) !== 0;
    this.addLabel(image.entry, "main");
    this.cut(handlers);
  }

  /** Lines of source with their labels. */
  lines(): string[] {
    return this.items.flatMap(({ index, insn }) => {
      const label = this.labels.get(4 * index);
      const text =
        insn === undefined
          ? `    .insn ${hex(this.words[index] as number, 8)}`
          : `    ${this.print(insn, index)}`;
      return label === undefined ? [text] : [`${label}:`, text];
    });
  }

  /** Cuts until no label falls into the middle of an instruction; such instructions become plain words. */
  private cut(handlers: readonly number[]): void {
    const split = new Set<number>();
    for (;;) {
      this.items = this.sweep(split);
      this.collectLabels(handlers);
      const hit = this.items.filter(
        ({ index, insn }) => insn?.words === 2 && this.labels.has(4 * index + 4),
      );
      if (hit.length === 0) return;
      for (const { index } of hit) split.add(index);
    }
  }

  private sweep(split: ReadonlySet<number>): Item[] {
    const items: Item[] = [];
    for (let i = 0; i < this.words.length; ) {
      const word = this.words[i] as number;
      const refused = split.has(i) || (isLongBranch(word) && !this.longBranches);
      const insn = refused ? undefined : decodeInsn(word, this.words[i + 1]);
      items.push({ index: i, insn });
      i += insn?.words ?? 1;
    }
    return items;
  }

  private collectLabels(handlers: readonly number[]): void {
    for (const handler of handlers) this.addLabel(handler, `cmd_${hexDigits(handler)}`);
    for (const { index, insn } of this.items) {
      if (insn === undefined) continue;
      const target = targetOf(insn, index);
      if (target !== undefined) {
        const kind = insn.mnemonic === "CALL" ? "fn" : "l";
        this.addLabel(target, `${kind}_${hexDigits(target)}`);
      }
      const literal = insn.mnemonic === "LDI32" ? (insn.operands[1]?.imm ?? 0) : 0;
      if (literal >= DATA_ORIGIN && literal < this.dataEnd) {
        this.dataLabels.set(literal, `d_${hexDigits(literal)}`);
      }
    }
  }

  private addLabel(offset: number, name: string): void {
    const inside = offset % 4 === 0 && offset >= 0 && offset < 4 * this.words.length;
    if (inside && !this.labels.has(offset)) this.labels.set(offset, name);
  }

  private print(insn: DecodedInsn, index: number): string {
    const target = targetOf(insn, index);
    const label = target === undefined ? undefined : this.labels.get(target);
    const operands = slotsOf(insn.mnemonic).map((slot, i) => {
      const value = insn.operands[i] ?? { reg: 0, imm: 0 };
      const data =
        insn.mnemonic === "LDI32" && i === 1 ? this.dataLabels.get(value.imm) : undefined;
      return printOperand(slot, value, label ?? data);
    });
    const text = `${insn.mnemonic} ${operands.join(", ")}`.trimEnd();
    return insn.mnemonic === "SVC" ? `${text}${serviceComment(insn.operands[0]?.imm ?? 0)}` : text;
  }
}

/** Code offset a branch or call goes to; undefined for other instructions and calls through a register. */
function targetOf(insn: DecodedInsn, index: number): number | undefined {
  const value = insn.operands[0] ?? { reg: 0, imm: 0 };
  switch (insn.mnemonic) {
    case "JMP":
    case "JZ":
    case "JNZ":
    case "JMPL":
    case "JZL":
    case "JNZL":
      return value.imm;
    case "CALL":
      return value.reg === 0 ? 4 * (index + value.imm) : undefined;
    default:
      return undefined;
  }
}

const FUNCTIONS: Readonly<Record<keyof typeof Module, Record<number, string>>> = {
  CORE: CoreFn,
  TASK: TaskFn,
  CAN: CanFn,
  FILE: FileFn,
  MAILBOX: MailboxFn,
  EXEC: ExecFn,
  VALUE: ValueFn,
  COMMAND: CommandFn,
  GPIO: GpioFn,
  TIME: TimeFn,
  LIBM: LibmFn,
};

function serviceComment(imm: number): string {
  const module = Module[imm >>> 8] as keyof typeof Module | undefined;
  if (module === undefined) return "";
  const fn = FUNCTIONS[module][imm & 0xff];
  return fn === undefined ? "" : ` ; ${module}.${fn}`;
}

// ---- Data ----

/** Characters in a row that are worth a string, and zeros worth a .zero. */
const TEXT_MIN = 4;
const ZERO_MIN = 8;
const BYTES_PER_LINE = 8;

/** Rodata as directives. */
export class DataText {
  /** Offsets with a label, ascending. */
  private readonly stops: number[];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly labels: ReadonlyMap<number, string>,
  ) {
    this.stops = [...labels.keys()].map((a) => a - DATA_ORIGIN).sort((a, b) => a - b);
  }

  lines(): string[] {
    const lines: string[] = [];
    for (let at = 0; at < this.bytes.length; ) {
      const label = this.labels.get(DATA_ORIGIN + at);
      if (label !== undefined) lines.push(`${label}:`);
      const end = this.endOfPiece(at);
      lines.push(`    ${this.print(at, end)}`);
      at = end;
    }
    return lines;
  }

  /** Where the directive that begins at `at` ends: at a label, or where another kind begins. */
  private endOfPiece(at: number): number {
    const limit = this.nextLabel(at);
    const zeros = this.zerosFrom(at, limit);
    if (zeros >= ZERO_MIN) return at + zeros;
    const text = this.textFrom(at, limit);
    if (text > 0) return at + text;
    let end = at + 1;
    while (end < limit && end - at < BYTES_PER_LINE && !this.beginsRun(end, limit)) end++;
    return end;
  }

  private print(at: number, end: number): string {
    if (this.zerosFrom(at, end) >= ZERO_MIN) return `.zero ${end - at}`;
    const piece = this.bytes.subarray(at, end);
    if (this.textFrom(at, end) === 0) return `.byte ${[...piece].join(", ")}`;
    const terminated = piece.at(-1) === 0;
    const text = quoted(terminated ? piece.subarray(0, -1) : piece);
    return `${terminated ? ".asciz" : ".ascii"} ${text}`;
  }

  private nextLabel(at: number): number {
    while (this.stops[0] !== undefined && this.stops[0] <= at) this.stops.shift();
    return Math.min(this.stops[0] ?? this.bytes.length, this.bytes.length);
  }

  private beginsRun(at: number, limit: number): boolean {
    return this.zerosFrom(at, limit) >= ZERO_MIN || this.textFrom(at, limit) > 0;
  }

  private zerosFrom(at: number, limit: number): number {
    let end = at;
    while (end < limit && this.bytes[end] === 0) end++;
    return end - at;
  }

  /** Bytes of a string at `at`, its NUL included; 0 if there is none worth writing. */
  private textFrom(at: number, limit: number): number {
    let end = at;
    while (end < limit && isText(this.bytes[end] as number)) end++;
    if (end - at < TEXT_MIN) return 0;
    return end < limit && this.bytes[end] === 0 ? end - at + 1 : end - at;
  }
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13;
}

const ESCAPED: Readonly<Record<number, string>> = {
  9: "\\t",
  10: "\\n",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

function quoted(bytes: Uint8Array): string {
  return `"${[...bytes].map((b) => ESCAPED[b] ?? String.fromCharCode(b)).join("")}"`;
}

/** Four digits at least, for labels. */
function hexDigits(value: number): string {
  return hex(value, 4).slice(2);
}
