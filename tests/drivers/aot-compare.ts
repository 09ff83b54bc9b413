// Random modules in V8 and behind our translator: what a call comes to, what it says on the way, and the memory it leaves.

import binaryen from "binaryen";
import type { TranslateOptions } from "../../host/aot/options.ts";
import { translate } from "../../host/aot/translate.ts";
import { Random } from "../oracle/random.ts";
import { type ModuleShape, randomModule } from "../oracle/random-module.ts";
import { Addon, Trap } from "./c-addon.ts";

export const PAGE = 65536;
const WORKSHOP = {
  include: new URL("../../targets/common", import.meta.url).pathname,
  folder: new URL("../../build/test/aot", import.meta.url).pathname,
  warnings: ["-w"], // what is drawn at random makes little sense
};
const EDGES = [0, 1, -1, 255, 256, 65535, 65536, 0x7fffffff, -0x80000000];

/** What a call came to, and what it said on the way. */
interface Outcome {
  readonly result: number | string;
  readonly heard: readonly string[];
  readonly memory: Uint8Array;
}

export interface Side {
  readonly exports: Readonly<Record<string, (...args: number[]) => number>>;
  readonly memory: ArrayBuffer;
  readonly heard: string[];
}

/** The names V8 gives to traps, in ours. */
function trapName(error: unknown): string {
  if (error instanceof Trap) return `trap: ${error.message}`;
  const message = (error as Error).message;
  if (/out of bounds/.test(message)) return "trap: memory";
  if (/by zero/.test(message)) return "trap: divide";
  return /unrepresentable/.test(message) ? "trap: overflow" : `error: ${message}`;
}

function call(side: Side, name: string, args: readonly number[]): Outcome {
  side.heard.length = 0;
  let result: number | string;
  try {
    result = side.exports[name]?.(...args) ?? "no such export";
  } catch (error) {
    result = trapName(error);
  }
  return { result, heard: [...side.heard], memory: new Uint8Array(side.memory).slice() };
}

/** Answers depend on what was asked and how often. */
export function ear(heard: string[]): (a: number, b: number) => number {
  return (a, b) => {
    heard.push(`${a} ${b}`);
    return (Math.imul(a, 31) ^ (b + heard.length)) | 0;
  };
}

async function inV8(wasm: Uint8Array): Promise<Side> {
  const heard: string[] = [];
  const imports = { hal: { hear: ear(heard) } };
  const module = await WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>);
  const instance = await WebAssembly.instantiate(module, imports);
  const { memory } = instance.exports as { memory: WebAssembly.Memory };
  return { exports: instance.exports as unknown as Side["exports"], memory: memory.buffer, heard };
}

/** Makes an instance of a module by way of C; `hear` is its one import. */
export type Maker = (wasm: Uint8Array) => Side;

/** In this process. */
export function inC(options: Partial<TranslateOptions>): Maker {
  return (wasm) => {
    const heard: string[] = [];
    const all: TranslateOptions = { target: "host", low: 0, high: PAGE, ...options };
    const addon = new Addon(translate(wasm, all), 0, PAGE, WORKSHOP);
    const { exports, memory } = addon.instantiate({ hear: ear(heard) });
    return { exports: exports as unknown as Side["exports"], memory, heard };
  };
}

export function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  if (module.validate() !== 1) throw new Error("the module is not valid");
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}

/** How many calls agreed, and how many of them trapped; or the first that did not agree. */
export interface Agreement {
  calls: number;
  traps: number;
  difference?: string;
}

/** Where two outcomes differ between two addresses of memory; undefined: nowhere. */
function differenceOf(
  wanted: Outcome,
  got: Outcome,
  from: number,
  end: number,
): string | undefined {
  if (got.result !== wanted.result) return `gives ${got.result}, in V8 ${wanted.result}`;
  if (got.heard.join() !== wanted.heard.join()) return "says something else than in V8";
  const [left, right] = [wanted, got].map(({ memory }) => memory.subarray(from, end));
  return Buffer.compare(left as Uint8Array, right as Uint8Array) === 0
    ? undefined
    : "leaves another memory than in V8";
}

/** Calls each function of the random module of a seed 20 times on both sides. */
export async function compare(seed: number, shape: ModuleShape, make: Maker): Promise<Agreement> {
  const random = new Random(seed);
  const wasm = assemble(randomModule(random, shape));
  const [v8, c] = [await inV8(wasm), make(wasm)];
  const word = () => (random.oneIn(2) ? random.pick(EDGES) : random.word() | 0);
  const start = shape.memoryStart ?? 0;
  const agreement: Agreement = { calls: 0, traps: 0 };
  for (let n = 0; n < shape.functions; n++) {
    for (let turn = 0; turn < 20; turn++) {
      const args = [word(), word(), word()];
      const [wanted, got] = [call(v8, `call${n}`, args), call(c, `call${n}`, args)];
      const difference = differenceOf(wanted, got, start, start + shape.memoryBytes);
      if (difference !== undefined)
        return {
          ...agreement,
          difference: `seed ${seed}, call${n}(${args.join(", ")}) ${difference}`,
        };
      agreement.calls++;
      if (typeof wanted.result === "string") agreement.traps++;
    }
  }
  return agreement;
}

/** Modules of numbers of 32 bits, over a page of memory. */
export const PLAIN: ModuleShape = {
  functions: 12,
  memoryBytes: PAGE,
  isWild: false,
  hasLong: false,
  hasFloat: false,
};
