// Instructions of a source to code words: operands matched to the slots of their shape.
import { HxeCap } from "../../assembly/spec/hxe.ts";
import { suggest } from "../formats/diagnostic.ts";
import type { RelocType } from "../formats/hxo.ts";
import {
  encodeInsn,
  ISA,
  isLongBranch,
  type Mnemonic,
  mnemonicOf,
  type OperandValue,
  type Slot,
  slotsOf,
} from "../formats/isa.ts";
import type { Expression, Operand, Statement, Word } from "../formats/mvasm.ts";
import type { Unit } from "./unit.ts";

/** Assembles one instruction; what is wrong is reported to the unit. */
export function assembleInsn(unit: Unit, statement: Statement, op: Word): void {
  const mnemonic = mnemonicOf(op.text);
  if (mnemonic === undefined) {
    const remedy = suggest(op.text, Object.keys(ISA), "docs/isa.md lists all instructions");
    unit.report(op.at, "unknown-opcode", `there is no instruction "${op.text}"`, remedy);
    return;
  }
  if (unit.section !== "text") {
    const message = `an instruction cannot stand in .${unit.section}`;
    unit.report(op.at, "code-in-data", message, "write .text before it");
    return;
  }
  new InsnAssembler(unit, mnemonic, op, statement.operands).assemble();
}

/** How to write an instruction: `ADD Rd, Rs1, Rs2`. */
export function syntaxOf(mnemonic: Mnemonic): string {
  const operands = slotsOf(mnemonic).map((slot) => slot.syntax);
  return operands.length > 0 ? `${mnemonic} ${operands.join(", ")}` : mnemonic;
}

/** How the linker fills a slot; slots not named here take numbers only. */
const RELOCS: ReadonlyMap<string, RelocType> = new Map([
  ["imm", "imm12"],
  ["[Rs1+imm]", "mem"],
  ["label", "jump"],
  ["imm32", "imm32"],
]);

const REMEDIES: Readonly<Record<string, string>> = {
  LDI: "LDI32 loads any 32-bit number",
  JMP: "jump to a label: the linker takes the long form where it must",
  JZ: "branch to a label: the linker takes the long form where it must",
  JNZ: "branch to a label: the linker takes the long form where it must",
  CALL: "LDI32 the address into a register and CALL through it: CALL Rn",
};

class InsnAssembler {
  private readonly slots: readonly Slot[];
  private readonly index: number;

  constructor(
    private readonly unit: Unit,
    private readonly mnemonic: Mnemonic,
    private readonly op: Word,
    private readonly operands: readonly Operand[],
  ) {
    this.slots = slotsOf(mnemonic);
    this.index = unit.code.length;
  }

  assemble(): void {
    const { unit, mnemonic, slots } = this;
    const values = slots[0]?.form === "service" ? this.matchService() : this.matchOperands();
    const words = encodeInsn(mnemonic, values);
    unit.addWords(words, this.op.at);
    if (isLongBranch(words[0] as number)) unit.metadata.caps |= HxeCap.LONG_BRANCH;
  }

  private matchOperands(): OperandValue[] {
    const values = this.slots.map((slot, i) => {
      const operand = this.operands[i];
      if (operand !== undefined) return this.match(slot, operand);
      if (!slot.optional) this.failMissing(i);
      return { reg: 0, imm: 0 };
    });
    this.refuseExtra(this.operands[this.slots.length]);
    return values;
  }

  private failMissing(i: number): void {
    const already = this.slots.findIndex((slot, j) => !slot.optional && j >= this.operands.length);
    if (i !== already) return;
    const message = `${this.mnemonic} lacks its operand ${this.slots[i]?.syntax}`;
    this.unit.report(this.op.at, "missing-operand", message, `write ${syntaxOf(this.mnemonic)}`);
  }

  private refuseExtra(extra: Operand | undefined): void {
    if (extra === undefined) return;
    const n = this.slots.length;
    const takes = n === 0 ? "no operand" : n === 1 ? "one operand" : `${n} operands`;
    const message = `${this.mnemonic} takes ${takes}`;
    this.unit.report(extra.at, "extra-operand", message, `write ${syntaxOf(this.mnemonic)}`);
  }

  private match(slot: Slot, operand: Operand): OperandValue {
    const none = { reg: 0, imm: 0 };
    if (slot.form === "register" && operand.kind === "register") {
      return { reg: operand.reg, imm: 0 };
    }
    if (slot.form === "memory" && operand.kind === "memory") {
      if (operand.offset !== undefined) this.addFixup(slot, operand.offset);
      return { reg: operand.reg, imm: 0 };
    }
    if (slot.form === "call" && operand.kind !== "number") return this.matchCall(slot, operand);
    if ((slot.form === "number" || slot.form === "call") && operand.kind === "number") {
      this.addFixup(slot, operand.expr);
      return none;
    }
    this.failKind(slot, operand);
    return none;
  }

