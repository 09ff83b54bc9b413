// C for the STM32 boards: the compiler with the options of each, the files of each engine, what is read off the result.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { CoreProfile } from "../host/aot/core-options.ts";
import type { Target } from "../host/aot/options.ts";
import { translateCore } from "./core-c.ts";
import { boundStack, readFrames, type StackBound, THUMB } from "./firmware/stack.ts";
import { fromRoot, ROOT } from "./root.ts";

export type BoardName = "stm32f072" | "stm32f405";
export type CpuName = "cortex-m0" | "cortex-m4";

export interface BoardBuild {
  readonly name: BoardName;
  readonly profile: CoreProfile;
  readonly cpu: CpuName;
  /** Folder of drivers of this family only. */
  readonly family: "f0" | "f4";
}

export const BOARDS: Readonly<Record<BoardName, BoardBuild>> = {
  stm32f072: { name: "stm32f072", profile: "small-flash", cpu: "cortex-m0", family: "f0" },
  stm32f405: { name: "stm32f405", profile: "large", cpu: "cortex-m4", family: "f4" },
};

const TARGETS: Readonly<Record<CpuName, Target>> = { "cortex-m0": "arm-m0", "cortex-m4": "arm-m4" };
const STRICT = ["-Wall", "-Wextra", "-Werror", "-fstack-usage"];
/** Of everything but the translated core. */
const DRIVER_LEVEL = "-Os";
/** Of the translated core: the F072 has room for the small form only, and little for what is kept over calls on the stack. */
const CORE_LEVEL: Readonly<Record<BoardName, readonly string[]>> = {
  stm32f072: ["-Os", "-fno-code-hoisting", "-fno-gcse"],
  stm32f405: ["-O2"],
};

/** Functions of the HAL that are there although no profile of the core calls them all. */
const KEPT = ["sd_blocks", "sd_read"];

export interface BuildOptions {
  /** Bytes of flash left to a bootloader. */
  readonly offset?: number;
  /** Another instruction set than the board's own: ARMv6-M code runs on every Cortex-M. */
  readonly cpu?: CpuName;
  readonly coreLevel?: string;
  readonly folder?: string;
}

export interface Built {
  readonly elf: string;
  readonly bin: string;
  readonly map: string;
  /** What -fstack-usage wrote beside the objects. */
  readonly usage: readonly string[];
}

export function hasArmTools(): boolean {
  try {
    execFileSync("arm-none-eabi-gcc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function run(tool: string, args: readonly string[]): string {
  return execFileSync(`arm-none-eabi-${tool}`, [...args], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 28,
  });
}

function sourcesIn(folder: string): string[] {
  const names = readdirSync(fromRoot(folder)).filter((name) => name.endsWith(".c"));
  return names.sort().map((name) => join(folder, name));
}

/** Linear address 0: the linker scripts put linear memory into SRAM at its own addresses. */
const ORIGIN = "-DHSX_ORIGIN=0x20000000u";

/** Compiles in the project's folder, so that no path of this machine gets into the files. */
function compile(source: string, object: string, flags: readonly string[]): string {
  run("gcc", [...flags, "-c", source, "-o", object]);
  return object;
}

/** Builds the firmware of a board with the translated core. */
export function buildBoard(board: BoardBuild, options: BuildOptions = {}): Built {
  const cpu = options.cpu ?? board.cpu;
  const folder = options.folder ?? join("build/stm32", board.name);
  mkdirSync(fromRoot(folder), { recursive: true });
  const { code, header, imports, exports } = translateCore(board.profile, TARGETS[cpu]);
  writeFileSync(fromRoot(folder, "core.c"), code);
  writeFileSync(fromRoot(folder, "core.h"), header);
  writeFileSync(fromRoot(folder, "core.json"), `${JSON.stringify({ imports, exports })}\n`);
  const chip = [`-mcpu=${cpu}`, "-mthumb", "-std=gnu11", "-ffunction-sections", "-fdata-sections"];
  const boardFolder = `targets/stm32/board/${board.name}`;
  const family = `targets/stm32/drivers/${board.family}`;
  const include = [
    "targets/common",
    "targets/common/devices",
    "targets/stm32/drivers",
    "targets/stm32/board",
    family,
    boardFolder,
    folder,
  ];
  const flags = [...chip, ...STRICT, ...include.map((path) => `-I${path}`)];
  const level = options.coreLevel === undefined ? CORE_LEVEL[board.name] : [options.coreLevel];
  const core = compile(join(folder, "core.c"), join(folder, "core.o"), [
    ...flags,
    ORIGIN,
    ...level,
  ]);
  const folders = ["targets/common/devices", "targets/stm32/drivers", family, boardFolder];
  const sources = folders.flatMap(sourcesIn);
  const objects = [...sources, "targets/common/main.c"].map((source) =>
    compile(source, join(folder, `${basename(source, ".c")}.o`), [...flags, DRIVER_LEVEL]),
  );
  const [elf, bin, map] = ["elf", "bin", "map"].map((kind) => join(folder, `hsx.${kind}`)) as [
    string,
    string,
    string,
  ];
  run("gcc", [
    ...chip,
    "-nostartfiles",
    `-Wl,--defsym=OFFSET=${options.offset ?? 0}`,
    `-Wl,-T,${boardFolder}/link.ld`,
    "-Wl,--gc-sections",
    "-Wl,--build-id=none",
    `-Wl,-Map,${map}`,
    ...[...exports.map(({ symbol }) => symbol), ...KEPT].map((symbol) => `-Wl,-u,${symbol}`),
    core,
    ...objects,
    "-lm",
    "-o",
    elf,
  ]);
  run("objcopy", ["-O", "binary", elf, bin]);
  const usage = [core, ...objects].map((object) => fromRoot(object.replace(/o$/, "su")));
  return { elf: fromRoot(elf), bin: fromRoot(bin), map: fromRoot(map), usage };
}

/** Bytes of each section. */
export function sectionsOf({ elf }: Built): ReadonlyMap<string, number> {
  const lines = run("size", ["-A", "-d", elf]).split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [name = "", size] = line.trim().split(/\s+/);
      return name.startsWith(".") ? [[name, Number(size)] as const] : [];
    }),
  );
}

/** The deepest stack, interrupts included. */
export function stackOf({ elf, usage }: Built): StackBound {
  const frames = readFrames(usage.map((file) => readFileSync(file, "utf8")));
  return boundStack(run("objdump", ["-t", "-d", "--no-show-raw-insn", elf]), frames, THUMB);
}
