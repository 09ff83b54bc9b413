// The C of every family: headers are fresh, agree with the translated core, and a blank HAL compiles anywhere.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { coreOptions } from "../../host/aot/core-options.ts";
import type { Target } from "../../host/aot/options.ts";
import { translate } from "../../host/aot/translate.ts";
import {
  ERRORS_HEADER,
  HAL_BLANK,
  HAL_HEADER,
  renderErrorsHeader,
  renderHalBlank,
  renderHalHeader,
} from "../../scripts/c-contract.ts";
import { fromRoot } from "../../scripts/root.ts";
import { read } from "../repo/sources.ts";

const STRICT = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"];
const COMMON = fromRoot("targets/common");
const COMPILERS: Readonly<Partial<Record<Target, readonly string[]>>> = {
  host: ["gcc"],
  avr: ["avr-gcc", "-mmcu=atmega1284p"],
  "arm-m0": ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb"],
};
const TARGETS = Object.keys(COMPILERS) as Target[];

/** Compiles a file of targets/common with the headers in build/common/FOLDER as well. */
function compile(target: Target, file: string, folder: string): void {
  const [command = "", ...flags] = COMPILERS[target] ?? [];
  const include = [`-I${COMMON}`, `-I${fromRoot("build/common", folder)}`];
  execFileSync(command, [...flags, ...STRICT, ...include, join(COMMON, file)], { stdio: "pipe" });
}

function writeHeader(folder: string, text: string): void {
  mkdirSync(fromRoot("build/common", folder), { recursive: true });
  writeFileSync(fromRoot("build/common", folder, "core.h"), text);
}

function coreHeader(target: Target): string {
  const wasm = readFileSync(fromRoot("build/core/small.wasm"));
  return translate(wasm, coreOptions("small", target)).header;
}

describe("the porting surface in C", () => {
  it("is fresh (npm run gen)", () => {
    expect(read(HAL_HEADER)).toBe(renderHalHeader());
    expect(read(ERRORS_HEADER)).toBe(renderErrorsHeader());
    expect(read(HAL_BLANK)).toBe(renderHalBlank());
  });

  it.each(TARGETS)("has a blank HAL that compiles: %s", (target) => {
    compile(target, "hal_blank.c", target);
  });

  it.each(TARGETS)("is what the translated core calls: %s", (target) => {
    writeHeader(target, coreHeader(target));
    compile(target, "main.c", target);
  });

  it("is compared with the core by the compiler", () => {
    const header = coreHeader("avr").replace("u32 nv_size(void)", "u16 nv_size(void)");
    writeHeader("other", header);
    expect(() => compile("avr", "main.c", "other")).toThrow("conflicting types");
  });
});
