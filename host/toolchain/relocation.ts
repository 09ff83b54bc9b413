// Relocation: the addresses of symbols written into code and rodata.
import { DATA_ORIGIN } from "../../assembly/spec/hxe.ts";
import { Op, opcode } from "../../assembly/spec/opcodes.ts";
import { type Position, wholeFile } from "../formats/diagnostic.ts";
import type { HxoReloc } from "../formats/hxo.ts";
import { isLongBranch, LONG_BRANCH } from "../formats/isa.ts";
import { partOf, type Report } from "./expressions.ts";
import { addressOf, type Definition, type Lookup, type Module } from "./placement.ts";

/** Code and rodata of all modules, joined, while addresses are filled in. */
export interface LinkedSections {
  /** Words of code. */
  code: number[];
  rodata: Uint8Array;
}

/** Joins the modules, their long branches in place, symbols still open. */
export function joinSections(modules: readonly Module[]): LinkedSections {
  const code: number[] = [];
  for (const { object, long } of modules) {
    object.code.forEach((word, i) => {
      if (!long.has(i)) code.push(word);
      else code.push((longFormOf(word) << 24) >>> 0, 0);
    });
  }
  const rodata = Buffer.concat(modules.map((m) => m.object.rodata));
  return { code, rodata: Uint8Array.from(rodata) };
}

/** Writes every address; what cannot be is reported. */
export function relocate(
  modules: readonly Module[],
  sections: LinkedSections,
  lookup: Lookup,
  report: Report,
): void {
  for (const module of modules) {
    for (const reloc of module.object.relocs) {
      const target = lookup(module, reloc.symbol);
      // An unknown symbol has been reported by the linker.
      if (target !== undefined) new Relocation(module, reloc, target, sections, report).apply();
    }
  }
}

function longFormOf(word: number): Op {
  return LONG_BRANCH[Op[opcode(word)] as keyof typeof LONG_BRANCH];
}

/** One relocation. */
class Relocation {
  private readonly value: number;

  constructor(
    private readonly module: Module,
    private readonly reloc: HxoReloc,
    private readonly target: Definition,
    private readonly sections: LinkedSections,
    private readonly report: Report,
  ) {
    this.value = this.computeValue();
  }

  apply(): void {
    const { type } = this.reloc;
    if (type === "jump" && this.reloc.pcRelative) this.applyCall();
    else if (type === "jump") this.applyBranch();
    else if (type === "imm32") this.applyWord();
    else if (type === "imm12" || type === "mem") this.applyImmediate();
    else this.applyData({ data_byte: 1, data_half: 2, data_word: 4 }[type]);
  }

  /** off16 counts from the start of the module's own part, as the reference has it. */
  private computeValue(): number {
    const { kind, addend } = this.reloc;
    if (kind === "off16") {
      return partOf(this.target.module.offsetOf(this.target) + addend, "off16");
    }
    const address = addressOf(this.target) + addend;
    return kind === "symbol" ? address : partOf(address, kind);
  }

  private get at(): Position {
    return this.reloc.at ?? wholeFile(this.module.object.file);
  }

  private get name(): string {
    const { kind, symbol, addend } = this.reloc;
    const sum = addend === 0 ? symbol : `${symbol}${addend < 0 ? "" : "+"}${addend}`;
    return kind === "symbol" ? `"${sum}"` : `${kind}(${sum})`;
  }

  /** Index into the linked code of the word to fill. */
  private get wordIndex(): number {
    return (this.module.codeBase + this.module.codeOffset(4 * this.reloc.place)) / 4;
  }

  private get mnemonic(): string {
    return Op[opcode(this.module.object.code[this.reloc.place] ?? 0)] ?? "this word";
  }

  private applyImmediate(): void {
    if (!this.fits(-2048, 2047, this.mnemonic, "LDI32 loads any address into a register")) return;
    this.setImmediate(this.value);
  }

  private applyBranch(): void {
    if (!this.isCode(this.mnemonic)) return;
    if (this.module.long.has(this.reloc.place)) {
      this.sections.code[this.wordIndex + 1] = this.value;
    } else if (this.fits(0, 0xfff, this.mnemonic)) {
      this.setImmediate(this.value);
    }
  }

  private applyCall(): void {
    if (!this.isCode(this.mnemonic)) return;
    const words = (this.value - 4 * this.wordIndex) / 4;
    if (words >= -2048 && words <= 2047) {
      this.setImmediate(words);
      return;
    }
    const message = `${this.name} is ${Math.abs(words)} words away: CALL reaches 2047`;
    const remedy = `write LDI32 R12, ${this.reloc.symbol} and CALL R12, or place the two nearer`;
    this.report(this.at, "branch-out-of-reach", message, remedy);
  }

  private applyWord(): void {
    const before = this.module.object.code[this.reloc.place - 1] ?? 0;
    if (isLongBranch(before) && !this.isCode(Op[opcode(before)] as string)) return;
    this.sections.code[this.wordIndex] = this.value >>> 0;
  }

  private applyData(size: number): void {
    const directive = { 1: ".byte", 2: ".half", 4: ".word" }[size] as string;
    const max = 2 ** (8 * size) - 1;
    if (!this.fits(-(2 ** (8 * size - 1)), max, directive, "a .word holds any address")) return;
    const at = this.module.dataBase - DATA_ORIGIN + this.reloc.place;
    for (let i = 0; i < size; i++) this.sections.rodata[at + i] = (this.value >>> (8 * i)) & 0xff;
  }

  private setImmediate(value: number): void {
    const { code } = this.sections;
    const i = this.wordIndex;
    code[i] = (((code[i] ?? 0) & ~0xfff) | (value & 0xfff)) >>> 0;
  }

  private fits(min: number, max: number, what: string, remedy?: string): boolean {
    if (this.value >= min && this.value <= max) return true;
    const message = `${this.name} is ${this.value}: ${what} takes ${min} to ${max}`;
    this.report(this.at, "out-of-range", message, remedy);
    return false;
  }

  /** Branches and calls go to words of code. */
  private isCode(what: string): boolean {
    if (this.target.section !== "text") {
      const message = `${what} needs a label in .text; ${this.name} is in .${this.target.section}`;
      this.report(this.at, "not-code", message);
      return false;
    }
    if (this.value % 4 === 0) return true;
    const message = `${what} goes to ${this.name}, which is not at a multiple of 4`;
    this.report(this.at, "out-of-range", message);
    return false;
  }
}
