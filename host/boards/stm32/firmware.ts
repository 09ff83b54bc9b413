// A firmware of an STM32 board: its program, and the C prototypes of what its core offers and asks for.

import { type Elf, readElf } from "../../formats/elf.ts";
import type { CoreInterface, Prototype } from "../debug-port.ts";

/** Number that ELF gives to ARM in e_machine. */
const EM_ARM = 40;

export class Firmware implements CoreInterface {
  readonly elf: Elf;
  readonly imports: readonly Prototype[];
  readonly exports: readonly Prototype[];

  /** Throws a RangeError when the file is no program for an ARM. */
  constructor(file: Uint8Array, core: CoreInterface) {
    this.elf = readElf(file);
    if (this.elf.machine !== EM_ARM) throw new RangeError("ELF: no program for an ARM");
    this.imports = core.imports;
    this.exports = core.exports;
  }

  /** Address of a function or variable, without the bit for Thumb. */
  readonly addressOf = (symbol: string): number | undefined => {
    const found = this.elf.symbols.get(symbol);
    return found === undefined ? undefined : found.isFunction ? found.value & ~1 : found.value;
  };
}
