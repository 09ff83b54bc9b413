// Where everything of the linked objects lies: bases of their sections, lengthened branches, addresses of symbols.
import { DATA_ORIGIN } from "../../assembly/spec/hxe.ts";
import { Op, opcode } from "../../assembly/spec/opcodes.ts";
import type { HxoObject, HxoReloc, HxoSymbol, SectionName } from "../formats/hxo.ts";

/** Branches to here and beyond need the long form. */
const SHORT_BRANCH_END = 0x1000;

/** One object and the places its sections got. */
export class Module {
  codeBase = 0;
  dataBase = 0;
  bssBase = 0;
  /** Word indexes of branches that take the long form. */
  readonly long = new Set<number>();
  /** How many words were inserted before each word of the object, and before its end. */
  private inserted: Uint32Array;

  constructor(readonly object: HxoObject) {
    this.inserted = new Uint32Array(object.code.length + 1);
  }

  /** Bytes of code with the long branches. */
  get codeSize(): number {
    return 4 * (this.object.code.length + this.long.size);
  }

  /** Recounts the inserted words after `long` changed. */
  recount(): void {
    let count = 0;
    for (let i = 0; i < this.inserted.length; i++) {
      this.inserted[i] = count;
      if (this.long.has(i)) count++;
    }
  }

  /** Offset into this module's linked code of an offset into the object's. */
  codeOffset(offset: number): number {
    return offset + 4 * (this.inserted[Math.min(offset >>> 2, this.object.code.length)] ?? 0);
  }

  /** Offset of a symbol in this module's part of its section, after lengthening. */
  offsetOf(symbol: HxoSymbol): number {
    return symbol.section === "text" ? this.codeOffset(symbol.offset) : symbol.offset;
  }

  baseOf(section: SectionName): number {
    return { text: this.codeBase, data: this.dataBase, bss: this.bssBase }[section];
  }
}

/** A symbol and the module that defines it. */
export interface Definition extends HxoSymbol {
  module: Module;
}

/** The address of a symbol: a byte offset into the code, or a data address. */
export function addressOf(d: Definition): number {
  return d.module.baseOf(d.section) + d.module.offsetOf(d);
}

/** Finds what a name means to a module: its own symbol first, then one exported by any. */
export type Lookup = (module: Module, name: string) => Definition | undefined;

/** Gives every section its base and lengthens branches until all reach. */
export function placeModules(modules: readonly Module[], lookup: Lookup): void {
  do {
    for (const module of modules) module.recount();
    setBases(modules);
  } while (lengthen(modules, lookup));
}

/** Total bytes of the linked sections. */
export function totalSizes(modules: readonly Module[]): Record<SectionName, number> {
  const sum = (size: (m: Module) => number): number => modules.reduce((n, m) => n + size(m), 0);
  return {
    text: sum((m) => m.codeSize),
    data: sum((m) => m.object.rodata.length),
    bss: sum((m) => m.object.bssSize),
  };
}

function setBases(modules: readonly Module[]): void {
  let code = 0;
  let data = DATA_ORIGIN as number;
  let bss = data + totalSizes(modules).data;
  for (const module of modules) {
    module.codeBase = code;
    module.dataBase = data;
    module.bssBase = bss;
    code += module.codeSize;
    data += module.object.rodata.length;
    bss += module.object.bssSize;
  }
}

/** Marks the branches that do not reach their target; true if there were any. */
function lengthen(modules: readonly Module[], lookup: Lookup): boolean {
  let changed = false;
  for (const module of modules) {
    for (const reloc of module.object.relocs) {
      if (!isShortBranch(module, reloc) || module.long.has(reloc.place)) continue;
      const target = lookup(module, reloc.symbol);
      if (target?.section !== "text") continue;
      if (addressOf(target) + reloc.addend < SHORT_BRANCH_END) continue;
      module.long.add(reloc.place);
      changed = true;
    }
  }
  return changed;
}

function isShortBranch(module: Module, reloc: HxoReloc): boolean {
  if (reloc.type !== "jump" || reloc.pcRelative || reloc.kind !== "symbol") return false;
  const op = opcode(module.object.code[reloc.place] ?? 0);
  return op === Op.JMP || op === Op.JZ || op === Op.JNZ;
}
