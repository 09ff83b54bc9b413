// What a debugger does with a chip that stands still, whatever its instructions: it calls functions of the program, and
// carries out functions that the program calls. The ports of the chips are in avr/ and stm32/.

/** A function as C declares it. */
export interface Prototype {
  readonly symbol: string;
  readonly params: readonly string[];
  readonly result?: string | undefined;
}

/** What the translator writes beside the core, core.json: what it asks for and what it offers. */
export interface CoreInterface {
  readonly imports: readonly Prototype[];
  readonly exports: readonly Prototype[];
}

/** A function of the chip; numbers as WASM has them. */
export type Call = (...args: number[]) => number;
/** What an imported function does; numbers as WASM has them. */
export type Served = (...args: number[]) => number | undefined;

/** What the chip does wrong itself: a trap of the core, a call that never returns, a stack that is spent. */
export class ChipFailure extends Error {
  override readonly name = "ChipFailure";
}

export interface DebugPort {
  /** A function of the chip, to be called while it stands still. Undefined: the program does not have it. */
  function(prototype: Prototype): Call | undefined;
  /** Whenever the program calls a function, `call` is made in its place. False: the program does not have it. */
  serve(prototype: Prototype, call: Served): boolean;
  /** At the first instruction of a function: returns to its caller. */
  leave(): void;
}

/** Functions by name. One that the program does not have fails when it is called. */
export function functionsOf(
  port: DebugPort,
  prototypes: readonly Prototype[],
): Record<string, Call> {
  const absent = (symbol: string) => () => {
    throw new ChipFailure(`the firmware has no ${symbol}`);
  };
  return Object.fromEntries(
    prototypes.map((p) => [p.symbol, port.function(p) ?? absent(p.symbol)]),
  );
}

/** The exports of a core that has not run yet, on a chip that stands at main; `hal` carries out what it imports. */
export function connectCore(
  port: DebugPort,
  core: CoreInterface,
  hal: Readonly<Record<string, (...args: never[]) => unknown>>,
): Record<string, Call> {
  for (const prototype of core.imports) {
    const served = hal[prototype.symbol];
    if (served !== undefined) port.serve(prototype, served as unknown as Served);
  }
  port.serve({ symbol: "hsx_trap", params: ["u8"] }, (code) => {
    throw new ChipFailure(`the core trapped: ${code}`);
  });
  port.function({ symbol: "hsx_core_reset", params: [] })?.();
  return functionsOf(port, core.exports);
}
