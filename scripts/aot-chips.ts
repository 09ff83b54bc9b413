// A module in C compiled for a chip, run on the simulated chip: its exports called, its one import served, through the debug port.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Prototype } from "../host/aot/c-module.ts";
import type { Target } from "../host/aot/options.ts";
import { type Translation, translate } from "../host/aot/translate.ts";
import { instantiateOnChip as onAvr } from "../host/boards/avr/engine.ts";
import { Firmware as AvrFirmware } from "../host/boards/avr/firmware.ts";
import { instantiateOnChip as onStm32 } from "../host/boards/stm32/engine.ts";
import { Firmware as Stm32Firmware } from "../host/boards/stm32/firmware.ts";
import { ear, type Maker, PLAIN, type Side } from "../tests/drivers/aot-compare.ts";
import { TRAPS, Trap } from "../tests/drivers/c-addon.ts";
import { CORE_FLAGS, compileCore } from "./avr-build.ts";
import { fromRoot } from "./root.ts";

/** Linear memory of such a module: from behind an AVR's registers up to the statics. */
const LOW = 0x100;
const HIGH = 0x3000;
/** Modules for chips; a module that traps on an address does so elsewhere than in V8, whose memory has other ends. */
export const CHIP_SHAPE = { ...PLAIN, memoryStart: LOW, memoryBytes: HIGH - LOW };

const COMMON = ["-I", fromRoot("targets/common"), "-I", ".", "-w"]; // what is drawn at random makes little sense

/** Bodies of what the module calls, which the debug port carries out in their place. */
function stubs({ imports }: Translation): string {
  const bodies = imports.map(({ symbol, params, result }) => {
    const list = params.map((type, n) => `${type} p${n}`).join(", ") || "void";
    const body = result === undefined ? '__asm__ volatile("");' : '__asm__ volatile(""); return 0;';
    return `__attribute__((noinline)) ${result ?? "void"} ${symbol}(${list}) { ${body} }`;
  });
  return [
    '#include "core.h"',
    ...bodies,
    "__attribute__((noinline)) void hsx_trap(u8 code) { (void)code; for (;;) {} }",
    "int main(void) { hsx_core_reset(); for (;;) {} }",
  ].join("\n");
}

const kept = ({ exports }: Translation) => exports.map(({ symbol }) => `-Wl,-u,${symbol}`);

function compileAvr(cwd: string, c: Translation): void {
  compileCore(
    cwd,
    c,
    COMMON,
    c.exports.map(({ symbol }) => symbol),
  );
  const link = ["-Wl,--gc-sections", "-Wl,--relax", `-Wl,-Tdata=0x80${HIGH.toString(16)}`];
  const parts = ["stubs.c", "core.o", "-lm", "-o", "module.elf"];
  execFileSync("avr-gcc", [...CORE_FLAGS, ...COMMON, ...link, ...kept(c), ...parts], { cwd });
}

function compileArm(cwd: string, c: Translation, cpu: string, level: string): void {
  const chip = [`-mcpu=${cpu}`, "-mthumb", "-std=gnu11", "-ffunction-sections", "-fdata-sections"];
  const here = (name: string) => fromRoot("scripts/aot-chips", name);
  const link = ["-nostartfiles", "-Wl,--gc-sections", "-T", here("link.ld"), ...kept(c)];
  const parts = [here("start.c"), "stubs.c", "core.c", "-lm", "-lgcc", "-o", "module.elf"];
  const flags = [...chip, level, "-DHSX_ORIGIN=0x20000000u", ...COMMON, ...link];
  execFileSync("arm-none-eabi-gcc", [...flags, ...parts], { cwd });
}

/** A random module has no constant tables, which a copy might read. */
const NO_TABLES = "const HSX_FLASH u8 hsx_tables[1] = {0};";

/** The program of a translation. */
function elfOf(c: Translation, compile: (cwd: string, c: Translation) => void): Buffer {
  const cwd = mkdtempSync(join(tmpdir(), "hsx-aot-"));
  try {
    writeFileSync(join(cwd, "core.c"), `${c.code}\n${NO_TABLES}\n`);
    writeFileSync(join(cwd, "core.h"), c.header);
    writeFileSync(join(cwd, "stubs.c"), stubs(c));
    compile(cwd, c);
    return readFileSync(join(cwd, "module.elf"));
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/** The name of the trap that ended a call. */
function named(call: (...args: number[]) => number): (...args: number[]) => number {
  return (...args) => {
    try {
      return call(...args) | 0;
    } catch (error) {
      const code = /the core trapped: (\d)/.exec((error as Error).message)?.[1];
      if (code === undefined) throw error;
      throw new Trap(TRAPS[code]);
    }
  };
}

interface Chip {
  readonly target: Target;
  compile(cwd: string, c: Translation): void;
  start(
    elf: Buffer,
    c: Translation,
    hal: Record<string, (a: number, b: number) => number>,
  ): Pick<Side, "exports" | "memory">;
}

/** Chips that random modules run on. */
export const CHIPS: Readonly<Record<string, Chip>> = {
  avr: {
    target: "avr",
    compile: compileAvr,
    start(elf, c, hal) {
      const { memory, exports } = onAvr(new AvrFirmware(elf, c), hal);
      return { memory: memory.buffer, exports };
    },
  },
  "cortex-m0": {
    target: "arm-m0",
    compile: (cwd, c) => compileArm(cwd, c, "cortex-m0", "-Os"),
    start(elf, c, hal) {
      const { memory, exports } = onStm32("stm32f072", new Stm32Firmware(elf, c), hal);
      return { memory: memory.buffer, exports };
    },
  },
};

/** Lays what a module's memory holds at first. */
const RESET: Prototype = { symbol: "hsx_core_reset", params: [], result: undefined };

/** On a simulated chip. */
export function onChip({ target, compile, start }: Chip): Maker {
  return (wasm) => {
    const translation = translate(wasm, { target, low: LOW, high: HIGH });
    const c = { ...translation, exports: [...translation.exports, RESET] };
    const heard: string[] = [];
    const { memory, exports } = start(elfOf(c, compile), c, { hear: ear(heard) });
    new Uint8Array(memory, LOW, HIGH - LOW).fill(0); // a chip's memory holds anything when power comes
    exports.hsx_core_reset?.();
    const calls = Object.entries(exports).map(([name, call]) => [name, named(call)] as const);
    return { memory, exports: Object.fromEntries(calls), heard };
  };
}