  private failKind(slot: Slot, operand: Operand): void {
    const wanted: Record<Slot["form"], string> = {
      register: "a register R0 to R15",
      number: slot.syntax === "label" ? "a label" : "a number or symbol",
      memory: "a memory operand [Rn+offset]",
      service: "module and function",
      call: "a label or a register",
    };
    const message = `${this.mnemonic} needs ${wanted[slot.form]} here`;
    const code = slot.form === "register" ? "unknown-register" : "bad-operand";
    this.unit.report(operand.at, code, message, `write ${syntaxOf(this.mnemonic)}`);
  }

  /** CALL through a register, with an offset in bytes. */
  private matchCall(slot: Slot, operand: Operand): OperandValue {
    const none = { reg: 0, imm: 0 };
    if (operand.kind !== "register" && operand.kind !== "memory") {
      this.failKind(slot, operand);
      return none;
    }
    if (operand.reg === 0) {
      const remedy = "use another register: 0 in its place means the pc";
      this.unit.report(operand.at, "bad-operand", "CALL cannot go through R0", remedy);
    }
    if (operand.kind === "register" || operand.offset === undefined) {
      return { reg: operand.reg, imm: 0 };
    }
    const bytes = this.unit.constant(operand.offset, "offset", -8192, 8188) ?? 0;
    if (bytes % 4 !== 0) {
      const message = `a CALL offset is a multiple of 4, ${bytes} is not`;
      this.unit.report(operand.offset.at, "out-of-range", message);
    }
    return { reg: operand.reg, imm: bytes / 4 };
  }

  private addFixup(slot: Slot, expr: Expression): void {
    const { unit } = this;
    const place = this.index + (slot.second ? 1 : 0);
    const reloc = slot.second ? "imm32" : RELOCS.get(slot.syntax);
    unit.addFixup({
      expr,
      what: slot.form === "memory" ? "offset" : slot.syntax,
      min: slot.min,
      max: slot.max,
      place,
      pcRelative: slot.form === "call",
      write: (value) => orInto(unit.code, place, slot.encode({ reg: 0, imm: value })),
      ...(reloc === undefined ? {} : { reloc }),
      ...(this.mnemonic in REMEDIES ? { remedy: REMEDIES[this.mnemonic] as string } : {}),
    });
  }

  // ---- SVC: a number, module and function, or MOD= and FN= ----

  private matchService(): OperandValue[] {
    const [first, second, third] = this.operands;
    if (first === undefined) {
      this.failMissing(0);
    } else if (this.operands.some((o) => o.kind !== "number" && o.kind !== "setting")) {
      this.failKind(this.slots[0] as Slot, first);
    } else if (second === undefined && first.kind === "number") {
      this.addServicePart("SVC number", first.expr, 0xfff, 0);
    } else if (third !== undefined) {
      const message = "SVC takes a number, or module and function";
      this.unit.report(third.at, "extra-operand", message, "write SVC MOD=5, FN=2");
    } else {
      this.matchModuleAndFunction(first, second);
    }
    return [{ reg: 0, imm: 0 }];
  }

  private matchModuleAndFunction(first: Operand, second: Operand | undefined): void {
    const settings = [first, second].filter((o) => o?.kind === "setting");
    const module = settings.find((o) => o?.kind === "setting" && o.key === "MOD");
    const fn = settings.find((o) => o?.kind === "setting" && o.key === "FN");
    const named = settings.length > 0;
    if (named && (module === undefined || fn === undefined)) {
      const message = "SVC needs both MOD= and FN=, each once";
      this.unit.report(first.at, "missing-operand", message, "write SVC MOD=5, FN=2");
      return;
    }
    const [m, f] = named ? [module, fn] : [first, second];
    if (m?.kind === "number" || m?.kind === "setting") {
      this.addServicePart("SVC module", m.expr, 15, 8);
    }
    if (f?.kind === "number" || f?.kind === "setting") {
      this.addServicePart("SVC function", f.expr, 255, 0);
    }
  }

  private addServicePart(what: string, expr: Expression, max: number, shift: number): void {
    const { unit, index } = this;
    const write = (value: number): void => orInto(unit.code, index, value << shift);
    unit.addFixup({ expr, what, min: 0, max, place: index, write });
  }
}

function orInto(code: number[], place: number, bits: number): void {
  code[place] = ((code[place] ?? 0) | bits) >>> 0;
}
