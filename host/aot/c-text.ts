// Pieces of C: an expression with its type, casts, constants, names.

import type { CType } from "./options.ts";
import { BITS } from "./widths.ts";

export interface Code {
  readonly text: string;
  readonly type: CType;
  /** True when an operator can stand beside it without parentheses. */
  readonly isAtom: boolean;
  /** Of a constant, its value. */
  readonly constant?: number;
}

export function atom(text: string, type: CType): Code {
  return { text, type, isAtom: true };
}
export function operation(text: string, type: CType): Code {
  return { text, type, isAtom: false };
}

export function isSigned(type: CType): boolean {
  return type === "s8" || type === "s16";
}

/** An i32 constant in a type: exact if it fits, else its low bits. */
export function constant(value: number, type: CType): Code {
  const low = type === "u32" ? value >>> 0 : isSigned(type) ? value : value & (2 ** BITS[type] - 1);
  const text = low > 0x7fff ? `${low}u` : `${low}`;
  return { text, type, isAtom: low >= 0, constant: low };
}

/** As an operand: in parentheses unless it is an atom. */
export function inner(code: Code): string {
  return code.isAtom ? code.text : `(${code.text})`;
}

/** Converted to a type; a negative number of a signed type keeps its value. */
export function cast(code: Code, type: CType | "s32" | "s64" | "unsigned"): Code {
  const result = type === "s32" || type === "unsigned" ? "u32" : type === "s64" ? "u64" : type;
  if (code.type === type) return code;
  return atom(`(${type})${inner(code)}`, result);
}

/** Converted where C would not do so by itself with the same outcome. */
export function fitted(code: Code, type: CType): Code {
  if (code.constant !== undefined && type !== "f32" && type !== "f64" && type !== "u64")
    return constant(code.constant, type);
  return cast(code, type);
}

/** Gives each name of the module a name of C that no other has. */
export class Names {
  private readonly given = new Map<string, string>();
  private readonly taken = new Set(["main", "index", "table"]);

  /** Reserves a name as it stands. */
  reserve(name: string, as: string): void {
    this.given.set(name, as);
    this.taken.add(as);
  }

  /** `$assembly/vm/vm/vmRun` becomes `vm_vmRun`; a number, `func12`. */
  of(name: string): string {
    const known = this.given.get(name);
    if (known !== undefined) return known;
    const segments = name.replace(/^\$"?|"$/g, "").split("/");
    const clean = (from: number) => segments.slice(from).join("_").replace(/\W+/g, "_");
    let length = Math.min(2, segments.length);
    let result = clean(-length);
    while (this.taken.has(result) && length < segments.length) result = clean(-++length);
    if (/^\d/.test(result)) result = `func${result}`;
    for (let n = 2; this.taken.has(result); n++) result = `${clean(-length)}_${n}`;
    this.reserve(name, result);
    return result;
  }
}
