// How avr-gcc hands over arguments and results: avr-libc manual, "What registers are used by the C compiler?",
// and the AVR ABI page of the GCC wiki. Arguments lie in R25 downwards, each from an even register on;
// the first that does not fit above R7, and all behind it, lie on the stack.

import type { Prototype } from "../debug-port.ts";

/** C types as the translator names them, of four bytes at most. */
export type CType = "u8" | "s8" | "u16" | "s16" | "u32";

/** A function as C declares it, of types that an AVR has. */
export interface TypedPrototype extends Prototype {
  readonly params: readonly CType[];
  readonly result?: CType | undefined;
}

const BYTES: Readonly<Record<CType, number>> = { u8: 1, s8: 1, u16: 2, s16: 2, u32: 4 };

/** The same with its types checked. Throws a RangeError on one that is not. */
export function typed({ symbol, params, result }: Prototype): TypedPrototype {
  const types = { symbol, params: params.map(typeOf) };
  return result === undefined ? types : { ...types, result: typeOf(result) };
}
function typeOf(name: string): CType {
  if (!Object.hasOwn(BYTES, name))
    throw new RangeError(`core interface: no type ${name} on an AVR`);
  return name as CType;
}

const FIRST_BEHIND = 26;
const LAST = 8;

/** Where an argument is: a register, or an offset behind the return address on the stack. */
export interface Place {
  readonly where: "register" | "stack";
  readonly at: number;
  readonly bytes: number;
}

/** Where the arguments of a function are, in order. */
export function placesOf(params: readonly CType[]): Place[] {
  let register = FIRST_BEHIND;
  let stack = 0;
  return params.map((type) => {
    const bytes = BYTES[type];
    register -= bytes + (bytes & 1);
    if (register >= LAST) return { where: "register", at: register, bytes };
    register = 0;
    const place = { where: "stack", at: stack, bytes } as const;
    stack += bytes;
    return place;
  });
}

/** First register of a result: one and two bytes end at R25, four begin at R22. */
export function resultRegister(type: CType): number {
  return BYTES[type] === 4 ? 22 : 24;
}

export function store(data: Uint8Array, at: number, value: number, bytes: number): void {
  for (let n = 0; n < bytes; n++) data[at + n] = value >>> (8 * n);
}

/** A number of a type as WASM has it: signed, 32 bits. */
export function load(data: Uint8Array, at: number, type: CType): number {
  let value = 0;
  for (let n = 0; n < BYTES[type]; n++) value |= (data[at + n] as number) << (8 * n);
  if (type === "s8") return (value << 24) >> 24;
  return type === "s16" ? (value << 16) >> 16 : value;
}

/** What a caller passes for a number: itself, or the number of the type that is nearest to it. */
export function fitted(value: number, type: CType): number {
  const count = 2 ** (8 * BYTES[type]);
  if (!type.startsWith("s")) return Math.min(value >>> 0, count - 1);
  return Math.max(-count / 2, Math.min(value | 0, count / 2 - 1));
}

export function bytesOf(type: CType): number {
  return BYTES[type];
}
