// Random WASM modules in the text format, valid by construction, for translators to be tried on: narrow and wide values,
// memory traffic, calls out, loops that end, switches, traps.

import type { Random } from "./random.ts";

export interface ModuleShape {
  readonly functions: number;
  /** Loads and stores stay below; a few go anywhere if `isWild`. */
  readonly memoryBytes: number;
  /** Where memory begins for them; default 0. */
  readonly memoryStart?: number;
  readonly isWild: boolean;
  readonly hasLong: boolean;
  readonly hasFloat: boolean;
}

/** Parameters every function has, all i32; its result is i32. */
export const PARAMS = 3;
const LOCALS = 5;
const LONGS = 2;
/** Turns all loops of one call may take together. */
const FUEL = 60;
/** Calls inside calls. */
const DEPTH = 4;

const ARITHMETIC = ["add", "sub", "mul", "and", "or", "xor"];
const SHIFTS = ["shl", "shr_u", "shr_s", "rotl", "rotr"];
const DIVISIONS = ["div_u", "div_s", "rem_u", "rem_s"];
const COMPARISONS = ["eq", "ne", "lt_u", "lt_s", "le_u", "le_s", "gt_u", "gt_s", "ge_u", "ge_s"];
const UNARY = ["eqz", "clz", "ctz", "popcnt", "extend8_s", "extend16_s"];
const EDGES = [
  0, 1, 2, 7, 8, 15, 16, 24, 31, 32, 127, 128, 255, 256, 4095, 32767, 32768, 65535, 65536,
];

class Writer {
  private depth = 0;
  private label = 0;

  constructor(
    private readonly random: Random,
    private readonly shape: ModuleShape,
    private readonly index: number,
  ) {}

  private constant(): number {
    const { random } = this;
    const value = random.oneIn(2) ? random.pick(EDGES) : random.word() >>> random.below(32);
    return (random.oneIn(4) ? -value : value) | 0;
  }

  private leaf(): string {
    const { random } = this;
    if (random.oneIn(3)) return `(i32.const ${this.constant()})`;
    if (random.oneIn(8)) return `(global.get $g${random.below(2)})`;
    return `(local.get ${random.below(PARAMS + LOCALS)})`;
  }

  // ---- i32 ----

