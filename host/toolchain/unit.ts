// The unit being assembled: its sections, names and fix-ups, from the first line to the finished object.
import { type Diagnostic, type Position, suggest } from "../formats/diagnostic.ts";
import {
  emptyObject,
  type HxoMetadata,
  type HxoObject,
  type HxoSymbol,
  type RelocType,
  type SectionName,
  type SourceLine,
} from "../formats/hxo.ts";
import { type Expression, isSymbolName, type Word } from "../formats/mvasm.ts";
import { evaluate, type Value } from "./expressions.ts";

/** A number that waits until all names are known. */
export interface Fixup {
  expr: Expression;
  /** What the number is, for messages: `imm`, `.byte`. */
  what: string;
  min: number;
  max: number;
  remedy?: string;
  /** Word index into the code, or byte offset into the data. */
  place: number;
  /** How the linker writes an address here; undefined: only a constant will do. */
  reloc?: RelocType;
  pcRelative?: boolean;
  /** Puts the number where it belongs. */
  write: (value: number) => void;
}

interface Label extends HxoSymbol {
  at: Position;
}

interface Constant {
  expr: Expression;
  at: Position;
  value?: Value;
  busy?: boolean;
}

/** Most bytes a section can have; what goes beyond is refused before it is built. */
const SECTION_MAX = 0x10000;

/** A constant may need others in this many steps. */
const CONSTANT_DEPTH_MAX = 64;

