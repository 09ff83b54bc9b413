// C for the AVR: the compiler with the options every program of that chip gets, and what is read off the result.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stackedOf } from "../host/aot/outline.ts";
import { shrink } from "../host/aot/shrink.ts";
import type { Translation } from "../host/aot/translate.ts";
import { translateCore } from "./core-c.ts";
import { fromRoot } from "./root.ts";

const CHIP = ["-mmcu=atmega1284p", "-std=gnu11"];
/** Of the translated core: small first. Its hot functions ask for more themselves. */
export const CORE_FLAGS: readonly string[] = [
  ...CHIP,
  "-Os",
  "-mstrict-X",
  "-fno-jump-tables",
  "-fno-strict-aliasing",
  "-fno-inline",
  "-fno-gcse",
  "-fno-optimize-sibling-calls", // functions end alike, and share their ends
  "-fno-ipa-ra", // what functions share changes registers the compiler has not counted
  "-fno-move-loop-invariants",
  "-fno-tree-loop-im",
  "-ffunction-sections",
  "-fdata-sections",
];
/** Functions whose time matters more than their size. */
export const TIMED: readonly string[] = [
  "vm/vm/vmRun",
  "index/hsx_poll",
  "executive/executive/executiveKeep",
  "executive/scheduler/schedule",
  "executive/turn/readyAfter",
  "crc/crcSum",
  "crc/product",
  "persist/record/clockByte",
  "persist/record/crcOf",
  "registry/saver/saverPoll",
  "image/slot/slotWrite",
  "image/slot/slotXor",
  "mailbox/descriptor/nextService",
  "mailbox/ring/copyIn",
  "provision/protocol/broadcast/takeData",
  "provision/protocol/broadcast/put",
  "provision/protocol/protocol/protocolReceive",
];
/** C statics and the stack begin above linear memory. */
const LINK_FLAGS = ["-Wl,--gc-sections", "-Wl,--relax", "-Wl,-Tdata=0x803c00"];

