// A firmware of the AVR board: its program, and the C prototypes of what its core offers and asks for.

import { type Elf, readElf } from "../../formats/elf.ts";
import type { CType, Prototype } from "./abi.ts";
import { flashOf } from "./chip.ts";

/** Number that ELF gives to AVR in e_machine. */
const EM_AVR = 83;
/** Linear memory ends, C statics begin; the stack may reach down to here plus the statics (linker script). */
const STACK_FLOOR = 0x3e00;

/** What the translator writes beside the core: build/avr/core.json. */
export interface CoreInterface {
  readonly imports: readonly { symbol: string; params: readonly string[]; result?: string }[];
  readonly exports: readonly { symbol: string; params: readonly string[]; result?: string }[];
}

export class Firmware {
  readonly flash: Uint16Array;
  readonly elf: Elf;
  readonly imports: readonly Prototype[];
  readonly exports: readonly Prototype[];
  readonly stackFloor = STACK_FLOOR;

  /** Throws a RangeError when the file is no program for an AVR. */
  constructor(file: Uint8Array, core: CoreInterface) {
    this.elf = readElf(file);
    if (this.elf.machine !== EM_AVR) throw new RangeError("ELF: no program for an AVR");
    this.flash = flashOf(this.elf);
    this.imports = core.imports.map(prototypeOf);
    this.exports = core.exports.map(prototypeOf);
  }

  /** Byte address of a function in flash. */
  readonly addressOf = (symbol: string): number | undefined => {
    const found = this.elf.symbols.get(symbol);
    return found?.isFunction ? found.value : undefined;
  };
}

const WIDTHS: ReadonlySet<string> = new Set(["u8", "s8", "u16", "s16", "u32"]);

function typeOf(name: string): CType {
  if (!WIDTHS.has(name)) throw new RangeError(`core interface: no type ${name} on an AVR`);
  return name as CType;
}

function prototypeOf({ symbol, params, result }: CoreInterface["imports"][number]): Prototype {
  const types = { symbol, params: params.map(typeOf) };
  return result === undefined ? types : { ...types, result: typeOf(result) };
}