  private expr(depth: number): string {
    const { random } = this;
    if (depth <= 0) return this.leaf();
    const next = () => this.expr(depth - 1);
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
        return `(i32.${random.pick(ARITHMETIC)} ${next()} ${next()})`;
      case 3:
        return `(i32.and ${next()} (i32.const ${random.pick([1, 15, 31, 127, 255, 1023, 65535])}))`;
      case 4:
        return `(i32.${random.pick(SHIFTS)} ${next()} (i32.const ${random.below(40)}))`;
      case 5:
        return `(i32.${random.pick(SHIFTS)} ${next()} ${next()})`;
      case 6:
        return `(i32.${random.pick(DIVISIONS)} ${next()} ${this.divisor(depth - 1)})`;
      case 7:
      case 8:
        return `(i32.${random.pick(COMPARISONS)} ${next()} ${next()})`;
      case 9:
        return `(i32.${random.pick(UNARY)} ${next()})`;
      case 10:
        return `(select ${next()} ${next()} ${next()})`;
      case 11:
      case 12:
        return this.load(depth);
      case 13:
        return this.call(depth);
      case 14:
        return this.other(depth);
      default:
        return `(local.tee ${random.below(PARAMS + LOCALS)} ${next()})`;
    }
  }

  private divisor(depth: number): string {
    const { random } = this;
    if (random.oneIn(8)) return this.expr(depth);
    if (random.oneIn(2)) return `(i32.const ${this.constant() || 3})`;
    return `(i32.or (i32.and ${this.expr(depth)} (i32.const 255)) (i32.const 1))`;
  }

  private call(depth: number): string {
    const { random, index } = this;
    const args = Array.from({ length: PARAMS }, () => this.expr(depth - 2)).join(" ");
    if (index > 0 && random.oneIn(2)) return `(call $f${random.below(index)} ${args})`;
    return `(call $hear ${this.expr(depth - 1)} ${this.expr(depth - 2)})`;
  }

  private address(depth: number): string {
    const { random, shape } = this;
    const { memoryStart = 0 } = shape;
    if (shape.isWild && random.oneIn(60)) return this.expr(depth);
    const mask = random.pick([7, 63, 255, 1023]);
    const isAtEnd = shape.isWild && random.oneIn(10); // the last access that fits, or the first that does not
    const base = isAtEnd
      ? shape.memoryBytes - mask - random.below(12)
      : memoryStart + random.below(shape.memoryBytes - 96 - mask);
    const index = `(i32.and ${this.expr(depth)} (i32.const ${mask}))`;
    if (random.oneIn(4)) return `(i32.const ${base})`;
    const isLow = random.oneIn(3);
    if (isLow && memoryStart === 0) return index;
    return `(i32.add ${index} (i32.const ${isLow ? memoryStart : base}))`;
  }

  private place(depth: number): string {
    const offset = this.random.oneIn(2) ? "" : `offset=${this.random.below(80)} `;
    return `${offset}align=1 ${this.address(depth)}`;
  }

  private load(depth: number): string {
    const what = this.random.pick(["load8_u", "load8_s", "load16_u", "load16_s", "load"]);
    const text = what.startsWith("load8")
      ? this.place(depth - 1).replace("align=1 ", "")
      : this.place(depth - 1);
    return `(i32.${what} ${text})`;
  }

  // ---- i64 and f32 ----

  private other(depth: number): string {
    const { random, shape } = this;
    if (shape.hasLong && random.oneIn(2))
      return random.oneIn(2)
        ? `(i32.wrap_i64 ${this.long(depth - 1)})`
        : `(i64.${random.pick(COMPARISONS)} ${this.long(depth - 1)} ${this.long(depth - 2)})`;
    if (shape.hasFloat)
      return `(f32.${random.pick(["lt", "le", "eq", "ne", "gt", "ge"])} ${this.float(depth - 1)} ${this.float(depth - 2)})`;
    return this.leaf();
  }

  private long(depth: number): string {
    const { random } = this;
    if (depth <= 0) return `(local.get ${PARAMS + LOCALS + random.below(LONGS)})`;
    const next = () => this.long(depth - 1);
    switch (random.below(6)) {
      case 0:
        return `(i64.const ${BigInt.asIntN(64, (BigInt(random.word()) << 32n) | BigInt(random.word()))})`;
      case 1:
        return `(i64.extend_i32_${random.pick(["s", "u"])} ${this.expr(depth - 1)})`;
      case 2:
        return `(i64.${random.pick(["shl", "shr_u", "shr_s"])} ${next()} (i64.const ${random.below(70)}))`;
      case 3:
        return `(i64.load ${this.place(depth - 1)})`;
      default:
        return `(i64.${random.pick(ARITHMETIC)} ${next()} ${next()})`;
    }
  }

  private float(depth: number): string {
    const { random } = this;
    if (depth <= 0) return `(f32.const ${random.pick([0, 0.5, -1, 3.25, 1e10, -7e-5])})`;
    if (random.oneIn(2))
      return `(f32.convert_i32_${random.pick(["s", "u"])} ${this.expr(depth - 1)})`;
    const op = random.pick(["add", "sub", "mul", "div"]);
    return `(f32.${op} ${this.float(depth - 1)} ${this.float(depth - 1)})`;
  }

  // ---- Statements ----

  statements(count: number, labels: readonly string[]): string {
    return Array.from({ length: count }, () => this.statement(labels)).join("\n");
  }

  private statement(labels: readonly string[]): string {
    const { random, shape } = this;
    const isDeep = this.depth >= 3;
    const choice = random.below(isDeep ? 6 : 12);
    switch (choice) {
      case 0:
      case 1:
        return `(local.set ${random.below(PARAMS + LOCALS)} ${this.expr(3)})`;
      case 2:
        return random.oneIn(4) ? `(global.set $g${random.below(2)} ${this.expr(2)})` : this.store();
      case 3:
        return this.store();
      case 4:
        return labels.length > 0 ? `(br_if ${random.pick(labels)} ${this.expr(2)})` : this.store();
      case 5:
        if (random.oneIn(4)) return this.bulk();
        if (random.oneIn(2)) return this.guarded();
        if (shape.hasLong)
          return `(local.set ${PARAMS + LOCALS + random.below(LONGS)} ${this.long(3)})`;
        return `(drop ${this.expr(2)})`;
      case 6:
      case 7:
        return this.nested(
          labels,
          () => `(if ${this.expr(2)} (then ${this.inner(labels)}) (else ${this.inner(labels)}))`,
        );
      case 8:
        return this.nested(labels, () => `(if ${this.expr(2)} (then ${this.inner(labels)}))`);
      case 9:
        return this.loop(labels);
      case 10:
        return this.choose(labels);
      default: {
        const label = `$b${this.label++}`;
        return this.nested(labels, () => `(block ${label} ${this.inner([...labels, label])})`);
      }
    }
  }

  /** Compares a local with a bound that varies and uses it on both sides, where its range is another. */
  private guarded(): string {
    const { random } = this;
    const { memoryStart = 0, memoryBytes } = this.shape;
    const place = () => memoryStart + random.below(Math.min(60_000, memoryBytes - 4));
    const local = random.below(PARAMS + LOCALS);
    const span = random.pick([15, 127, 255, 511, 65535]);
    const start = random.pick([1, 16, 100, 200, 250, 30000, 65500]);
    const bound = `(i32.add (i32.and ${this.expr(1)} (i32.const ${span})) (i32.const ${start}))`;
    const sides = [`(local.get ${local})`, random.oneIn(3) ? `(i32.const ${start})` : bound];
    if (random.oneIn(2)) sides.reverse();
    const use = () =>
      random.oneIn(2)
        ? `(i32.store align=1 (i32.const ${place()}) (local.get ${local}))`
        : `(local.set ${random.below(PARAMS + LOCALS)} (i32.sub (local.get ${local}) ${this.leaf()}))`;
    return `(local.set ${local} (i32.sub (i32.and ${this.expr(2)} (i32.const ${random.pick([255, 1023, 131071])}))
        (i32.const ${random.pick([0, 0, 5, 300])})))
      (if (i32.${random.pick(COMPARISONS)} ${sides.join(" ")}) (then ${use()} ${use()}) (else ${use()}))`;
  }

  private nested(_: readonly string[], write: () => string): string {
    this.depth++;
    const text = write();
    this.depth--;
    return text;
  }

  private inner(labels: readonly string[]): string {
    return this.statements(1 + this.random.below(3), labels);
  }

  private store(): string {
    const { random, shape } = this;
    if (shape.hasLong && random.oneIn(8)) return `(i64.store ${this.place(2)} ${this.long(2)})`;
    const what = random.pick(["store8", "store16", "store"]);
    const place = what === "store8" ? this.place(2).replace("align=1 ", "") : this.place(2);
    return `(i32.${what} ${place} ${this.expr(3)})`;
  }

  private bulk(): string {
    const { random } = this;
    const size = random.oneIn(2)
      ? `(i32.const ${random.below(40)})`
      : `(i32.and ${this.expr(1)} (i32.const 63))`;
    return random.oneIn(2)
      ? `(memory.fill ${this.address(1)} ${this.expr(1)} ${size})`
      : `(memory.copy ${this.address(1)} ${this.address(1)} ${size})`;
  }

  private loop(labels: readonly string[]): string {
    const [out, again] = [`$o${this.label}`, `$l${this.label++}`];
    const fuel = `(br_if ${out} (i32.eqz (global.get $fuel))) (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))`;
    const body = this.nested(labels, () => this.inner([...labels, out]));
    const repeat = this.random.oneIn(2)
      ? `(br_if ${again} ${this.expr(2)})`
      : `(if ${this.expr(2)} (then ${this.statement([])} (br ${again})))`;
    return `(block ${out} (loop ${again} ${fuel} ${body} ${repeat}))`;
  }

  private choose(labels: readonly string[]): string {
    const { random } = this;
    const count = 2 + random.below(9);
    const names = Array.from({ length: count }, () => `$s${this.label++}`);
    const targets = Array.from({ length: 2 + random.below(12) }, () => random.pick(names));
    const value = random.oneIn(2)
      ? `(i32.and ${this.expr(2)} (i32.const 15))`
      : `(i32.sub ${this.expr(2)} (i32.const ${random.below(20)}))`;
    const table = `(br_table ${targets.join(" ")} ${random.pick(names)} ${value})`;
    return this.nested(labels, () =>
      names.reduce((text, name) => `(block ${name} ${text}) ${this.inner(labels)}`, table),
    );
  }

  function(): string {
    const { index, random } = this;
    const params = "(param i32)".repeat(PARAMS);
    const locals = "(local i32)".repeat(LOCALS) + "(local i64)".repeat(LONGS);
    const guard = `(if (i32.gt_u (global.get $depth) (i32.const ${DEPTH})) (then (return (local.get 0))))
      (global.set $depth (i32.add (global.get $depth) (i32.const 1)))`;
    const body = this.statements(2 + random.below(6), []);
    const end = "(global.set $depth (i32.sub (global.get $depth) (i32.const 1)))";
    return `(func $f${index} ${params} (result i32) ${locals} ${guard} ${body} ${end} ${this.expr(3)})`;
  }
}