export function hasAvrTools(): boolean {
  try {
    execFileSync("avr-gcc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function run(tool: string, args: readonly string[]): string {
  return execFileSync(tool, [...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
}

/** A program and where its parts lie. */
export interface Program {
  readonly elf: string;
  /** Where the core's functions come from, by their names in C. */
  readonly sources: ReadonlyMap<string, string>;
  /** Words of flash. */
  readonly flash: Uint16Array;
}

const FLASH_BYTES = 131072;

function load(elf: string, sources: Program["sources"] = new Map()): Program {
  const file = elf.replace(/elf$/, "bin");
  run("avr-objcopy", ["-O", "binary", elf, file]);
  const binary = readFileSync(file);
  const flash = new Uint8Array(FLASH_BYTES).fill(0xff);
  flash.set(binary);
  return { elf, sources, flash: new Uint16Array(flash.buffer) };
}

/** Frames as the compiler told them, with the registers that functions save now: bytes in the text and a return address. */
function withUsage(frames: string, text: string): string {
  const bytes = new Map<string, number>();
  for (const part of text.split(/^(?=\t\.section)/m)) {
    const [, name] = /^(\w+):$/m.exec(part) ?? [];
    const [, own] = /^\.L__stack_usage = (\d+)$/m.exec(part) ?? [];
    if (name !== undefined && own !== undefined) bytes.set(name, Number(own) + 2);
  }
  return frames.replace(/^(.*:)(\w+)\t(\d+)/gm, (_all, place, name, before) => {
    return `${place}${name}\t${bytes.get(name) ?? before}`;
  });
}

/** The C symbol of a timed function; a name that the core no longer has is refused, lest it be outlined unnoticed. */
function symbolOf(core: Translation, name: string): string {
  const found = [...core.sources].find(([, source]) => source.endsWith(name));
  if (!found) throw new Error(`${name} of TIMED is no function of the core: name its successor`);
  return found[0];
}

/** Compiles core.c in a folder and makes it smaller for a program that calls `roots`, all but the functions `timed`: core.s, core.su and core.o. */
export function compileCore(
  folder: string,
  core: Translation,
  include: readonly string[],
  roots: readonly string[],
  timed: readonly string[] = [],
): void {
  const at = { cwd: folder, stdio: ["ignore", "pipe", "inherit"] as ["ignore", "pipe", "inherit"] };
  const strict = ["-Wall", "-Wextra", "-Werror", "-fstack-usage"];
  execFileSync(
    "avr-gcc",
    [...CORE_FLAGS, ...strict, ...include, "-S", "core.c", "-o", "core.s"],
    at,
  );
  const keep = new Set(timed.map((name) => symbolOf(core, name)));
  const file = join(folder, "core.s");
  const stacked = stackedOf(core.functions);
  const text = readFileSync(file, "utf8");
  const shrunk = shrink(text, { keep, stacked, roots: new Set(roots) });
  writeFileSync(file, shrunk);
  const usage = join(folder, "core.su");
  writeFileSync(usage, withUsage(readFileSync(usage, "utf8"), shrunk));
  execFileSync("avr-gcc", [...CORE_FLAGS, "-c", "core.s", "-o", "core.o"], at);
}

/** What the board has behind its SPI port, and the EEPROM that stands in for it. */
const DEVICES = [
  "targets/avr/board/nv.c",
  "targets/avr/drivers/spi.c",
  "targets/avr/drivers/eeprom.c",
  "targets/common/devices/fram.c",
  "targets/common/devices/sd.c",
] as const;

/** The core and a bare machine around it, as scripts/bench/avr/node.c drives it; all exports are kept. */
export function buildBareNode(): Program {
  const folder = fromRoot("build/avr-bare");
  mkdirSync(folder, { recursive: true });
  const core = translateCore("small", "avr");
  const { code, header, exports, sources } = core;
  writeFileSync(join(folder, "core.c"), code);
  writeFileSync(join(folder, "core.h"), header);
  const include = ["-I", fromRoot("targets/common"), "-I", folder];
  const file = (name: string) => join(folder, name);
  const roots = exports.map(({ symbol }) => symbol);
  compileCore(folder, core, include, roots, TIMED);
  const keep = roots.map((symbol) => `-Wl,-u,${symbol}`);
  const parts = [fromRoot("scripts/bench/avr/node.c"), file("core.o")];
  const link = [...CORE_FLAGS, ...include, ...LINK_FLAGS, ...keep];
  run("avr-gcc", [...link, ...parts, "-lm", "-o", file("node.elf")]);
  return load(file("node.elf"), sources);
}

/** The same with the board's drivers of non-volatile bytes; build the bare node first. */
export function buildFramNode(): Program {
  const folder = fromRoot("build/avr-bare");
  const elf = join(folder, "fram-node.elf");
  const include = ["-I", fromRoot("targets/common"), "-I", folder];
  const drivers = DEVICES.map((file) => fromRoot(file));
  run("avr-gcc", [
    ...CORE_FLAGS,
    "-DF_CPU=16000000UL",
    ...include,
    ...["avr/board", "avr/drivers", "common/devices"].flatMap((room) => [
      "-I",
      fromRoot("targets", room),
    ]),
    ...LINK_FLAGS,
    fromRoot("scripts/bench/avr/node.c"),
    join(folder, "core.o"),
    ...drivers,
    "-lm",
    "-o",
    elf,
  ]);
  return load(elf);
}

/** The interpreter written by hand. */
export function buildInterpreter(): Program {
  const elf = fromRoot("build/avr-bare/interpreter.elf");
  run("avr-gcc", [...CHIP, "-O2", fromRoot("scripts/bench/avr/interpreter.c"), "-o", elf]);
  return load(elf);
}

// ---- Sizes ----

export interface Sizes {
  /** Bytes of flash: code, constants, first values. */
  readonly flash: number;
  /** Bytes of RAM outside linear memory and the stack. */
  readonly statics: number;
  /** Bytes of each symbol in flash, largest first. */
  readonly symbols: readonly { readonly name: string; readonly bytes: number }[];
}

export function sizesOf({ elf }: Program): Sizes {
  const total = run("avr-size", [elf]).split("\n")[1]?.trim().split(/\s+/).map(Number) ?? [];
  const [text = 0, data = 0, bss = 0] = total;
  const lines = run("avr-nm", ["-S", "--size-sort", "-r", elf]).split("\n");
  const symbols = lines.flatMap((line) => {
    const [, bytes = "", kind = "", name = ""] = line.split(" ");
    return /^[tT]$/.test(kind) ? [{ name, bytes: Number.parseInt(bytes, 16) }] : [];
  });
  return { flash: text + data, statics: data + bss, symbols };
}