/** Collects what a source says. Mistakes go to `diagnostics`; nothing throws. */
export class Unit {
  readonly code: number[] = [];
  readonly data: number[] = [];
  bssSize = 0;
  section: SectionName = "text";
  entry: { offset?: number; name?: Word; at: Position } | undefined;
  readonly metadata: HxoMetadata = emptyObject("").metadata;
  readonly lines: SourceLine[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly exports = new Map<string, { at: Position; mustExist: boolean }>();
  readonly imports = new Map<string, Position>();
  private readonly labels = new Map<string, Label>();
  private readonly constants = new Map<string, Constant>();
  private readonly fixups: Fixup[] = [];
  private readonly full = new Set<SectionName>();
  /** Constants being evaluated, one inside the other. */
  private depth = 0;

  constructor(private readonly file: string) {}

  /** Records a mistake. */
  report(at: Position, code: string, message: string, remedy?: string): void {
    this.diagnostics.push({ ...at, code, message, ...(remedy === undefined ? {} : { remedy }) });
  }

  /** Bytes the current section holds so far. */
  get offset(): number {
    if (this.section === "text") return 4 * this.code.length;
    return this.section === "data" ? this.data.length : this.bssSize;
  }

  // ---- Names ----

  defineLabel(name: Word): void {
    if (!this.mayDefine(name)) return;
    this.labels.set(name.text, { section: this.section, offset: this.offset, at: name.at });
  }

  defineConstant(name: Word, expr: Expression): void {
    if (this.mayDefine(name)) this.constants.set(name.text, { expr, at: name.at });
  }

  private mayDefine(name: Word): boolean {
    if (!isSymbolName(name.text)) {
      this.report(name.at, "bad-name", `"${name.text}" cannot be the name of a symbol`);
      return false;
    }
    const other = this.labels.get(name.text)?.at ?? this.constants.get(name.text)?.at;
    if (other === undefined) return true;
    const where =
      other.file === name.at.file ? `line ${other.line}` : `${other.file}:${other.line}`;
    this.report(name.at, "duplicate-symbol", `"${name.text}" is already defined on ${where}`);
    return false;
  }

  /** What a name stands for: a constant, a label of this source, or one that the linker will find. */
  resolve(name: string, at: Position): Value | undefined {
    const label = this.labels.get(name);
    if (label !== undefined) return { constant: 0, symbol: name, label };
    const constant = this.constants.get(name);
    if (constant !== undefined) return this.constantValue(name, constant, at);
    if (this.imports.has(name) || this.exports.get(name)?.mustExist === false) {
      return { constant: 0, symbol: name };
    }
    const known = [...this.labels.keys(), ...this.constants.keys(), ...this.imports.keys()];
    const otherwise = `define it, or write ".import ${name}" if another file exports it`;
    const remedy = suggest(name, known, otherwise);
    this.report(at, "undefined-symbol", `"${name}" is not defined`, remedy);
    return undefined;
  }

  private constantValue(name: string, constant: Constant, at: Position): Value | undefined {
    if (constant.busy) {
      this.report(at, "bad-expression", `"${name}" is defined by itself`);
      return undefined;
    }
    if (constant.value !== undefined) return constant.value;
    if (this.depth === CONSTANT_DEPTH_MAX) {
      const message = `constants need each other in more than ${CONSTANT_DEPTH_MAX} steps`;
      this.report(at, "bad-expression", message);
      return undefined;
    }
    this.depth++;
    constant.busy = true;
    constant.value = this.evaluate(constant.expr);
    constant.busy = false;
    this.depth--;
    return constant.value;
  }

  evaluate(expr: Expression): Value | undefined {
    return evaluate(
      expr,
      (name, at) => this.resolve(name, at),
      (at, code, message, remedy) => this.report(at, code, message, remedy),
    );
  }

  /** A number needed at once, such as a size; undefined after reporting why there is none. */
  constant(expr: Expression, what: string, min: number, max: number): number | undefined {
    const value = this.evaluate(expr);
    if (value === undefined) return undefined;
    if (value.symbol !== undefined) {
      const message = `${what} must be a number, "${value.symbol}" is an address`;
      this.report(expr.at, "not-constant", message);
      return undefined;
    }
    if (value.constant >= min && value.constant <= max) return value.constant;
    const message = `${what} ${value.constant} is out of range: ${min} to ${max}`;
    this.report(expr.at, "out-of-range", message);
    return undefined;
  }

  // ---- Content ----

  /** Appends code words. */
  addWords(words: readonly number[], at: Position): void {
    if (this.hasRoom("text", 4 * words.length, at)) this.code.push(...words);
  }

  /** Appends bytes of rodata. */
  addBytes(bytes: ArrayLike<number>, at: Position): void {
    if (!this.hasRoom("data", bytes.length, at)) return;
    for (let i = 0; i < bytes.length; i++) this.data.push(bytes[i] as number);
  }

  /** Appends zeros to .data or .bss. */
  addZeros(count: number, at: Position): void {
    if (this.section === "data") this.addBytes(new Uint8Array(count), at);
    else if (this.hasRoom("bss", count, at)) this.bssSize += count;
  }

  private hasRoom(section: SectionName, size: number, at: Position): boolean {
    const used = { text: 4 * this.code.length, data: this.data.length, bss: this.bssSize }[section];
    if (used + size <= SECTION_MAX) return true;
    if (!this.full.has(section)) {
      const message = `.${section} would take ${used + size} bytes, it can have ${SECTION_MAX}`;
      this.report(at, "section-full", message);
    }
    this.full.add(section);
    return false;
  }

  addFixup(fixup: Fixup): void {
    this.fixups.push(fixup);
  }

  // ---- The end ----

  /** The object, once the whole source has been read; undefined when something was wrong. */
  finish(): HxoObject | undefined {
    const object = emptyObject(this.file);
    for (const fixup of this.fixups) this.resolveFixup(fixup, object);
    this.finishEntry(object);
    this.finishExports(object);
    for (const [name, at] of this.imports) this.checkImport(name, at);
    this.checkHandlers();
    if (this.diagnostics.length > 0) return undefined;
    object.code = this.code;
    object.rodata = Uint8Array.from(this.data);
    object.bssSize = this.bssSize;
    object.imports = [...this.imports.keys()].sort();
    for (const [name, label] of this.labels) object.localSymbols.set(name, symbolOf(label));
    object.metadata = this.metadata;
    object.lines = this.lines;
    return object;
  }

  private resolveFixup(fixup: Fixup, object: HxoObject): void {
    const value = this.evaluate(fixup.expr);
    if (value === undefined) return;
    const { at } = fixup.expr;
    if (value.symbol === undefined) {
      this.writeConstant(fixup, value.constant);
    } else if (fixup.reloc === undefined) {
      const message = `${fixup.what} must be a number, "${value.symbol}" is an address`;
      this.report(at, "not-constant", message);
    } else {
      object.relocs.push({
        type: fixup.reloc,
        place: fixup.place,
        symbol: value.symbol,
        kind: value.part ?? "symbol",
        addend: value.constant,
        pcRelative: fixup.pcRelative === true,
        at,
      });
    }
  }

  private writeConstant(fixup: Fixup, value: number): void {
    if (value >= fixup.min && value <= fixup.max) {
      fixup.write(value);
      return;
    }
    const message = `${fixup.what} ${value} is out of range: ${fixup.min} to ${fixup.max}`;
    this.report(fixup.expr.at, "out-of-range", message, fixup.remedy);
  }

  private finishEntry(object: HxoObject): void {
    if (this.entry === undefined) return;
    const { name, offset } = this.entry;
    if (name === undefined) {
      object.entry = offset ?? 0;
      return;
    }
    const value = this.resolve(name.text, name.at);
    if (value === undefined) return;
    if (value.symbol === undefined) {
      object.entry = value.constant;
      return;
    }
    if (value.label !== undefined && value.label.section !== "text") {
      this.report(name.at, "not-code", `"${name.text}" is in .${value.label.section}, not code`);
    }
    object.entry = value.label?.offset ?? 0;
    object.entrySymbol = name.text;
  }

  private finishExports(object: HxoObject): void {
    for (const [name, { at, mustExist }] of this.exports) {
      const label = this.labels.get(name);
      if (label !== undefined) {
        object.externs.push(name);
        object.symbols.set(name, symbolOf(label));
      } else if (this.constants.has(name)) {
        const remedy = "put the .equ into a file that both sources .include";
        this.report(at, "bad-export", `"${name}" is a constant; only labels are exported`, remedy);
      } else if (mustExist) {
        const remedy = suggest(name, this.labels.keys());
        this.report(at, "undefined-symbol", `"${name}" is exported but not defined here`, remedy);
      }
    }
    object.externs.sort();
  }

  private checkImport(name: string, at: Position): void {
    const label = this.labels.get(name) ?? this.constants.get(name);
    if (label === undefined) return;
    const message = `"${name}" is imported, but line ${label.at.line} defines it here`;
    this.report(at, "duplicate-symbol", message, "drop the .import or rename the label");
  }

  private checkHandlers(): void {
    for (const { handlerSymbol, place } of this.metadata.commands) {
      if (handlerSymbol === undefined || place === undefined) continue;
      const value = this.resolve(handlerSymbol, place);
      if (value === undefined) continue;
      if (value.symbol === undefined || (value.label && value.label.section !== "text")) {
        this.report(place, "not-code", `handler "${handlerSymbol}" is not a label in .text`);
      }
    }
  }
}

function symbolOf({ section, offset }: HxoSymbol): HxoSymbol {
  return { section, offset };
}
