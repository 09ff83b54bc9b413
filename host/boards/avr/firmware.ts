// A firmware of the AVR board: its program, and the C prototypes of what its core offers and asks for.

import { type Elf, readElf } from "../../formats/elf.ts";
import type { CoreInterface } from "../debug-port.ts";
import { type TypedPrototype, typed } from "./abi.ts";
import { flashOf } from "./chip.ts";

/** Number that ELF gives to AVR in e_machine. */
const EM_AVR = 83;
/** Linear memory ends, C statics begin; the stack may reach down to here plus the statics (linker script). */
const STACK_FLOOR = 0x3e00;

export class Firmware implements CoreInterface {
  readonly flash: Uint16Array;
  readonly elf: Elf;
  readonly imports: readonly TypedPrototype[];
  readonly exports: readonly TypedPrototype[];
  readonly stackFloor = STACK_FLOOR;

  /** Throws a RangeError when the file is no program for an AVR. */
  constructor(file: Uint8Array, core: CoreInterface) {
    this.elf = readElf(file);
    if (this.elf.machine !== EM_AVR) throw new RangeError("ELF: no program for an AVR");
    this.flash = flashOf(this.elf);
    this.imports = core.imports.map(typed);
    this.exports = core.exports.map(typed);
  }

  /** Byte address of a function in flash. */
  readonly addressOf = (symbol: string): number | undefined => {
    const found = this.elf.symbols.get(symbol);
    return found?.isFunction ? found.value : undefined;
  };
}
