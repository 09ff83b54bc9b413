// Compares the core's f16 with the oracle's: every conversion, and pairs of operands by the million.

import type { Probe } from "../probes/compile.ts";
import { f16 } from "./f16.ts";
import { Random } from "./random.ts";

/** Numbers as Op of tests/probes/vm.ts counts them. */
const OPERATIONS = ["add", "sub", "mul", "div", "less", "closer"] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface F16Count {
  readonly operation: string;
  readonly cases: number;
  readonly differences: number;
  /** The first difference, for a person. */
  readonly first?: string;
}

/** Pairs at a time; with their results they fit below the constant tables of the small profile. */
const CHUNK = 4096;

function hex(bits: number): string {
  return `0x${(bits >>> 0).toString(16)}`;
}

// ---- Operands ----

/** What rounding, carries and special cases turn on: both ends of every binade and around them, zeros, infinities, NaNs. */
export function specialValues(): number[] {
  const values = new Set<number>([0x7c01, 0x7dff, 0x7e00, 0x7e01, 0x7fff]);
  for (let exponent = 0; exponent <= 31; exponent++) {
    const first = exponent << 10;
    for (const fraction of [0, 1, 2, 0x1ff, 0x200, 0x201, 0x3fe, 0x3ff])
      values.add(first | fraction);
  }
  for (let bit = 1; bit < 0x400; bit <<= 1) values.add(bit);
  return [...values].flatMap((value) => [value, value | 0x8000]);
}

/** All pairs of special values, then random ones: any two, near exponents, or one special, in turn. */
function* operandPairs(pairs: number, seed: number): Generator<Uint16Array> {
  const random = new Random(seed);
  const special = specialValues();
  let done = 0;
  while (done < pairs) {
    const chunk = new Uint16Array(2 * Math.min(CHUNK, pairs - done));
    for (let i = 0; i < chunk.length; i += 2, done++) {
      const word = random.word();
      let a = word & 0xffff;
      let b = word >>> 16;
      if (done < special.length ** 2) {
        a = special[Math.floor(done / special.length)] ?? 0;
        b = special[done % special.length] ?? 0;
      } else if (done % 4 === 1) {
        const exponent = ((a & 0x7c00) + (((b >>> 13) - 4) << 10)) & 0x7c00;
        b = (b & 0x83ff) | exponent;
      } else if (done % 4 === 3) {
        a = special[a % special.length] ?? 0;
      }
      chunk[i] = a;
      chunk[i + 1] = b;
    }
    yield chunk;
  }
}

// ---- Comparisons ----

function countPairs(probe: Probe, operation: Operation, pairs: number, seed: number): F16Count {
  const oracle = f16[operation];
  const at = probe.arenaBase();
  const results = new Uint16Array(probe.memory.buffer, at + 4 * CHUNK, CHUNK);
  let differences = 0;
  let first: string | undefined;
  for (const chunk of operandPairs(pairs, seed)) {
    const count = chunk.length / 2;
    new Uint16Array(probe.memory.buffer, at, chunk.length).set(chunk);
    probe.f16Batch(OPERATIONS.indexOf(operation), at, count, results.byteOffset);
    for (let i = 0; i < count; i++) {
      const a = chunk[2 * i] ?? 0;
      const b = chunk[2 * i + 1] ?? 0;
      const expected = oracle(a, b);
      if (results[i] === expected) continue;
      differences++;
      first ??= `${operation}(${hex(a)}, ${hex(b)}) is ${hex(results[i] ?? 0)}, not ${hex(expected)}`;
    }
  }
  return { operation, cases: pairs, differences, first };
}

function countOperands(
  operation: string,
  operands: Iterable<number>,
  core: (operand: number) => number,
  oracle: (operand: number) => number,
): F16Count {
  let cases = 0;
  let differences = 0;
  let first: string | undefined;
  for (const operand of operands) {
    cases++;
    const result = core(operand);
    const expected = oracle(operand);
    if (result === expected) continue;
    differences++;
    first ??= `${operation}(${hex(operand)}) is ${hex(result)}, not ${hex(expected)}`;
  }
  return { operation, cases, differences, first };
}

function* everyF16(): Generator<number> {
  for (let bits = 0; bits < 0x10000; bits++) yield bits;
}

/** Every integer that is not infinite as f16 and some beyond, the neighbours of powers of two, then random ones. */
function* integers(count: number, seed: number): Generator<number> {
  const random = new Random(seed);
  for (let i = -70_000; i <= 70_000; i++) yield i;
  for (let bit = 0; bit < 32; bit++) {
    for (let near = -2; near <= 2; near++) yield ((1 << bit) + near) | 0;
  }
  for (let i = 0; i < count; i++) yield random.word() >> random.below(24);
}

/** Counts what was compared and what differed. */
export function proveF16(probe: Probe, pairs: number, seed: number): F16Count[] {
  return [
    countOperands("f2i", everyF16(), (a) => probe.toInteger(a), f16.toInteger),
    countOperands("i2f", integers(pairs / 10, seed), (i) => probe.fromInteger(i), f16.fromInteger),
    ...OPERATIONS.map((operation) => countPairs(probe, operation, pairs, seed)),
  ];
}
