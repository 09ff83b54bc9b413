// Whatever a module computes in V8 it computes in C: results, memory, calls out and traps.

import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import type { TranslateOptions } from "../../../host/aot/options.ts";
import { translate } from "../../../host/aot/translate.ts";
import { fromRoot } from "../../../scripts/root.ts";
import { Addon, Trap } from "../../drivers/c-addon.ts";
import { Random } from "../../oracle/random.ts";
import { type ModuleShape, randomModule } from "../../oracle/random-module.ts";

const PAGE = 65536;
const WORKSHOP = {
  include: fromRoot("targets/common"),
  folder: fromRoot("build/test/aot"),
  warnings: ["-w"], // what is drawn at random makes little sense
};
const EDGES = [0, 1, -1, 255, 256, 65535, 65536, 0x7fffffff, -0x80000000];

/** What a call came to, and what it said on the way. */
interface Outcome {
  readonly result: number | string;
  readonly heard: readonly string[];
  readonly memory: Uint8Array;
}

interface Side {
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
function ear(heard: string[]): (a: number, b: number) => number {
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

function inC(wasm: Uint8Array, options: Partial<TranslateOptions>): Side {
  const heard: string[] = [];
  const all: TranslateOptions = { target: "host", low: 0, high: PAGE, ...options };
  const addon = new Addon(translate(wasm, all), 0, PAGE, WORKSHOP);
  const { exports, memory } = addon.instantiate({ hear: ear(heard) });
  return { exports: exports as unknown as Side["exports"], memory, heard };
}

function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  if (module.validate() !== 1) throw new Error("the module is not valid");
  const wasm = module.emitBinary();
  module.dispose();
  return wasm;
}

async function compare(seed: number, shape: ModuleShape, options: Partial<TranslateOptions>) {
  const random = new Random(seed);
  const wasm = assemble(randomModule(random, shape));
  const [v8, c] = [await inV8(wasm), inC(wasm, options)];
  const word = () => (random.oneIn(2) ? random.pick(EDGES) : random.word() | 0);
  let trapped = 0;
  for (let n = 0; n < shape.functions; n++) {
    for (let turn = 0; turn < 20; turn++) {
      const args = [word(), word(), word()];
      const [wanted, got] = [call(v8, `call${n}`, args), call(c, `call${n}`, args)];
      if (typeof wanted.result === "string") trapped++;
      const where = `seed ${seed}, call${n}(${args.join(", ")})`;
      expect({ where, result: got.result, heard: got.heard }).toEqual({
        where,
        result: wanted.result,
        heard: wanted.heard,
      });
      expect(Buffer.compare(got.memory, wanted.memory), where).toBe(0);
    }
  }
  return trapped;
}

const PLAIN: ModuleShape = {
  functions: 12,
  memoryBytes: PAGE,
  isWild: false,
  hasLong: false,
  hasFloat: false,
};
const SEEDS = Number(process.env.AOT_SEEDS ?? 4);
const FIRST = Number(process.env.AOT_FIRST ?? 1);
const seeds = Array.from({ length: SEEDS }, (_, n) => FIRST + n);

describe("a random module", () => {
  it.each(seeds)("of i32 does in C what it does in V8: seed %i", async (seed) => {
    await compare(seed, PLAIN, {});
  });
  it.each(seeds)("that traps does so at the same point: seed %i", async (seed) => {
    await compare(seed + 1000, { ...PLAIN, isWild: true }, {});
  });
  it.each(seeds)("of all types does in C what it does in V8: seed %i", async (seed) => {
    await compare(seed + 2000, { ...PLAIN, isWild: true, hasLong: true, hasFloat: true }, {});
  });
  it.each(seeds)("keeps to its memory with addresses of 16 bits: seed %i", async (seed) => {
    await compare(seed + 3000, PLAIN, { target: "avr" });
  });
});
