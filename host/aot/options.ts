// What a translation may be told: the machine, where memory lies, what imports look like in C.

export type Target = "host" | "avr" | "arm-m0" | "arm-m4";

/** Types of C the translator gives to values; the header defines them. */
export type CType = "u8" | "s8" | "u16" | "s16" | "u32" | "u64" | "f32" | "f64";

/** How an import is declared in C. Values are cut to its parameters; its result lies in the range of its type. */
export interface ImportShape {
  readonly params: readonly CType[];
  readonly result?: CType;
}

export interface TranslateOptions {
  readonly target: Target;
  /** First address of linear memory that may be touched. */
  readonly low: number;
  /** First address behind it. Data at and above it becomes constant tables, readable and nothing else. */
  readonly high: number;
  /** Exports to keep; all unless given. What no kept export calls is left out. */
  readonly exports?: readonly string[];
  /** C types of imports by path, `hal.uart_write`; those not named take and return u32. */
  readonly imports?: Readonly<Record<string, ImportShape>>;
  /**
   * C types of the parameters of exports by name; those not named take u32. The caller vouches that what it passes
   * fits: the translation sees no more than the type holds.
   */
  readonly exportParams?: Readonly<Record<string, readonly CType[]>>;
  /** The source map: the text of the lines that the module's text names, for comments. */
  readonly sourceMap?: string;
  /**
   * Functions, by the end of their name, whose checks are written out in place rather than called, and which small
   * functions are copied into. They read a table only where that is proved: elsewhere, an address in one is a trap.
   */
  readonly hot?: readonly string[];
  /** Name of the header, as the C file includes it. */
  readonly header?: string;
}

/** What follows from the target alone. */
export interface Machine {
  /** Bits of an address. With 16, address arithmetic is modulo 65536: always inside memory, but a sum that wraps is not caught. */
  readonly addressBits: 16 | 32;
  /** True when numbers of fewer than 32 bits cost more than whole words: each step would have to be cut. */
  readonly isWhole: boolean;
  /** br_table as a jump through a table of labels. */
  readonly hasComputedGoto: boolean;
  /** The macro that tells the header how to reach memory. */
  readonly define: string;
  /** Register pairs for what the loop of a hot function uses most; a compiler that spills them in a wide switch is told so. */
  readonly pins: readonly string[];
  /** True when double is IEEE 754 binary64 and costs nothing to have. */
  readonly hasDouble: boolean;
}

export const MACHINES: Readonly<Record<Target, Machine>> = {
  host: {
    addressBits: 32,
    isWhole: false,
    hasComputedGoto: false,
    define: "HSX_ON_HOST",
    pins: [],
    hasDouble: true,
  },
  avr: {
    addressBits: 16,
    isWhole: false,
    hasComputedGoto: false,
    define: "HSX_ON_AVR",
    pins: ["r4", "r6", "r2"],
    hasDouble: false,
  },
  "arm-m0": {
    addressBits: 32,
    isWhole: true,
    hasComputedGoto: true,
    define: "HSX_ON_M0",
    pins: [],
    hasDouble: false,
  },
  "arm-m4": {
    addressBits: 32,
    isWhole: true,
    hasComputedGoto: false, // TBH serves a switch in one instruction
    define: "HSX_ON_M4",
    pins: [],
    hasDouble: false,
  },
};