/** Exports `f0`… and `start`, which resets the counters; calls `hal.hear`; has one page of memory with some data. */
export function randomModule(random: Random, shape: ModuleShape): string {
  const functions = Array.from({ length: shape.functions }, (_, n) =>
    new Writer(random, shape, n).function(),
  );
  const exports = functions.map((_, n) => `(export "call${n}" (func $call${n}))`);
  const entries = functions.map(
    (_, n) => `(func $call${n} (param i32 i32 i32) (result i32)
      (global.set $fuel (i32.const ${FUEL})) (global.set $depth (i32.const 0))
      (call $f${n} (local.get 0) (i32.and (local.get 1) (i32.const 255)) (i32.and (local.get 2) (i32.const 65535))))`,
  );
  return `(module
    (import "hal" "hear" (func $hear (param i32 i32) (result i32)))
    (memory (export "memory") 1 1)
    (data (i32.const ${16 + (shape.memoryStart ?? 0)}) "\\01\\02\\03\\80\\ff\\fe\\7f\\10")
    (global $fuel (mut i32) (i32.const 0))
    (global $depth (mut i32) (i32.const 0))
    (global $g0 (mut i32) (i32.const 7))
    (global $g1 (mut i32) (i32.const -3))
    ${exports.join("\n")}
    ${functions.join("\n")}
    ${entries.join("\n")})`;
}
