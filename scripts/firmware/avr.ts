// Builds the firmware of the AVR: the core as C, the board, the drivers; with its figures.

import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import type { Translation } from "../../host/aot/translate.ts";
import { compileCore, TIMED } from "../avr-build.ts";
import { halNames } from "../c-contract.ts";
import { translateCore } from "../core-c.ts";
import { fromRoot } from "../root.ts";
import { type ObjectSizes, readMap } from "./link-map.ts";
import { boundStack, readFrames, type StackBound } from "./stack.ts";

const CC = "avr-gcc";
const MCU = "-mmcu=atmega1284p";
const STRICT = ["-Wall", "-Wextra", "-Werror", "-fstack-usage"];
/** Of the board and the drivers. */
const COMPILE = [
  ...[MCU, "-std=gnu11", "-Os", "-mstrict-X", "-mcall-prologues"],
  ...["-ffunction-sections", "-fdata-sections"],
];
/** -Tdata stands where gcc's own for this chip would: linear memory lies below the statics of C. */
const LINK = ["-Wl,--gc-sections,--relax,-Tdata=0x803C00"];
const FOLDERS = [
  "targets/common",
  "targets/common/devices",
  "targets/avr/board",
  "targets/avr/drivers",
];
const CORE = "core.c";
const SCRIPT = "targets/avr/board/atmega1284p.ld";

/** First byte of the largest boot section, BOOTSZ 00. */
const BOOT_SECTION = "0x1E000";

export interface Firmware {
  /** Folder with hsx.elf, hsx.hex, hsx.map, and hsx-test.elf, which keeps every export of the core and all of the HAL. */
  readonly folder: string;
  readonly objects: readonly ObjectSizes[];
  readonly stack: StackBound;
}

const run = promisify(execFile);

/** Sources of a folder; what is called blank is for other boards to begin with. */
function sources(folder: string): string[] {
  const names = readdirSync(fromRoot(folder)).sort();
  return names
    .filter((name) => /\.[cS]$/.test(name) && !name.includes("blank"))
    .map((name) => fromRoot(folder, name));
}

/** Writes core.c, core.h and core.json, which a debug port reads. */
function writeCore(folder: string): Translation {
  const core = translateCore("small", "avr");
  const { code, header, imports, exports } = core;
  writeFileSync(join(folder, CORE), code);
  writeFileSync(join(folder, "core.h"), header);
  writeFileSync(join(folder, "core.json"), `${JSON.stringify({ imports, exports })}\n`);
  return core;
}

/** Symbols that object files take from others. */
function needed(folder: string, objects: readonly string[]): string[] {
  const args = ["--undefined-only", "--format=posix", ...objects];
  const list = execFileSync("avr-nm", args, { cwd: folder, encoding: "utf8" });
  return list.split("\n").flatMap((line) => /^(\w+) U/.exec(line)?.[1] ?? []);
}

/** Object files are named alone, relative to the folder they are in, so that the map is the same everywhere. */
async function compile(folder: string, core: Translation): Promise<string[]> {
  const include = ["-I.", ...FOLDERS.map((name) => `-I${fromRoot(name)}`)];
  const files = FOLDERS.flatMap(sources);
  const objects = files.map((file) => basename(file).replace(/\.[cS]$/, ".o"));
  const jobs = files.map((file, n) => {
    const strict = file.endsWith(".c") ? STRICT : [];
    const output = ["-c", file, "-o", objects[n] as string];
    return run(CC, [...COMPILE, ...strict, ...include, ...output], { cwd: folder });
  });
  await Promise.all(jobs);
  compileCore(folder, core, include, needed(folder, objects), TIMED);
  return [CORE.replace(/c$/, "o"), ...objects];
}

function link(folder: string, name: string, objects: readonly string[], kept: readonly string[]) {
  const keep = kept.map((symbol) => `-Wl,-u,${symbol}`);
  const args = [MCU, "-T", fromRoot(SCRIPT), ...LINK, ...keep, `-Wl,-Map=${name}.map`];
  execFileSync(CC, [...args, ...objects, "-lm", "-o", `${name}.elf`], { cwd: folder });
}

/** Builds the bootloader that loads nothing. */
function buildStub(folder: string): void {
  const include = FOLDERS.map((name) => `-I${fromRoot(name)}`);
  const place = ["-nostartfiles", `-Wl,--section-start=.text=${BOOT_SECTION}`];
  const source = fromRoot("targets/avr/boot/stub.c");
  const flags = [...COMPILE, ...STRICT.filter((flag) => flag !== "-fstack-usage"), ...include];
  execFileSync(CC, [...flags, ...place, source, "-o", "boot-stub.elf"], { cwd: folder });
}

function measure(folder: string, objects: readonly string[]): Omit<Firmware, "folder"> {
  const disassembly = execFileSync(
    "avr-objdump",
    ["-t", "-d", "--no-show-raw-insn", join(folder, "hsx.elf")],
    { encoding: "utf8", maxBuffer: 1 << 26 },
  );
  const usage = objects.map((name) => join(folder, name.replace(/o$/, "su")));
  const frames = readFrames(usage.filter(existsSync).map((file) => readFileSync(file, "utf8")));
  return {
    objects: readMap(readFileSync(join(folder, "hsx.map"), "utf8")),
    stack: boundStack(disassembly, frames),
  };
}

/** Builds everything into a folder of its own. The core must have been built. */
export async function buildAvr(folder: string): Promise<Firmware> {
  mkdirSync(folder, { recursive: true });
  const core = writeCore(folder);
  const exports = core.exports.map(({ symbol }) => symbol);
  const objects = await compile(folder, core);
  link(folder, "hsx", objects, []);
  link(folder, "hsx-test", objects, [...exports, ...halNames()]);
  buildStub(folder);
  for (const name of ["hsx", "hsx-test", "boot-stub"]) {
    const sections = ["-j", ".text", "-j", ".data"];
    const files = [`${name}.elf`, `${name}.hex`];
    execFileSync("avr-objcopy", ["-O", "ihex", ...sections, ...files], { cwd: folder });
  }
  return { folder, ...measure(folder, objects) };
}
