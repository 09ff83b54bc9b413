// Lays a guest into the linear memory of the "vm" probe and reads back what became of it.

import { Stop } from "../../assembly/spec/node.ts";
import type { Probe } from "../probes/compile.ts";
import type { Guest } from "./minivm.ts";

// Context, assembly/vm/context.ts
const PC = 0;
const SP = 4;
const STEPS = 8;
const CODE = 12;
const DATA = 16;
const RESULT = 20;
const DATA_BYTES = 24;
const STACK_ORIGIN = 26;
const CODE_LAST = 28;
const DEPTH = 30;
const STOP = 33;
const SVC = 34;
const FLAGS = 36;
const B = 37;
const SUM = 38;
const REGS = 64;
const BANK_BYTES = 128;
const FLAT = 1;
const WINDOWED = 2;
// Code window, assembly/layout.ts
const TAGS = 12;
const LINES = 20;
const LINE_BYTES = 64;
const LINE_SIZE = 72;
const WINDOW_BYTES = 596;
/** Fills the end of a line behind the code: no instruction. */
const NO_CODE = 0xee;
const DATA_ORIGIN = 0x4000;
const STACK_TOP = 0xfffc;

function align(address: number): number {
  return (address + 3) & ~3;
}

/** Linear addresses from `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A guest in one task bank of the core. */
export class CoreGuest {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly code: number;
  readonly data: number;
  readonly stack: number;
  private readonly codeEnd: number;
  private readonly dataEnd: number;
  /** First address behind the guest. */
  readonly end: number;
  private readonly context: number;

  constructor(
    readonly probe: Probe,
    private readonly guest: Guest,
    readonly bank = 0,
    at: number = probe.arenaBase(),
    private readonly isWindowed = false,
  ) {
    this.bytes = new Uint8Array(probe.memory.buffer);
    this.view = new DataView(probe.memory.buffer);
    this.context = probe.context(bank);
    this.code = align(at);
    this.codeEnd = this.code + (isWindowed ? WINDOW_BYTES : guest.code.length);
    this.data = align(this.codeEnd);
    const dataBytes = guest.isFlat ? 0x10000 : (guest.dataBytes ?? 0);
    this.dataEnd = this.data + dataBytes;
    this.stack = this.dataEnd; // right behind the data
    const stackBytes = guest.isFlat ? 0 : STACK_TOP - guest.stackOrigin;
    this.end = this.stack + stackBytes;
    this.bytes.fill(0, this.data, this.dataEnd);
    this.bytes.fill(0, this.stack, this.end);
    this.bytes.fill(0, probe.flagsBase(), probe.flagsBase() + probe.flagsSize());
    this.bytes.fill(0, this.code, this.codeEnd);
    if (!isWindowed) this.bytes.set(guest.code, this.code);
    const data = guest.data ?? new Uint8Array(0);
    const rodata = guest.isFlat ? this.data + DATA_ORIGIN : this.data;
    this.bytes.set(data.subarray(0, this.dataEnd - rodata), rodata);
    this.reset();
  }

  private reset(): void {
    const { view, context, guest } = this;
    this.bytes.fill(0, context, context + BANK_BYTES);
    view.setUint32(context + PC, guest.entry ?? 0, true);
    view.setUint32(context + SP, guest.sp, true);
    view.setUint32(context + CODE, this.code, true);
    view.setUint32(context + DATA, this.data, true);
    view.setUint16(context + DATA_BYTES, guest.isFlat ? 0 : (guest.dataBytes ?? 0), true);
    view.setUint16(context + STACK_ORIGIN, guest.stackOrigin, true);
    view.setUint16(context + CODE_LAST, guest.code.length - 4, true);
    const flags = (guest.isFlat ? FLAT : 0) | (this.isWindowed ? WINDOWED : 0);
    view.setUint8(context + FLAGS, flags);
    this.psw = 0;
  }

  /** Returns how many instructions retired. Lines of code are given when they are asked for. */
  run(budget: number): number {
    let retired = this.probe.run(this.bank, budget);
    while (this.stop === Stop.LINE) {
      this.fillLine();
      const more = this.probe.run(this.bank, budget - retired);
      if (more === 0 && this.stop === Stop.LINE) throw new Error("the line it asked for was given");
      retired += more;
    }
    return retired;
  }

  private fillLine(): void {
    const line = Math.floor(this.pc / LINE_BYTES);
    const at = this.code + LINES + (line % 8) * LINE_SIZE;
    this.bytes.fill(NO_CODE, at, at + LINE_SIZE);
    const start = line * LINE_BYTES;
    this.bytes.set(this.guest.code.subarray(start, start + LINE_SIZE), at);
    this.bytes[this.code + TAGS + (line % 8)] = 1 + Math.floor(line / 8);
  }

  get stop(): number {
    return this.view.getUint8(this.context + STOP);
  }
  get pc(): number {
    return this.view.getUint32(this.context + PC, true);
  }
  set pc(pc: number) {
    this.view.setUint32(this.context + PC, pc, true);
  }
  get sp(): number {
    return this.view.getUint32(this.context + SP, true);
  }
  get psw(): number {
    return this.probe.psw(this.bank);
  }
  set psw(psw: number) {
    this.probe.setPsw(this.bank, psw);
  }
  get steps(): number {
    return this.view.getUint32(this.context + STEPS, true);
  }
  get depth(): number {
    return this.view.getUint16(this.context + DEPTH, true);
  }
  get svc(): number {
    return this.view.getUint16(this.context + SVC, true);
  }
  get regs(): number[] {
    return Array.from({ length: 16 }, (_, n) => this.reg(n));
  }
  reg(n: number): number {
    return this.view.getUint32(this.context + REGS + 4 * n, true);
  }
  setReg(n: number, value: number): void {
    this.view.setUint32(this.context + REGS + 4 * n, value, true);
  }
  /** All 64 KiB on the flat machine. */
  get dataBytes(): Uint8Array {
    return this.bytes.subarray(this.data, this.dataEnd);
  }

  /** What the guest can reach, by data address. */
  get segments(): { origin: number; bytes: Uint8Array }[] {
    if (this.guest.isFlat) return [{ origin: 0, bytes: this.dataBytes }];
    const stackBytes = this.bytes.subarray(this.stack, this.end);
    return [
      { origin: DATA_ORIGIN, bytes: this.dataBytes },
      { origin: this.guest.stackOrigin, bytes: stackBytes },
    ];
  }

  /** Linear addresses that laying the guest wrote to. */
  get laid(): Span[] {
    const flags = this.probe.flagsBase();
    return [
      { start: this.context, end: this.context + BANK_BYTES },
      { start: flags, end: flags + this.probe.flagsSize() },
      { start: this.code, end: this.codeEnd },
      { start: this.data, end: this.dataEnd },
      { start: this.stack, end: this.end },
    ];
  }

  /** Linear addresses that a run may change: segments, registers, the MiniVM's scratch, and the fields of the context that tell of it. */
  get writable(): Span[] {
    const { context } = this;
    const flags = this.probe.flagsBase();
    return [
      { start: flags, end: flags + this.probe.flagsSize() },
      ...(this.isWindowed ? [{ start: this.code, end: this.codeEnd }] : []), // the lines it was given
      { start: this.data, end: this.dataEnd },
      { start: this.stack, end: this.end },
      { start: context, end: context + CODE },
      { start: context + RESULT, end: context + DATA_BYTES }, // of the flags
      { start: context + DEPTH, end: context + FLAGS },
      { start: context + B, end: context + SUM + 1 },
      { start: context + REGS, end: context + BANK_BYTES },
    ];
  }
}
